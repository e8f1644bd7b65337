#include "antrea/lab/netlink.h"

#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>
#include <netlink/route/route.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

namespace antrea::lab {
namespace {

Error nl_error(int number, std::string doing, std::string object) {
  const int code = number < 0 ? -number : number;
  Errc errc = Errc::kIo;
  if (code == NLE_EXIST) errc = Errc::kAlreadyExists;
  if (code == NLE_OBJ_NOTFOUND || code == NLE_NODEV) errc = Errc::kNotFound;
  if (code == NLE_PERM || code == NLE_NOACCESS) errc = Errc::kPermissionDenied;
  return make_error(errc, std::move(doing) + ": " + nl_geterror(code), std::move(object));
}

template <auto F>
struct Call {
  template <typename T>
  void operator()(T* object) const {
    F(object);
  }
};
using Link = std::unique_ptr<rtnl_link, Call<rtnl_link_put>>;
using Addr = std::unique_ptr<rtnl_addr, Call<rtnl_addr_put>>;
using Route = std::unique_ptr<rtnl_route, Call<rtnl_route_put>>;
using NlAddr = std::unique_ptr<nl_addr, Call<nl_addr_put>>;

int af(const IpAddress& address) { return address.is_v4() ? AF_INET : AF_INET6; }

NlAddr to_nl(const IpAddress& address, unsigned prefix_length) {
  auto bytes = address.bytes();
  NlAddr out(nl_addr_build(af(address), bytes.data(), bytes.size()));
  nl_addr_set_prefixlen(out.get(), static_cast<int>(prefix_length));
  return out;
}

Result<Link> find(nl_sock* sock, const std::string& name) {
  rtnl_link* found = nullptr;
  if (int err = rtnl_link_get_kernel(sock, 0, name.c_str(), &found); err < 0)
    return nl_error(err, "look up the link", name);
  return Link(found);
}

template <typename F>
Result<> change(nl_sock* sock, const std::string& name, const char* doing, F set) {
  ANTREA_TRY(Link link, find(sock, name));
  Link wanted(rtnl_link_alloc());
  set(wanted.get());
  if (int err = rtnl_link_change(sock, link.get(), wanted.get(), 0); err < 0)
    return nl_error(err, doing, name);
  return {};
}

}  // namespace

void Netlink::Free::operator()(nl_sock* sock) const { nl_socket_free(sock); }
Netlink::Netlink(std::unique_ptr<nl_sock, Free> sock) : sock_(std::move(sock)) {}
Netlink::Netlink(Netlink&&) noexcept = default;
Netlink& Netlink::operator=(Netlink&&) noexcept = default;
Netlink::~Netlink() = default;

Result<Netlink> Netlink::open(const NetNamespace& ns) {
  return ns.run([]() -> Result<Netlink> {
    std::unique_ptr<nl_sock, Free> sock(nl_socket_alloc());
    if (int err = nl_connect(sock.get(), NETLINK_ROUTE); err < 0)
      return nl_error(err, "connect to rtnetlink", "");
    return Netlink(std::move(sock));
  });
}

Result<> Netlink::add_veth(const std::string& name, const std::string& peer,
                           const NetNamespace& peer_ns) {
  Link link(rtnl_link_veth_alloc());
  rtnl_link* other = rtnl_link_veth_get_peer(link.get());
  rtnl_link_set_name(link.get(), name.c_str());
  rtnl_link_set_name(other, peer.c_str());
  rtnl_link_set_ns_fd(other, peer_ns.fd());
  int err = rtnl_link_add(sock_.get(), link.get(), NLM_F_CREATE | NLM_F_EXCL);
  rtnl_link_put(other);
  if (err < 0) return nl_error(err, "make a veth pair with " + peer, name);
  return {};
}

Result<> Netlink::add_bridge(const std::string& name) {
  Link link(rtnl_link_alloc());
  rtnl_link_set_type(link.get(), "bridge");
  rtnl_link_set_name(link.get(), name.c_str());
  if (int err = rtnl_link_add(sock_.get(), link.get(), NLM_F_CREATE | NLM_F_EXCL); err < 0)
    return nl_error(err, "make a bridge", name);
  return {};
}

Result<> Netlink::set_master(const std::string& name, const std::string& bridge) {
  ANTREA_TRY(Link master, find(sock_.get(), bridge));
  ANTREA_TRY(Link link, find(sock_.get(), name));
  if (int err = rtnl_link_enslave(sock_.get(), master.get(), link.get()); err < 0)
    return nl_error(err, "attach to " + bridge, name);
  return {};
}

Result<> Netlink::release(const std::string& name) {
  ANTREA_TRY(Link link, find(sock_.get(), name));
  if (int err = rtnl_link_release(sock_.get(), link.get()); err < 0)
    return nl_error(err, "take out of its bridge", name);
  return {};
}

Result<> Netlink::set_up(const std::string& name) {
  return change(sock_.get(), name, "set up", [](rtnl_link* l) { rtnl_link_set_flags(l, IFF_UP); });
}

Result<> Netlink::set_down(const std::string& name) {
  return change(sock_.get(), name, "set down",
                [](rtnl_link* l) { rtnl_link_unset_flags(l, IFF_UP); });
}

Result<> Netlink::set_no_arp(const std::string& name) {
  return change(sock_.get(), name, "switch ARP off",
                [](rtnl_link* l) { rtnl_link_set_flags(l, IFF_NOARP); });
}

Result<> Netlink::set_mac(const std::string& name, const MacAddress& mac) {
  return change(sock_.get(), name, "set the MAC address", [&](rtnl_link* l) {
    NlAddr address(nl_addr_build(AF_LLC, mac.bytes.data(), mac.bytes.size()));
    rtnl_link_set_addr(l, address.get());
  });
}

Result<> Netlink::add_address(const std::string& name, const IpAddress& address,
                              unsigned prefix_length) {
  ANTREA_TRY(Link link, find(sock_.get(), name));
  Addr addr(rtnl_addr_alloc());
  NlAddr local = to_nl(address, prefix_length);
  rtnl_addr_set_ifindex(addr.get(), rtnl_link_get_ifindex(link.get()));
  rtnl_addr_set_local(addr.get(), local.get());
  if (address.is_v6()) rtnl_addr_set_flags(addr.get(), IFA_F_NODAD);
  if (int err = rtnl_addr_add(sock_.get(), addr.get(), NLM_F_EXCL); err < 0)
    return nl_error(err, "add address " + address.to_string(), name);
  return {};
}

Result<> Netlink::add_route(const IpPrefix& destination, const IpAddress& gateway) {
  Route route(rtnl_route_alloc());
  NlAddr dst = to_nl(destination.address(), destination.length());
  NlAddr via = to_nl(gateway, gateway.width());
  rtnl_route_set_family(route.get(), static_cast<std::uint8_t>(af(gateway)));
  rtnl_route_set_dst(route.get(), dst.get());
  rtnl_nexthop* hop = rtnl_route_nh_alloc();
  rtnl_route_nh_set_gateway(hop, via.get());
  rtnl_route_add_nexthop(route.get(), hop);
  if (int err = rtnl_route_add(sock_.get(), route.get(), NLM_F_EXCL); err < 0)
    return nl_error(err, "add a route via " + gateway.to_string(), destination.to_string());
  return {};
}

Result<LinkInfo> Netlink::link(const std::string& name) const {
  ANTREA_TRY(Link found, find(sock_.get(), name));
  LinkInfo info{.index = rtnl_link_get_ifindex(found.get()),
                .mac = {},
                .mtu = rtnl_link_get_mtu(found.get()),
                .up = (rtnl_link_get_flags(found.get()) & IFF_UP) != 0};
  if (nl_addr* mac = rtnl_link_get_addr(found.get());
      mac != nullptr && nl_addr_get_len(mac) == info.mac.bytes.size())
    std::memcpy(info.mac.bytes.data(), nl_addr_get_binary_addr(mac), info.mac.bytes.size());
  return info;
}

Result<> Netlink::delete_link(const std::string& name) {
  auto found = find(sock_.get(), name);
  if (found.has_error()) {
    if (found.error().code == Errc::kNotFound) return {};
    return std::move(found).error();
  }
  if (int err = rtnl_link_delete(sock_.get(), found->get()); err < 0 && err != -NLE_NODEV)
    return nl_error(err, "delete the link", name);
  return {};
}

Result<> disable_tx_offload(const NetNamespace& ns, const std::string& link) {
  return ns.run([&]() -> Result<> {
    Fd sock(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!sock) return errno_error("make a socket");
    ethtool_value value{.cmd = ETHTOOL_STXCSUM, .data = 0};
    ifreq request{};
    std::strncpy(request.ifr_name, link.c_str(), IFNAMSIZ - 1);
    request.ifr_data = reinterpret_cast<char*>(&value);
    if (ioctl(sock.get(), SIOCETHTOOL, &request) != 0)
      return errno_error("switch checksum offload off", link);
    return {};
  });
}

Result<> set_sysctl(const NetNamespace& ns, const std::string& key, const std::string& value) {
  return ns.run([&]() -> Result<> {
    const std::string path = "/proc/sys/" + key;
    Fd file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file || write(file.get(), value.data(), value.size()) < 0)
      return errno_error("write " + value, path);
    return {};
  });
}

}  // namespace antrea::lab
