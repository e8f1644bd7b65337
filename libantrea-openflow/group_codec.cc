#include <algorithm>
#include <utility>

#include "antrea/openflow/codec.h"
#include "field_table.h"
#include "tlv.h"
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

constexpr std::uint32_t kMaxBucket = 0xffffff00;

bool unique_ids(const std::vector<Bucket>& buckets) {
  std::vector<std::uint32_t> ids;
  ids.reserve(buckets.size());
  for (const Bucket& bucket : buckets) ids.push_back(bucket.id);
  std::sort(ids.begin(), ids.end());
  return std::adjacent_find(ids.begin(), ids.end()) == ids.end();
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
  while (!in.empty()) {
    const In start = in;
    const std::uint16_t size = in.be16();
    const std::uint16_t actions_size = in.be16();
    Bucket bucket;
    bucket.id = in.be32();
    if (in.failed() || size < 8 || size > start.remaining() || actions_size > size - 8)
      return fail(errors::kGroupBadBucket, start);
    In body = in.sub(size - 8U);
    auto actions = pull_actions(body.sub(actions_size));
    if (actions.has_error()) return actions.error();
    bucket.actions = std::move(*actions);
    while (!body.empty()) {
      Property property;
      if (const Fault fault = pull_property(body, property)) return fail(*fault, start);
      In& value = property.body;
      switch (property.type) {
        case kWeight:
          bucket.weight = value.be16();
          value.rest();  // of any size, as Open vSwitch takes 16-bit numbers
          break;
        case kWatchPort:
          bucket.watch_port = PortNo{value.be32()};
          break;
        case kWatchGroup:
          bucket.watch_group = GroupId{value.be32()};
          break;
        default:
          return fail(*property.unknown(), start);
      }
      if (value.failed() || !value.empty()) return fail(errors::kPropertyBadLen, start);
    }
    if (bucket.watch_port && !port_valid(bucket.watch_port->value))
      return fail(errors::kGroupBadWatch, start);
    if (bucket.id > kMaxBucket) return fail(errors::kGroupBadBucket, start);
    if (bucket.watch_port == kPortAny) bucket.watch_port.reset();
    if (bucket.watch_group == kAnyGroup) bucket.watch_group.reset();
    if (type == GroupType::kSelect && !bucket.weight) bucket.weight = 1;
    buckets.push_back(std::move(bucket));
  }
  if (!unique_ids(buckets)) return fail(errors::kGroupBadBucket, in);
  return buckets;
}

void put_group_properties(Out& out, const Group& group) {
  if (!group.selection) return;
  const SelectionMethod& selection = *group.selection;
  const std::size_t start = out.size();
  out.be32(0xffff0000);
  out.be32(selection.experimenter);
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

namespace {

/// The fields to hash, each with its mask in place of a value.
Fault pull_hash_fields(In in, std::vector<SelectionMethod::HashField>& fields) {
  while (!in.empty()) {
    Tlv tlv;
    const Fault fault = parse_tlv(in, tlv, false);
    if (tlv.masked && fault != &errors::kMatchBadLen) return &errors::kMatchBadMask;
    if (fault != nullptr) return fault;
    for (const auto& other : fields)
      if (other.field == tlv.id) return &errors::kMatchDupField;
    const FieldValue& mask = tlv.bits.value;
    if (!info(tlv.id).maskable && !mask.zero() && mask != tlv.bits.mask)
      return &errors::kMatchBadMask;
    fields.push_back({tlv.id, mask});
  }
  return nullptr;
}

Fault pull_selection(const Property& property, GroupType type, GroupCommand command,
                     SelectionMethod& selection) {
  if (type > GroupType::kFastFailover) return &errors::kGroupBadType;
  if (type != GroupType::kSelect) return &errors::kPropertyBadValue;
  switch (command) {
    case GroupCommand::kAdd:
    case GroupCommand::kModify:
    case GroupCommand::kAddOrModify:
      break;
    case GroupCommand::kDelete:
    case GroupCommand::kInsertBucket:
    case GroupCommand::kRemoveBucket:
      return &errors::kPropertyBadValue;
    default:
      return &errors::kGroupBadCommand;
  }
  In body = property.body;
  constexpr std::size_t kFixed = kSelectionSize - 12;  // behind type, length and both numbers
  if (body.remaining() < kFixed) return &errors::kPropertyBadLen;
  body.skip(4);
  const auto method = body.take(16);
  if (std::find(method.begin(), method.end(), std::byte{0}) == method.end())
    return &errors::kPropertyBadValue;
  selection.experimenter = property.experimenter;
  selection.method = reinterpret_cast<const char*>(method.data());
  selection.param = body.be64();
  if (!method_known(selection.method)) return &errors::kPropertyBadValue;
  if (selection.method != "hash" && !body.empty()) return &errors::kPropertyBadValue;
  return pull_hash_fields(body, selection.fields);
}

}  // namespace

DecodeResult<std::optional<SelectionMethod>> pull_group_properties(In in, GroupType type,
                                                                   GroupCommand command) {
  std::optional<SelectionMethod> selection;
  while (!in.empty()) {
    const std::size_t offset = in.offset();
    Property property;
    if (const Fault fault = pull_property(in, property)) return fail(*fault, offset);
    const bool known =
        property.type == 0xffff && property.exp_type == 1 &&
        (property.experimenter == kNetronome || property.experimenter == kNetronomeOld);
    if (!known) return fail(*property.unknown(), offset);
    SelectionMethod found;
    if (const Fault fault = pull_selection(property, type, command, found))
      return fail(*fault, offset);
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

namespace {

bool command_bucket_valid(GroupCommand command, std::uint32_t bucket) {
  const bool one = bucket <= kMaxBucket || bucket == kBucketFirst || bucket == kBucketLast;
  switch (command) {
    case GroupCommand::kInsertBucket:
      return one;
    case GroupCommand::kRemoveBucket:
      return one || bucket == kBucketAll;
    default:
      return bucket == kBucketAll;
  }
}

Fault check_group_mod(const GroupMod& mod) {
  const Group& group = mod.group;
  if (group.type > GroupType::kFastFailover) return &errors::kGroupBadType;
  if (group.type == GroupType::kIndirect && mod.command != GroupCommand::kDelete &&
      group.buckets.size() != 1)
    return &errors::kGroupInvalid;
  switch (mod.command) {
    case GroupCommand::kAdd:
    case GroupCommand::kModify:
    case GroupCommand::kDelete:
    case GroupCommand::kInsertBucket:
    case GroupCommand::kAddOrModify:
      break;
    case GroupCommand::kRemoveBucket:
      if (!group.buckets.empty()) return &errors::kGroupBadBucket;
      break;
    default:
      return &errors::kGroupBadCommand;
  }
  for (const Bucket& bucket : group.buckets) {
    const bool watched = bucket.watch_port || bucket.watch_group;
    if (bucket.weight.value_or(0) != 0 && group.type != GroupType::kSelect &&
        mod.command != GroupCommand::kInsertBucket)
      return &errors::kGroupInvalid;
    if (group.type == GroupType::kFastFailover && !watched) return &errors::kGroupInvalid;
    if ((group.type == GroupType::kAll || group.type == GroupType::kIndirect) && watched)
      return &errors::kGroupWatchUnsupported;
  }
  return nullptr;
}

}  // namespace

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
  mod.group.type = static_cast<GroupType>(type);
  mod.command = static_cast<GroupCommand>(command);
  if (!command_bucket_valid(mod.command, mod.command_bucket))
    return fail(errors::kGroupBadBucket, start);
  if (buckets_size > in.remaining()) return fail(errors::kBadLen, start);
  auto buckets = pull_buckets(in.sub(buckets_size), mod.group.type);
  if (buckets.has_error()) return buckets.error();
  mod.group.buckets = std::move(*buckets);
  auto selection = pull_group_properties(in, mod.group.type, mod.command);
  if (selection.has_error()) return selection.error();
  mod.group.selection = std::move(*selection);
  if (const Fault fault = check_group_mod(mod)) return fail(*fault, start);
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
  if (kbps && pktps) return fail(errors::kMeterBadFlags, start);
  auto bands = pull_bands(in);
  if (bands.has_error()) return bands.error();
  mod.meter.bands = std::move(*bands);
  return mod;
}

}  // namespace antrea::openflow::detail
