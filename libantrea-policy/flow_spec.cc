#include "flow_spec.h"

#include <bit>

namespace antrea::policy {
namespace {

namespace cp = api::controlplane;
namespace pipeline = api::pipeline;
using Kind = FlowSpec::Kind;

// FlowSpec::hi of a service: ICMP type and code, and which of them are given. Its `lo` holds
// destination port and mask, source port and mask.
constexpr unsigned kTypeShift = 16, kCodeShift = 8;
constexpr std::uint64_t kHasType = 1, kHasCode = 2;
constexpr std::uint16_t kDnsPort = 53;
constexpr std::uint32_t kConnSnat = 1U << pipeline::ct_mark::kConnSnat.offset;

openflow::FieldId port_field(std::uint8_t protocol, bool destination) {
  using openflow::FieldId;
  switch (protocol) {
    case openflow::ip_proto::kTcp:
      return destination ? FieldId::kTcpDst : FieldId::kTcpSrc;
    case openflow::ip_proto::kUdp:
      return destination ? FieldId::kUdpDst : FieldId::kUdpSrc;
    default:
      return destination ? FieldId::kSctpDst : FieldId::kSctpSrc;
  }
}

void match_service(const FlowSpec& spec, openflow::Match& match) {
  const std::uint8_t protocol = spec.detail;
  match.ip_proto(protocol);
  const auto part = [&](unsigned shift) { return static_cast<std::uint16_t>(spec.lo >> shift); };
  if (part(32) != 0) match.set(port_field(protocol, true), part(48), part(32));
  if (part(0) != 0) match.set(port_field(protocol, false), part(16), part(0));
  const auto type = static_cast<std::uint8_t>(spec.hi >> kTypeShift);
  const auto code = static_cast<std::uint8_t>(spec.hi >> kCodeShift);
  const bool v4 = spec.family == 4;
  if (spec.hi & kHasType) v4 ? match.icmp_type(type) : match.icmpv6_type(type);
  if (spec.hi & kHasCode) v4 ? match.icmp_code(code) : match.icmpv6_code(code);
}

void match_client(openflow::Match& match, const IpPrefix& prefix) {
  using openflow::FieldId;
  using openflow::FieldValue;
  const unsigned width = prefix.address().width();
  match.ct_state(openflow::ct_state::kNew | openflow::ct_state::kTrk,
                 openflow::ct_state::kNew | openflow::ct_state::kTrk);
  match.set(width == 32 ? FieldId::kCtNwSrc : FieldId::kCtIpv6Src, FieldValue(prefix.address()),
            FieldValue::ones(prefix.length()) << (width - prefix.length()));
}

}  // namespace

FlowSpec FlowSpec::address(pipeline::Table table, std::uint16_t priority, Kind kind,
                           const IpPrefix& prefix) {
  FlowSpec spec{
      .table = table, .priority = priority, .family = static_cast<std::uint8_t>(prefix.family())};
  spec.kind = prefix.length() == 0 ? Kind::kAny : kind;
  spec.detail = static_cast<std::uint8_t>(prefix.length());
  const openflow::FieldValue value(prefix.address());
  spec.hi = value.hi;
  spec.lo = value.lo;
  return spec;
}

FlowSpec FlowSpec::number(pipeline::Table table, std::uint16_t priority, Kind kind,
                          std::uint32_t number) {
  return {.table = table, .kind = kind, .priority = priority, .lo = number};
}

FlowSpec FlowSpec::by_id(pipeline::Table table, std::uint16_t priority, Kind kind,
                         std::optional<Family> family, std::uint32_t id) {
  return {.table = table,
          .kind = kind,
          .priority = priority,
          .family = family ? static_cast<std::uint8_t>(*family) : std::uint8_t{0},
          .lo = id};
}

std::size_t FlowSpec::hash() const {
  std::uint64_t h = static_cast<std::uint64_t>(table) << 56 |
                    static_cast<std::uint64_t>(kind) << 48 |
                    static_cast<std::uint64_t>(priority) << 32 | detail;
  for (const std::uint64_t word : {hi, lo + family}) {
    h ^= word;
    h *= 0x9e3779b97f4a7c15ULL;
    h ^= h >> 29;
  }
  return h;
}

openflow::FlowKey FlowSpec::key() const {
  openflow::Match match;
  if (family != 0) match.ip(Family{family});
  const auto prefix = [&] {
    const openflow::FieldValue value(hi, lo);
    if (family == 4) return IpPrefix(IpAddress::v4(static_cast<std::uint32_t>(lo)), detail);
    std::array<std::uint8_t, 16> bytes{};
    for (unsigned i = 0; i < 16; ++i)
      bytes[i] = static_cast<std::uint8_t>((value >> (8 * (15 - i))).lo);
    return IpPrefix(IpAddress::v6(bytes), detail);
  };
  const auto id = static_cast<std::uint32_t>(lo);
  const bool egress = table == pipeline::Table::kEgressMetric;
  const unsigned label_offset =
      egress ? pipeline::kCtLabelEgressOffset : pipeline::kCtLabelIngressOffset;
  switch (kind) {
    case Kind::kAny:
      break;
    case Kind::kSource:
      match.ip_src(prefix());
      break;
    case Kind::kDestination:
      match.ip_dst(prefix());
      break;
    case Kind::kOutPort:
      match.set_reg(pipeline::reg::kTargetOfPort.reg, id);
      break;
    case Kind::kService:
      match_service(*this, match);
      break;
    case Kind::kServiceGroup:
      match.set_reg(pipeline::reg::kServiceGroupId.reg, id);
      break;
    case Kind::kNodePort:
      match
          .set_reg(pipeline::reg::kToNodePortAddress.reg, pipeline::reg::kToNodePortAddress.offset,
                   pipeline::reg::kToNodePortAddress.bits, 1)
          .set_reg(pipeline::reg::kServiceGroupId.reg, id);
      break;
    case Kind::kClient:
      // Only a new packet has the addresses of its connection for certain (ovs-fields(7)).
      match_client(match, prefix());
      break;
    case Kind::kDnsAnswer:
      match.ip_proto(detail)
          .set(port_field(detail, false), kDnsPort)
          .ct_state(openflow::ct_state::kRpl | openflow::ct_state::kTrk,
                    openflow::ct_state::kRpl | openflow::ct_state::kTrk);
      break;
    case Kind::kConjunction:
      match.conj_id(id);
      if (detail != 0) match.ct_mark(detail == kSourceTranslated ? kConnSnat : 0, kConnSnat);
      break;
    case Kind::kDenied:
      match
          .set_reg(pipeline::reg::kApDeny.reg, pipeline::reg::kApDeny.offset,
                   pipeline::reg::kApDeny.bits, 1)
          .set_reg(pipeline::reg::kApConjId.reg, id);
      break;
    case Kind::kAllowedNew:
    case Kind::kAllowedRest:
      match.ct_state(kind == Kind::kAllowedNew ? openflow::ct_state::kNew : 0,
                     openflow::ct_state::kNew);
      match.ct_label(openflow::FieldValue(id) << label_offset, openflow::FieldValue::ones(32)
                                                                   << label_offset);
      break;
  }
  return {openflow::TableId{static_cast<std::uint8_t>(table)}, priority, std::move(match)};
}

std::vector<PortMask> port_masks(std::uint16_t first, std::uint16_t last) {
  std::vector<PortMask> masks;
  std::uint32_t at = first;
  while (at <= last) {
    // The largest aligned block that begins here and does not reach beyond the end.
    std::uint32_t size = at == 0 ? 0x10000 : at & (~at + 1);
    while (at + size - 1 > last) size >>= 1;
    masks.push_back({static_cast<std::uint16_t>(at), static_cast<std::uint16_t>(~(size - 1))});
    at += size;
  }
  return masks;
}

std::vector<FlowSpec> service_specs(pipeline::Table table, std::uint16_t priority, Family family,
                                    const cp::Service& service) {
  const bool v4 = family == Family::kIPv4;
  auto protocol = static_cast<std::uint8_t>(service.protocol.value_or(cp::ServiceProtocol::kTcp));
  if (protocol == openflow::ip_proto::kIcmp && !v4) protocol = openflow::ip_proto::kIcmpv6;
  FlowSpec spec{.table = table,
                .kind = Kind::kService,
                .priority = priority,
                .family = static_cast<std::uint8_t>(family),
                .detail = protocol};
  if (service.icmp_type)
    spec.hi |= static_cast<std::uint64_t>(*service.icmp_type & 0xff) << kTypeShift | kHasType;
  if (service.icmp_code)
    spec.hi |= static_cast<std::uint64_t>(*service.icmp_code & 0xff) << kCodeShift | kHasCode;

  const auto masks = [](std::optional<std::int32_t> first, std::optional<std::int32_t> last) {
    if (!first) return std::vector{PortMask{}};  // any port
    return port_masks(static_cast<std::uint16_t>(*first),
                      static_cast<std::uint16_t>(last.value_or(*first)));
  };
  std::vector<FlowSpec> specs;
  const auto port = service.port ? std::optional(service.port->number) : std::nullopt;
  for (const PortMask& destination : masks(port, service.end_port)) {
    for (const PortMask& source : masks(service.src_port, service.src_end_port)) {
      spec.lo = static_cast<std::uint64_t>(destination.value) << 48 |
                static_cast<std::uint64_t>(destination.mask) << 32 |
                static_cast<std::uint64_t>(source.value) << 16 | source.mask;
      specs.push_back(spec);
    }
  }
  return specs;
}

}  // namespace antrea::policy
