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

class Builder {
 public:
  explicit Builder(const NodeConfig& config) : config_(config), families_(families_of(config)) {}

  std::vector<Flow> build() {
    misses();
    root();
    arp();
    classify();
    track();
    route();
    deliver();
    for (auto& flow : service_flows(config_)) flows_.push_back(std::move(flow));
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
    if (has(Family::kIPv6)) miss(Table::kIpv6, tracking_table(config_));
    const auto chain = [&](std::initializer_list<Table> tables) {
      for (auto table = tables.begin(); table + 1 != tables.end(); ++table)
        miss(*table, *(table + 1));
    };
    chain({Table::kConntrackZone, Table::kConntrackState,
           config_.proxy ? Table::kPreRoutingClassifier : Table::kDnat});
    chain({Table::kAntreaPolicyEgressRule, Table::kEgressRule, Table::kEgressDefaultRule,
           Table::kEgressMetric, Table::kL3Forwarding});
    // The host routes what is left. It also counts the hop.
    add(Table::kL3Forwarding, kPriorityMiss, {},
        {load(reg::kPktDestination, PktDestination::kGateway)}, Table::kL2ForwardingCalc,
        CookieCategory::kDefault);
    miss(Table::kL3DecTtl, behind_l3());
    chain({Table::kL2ForwardingCalc, Table::kIngressSecurityClassifier,
           Table::kAntreaPolicyIngressRule, Table::kIngressRule, Table::kIngressDefaultRule,
           Table::kIngressMetric, Table::kConntrackCommit, Table::kOutput});
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
        {load(reg::kPktSource, PktSource::kTunnel), load(reg::kRewriteMac, 1)},
        tracking_table(config_));
    add(Table::kClassifier, kPriorityNormal, Match().in_port(gateway()),
        {load(reg::kPktSource, PktSource::kGateway), load(reg::kFromExternal, 1)},
        Table::kSpoofGuard);
    for (const Family family : families_) {
      const auto address = gateway_address(family);
      const auto after_guard = family == Family::kIPv4 ? tracking_table(config_) : Table::kIpv6;
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
    for (const Family family : families_)
      add(Table::kConntrackZone, kPriorityNormal, Match().ip(family),
          {Ct{.zone = ct_zone(family),
              .table = table_id(Table::kConntrackState),
              .actions = {Nat{}}}});
    add(Table::kConntrackState, kPriorityNormal, Match().ct_state("+inv+trk"), {});
    add(Table::kConntrackState, kPriorityLow, Match().ct_state("-new+trk").ct_mark(0, kMarkService),
        {}, Table::kAntreaPolicyEgressRule);
    for (const auto& [table, metric] :
         {std::pair(Table::kAntreaPolicyEgressRule, Table::kEgressMetric),
          std::pair(Table::kAntreaPolicyIngressRule, Table::kIngressMetric)})
      for (const char* state : {"-new+est", "-new+rel"})
        add(table, kPriorityTopAntreaPolicy, Match().ct_state(state), {}, metric,
            CookieCategory::kNetworkPolicy);
    for (const Family family : families_)
      add(Table::kConntrackCommit, kPriorityNormal,
          Match().ip(family).ct_state("+new+trk").ct_mark(0, kMarkConnSnat),
          {commit_to(ct_zone(family), Table::kOutput, {copy_source()})});
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
    for (const Family family : families_) {
      add(Table::kL3DecTtl, kPriorityHigh, sent_by(PktSource::kGateway).ip(family), {},
          behind_l3());
      add(Table::kL3DecTtl, kPriorityNormal, Match().ip(family), {DecTtl{}}, behind_l3());
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
        sent_by(PktSource::kGateway)
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
    Match decided;
    match_reg(decided, reg::kOutputAction, OutputAction::kToPort);
    add(Table::kOutput, kPriorityNormal, decided, {output_reg(reg::kTargetOfPort.reg)});
  }

  // Where a packet goes that has been routed.
  Table behind_l3() const { return config_.proxy ? Table::kSnatMark : Table::kL2ForwardingCalc; }
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
