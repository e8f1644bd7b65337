#pragma once

#include <random>
#include <string>
#include <vector>

#include "antrea/policy/compiler.h"
#include "oracle.h"

namespace antrea::policy::testing {

/// Random clusters with few names, labels and ports, so that things meet; and random changes of
/// them.
class World {
 public:
  /// With `native`, also of tiers, groups and the policies beside Kubernetes'.
  explicit World(std::uint64_t seed, bool native = false) : random_(seed), native_(native) {}

  Cluster cluster;
  bool native() const { return native_; }

  /// Some Namespaces, Pods and policies; with some objects that are not in order (Pods without Node
  /// or address, ended ones whose address another has, Namespaces that nobody has told of).
  void populate();
  /// Everything there is, in random order.
  std::vector<ObjectChange> everything();
  /// Changes the cluster at random and says how.
  ObjectChange mutate();
  /// Other addresses behind the DNS names.
  void resolve_names();
  /// The deletion of every native object.
  void add_goodbyes(std::vector<ObjectChange>& changes) const;
  /// First packets between all Pods and outside addresses, with the ports that policies and Pods
  /// speak of.
  std::vector<Probe> probes();

  std::size_t below(std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random_);
  }
  bool chance(double p) { return std::bernoulli_distribution(p)(random_); }
  template <typename Range>
  void shuffle(Range& range) {
    std::shuffle(range.begin(), range.end(), random_);
  }
  static std::string node_of(std::size_t index) { return "node-" + std::to_string(index); }
  static constexpr std::size_t kNodes = 3;

 private:
  template <typename Value>
  const Value& pick(const std::vector<Value>& values) {
    return values[below(values.size())];
  }
  api::Labels labels();
  api::LabelSelector selector();
  IpAddress fresh_address(Family family);
  IpAddress any_address();
  IpPrefix prefix();
  api::Namespace make_namespace(const std::string& name);
  api::Pod make_pod(const api::ObjectKey& key);
  void give_node_and_addresses(api::Pod& pod);
  api::NetworkPolicy make_policy(const api::ObjectKey& key);
  api::NetworkPolicyRule make_rule();
  api::NetworkPolicyPort make_port();

  // The native part: native_world.cc.
  void populate_native();
  void add_native(std::vector<ObjectChange>& changes) const;
  ObjectChange mutate_native();
  void vary(Probe& probe);
  api::crd::GroupSpec make_group(bool cluster);
  api::crd::AppliedTo make_applied_to(bool cluster, const std::string& ns);
  api::crd::NetworkPolicyPeer make_native_peer(bool cluster, bool ingress);
  api::crd::Rule make_native_rule(bool cluster, bool ingress, bool baseline);
  void fill_for_node_ports(api::crd::PolicySpec& spec);
  api::crd::PolicySpec make_spec(bool cluster, const std::string& ns);
  api::admin::NamespacedPods make_namespaced_pods() { return {selector(), selector()}; }
  api::admin::Rule make_admin_rule(bool ingress, bool baseline);
  template <typename Policy>
  void fill_admin(Policy& policy, bool baseline);
  api::Node make_node(std::size_t index);
  api::crd::ExternalEntity make_entity(const api::ObjectKey& key);
  template <typename Object>
  void name(Object& object, const api::ObjectKey& key);

  std::mt19937_64 random_;
  bool native_;
  std::uint32_t next_address_ = 1;
  std::uint32_t next_uid_ = 1;
};

}  // namespace antrea::policy::testing
