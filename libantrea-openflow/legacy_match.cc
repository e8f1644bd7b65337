#include "facts.h"
#include "wire.h"

// The fixed match of OpenFlow 1.1, which Open vSwitch still takes in requests of later versions.
namespace antrea::openflow::detail {
namespace {

constexpr std::uint16_t kSize = 88;  // bytes, header included

/// Bits of the wildcards, OpenFlow 1.1 section A.2.3.
enum Wildcard : std::uint32_t {
  kInPort = 1 << 0,
  kVlan = 1 << 1,
  kVlanPcp = 1 << 2,
  kEthType = 1 << 3,
  kIpTos = 1 << 4,
  kIpProto = 1 << 5,
  kTpSrc = 1 << 6,
  kTpDst = 1 << 7,
  kMplsLabel = 1 << 8,
  kMplsTc = 1 << 9,
};

struct FixedMatch {
  std::uint32_t in_port, wildcards;
  std::uint64_t eth_src, eth_src_mask, eth_dst, eth_dst_mask;
  std::uint16_t vlan;
  std::uint8_t pcp;
  std::uint16_t eth_type;
  std::uint8_t tos, proto;
  std::uint32_t ip_src, ip_src_mask, ip_dst, ip_dst_mask;
  std::uint16_t tp_src, tp_dst;
  std::uint32_t mpls_label;
  std::uint8_t mpls_tc;
  std::uint64_t metadata, metadata_mask;

  bool counts(Wildcard bit) const { return (wildcards & bit) == 0; }
};

FixedMatch take(In& in) {
  FixedMatch m{};
  m.in_port = in.be32();
  m.wildcards = in.be32();
  m.eth_src = in.value(6).lo;
  m.eth_src_mask = ~in.value(6).lo;
  m.eth_dst = in.value(6).lo;
  m.eth_dst_mask = ~in.value(6).lo;
  m.vlan = in.be16();
  m.pcp = in.u8();
  in.skip(1);
  m.eth_type = in.be16();
  m.tos = in.u8();
  m.proto = in.u8();
  m.ip_src = in.be32();
  m.ip_src_mask = ~in.be32();
  m.ip_dst = in.be32();
  m.ip_dst_mask = ~in.be32();
  m.tp_src = in.be16();
  m.tp_dst = in.be16();
  m.mpls_label = in.be32();
  m.mpls_tc = in.u8();
  in.skip(3);
  m.metadata = in.be64();
  m.metadata_mask = ~in.be64();
  return m;
}

Fault put_vlan(const FixedMatch& m, Match& match) {
  constexpr std::uint16_t kAny = 0xfffe, kNone = 0xffff;
  if (m.vlan == kNone) {
    match.no_vlan();
    return nullptr;
  }
  if (m.vlan == kAny)
    match.any_vlan();
  else if (m.vlan < 4096)
    match.vlan(m.vlan);
  else
    return &errors::kMatchBadValue;
  if (!m.counts(kVlanPcp)) return nullptr;
  if (m.pcp > 7) return &errors::kMatchBadValue;
  match.set(FieldId::kVlanPcp, m.pcp);
  return nullptr;
}

Fault put_transport(const FixedMatch& m, Match& match) {
  const auto both = [&](FieldId source, FieldId target) {
    if (m.counts(kTpSrc)) match.set(source, m.tp_src);
    if (m.counts(kTpDst)) match.set(target, m.tp_dst);
  };
  switch (m.counts(kIpProto) ? m.proto : 0) {
    case ip_proto::kIcmp:
      if ((m.counts(kTpSrc) && m.tp_src > 0xff) || (m.counts(kTpDst) && m.tp_dst > 0xff))
        return &errors::kMatchBadField;
      both(FieldId::kIcmpType, FieldId::kIcmpCode);
      return nullptr;
    case ip_proto::kTcp:
      both(FieldId::kTcpSrc, FieldId::kTcpDst);
      return nullptr;
    case ip_proto::kUdp:
      both(FieldId::kUdpSrc, FieldId::kUdpDst);
      return nullptr;
    case ip_proto::kSctp:
      both(FieldId::kSctpSrc, FieldId::kSctpDst);
      return nullptr;
    default:
      return nullptr;
  }
}

Fault put_network(const FixedMatch& m, Match& match) {
  const std::uint16_t type = m.counts(kEthType) ? m.eth_type : 0;
  const bool ip = type == eth_type::kIpv4;
  const bool arp = type == eth_type::kArp || type == eth_type::kRarp;
  if (ip && m.counts(kIpTos)) {
    if ((m.tos & 3) != 0) return &errors::kMatchBadValue;
    match.ip_dscp(m.tos >> 2);
  }
  if (ip || arp) {
    if (m.counts(kIpProto)) match.set(ip ? FieldId::kIpProto : FieldId::kArpOp, m.proto);
    match.set(ip ? FieldId::kIpSrc : FieldId::kArpSpa, m.ip_src, m.ip_src_mask);
    match.set(ip ? FieldId::kIpDst : FieldId::kArpTpa, m.ip_dst, m.ip_dst_mask);
  }
  if (ip)
    if (const Fault fault = put_transport(m, match)) return fault;
  if (type == eth_type::kMpls || type == eth_type::kMplsMulticast) {
    if (m.counts(kMplsLabel)) match.set(FieldId::kMplsLabel, m.mpls_label);
    if (m.counts(kMplsTc)) match.set(FieldId::kMplsTc, m.mpls_tc);
  }
  return nullptr;
}

Fault to_match(const FixedMatch& m, Match& match) {
  if (m.counts(kInPort)) {
    if (!port_valid(m.in_port)) return &errors::kMatchBadValue;
    match.in_port(PortNo{m.in_port});
  }
  match.set(FieldId::kEthSrc, m.eth_src, m.eth_src_mask);
  match.set(FieldId::kEthDst, m.eth_dst, m.eth_dst_mask);
  if (m.counts(kVlan))
    if (const Fault fault = put_vlan(m, match)) return fault;
  if (m.counts(kEthType)) {
    constexpr std::uint16_t kNotEthernet2 = 0x05ff;
    if (m.eth_type != kNotEthernet2) match.eth_type(m.eth_type);
  }
  if (const Fault fault = put_network(m, match)) return fault;
  match.metadata(m.metadata, m.metadata_mask);
  return nullptr;
}

}  // namespace

std::optional<DecodeError> pull_any_match(In& in, Match& match, PacketFacts* facts) {
  if (in.remaining() < 4) return fail(errors::kMatchBadLen, in);
  const auto type = load_be<std::uint16_t>(in.at());
  if (type == 1) return pull_match(in, match, MatchRule::kStrict, facts);
  if (type != 0) return fail(errors::kMatchBadType, in);
  const auto length = load_be<std::uint16_t>(in.at() + 2);
  if (length != kSize || in.remaining() < kSize) return fail(errors::kMatchBadLen, in);
  in.skip(4);
  const std::size_t offset = in.offset();
  const FixedMatch fixed = take(in);
  match = Match();
  if (const Fault fault = to_match(fixed, match)) return fail(*fault, offset);
  if (facts != nullptr) *facts = PacketFacts(match);
  return {};
}

}  // namespace antrea::openflow::detail
