#pragma once

#include <functional>
#include <map>

#include "antrea/node/host_network.h"
#include "antrea/proxy/node_port_local.h"

namespace antrea::node {

/// Ports of the Node, and the ports of Pods that packets for them go to.
using LocalPorts = std::map<proxy::LocalPort, proxy::Backend>;

/// The table of nftables that translates them. It is apart from the other tables so that these stay
/// when ports change.
inline constexpr std::string_view kLocalPortTable = "inet antrea-node-port-local";

/// Adds that table to what the host shall have; without ports, that it shall not be there. To be
/// called once the ports are known: until then the table of an earlier life stays.
///
/// Translated is what comes for any address of the Node's own but 127.0.0.0/8 and ::1, or is sent
/// there by its own processes. What a Pod of this Node sends to another through such a port gets
/// the gateway's address, or the answer would go past the translation.
ANTREA_API void add_local_ports(const NodeConfig& config, const LocalPorts& ports,
                                HostState& state);

/// A port kept from others by a socket that is bound to it, at all addresses of its family, and
/// does nothing else: where there is no translation, connections are refused.
class ANTREA_API ReservedPort {
 public:
  /// Errors: kAlreadyExists (somebody else has it), kPermissionDenied, kIo.
  static Result<ReservedPort> bind(const proxy::LocalPort& port);
  ReservedPort(ReservedPort&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}
  ReservedPort& operator=(ReservedPort&& other) noexcept {
    std::swap(socket_, other.socket_);
    return *this;
  }
  ~ReservedPort();

 private:
  explicit ReservedPort(int socket) : socket_(socket) {}
  int socket_;
};

/// Shell of `proxy::NodePortLocal`: keeps sockets and translations as the engine says. A port is
/// translated only while its socket is bound: the socket comes first and goes last.
class ANTREA_API LocalPortKeeper {
 public:
  /// What it does to the host; both may fail and are then repeated by the next `settle`.
  struct Actions {
    std::function<Result<ReservedPort>(const proxy::LocalPort&)> reserve = ReservedPort::bind;
    /// Makes the translations these, all of them; `add_local_ports`.
    std::function<Result<>(const LocalPorts&)> translate;
  };
  /// The engine outlives it.
  LocalPortKeeper(proxy::NodePortLocal& engine, Actions actions)
      : engine_(engine), actions_(std::move(actions)) {}

  /// Brings the host in line with the engine, which is told of ports that others have and chooses
  /// others then; what follows from that is added to `outcome`. Does all that can be done and
  /// returns the first error. Without one, `outcome.annotate` may be told.
  Result<> settle(proxy::NodePortLocalOutcome& outcome);

  std::size_t reserved() const { return reserved_.size(); }

 private:
  Result<> reserve_all(proxy::NodePortLocalOutcome& outcome);

  proxy::NodePortLocal& engine_;
  Actions actions_;
  std::map<proxy::LocalPort, ReservedPort> reserved_;
};

}  // namespace antrea::node
