#include <array>

#include "field_table.h"

namespace antrea::openflow::detail {
namespace {

struct FieldRange {
  FieldId first, last;
};
constexpr FieldRange one(FieldId id) { return {id, id}; }
constexpr FieldRange kOwnOrder[] = {
    one(FieldId::kDpHash),
    one(FieldId::kRecircId),
    one(FieldId::kPacketType),
    one(FieldId::kConjId),
    one(FieldId::kTunId),
    {FieldId::kTunSrc, FieldId::kTunIpv6Dst},
    one(FieldId::kTunFlags),
    {FieldId::kTunGbpId, FieldId::kTunGbpFlags},
    {FieldId::kTunErspanIdx, FieldId::kTunGtpuMsgType},
    {FieldId::kTunMetadata0, FieldId::kTunMetadata63},
    one(FieldId::kMetadata),
    one(FieldId::kInPort),
    one(FieldId::kInPortOxm),
    one(FieldId::kActsetOutput),
    one(FieldId::kPktMark),
    {FieldId::kCtState, FieldId::kCtLabel},
    one(FieldId::kCtNwProto),
    {FieldId::kCtNwSrc, FieldId::kCtIpv6Dst},
    {FieldId::kCtTpSrc, FieldId::kCtTpDst},
    {FieldId::kReg0, FieldId::kXxreg7},
    {FieldId::kEthSrc, FieldId::kVlanPcp},
    one(FieldId::kMplsLabel),
    one(FieldId::kMplsTc),
    one(FieldId::kMplsBos),
    one(FieldId::kMplsTtl),
    {FieldId::kIpSrc, FieldId::kIpv6Dst},
    one(FieldId::kIpv6Label),
    one(FieldId::kIpProto),
    {FieldId::kIpTos, FieldId::kIpTtl},
    one(FieldId::kIpFrag),
    {FieldId::kArpOp, FieldId::kArpTha},
    {FieldId::kTcpSrc, FieldId::kSctpDst},
    {FieldId::kIcmpType, FieldId::kIcmpv6Code},
    one(FieldId::kNdTarget),
    {FieldId::kNdSll, FieldId::kNdTll},
    one(FieldId::kNdReserved),
    one(FieldId::kNdOptionsType),
    one(FieldId::kNshFlags),
    {FieldId::kNshMdtype, FieldId::kNshC4},
    one(FieldId::kNshTtl),
};
constexpr auto kFieldsInOrder = [] {
  std::array<FieldId, kFieldCount> fields{};
  std::size_t at = 0;
  for (const FieldRange& range : kOwnOrder)
    for (FieldId id = range.first; id <= range.last; id = field_at(id, 1)) fields[at++] = id;
  return fields;
}();
constexpr auto kPlaces = [] {
  std::array<std::uint16_t, kFieldCount> places{};
  for (std::uint16_t i = 0; i < kFieldCount; ++i)
    places[static_cast<std::size_t>(kFieldsInOrder[i])] = i;
  return places;
}();

}  // namespace

std::size_t own_place(FieldId id) { return kPlaces[static_cast<std::size_t>(id)]; }
FieldId field_at_own_place(std::size_t place) { return kFieldsInOrder[place]; }

}  // namespace antrea::openflow::detail
