#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "antrea/base/asio.h"
#include "antrea/base/log.h"
#include "antrea/egress/announcement.h"

namespace antrea::egress {

/// Shell: speaks for addresses on one network interface, in raw frames (CAP_NET_RAW). Announces
/// them, contradicts others that claim them, and answers who asks for them where the kernel does
/// not: of IPv6, as they are on another interface, and of IPv4 where `arp_ignore` is set, as IPVS
/// wants it (antrea#3318, antrea#3837). Nothing is said of an address that is not this host's.
class ANTREA_API Announcer {
 public:
  /// Error: kNotFound without that interface, kPermissionDenied, kIo.
  static Result<std::unique_ptr<Announcer>> open(boost::asio::any_io_executor executor,
                                                 std::string interface, Logger log = null_logger());
  ~Announcer();

  /// The addresses that are this host's from now on. New ones are announced before it returns.
  void set(const std::set<IpAddress>& addresses);
  /// Repeats, refreshes, answers and contradicts until cancelled. To be spawned once by the owner.
  boost::asio::awaitable<void> run();

  struct Counters {
    std::uint64_t announced = 0, answered = 0, contradicted = 0;
  };
  const Counters& counters() const { return counters_; }

 private:
  /// Of one protocol: all that comes for it.
  using Socket = boost::asio::posix::stream_descriptor;

  Announcer(boost::asio::any_io_executor executor, std::string interface, Logger log);
  Result<> find_interface();
  Result<> listen(Socket& socket, std::uint16_t protocol) const;
  void join_groups();
  void send_due();
  void send(const Bytes& frame, std::string_view doing);
  void take(std::span<const std::byte> frame);
  bool kernel_answers_arp() const;
  boost::asio::awaitable<void> hear_on(Socket& socket);
  boost::asio::awaitable<void> announce();

  std::string interface_;
  Logger log_;
  Signal changed_;
  AnnouncementSchedule schedule_;
  std::set<IpAddress> own_;
  Socket arp_, ipv6_;
  int groups_ = -1;             // a socket that is in the groups of `joined_`
  std::set<IpAddress> joined_;  // solicited-node groups, for switches that ask who listens
  int index_ = 0;
  MacAddress mac_;
  Counters counters_;
};

}  // namespace antrea::egress
