#include "antrea/egress/announcer.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

namespace antrea::egress {

namespace asio = boost::asio;

Announcer::Announcer(asio::any_io_executor executor, std::string interface, Logger log)
    : interface_(std::move(interface)), log_(std::move(log)), changed_(std::move(executor)) {}

Announcer::~Announcer() {
  if (socket_ >= 0) ::close(socket_);
}

Result<std::unique_ptr<Announcer>> Announcer::open(asio::any_io_executor executor,
                                                   std::string interface, Logger log) {
  std::unique_ptr<Announcer> out(
      new Announcer(std::move(executor), std::move(interface), std::move(log)));
  ifreq request{};
  if (out->interface_.size() >= sizeof request.ifr_name)
    return make_error(Errc::kInvalidArgument, "announce addresses: name longer than 15 bytes",
                      out->interface_);
  // Protocol 0: nothing is received.
  out->socket_ = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (out->socket_ < 0) return errno_error("open a raw socket", out->interface_);
  std::memcpy(request.ifr_name, out->interface_.data(), out->interface_.size());
  if (::ioctl(out->socket_, SIOCGIFINDEX, &request) != 0)
    return errno_error("announce addresses", out->interface_);
  out->index_ = request.ifr_ifindex;
  if (::ioctl(out->socket_, SIOCGIFHWADDR, &request) != 0)
    return errno_error("read the MAC address", out->interface_);
  std::memcpy(out->mac_.bytes.data(), request.ifr_hwaddr.sa_data, out->mac_.bytes.size());
  return out;
}

void Announcer::send_due() {
  for (const IpAddress& address : schedule_.due(std::chrono::steady_clock::now())) {
    const Bytes frame = announcement_frame(address, mac_);
    sockaddr_ll to{};
    to.sll_family = AF_PACKET;
    to.sll_protocol = htons(address.is_v4() ? ETH_P_ARP : ETH_P_IPV6);
    to.sll_ifindex = index_;
    to.sll_halen = ETH_ALEN;
    std::memcpy(to.sll_addr, frame.data(), ETH_ALEN);
    if (::sendto(socket_, frame.data(), frame.size(), 0, reinterpret_cast<const sockaddr*>(&to),
                 sizeof to) < 0)
      log_->warn("{}", errno_error("announce " + address.to_string(), interface_).to_string());
    else
      ++sent_;
  }
}

void Announcer::set(const std::set<IpAddress>& addresses) {
  schedule_.set(addresses, std::chrono::steady_clock::now());
  send_due();
  changed_.notify();
}

void Announcer::assert_again(const IpAddress& address) {
  schedule_.assert_again(address, std::chrono::steady_clock::now());
  send_due();
  changed_.notify();
}

asio::awaitable<void> Announcer::run() {
  for (;;) {
    send_due();
    const auto next = schedule_.next_deadline();
    (void)co_await changed_.wait_until(next.value_or(TimePoint::max()));
    if (co_await is_cancelled()) co_return;
  }
}

}  // namespace antrea::egress
