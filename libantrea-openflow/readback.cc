#include "antrea/openflow/readback.h"

#include <algorithm>

#include "antrea/base/asio.h"
#include "parts.h"

namespace antrea::openflow {
namespace asio = boost::asio;
using asio::awaitable;

namespace {

/// Groups of no more buckets are read all together.
constexpr std::size_t kReadableBuckets = 256;
constexpr int kMostFailures = 2;

bool fits_into_message(const Group& group) {
  std::vector<std::byte> wire;
  return encode(0, GroupMod{GroupCommand::kAdd, kBucketAll, group}, wire);
}

/// The peer answered: its stream is in order.
bool answered(const Result<>& read) { return read || read.error().code == Errc::kRejected; }

}  // namespace

void Readback::acknowledged(const Plan& plan) {
  for (const auto& message : plan.bundle)
    if (message.kind == PlannedMessage::Kind::kInsertBuckets ||
        (message.kind == PlannedMessage::Kind::kSetGroup &&
         failures_.contains(message.group()->id)))
      written_[message.group()->id] = message.group();
}

awaitable<Result<>> Readback::read_group(GroupId id, std::size_t buckets, TimePoint deadline) {
  const auto desired = state_.group(id);
  const bool same_count = desired != nullptr && desired->buckets.size() == buckets;
  const auto failures = failures_.find(id);
  const bool readable =
      (failures == failures_.end() || failures->second < kMostFailures) &&
      (buckets <= kReadableBuckets || (same_count && fits_into_message(*desired)));
  if (!readable) {
    const auto written = written_.find(id);
    state_.see_large_group(id,
                           same_count && written != written_.end() && written->second == desired);
    co_return Result<>{};
  }
  const auto see = parts_of<GroupDescReply>(
      "read groups", [this](const GroupDescReply& reply) { state_.see_groups(reply.groups); });
  MultipartRequestBody one = GroupDescRequest{id};
  auto read = co_await connection_.multipart(std::move(one), see, deadline);
  if (answered(read))
    failures_.erase(id);
  else
    ++failures_[id];
  co_return read;
}

awaitable<Result<>> Readback::read_groups(TimePoint deadline) {
  std::map<GroupId, std::size_t> buckets;
  bool large = false;
  const auto count = parts_of<GroupStatsReply>("count buckets", [&](const GroupStatsReply& reply) {
    for (const auto& group : reply.groups) {
      buckets[group.group] = group.buckets.size();
      large = large || group.buckets.size() > kReadableBuckets;
    }
  });
  MultipartRequestBody all_stats = GroupStatsRequest{};
  ANTREA_CO_CHECK(co_await connection_.multipart(std::move(all_stats), count, deadline));
  if (buckets.empty()) co_return Result<>{};
  if (!large && !one_by_one_) {
    const auto see = parts_of<GroupDescReply>(
        "read groups", [this](const GroupDescReply& reply) { state_.see_groups(reply.groups); });
    MultipartRequestBody all = GroupDescRequest{};
    auto read = co_await connection_.multipart(std::move(all), see, deadline);
    one_by_one_ = !answered(read);
    co_return read;
  }
  for (const auto& [id, size] : buckets) ANTREA_CO_CHECK(co_await read_group(id, size, deadline));
  one_by_one_ = false;
  co_return Result<>{};
}

awaitable<Result<>> Readback::read_tlv_maps(TimePoint deadline) {
  Message ask = NxTlvTableRequest{};
  auto answer = co_await connection_.request(std::move(ask), deadline);
  if (!answer) co_return std::move(answer).error();
  if (const auto* reply = std::get_if<NxTlvTableReply>(&*answer)) state_.see_tlv_maps(reply->maps);
  co_return Result<>{};
}

awaitable<Result<Delta>> Readback::run(TimePoint deadline) {
  state_.begin_readback();
  if (state_.minds_tlv_maps()) ANTREA_CO_CHECK(co_await read_tlv_maps(deadline));
  if (state_.minds_groups()) ANTREA_CO_CHECK(co_await read_groups(deadline));
  if (state_.minds_meters()) {
    const auto see = parts_of<MeterConfigReply>(
        "read meters", [this](const MeterConfigReply& reply) { state_.see_meters(reply.meters); });
    MultipartRequestBody all = MeterConfigRequest{};
    const auto read = co_await connection_.multipart(std::move(all), see, deadline);
    // A datapath without meters refuses the question: it has none.
    if (!read && read.error().code != Errc::kRejected) co_return read.error();
  }
  // All flows, whosever: a desired flow's place may be taken by somebody else's.
  Connection::PartHandler see = [this](std::span<const std::byte> wire) {
    return state_.see_flows(wire);
  };
  MultipartRequestBody all = FlowStatsRequest{};
  ANTREA_CO_CHECK(co_await connection_.multipart(std::move(all), see, deadline));
  co_return state_.finish_readback();
}

}  // namespace antrea::openflow
