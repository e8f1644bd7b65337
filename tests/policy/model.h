#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "antrea/api/controlplane_changes.h"
#include "antrea/policy/flow_compiler.h"
#include "antrea/policy/rule_cache.h"
#include "flow_interpreter.h"
#include "native_oracle.h"

namespace antrea::policy::testing {

namespace cp = api::controlplane;

/// What a control-plane store would hold. Takes the compiler's changes and complains (by a
/// GoogleTest failure) when they are not the exact difference.
class StoreModel {
 public:
  struct Policy {
    std::shared_ptr<const cp::NetworkPolicy> object;
    cp::NodeSet span;
    bool unrealizable = false;
    friend bool operator==(const Policy& a, const Policy& b) {
      return *a.object == *b.object && a.span == b.span && a.unrealizable == b.unrealizable;
    }
  };
  struct AddressGroup {
    cp::NodeSet span;
    std::vector<cp::GroupMember> members;
    friend bool operator==(const AddressGroup&, const AddressGroup&) = default;
  };
  std::map<std::string, Policy> policies;
  std::map<std::string, AddressGroup> address_groups;
  std::map<std::string, std::map<std::string, std::vector<cp::GroupMember>>> applied_to_groups;
  std::map<std::string, std::set<cp::EvaluatedPod>> evaluated;

  void apply(const cp::Changes& changes);
  friend bool operator==(const StoreModel&, const StoreModel&) = default;

  /// What the Node would be sent at the start of its three watches.
  std::vector<RuleInput> initial(const std::string& node) const;
};

/// The three watches of a Node: events in order within each, not between them.
class WatchModel {
 public:
  explicit WatchModel(std::string node) : node_(std::move(node)) {}
  void follow(const StoreModel& before, const StoreModel& after, const cp::Changes& changes);
  std::deque<RuleInput> policies, address_groups, applied_to_groups;
  bool empty() const {
    return policies.empty() && address_groups.empty() && applied_to_groups.empty();
  }

 private:
  std::string node_;
};

/// The group of a Service: numbers below 65536 that depend on nothing else.
std::uint32_t service_group(const api::ObjectKey& service);

/// A Node's rule cache, compiler and switch.
class AgentModel {
 public:
  explicit AgentModel(std::string node, FlowCompiler::Options options = {})
      : node_(std::move(node)), compiler(options) {}
  void apply(std::span<const RuleInput> inputs);
  /// Interfaces of the Pods that live here now, what names stand for and which groups Services
  /// have; as far as it has not been told yet.
  std::vector<RuleInput> local_changes(const Cluster& cluster);
  const std::string& node() const { return node_; }
  std::uint32_t ofport(const api::ObjectKey& pod) const { return interfaces_.at(pod).ofport; }

 private:
  std::string node_;
  std::map<api::ObjectKey, PodInterface> interfaces_;
  std::map<std::string, std::set<IpAddress>> resolved_;
  std::set<api::ObjectKey> services_;

 public:
  RuleCache cache;
  FlowCompiler compiler;
  FlowTable table;
};

/// Reads the objects that a Node holds rule by rule, without flows.
Judgement internal_judge(const StoreModel& store, const Cluster& cluster, const std::string& node,
                         bool ingress, const Probe& probe);

/// The verdict of the Node's flows on the probe, and the rule that decided, if one did.
struct FlowVerdict {
  Verdict verdict = Verdict::kAllow;
  std::shared_ptr<const RuleIdentity> rule;
};
FlowVerdict flows_judge(const AgentModel& agent, bool ingress, const Probe& probe);

}  // namespace antrea::policy::testing
