#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "antrea/base/ip.h"
#include "antrea/lab/netlink.h"
#include "antrea/lab/process.h"

namespace antrea::egress {

/// A host on the common segment: 10.9.0.N on eth0.
struct SegmentHost {
  lab::NetNamespace net;
  std::optional<lab::Process> program;

  lab::HostView view() const { return lab::HostView{.net = net.fd()}; }
  /// Output of a program that runs there; empty if it failed.
  std::string run(std::vector<std::string> argv) const {
    argv[0] = lab::find_program(argv[0]).value();
    const auto out =
        lab::run_program({.argv = std::move(argv), .view = view()}, std::chrono::seconds(5));
    return out ? *out : std::string();
  }
  bool has(const std::string& address) const {
    return run({"ip", "-o", "address", "show"}).find(" " + address + "/") != std::string::npos;
  }
};

/// Hosts made of network namespaces, and a switch between them.
class Segment {
 public:
  /// Error: what kept a namespace, link or address from being made.
  static Result<Segment> create(unsigned count) {
    ANTREA_TRY(auto bridge, lab::NetNamespace::create());
    Segment segment(std::move(bridge));
    ANTREA_TRY(auto link, lab::Netlink::open(segment.switch_));
    ANTREA_CHECK(link.add_bridge("segment"));
    ANTREA_CHECK(link.set_up("segment"));
    for (unsigned i = 1; i <= count; ++i) {
      ANTREA_TRY(auto net, lab::NetNamespace::create());
      segment.hosts.push_back({std::move(net), std::nullopt});
      const auto& host = segment.hosts.back();
      const auto port = "port" + std::to_string(i);
      ANTREA_CHECK(link.add_veth(port, "eth0", host.net));
      ANTREA_CHECK(link.set_master(port, "segment"));
      ANTREA_CHECK(link.set_up(port));
      ANTREA_TRY(auto inside, lab::Netlink::open(host.net));
      ANTREA_CHECK(inside.add_address("eth0", IpAddress::v4(0x0a090000).plus(i), 24));
      ANTREA_CHECK(inside.set_up("lo"));
      ANTREA_CHECK(inside.set_up("eth0"));
    }
    return segment;
  }

  /// Takes the link of a host away, or gives it back.
  Result<> cut(std::size_t host) { return set_link(host, false); }
  Result<> mend(std::size_t host) { return set_link(host, true); }

  /// Which of the first `count` hosts have the address.
  std::vector<std::size_t> owners(const std::string& address, std::size_t count) const {
    std::vector<std::size_t> all;
    for (std::size_t i = 0; i < count; ++i)
      if (hosts[i].has(address)) all.push_back(i);
    return all;
  }

  std::vector<SegmentHost> hosts;

 private:
  explicit Segment(lab::NetNamespace bridge) : switch_(std::move(bridge)) {}

  Result<> set_link(std::size_t host, bool up) {
    ANTREA_TRY(auto link, lab::Netlink::open(switch_));
    const auto port = "port" + std::to_string(host + 1);
    return up ? link.set_up(port) : link.set_down(port);
  }

  lab::NetNamespace switch_;
};

/// False if it did not come true in time.
inline bool eventually(const std::function<bool()>& condition,
                       std::chrono::seconds patience = std::chrono::seconds(40)) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!condition())
    if (std::chrono::steady_clock::now() > until) return false;
  return true;
}

}  // namespace antrea::egress
