#include "cluster_nodes.h"

#include <algorithm>

#include "antrea/api/json.h"
#include "api_objects.h"

namespace antrea::agent {

node::PeerChanges ClusterNodes::take(std::span<const kube::Change> changes) {
  node::PeerChanges peers;
  const auto join = [&](node::PeerChanges more) {
    std::ranges::move(more.updated, std::back_inserter(peers.updated));
    std::ranges::move(more.removed, std::back_inserter(peers.removed));
  };
  each_decoded(changes, api::decode_node, logger_, [&](api::Node node, bool gone) {
    if (routes_) join(gone ? routes_->remove(node.metadata.name) : routes_->apply(node));
    if (gone)
      nodes_.erase(node.metadata.name);
    else
      nodes_.insert_or_assign(node.metadata.name, std::move(node));
  });
  return peers;
}

void ClusterNodes::join(const node::NodeConfig& config) {
  routes_.emplace(config);
  for (const auto& [name, node] : nodes_) (void)routes_->apply(node);
}

const api::Node* ClusterNodes::self() const {
  const auto found = nodes_.find(self_);
  return found == nodes_.end() ? nullptr : &found->second;
}

std::vector<node::PeerNode> ClusterNodes::peers() const {
  std::vector<node::PeerNode> peers;
  if (!routes_) return peers;
  for (const auto& [name, peer] : routes_->peers()) peers.push_back(peer);
  return peers;
}

}  // namespace antrea::agent
