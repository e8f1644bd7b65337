#include <fmt/format.h>

#include <array>
#include <iterator>

#include "field_table.h"
#include "text_internal.h"

namespace antrea::openflow {
namespace detail {

std::string port_text(std::uint32_t port) {
  switch (port) {
    case kPortUnset.value:
      return "UNSET";
    case kPortInPort.value:
      return "IN_PORT";
    case kPortTable.value:
      return "TABLE";
    case kPortNormal.value:
      return "NORMAL";
    case kPortFlood.value:
      return "FLOOD";
    case kPortAll.value:
      return "ALL";
    case kPortController.value:
      return "CONTROLLER";
    case kPortLocal.value:
      return "LOCAL";
    case kPortAny.value:
      return "ANY";
    default:
      return std::to_string(port);
  }
}

std::string hex_text(const FieldValue& value) {
  if (value.zero()) return "0";
  if (value.hi == 0) return fmt::format("{:#x}", value.lo);
  return fmt::format("{:#x}{:016x}", value.hi, value.lo);
}

IpAddress address_of(const FieldValue& value, bool v6) {
  if (!v6) return IpAddress::v4(static_cast<std::uint32_t>(value.lo));
  std::array<std::uint8_t, 16> bytes;
  for (unsigned i = 0; i < 16; ++i)
    bytes[i] = static_cast<std::uint8_t>((value >> (8 * (15 - i))).lo & 0xff);
  return IpAddress::v6(bytes);
}

namespace {

std::optional<unsigned> prefix_length(const FieldValue& mask, unsigned width) {
  for (unsigned length = 0; length <= width; ++length)
    if (mask == FieldValue::ones(length) << (width - length)) return length;
  return {};
}

std::string ip_text(const Masked& bits, bool v6) {
  const unsigned width = v6 ? 128 : 32;
  std::string text = address_of(bits.value, v6).to_string();
  const auto length = prefix_length(bits.mask, width);
  if (!length)
    text += "/" + address_of(bits.mask, v6).to_string();
  else if (*length < width)
    text += "/" + std::to_string(*length);
  return text;
}

std::string mac_text(const Masked& bits) {
  std::string text = MacAddress::from_bits(bits.value.lo).to_string();
  if (bits.mask != FieldValue::ones(48))
    text += "/" + MacAddress::from_bits(bits.mask.lo).to_string();
  return text;
}

std::string frag_text(const Masked& bits) {
  constexpr const char* kNames[4][4] = {{"", "", "", ""},
                                        {"<error>", "yes", "", ""},
                                        {"not_later", "", "later", ""},
                                        {"no", "first", "<error>", "later"}};
  const std::uint64_t mask = bits.mask.lo & 3;
  const std::uint64_t value = bits.value.lo & 3;
  if (mask == 1) return value == 1 ? "yes" : "no";
  return kNames[mask][value];
}

/// "+new-est": the flags that count.
std::string flags_masked(const Masked& bits, std::span<const FlagName> names) {
  std::string text;
  for (const FlagName& name : names) {
    if ((bits.mask.lo & name.bit) == 0) continue;
    text += (bits.value.lo & name.bit) != 0 ? '+' : '-';
    text += name.name;
  }
  return text;
}
/// "syn|ack"
std::string flags_exact(std::uint64_t value, std::span<const FlagName> names) {
  std::string text;
  for (const FlagName& name : names) {
    if ((value & name.bit) == 0) continue;
    if (!text.empty()) text += '|';
    text += name.name;
  }
  return text.empty() ? "0" : text;
}

}  // namespace

std::string value_text(FieldId id, const Masked& bits, bool exact) {
  switch (info(id).format) {
    case FieldFormat::kEthernet:
      return mac_text(bits);
    case FieldFormat::kIpv4:
      return ip_text(bits, false);
    case FieldFormat::kIpv6:
      return ip_text(bits, true);
    case FieldFormat::kPort16:
      return port_text(port_from16(static_cast<std::uint16_t>(bits.value.lo)).value);
    case FieldFormat::kPort32:
      return port_text(static_cast<std::uint32_t>(bits.value.lo));
    case FieldFormat::kFrag:
      return frag_text(bits);
    case FieldFormat::kCtState:
      return bits.mask.lo == 0xff ? flags_exact(bits.value.lo, kCtStateNames)
                                  : flags_masked(bits, kCtStateNames);
    case FieldFormat::kTunFlags:
      return flags_masked(bits, kTunFlagNames);
    case FieldFormat::kTcpFlags:
      return exact ? flags_exact(bits.value.lo, kTcpFlagNames) : flags_masked(bits, kTcpFlagNames);
    case FieldFormat::kPacketType:
      return fmt::format("({},{})", bits.value.lo >> 16, hex_text(bits.value.lo & 0xffff));
    case FieldFormat::kDecimal:
      if (exact) return std::to_string(bits.value.lo);
      [[fallthrough]];
    case FieldFormat::kHex:
      return hex_text(bits.value) + (exact ? "" : "/" + hex_text(bits.mask));
  }
  return {};
}

/// Prints a match in the order of ovs-ofctl.
class MatchPrinter {
 public:
  explicit MatchPrinter(const Match& match) : match_(match) {}

  std::string print() {
    for (const FieldId id : {FieldId::kPktMark, FieldId::kRecircId, FieldId::kDpHash,
                             FieldId::kConjId, FieldId::kActsetOutput})
      field(id, info(id).name);
    for (auto id = FieldId::kCtState; id <= FieldId::kCtTpDst; id = field_at(id, 1))
      if (id != FieldId::kCtNwProto || match_.has(id)) field(id, info(id).name);
    field(FieldId::kPacketType, "packet_type");
    const bool named_type = protocol();
    for (unsigned reg = 0; reg < 32; ++reg) field(reg_field(reg), info(reg_field(reg)).name);
    for (auto id = FieldId::kTunId; id <= FieldId::kTunGtpuMsgType; id = field_at(id, 1))
      field(id, info(id).name);
    field(FieldId::kMetadata, "metadata");
    field(FieldId::kInPortOxm, "in_port");
    vlan();
    field(FieldId::kEthSrc, "dl_src");
    field(FieldId::kEthDst, "dl_dst");
    if (!named_type && match_.has(FieldId::kEthType))
      item(fmt::format("dl_type=0x{:04x}", match_.get(FieldId::kEthType)->value.lo));
    field(FieldId::kIpSrc, "nw_src");
    field(FieldId::kIpDst, "nw_dst");
    field(FieldId::kIpv6Src, "ipv6_src");
    field(FieldId::kIpv6Dst, "ipv6_dst");
    label();
    field(FieldId::kArpSpa, "arp_spa");
    field(FieldId::kArpTpa, "arp_tpa");
    for (auto id = FieldId::kNshFlags; id <= FieldId::kNshC4; id = field_at(id, 1))
      if (id != FieldId::kNshTtl) field(id, info(id).name);
    field(FieldId::kNshTtl, "nsh_ttl");
    if (!named_protocol_) field(FieldId::kIpProto, "nw_proto");
    for (const FieldId id : {FieldId::kArpOp, FieldId::kArpSha, FieldId::kArpTha})
      field(id, info(id).name);
    if (const auto dscp = match_.get(FieldId::kIpDscp))
      item(fmt::format("nw_tos={}", dscp->value.lo << 2));
    for (const FieldId id : {FieldId::kIpEcn, FieldId::kIpTtl, FieldId::kMplsLabel,
                             FieldId::kMplsTc, FieldId::kMplsTtl, FieldId::kMplsBos})
      field(id, info(id).name);
    field(FieldId::kIpFrag, "nw_frag");
    field(FieldId::kIcmpType, "icmp_type");
    field(FieldId::kIcmpCode, "icmp_code");
    field(FieldId::kIcmpv6Type, "icmp_type");
    field(FieldId::kIcmpv6Code, "icmp_code");
    for (const FieldId id : {FieldId::kNdTarget, FieldId::kNdSll, FieldId::kNdTll,
                             FieldId::kNdReserved, FieldId::kNdOptionsType})
      field(id, info(id).name);
    for (const FieldId id : {FieldId::kTcpSrc, FieldId::kUdpSrc, FieldId::kSctpSrc})
      field(id, "tp_src");
    for (const FieldId id : {FieldId::kTcpDst, FieldId::kUdpDst, FieldId::kSctpDst})
      field(id, "tp_dst");
    field(FieldId::kTcpFlags, "tcp_flags");
    return std::move(text_);
  }

 private:
  void item(std::string_view part) {
    if (!text_.empty()) text_ += ',';
    text_ += part;
  }
  void field(FieldId id, std::string_view name) {
    for (const MatchField& f : match_.fields())
      if (f.id == id && f.length == 0) return item(name);  // tun_metadata that is present
    const auto bits = match_.get(id);
    if (!bits) return;
    const bool exact = is_in(id, FieldId::kTunMetadata0, FieldId::kTunMetadata63)
                           ? tun_exact(id)
                           : bits->mask == FieldValue::ones(info(id).bits);
    item(std::string(name) + "=" +
         (id == FieldId::kCtZone ? std::to_string(bits->value.lo) : value_text(id, *bits, exact)));
  }
  bool tun_exact(FieldId id) const {
    for (const MatchField& f : match_.fields())
      if (f.id == id) return f.exact();
    return true;
  }
  /// The keyword of ethertype and protocol, if there is one.
  bool protocol() {
    const auto type = match_.get(FieldId::kEthType);
    if (!type) return false;
    const auto proto = match_.get(FieldId::kIpProto);
    const auto named = [&](std::string_view name) {
      item(name);
      named_protocol_ = true;
      return true;
    };
    const bool v6 = type->value.lo == eth_type::kIpv6;
    switch (type->value.lo) {
      case eth_type::kIpv4:
      case eth_type::kIpv6:
        if (proto) {
          switch (proto->value.lo) {
            case ip_proto::kIcmp:
              if (!v6) return named("icmp");
              break;
            case ip_proto::kIcmpv6:
              if (v6) return named("icmp6");
              break;
            case ip_proto::kTcp:
              return named(v6 ? "tcp6" : "tcp");
            case ip_proto::kUdp:
              return named(v6 ? "udp6" : "udp");
            case ip_proto::kSctp:
              return named(v6 ? "sctp6" : "sctp");
            default:
              break;
          }
        }
        item(v6 ? "ipv6" : "ip");
        return true;
      case eth_type::kArp:
        return item("arp"), true;
      case eth_type::kRarp:
        return item("rarp"), true;
      case eth_type::kMpls:
        return item("mpls"), true;
      case eth_type::kMplsMulticast:
        return item("mplsm"), true;
      default:
        return false;
    }
  }
  void vlan() {
    const auto tci = match_.get(FieldId::kVlanTci);
    if (!tci) return;
    const std::uint64_t mask = tci->mask.lo;
    const std::uint64_t value = tci->value.lo;
    const std::uint64_t vid = mask & 0xfff;
    const std::uint64_t pcp = mask & 0xe000;
    if ((mask & value & 0x1000) != 0 && (vid == 0 || vid == 0xfff) && (vid != 0 || pcp != 0)) {
      if (vid != 0) item(fmt::format("dl_vlan={}", value & 0xfff));
      if (pcp != 0) item(fmt::format("dl_vlan_pcp={}", value >> 13));
    } else if (mask == 0xffff) {
      item(fmt::format("vlan_tci=0x{:04x}", value));
    } else {
      item(fmt::format("vlan_tci=0x{:04x}/0x{:04x}", value, mask));
    }
  }
  void label() {
    const auto bits = match_.get(FieldId::kIpv6Label);
    if (!bits) return;
    if (bits->mask == FieldValue::ones(20))
      item(fmt::format("ipv6_label=0x{:05x}", bits->value.lo));
    else
      item(fmt::format("ipv6_label=0x{:05x}/0x{:05x}", bits->value.lo, bits->mask.lo));
  }

  const Match& match_;
  std::string text_;
  bool named_protocol_ = false;
};

}  // namespace detail

std::string to_string(const Match& match) { return detail::MatchPrinter(match).print(); }

std::string to_string(const Subfield& s) {
  const FieldInfo& row = detail::info(s.field);
  if (s.offset == 0 && s.bits == row.bits) return fmt::format("{}[]", row.nxm_name);
  if (s.bits == 1) return fmt::format("{}[{}]", row.nxm_name, s.offset);
  return fmt::format("{}[{}..{}]", row.nxm_name, s.offset, s.offset + s.bits - 1);
}

}  // namespace antrea::openflow
