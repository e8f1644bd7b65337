#include <algorithm>
#include <cstring>

#include "antrea/base/bytes.h"
#include "antrea/openflow/switch_state.h"

namespace antrea::openflow {
namespace {

constexpr std::uint16_t kBundleFlags = bundle_flags::kAtomic | bundle_flags::kOrdered;
constexpr std::size_t kBundleAddSize = 16;
constexpr std::uint8_t kBundleAddType = 34;
constexpr std::size_t kFlowModCommandAt = 25;

/// As many buckets as a message is sure to take without trying.
constexpr std::uint32_t kMostBuckets = 700;

bool append(std::uint32_t xid, std::optional<std::uint32_t> bundle, const Message& message,
            std::vector<std::byte>& out) {
  return bundle ? encode_bundle_add(*bundle, kBundleFlags, xid, message, out)
                : encode(xid, message, out);
}

/// A flow_mod from a record, without decoding it.
void append_flow(const FlowRecord& flow, bool remove, std::uint32_t xid,
                 std::optional<std::uint32_t> bundle, std::vector<std::byte>& out) {
  auto wire = flow.flow_mod();
  if (remove) wire = wire.first(wire.size() - flow.instructions().size());
  ByteWriter writer(out);
  if (bundle) {
    writer.u8(kOpenFlow15);
    writer.u8(kBundleAddType);
    writer.be16(static_cast<std::uint16_t>(wire.size() + kBundleAddSize));
    writer.be32(xid);
    writer.be32(*bundle);
    writer.be16(0);
    writer.be16(kBundleFlags);
  }
  const auto start = out.size();
  writer.bytes(wire);
  writer.patch_be16(start + 2, static_cast<std::uint16_t>(wire.size()));
  writer.patch_be32(start + 4, xid);
  if (remove)
    out[start + kFlowModCommandAt] =
        std::byte{static_cast<std::uint8_t>(FlowCommand::kDeleteStrict)};
}

}  // namespace

bool PlannedMessage::encode(std::uint32_t xid, std::optional<std::uint32_t> bundle,
                            std::vector<std::byte>& out) const {
  switch (kind) {
    case Kind::kAddFlow:
    case Kind::kDeleteFlow:
      append_flow(*flow, kind == Kind::kDeleteFlow, xid, bundle, out);
      return true;
    case Kind::kSetGroup:
    case Kind::kInsertBuckets: {
      GroupMod mod;
      mod.command =
          kind == Kind::kSetGroup ? GroupCommand::kAddOrModify : GroupCommand::kInsertBucket;
      mod.command_bucket = kind == Kind::kSetGroup ? kBucketAll : kBucketLast;
      mod.group.id = group->id;
      mod.group.type = group->type;
      if (kind == Kind::kSetGroup) mod.group.selection = group->selection;
      const auto first = group->buckets.begin() + first_bucket;
      mod.group.buckets.assign(first, first + bucket_count);
      return append(xid, bundle, mod, out);
    }
    case Kind::kDeleteGroup: {
      GroupMod mod;
      mod.command = GroupCommand::kDelete;
      mod.group.id = group->id;
      return append(xid, bundle, mod, out);
    }
    case Kind::kAddMeter:
      return append(xid, bundle, MeterMod{MeterCommand::kAdd, *meter}, out);
    case Kind::kSetMeter:
      return append(xid, bundle, MeterMod{MeterCommand::kModify, *meter}, out);
    case Kind::kDeleteMeter:
      return append(xid, bundle, MeterMod{MeterCommand::kDelete, Meter{meter->id, 0, {}}}, out);
  }
  return false;
}

std::string PlannedMessage::describe() const {
  switch (kind) {
    case Kind::kAddFlow:
      return "add flow: " + flow->describe();
    case Kind::kDeleteFlow:
      return "delete flow: " + flow->describe();
    case Kind::kSetGroup:
      return "set group " + std::to_string(group->id.value) + ": " + std::to_string(bucket_count) +
             " buckets";
    case Kind::kInsertBuckets:
      return "insert into group " + std::to_string(group->id.value) + ": " +
             std::to_string(bucket_count) + " buckets";
    case Kind::kDeleteGroup:
      return "delete group " + std::to_string(group->id.value);
    case Kind::kAddMeter:
      return "add meter " + std::to_string(meter->id.value);
    case Kind::kSetMeter:
      return "set meter " + std::to_string(meter->id.value);
    case Kind::kDeleteMeter:
      return "delete meter " + std::to_string(meter->id.value);
  }
  return {};
}

Result<Plan> Plan::make(const Delta& delta) {
  using Kind = PlannedMessage::Kind;
  Plan plan;
  std::vector<std::byte> scratch;
  const auto one = [](Kind kind) {
    PlannedMessage message;
    message.kind = kind;
    return message;
  };
  for (const auto& step : delta.meters) {
    auto message = one(step.after == nullptr    ? Kind::kDeleteMeter
                       : step.before == nullptr ? Kind::kAddMeter
                                                : Kind::kSetMeter);
    message.meter = step.after != nullptr ? step.after : step.before;
    scratch.clear();
    if (!message.encode(0, std::nullopt, scratch))
      return make_error(Errc::kInvalidArgument, "plan: the meter does not fit into a message",
                        "meter " + std::to_string(message.meter->id.value));
    (step.after == nullptr ? plan.after : plan.before).push_back(std::move(message));
  }
  plan.bundle.reserve(delta.groups.size() + delta.flows.size());
  for (const auto& step : delta.groups) {
    if (step.after == nullptr) continue;
    const auto total = static_cast<std::uint32_t>(step.after->buckets.size());
    std::uint32_t at = 0;
    do {
      auto message = one(at == 0 ? Kind::kSetGroup : Kind::kInsertBuckets);
      message.group = step.after;
      message.first_bucket = at;
      message.bucket_count = std::min(total - at, kMostBuckets);
      for (scratch.clear(); !message.encode(0, 0, scratch); scratch.clear()) {
        if (message.bucket_count <= 1)
          return make_error(Errc::kInvalidArgument, "plan: a bucket does not fit into a message",
                            "group " + std::to_string(step.after->id.value));
        message.bucket_count /= 2;
      }
      at += message.bucket_count;
      plan.bundle.push_back(std::move(message));
    } while (at < total);
  }
  for (const auto& step : delta.flows) {
    auto message = one(step.after != nullptr ? Kind::kAddFlow : Kind::kDeleteFlow);
    message.flow = step.after != nullptr ? step.after : step.before;
    plan.bundle.push_back(std::move(message));
  }
  for (const auto& step : delta.groups) {
    if (step.after != nullptr) continue;
    auto message = one(Kind::kDeleteGroup);
    message.group = step.before;
    plan.bundle.push_back(std::move(message));
  }
  return plan;
}

}  // namespace antrea::openflow
