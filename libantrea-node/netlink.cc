#include "antrea/node/netlink.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/ethtool.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <utility>

namespace antrea::node {
namespace {

struct MessageDeleter {
  void operator()(nl_msg* message) const { nlmsg_free(message); }
};
struct SocketDeleter {
  void operator()(nl_sock* socket) const { nl_socket_free(socket); }
};

/// One request under construction.
class Request {
 public:
  template <typename Header>
  Request(int type, int flags, const Header& header)
      : message_(nlmsg_alloc_simple(type, NLM_F_REQUEST | flags)) {
    nlmsg_append(message_.get(), const_cast<Header*>(&header), sizeof header, NLMSG_ALIGNTO);
  }
  Request& put(int attribute, std::string_view text) {
    std::string terminated(text);
    nla_put_string(message_.get(), attribute, terminated.c_str());
    return *this;
  }
  Request& put_byte(int attribute, std::uint8_t number) {
    nla_put_u8(message_.get(), attribute, number);
    return *this;
  }
  Request& put(int attribute, std::uint32_t number) {
    nla_put_u32(message_.get(), attribute, number);
    return *this;
  }
  Request& put(int attribute, const IpAddress& address) {
    nla_put(message_.get(), attribute, static_cast<int>(address.bytes().size()),
            address.bytes().data());
    return *this;
  }
  Request& put(int attribute, const MacAddress& mac) {
    nla_put(message_.get(), attribute, static_cast<int>(mac.bytes.size()), mac.bytes.data());
    return *this;
  }
  template <typename Fill>
  Request& nest(int attribute, Fill fill) {
    nlattr* const start = nla_nest_start(message_.get(), attribute);
    fill(*this);
    nla_nest_end(message_.get(), start);
    return *this;
  }
  /// Raw bytes inside the message, e.g. the ifinfomsg that precedes a veth peer's attributes.
  template <typename Struct>
  Request& raw(const Struct& bytes) {
    nlmsg_append(message_.get(), const_cast<Struct*>(&bytes), sizeof bytes, 0);
    return *this;
  }
  nl_msg* get() const { return message_.get(); }

 private:
  std::unique_ptr<nl_msg, MessageDeleter> message_;
};

template <std::size_t kCount>
struct Attributes {
  nlattr* at[kCount] = {};
  std::uint32_t u32(int index) const { return at[index] != nullptr ? nla_get_u32(at[index]) : 0; }
  std::string text(int index) const {
    return at[index] != nullptr ? std::string(nla_get_string(at[index])) : std::string();
  }
  std::optional<IpAddress> address(int index) const {
    if (at[index] == nullptr) return std::nullopt;
    const auto parsed = IpAddress::from_bytes({static_cast<const std::byte*>(nla_data(at[index])),
                                               static_cast<std::size_t>(nla_len(at[index]))});
    return parsed ? std::optional(*parsed) : std::nullopt;
  }
  MacAddress mac(int index) const {
    MacAddress mac;
    if (at[index] != nullptr && nla_len(at[index]) == 6)
      std::memcpy(mac.bytes.data(), nla_data(at[index]), 6);
    return mac;
  }
};

unsigned char family_number(Family family) { return family == Family::kIPv4 ? AF_INET : AF_INET6; }

IpAddress any(unsigned char family) { return family == AF_INET ? IpAddress() : IpAddress::v6({}); }

std::string describe(const Route& route) {
  return fmt::format("route {}{}", route.destination.to_string(),
                     route.gateway ? " via " + route.gateway->to_string() : "");
}

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

struct Netlink::Impl {
  std::unique_ptr<nl_sock, SocketDeleter> socket{nl_socket_alloc()};

  using Visit = std::function<void(nlmsghdr*)>;
  struct Exchange {
    const Visit* visit;
    int error = 0;
    bool done = false;
  };

  static int on_valid(nl_msg* message, void* argument) {
    const auto* const exchange = static_cast<Exchange*>(argument);
    if (exchange->visit != nullptr && *exchange->visit) (*exchange->visit)(nlmsg_hdr(message));
    return NL_OK;
  }
  static int on_end(nl_msg*, void* argument) {
    static_cast<Exchange*>(argument)->done = true;
    return NL_STOP;
  }
  static int on_error(sockaddr_nl*, nlmsgerr* error, void* argument) {
    auto* const exchange = static_cast<Exchange*>(argument);
    exchange->error = -error->error;
    exchange->done = true;
    return NL_STOP;
  }

  /// Sends and takes in the answer: 0, or the errno that the kernel answered.
  int talk(const Request& request, const Visit& visit = {}) {
    Exchange exchange{&visit};
    nl_cb* const callbacks = nl_cb_alloc(NL_CB_DEFAULT);
    nl_cb_set(callbacks, NL_CB_VALID, NL_CB_CUSTOM, on_valid, &exchange);
    nl_cb_set(callbacks, NL_CB_FINISH, NL_CB_CUSTOM, on_end, &exchange);
    nl_cb_set(callbacks, NL_CB_ACK, NL_CB_CUSTOM, on_end, &exchange);
    nl_cb_err(callbacks, NL_CB_CUSTOM, on_error, &exchange);
    if (nl_send_auto(socket.get(), request.get()) < 0) exchange = {nullptr, EIO, true};
    while (!exchange.done)
      if (nl_recvmsgs(socket.get(), callbacks) < 0 && !exchange.done)
        exchange = {nullptr, EIO, true};
    nl_cb_put(callbacks);
    return exchange.error;
  }

  Result<> order(const Request& request, std::string_view doing, std::string_view object,
                 int harmless = 0) {
    const int error = talk(request);
    if (error == 0 || error == harmless) return {};
    return errno_error(error, doing, object);
  }
};

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
  Attributes<IFLA_MAX + 1> attributes;
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
    Attributes<IFLA_INFO_MAX + 1> more;
    nla_parse_nested(more.at, IFLA_INFO_MAX, attributes.at[IFLA_LINKINFO], nullptr);
    link.kind = more.text(IFLA_INFO_KIND);
  }
  return link;
}

}  // namespace

Result<Link> Netlink::link(std::string_view name) {
  ifinfomsg header{};
  Request request(RTM_GETLINK, NLM_F_ACK, header);
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
  const int error = impl_->talk(Request(RTM_GETLINK, NLM_F_DUMP, ifinfomsg{}),
                                [&](nlmsghdr* reply) { links.push_back(decode_link(reply)); });
  if (error != 0) return errno_error(error, "list interfaces");
  return links;
}

Result<> Netlink::add_veth(const VethSpec& spec) {
  Request request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, ifinfomsg{});
  request.put(IFLA_IFNAME, spec.name).put(IFLA_ADDRESS, spec.mac);
  if (spec.mtu != 0) request.put(IFLA_MTU, spec.mtu);
  if (spec.group != 0) request.put(IFLA_GROUP, spec.group);
  request.nest(IFLA_LINKINFO, [&](Request& info) {
    info.put(IFLA_INFO_KIND, std::string_view("veth"));
    info.nest(IFLA_INFO_DATA, [&](Request& data) {
      data.nest(VETH_INFO_PEER, [&](Request& peer) {
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
Request plain_link(std::string_view name, std::string_view kind) {
  Request request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, ifinfomsg{});
  request.put(IFLA_IFNAME, name).nest(IFLA_LINKINFO, [&](Request& info) {
    info.put(IFLA_INFO_KIND, kind);
  });
  return request;
}

Request on_link(std::uint32_t index) {
  ifinfomsg header{};
  header.ifi_index = static_cast<int>(index);
  return Request(RTM_NEWLINK, NLM_F_ACK, header);
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
  return impl_->order(Request(RTM_NEWLINK, NLM_F_ACK, header), "set up", numbered(index));
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
  Request request(RTM_DELLINK, NLM_F_ACK, ifinfomsg{});
  request.put(IFLA_IFNAME, name);
  return impl_->order(request, "delete interface", name, ENODEV);
}

Result<std::vector<LinkAddress>> Netlink::addresses() {
  std::vector<LinkAddress> addresses;
  const int error =
      impl_->talk(Request(RTM_GETADDR, NLM_F_DUMP, ifaddrmsg{}), [&](nlmsghdr* reply) {
        Attributes<IFA_MAX + 1> attributes;
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
Request on_address(int type, int flags, const LinkAddress& address) {
  ifaddrmsg header{};
  header.ifa_family = family_number(address.address.family());
  header.ifa_prefixlen = static_cast<unsigned char>(address.prefix_length);
  header.ifa_index = address.link;
  if (address.address.is_v6()) header.ifa_flags = IFA_F_NODAD;
  Request request(type, NLM_F_ACK | flags, header);
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

Result<std::vector<Route>> Netlink::routes() {
  std::vector<Route> routes;
  const int error = impl_->talk(Request(RTM_GETROUTE, NLM_F_DUMP, rtmsg{}), [&](nlmsghdr* reply) {
    Attributes<RTA_MAX + 1> attributes;
    nlmsg_parse(reply, sizeof(rtmsg), attributes.at, RTA_MAX, nullptr);
    const auto* const info = static_cast<rtmsg*>(nlmsg_data(reply));
    if (info->rtm_type != RTN_UNICAST || (info->rtm_flags & RTM_F_CLONED) != 0) return;
    if (info->rtm_family != AF_INET && info->rtm_family != AF_INET6) return;
    Route route;
    route.destination =
        IpPrefix(attributes.address(RTA_DST).value_or(any(info->rtm_family)), info->rtm_dst_len);
    route.gateway = attributes.address(RTA_GATEWAY);
    route.source = attributes.address(RTA_PREFSRC);
    route.link = attributes.u32(RTA_OIF);
    route.table = attributes.at[RTA_TABLE] != nullptr ? attributes.u32(RTA_TABLE) : info->rtm_table;
    route.metric = attributes.u32(RTA_PRIORITY);
    route.onlink = (info->rtm_flags & RTNH_F_ONLINK) != 0;
    route.link_scope = info->rtm_scope == RT_SCOPE_LINK;
    route.protocol = info->rtm_protocol;
    if (route.table != RT_TABLE_LOCAL) routes.push_back(route);
  });
  if (error != 0) return errno_error(error, "list routes");
  return routes;
}

namespace {
Request on_route(int type, int flags, const Route& route) {
  rtmsg header{};
  header.rtm_family = family_number(route.destination.family());
  header.rtm_dst_len = static_cast<unsigned char>(route.destination.length());
  header.rtm_table = static_cast<unsigned char>(route.table < 256 ? route.table : 0);
  if (type == RTM_NEWROUTE) {
    header.rtm_protocol = route.protocol;
    header.rtm_type = RTN_UNICAST;
    header.rtm_scope =
        static_cast<unsigned char>(route.link_scope ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE);
    if (route.onlink) header.rtm_flags = RTNH_F_ONLINK;
  } else {
    header.rtm_scope = RT_SCOPE_NOWHERE;
  }
  Request request(type, NLM_F_ACK | flags, header);
  if (route.destination.length() != 0) request.put(RTA_DST, route.destination.address());
  if (route.gateway) request.put(RTA_GATEWAY, *route.gateway);
  if (route.source && type == RTM_NEWROUTE) request.put(RTA_PREFSRC, *route.source);
  if (route.link != 0) request.put(RTA_OIF, route.link);
  if (route.metric != 0) request.put(RTA_PRIORITY, route.metric);
  request.put(RTA_TABLE, route.table);
  return request;
}
}  // namespace

Result<> Netlink::replace_route(const Route& route) {
  return impl_->order(on_route(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, route), "set route",
                      describe(route));
}

Result<> Netlink::delete_route(const Route& route) {
  return impl_->order(on_route(RTM_DELROUTE, 0, route), "delete route", describe(route), ESRCH);
}

Result<std::vector<Neighbour>> Netlink::permanent_neighbours() {
  std::vector<Neighbour> neighbours;
  const int error = impl_->talk(Request(RTM_GETNEIGH, NLM_F_DUMP, ndmsg{}), [&](nlmsghdr* reply) {
    Attributes<NDA_MAX + 1> attributes;
    nlmsg_parse(reply, sizeof(ndmsg), attributes.at, NDA_MAX, nullptr);
    const auto* const info = static_cast<ndmsg*>(nlmsg_data(reply));
    const auto address = attributes.address(NDA_DST);
    if ((info->ndm_state & NUD_PERMANENT) != 0 && address)
      neighbours.push_back(
          {static_cast<std::uint32_t>(info->ndm_ifindex), *address, attributes.mac(NDA_LLADDR)});
  });
  if (error != 0) return errno_error(error, "list neighbours");
  return neighbours;
}

namespace {
Request on_neighbour(int type, int flags, const Neighbour& neighbour) {
  ndmsg header{};
  header.ndm_family = family_number(neighbour.address.family());
  header.ndm_ifindex = static_cast<int>(neighbour.link);
  header.ndm_state = NUD_PERMANENT;
  Request request(type, NLM_F_ACK | flags, header);
  request.put(NDA_DST, neighbour.address).put(NDA_LLADDR, neighbour.mac);
  return request;
}
}  // namespace

Result<> Netlink::replace_neighbour(const Neighbour& neighbour) {
  return impl_->order(on_neighbour(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, neighbour),
                      "set neighbour", neighbour.address.to_string());
}

Result<> Netlink::delete_neighbour(const Neighbour& neighbour) {
  return impl_->order(on_neighbour(RTM_DELNEIGH, 0, neighbour), "delete neighbour",
                      neighbour.address.to_string(), ENOENT);
}

Result<> Netlink::probe_neighbour(std::uint32_t link, const IpAddress& address) {
  ANTREA_TRY(const auto permanent, permanent_neighbours());
  for (const auto& each : permanent)
    if (each.link == link && each.address == address) return {};
  ndmsg header{};
  header.ndm_family = family_number(address.family());
  header.ndm_ifindex = static_cast<int>(link);
  header.ndm_state = NUD_PROBE;
  Request known(RTM_NEWNEIGH, NLM_F_ACK | NLM_F_REPLACE, header);
  known.put(NDA_DST, address);
  if (impl_->talk(known) == 0) return {};
  header.ndm_state = NUD_NONE;  // not known, or not found when asked before
  header.ndm_flags = NTF_USE;
  Request anew(RTM_NEWNEIGH, NLM_F_ACK | NLM_F_CREATE, header);
  anew.put(NDA_DST, address);
  return impl_->order(anew, "ask neighbour", address.to_string());
}

namespace {
// By which what is not on a device of Antrea's own is known as Antrea's.
constexpr std::uint8_t kOwnProtocol = 0xe9;
}  // namespace

Result<std::set<IpAddress>> Netlink::proxy_neighbours(std::uint32_t link) {
  std::set<IpAddress> out;
  ndmsg question{};
  question.ndm_flags = NTF_PROXY;
  const int error = impl_->talk(Request(RTM_GETNEIGH, NLM_F_DUMP, question), [&](nlmsghdr* reply) {
    Attributes<NDA_MAX + 1> attributes;
    nlmsg_parse(reply, sizeof(ndmsg), attributes.at, NDA_MAX, nullptr);
    const auto* const info = static_cast<ndmsg*>(nlmsg_data(reply));
    const auto address = attributes.address(NDA_DST);
    const nlattr* const protocol = attributes.at[NDA_PROTOCOL];
    if (static_cast<std::uint32_t>(info->ndm_ifindex) == link &&
        (info->ndm_flags & NTF_PROXY) != 0 && address && protocol != nullptr &&
        nla_get_u8(protocol) == kOwnProtocol)
      out.insert(*address);
  });
  if (error != 0) return errno_error(error, "list proxy neighbours");
  return out;
}

namespace {
Request on_proxy_neighbour(int type, int flags, std::uint32_t link, const IpAddress& address) {
  ndmsg header{};
  header.ndm_family = family_number(address.family());
  header.ndm_ifindex = static_cast<int>(link);
  header.ndm_flags = NTF_PROXY;
  Request request(type, NLM_F_ACK | flags, header);
  request.put(NDA_DST, address).put_byte(NDA_PROTOCOL, kOwnProtocol);
  return request;
}
}  // namespace

Result<> Netlink::add_proxy_neighbour(std::uint32_t link, const IpAddress& address) {
  return impl_->order(on_proxy_neighbour(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, link, address),
                      "answer for", address.to_string());
}

Result<> Netlink::delete_proxy_neighbour(std::uint32_t link, const IpAddress& address) {
  return impl_->order(on_proxy_neighbour(RTM_DELNEIGH, 0, link, address), "answer no more for",
                      address.to_string(), ENOENT);
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
