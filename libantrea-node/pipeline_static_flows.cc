// The flows that are the same whatever Pods and peers there are, table by table in the order of a
// packet's way.
#include <algorithm>
#include <array>

#include "antrea/api/pipeline_connection.h"
#include "pipeline_flows.h"

namespace antrea::node {

using namespace openflow;
using namespace api::pipeline;

namespace {

constexpr std::uint32_t kMarkService = 0x10, kMarkConnSnat = 0x20, kMarkHairpin = 0x40;

std::uint16_t ct_zone(Family family) { return family == Family::kIPv4 ? kCtZone : kCtZoneV6; }
std::uint16_t snat_ct_zone(Family family) {
  return family == Family::kIPv4 ? kSnatCtZone : kSnatCtZoneV6;
}

Match from(PktSource source) {
  Match match;
  match_reg(match, reg::kPktSource, source);
  return match;
}

class Builder {
 public:
  explicit Builder(const NodeConfig& config) : config_(config), families_(families_of(config)) {}

  std::vector<Flow> build() {
    misses();
    root();
    arp();
    classify();
    track();
    services();
    route();
    translate_source();
    deliver();
    return std::move(flows_);
  }

 private:
  PortNo gateway() const { return PortNo{config_.gateway_ofport}; }
  PortNo tunnel() const { return PortNo{config_.tunnel_ofport}; }
  std::optional<IpAddress> gateway_address(Family family) const {
    for (const auto& cidr : config_.pod_cidrs)
      if (cidr.family() == family) return gateway_ip(cidr);
    return {};
  }

  void add(Table table, std::uint16_t priority, Match match, Actions actions,
           std::optional<Table> next = {},
           CookieCategory category = CookieCategory::kPodConnectivity) {
    flows_.push_back(
        make_flow(table, priority, std::move(match), std::move(actions), next, category));
  }

  // What a table does with packets that nothing else in it matches: the next table that is in use,
  // or the end.
  void misses() {
    const auto miss = [&](Table table, std::optional<Table> next) {
      add(table, kPriorityMiss, {}, {}, next, CookieCategory::kDefault);
    };
    for (const Table table :
         {Table::kPipelineRootClassifier, Table::kArpSpoofGuard, Table::kArpResponder,
          Table::kClassifier, Table::kSpoofGuard, Table::kOutput})
      miss(table, {});
    if (has(Family::kIPv6)) miss(Table::kIpv6, Table::kUnSnat);
    constexpr std::array kChain{Table::kUnSnat, Table::kConntrackZone, Table::kConntrackState,
                                Table::kPreRoutingClassifier, Table::kSessionAffinity};
    for (std::size_t i = 0; i + 1 < kChain.size(); ++i) miss(kChain[i], kChain[i + 1]);
    // Reached by a resubmission that comes back: no table follows.
    add(Table::kSessionAffinity, kPriorityMiss, {},
        {load(reg::kServiceEpState, EpState::kToSelect)}, {}, CookieCategory::kService);
    if (config_.proxy_all) miss(Table::kNodePortMark, {});
    if (config_.dsr) miss(Table::kDsrServiceMark, Table::kEndpointDnat);
    miss(Table::kServiceLb, config_.dsr ? Table::kDsrServiceMark : Table::kEndpointDnat);
    constexpr std::array kRest{Table::kEndpointDnat, Table::kAntreaPolicyEgressRule,
                               Table::kEgressRule,   Table::kEgressDefaultRule,
                               Table::kEgressMetric, Table::kL3Forwarding};
    for (std::size_t i = 0; i + 1 < kRest.size(); ++i) miss(kRest[i], kRest[i + 1]);
    // The host routes what is left. It also counts the hop.
    add(Table::kL3Forwarding, kPriorityMiss, {},
        {load(reg::kPktDestination, PktDestination::kGateway)}, Table::kL2ForwardingCalc,
        CookieCategory::kDefault);
    constexpr std::array kLast{Table::kL3DecTtl,
                               Table::kSnatMark,
                               Table::kSnat,
                               Table::kL2ForwardingCalc,
                               Table::kIngressSecurityClassifier,
                               Table::kAntreaPolicyIngressRule,
                               Table::kIngressRule,
                               Table::kIngressDefaultRule,
                               Table::kIngressMetric,
                               Table::kConntrackCommit,
                               Table::kOutput};
    for (std::size_t i = 0; i + 1 < kLast.size(); ++i) miss(kLast[i], kLast[i + 1]);
  }

  void root() {
    for (const Family family : families_) {
      add(Table::kPipelineRootClassifier, kPriorityNormal, Match().ip(family), {},
          Table::kClassifier);
      if (!config_.userspace_datapath) continue;
      // The host's own packets, told by their MAC: give them the mark that a kernel datapath would
      // have carried.
      add(Table::kPipelineRootClassifier, kPriorityHigh,
          Match().ip(family).in_port(gateway()).eth_src(MacAddress::from_bits(kHostLocalMac)),
          {set_field(FieldId::kPktMark, kHostLocalSourceMark, kHostLocalSourceMark),
           set_field(FieldId::kEthSrc, config_.gateway_mac)},
          Table::kClassifier);
    }
    if (has(Family::kIPv4))
      add(Table::kPipelineRootClassifier, kPriorityNormal, Match().arp(), {},
          Table::kArpSpoofGuard);
  }

  void arp() {
    const auto address = gateway_address(Family::kIPv4);
    if (!address) return;
    add(Table::kArpSpoofGuard, kPriorityNormal,
        Match().in_port(gateway()).arp_spa(*address).arp_sha(config_.gateway_mac), {},
        Table::kArpResponder);
    add(Table::kArpResponder, kPriorityLow, Match().arp(), {output_normal()});
  }

  void classify() {
    add(Table::kClassifier, kPriorityNormal, Match().in_port(tunnel()),
        {load(reg::kPktSource, PktSource::kTunnel), load(reg::kRewriteMac, 1)}, Table::kUnSnat);
    add(Table::kClassifier, kPriorityNormal, Match().in_port(gateway()),
        {load(reg::kPktSource, PktSource::kGateway), load(reg::kFromExternal, 1)},
        Table::kSpoofGuard);
    for (const Family family : families_) {
      const auto address = gateway_address(family);
      const auto after_guard = family == Family::kIPv4 ? Table::kUnSnat : Table::kIpv6;
      add(Table::kClassifier, kPriorityHigh, Match().in_port(gateway()).ip_src(*address),
          {load(reg::kPktSource, PktSource::kGateway), load(reg::kFromLocal, 1)},
          Table::kSpoofGuard);
      // The host forwards for others: any source.
      add(Table::kSpoofGuard, kPriorityNormal, Match().ip(family).in_port(gateway()), {},
          after_guard);
    }
    if (!has(Family::kIPv6)) return;
    const auto prefix = [](std::uint8_t first, std::uint8_t second, unsigned length) {
      std::array<std::uint8_t, 16> bytes{first, second};
      return IpPrefix(IpAddress::v6(bytes), length);
    };
    add(Table::kSpoofGuard, kPriorityNormal, Match().ip_src(prefix(0xfe, 0x80, 10)), {},
        Table::kIpv6);
    for (const std::uint8_t type : {135, 136})  // neighbour solicitation and advertisement
      add(Table::kIpv6, kPriorityNormal, Match().ip(Family::kIPv6).icmpv6_type(type).icmpv6_code(0),
          {output_normal()});
    add(Table::kIpv6, kPriorityNormal, Match().ip_dst(prefix(0xff, 0, 8)), {output_normal()});
  }

  void track() {
    for (const Family family : families_) {
      for (const auto& address : {service_virtual_ip(family), *gateway_address(family)})
        add(Table::kUnSnat, kPriorityNormal, Match().ip_dst(address),
            {Ct{.zone = snat_ct_zone(family),
                .table = table_id(Table::kConntrackZone),
                .actions = {Nat{}}}},
            {}, CookieCategory::kService);
      add(Table::kConntrackZone, kPriorityNormal, Match().ip(family),
          {Ct{.zone = ct_zone(family),
              .table = table_id(Table::kConntrackState),
              .actions = {Nat{}}}});
    }
    add(Table::kConntrackState, kPriorityNormal, Match().ct_state("+inv+trk"), {});
    add(Table::kConntrackState, kPriorityLow, Match().ct_state("-new+trk").ct_mark(0, kMarkService),
        {}, Table::kAntreaPolicyEgressRule);
    add(Table::kConntrackState, kPriorityLow,
        Match().ct_state("-new+trk").ct_mark(kMarkService, kMarkService),
        {load(reg::kRewriteMac, 1)}, Table::kAntreaPolicyEgressRule);
    // To a Service, but not let in so far: policies have to know by what it came, as at first.
    add(Table::kConntrackState, kPriorityLow,
        Match().ct_state("+new+trk").ct_mark(kMarkService, kMarkService),
        {load(reg::kRewriteMac, 1), load(reg::kServiceEpState, EpState::kSelected),
         Move{Subfield(FieldId::kCtLabel, kCtLabelServiceOffset, 32),
              subfield(reg::kServiceGroupId)},
         Move{Subfield(FieldId::kCtMark, api::pipeline::ct_mark::kByNodePort.offset,
                       api::pipeline::ct_mark::kByNodePort.bits),
              subfield(reg::kToNodePortAddress)}},
        Table::kAntreaPolicyEgressRule);
    for (const auto& [table, metric] :
         {std::pair(Table::kAntreaPolicyEgressRule, Table::kEgressMetric),
          std::pair(Table::kAntreaPolicyIngressRule, Table::kIngressMetric)})
      for (const char* state : {"-new+est", "-new+rel"})
        add(table, kPriorityTopAntreaPolicy, Match().ct_state(state), {}, metric,
            CookieCategory::kNetworkPolicy);
    for (const Family family : families_)
      add(Table::kConntrackCommit, kPriorityNormal,
          Match().ip(family).ct_state("+new+trk").ct_mark(0, kMarkConnSnat),
          {commit(ct_zone(family), Table::kOutput, {copy_source()})});
  }

  // The Service's own flows, in ServiceLB and EndpointDNAT, come from the proxy.
  void services() {
    Actions look_up;
    if (config_.proxy_all) look_up.emplace_back(resubmit(table_id(Table::kNodePortMark)));
    look_up.emplace_back(resubmit(table_id(Table::kSessionAffinity)));
    look_up.emplace_back(resubmit(table_id(Table::kServiceLb)));
    for (const Family family : families_)
      add(Table::kPreRoutingClassifier, kPriorityNormal, Match().ip(family), look_up, {},
          CookieCategory::kService);
    if (!config_.dsr) return;
    // Of a connection that is answered directly only one direction passes here: its packets look
    // invalid to one datapath and established to another, and are led by what was learned.
    for (Match one_way : {Match().ct_state("+inv+trk"),
                          Match().ct_state("-new-rpl+trk").ct_mark(0, kMarkService)}) {
      match_reg(one_way, reg::kFromExternal, 1);
      add(Table::kConntrackState, kPriorityHigh, std::move(one_way), {},
          Table::kPreRoutingClassifier, CookieCategory::kService);
    }
  }

  void route() {
    const Actions to_gateway{set_field(FieldId::kEthDst, config_.gateway_mac),
                             load(reg::kPktDestination, PktDestination::kGateway)};
    for (const auto& cidr : config_.pod_cidrs) {
      add(Table::kL3Forwarding, kPriorityHigh, Match().ip_dst(gateway_ip(cidr)), to_gateway,
          Table::kL3DecTtl);
      Match same_subnet = Match().ip_dst(cidr);
      match_reg(same_subnet, reg::kRewriteMac, 0);
      add(Table::kL3Forwarding, kPriorityNormal, std::move(same_subnet), {},
          Table::kL2ForwardingCalc);
    }
    // Answers to who came in through the gateway leave through it, whatever their address.
    add(Table::kL3Forwarding, kPriorityHigh,
        Match().ct_state("+rpl+trk").ct_mark(static_cast<std::uint32_t>(PktSource::kGateway), 0xf),
        to_gateway, Table::kL3DecTtl);
    // A Service's endpoint outside the cluster.
    Match outside = from(PktSource::kGateway);
    match_reg(outside, reg::kRewriteMac, 1).ct_mark(kMarkService, kMarkService);
    add(Table::kL3Forwarding, kPriorityLow, std::move(outside), to_gateway, Table::kL3DecTtl,
        CookieCategory::kService);
    for (const Family family : families_) {
      add(Table::kL3DecTtl, kPriorityHigh, from(PktSource::kGateway).ip(family), {},
          Table::kSnatMark);
      add(Table::kL3DecTtl, kPriorityNormal, Match().ip(family), {DecTtl{}}, Table::kSnatMark);
    }
  }

  void translate_source() {
    for (const Family family : families_) {
      const auto address = *gateway_address(family);
      const auto zone = ct_zone(family);
      const auto snat_zone = snat_ct_zone(family);
      const auto fresh = [&](PktSource source) {
        return from(source).ip(family).ct_state("+new+trk");
      };
      const auto add_service = [&](Table table, std::uint16_t priority, Match match, Ct action) {
        add(table, priority, std::move(match), {std::move(action)}, {}, CookieCategory::kService);
      };

      Match back_to_gateway = fresh(PktSource::kGateway);
      match_reg(back_to_gateway, reg::kPktDestination, PktDestination::kGateway);
      add_service(Table::kSnatMark, kPriorityNormal, back_to_gateway,
                  commit(zone, Table::kSnat, {mark(kMarkConnSnat | kMarkHairpin), copy_source()}));
      Match to_other_node = fresh(PktSource::kGateway);
      match_reg(to_other_node, reg::kPktDestination, PktDestination::kTunnel);
      match_reg(to_other_node, reg::kToExternalAddress, 1);
      if (config_.dsr) match_reg(to_other_node, reg::kDsrService, 0);
      add_service(Table::kSnatMark, kPriorityNormal, to_other_node,
                  commit(zone, Table::kSnat, {mark(kMarkConnSnat), copy_source()}));

      const auto hairpin = mark(kMarkService | kMarkConnSnat | kMarkHairpin);
      add_service(Table::kSnat, kPriorityNormal,
                  fresh(PktSource::kGateway).ct_mark(kMarkHairpin, kMarkHairpin),
                  commit(snat_zone, Table::kL2ForwardingCalc,
                         {nat_src(service_virtual_ip(family)), hairpin}));
      add_service(Table::kSnat, kPriorityNormal,
                  fresh(PktSource::kLocalPod).ct_mark(kMarkHairpin, kMarkHairpin),
                  commit(snat_zone, Table::kL2ForwardingCalc, {nat_src(address), hairpin}));
      add_service(Table::kSnat, kPriorityLow,
                  fresh(PktSource::kGateway).ct_mark(kMarkConnSnat, kMarkConnSnat),
                  commit(snat_zone, Table::kL2ForwardingCalc,
                         {nat_src(address), mark(kMarkService | kMarkConnSnat)}));
      add_service(
          Table::kSnat, kPriorityNormal,
          Match().ip(family).ct_state("-new-rpl+trk").ct_mark(kMarkConnSnat, kMarkConnSnat),
          Ct{.zone = snat_zone, .table = table_id(Table::kL2ForwardingCalc), .actions = {Nat{}}});
    }
  }

  void deliver() {
    const auto to_port = [&](const MacAddress& mac, std::uint32_t port) {
      add(Table::kL2ForwardingCalc, kPriorityNormal, Match().eth_dst(mac),
          {load(reg::kTargetOfPort, port), load(reg::kOutputAction, OutputAction::kToPort)},
          Table::kIngressSecurityClassifier);
    };
    to_port(config_.gateway_mac, config_.gateway_ofport);
    to_port(MacAddress::from_bits(kGlobalVirtualMac), config_.tunnel_ofport);

    add(Table::kIngressSecurityClassifier, kPriorityHigh,
        from(PktSource::kGateway)
            .ct_state("-rpl+trk")
            .pkt_mark(kHostLocalSourceMark, kHostLocalSourceMark),
        {}, Table::kConntrackCommit);
    // The port too: a Pod may have addressed the frame to another Pod.
    for (const auto& [destination, port] :
         {std::pair(PktDestination::kGateway, config_.gateway_ofport),
          std::pair(PktDestination::kTunnel, config_.tunnel_ofport)}) {
      Match leaving;
      match_reg(leaving, reg::kPktDestination, destination);
      match_reg(leaving, reg::kTargetOfPort, port);
      add(Table::kIngressSecurityClassifier, kPriorityNormal, std::move(leaving), {},
          Table::kIngressMetric);
    }
    add(Table::kIngressSecurityClassifier, kPriorityNormal,
        Match().ct_mark(kMarkHairpin, kMarkHairpin), {}, Table::kConntrackCommit,
        CookieCategory::kService);
    // Policies may be applied to NodePorts: here, wherever the endpoint is.
    if (config_.proxy_all) {
      Match to_node_port;
      match_reg(to_node_port, reg::kToNodePortAddress, 1);
      add(Table::kIngressSecurityClassifier, kPriorityNormal + 1, std::move(to_node_port), {},
          Table::kAntreaPolicyIngressRule, CookieCategory::kService);
    }

    Match decided;
    match_reg(decided, reg::kOutputAction, OutputAction::kToPort);
    add(Table::kOutput, kPriorityNormal, decided, {output_reg(reg::kTargetOfPort.reg)});
    add(Table::kOutput, kPriorityHigh, Match(decided).ct_mark(kMarkHairpin, kMarkHairpin),
        {output_in_port()}, {}, CookieCategory::kService);
  }

  static Ct commit(std::uint16_t zone, Table next, Actions actions) {
    return Ct{.commit = true, .zone = zone, .table = table_id(next), .actions = std::move(actions)};
  }
  static SetField mark(std::uint32_t bits) { return set_field(FieldId::kCtMark, bits, bits); }
  static Move copy_source() {
    return {subfield(reg::kPktSource), Subfield(FieldId::kCtMark, 0, 4)};
  }
  bool has(Family family) const { return std::ranges::find(families_, family) != families_.end(); }

  const NodeConfig& config_;
  std::vector<Family> families_;
  std::vector<Flow> flows_;
};

}  // namespace

std::vector<Family> families_of(const NodeConfig& config) {
  std::vector<Family> families;
  for (const auto& cidr : config.pod_cidrs) families.push_back(cidr.family());
  return families;
}

std::vector<Flow> static_flows(const NodeConfig& config) { return Builder(config).build(); }

}  // namespace antrea::node
