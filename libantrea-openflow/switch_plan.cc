#include <algorithm>
#include <iterator>
#include <map>

#include "antrea/base/bytes.h"
#include "antrea/openflow/switch_state.h"
#include "antrea/openflow/text.h"

namespace antrea::openflow {
namespace {

constexpr std::uint16_t kBundleFlags = bundle_flags::kAtomic | bundle_flags::kOrdered;
constexpr std::size_t kBundleAddSize = 16;
constexpr std::uint8_t kBundleAddType = 34;

/// As many buckets as a message is sure to take without trying.
constexpr std::uint32_t kBucketsOfMessage = 700;

bool append(std::uint32_t xid, std::optional<std::uint32_t> bundle, const Message& message,
            std::vector<std::byte>& out) {
  return bundle ? encode_bundle_add(*bundle, kBundleFlags, xid, message, out)
                : encode(xid, message, out);
}

/// A flow_mod from a record, without decoding it.
void append_flow(const FlowRecord& flow, bool remove, std::uint32_t xid,
                 std::optional<std::uint32_t> bundle, std::vector<std::byte>& out) {
  const FlowCommand command = remove ? FlowCommand::kDeleteStrict : FlowCommand::kAdd;
  if (bundle) {
    ByteWriter writer(out);
    writer.u8(kOpenFlow15);
    writer.u8(kBundleAddType);
    writer.be16(static_cast<std::uint16_t>(flow.message_size(command) + kBundleAddSize));
    writer.be32(xid);
    writer.be32(*bundle);
    writer.be16(0);
    writer.be16(kBundleFlags);
  }
  flow.append_message(command, xid, out);
}

/// The groups that actions name, also inside nested ones.
void named_groups(const Actions& actions, std::vector<GroupId>& out) {
  for (const auto& action : actions) {
    if (const auto* group = std::get_if<GroupAction>(&action)) out.push_back(group->group);
    if (const auto* clone = std::get_if<Clone>(&action)) named_groups(clone->actions, out);
  }
}

using GroupSteps = std::vector<Step<GroupPtr>>;

/// Puts steps into an order in which a group comes behind those that `pick` of it names. Where they
/// name each other in a circle the switch will say so.
std::vector<GroupPtr> in_order_of_use(const GroupSteps& steps, GroupPtr Step<GroupPtr>::*pick) {
  std::map<GroupId, GroupPtr> waiting;
  std::vector<GroupPtr> ordered, path;
  for (const auto& step : steps)
    if (step.*pick != nullptr) waiting.emplace((step.*pick)->id, step.*pick);
  while (!waiting.empty() || !path.empty()) {
    if (path.empty()) path.push_back(waiting.extract(waiting.begin()).mapped());
    std::vector<GroupId> named;
    for (const auto& bucket : path.back()->buckets) {
      named_groups(bucket.actions, named);
      if (bucket.watch_group) named.push_back(*bucket.watch_group);
    }
    const auto next = std::ranges::find_if(named, [&](GroupId id) { return waiting.contains(id); });
    if (next != named.end()) {
      path.push_back(waiting.extract(*next).mapped());
    } else {
      ordered.push_back(std::move(path.back()));
      path.pop_back();
    }
  }
  return ordered;
}

/// As many messages as the buckets of a group take.
Result<> plan_group(const GroupPtr& group, std::vector<PlannedMessage>& out) {
  std::vector<std::byte> scratch;
  const auto total = static_cast<std::uint32_t>(group->buckets.size());
  std::uint32_t at = 0;
  do {
    PlannedMessage message;
    message.kind = at == 0 ? PlannedMessage::Kind::kSetGroup : PlannedMessage::Kind::kInsertBuckets;
    message.what = group;
    message.first_bucket = at;
    message.bucket_count = std::min(total - at, kBucketsOfMessage);
    for (scratch.clear(); !message.encode(0, 0, scratch); scratch.clear()) {
      if (message.bucket_count <= 1)
        return make_error(Errc::kInvalidArgument, "plan: a bucket does not fit into a message",
                          "group " + std::to_string(group->id.value));
      message.bucket_count /= 2;
    }
    at += message.bucket_count;
    out.push_back(std::move(message));
  } while (at < total);
  return {};
}

}  // namespace

bool PlannedMessage::encode(std::uint32_t xid, std::optional<std::uint32_t> bundle,
                            std::vector<std::byte>& out) const {
  switch (kind) {
    case Kind::kAddFlow:
    case Kind::kDeleteFlow:
      append_flow(*flow(), kind == Kind::kDeleteFlow, xid, bundle, out);
      return true;
    case Kind::kSetGroup:
    case Kind::kInsertBuckets: {
      GroupMod mod;
      mod.command =
          kind == Kind::kSetGroup ? GroupCommand::kAddOrModify : GroupCommand::kInsertBucket;
      mod.command_bucket = kind == Kind::kSetGroup ? kBucketAll : kBucketLast;
      mod.group.id = group()->id;
      mod.group.type = group()->type;
      if (kind == Kind::kSetGroup) mod.group.selection = group()->selection;
      const auto first = group()->buckets.begin() + first_bucket;
      mod.group.buckets.assign(first, first + bucket_count);
      return append(xid, bundle, mod, out);
    }
    case Kind::kDeleteGroup: {
      GroupMod mod;
      mod.command = GroupCommand::kDelete;
      mod.group.id = group()->id;
      return append(xid, bundle, mod, out);
    }
    case Kind::kMapTlv:
      return append(xid, bundle, NxTlvTableMod{NxTlvTableMod::Command::kAdd, {*tlv_map()}}, out);
    case Kind::kUnmapTlv:
      return append(xid, bundle, NxTlvTableMod{NxTlvTableMod::Command::kDelete, {*tlv_map()}}, out);
    case Kind::kAddMeter:
      return append(xid, bundle, MeterMod{MeterCommand::kAdd, *meter()}, out);
    case Kind::kSetMeter:
      return append(xid, bundle, MeterMod{MeterCommand::kModify, *meter()}, out);
    case Kind::kDeleteMeter:
      return append(xid, bundle, MeterMod{MeterCommand::kDelete, Meter{meter()->id, 0, {}}}, out);
  }
  return false;
}

std::string PlannedMessage::describe() const {
  switch (kind) {
    case Kind::kAddFlow:
      return "add flow: " + flow()->describe();
    case Kind::kDeleteFlow:
      return "delete flow: " + flow()->describe();
    case Kind::kSetGroup:
      return "set group " + std::to_string(group()->id.value) + ": " +
             std::to_string(bucket_count) + " buckets";
    case Kind::kInsertBuckets:
      return "insert into group " + std::to_string(group()->id.value) + ": " +
             std::to_string(bucket_count) + " buckets";
    case Kind::kDeleteGroup:
      return "delete group " + std::to_string(group()->id.value);
    case Kind::kMapTlv:
      return "map tun_metadata" + std::to_string(tlv_map()->index);
    case Kind::kUnmapTlv:
      return "unmap tun_metadata" + std::to_string(tlv_map()->index);
    case Kind::kAddMeter:
      return "add meter " + std::to_string(meter()->id.value);
    case Kind::kSetMeter:
      return "set meter " + std::to_string(meter()->id.value);
    case Kind::kDeleteMeter:
      return "delete meter " + std::to_string(meter()->id.value);
  }
  return {};
}

std::string PlannedMessage::text() const {
  std::vector<std::byte> wire;
  encode(0, std::nullopt, wire);
  auto text = print_message(wire);
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

Result<Plan> Plan::make(Delta delta) {
  using Kind = PlannedMessage::Kind;
  Plan plan;
  const auto add = [](std::vector<PlannedMessage>& to, Kind kind, auto what) {
    PlannedMessage& message = to.emplace_back();
    message.kind = kind;
    message.what = std::move(what);
  };
  for (const auto& step : delta.tlv_maps) {
    if (step.before != nullptr)
      add(step.after != nullptr ? plan.before : plan.after, Kind::kUnmapTlv, step.before);
    if (step.after != nullptr) add(plan.before, Kind::kMapTlv, step.after);
  }
  std::vector<std::byte> scratch;
  for (const auto& step : delta.meters) {
    if (step.after == nullptr) {
      add(plan.after, Kind::kDeleteMeter, step.before);
      continue;
    }
    add(plan.before, step.before == nullptr ? Kind::kAddMeter : Kind::kSetMeter, step.after);
    scratch.clear();
    if (!plan.before.back().encode(0, std::nullopt, scratch))
      return make_error(Errc::kInvalidArgument, "plan: the meter does not fit into a message",
                        "meter " + std::to_string(step.after->id.value));
  }
  plan.bundle.reserve(delta.groups.size() + delta.flows.size());
  for (const auto& group : in_order_of_use(delta.groups, &Step<GroupPtr>::after))
    ANTREA_CHECK(plan_group(group, plan.bundle));
  for (auto& step : delta.flows) {
    const bool stays = step.after != nullptr;
    add(plan.bundle, stays ? Kind::kAddFlow : Kind::kDeleteFlow,
        std::move(stays ? step.after : step.before));
  }
  GroupSteps gone;
  std::ranges::copy_if(delta.groups, std::back_inserter(gone),
                       [](const auto& step) { return step.after == nullptr; });
  const auto order = in_order_of_use(gone, &Step<GroupPtr>::before);
  for (auto group = order.rbegin(); group != order.rend(); ++group)
    add(plan.bundle, Kind::kDeleteGroup, *group);
  return plan;
}

}  // namespace antrea::openflow
