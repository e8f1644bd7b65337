#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "antrea/api/core.h"
#include "antrea/node/node_config.h"

namespace antrea::node {

/// What changed among the peers: complete new values, and names of those that are gone.
struct PeerChanges {
  std::vector<PeerNode> updated;
  std::vector<std::string> removed;
  bool empty() const { return updated.empty() && removed.empty(); }
  friend bool operator==(const PeerChanges&, const PeerChanges&) = default;
};

/// Engine: Nodes of the cluster in, peers to tunnel to out.
///
/// A Node is a peer when it has an address and a Pod CIDR and is not this Node. The tunnel's far
/// end is the Node's first internal address of this Node's transport family. A Pod CIDR that two
/// Nodes claim (one of them is going away, the other got its range) belongs to the older Node until
/// that one is gone, whatever order the news came in.
class ANTREA_API NodeRoutes {
 public:
  explicit NodeRoutes(const NodeConfig& self);

  /// A Node as it is now.
  PeerChanges apply(const api::Node& node);
  /// A Node that is gone.
  PeerChanges remove(std::string_view name);
  /// The whole list: Nodes not in it are gone.
  PeerChanges replace(const std::vector<api::Node>& nodes);

  /// By name.
  const std::map<std::string, PeerNode, std::less<>>& peers() const { return peers_; }

 private:
  struct Claim {  // orders claimants of a CIDR: the first one has it
    std::string created;
    std::string name;
    friend auto operator<=>(const Claim&, const Claim&) = default;
  };
  struct Known {
    std::string created;
    IpAddress node_ip;
    std::vector<IpPrefix> pod_cidrs;
  };
  using Names = std::set<std::string, std::less<>>;

  std::optional<Known> read(const api::Node& node) const;
  void withdraw(std::string_view name, Names& touched);
  PeerChanges settle(const Names& touched);

  std::string self_;
  Family transport_ = Family::kIPv4;
  std::vector<IpPrefix> own_cidrs_;
  std::map<std::string, Known, std::less<>> nodes_;
  std::map<IpPrefix, std::set<Claim>> claims_;
  std::map<std::string, PeerNode, std::less<>> peers_;
};

}  // namespace antrea::node
