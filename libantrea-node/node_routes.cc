#include "antrea/node/node_routes.h"

#include <algorithm>

namespace antrea::node {

NodeRoutes::NodeRoutes(const NodeConfig& self)
    : self_(self.name),
      transport_(self.node_ips.empty() ? Family::kIPv4 : self.node_ips.front().family()),
      own_cidrs_(self.pod_cidrs) {}

PeerChanges NodeRoutes::apply(const api::Node& node) {
  Names touched;
  withdraw(node.metadata.name, touched);
  if (auto known = read(node)) {
    for (const auto& cidr : known->pod_cidrs) {
      auto& claims = claims_[cidr];
      claims.insert({known->created, node.metadata.name});
      for (const auto& claim : claims) touched.insert(claim.name);
    }
    nodes_.insert_or_assign(node.metadata.name, std::move(*known));
  }
  return settle(touched);
}

PeerChanges NodeRoutes::remove(std::string_view name) {
  Names touched;
  withdraw(name, touched);
  return settle(touched);
}

PeerChanges NodeRoutes::replace(const std::vector<api::Node>& nodes) {
  Names gone;
  for (const auto& [name, known] : nodes_) gone.insert(name);
  for (const auto& node : nodes) gone.erase(node.metadata.name);
  const auto before = peers_;
  for (const auto& name : gone) remove(name);
  for (const auto& node : nodes) apply(node);

  PeerChanges out;
  for (const auto& [name, peer] : before)
    if (!peers_.contains(name)) out.removed.push_back(name);
  for (const auto& [name, peer] : peers_) {
    const auto old = before.find(name);
    if (old == before.end() || old->second != peer) out.updated.push_back(peer);
  }
  return out;
}

std::optional<NodeRoutes::Known> NodeRoutes::read(const api::Node& node) const {
  if (node.metadata.name == self_) return {};
  const auto ip = std::ranges::find(node.internal_ips, transport_, &IpAddress::family);
  if (ip == node.internal_ips.end()) return {};
  Known known{node.metadata.creation_timestamp, *ip, {}};
  for (const auto& cidr : node.pod_cidrs)
    if (std::ranges::find(own_cidrs_, cidr) == own_cidrs_.end()) known.pod_cidrs.push_back(cidr);
  return known;
}

// Forgets a Node; those that may inherit its CIDRs are touched.
void NodeRoutes::withdraw(std::string_view name, Names& touched) {
  const auto node = nodes_.find(name);
  if (node == nodes_.end()) return;
  touched.emplace(name);
  for (const auto& cidr : node->second.pod_cidrs) {
    const auto claims = claims_.find(cidr);
    claims->second.erase({node->second.created, std::string(name)});
    for (const auto& claim : claims->second) touched.insert(claim.name);
    if (claims->second.empty()) claims_.erase(claims);
  }
  nodes_.erase(node);
}

PeerChanges NodeRoutes::settle(const Names& touched) {
  PeerChanges out;
  for (const auto& name : touched) {
    PeerNode peer{name, {}, {}};
    if (const auto node = nodes_.find(name); node != nodes_.end()) {
      peer.node_ip = node->second.node_ip;
      for (const auto& cidr : node->second.pod_cidrs)
        if (claims_.at(cidr).begin()->name == name) peer.pod_cidrs.push_back(cidr);
    }
    const auto old = peers_.find(name);
    if (peer.pod_cidrs.empty()) {
      if (old == peers_.end()) continue;
      peers_.erase(old);
      out.removed.push_back(name);
    } else if (old == peers_.end() || old->second != peer) {
      out.updated.push_back(peer);
      peers_.insert_or_assign(name, std::move(peer));
    }
  }
  return out;
}

}  // namespace antrea::node
