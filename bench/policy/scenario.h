#pragma once

#include <random>
#include <string>
#include <vector>

#include "antrea/policy/compiler.h"

namespace antrea::policy::bench {

/// The published cases of the original's controller (antrea:
/// pkg/controller/networkpolicy/networkpolicy_controller_perf_test.go): Pods on random Nodes of
/// 1000 with random addresses; policies for both directions with at most one ingress rule and no
/// egress rule.
class Scenario {
 public:
  std::vector<ObjectChange> objects;
  std::size_t pods = 0, policies = 0;

  /// `namespaces` Namespaces, each with a default-deny policy, two policies between equals and two
  /// Pods of each label.
  static Scenario small_namespaces(std::size_t namespaces) {
    Scenario s;
    for (std::size_t n = 0; n < namespaces; ++n) {
      const std::string ns = "ns-" + std::to_string(n);
      s.add_namespace(ns, {{"app", ns}});
      s.add_policy(ns, "default-deny", {}, false);
      for (const std::string app : {"app-1", "app-2"}) {
        const api::Labels labels{{app, "scale-" + app.substr(4)}};
        s.add_policy(ns, "np-" + app.substr(4), labels, true);
        for (int i = 0; i < 2; ++i) s.add_pod(ns, labels);
      }
    }
    return s;
  }

  /// All Pods and policies in one Namespace, with one label set.
  static Scenario one_namespace(std::size_t count) {
    Scenario s;
    s.add_namespace("ns", {{"app", "ns"}});
    const api::Labels labels{{"app-1", "scale-1"}};
    for (std::size_t i = 0; i < count; ++i) {
      s.add_policy("ns", "np-" + std::to_string(i), labels, true);
      s.add_pod("ns", labels);
    }
    return s;
  }

  /// `count` times: labels A and B, a policy for each that allows the other, one Pod of each.
  static Scenario policy_per_pod(std::size_t count) {
    Scenario s;
    s.add_namespace("ns", {{"app", "ns"}});
    for (std::size_t i = 0; i < count; ++i) {
      const api::Labels a{{"pod", "a-" + std::to_string(i)}}, b{{"pod", "b-" + std::to_string(i)}};
      s.add_policy("ns", "a-" + std::to_string(i), a, true, b);
      s.add_policy("ns", "b-" + std::to_string(i), b, true, a);
      s.add_pod("ns", a);
      s.add_pod("ns", b);
    }
    return s;
  }

  /// `namespaces` Namespaces with four Pods each, which one policy keeps apart from one another:
  /// everybody may talk inside of their own, and nobody else to them.
  static Scenario namespace_isolation(std::size_t namespaces) {
    Scenario s;
    for (std::size_t n = 0; n < namespaces; ++n) {
      const std::string ns = "ns-" + std::to_string(n);
      s.add_namespace(ns, {});
      for (int i = 0; i < 4; ++i) s.add_pod(ns, {{"app", "a-" + std::to_string(i)}});
    }
    auto policy = std::make_shared<api::crd::ClusterNetworkPolicy>();
    policy->metadata.name = "isolation";
    policy->metadata.uid = uid(1'000'000 + ++s.policies);
    policy->spec.tier = api::crd::kDefaultTier;
    policy->spec.priority = 5;
    policy->spec.applied_to.emplace_back().pod_selector.emplace();
    api::crd::Rule inside, others;
    inside.peers.emplace_back().namespaces = api::crd::PeerNamespaces{.match_self = true};
    inside.name = "inside";
    others.action = api::crd::RuleAction::kDrop;
    others.name = "others";
    policy->spec.ingress = {inside, others};
    s.objects.emplace_back(std::move(policy));
    return s;
  }

  void add_namespace(const std::string& name, api::Labels labels) {
    auto ns = std::make_shared<api::Namespace>();
    ns->metadata.name = name;
    labels["kubernetes.io/metadata.name"] = name;
    ns->metadata.labels = std::move(labels);
    objects.emplace_back(std::move(ns));
  }
  void add_pod(const std::string& ns, const api::Labels& labels) {
    auto pod = std::make_shared<api::Pod>();
    pod->metadata.namespace_ = ns;
    pod->metadata.name = "pod-" + std::to_string(pods);
    pod->metadata.uid = uid(++pods);
    pod->metadata.labels = labels;
    pod->node_name = "node-" + std::to_string(random_() % 1000);
    pod->phase = "Running";
    pod->pod_ips = {IpAddress::v4(static_cast<std::uint32_t>(random_()))};
    objects.emplace_back(std::move(pod));
  }
  void add_policy(const std::string& ns, const std::string& name, const api::Labels& target,
                  bool rule, const api::Labels& peer_labels = {}) {
    auto policy = std::make_shared<api::NetworkPolicy>();
    policy->metadata.namespace_ = ns;
    policy->metadata.name = name;
    policy->metadata.uid = uid(1'000'000 + ++policies);
    policy->pod_selector.match_labels = target;
    policy->policy_ingress = policy->policy_egress = true;
    if (rule) {
      api::NetworkPolicyPeer peer;
      peer.pod_selector = api::LabelSelector{peer_labels.empty() ? target : peer_labels, {}};
      policy->ingress.push_back({{std::move(peer)}, {}});
    }
    objects.emplace_back(std::move(policy));
  }

 private:
  static std::string uid(std::size_t n) {
    std::string digits = std::to_string(n);
    return "00000000-0000-4000-8000-" + std::string(12 - digits.size(), '0') + digits;
  }
  std::mt19937 random_{1};
};

}  // namespace antrea::policy::bench
