#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "antrea/policy/evaluator.h"
#include "priority_assigner.h"

namespace antrea::policy {

/// Where Kubernetes' policies stand among the tiers.
inline constexpr std::int32_t kKubernetesTier = 252;

/// All rules of a cluster with what they refer to, by the Pods that they are applied to: what the
/// offline questions are asked of.
class RuleBook {
 public:
  using Ports = std::vector<api::controlplane::NamedPort>;
  struct Members {
    // By address; several members may share one.
    std::unordered_multimap<IpAddress, const Ports*> by_address;
    std::vector<api::controlplane::GroupMember> all;
  };
  struct Rule {
    RuleStep step;
    api::controlplane::Direction direction{};
    int index = 0;  ///< in the source's list of its direction; parts of one rule share it
    const api::controlplane::NetworkPolicyRule* source = nullptr;
    std::optional<RuleOrder> order;  ///< absent: Kubernetes'
    std::string key;                 ///< of the completed rules made from it
    std::vector<const Members*> groups;
    std::vector<IpPrefix> blocks;
    std::vector<api::controlplane::ServiceReference> at_node_ports;  ///< applied to these Services

    bool k8s() const { return !order; }
    const api::controlplane::NetworkPolicyPeer& peer() const { return source->peers; }
  };
  /// A rule as it applies to one Pod.
  struct AppliedRule {
    const Rule* rule;
    const Ports* ports;  // of the Pod
  };
  using AppliedRules = std::vector<AppliedRule>;

  explicit RuleBook(std::span<const ObjectChange> objects);
  RuleBook(const RuleBook&) = delete;
  RuleBook& operator=(const RuleBook&) = delete;

  const std::vector<Rule>& rules() const { return rules_; }
  /// In the order in which they are looked at.
  const AppliedRules& rules_of(const api::ObjectKey& pod,
                               api::controlplane::Direction direction) const;
  /// Likewise, of what was sent to a NodePort of the Service.
  const AppliedRules& rules_of(const api::controlplane::ServiceReference& service) const;
  /// Those that rules are applied to.
  std::vector<api::controlplane::ServiceReference> node_port_services() const;
  /// Those that take part, with their addresses, sorted.
  const std::map<api::ObjectKey, std::vector<IpAddress>>& pods() const { return pods_; }
  const api::ObjectKey* pod_at(const IpAddress& ip) const;
  const std::map<api::ObjectKey, std::shared_ptr<const api::Service>>& services() const {
    return services_;
  }
  const api::Pod* pod(const api::ObjectKey& key) const;
  const std::vector<api::controlplane::NetworkPolicyReference>& unrealizable() const {
    return unrealizable_;
  }

  /// Both in one order.
  static AppliedRules merged(const AppliedRules& a, const AppliedRules& b);
  /// Whether `a` is looked at before `b`.
  static bool before(const Rule& a, const Rule& b);

 private:
  void note(const std::shared_ptr<const api::Pod>& pod);
  void take_rules();
  void apply_rules();
  void apply_rule(Rule& rule, const api::controlplane::GroupMember& member);
  static void sort(AppliedRules& rules);

  std::map<std::string, Members> address_groups_;
  std::map<std::string, std::vector<api::controlplane::GroupMember>> applied_to_groups_;
  std::vector<std::shared_ptr<const api::controlplane::NetworkPolicy>> policies_;
  std::vector<Rule> rules_;
  std::map<api::ObjectKey, std::array<AppliedRules, 2>> rules_of_;
  std::map<api::controlplane::ServiceReference, AppliedRules> rules_of_services_;
  std::map<api::ObjectKey, std::vector<IpAddress>> pods_;
  std::map<api::ObjectKey, std::shared_ptr<const api::Pod>> pod_objects_;
  std::map<api::ObjectKey, std::shared_ptr<const api::Service>> services_;
  std::unordered_map<IpAddress, api::ObjectKey> pod_at_;
  std::vector<api::controlplane::NetworkPolicyReference> unrealizable_;
};

}  // namespace antrea::policy
