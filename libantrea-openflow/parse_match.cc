#include "parse_match.h"

#include <bit>

#include "field_table.h"
#include "tlv.h"

namespace antrea::openflow::detail {
namespace {

constexpr std::uint16_t kVlanPresent = 0x1000, kVidBits = 0x1fff, kPcpBits = 0xe000;

/// Where a packet keeps a field: the first field of those that share the place.
FieldId slot_of(FieldId id) {
  switch (id) {
    case FieldId::kArpSpa:
      return FieldId::kIpSrc;
    case FieldId::kArpTpa:
      return FieldId::kIpDst;
    case FieldId::kArpOp:
      return FieldId::kIpProto;
    case FieldId::kUdpSrc:
    case FieldId::kSctpSrc:
    case FieldId::kIcmpType:
    case FieldId::kIcmpv6Type:
      return FieldId::kTcpSrc;
    case FieldId::kUdpDst:
    case FieldId::kSctpDst:
    case FieldId::kIcmpCode:
    case FieldId::kIcmpv6Code:
      return FieldId::kTcpDst;
    case FieldId::kNdOptionsType:
      return FieldId::kTcpFlags;
    case FieldId::kNdSll:
      return FieldId::kArpSha;
    case FieldId::kNdTll:
      return FieldId::kArpTha;
    default:
      return id;
  }
}

std::uint16_t low16(const FieldValue& value) { return static_cast<std::uint16_t>(value.lo); }

}  // namespace

std::uint16_t Premises::protocol() const {
  if (packet_type == 0) return eth_type;
  return packet_type >> 16 == 1 ? static_cast<std::uint16_t>(packet_type) : std::uint16_t{0x5ff};
}

bool Premises::ip() const {
  const std::uint16_t type = protocol();
  return type == eth_type::kIpv4 || type == eth_type::kIpv6;
}

bool Premises::meets(FieldId id) const {
  const std::uint16_t type = protocol();
  const auto transport = [&](std::uint8_t proto) {
    return ip() && ip_proto == proto && !later_fragment;
  };
  const auto nd = [&](std::uint16_t first, std::uint16_t last) {
    return type == eth_type::kIpv6 && ip_proto == ip_proto::kIcmpv6 && tp_dst == 0 &&
           tp_src >= first && tp_src <= last;
  };
  switch (info(id).prerequisite) {
    case Prerequisite::kNone:
      return true;
    case Prerequisite::kEthernet:
      return packet_type == 0;
    case Prerequisite::kVlan:
      return packet_type == 0 && tagged[0];
    case Prerequisite::kMpls:
      return type == eth_type::kMpls || type == eth_type::kMplsMulticast;
    case Prerequisite::kIpv4:
      return type == eth_type::kIpv4;
    case Prerequisite::kIpv6:
      return type == eth_type::kIpv6;
    case Prerequisite::kIp:
      return ip();
    case Prerequisite::kArp:
      return type == eth_type::kArp || type == eth_type::kRarp;
    case Prerequisite::kNsh:
      return type == eth_type::kNsh;
    case Prerequisite::kTcp:
      return transport(ip_proto::kTcp);
    case Prerequisite::kUdp:
      return transport(ip_proto::kUdp);
    case Prerequisite::kSctp:
      return transport(ip_proto::kSctp);
    case Prerequisite::kIcmpv4:
      return type == eth_type::kIpv4 && ip_proto == ip_proto::kIcmp;
    case Prerequisite::kIcmpv6:
      return type == eth_type::kIpv6 && ip_proto == ip_proto::kIcmpv6;
    case Prerequisite::kNd:
      return nd(135, 136);
    case Prerequisite::kNdSolicit:
      return nd(135, 135);
    case Prerequisite::kNdAdvert:
      return nd(136, 136);
    case Prerequisite::kCt: {
      using namespace openflow::ct_state;
      const std::uint64_t bits = ct_state.value.lo;
      return (bits & (kNew | kEst | kRel | kRpl | kSnat | kDnat)) != 0 ||
             ((bits & kTrk) != 0 && (ct_state.mask.lo & kInv) != 0 && (bits & kInv) == 0);
    }
  }
  return false;
}

void Premises::learn(FieldId id, const Masked& bits) {
  const std::uint16_t value = low16(bits.value);
  switch (slot_of(id)) {
    case FieldId::kPacketType:
      packet_type = static_cast<std::uint32_t>(bits.value.lo);
      if (packet_type >> 16 == 1) eth_type = value;
      break;
    case FieldId::kEthType:
      eth_type = value;
      break;
    case FieldId::kIpProto:
      ip_proto = static_cast<std::uint8_t>(value);
      break;
    case FieldId::kIpFrag:
      later_fragment = (value & 2) != 0;
      break;
    case FieldId::kTcpSrc:
      tp_src = value;
      break;
    case FieldId::kTcpDst:
      tp_dst = value;
      break;
    case FieldId::kVlanTci:
    case FieldId::kVlanVid:
      tagged[0] = (value & kVlanPresent) != 0;
      break;
    case FieldId::kVlanPcp:
      tagged[0] = true;
      break;
    case FieldId::kCtState:
      ct_state = bits;
      break;
    default:
      break;
  }
}

void MatchBuilder::add_protocol(std::uint16_t eth_type, std::uint8_t ip_proto) {
  put(FieldId::kEthType, {eth_type, 0xffff});
  if (ip_proto != 0) put(FieldId::kIpProto, {ip_proto, 0xff});
  imply_ethernet(FieldId::kEthType);
}

void MatchBuilder::add_ethernet() { put(FieldId::kPacketType, {0, 0xffffffff}); }

void MatchBuilder::imply_ethernet(FieldId id) {
  if (info(id).prerequisite != Prerequisite::kNone && !has(FieldId::kPacketType)) add_ethernet();
}

void MatchBuilder::put_vlan(FieldId id, const Masked& bits) {
  Masked tci = get(FieldId::kVlanTci);
  const auto keep = [&](std::uint16_t kept) {
    tci = {tci.value & FieldValue(kept), tci.mask & FieldValue(kept)};
  };
  const bool any = bits.mask.zero();
  if (id == FieldId::kVlanVid) {
    if (any && (tci.mask.lo & kPcpBits) == 0) {
      tci = {};
    } else if (any) {
      keep(0xf000);
    } else {
      keep(kPcpBits);
      const FieldValue mask = bits.mask & FieldValue(kVidBits);
      tci = {tci.value | (bits.value & mask), tci.mask | mask};
    }
  } else if (any) {
    if ((tci.mask.lo & 0xfff) == 0)
      tci = {};
    else
      keep(kVidBits);
  } else {
    const std::uint64_t pcp = (bits.value.lo & 7) << 13 | kVlanPresent;
    tci = {(tci.value & FieldValue(kVidBits)) | FieldValue(pcp),
           tci.mask | FieldValue(kPcpBits | kVlanPresent)};
  }
  put(FieldId::kVlanTci, tci);
}

void MatchBuilder::add_dl_vlan(const Masked& bits) {
  imply_ethernet(FieldId::kVlanVid);
  if (bits.mask.zero()) return put_vlan(FieldId::kVlanVid, bits);
  if (bits.value.lo == 0xffff) return put(FieldId::kVlanTci, {0, 0xffff});
  put_vlan(FieldId::kVlanVid, {(bits.value.lo & 0xfff) | kVlanPresent, kVidBits});
}

bool MatchBuilder::put_tun_metadata(Source& source, FieldId id, std::string_view token,
                                    const Masked& bits) {
  if (has(id)) return source.fail(token, std::string(info(id).name) + " stands twice");
  put(id, bits);
  return true;
}

bool MatchBuilder::add_wide(Source& source, FieldId id, std::string_view token,
                            std::string_view value) {
  WideBits bits;
  if (!read_wide_value(source, id, value, bits) || !put_tun_metadata(source, id, token, {}))
    return false;
  wide_.emplace_back(id, std::move(bits));
  return true;
}

/// Replaces the part of an entry that `part << shift` covers.
void MatchBuilder::put_register(FieldId slot, const Masked& bits, unsigned shift,
                                const FieldValue& part) {
  const Masked old = get(slot);
  const FieldValue kept = ~(part << shift);
  const FieldValue mask = bits.mask & part;
  put(slot, {(old.value & kept) | (bits.value & mask) << shift, (old.mask & kept) | mask << shift});
}

bool MatchBuilder::add(Source& source, FieldId id, std::string_view token, const Masked& bits) {
  imply_ethernet(id);
  if (is_tun_metadata(id)) return put_tun_metadata(source, id, token, bits);
  if (is_in(id, FieldId::kReg0, FieldId::kReg31)) {
    const unsigned reg = static_cast<unsigned>(id) - static_cast<unsigned>(FieldId::kReg0);
    put_register(xreg_field(reg / 2), bits, reg % 2 == 0 ? 32 : 0, FieldValue::ones(32));
    return true;
  }
  if (is_in(id, FieldId::kXxreg0, FieldId::kXxreg7)) {
    const unsigned pair = 2 * (static_cast<unsigned>(id) - static_cast<unsigned>(FieldId::kXxreg0));
    put(xreg_field(pair), {bits.value.hi, bits.mask.hi});
    put(xreg_field(pair + 1), {bits.value.lo, bits.mask.lo});
    return true;
  }
  const auto narrow = [&](std::uint64_t width) {
    put(slot_of(id), {bits.value & FieldValue(width), bits.mask & FieldValue(width)});
    return true;
  };
  switch (id) {
    case FieldId::kPacketType:
      put(id, bits);
      return true;
    case FieldId::kInPort:
      put(FieldId::kInPortOxm, {port_from16(low16(bits.value)).value,
                                bits.mask.zero() ? FieldValue() : FieldValue::ones(32)});
      return true;
    case FieldId::kVlanVid:
    case FieldId::kVlanPcp:
      put_vlan(id, bits);
      return true;
    case FieldId::kIpTos:
      put(FieldId::kIpDscp, {bits.value.lo >> 2 & 0x3f, bits.mask.lo >> 2 & 0x3f});
      return true;
    case FieldId::kCtState:
      return narrow(0xff);
    case FieldId::kTunFlags:
    case FieldId::kMplsBos:
      return narrow(1);
    case FieldId::kIpFrag:
    case FieldId::kIpEcn:
      return narrow(3);
    case FieldId::kMplsTc:
      return narrow(7);
    case FieldId::kIpDscp:
      return narrow(0x3f);
    case FieldId::kMplsLabel:
      return narrow(0xfffff);
    case FieldId::kNshSpi:
      return narrow(0xffffff);
    case FieldId::kTunErspanVer:
    case FieldId::kTunErspanDir:
    case FieldId::kTunErspanHwid:
    case FieldId::kTunGtpuFlags:
    case FieldId::kTunGtpuMsgType:
      // ovs-ofctl takes the value for the mask too.
      put(id, {bits.value & bits.mask, bits.mask.zero() ? bits.mask : bits.value});
      return true;
    case FieldId::kArpOp:
      return narrow(0xff);
    default:
      // An ICMP type fills the entry of a port.
      put(slot_of(id),
          bits.mask == byte_mask(id) ? Masked{bits.value, byte_mask(slot_of(id))} : bits);
      return true;
  }
}

Masked MatchBuilder::current(FieldId id) const {
  const auto half = [&](FieldId slot, unsigned shift, unsigned width) {
    const Masked bits = get(slot);
    const FieldValue all = FieldValue::ones(width);
    return Masked{bits.value >> shift & all, bits.mask >> shift & all};
  };
  if (is_in(id, FieldId::kReg0, FieldId::kReg31)) {
    const unsigned reg = static_cast<unsigned>(id) - static_cast<unsigned>(FieldId::kReg0);
    return half(xreg_field(reg / 2), reg % 2 == 0 ? 32 : 0, 32);
  }
  if (is_in(id, FieldId::kXxreg0, FieldId::kXxreg7)) {
    const unsigned pair = 2 * (static_cast<unsigned>(id) - static_cast<unsigned>(FieldId::kXxreg0));
    const Masked high = get(xreg_field(pair));
    const Masked low = get(xreg_field(pair + 1));
    return {{high.value.lo, low.value.lo}, {high.mask.lo, low.mask.lo}};
  }
  switch (id) {
    case FieldId::kInPort:
      return half(FieldId::kInPortOxm, 0, 16);
    case FieldId::kVlanVid:
      return half(FieldId::kVlanTci, 0, 13);
    case FieldId::kVlanPcp:
      return half(FieldId::kVlanTci, 13, 3);
    case FieldId::kIpTos: {
      const Masked dscp = get(FieldId::kIpDscp);
      return {dscp.value << 2, dscp.mask << 2};
    }
    default:
      return get(slot_of(id));
  }
}

bool MatchBuilder::add(Source& source, const Subfield& part, std::string_view token,
                       const FieldValue& value) {
  const Masked old = current(part.field);
  const FieldValue covered = FieldValue::ones(part.bits) << part.offset;
  Masked bits{(old.value & ~covered) | value << part.offset, old.mask | covered};
  if (!info(part.field).maskable && bits.mask != byte_mask(part.field))
    return source.fail(token, std::string(info(part.field).name) + " takes no mask");
  return add(source, part.field, token, bits);
}

Premises MatchBuilder::premises() const {
  Premises premises;
  for (const FieldId id : {FieldId::kEthType, FieldId::kIpProto, FieldId::kIpFrag, FieldId::kTcpSrc,
                           FieldId::kTcpDst, FieldId::kVlanTci, FieldId::kCtState})
    if (has(id)) premises.learn(id, get(id));
  if (has(FieldId::kPacketType)) premises.learn(FieldId::kPacketType, get(FieldId::kPacketType));
  return premises;
}

Match MatchBuilder::finish() const {
  Match match;
  bool ethernet = false;
  const auto emit_as = [&](FieldId id, const Masked& all) {
    const Masked bits = trimmed(id, all);
    if (bits.mask.zero()) return;
    match.set(id, bits.value, bits.mask);
    if (info(id).prerequisite != Prerequisite::kNone) ethernet = true;
  };
  const auto emit = [&](FieldId id) {
    if (has(id)) emit_as(id, get(id));
  };
  const auto emit_slot = [&](FieldId id) {
    if (has(slot_of(id))) emit_as(id, get(slot_of(id)));
  };
  /// Fields that have no mask on the wire.
  const auto emit_exact = [&](FieldId id) {
    if (!has(slot_of(id))) return;
    match.set(id, get(slot_of(id)).value);
    ethernet = true;
  };
  const auto each = [&](FieldId first, FieldId last, auto&& visit) {
    for (std::size_t word = 0; word < present_.size(); ++word) {
      for (std::uint64_t bits = present_[word]; bits != 0; bits &= bits - 1) {
        const auto id = static_cast<FieldId>(word * 64 + std::countr_zero(bits));
        if (is_in(id, first, last)) visit(id);
      }
    }
  };

  const Premises base = premises();
  const std::uint16_t type = base.protocol();
  each(FieldId::kDpHash, FieldId::kEthDst, emit);
  // A packet type may have the say on the ethertype.
  if (has(FieldId::kEthType)) emit_as(FieldId::kEthType, {base.eth_type, 0xffff});
  if (has(FieldId::kVlanTci)) {
    const Masked tci = get(FieldId::kVlanTci);
    const FieldValue vid = tci.value & FieldValue(kVidBits);
    const FieldValue vid_mask = tci.mask & FieldValue(kVidBits);
    if (!vid_mask.zero()) emit_as(FieldId::kVlanVid, {vid, vid_mask});
    if (!vid.zero() && (tci.mask.lo & kPcpBits) != 0)
      emit_as(FieldId::kVlanPcp, {tci.value >> 13, 0xff});
  }
  if (type == eth_type::kMpls || type == eth_type::kMplsMulticast)
    each(FieldId::kMplsTc, FieldId::kMplsLabel, emit_exact);
  if (base.ip()) {
    const bool v4 = type == eth_type::kIpv4;
    emit(v4 ? FieldId::kIpSrc : FieldId::kIpv6Src);
    emit(v4 ? FieldId::kIpDst : FieldId::kIpv6Dst);
    if (has(FieldId::kIpFrag)) emit_as(FieldId::kIpFrag, get(FieldId::kIpFrag));
    emit_exact(FieldId::kIpDscp);
    emit_exact(FieldId::kIpEcn);
    emit_exact(FieldId::kIpTtl);
    emit(FieldId::kIpv6Label);
    if (has(FieldId::kIpProto)) {
      emit_exact(FieldId::kIpProto);
      switch (base.ip_proto) {
        case ip_proto::kTcp:
          emit(FieldId::kTcpSrc);
          emit(FieldId::kTcpDst);
          emit(FieldId::kTcpFlags);
          break;
        case ip_proto::kUdp:
          emit_slot(FieldId::kUdpSrc);
          emit_slot(FieldId::kUdpDst);
          break;
        case ip_proto::kSctp:
          emit_slot(FieldId::kSctpSrc);
          emit_slot(FieldId::kSctpDst);
          break;
        case ip_proto::kIcmp:
          if (!v4) break;
          emit_exact(FieldId::kIcmpType);
          emit_exact(FieldId::kIcmpCode);
          break;
        case ip_proto::kIcmpv6:
          if (v4) break;
          emit_exact(FieldId::kIcmpv6Type);
          emit_exact(FieldId::kIcmpv6Code);
          if (!base.meets(FieldId::kNdTarget)) break;
          emit_exact(FieldId::kNdReserved);
          emit(FieldId::kNdTarget);
          emit_exact(FieldId::kNdOptionsType);
          if (base.meets(FieldId::kNdSll)) emit_slot(FieldId::kNdSll);
          if (base.meets(FieldId::kNdTll)) emit_slot(FieldId::kNdTll);
          break;
        default:
          break;
      }
    }
  } else if (base.meets(FieldId::kArpOp)) {
    emit_exact(FieldId::kArpOp);
    emit_slot(FieldId::kArpSpa);
    emit_slot(FieldId::kArpTpa);
    emit(FieldId::kArpSha);
    emit(FieldId::kArpTha);
  }
  const bool ct_proto = !get(FieldId::kCtNwProto).value.zero();
  each(FieldId::kTunId, FieldId::kMetadata, [&](FieldId id) {
    if (is_tun_metadata(id)) {
      const unsigned index =
          static_cast<unsigned>(id) - static_cast<unsigned>(FieldId::kTunMetadata0);
      const auto wide = std::ranges::find(wide_, id, &std::pair<FieldId, WideBits>::first);
      const Masked bits = get(id);
      if (wide != wide_.end())
        match.set_tun_metadata(index, wide->second.value, wide->second.mask, wide->second.masked);
      else
        match.set_tun_metadata(index, tun_metadata_length(bits), bits.value, bits.mask,
                               bits.mask != FieldValue::ones(128));
    } else if (ct_proto || !is_in(id, FieldId::kCtNwProto, FieldId::kCtTpDst)) {
      emit(id);
    }
  });
  if (has(FieldId::kPacketType)) {
    const Masked bits = get(FieldId::kPacketType);
    if (!bits.value.zero() || !ethernet) match.set(FieldId::kPacketType, bits.value);
  }
  return match;
}

}  // namespace antrea::openflow::detail
