#include "antrea/openflow/codec.h"
#include "wire.h"

namespace antrea::openflow {

namespace {
constexpr std::uint8_t kMultipartReply = 19;
}

FlowStatsReader::FlowStatsReader(std::span<const std::byte> wire) : wire_(wire) {
  detail::In in(wire);
  in.skip(1);
  const std::uint8_t type = in.u8();
  const std::uint16_t length = in.be16();
  in.skip(4);
  const std::uint16_t part = in.be16();
  more_ = (in.be16() & 1) != 0;
  in.skip(4);
  offset_ = in.offset();
  if (in.failed() || length != wire.size())
    error_ = detail::fail(errors::kBadLen, 2);
  else if (type != kMultipartReply || part != 1)
    error_ = detail::fail(errors::kBadType, 1);
}

std::optional<FlowStatsView> FlowStatsReader::next() {
  if (error_ || offset_ >= wire_.size()) return {};
  constexpr std::size_t kFixed = 24;
  const auto bad = [&](std::size_t offset) -> std::optional<FlowStatsView> {
    error_ = detail::fail(errors::kBadLen, offset);
    return {};
  };
  const std::size_t left = wire_.size() - offset_;
  if (left < kFixed + 8) return bad(offset_);
  const std::byte* at = wire_.data() + offset_;
  const std::size_t size = detail::load_be<std::uint16_t>(at);
  if (size < kFixed + 16 || size > left) return bad(offset_);
  FlowStatsView view;
  view.table = TableId{std::to_integer<std::uint8_t>(at[4])};
  view.priority = detail::load_be<std::uint16_t>(at + 6);
  view.idle_timeout = detail::load_be<std::uint16_t>(at + 8);
  view.hard_timeout = detail::load_be<std::uint16_t>(at + 10);
  view.flags = detail::load_be<std::uint16_t>(at + 12);
  view.importance = detail::load_be<std::uint16_t>(at + 14);
  view.cookie = detail::load_be<std::uint64_t>(at + 16);
  std::size_t used = kFixed;
  const std::size_t match_size = detail::pad8(detail::load_be<std::uint16_t>(at + used + 2));
  if (match_size < 8 || match_size + 8 > size - used) return bad(offset_ + used);
  view.match = wire_.subspan(offset_ + used, match_size);
  used += match_size;
  const std::size_t statistics_size = detail::pad8(detail::load_be<std::uint16_t>(at + used + 2));
  if (statistics_size < 8 || statistics_size > size - used) return bad(offset_ + used);
  view.statistics = wire_.subspan(offset_ + used, statistics_size);
  used += statistics_size;
  view.instructions = wire_.subspan(offset_ + used, size - used);
  offset_ += size;
  return view;
}

DecodeResult<FlowStats> FlowStatsView::decode() const {
  DecodeResult<FlowStats> result = FlowStats();
  FlowStats& stats = *result;
  Flow& flow = stats.flow;
  flow.table = table;
  flow.priority = priority;
  flow.idle_timeout = idle_timeout;
  flow.hard_timeout = hard_timeout;
  flow.flags = flags;
  flow.importance = importance;
  flow.cookie = cookie;
  detail::In match_in(match);
  if (const auto error = detail::pull_match(match_in, flow.match)) return *error;
  detail::In statistics_in(statistics);
  auto decoded_statistics = detail::pull_statistics(statistics_in);
  if (decoded_statistics.has_error()) return decoded_statistics.error();
  stats.statistics = *decoded_statistics;
  auto decoded_instructions = detail::pull_instructions(detail::In(instructions));
  if (decoded_instructions.has_error()) return decoded_instructions.error();
  static_cast<Instructions&>(flow) = std::move(*decoded_instructions);
  return result;
}

}  // namespace antrea::openflow
