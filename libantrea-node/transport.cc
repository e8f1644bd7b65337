#include "antrea/node/transport.h"

#include <algorithm>

namespace antrea::node {

Result<Transport> find_transport(const std::string& interface,
                                 std::span<const IpAddress> node_addresses) {
  ANTREA_TRY(Netlink netlink, Netlink::open());
  ANTREA_TRY(const auto links, netlink.links());
  ANTREA_TRY(const auto addresses, netlink.addresses());
  for (const LinkAddress& each : addresses) {
    const auto link = std::ranges::find(links, each.link, &Link::index);
    if (link == links.end() || each.address.is_link_local()) continue;
    const bool wanted =
        interface.empty() ? std::ranges::find(node_addresses, each.address) != node_addresses.end()
                          : link->name == interface && each.address.is_v4();
    if (wanted) return Transport{*link, each.address};
  }
  return interface.empty()
             ? make_error(Errc::kNotFound,
                          "find the transport interface: none has an InternalIP of the Node object")
             : make_error(Errc::kNotFound,
                          "find the transport interface: no such interface with an IPv4 address",
                          interface);
}

}  // namespace antrea::node
