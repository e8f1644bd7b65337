#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <memory>

#include "antrea/base/log.h"
#include "antrea/base/metrics.h"
#include "antrea/node/policy_packet_in.h"
#include "antrea/openflow/switch.h"

namespace antrea::node {

/// A shell: reads the packets that rules copied to the controller, sends the answers of those that
/// are rejected, and hands those that are logged to whoever logs. Whether a packet passes was
/// decided before, in the switch: what is lost here is an answer or a line, never a verdict. It
/// also answers what was sent to Services without endpoints.
class ANTREA_API PolicyPackets {
 public:
  struct Options {
    std::size_t queue = 10'000;  ///< packets that may wait; more are dropped and counted
    std::function<void(const PolicyPacketIn&)> on_log;
    Logger logger = null_logger();
  };

  /// Subscribes. The references must outlive it; it counts in `metrics`.
  PolicyPackets(openflow::Switch& the_switch, const InterfaceStore& interfaces,
                const NodeConfig& config, MetricRegistry& metrics, Options options);
  ~PolicyPackets();
  PolicyPackets(const PolicyPackets&) = delete;
  PolicyPackets& operator=(const PolicyPackets&) = delete;

  /// Until `this` goes. To be spawned once by the owner.
  boost::asio::awaitable<void> run();

 private:
  boost::asio::awaitable<void> answer_rules();
  boost::asio::awaitable<void> answer_services();
  void take(const openflow::PacketIn2& packet);
  void send(const std::optional<openflow::PacketOut>& answer, Metric& answered);

  openflow::Switch& switch_;
  const InterfaceStore& interfaces_;
  const NodeConfig& config_;
  Options options_;
  std::shared_ptr<openflow::PacketInQueue> queue_, unserved_queue_;
  Metric &logged_, &answered_, &refused_, &unanswered_, &malformed_, &dropped_;
};

}  // namespace antrea::node
