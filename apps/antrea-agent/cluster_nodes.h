#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "antrea/api/core.h"
#include "antrea/base/log.h"
#include "antrea/kube/informer.h"
#include "antrea/node/node_routes.h"

namespace antrea::agent {

/// The Nodes of the cluster, as the API tells of them; and the peers to tunnel to among them, once
/// it is known what this Node itself is.
class ClusterNodes {
 public:
  /// `self`: this Node's name.
  ClusterNodes(std::string self, Logger logger)
      : self_(std::move(self)), logger_(std::move(logger)) {}

  /// What that changes among the peers.
  node::PeerChanges take(std::span<const kube::Change> changes);
  /// From now on there are peers.
  void join(const node::NodeConfig& config);

  /// This Node's object; null: there is none.
  const api::Node* self() const;
  const std::map<std::string, api::Node>& all() const { return nodes_; }
  std::vector<node::PeerNode> peers() const;

 private:
  std::string self_;
  Logger logger_;
  std::map<std::string, api::Node> nodes_;
  std::optional<node::NodeRoutes> routes_;
};

}  // namespace antrea::agent
