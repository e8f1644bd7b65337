#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "antrea/proxy/service_types.h"

namespace antrea::proxy {

/// A port of the Node that leads to one port of one Pod.
struct LocalPort {
  Family family = Family::kIPv4;
  api::Protocol protocol = api::Protocol::kTcp;
  std::uint16_t port = 0;
  friend auto operator<=>(const LocalPort&, const LocalPort&) = default;
};

/// What a Pod's annotation nodeportlocal.antrea.io says of one of its ports.
struct Exposure {
  std::uint16_t pod_port = 0;
  IpAddress node_ip;
  std::uint16_t node_port = 0;
  api::Protocol protocol = api::Protocol::kTcp;
  friend auto operator<=>(const Exposure&, const Exposure&) = default;
};

inline constexpr std::string_view kExposuresAnnotation = "nodeportlocal.antrea.io";

/// As JSON, in the order given; of none: "".
ANTREA_API std::string to_annotation(const std::vector<Exposure>& exposures);
/// Entries without family, as older releases wrote them, are IPv4. Error: kMalformed.
ANTREA_API Result<std::vector<Exposure>> parse_annotation(std::string_view text);

struct NodePortLocalConfig {
  std::string node_name;
  std::uint16_t first_port = 61000, last_port = 62000;
};

/// What follows from a change.
struct NodePortLocalOutcome {
  std::vector<LocalPort> close;        ///< translation first, then the socket
  std::map<LocalPort, Backend> open;   ///< to be listened at, then translated
  std::set<api::ObjectKey> annotate;   ///< Pods whose `exposures` are others now
  std::vector<std::string> exhausted;  ///< "namespace/pod:port/TCP": no port is left for it
  bool empty() const {
    return close.empty() && open.empty() && annotate.empty() && exhausted.empty();
  }
};

/// Engine: which ports of this Node lead to which ports of its Pods (antrea:
/// pkg/agent/nodeportlocal, docs/node-port-local.md). Services of type ClusterIP or LoadBalancer
/// with the annotation nodeportlocal.antrea.io/enabled: "true" expose the target ports, TCP and
/// UDP, of the Pods in their Namespace that they select. A container's own hostPort is told as it
/// is, without a translation.
///
/// Each Pod port, protocol and family has a Node port of its own, the next one after the last that
/// was given; it keeps it while it is exposed, also when the Pod's address changes. A process that
/// starts is told of addresses and Services first, then of all Pods at once: it goes on with the
/// ports in their annotations. A Pod for which no port was left gets the next that is closed.
class ANTREA_API NodePortLocal {
 public:
  explicit NodePortLocal(NodePortLocalConfig config);
  ~NodePortLocal();
  NodePortLocal(const NodePortLocal&) = delete;
  NodePortLocal& operator=(const NodePortLocal&) = delete;

  /// Addresses of this Node to be told, at most one of a family. Until there is one, ports of that
  /// family are not exposed.
  NodePortLocalOutcome set_node_ips(const std::vector<IpAddress>& ips);
  NodePortLocalOutcome apply(const api::Service& service);
  NodePortLocalOutcome remove_service(const api::ObjectKey& key);
  /// Pods of this Node. Those of other Nodes and of the host's network are left alone.
  NodePortLocalOutcome apply(std::span<const api::Pod> pods);
  NodePortLocalOutcome remove_pod(const api::ObjectKey& key);
  /// Somebody else has this port: another one is chosen, and this one is not tried again until a
  /// whole round of the range.
  NodePortLocalOutcome refuse(const LocalPort& port);
  /// Looks again for ports for those who got none: others may have closed theirs.
  NodePortLocalOutcome try_again();

  /// Ascending; empty: the Pod should have no annotation.
  std::vector<Exposure> exposures(const api::ObjectKey& pod) const;
  /// All translations there are to be.
  const std::map<LocalPort, Backend>& ports() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace antrea::proxy
