#include "antrea/egress/announcer.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <cstring>
#include <fstream>

namespace antrea::egress {

namespace asio = boost::asio;

namespace {

/// Neighbour solicitations and advertisements of ICMPv6 and nothing else: frames of IPv6 are many.
constexpr std::array<sock_filter, 7> kDiscovery{{
    {BPF_LD | BPF_B | BPF_ABS, 0, 0, 20},    // next header
    {BPF_JMP | BPF_JEQ | BPF_K, 0, 4, 58},   // ICMPv6
    {BPF_LD | BPF_B | BPF_ABS, 0, 0, 54},    // type
    {BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 135},  // solicitation
    {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 136},  // advertisement
    {BPF_RET | BPF_K, 0, 0, 0xffff},
    {BPF_RET | BPF_K, 0, 0, 0},
}};
constexpr std::size_t kLargestFrame = 2048;

/// Where solicitations for the address go (RFC 4291, section 2.7.1).
IpAddress solicited_node_group(const IpAddress& address) {
  const auto bytes = address.mapped_bytes();
  return IpAddress::v6(
      {0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, bytes[13], bytes[14], bytes[15]});
}

/// 0 where it cannot be read.
int read_number(const std::string& path) {
  int number = 0;
  std::ifstream(path) >> number;
  return number;
}

}  // namespace

Announcer::Announcer(asio::any_io_executor executor, std::string interface, Logger log)
    : interface_(std::move(interface)),
      log_(std::move(log)),
      changed_(executor),
      arp_(executor),
      ipv6_(executor) {}

Announcer::~Announcer() {
  if (groups_ >= 0) ::close(groups_);
}

Result<std::unique_ptr<Announcer>> Announcer::open(asio::any_io_executor executor,
                                                   std::string interface, Logger log) {
  std::unique_ptr<Announcer> out(
      new Announcer(std::move(executor), std::move(interface), std::move(log)));
  ANTREA_CHECK(out->find_interface());
  ANTREA_CHECK(out->listen(out->arp_, ETH_P_ARP));
  ANTREA_CHECK(out->listen(out->ipv6_, ETH_P_IPV6));
  return out;
}

Result<> Announcer::find_interface() {
  ifreq request{};
  if (interface_.size() >= sizeof request.ifr_name)
    return make_error(Errc::kInvalidArgument, "announce addresses: name longer than 15 bytes",
                      interface_);
  std::memcpy(request.ifr_name, interface_.data(), interface_.size());
  groups_ = ::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  // A host without IPv6 has nothing to say of it.
  const int any = groups_ >= 0 ? groups_ : ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const bool found = ::ioctl(any, SIOCGIFINDEX, &request) == 0;
  if (found) index_ = request.ifr_ifindex;
  const bool known = found && ::ioctl(any, SIOCGIFHWADDR, &request) == 0;
  Error error = errno_error("announce addresses", interface_);
  if (any != groups_) ::close(any);
  if (!known) return error;
  std::memcpy(mac_.bytes.data(), request.ifr_hwaddr.sa_data, mac_.bytes.size());
  return {};
}

/// Nothing arrives before the filter is there and the socket belongs to the interface.
Result<> Announcer::listen(Socket& socket, std::uint16_t protocol) const {
  const int fd = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return errno_error("open a raw socket", interface_);
  boost::system::error_code code;
  socket.assign(fd, code);
  if (code) {
    ::close(fd);
    return errno_error(code.value(), "open a raw socket", interface_);
  }
  if (protocol == ETH_P_IPV6) {
    auto filter = kDiscovery;
    const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
    if (::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0)
      return errno_error("filter a raw socket", interface_);
  }
  sockaddr_ll here{};
  here.sll_family = AF_PACKET;
  here.sll_protocol = htons(protocol);
  here.sll_ifindex = index_;
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&here), sizeof here) != 0)
    return errno_error("bind a raw socket", interface_);
  return {};
}

void Announcer::send(const Bytes& frame, std::string_view doing) {
  auto& socket = frame[12] == std::byte{0x08} ? arp_ : ipv6_;
  if (::send(socket.native_handle(), frame.data(), frame.size(), 0) < 0)
    log_->warn("{}", errno_error(doing, interface_).to_string());
}

void Announcer::send_due() {
  for (const IpAddress& address : schedule_.due(std::chrono::steady_clock::now())) {
    send(announcement_frame(address, mac_), "announce " + address.to_string());
    ++counters_.announced;
  }
}

void Announcer::set(const std::set<IpAddress>& addresses) {
  own_ = addresses;
  join_groups();
  schedule_.set(addresses, std::chrono::steady_clock::now());
  send_due();
  changed_.notify();
}

/// What is not in a group does not hear its solicitations.
void Announcer::join_groups() {
  std::set<IpAddress> wanted;
  for (const IpAddress& address : own_)
    if (address.is_v6()) wanted.insert(solicited_node_group(address));
  const auto change = [this](int option, const IpAddress& group) {
    ipv6_mreq request{};
    std::memcpy(&request.ipv6mr_multiaddr, group.bytes().data(), group.bytes().size());
    request.ipv6mr_interface = static_cast<unsigned>(index_);
    if (::setsockopt(groups_, IPPROTO_IPV6, option, &request, sizeof request) != 0)
      log_->warn("{}", errno_error("change to group " + group.to_string(), interface_).to_string());
  };
  for (const IpAddress& group : joined_)
    if (!wanted.contains(group)) change(IPV6_LEAVE_GROUP, group);
  for (const IpAddress& group : wanted)
    if (!joined_.contains(group)) change(IPV6_JOIN_GROUP, group);
  joined_ = std::move(wanted);
}

bool Announcer::kernel_answers_arp() const {
  for (const auto& name : {std::string("all"), interface_})
    if (read_number("/proc/sys/net/ipv4/conf/" + name + "/arp_ignore") > 0) return false;
  return true;
}

void Announcer::take(std::span<const std::byte> frame) {
  const Heard heard = hear(frame, own_, mac_);
  if (heard.claimed) {
    log_->warn("{} is claimed by another host", heard.claimed->to_string());
    ++counters_.contradicted;
    schedule_.assert_again(*heard.claimed, std::chrono::steady_clock::now());
    send_due();
    changed_.notify();
  }
  const bool is_arp = frame.size() > 12 && frame[12] == std::byte{0x08};
  if (!heard.answer || (is_arp && kernel_answers_arp())) return;
  send(*heard.answer, "answer");
  ++counters_.answered;
}

asio::awaitable<void> Announcer::hear_on(Socket& socket) {
  co_await asio::this_coro::throw_if_cancelled(false);
  std::array<std::byte, kLargestFrame> frame;
  for (;;) {
    const auto [code] = co_await socket.async_wait(Socket::wait_read, kTuple);
    const bool cancelled = co_await is_cancelled();
    if (code || cancelled) co_return;
    constexpr int kAtOnce = 64;  // then others have their turn
    for (int i = 0; i < kAtOnce; ++i) {
      const auto size = ::recv(socket.native_handle(), frame.data(), frame.size(), 0);
      if (size < 0) break;  // no more; or the interface is down, which passes
      take(std::span(frame).first(static_cast<std::size_t>(size)));
    }
  }
}

asio::awaitable<void> Announcer::announce() {
  co_await asio::this_coro::throw_if_cancelled(false);
  for (;;) {
    send_due();
    const auto next = schedule_.next_deadline();
    (void)co_await changed_.wait_until(next.value_or(TimePoint::max()));
    const bool cancelled = co_await is_cancelled();
    if (cancelled) co_return;
  }
}

asio::awaitable<void> Announcer::run() {
  using namespace asio::experimental::awaitable_operators;
  co_await (announce() && hear_on(arp_) && hear_on(ipv6_));
}

}  // namespace antrea::egress
