#include "antrea/node/pod_link.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

#include "antrea/base/bytes.h"
#include "antrea/node/netlink.h"
#include "antrea/node/node_config.h"

namespace antrea::node {
namespace {

class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  File(File&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  File& operator=(File&&) = delete;
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

Result<File> open_netns(const std::string& path) {
  File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return errno_error("open network namespace", path);
  return file;
}

IpPrefix everything(Family family) {
  return family == Family::kIPv4 ? IpPrefix(IpAddress(), 0) : IpPrefix(IpAddress::v6({}), 0);
}

Result<> configure_inside(const PodLinkSpec& spec, int netns) {
  ANTREA_TRY(const InNetns inside, InNetns::enter(netns));
  ANTREA_TRY(Netlink netlink, Netlink::open());
  ANTREA_TRY(const Link link, netlink.link(spec.name));
  if (!spec.tx_checksum) ANTREA_CHECK(set_tx_checksum(spec.name, false));
  for (const PodAddress& each : spec.addresses)
    ANTREA_CHECK(netlink.add_address({link.index, each.address, each.prefix_length}));
  ANTREA_CHECK(netlink.set_up(link.index));
  if (const auto loopback = netlink.link("lo")) ANTREA_CHECK(netlink.set_up(loopback->index));
  for (const PodAddress& each : spec.addresses) {
    Route route;
    route.destination = everything(each.address.family());
    route.gateway = each.gateway;
    route.link = link.index;
    ANTREA_CHECK(netlink.replace_route(route));
  }
  return {};
}

Error differs(std::string cause, const std::string& object) {
  return make_error(Errc::kConflict, "check Pod interface: " + std::move(cause), object);
}

std::vector<std::byte> gratuitous_arp(const MacAddress& mac, const IpAddress& address) {
  std::vector<std::byte> frame;
  ByteWriter out(frame);
  const auto put_mac = [&] { out.bytes(std::as_bytes(std::span(mac.bytes))); };
  const auto put_ip = [&] { out.bytes(std::as_bytes(address.bytes())); };
  for (int i = 0; i < 6; ++i) out.u8(0xff);
  put_mac();
  out.be16(ETHERTYPE_ARP);
  out.be16(1);  // Ethernet
  out.be16(ETHERTYPE_IP);
  out.u8(6);
  out.u8(4);
  out.be16(1);  // request
  put_mac();
  put_ip();
  out.zeros(6);
  put_ip();
  return frame;
}

std::uint16_t checksum(std::span<const std::byte> bytes) {
  std::uint32_t sum = 0;
  ByteReader in(bytes);
  while (in.remaining() >= 2) sum += in.be16();
  if (in.remaining() == 1) sum += static_cast<std::uint32_t>(in.u8()) << 8;
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

std::vector<std::byte> unsolicited_advertisement(const MacAddress& mac, const IpAddress& address) {
  constexpr std::array<std::uint8_t, 16> kAllNodes{0xff, 0x02, 0, 0, 0, 0, 0, 0,
                                                   0,    0,    0, 0, 0, 0, 0, 1};
  std::vector<std::byte> icmp;
  ByteWriter body(icmp);
  body.u8(136);  // neighbour advertisement
  body.zeros(3);
  body.be32(0x20000000);  // override
  body.bytes(std::as_bytes(address.bytes()));
  body.u8(2);  // target link-layer address
  body.u8(1);
  body.bytes(std::as_bytes(std::span(mac.bytes)));

  std::vector<std::byte> pseudo;
  ByteWriter sum(pseudo);
  sum.bytes(std::as_bytes(address.bytes()));
  sum.bytes(std::as_bytes(std::span(kAllNodes)));
  sum.be32(static_cast<std::uint32_t>(icmp.size()));
  sum.be32(58);
  sum.bytes(icmp);
  body.patch_be16(2, checksum(pseudo));

  std::vector<std::byte> frame;
  ByteWriter out(frame);
  for (const int byte : {0x33, 0x33, 0, 0, 0, 1}) out.u8(static_cast<std::uint8_t>(byte));
  out.bytes(std::as_bytes(std::span(mac.bytes)));
  out.be16(ETHERTYPE_IPV6);
  out.be32(0x60000000);
  out.be16(static_cast<std::uint16_t>(icmp.size()));
  out.u8(58);
  out.u8(255);
  out.bytes(std::as_bytes(address.bytes()));
  out.bytes(std::as_bytes(std::span(kAllNodes)));
  out.bytes(icmp);
  return frame;
}

}  // namespace

Result<> create_pod_link(const PodLinkSpec& spec) {
  ANTREA_TRY(const File netns, open_netns(spec.netns));
  ANTREA_TRY(Netlink netlink, Netlink::open());
  VethSpec veth;
  veth.name = spec.host_name;
  veth.mac = spec.host_mac;
  veth.peer_name = spec.name;
  veth.peer_mac = spec.mac;
  veth.mtu = spec.mtu;
  veth.group = kPodInterfaceGroup;
  veth.peer_netns_fd = netns.get();
  auto added = netlink.add_veth(veth);
  if (!added && added.error().code == Errc::kAlreadyExists && netlink.link(spec.host_name)) {
    ANTREA_CHECK(netlink.delete_link(spec.host_name));
    added = netlink.add_veth(veth);
  }
  if (!added) return std::move(added).error();

  auto configured = configure_inside(spec, netns.get());
  if (configured) {
    const auto host = netlink.link(spec.host_name);
    configured = host ? netlink.set_up(host->index) : Result<>(host.error());
  }
  if (configured) return {};
  (void)netlink.delete_link(spec.host_name);
  return std::move(configured).error().within("configure Pod interface", spec.netns);
}

Result<> delete_pod_link(const std::string& host_name) {
  ANTREA_TRY(Netlink netlink, Netlink::open());
  return netlink.delete_link(host_name);
}

Result<> check_pod_link(const PodLinkSpec& spec) {
  ANTREA_TRY(Netlink host, Netlink::open());
  ANTREA_TRY(const Link outer, host.link(spec.host_name));
  if (outer.kind != "veth") return differs("is no veth", spec.host_name);
  if (!outer.up) return differs("is down", spec.host_name);

  ANTREA_TRY(const File netns, open_netns(spec.netns));
  ANTREA_TRY(Netlink pod, Netlink::open_in(netns.get()));
  ANTREA_TRY(const Link inner, pod.link(spec.name));
  if (inner.kind != "veth" || inner.peer_index != outer.index)
    return differs("is not the peer of " + spec.host_name, spec.name);
  if (inner.mac != spec.mac)
    return differs(
        fmt::format("MAC address {}, expected {}", inner.mac.to_string(), spec.mac.to_string()),
        spec.name);
  ANTREA_TRY(const auto addresses, pod.addresses());
  ANTREA_TRY(const auto routes, pod.routes());
  for (const PodAddress& each : spec.addresses) {
    const LinkAddress wanted{inner.index, each.address, each.prefix_length};
    if (std::ranges::find(addresses, wanted) == addresses.end())
      return differs(
          fmt::format("lacks address {}/{}", each.address.to_string(), each.prefix_length),
          spec.name);
    const bool routed = std::ranges::any_of(routes, [&](const Route& route) {
      return route.destination == everything(each.address.family()) && route.link == inner.index &&
             route.gateway == each.gateway;
    });
    if (!routed)
      return differs("lacks the default route via " + each.gateway.to_string(), spec.name);
  }
  return {};
}

Result<> announce_pod_addresses(const PodLinkSpec& spec) {
  ANTREA_TRY(const File netns, open_netns(spec.netns));
  ANTREA_TRY(const InNetns inside, InNetns::enter(netns.get()));
  const File socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) return errno_error("open packet socket", spec.netns);
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_ifindex = static_cast<int>(::if_nametoindex(spec.name.c_str()));
  if (to.sll_ifindex == 0) return errno_error("announce address", spec.name);
  for (const PodAddress& each : spec.addresses) {
    const auto frame = each.address.is_v4() ? gratuitous_arp(spec.mac, each.address)
                                            : unsolicited_advertisement(spec.mac, each.address);
    if (::sendto(socket.get(), frame.data(), frame.size(), 0, reinterpret_cast<sockaddr*>(&to),
                 sizeof to) < 0)
      return errno_error("announce address", each.address.to_string());
  }
  return {};
}

}  // namespace antrea::node
