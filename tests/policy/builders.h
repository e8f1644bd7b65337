#pragma once

#include <initializer_list>
#include <memory>
#include <string>

#include "antrea/policy/compiler.h"
#include "tests/addresses.h"

/// Objects by name, as short as a test wants to write them.
namespace antrea::policy::testing {

inline std::shared_ptr<const api::Namespace> ns(const std::string& name, api::Labels labels = {}) {
  auto object = std::make_shared<api::Namespace>();
  object->metadata.name = name;
  object->metadata.labels = std::move(labels);
  return object;
}

inline std::shared_ptr<api::Pod> pod(const std::string& name, api::Labels labels,
                                     const std::string& node,
                                     std::initializer_list<std::string> ips) {
  auto object = std::make_shared<api::Pod>();
  object->metadata.namespace_ = "default";
  object->metadata.name = name;
  object->metadata.uid = "uid-of-" + name;
  object->metadata.labels = std::move(labels);
  object->node_name = node;
  object->phase = "Running";
  for (const std::string& address : ips) object->pod_ips.push_back(ip(address));
  return object;
}

inline api::LabelSelector labelled(const std::string& key, const std::string& value) {
  return {{{key, value}}, {}};
}

inline api::NetworkPolicyPeer pods_with(const std::string& key, const std::string& value) {
  api::NetworkPolicyPeer peer;
  peer.pod_selector = labelled(key, value);
  return peer;
}

/// Selects the Pods app=web of "default", for ingress.
inline std::shared_ptr<api::NetworkPolicy> ingress_policy(
    const std::string& name, std::vector<api::NetworkPolicyRule> rules) {
  auto object = std::make_shared<api::NetworkPolicy>();
  object->metadata.namespace_ = "default";
  object->metadata.name = name;
  object->metadata.uid = "uid-of-" + name;
  object->pod_selector = labelled("app", "web");
  object->policy_ingress = true;
  object->ingress = std::move(rules);
  return object;
}

}  // namespace antrea::policy::testing
