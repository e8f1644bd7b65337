#include "antrea/node/packet_in_meters.h"

#include <array>

#include "antrea/base/asio.h"

namespace antrea::node {

namespace asio = boost::asio;
using asio::awaitable;
using openflow::MeterId;

namespace {

constexpr std::array kMeters{kPolicyMeter, kDnsMeter};
constexpr auto kPatience = std::chrono::seconds(10);

/// The parts of a multipart reply that are of type `Reply`.
template <typename Reply, typename Request>
awaitable<Result<std::vector<Reply>>> ask(openflow::Connection& connection, Request request,
                                          const char* doing, TimePoint deadline) {
  std::vector<Reply> replies;
  openflow::Connection::PartHandler part = [&](std::span<const std::byte> wire) -> Result<> {
    auto decoded = openflow::decode_message(wire);
    if (!decoded) return decoded.error().to_error().within(doing);
    if (auto* multipart = std::get_if<openflow::MultipartReply>(&decoded->message))
      if (auto* reply = std::get_if<Reply>(&multipart->body)) replies.push_back(std::move(*reply));
    return {};
  };
  openflow::MultipartRequestBody body = std::move(request);
  ANTREA_CO_CHECK(co_await connection.multipart(std::move(body), part, deadline));
  co_return replies;
}

}  // namespace

std::vector<openflow::Meter> packet_in_meters(std::uint32_t rate) {
  std::vector<openflow::Meter> meters;
  for (const PacketInMeter& each : kMeters)
    meters.push_back({each.id,
                      openflow::meter_flags::kPktps | openflow::meter_flags::kBurst,
                      {{.type = openflow::Band::Type::kDrop, .rate = rate, .burst = 2 * rate}}});
  return meters;
}

awaitable<Result<bool>> supports_meters(openflow::Connection& connection, TimePoint deadline) {
  constexpr std::uint32_t kDropBand = 1U << 1;
  auto replies = co_await ask<openflow::MeterFeaturesReply>(
      connection, openflow::MeterFeaturesRequest{}, "read meter features", deadline);
  if (!replies) {
    if (replies.error().code == Errc::kRejected) co_return false;
    co_return std::move(replies).error();
  }
  bool supported = false;
  for (const auto& reply : *replies)
    supported = reply.max_meters >= kDnsMeter.id.value && (reply.band_types & kDropBand) != 0 &&
                (reply.capabilities & openflow::meter_flags::kPktps) != 0;
  co_return supported;
}

awaitable<Result<std::map<MeterId, std::uint64_t>>> read_meter_drops(
    openflow::Connection& connection, TimePoint deadline) {
  ANTREA_CO_TRY(const auto replies,
                co_await ask<openflow::MeterStatsReply>(connection, openflow::MeterStatsRequest{},
                                                        "read meter statistics", deadline));
  std::map<MeterId, std::uint64_t> drops;
  for (const auto& reply : replies)
    for (const openflow::MeterStats& meter : reply.meters)
      for (const auto& band : meter.bands) drops[meter.meter] += band.packets;
  co_return drops;
}

awaitable<void> watch_meter_drops(openflow::Switch& the_switch, MetricRegistry& metrics,
                                  bool metered, Duration interval, Logger logger) {
  std::map<MeterId, Metric*> dropped;
  for (const PacketInMeter& each : kMeters)
    dropped[each.id] = &metrics.gauge("antrea_agent_ovs_meter_packet_dropped_count",
                                      "Packets that a meter kept from the agent.",
                                      "meter_id=\"" + std::string(each.name) + '"');
  if (!metered) co_return;
  co_await asio::this_coro::throw_if_cancelled(false);
  asio::steady_timer timer(co_await asio::this_coro::executor);
  for (;;) {
    const auto drops = co_await read_meter_drops(the_switch.connection(),
                                                 std::chrono::steady_clock::now() + kPatience);
    if (!drops) logger->debug("{}", drops.error().to_string());
    for (const auto& [id, metric] : dropped)
      if (drops && drops->contains(id)) metric->set(static_cast<std::int64_t>(drops->at(id)));
    timer.expires_after(interval);
    const auto [code] = co_await timer.async_wait(kTuple);
    const bool cancelled = co_await is_cancelled();
    if (code || cancelled) co_return;
  }
}

}  // namespace antrea::node
