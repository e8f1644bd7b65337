#include <set>
#include <utility>

#include "antrea/openflow/codec.h"
#include "field_table.h"
#include "wire.h"

namespace antrea::openflow::detail {
namespace {

enum BucketProperty : std::uint16_t { kWeight = 0, kWatchPort = 1, kWatchGroup = 2 };
constexpr std::uint32_t kNetronome = 0x0000154d, kNetronomeOld = 0x00001540;
constexpr std::size_t kSelectionSize = 40;

void put_property32(Out& out, std::uint16_t type, std::uint32_t value) {
  std::byte* at = out.put(8);
  store_be(at, type);
  store_be(at + 2, std::uint16_t{8});
  store_be(at + 4, value);
}

bool method_known(std::string_view method) { return method == "hash" || method == "dp_hash"; }

}  // namespace

void put_buckets(Out& out, const Group& group) {
  for (const Bucket& bucket : group.buckets) {
    const std::size_t start = out.size();
    out.be32(0);
    out.be32(bucket.id);
    const std::size_t actions_at = out.size();
    put_actions(out, bucket.actions);
    out.patch16(start + 2, out.size() - actions_at);
    if (bucket.weight || group.type == GroupType::kSelect)
      put_property32(out, kWeight, std::uint32_t{bucket.weight.value_or(1)} << 16);
    if (bucket.watch_port) put_property32(out, kWatchPort, bucket.watch_port->value);
    if (bucket.watch_group) put_property32(out, kWatchGroup, bucket.watch_group->value);
    out.patch16(start, out.size() - start);
  }
}

DecodeResult<std::vector<Bucket>> pull_buckets(In in, GroupType type) {
  std::vector<Bucket> buckets;
  std::set<std::uint32_t> ids;
  while (!in.empty()) {
    const In start = in;
    const std::uint16_t size = in.be16();
    const std::uint16_t actions_size = in.be16();
    Bucket bucket;
    bucket.id = in.be32();
    if (in.failed() || size < 8 || size % 8 != 0 || size > start.remaining() ||
        actions_size > size - 8)
      return fail(errors::kGroupBadBucket, start);
    In body = in.sub(size - 8U);
    auto actions = pull_actions(body.sub(actions_size));
    if (actions.has_error()) return actions.error();
    bucket.actions = std::move(*actions);
    while (!body.empty()) {
      auto property = pull_property(body);
      if (property.has_error()) return fail(property.error().error, start);
      In value = property->body;
      switch (property->type) {
        case kWeight:
          bucket.weight = value.be16();
          break;
        case kWatchPort: {
          const std::uint32_t port = value.be32();
          if (!port_valid(port)) return fail(errors::kActionBadOutPort, start);
          bucket.watch_port = PortNo{port};
          break;
        }
        case kWatchGroup:
          bucket.watch_group = GroupId{value.be32()};
          break;
        default:
          return fail(errors::kPropertyBadType, value);
      }
      if (value.failed() || property->raw.size() != 8) return fail(errors::kPropertyBadLen, start);
    }
    if (bucket.id > 0xffffff00) return fail(errors::kGroupBadBucket, start);
    if (!ids.insert(bucket.id).second) return fail(errors::kGroupBadBucket, start);
    if (bucket.watch_port == kPortAny) bucket.watch_port.reset();
    if (bucket.watch_group == kAnyGroup) bucket.watch_group.reset();
    if (type == GroupType::kSelect && !bucket.weight) bucket.weight = 1;
    buckets.push_back(std::move(bucket));
  }
  return buckets;
}

void put_group_properties(Out& out, const Group& group) {
  if (!group.selection) return;
  const SelectionMethod& selection = *group.selection;
  const std::size_t start = out.size();
  out.be32(0xffff0000);
  out.be32(kNetronome);
  out.be32(1);
  out.be32(0);
  out.text(selection.method, 16);
  out.be64(selection.param);
  for (const auto& field : selection.fields) {
    const FieldInfo& row = info(field.field);
    put_field_header(out, row.oxm, row.bytes);
    store_value(out.put(row.bytes), field.mask, row.bytes);
  }
  out.patch16(start + 2, out.size() - start);
  out.pad_from(start);
}

DecodeResult<std::optional<SelectionMethod>> pull_group_properties(In in, GroupType type) {
  std::optional<SelectionMethod> selection;
  while (!in.empty()) {
    const std::size_t offset = in.offset();
    auto property = pull_property(in);
    if (property.has_error()) return property.error();
    if (property->type != 0xffff) return fail(errors::kPropertyBadType, offset);
    In body = property->body;
    const std::uint32_t experimenter = body.be32();
    const std::uint32_t exp_type = body.be32();
    if (body.failed()) return fail(errors::kPropertyBadLen, offset);
    if (experimenter != kNetronome && experimenter != kNetronomeOld)
      return fail(errors::kPropertyBadType, offset);
    if (exp_type != 1) return fail(errors::kPropertyBadType, offset);
    if (property->body.remaining() < kSelectionSize - 4)
      return fail(errors::kPropertyBadLen, offset);
    if (type != GroupType::kSelect) return fail(errors::kPropertyBadValue, offset);
    body.skip(4);
    SelectionMethod found;
    const auto method = body.take(16);
    if (method.back() != std::byte{0}) return fail(errors::kPropertyBadValue, offset);
    found.method = reinterpret_cast<const char*>(method.data());
    found.param = body.be64();
    if (!method_known(found.method)) return fail(errors::kPropertyBadValue, offset);
    if (found.method != "hash" && !body.empty()) return fail(errors::kPropertyBadValue, offset);
    while (!body.empty()) {
      auto field = pull_field_header(body);
      if (field.has_error()) return field.error();
      const FieldInfo& row = info(*field);
      const FieldValue mask = body.value(row.bytes);
      if (body.failed()) return fail(errors::kPropertyBadLen, offset);
      found.fields.push_back({*field, mask});
    }
    selection = std::move(found);
  }
  return selection;
}

void put_group_mod_body(Out& out, const GroupMod& mod) {
  out.be16(static_cast<std::uint16_t>(mod.command));
  out.u8(static_cast<std::uint8_t>(mod.group.type));
  out.u8(0);
  out.be32(mod.group.id.value);
  const std::size_t length_at = out.size();
  out.be32(0);
  out.be32(mod.command_bucket);
  const std::size_t start = out.size();
  put_buckets(out, mod.group);
  out.patch16(length_at, out.size() - start);
  put_group_properties(out, mod.group);
}

DecodeResult<GroupMod> pull_group_mod(In in) {
  const In start = in;
  GroupMod mod;
  const std::uint16_t command = in.be16();
  const std::uint8_t type = in.u8();
  in.skip(1);
  mod.group.id = GroupId{in.be32()};
  const std::uint16_t buckets_size = in.be16();
  in.skip(2);
  mod.command_bucket = in.be32();
  if (in.failed()) return fail(errors::kBadLen, start);
  if (buckets_size > in.remaining()) return fail(errors::kBadLen, start);
  mod.group.type = static_cast<GroupType>(type);
  mod.command = static_cast<GroupCommand>(command);
  auto buckets = pull_buckets(in.sub(buckets_size), mod.group.type);
  if (buckets.has_error()) return buckets.error();
  mod.group.buckets = std::move(*buckets);
  auto selection = pull_group_properties(in, mod.group.type);
  if (selection.has_error()) return selection.error();
  mod.group.selection = std::move(*selection);

  switch (mod.command) {
    case GroupCommand::kAdd:
    case GroupCommand::kModify:
    case GroupCommand::kDelete:
    case GroupCommand::kInsertBucket:
    case GroupCommand::kRemoveBucket:
    case GroupCommand::kAddOrModify:
      break;
    default:
      return fail(errors::kGroupBadCommand, start);
  }
  if (type > 3) return fail(errors::kGroupBadType, start.offset() + 2);
  const bool adds =
      mod.command != GroupCommand::kDelete && mod.command != GroupCommand::kRemoveBucket;
  if (mod.command == GroupCommand::kInsertBucket && mod.command_bucket == kBucketAll)
    return fail(errors::kGroupBadBucket, start);
  if (mod.command == GroupCommand::kRemoveBucket && !mod.group.buckets.empty())
    return fail(errors::kGroupBadBucket, start);
  if (mod.group.type == GroupType::kIndirect && adds &&
      mod.command != GroupCommand::kInsertBucket && mod.group.buckets.size() != 1)
    return fail(errors::kGroupInvalid, start);
  if (mod.command == GroupCommand::kInsertBucket || !adds) return mod;
  for (const Bucket& bucket : mod.group.buckets) {
    if (bucket.weight.value_or(0) != 0 && mod.group.type != GroupType::kSelect)
      return fail(errors::kGroupInvalid, start);
    if (mod.group.type == GroupType::kFastFailover) {
      if (!bucket.watch_port && !bucket.watch_group) return fail(errors::kGroupInvalid, start);
    } else if (bucket.watch_port || bucket.watch_group) {
      return fail(errors::kGroupInvalid, start);
    }
  }
  return mod;
}

void put_bands(Out& out, const std::vector<Band>& bands) {
  for (const Band& band : bands) {
    std::byte* at = out.put(16);
    store_be(at, static_cast<std::uint16_t>(band.type));
    store_be(at + 2, std::uint16_t{16});
    store_be(at + 4, band.rate);
    store_be(at + 8, band.burst);
    at[12] = std::byte{band.precedence};
  }
}

DecodeResult<std::vector<Band>> pull_bands(In in) {
  std::vector<Band> bands;
  while (!in.empty()) {
    const In start = in;
    Band band;
    const std::uint16_t type = in.be16();
    const std::uint16_t length = in.be16();
    band.rate = in.be32();
    band.burst = in.be32();
    band.precedence = in.u8();
    in.skip(3);
    if (in.failed() || length != 16) return fail(errors::kBadLen, start);
    if (type != 1 && type != 2) return fail(errors::kMeterBadBand, start);
    band.type = static_cast<Band::Type>(type);
    if (band.type == Band::Type::kDrop) band.precedence = 0;
    bands.push_back(band);
  }
  return bands;
}

void put_meter_mod_body(Out& out, const MeterMod& mod) {
  out.be16(static_cast<std::uint16_t>(mod.command));
  out.be16(mod.meter.flags);
  out.be32(mod.meter.id.value);
  put_bands(out, mod.meter.bands);
}

DecodeResult<MeterMod> pull_meter_mod(In in) {
  const In start = in;
  MeterMod mod;
  const std::uint16_t command = in.be16();
  mod.meter.flags = in.be16();
  mod.meter.id = MeterId{in.be32()};
  if (in.failed()) return fail(errors::kBadLen, start);
  if (command > 2) return fail(errors::kMeterBadCommand, start);
  mod.command = static_cast<MeterCommand>(command);
  if (mod.command == MeterCommand::kDelete) {
    mod.meter.flags = 0;
    return mod;
  }
  using namespace meter_flags;
  const bool kbps = (mod.meter.flags & kKbps) != 0;
  const bool pktps = (mod.meter.flags & kPktps) != 0;
  if (kbps == pktps) return fail(errors::kMeterBadFlags, start);
  auto bands = pull_bands(in);
  if (bands.has_error()) return bands.error();
  mod.meter.bands = std::move(*bands);
  return mod;
}

}  // namespace antrea::openflow::detail
