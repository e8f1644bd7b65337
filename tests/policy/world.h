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
  explicit World(std::uint64_t seed) : random_(seed) {}

  Cluster cluster;

  /// Some Namespaces, Pods and policies; with some objects that are not in order (Pods without Node
  /// or address, ended ones whose address another has, Namespaces that nobody has told of).
  void populate();
  /// Everything there is, in random order.
  std::vector<ObjectChange> everything();
  /// Changes the cluster at random and says how.
  ObjectChange mutate();
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

  std::mt19937_64 random_;
  std::uint32_t next_address_ = 1;
  std::uint32_t next_uid_ = 1;
};

}  // namespace antrea::policy::testing
