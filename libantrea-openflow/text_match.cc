#include <algorithm>
#include <array>
#include <optional>

#include "field_table.h"
#include "out.h"
#include "text_internal.h"

namespace antrea::openflow {
namespace detail {
namespace {

/// The order in which ovs-ofctl prints the fields of a match; what is not named here stands behind
/// the field before it in FieldId.
constexpr FieldId kPrintOrder[] = {
    FieldId::kPktMark,      FieldId::kRecircId,       FieldId::kDpHash,
    FieldId::kConjId,       FieldId::kActsetOutput,   FieldId::kCtState,
    FieldId::kCtZone,       FieldId::kCtMark,         FieldId::kCtLabel,
    FieldId::kCtNwSrc,      FieldId::kCtIpv6Src,      FieldId::kCtNwDst,
    FieldId::kCtIpv6Dst,    FieldId::kCtNwProto,      FieldId::kCtTpSrc,
    FieldId::kCtTpDst,      FieldId::kPacketType,     FieldId::kEthType,
    FieldId::kXreg0,        FieldId::kTunId,          FieldId::kTunSrc,
    FieldId::kTunDst,       FieldId::kTunIpv6Src,     FieldId::kTunIpv6Dst,
    FieldId::kTunGbpId,     FieldId::kTunGbpFlags,    FieldId::kTunErspanVer,
    FieldId::kTunErspanIdx, FieldId::kTunErspanDir,   FieldId::kTunErspanHwid,
    FieldId::kTunGtpuFlags, FieldId::kTunGtpuMsgType, FieldId::kTunFlags,
    FieldId::kTunMetadata0, FieldId::kMetadata,       FieldId::kInPortOxm,
    FieldId::kVlanVid,      FieldId::kVlanPcp,        FieldId::kEthSrc,
    FieldId::kEthDst,       FieldId::kIpSrc,          FieldId::kIpDst,
    FieldId::kIpv6Src,      FieldId::kIpv6Dst,        FieldId::kIpv6Label,
    FieldId::kArpSpa,       FieldId::kArpTpa,         FieldId::kNshFlags,
    FieldId::kNshTtl,       FieldId::kNshMdtype,      FieldId::kNshNp,
    FieldId::kNshSpi,       FieldId::kNshSi,          FieldId::kNshC1,
    FieldId::kNshC2,        FieldId::kNshC3,          FieldId::kNshC4,
    FieldId::kIpProto,      FieldId::kArpOp,          FieldId::kArpSha,
    FieldId::kArpTha,       FieldId::kIpDscp,         FieldId::kIpEcn,
    FieldId::kIpTtl,        FieldId::kMplsLabel,      FieldId::kMplsTc,
    FieldId::kMplsTtl,      FieldId::kMplsBos,        FieldId::kIpFrag,
    FieldId::kIcmpType,     FieldId::kIcmpCode,       FieldId::kIcmpv6Type,
    FieldId::kIcmpv6Code,   FieldId::kNdTarget,       FieldId::kNdSll,
    FieldId::kNdTll,        FieldId::kNdReserved,     FieldId::kNdOptionsType,
    FieldId::kTcpSrc,       FieldId::kUdpSrc,         FieldId::kSctpSrc,
    FieldId::kTcpDst,       FieldId::kUdpDst,         FieldId::kSctpDst,
    FieldId::kTcpFlags,
};

constexpr auto kRanks = [] {
  std::array<std::uint16_t, kFieldCount> ranks{};
  for (std::uint16_t i = 0; i < std::size(kPrintOrder); ++i)
    ranks[static_cast<std::size_t>(kPrintOrder[i])] = static_cast<std::uint16_t>((i + 1) * 100);
  for (std::size_t i = 1; i < kFieldCount; ++i)
    if (ranks[i] == 0) ranks[i] = static_cast<std::uint16_t>(ranks[i - 1] + 1);
  return ranks;
}();

std::uint16_t rank(const MatchField* field) { return kRanks[static_cast<std::size_t>(field->id)]; }

/// "tcp6", "arp"; empty for an ethertype that has no word. `proto_said` if it says the protocol
/// too.
std::string_view protocol_word(std::uint64_t type, const MatchField* proto, bool& proto_said) {
  struct Word {
    std::uint64_t type;
    std::uint64_t proto;
    std::string_view word;
  };
  static constexpr Word kWords[] = {
      {eth_type::kIpv4, ip_proto::kIcmp, "icmp"},    {eth_type::kIpv4, ip_proto::kTcp, "tcp"},
      {eth_type::kIpv4, ip_proto::kUdp, "udp"},      {eth_type::kIpv4, ip_proto::kSctp, "sctp"},
      {eth_type::kIpv6, ip_proto::kIcmpv6, "icmp6"}, {eth_type::kIpv6, ip_proto::kTcp, "tcp6"},
      {eth_type::kIpv6, ip_proto::kUdp, "udp6"},     {eth_type::kIpv6, ip_proto::kSctp, "sctp6"},
  };
  if (proto != nullptr)
    for (const Word& word : kWords)
      if (word.type == type && word.proto == proto->bits.value.lo) {
        proto_said = true;
        return word.word;
      }
  switch (type) {
    case eth_type::kIpv4:
      return "ip";
    case eth_type::kIpv6:
      return "ipv6";
    case eth_type::kArp:
      return "arp";
    case eth_type::kRarp:
      return "rarp";
    case eth_type::kMpls:
      return "mpls";
    case eth_type::kMplsMulticast:
      return "mplsm";
    default:
      return {};
  }
}

/// Prints a match in the order of ovs-ofctl, each field with a comma behind it, with the formats of
/// its match printer (which are not those of its action printer).
class MatchPrinter {
 public:
  MatchPrinter(std::string& out, const Match& match) : out_(out), match_(match) {}

  void print_all() {
    std::array<const MatchField*, kFieldCount> fields;
    std::size_t count = 0;
    for (const MatchField& field : match_.fields()) {
      std::size_t at = count++;
      for (; at > 0 && rank(fields[at - 1]) > rank(&field); --at) fields[at] = fields[at - 1];
      fields[at] = &field;
    }
    for (std::size_t i = 0; i < count; ++i) note(*fields[i]);
    for (std::size_t i = 0; i < count; ++i) {
      if (rank(fields[i]) >= kRanks[static_cast<std::size_t>(FieldId::kPacketType)]) ethernet();
      // vlan and dl_type stand where their fields do not.
      if (rank(fields[i]) >= kRanks[static_cast<std::size_t>(FieldId::kIpSrc)]) ethertype();
      one(*fields[i]);
    }
    ethertype();
  }

 private:
  void note(const MatchField& field) {
    if (field.id == FieldId::kEthType) type_ = &field;
    if (field.id == FieldId::kIpProto) proto_ = &field;
    if (field.id == FieldId::kCtNwProto) ct_proto_ = true;
    if (field.id == FieldId::kTunErspanVer) erspan_version_ = field.bits.value.lo;
    if (field.id == FieldId::kRecircId) recirculated_ = true;
    if (info(field.id).prerequisite != Prerequisite::kNone && !packet_type_) packet_type_ = 0;
    if (field.id == FieldId::kNshMdtype) md_type_ = field.bits.value.lo;
    if (field.id == FieldId::kPacketType) packet_type_ = field.bits.value.lo;
  }
  /// Said of recirculated packets only, of others it goes without saying.
  void ethernet() {
    if (recirculated_ && packet_type_ == 0) out_ += "eth,";
    packet_type_.reset();
  }
  /// dl_type, unless a word said it.
  void ethertype() {
    if (type_ == nullptr || type_said_) return;
    type_said_ = true;
    out_ += "dl_type=0x";
    print_hex_digits(out_, type_->bits.value.lo, 4);
    out_ += ',';
  }

  void one(const MatchField& field) {
    const FieldId id = field.id;
    const Masked& bits = field.bits;
    if (is_in(id, FieldId::kXreg0, FieldId::kXreg15)) return registers(id, bits);
    if (is_in(id, FieldId::kTunMetadata0, FieldId::kTunMetadata63)) return tun_metadata(field);
    switch (id) {
      case FieldId::kEthType:
        return protocol();
      case FieldId::kVlanVid:
      case FieldId::kVlanPcp:
        return vlan();
      case FieldId::kPacketType:
        if (bits.value.lo == 0) return;
        break;
      case FieldId::kIpProto:
        if (proto_said_) return;
        break;
      case FieldId::kCtTpSrc:
      case FieldId::kCtTpDst:
        if (!ct_proto_) return;
        break;
      case FieldId::kTunErspanIdx:
        if (erspan_version_ != 1) return;
        break;
      case FieldId::kTunErspanDir:
      case FieldId::kTunErspanHwid:
        if (erspan_version_ != 2) return;
        break;
      case FieldId::kNshC1:
      case FieldId::kNshC2:
      case FieldId::kNshC3:
      case FieldId::kNshC4:
        if (md_type_ != 1) return;
        break;
      default:
        break;
    }
    out_ += name(id);
    out_ += '=';
    value(id, bits, bits.mask == FieldValue::ones(info(id).bits));
    out_ += ',';
  }

  static std::string_view name(FieldId id) {
    switch (id) {
      case FieldId::kInPortOxm:
        return "in_port";
      case FieldId::kEthSrc:
        return "dl_src";
      case FieldId::kEthDst:
        return "dl_dst";
      case FieldId::kIpSrc:
        return "nw_src";
      case FieldId::kIpDst:
        return "nw_dst";
      case FieldId::kIpDscp:
        return "nw_tos";
      case FieldId::kIpFrag:
        return "nw_frag";
      case FieldId::kIcmpv6Type:
        return "icmp_type";
      case FieldId::kIcmpv6Code:
        return "icmp_code";
      case FieldId::kTcpSrc:
      case FieldId::kUdpSrc:
      case FieldId::kSctpSrc:
        return "tp_src";
      case FieldId::kTcpDst:
      case FieldId::kUdpDst:
      case FieldId::kSctpDst:
        return "tp_dst";
      case FieldId::kTunGtpuFlags:
        return "gtpu_flags";
      case FieldId::kTunGtpuMsgType:
        return "gtpu_msgtype";
      default:
        return info(id).name;
    }
  }

  void value(FieldId id, const Masked& bits, bool exact) {
    const std::uint64_t value = bits.value.lo;
    const std::uint64_t mask = bits.mask.lo;
    switch (id) {
      case FieldId::kCtState:
        return print_flags(out_, bits, 0xff, kCtStateNames);
      case FieldId::kTcpFlags:
        return print_flags(out_, bits, 0xfff, kTcpFlagNames);
      case FieldId::kTunFlags:
        return print_flags(out_, bits, ~std::uint64_t{0}, kTunFlagNames);
      case FieldId::kRecircId:
      case FieldId::kTunGbpFlags:  // the masks of these are not shown
      case FieldId::kTunErspanIdx:
      case FieldId::kTunErspanHwid:
      case FieldId::kTunGtpuFlags:
        return print_hex(out_, value);
      case FieldId::kTunErspanVer:
      case FieldId::kTunErspanDir:
      case FieldId::kTunGtpuMsgType:
        return print_number(out_, value);
      case FieldId::kIpDscp:
        return print(out_, "{}", value << 2);
      case FieldId::kIpv6Label:
        print(out_, "0x{:05x}", value);
        if (!exact) print(out_, "/0x{:05x}", mask);
        return;
      case FieldId::kNdReserved:
        return exact ? print(out_, "{}", value) : print(out_, "0x{:08x}/0x{:08x}", value, mask);
      case FieldId::kNshSpi:
      case FieldId::kNshC1:
      case FieldId::kNshC2:
      case FieldId::kNshC3:
      case FieldId::kNshC4:
        print(out_, "0x{:x}", value);
        if (!exact) print(out_, "/0x{:x}", mask);
        return;
      case FieldId::kNshFlags:
      case FieldId::kNshTtl:
      case FieldId::kNshMdtype:
      case FieldId::kNshNp:
      case FieldId::kNshSi:
        return exact ? print(out_, "{}", value) : print(out_, "0x{:02x}/0x{:02x}", value, mask);
      case FieldId::kCtZone:
      case FieldId::kCtTpSrc:
      case FieldId::kCtTpDst:
      case FieldId::kTcpSrc:
      case FieldId::kTcpDst:
      case FieldId::kUdpSrc:
      case FieldId::kUdpDst:
      case FieldId::kSctpSrc:
      case FieldId::kSctpDst:
      case FieldId::kTunGbpId:
        return exact ? print_number(out_, value) : print(out_, "0x{:x}/0x{:x}", value, mask);
      case FieldId::kConjId:
        return print_number(out_, value);
      default:
        return print_value(out_, id, bits, exact);
    }
  }

  void registers(FieldId id, const Masked& pair) {
    const unsigned first = 2 * (static_cast<unsigned>(id) - static_cast<unsigned>(FieldId::kXreg0));
    for (unsigned i = 0; i < 2; ++i) {
      const unsigned shift = i == 0 ? 32 : 0;
      const std::uint64_t value = pair.value.lo >> shift & 0xffffffff;
      const std::uint64_t mask = pair.mask.lo >> shift & 0xffffffff;
      if (mask == 0) continue;
      out_ += "reg";
      print_number(out_, first + i);
      out_ += '=';
      print_hex(out_, value);
      if (mask != 0xffffffff) {
        out_ += '/';
        print_hex(out_, mask);
      }
      out_ += ',';
    }
  }

  void tun_metadata(const MatchField& field) {
    out_ += info(field.id).name;
    if (field.length == 0 ? !field.masked : !any_value(field)) {
      out_ += '=';
      if (field.wide()) {
        const Match::Wide wide = match_.wide(field.id);
        print_hex(out_, wide.value);
        if (!whole_bytes(wide.mask)) {
          out_ += '/';
          print_hex(out_, wide.mask);
        }
      } else {
        std::array<std::byte, sizeof(FieldValue)> mask;
        store_value(mask.data(), field.bits.mask, mask.size());
        print_value(out_, field.id, field.bits, whole_bytes(mask));
      }
    }
    out_ += ',';
  }

  /// Bytes in front that do not count are not looked at, as in Open vSwitch.
  static bool whole_bytes(std::span<const std::byte> mask) {
    const auto begin =
        std::ranges::find_if(mask, [](std::byte byte) { return byte != std::byte{0}; });
    return std::all_of(begin, mask.end(), [](std::byte byte) { return byte == std::byte{0xff}; });
  }
  /// The option is there, whatever its value.
  bool any_value(const MatchField& field) const {
    if (!field.wide()) return field.bits.mask.zero();
    return std::ranges::all_of(match_.wide(field.id).mask,
                               [](std::byte byte) { return byte == std::byte{0}; });
  }

  void protocol() {
    const std::string_view word = protocol_word(type_->bits.value.lo, proto_, proto_said_);
    if (word.empty()) return;
    type_said_ = true;
    out_ += word;
    out_ += ',';
  }

  void vlan() {
    if (vlan_said_) return;
    vlan_said_ = true;
    const auto tci = match_.get(FieldId::kVlanTci);
    if (!tci) return;
    const std::uint64_t mask = tci->mask.lo;
    const std::uint64_t value = tci->value.lo;
    const std::uint64_t vid = mask & 0xfff;
    const std::uint64_t pcp = mask & 0xe000;
    if ((mask & value & 0x1000) != 0 && (vid == 0 || vid == 0xfff) && (pcp == 0 || pcp == 0xe000) &&
        (vid != 0 || pcp != 0)) {
      if (vid != 0) print(out_, "dl_vlan={},", value & 0xfff);
      if (pcp != 0) print(out_, "dl_vlan_pcp={},", value >> 13);
    } else if (mask == 0xffff) {
      print(out_, "vlan_tci=0x{:04x},", value);
    } else {
      print(out_, "vlan_tci=0x{:04x}/0x{:04x},", value, mask);
    }
  }

  std::string& out_;
  const Match& match_;
  const MatchField* type_ = nullptr;
  const MatchField* proto_ = nullptr;
  bool type_said_ = false;
  bool proto_said_ = false;
  bool vlan_said_ = false;
  bool ct_proto_ = false;
  bool recirculated_ = false;
  std::optional<std::uint64_t> packet_type_;  ///< said, or implied by another field; until printed
  std::uint64_t erspan_version_ = 0;
  std::uint64_t md_type_ = 0;
};

}  // namespace

void print_match(std::string& out, const Match& match, std::uint16_t priority) {
  const std::size_t start = out.size();
  if (priority != 0x8000) {
    out += "priority=";
    print_number(out, priority);
    out += ',';
  }
  MatchPrinter(out, match).print_all();
  if (out.size() > start) out.pop_back();  // the last comma
}

}  // namespace detail

std::string to_string(const Match& match) {
  std::string text;
  detail::print_match(text, match);
  return text;
}

}  // namespace antrea::openflow
