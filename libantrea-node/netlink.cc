// Links and addresses.
#include "antrea/node/netlink.h"

#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "netlink_impl.h"

namespace antrea::node {
namespace {

class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

}  // namespace

Netlink::Netlink(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Netlink::~Netlink() = default;
Netlink::Netlink(Netlink&&) noexcept = default;
Netlink& Netlink::operator=(Netlink&&) noexcept = default;

Result<Netlink> Netlink::open() {
  auto impl = std::make_unique<Impl>();
  if (nl_connect(impl->socket.get(), NETLINK_ROUTE) < 0)
    return errno_error("open netlink socket", "NETLINK_ROUTE");
  nl_socket_set_buffer_size(impl->socket.get(), 1 << 20, 0);
  nl_socket_set_msg_buf_size(impl->socket.get(), 64 << 10);
  return Netlink(std::move(impl));
}

Result<Netlink> Netlink::open_in(int netns_fd) {
  ANTREA_TRY(const InNetns inside, InNetns::enter(netns_fd));
  return open();
}

namespace {

Link decode_link(nlmsghdr* header) {
  NetlinkAttributes<IFLA_MAX + 1> attributes;
  nlmsg_parse(header, sizeof(ifinfomsg), attributes.at, IFLA_MAX, nullptr);
  const auto* const info = static_cast<ifinfomsg*>(nlmsg_data(header));
  Link link;
  link.index = static_cast<std::uint32_t>(info->ifi_index);
  link.up = (info->ifi_flags & IFF_UP) != 0;
  link.name = attributes.text(IFLA_IFNAME);
  link.mtu = attributes.u32(IFLA_MTU);
  link.mac = attributes.mac(IFLA_ADDRESS);
  link.peer_index = attributes.u32(IFLA_LINK);
  link.master = attributes.u32(IFLA_MASTER);
  if (attributes.at[IFLA_LINK_NETNSID] != nullptr)
    link.peer_netns = static_cast<std::int32_t>(attributes.u32(IFLA_LINK_NETNSID));
  if (attributes.at[IFLA_LINKINFO] != nullptr) {
    NetlinkAttributes<IFLA_INFO_MAX + 1> more;
    nla_parse_nested(more.at, IFLA_INFO_MAX, attributes.at[IFLA_LINKINFO], nullptr);
    link.kind = more.text(IFLA_INFO_KIND);
  }
  return link;
}

}  // namespace

Result<Link> Netlink::link(std::string_view name) {
  ifinfomsg header{};
  NetlinkRequest request(RTM_GETLINK, NLM_F_ACK, header);
  request.put(IFLA_IFNAME, name);
  std::optional<Link> found;
  const int error = impl_->talk(request, [&](nlmsghdr* reply) { found = decode_link(reply); });
  if (error == ENODEV || (error == 0 && !found))
    return make_error(Errc::kNotFound, "look up interface: no such interface", std::string(name));
  if (error != 0) return errno_error(error, "look up interface", name);
  return *std::move(found);
}

Result<std::vector<Link>> Netlink::links() {
  std::vector<Link> links;
  const int error = impl_->talk(NetlinkRequest(RTM_GETLINK, NLM_F_DUMP, ifinfomsg{}),
                                [&](nlmsghdr* reply) { links.push_back(decode_link(reply)); });
  if (error != 0) return errno_error(error, "list interfaces");
  return links;
}

Result<> Netlink::add_veth(const VethSpec& spec) {
  NetlinkRequest request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, ifinfomsg{});
  request.put(IFLA_IFNAME, spec.name).put(IFLA_ADDRESS, spec.mac);
  if (spec.mtu != 0) request.put(IFLA_MTU, spec.mtu);
  if (spec.group != 0) request.put(IFLA_GROUP, spec.group);
  request.nest(IFLA_LINKINFO, [&](NetlinkRequest& info) {
    info.put(IFLA_INFO_KIND, std::string_view("veth"));
    info.nest(IFLA_INFO_DATA, [&](NetlinkRequest& data) {
      data.nest(VETH_INFO_PEER, [&](NetlinkRequest& peer) {
        peer.raw(ifinfomsg{});
        peer.put(IFLA_IFNAME, spec.peer_name).put(IFLA_ADDRESS, spec.peer_mac);
        if (spec.mtu != 0) peer.put(IFLA_MTU, spec.mtu);
        if (spec.peer_netns_fd >= 0)
          peer.put(IFLA_NET_NS_FD, static_cast<std::uint32_t>(spec.peer_netns_fd));
      });
    });
  });
  return impl_->order(request, "create veth pair", spec.name);
}

namespace {
NetlinkRequest plain_link(std::string_view name, std::string_view kind) {
  NetlinkRequest request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, ifinfomsg{});
  request.put(IFLA_IFNAME, name).nest(IFLA_LINKINFO, [&](NetlinkRequest& info) {
    info.put(IFLA_INFO_KIND, kind);
  });
  return request;
}

NetlinkRequest on_link(std::uint32_t index) {
  ifinfomsg header{};
  header.ifi_index = static_cast<int>(index);
  return NetlinkRequest(RTM_NEWLINK, NLM_F_ACK, header);
}

std::string numbered(std::uint32_t index) { return fmt::format("interface {}", index); }
}  // namespace

Result<> Netlink::add_bridge(std::string_view name) {
  return impl_->order(plain_link(name, "bridge"), "create bridge", name);
}

Result<> Netlink::add_dummy(std::string_view name) {
  return impl_->order(plain_link(name, "dummy"), "create dummy interface", name);
}

Result<> Netlink::set_up(std::uint32_t index) {
  ifinfomsg header{};
  header.ifi_index = static_cast<int>(index);
  header.ifi_flags = header.ifi_change = IFF_UP;
  return impl_->order(NetlinkRequest(RTM_NEWLINK, NLM_F_ACK, header), "set up", numbered(index));
}

Result<> Netlink::set_mtu(std::uint32_t index, std::uint32_t mtu) {
  return impl_->order(on_link(index).put(IFLA_MTU, mtu), fmt::format("set MTU {}", mtu),
                      numbered(index));
}

Result<> Netlink::set_mac(std::uint32_t index, const MacAddress& mac) {
  return impl_->order(on_link(index).put(IFLA_ADDRESS, mac),
                      fmt::format("set MAC address {}", mac.to_string()), numbered(index));
}

Result<> Netlink::set_master(std::uint32_t index, std::uint32_t master) {
  return impl_->order(on_link(index).put(IFLA_MASTER, master), "attach to bridge", numbered(index));
}

Result<> Netlink::move_to(std::uint32_t index, int netns_fd) {
  return impl_->order(on_link(index).put(IFLA_NET_NS_FD, static_cast<std::uint32_t>(netns_fd)),
                      "move to network namespace", numbered(index));
}

Result<> Netlink::delete_link(std::string_view name) {
  NetlinkRequest request(RTM_DELLINK, NLM_F_ACK, ifinfomsg{});
  request.put(IFLA_IFNAME, name);
  return impl_->order(request, "delete interface", name, ENODEV);
}

Result<std::vector<LinkAddress>> Netlink::addresses() {
  std::vector<LinkAddress> addresses;
  const int error =
      impl_->talk(NetlinkRequest(RTM_GETADDR, NLM_F_DUMP, ifaddrmsg{}), [&](nlmsghdr* reply) {
        NetlinkAttributes<IFA_MAX + 1> attributes;
        nlmsg_parse(reply, sizeof(ifaddrmsg), attributes.at, IFA_MAX, nullptr);
        const auto* const info = static_cast<ifaddrmsg*>(nlmsg_data(reply));
        auto address = attributes.address(IFA_LOCAL);
        if (!address) address = attributes.address(IFA_ADDRESS);
        if (address) addresses.push_back({info->ifa_index, *address, info->ifa_prefixlen});
      });
  if (error != 0) return errno_error(error, "list addresses");
  return addresses;
}

namespace {
NetlinkRequest on_address(int type, int flags, const LinkAddress& address) {
  ifaddrmsg header{};
  header.ifa_family = netlink_family(address.address.family());
  header.ifa_prefixlen = static_cast<unsigned char>(address.prefix_length);
  header.ifa_index = address.link;
  if (address.address.is_v6()) header.ifa_flags = IFA_F_NODAD;
  NetlinkRequest request(type, NLM_F_ACK | flags, header);
  request.put(IFA_LOCAL, address.address).put(IFA_ADDRESS, address.address);
  if (address.address.is_v4() && address.prefix_length < 31)
    request.put(IFA_BROADCAST, IpPrefix(address.address, address.prefix_length).last());
  return request;
}
}  // namespace

Result<> Netlink::add_address(const LinkAddress& address) {
  return impl_->order(on_address(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, address), "add address",
                      address.address.to_string(), EEXIST);
}

Result<> Netlink::delete_address(const LinkAddress& address) {
  return impl_->order(on_address(RTM_DELADDR, 0, address), "delete address",
                      address.address.to_string(), EADDRNOTAVAIL);
}

Result<> set_tx_checksum(std::string_view name, bool on) {
  const File socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return errno_error("open socket");
  ethtool_value value{ETHTOOL_STXCSUM, on ? 1U : 0U};
  ifreq request{};
  if (name.size() >= sizeof request.ifr_name)
    return make_error(Errc::kInvalidArgument, "set TX checksum offload: name longer than 15 bytes",
                      std::string(name));
  std::memcpy(request.ifr_name, name.data(), name.size());
  request.ifr_data = reinterpret_cast<char*>(&value);
  if (::ioctl(socket.get(), SIOCETHTOOL, &request) != 0)
    return errno_error("set TX checksum offload", name);
  return {};
}

Result<InNetns> InNetns::enter(int netns_fd) {
  const int previous = ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  if (previous < 0) return errno_error("open own network namespace");
  if (::setns(netns_fd, CLONE_NEWNET) != 0) {
    const int error = errno;
    ::close(previous);
    return errno_error(error, "enter network namespace");
  }
  return InNetns(previous);
}

InNetns::InNetns(InNetns&& other) noexcept : previous_fd_(std::exchange(other.previous_fd_, -1)) {}

InNetns::~InNetns() {
  if (previous_fd_ < 0) return;
  // Staying in a foreign namespace would send later work astray: better to end here.
  if (::setns(previous_fd_, CLONE_NEWNET) != 0) std::abort();
  ::close(previous_fd_);
}

}  // namespace antrea::node
