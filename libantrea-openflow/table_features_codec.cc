#include <utility>

#include "action_codec.h"
#include "antrea/openflow/codec.h"
#include "multipart_codec.h"

namespace antrea::openflow::detail {

void put_table_features(Out& out, const TableFeatures& t) {
  const std::size_t start = out.size();
  out.be16(0);
  out.u8(t.table.value);
  out.u8(static_cast<std::uint8_t>(t.command));
  out.be32(t.features);
  out.text(t.name, 32);
  out.be64(t.metadata_match);
  out.be64(t.metadata_write);
  out.be32(t.capabilities);
  out.be32(t.max_entries);
  out.bytes(t.properties);
  out.patch16(start, out.size() - start);
}

namespace {

/// Property types, OpenFlow 1.5.1 section 7.3.5.18.2. Those for table misses are the odd ones.
enum TableProperty : std::uint16_t {
  kInstructions = 0,
  kNextTables = 2,
  kWriteActions = 4,
  kApplyActions = 6,
  kMatch = 8,
  kWildcards = 10,
  kWriteSetField = 12,
  kApplySetField = 14,
};
/// Those that must be there if any is.
constexpr std::uint32_t kRequired = 1U << kInstructions | 1U << kNextTables | 1U << kWriteActions |
                                    1U << kApplyActions | 1U << kMatch | 1U << kWildcards |
                                    1U << kWriteSetField | 1U << kApplySetField;

/// Numbers of instructions or actions, each with its length.
Fault check_ids(In in) {
  while (!in.empty()) {
    const std::size_t room = in.remaining();
    in.skip(2);
    const std::uint16_t length = in.be16();
    if (in.failed() || length < 4 || length > room) return &errors::kPropertyBadLen;
    in.skip(length - 4U);
  }
  return nullptr;
}

Fault check_fields(In in, bool masks) {
  while (!in.empty()) {
    In header = in;
    header.skip(2);
    const bool masked = (header.u8() & 1) != 0;
    Subfield field;
    const Fault fault = pull_header(in, field);
    if (fault == &errors::kMatchBadField) continue;  // unknown, and kept
    if (fault != nullptr && fault != &errors::kMatchBadMask) return fault;
    if (masked && !masks) return &errors::kMatchBadMask;
  }
  return nullptr;
}

Fault check_property(const Property& property) {
  const std::uint16_t type = property.type;
  if (type == kMatch) return check_fields(property.body, true);
  if (type == kWildcards || type == kWriteSetField || type == kWriteSetField + 1 ||
      type == kApplySetField || type == kApplySetField + 1)
    return check_fields(property.body, false);
  switch (type & ~1U) {
    case kInstructions:
      return check_ids(property.body);
    case kNextTables: {
      for (const std::byte id : property.body.peek_rest())
        if (id == std::byte{255}) return &errors::kPropertyBadValue;
      return nullptr;
    }
    case kWriteActions:
    case kApplyActions:
      return check_ids(property.body);
    default:
      return nullptr;  // unknown, and kept
  }
}

Fault check_properties(In in) {
  std::uint32_t seen = 0;
  const bool any = !in.empty();
  while (!in.empty()) {
    Property property;
    if (const Fault fault = pull_property(in, property)) return fault;
    if (property.type < 32) {
      const std::uint32_t bit = 1U << property.type;
      if ((seen & bit) != 0) return &errors::kTableFeaturesBadFeatures;
      seen |= bit;
    }
    if (const Fault fault = check_property(property)) return fault;
  }
  return any && (seen & kRequired) != kRequired ? &errors::kTableFeaturesBadFeatures : nullptr;
}

}  // namespace

DecodeResult<std::vector<TableFeatures>> pull_table_features(In in) {
  std::vector<TableFeatures> tables;
  constexpr std::size_t kFixed = 64;
  while (!in.empty()) {
    if (in.remaining() < kFixed) return fail(errors::kPropertyBadLen, in);
    const std::size_t length = load_be<std::uint16_t>(in.at());
    if (length < kFixed || length % 8 != 0 || length > in.remaining())
      return fail(errors::kPropertyBadLen, in);
    In part = in.sub(length);
    TableFeatures& t = tables.emplace_back();
    part.skip(2);
    t.table = TableId{part.u8()};
    const std::uint8_t command = part.u8();
    if (command > 3) return fail(errors::kTableFeaturesBadCommand, part);
    t.command = static_cast<TableFeatures::Command>(command);
    if (t.table == kAllTables) return fail(errors::kTableFeaturesBadTable, part);
    t.features = part.be32();
    t.name = take_text(part, 32);
    t.metadata_match = part.be64();
    t.metadata_write = part.be64();
    t.capabilities = part.be32();
    t.max_entries = part.be32();
    if (const Fault fault = check_properties(part)) return fail(*fault, part);
    t.properties = to_bytes(part.rest());
  }
  return tables;
}

}  // namespace antrea::openflow::detail
