#pragma once

#include <optional>
#include <utility>

#include "antrea/policy/compare.h"
#include "native_oracle.h"
#include "world.h"

/// What the oracle says of conversations as the offline calls put them.
namespace antrea::policy::testing {

/// The Pod of this name, if it is one that conversations can begin or end at.
inline const api::Pod* participant(const Cluster& cluster, const api::ObjectKey& key) {
  const auto found = cluster.pods.find(key);
  if (found == cluster.pods.end()) return nullptr;
  const api::Pod& pod = found->second;
  return oracle_is_member(pod) && !pod.node_name.empty() && !pod.pod_ips.empty() ? &pod : nullptr;
}
inline const api::Pod* participant_at(const Cluster& cluster, const IpAddress& ip) {
  for (const auto& [key, pod] : cluster.pods)
    if (participant(cluster, key) != nullptr &&
        std::ranges::find(pod.pod_ips, ip) != pod.pod_ips.end())
      return &pod;
  return nullptr;
}

/// Two that live have one address: rules go by the address, the oracle by the Pod.
inline bool has_shared_address(const Cluster& cluster) {
  std::set<IpAddress> seen;
  for (const auto& [key, pod] : cluster.pods)
    if (participant(cluster, key) != nullptr)
      for (const IpAddress& ip : pod.pod_ips)
        if (!seen.insert(ip).second) return true;
  return false;
}

/// Whether the Service may lead to this end.
inline bool comes_by(const Cluster& cluster, const api::ObjectKey& key,
                     const std::optional<api::ObjectKey>& pod) {
  const auto service = cluster.services.find(key);
  if (service == cluster.services.end()) return false;
  if (service->second.selector.empty()) return true;
  return pod && pod->namespace_ == key.namespace_ &&
         oracle_selects({service->second.selector, {}}, cluster.pods.at(*pod).metadata.labels);
}

/// Both directions together, egress first. `names` stand for the destination.
inline api::controlplane::RuleAction oracle_verdict(const Cluster& in, const Conversation& c,
                                                    const std::vector<std::string>& names = {}) {
  Cluster cluster = in;
  cluster.resolved.clear();
  for (const std::string& name : names) cluster.resolved[name].insert(c.to.ip);
  Probe probe;
  if (c.from.pod) probe.from = participant(cluster, *c.from.pod);
  if (c.to.pod) probe.to = participant(cluster, *c.to.pod);
  probe.source = c.from.ip;
  probe.destination = c.to.ip;
  probe.protocol = static_cast<std::uint8_t>(c.protocol);
  probe.port = c.port;
  probe.source_port = c.source_port;
  probe.icmp_type = c.icmp_type;
  probe.icmp_code = c.icmp_code;
  if (c.service) probe.service = api::ObjectKey{c.service->namespace_, c.service->name};
  probe.by_node_port = c.by_node_port;
  for (const bool ingress : {false, true}) {
    if ((ingress ? probe.to : probe.from) == nullptr) continue;
    const Verdict verdict = oracle_judge(cluster, ingress, probe).verdict;
    if (verdict == Verdict::kDrop) return api::controlplane::RuleAction::kDrop;
    if (verdict == Verdict::kReject) return api::controlplane::RuleAction::kReject;
  }
  return api::controlplane::RuleAction::kAllow;
}

inline bool holds(const EndSet& ends, const ConversationEnd& end) {
  if (end.pod) return std::ranges::find(ends.pods, PodAddress{*end.pod, end.ip}) != ends.pods.end();
  return std::ranges::any_of(ends.outside,
                             [&](const IpPrefix& prefix) { return prefix.contains(end.ip); });
}
inline bool holds(const TrafficRange& box, const Conversation& c) {
  const bool named = static_cast<int>(c.protocol) != 47;
  if (!named || !box.protocol) return !named && !box.protocol;
  if (*box.protocol != c.protocol) return false;
  const bool icmp = c.protocol == api::controlplane::ServiceProtocol::kIcmp;
  const std::uint16_t x = icmp ? c.icmp_type : c.port, y = icmp ? c.icmp_code : c.source_port;
  return box.first_port <= x && x <= box.last_port && box.first_source_port <= y &&
         y <= box.last_source_port;
}
inline bool holds(const ChangedConversations& set, const Conversation& c,
                  const std::vector<std::string>& names = {}) {
  return set.service == c.service && set.by_node_port == c.by_node_port && set.names == names &&
         holds(set.from, c.from) && holds(set.to, c.to) &&
         std::ranges::any_of(set.traffic, [&](const TrafficRange& box) { return holds(box, c); });
}

}  // namespace antrea::policy::testing
