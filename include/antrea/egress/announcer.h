#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <set>
#include <string>

#include "antrea/base/asio.h"
#include "antrea/base/log.h"
#include "antrea/egress/announcement.h"

namespace antrea::egress {

/// Shell: sends announcements as raw frames through one network interface (CAP_NET_RAW). To ask for
/// an address is the network's business, and to answer the kernel's, which does for addresses it
/// has: nothing is answered here, so nothing for an address that is not this host's.
class ANTREA_API Announcer {
 public:
  /// Error: kNotFound without that interface, kPermissionDenied, kIo.
  static Result<std::unique_ptr<Announcer>> open(boost::asio::any_io_executor executor,
                                                 std::string interface, Logger log = null_logger());
  ~Announcer();

  /// The addresses that are this host's from now on. New ones are announced before it returns.
  void set(const std::set<IpAddress>& addresses);
  /// See `AnnouncementSchedule::assert_again`.
  void assert_again(const IpAddress& address);
  /// Repeats and refreshes until cancelled. To be spawned once by the owner.
  boost::asio::awaitable<void> run();
  std::uint64_t sent() const { return sent_; }

 private:
  Announcer(boost::asio::any_io_executor executor, std::string interface, Logger log);
  void send_due();

  std::string interface_;
  Logger log_;
  Signal changed_;
  AnnouncementSchedule schedule_;
  int socket_ = -1;
  int index_ = 0;
  MacAddress mac_;
  std::uint64_t sent_ = 0;
};

}  // namespace antrea::egress
