#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "antrea/base/export.h"
#include "antrea/base/ip.h"
#include "antrea/base/result.h"
#include "antrea/lab/namespace.h"

struct nl_sock;

namespace antrea::lab {

struct LinkInfo {
  int index = 0;
  MacAddress mac;
  std::uint32_t mtu = 0;
  bool up = false;
};

/// Links, addresses and routes of one network namespace, over rtnetlink. Each call is one request
/// and its answer; errors name the link. Not thread-safe.
class ANTREA_API Netlink {
 public:
  /// The socket is made inside `ns` and stays there.
  static Result<Netlink> open(const NetNamespace& ns);
  Netlink(Netlink&&) noexcept;
  Netlink& operator=(Netlink&&) noexcept;
  ~Netlink();

  /// A veth pair: `name` here, `peer` in `peer_ns`. Error: kAlreadyExists.
  Result<> add_veth(const std::string& name, const std::string& peer, const NetNamespace& peer_ns);
  Result<> add_bridge(const std::string& name);
  Result<> set_master(const std::string& name, const std::string& bridge);
  /// Out of its bridge.
  Result<> release(const std::string& name);
  Result<> set_up(const std::string& name);
  Result<> set_down(const std::string& name);
  /// No ARP is sent or answered on it: for devices whose frames belong to Open vSwitch.
  Result<> set_no_arp(const std::string& name);
  Result<> set_mac(const std::string& name, const MacAddress& mac);
  Result<> add_address(const std::string& name, const IpAddress& address, unsigned prefix_length);
  /// A route via `gateway`. The default route is 0.0.0.0/0.
  Result<> add_route(const IpPrefix& destination, const IpAddress& gateway);
  /// Error: kNotFound.
  Result<LinkInfo> link(const std::string& name) const;
  /// Success also if there is no such link.
  Result<> delete_link(const std::string& name);

 private:
  struct Free {
    void operator()(nl_sock* sock) const;
  };
  explicit Netlink(std::unique_ptr<nl_sock, Free> sock);
  std::unique_ptr<nl_sock, Free> sock_;
};

/// Lets the sender fill in checksums on `link` itself. Needed where frames reach Open vSwitch's
/// userspace datapath, which passes unfinished checksums on as they are.
ANTREA_API Result<> disable_tx_offload(const NetNamespace& ns, const std::string& link);

/// Writes a net.* sysctl of the namespace, e.g. "net/ipv4/ip_forward".
ANTREA_API Result<> set_sysctl(const NetNamespace& ns, const std::string& key,
                               const std::string& value);

}  // namespace antrea::lab
