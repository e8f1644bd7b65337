#pragma once

#include <boost/asio/awaitable.hpp>
#include <map>
#include <string_view>
#include <vector>

#include "antrea/base/log.h"
#include "antrea/base/metrics.h"
#include "antrea/openflow/meter.h"
#include "antrea/openflow/switch.h"

namespace antrea::node {

/// A meter that limits one kind of packets on their way from the switch to the agent. Beyond it
/// only the copy is lost: an answer to a rejected packet, a line of the log. A DNS answer that is
/// held is lost itself, and asked for again.
struct PacketInMeter {
  openflow::MeterId id;
  std::string_view name;  ///< label meter_id of the metric (antrea: pkg/agent/metrics)
};
inline constexpr PacketInMeter kPolicyMeter{openflow::MeterId{256}, "PacketInMeterNetworkPolicy"};
inline constexpr PacketInMeter kDnsMeter{openflow::MeterId{258}, "PacketInMeterDNSInterception"};

/// The meters, each of `rate` packets a second (at least 1) with bursts of twice as many.
ANTREA_API std::vector<openflow::Meter> packet_in_meters(std::uint32_t rate);

/// Whether the datapath has meters that drop by packet rate: the kernel's since Linux 4.18. Where
/// there are none, packets come unlimited but for the queue of their reader.
ANTREA_API boost::asio::awaitable<Result<bool>> supports_meters(openflow::Connection& connection,
                                                                TimePoint deadline);

/// What each meter has dropped since it was made.
ANTREA_API boost::asio::awaitable<Result<std::map<openflow::MeterId, std::uint64_t>>>
read_meter_drops(openflow::Connection& connection, TimePoint deadline);

/// Keeps antrea_agent_ovs_meter_packet_dropped_count at what the switch says, until cancelled. The
/// metric is there, as 0, where no meter is (`metered` false) too.
ANTREA_API boost::asio::awaitable<void> watch_meter_drops(openflow::Switch& the_switch,
                                                          MetricRegistry& metrics, bool metered,
                                                          Duration interval, Logger logger);

}  // namespace antrea::node
