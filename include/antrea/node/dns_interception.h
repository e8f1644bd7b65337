#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "antrea/base/asio.h"
#include "antrea/base/log.h"
#include "antrea/base/metrics.h"
#include "antrea/node/datapath.h"
#include "antrea/node/dns_client.h"
#include "antrea/node/dns_names.h"

namespace antrea::node {

/// The DNS answer in a packet (UDP, or a TCP segment that begins one). Error: as
/// `decode_dns_answer`; kUnsupported, a packet of another kind.
ANTREA_API Result<DnsAnswer> dns_answer_in(std::span<const std::byte> frame);

/// A shell: holds the answers of DNS servers that the switch paused (userdata {2}) until the
/// addresses in them are in the flows of the rules that are about their names, then lets them go to
/// the Pods. So a Pod's first packet to such an address is judged right. What is no answer about
/// such a name goes on at once; an answer whose flows are not there in time is dropped, and the Pod
/// asks again.
class ANTREA_API DnsInterception {
 public:
  struct Options {
    DnsNames::Options names;
    std::vector<Family> families{Family::kIPv4};
    std::optional<DnsServerAddress> server;  ///< for the agent's own queries; none: no such
    std::string state_file;                  ///< empty: nothing is kept
    std::size_t queue = 10'000;              ///< answers that may wait; more are dropped
    Duration hold_timeout = std::chrono::seconds(2);
    Logger logger = null_logger();
  };

  /// Subscribes, and tells the datapath the names of an earlier life. The references must outlive
  /// it.
  DnsInterception(boost::asio::any_io_executor executor, openflow::Switch& the_switch,
                  Datapath& datapath, MetricRegistry& metrics, Options options);
  /// Keeps what it knows.
  ~DnsInterception();
  DnsInterception(const DnsInterception&) = delete;
  DnsInterception& operator=(const DnsInterception&) = delete;

  /// Rules were applied to the datapath: looks whether other names are in them.
  void rules_changed();
  /// Until cancelled; holds everything until `rules_changed` was called. To be spawned once by the
  /// owner.
  boost::asio::awaitable<void> run();

 private:
  struct Held {
    openflow::PacketIn2 packet;
    boost::asio::awaitable<Result<>> done;
    TimePoint deadline;
  };

  boost::asio::awaitable<void> intercept();
  boost::asio::awaitable<void> release();
  boost::asio::awaitable<void> keep_time();
  boost::asio::awaitable<void> ask();
  boost::asio::awaitable<Result<>> commit(DnsNames::Changes changes);
  void apply(DnsNames::Changes changes);
  void resume(const openflow::PacketIn2& packet);
  void count();
  void restore();
  void save();

  openflow::Switch& switch_;
  Datapath& datapath_;
  Options options_;
  DnsNames names_;
  std::shared_ptr<openflow::PacketInQueue> queue_;
  std::deque<Held> held_;
  std::deque<std::string> questions_;
  bool rules_known_ = false;
  Signal rules_come_, held_changed_, questions_changed_, time_changed_;
  bool unsaved_ = false;
  TimePoint saved_;
  Metric &resumed_, &dropped_, &queue_full_, &names_count_, &evicted_of_pattern_, &evicted_of_all_;
};

}  // namespace antrea::node
