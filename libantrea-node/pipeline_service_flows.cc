// What the pipeline does for Services. Which endpoints they lead to is said by the proxy's own
// flows, in ServiceLB and EndpointDNAT; without the proxy kube-proxy says it, on the host.
#include "antrea/api/pipeline_connection.h"
#include "pipeline_flows.h"

namespace antrea::node {

using namespace openflow;
using namespace api::pipeline;

namespace {

SetField mark_connection(std::uint32_t bits) { return set_field(FieldId::kCtMark, bits, bits); }

class ServiceBuilder {
 public:
  explicit ServiceBuilder(const NodeConfig& config)
      : config_(config), families_(families_of(config)) {}

  std::vector<Flow> build() {
    if (config_.proxy) {
      misses();
      track();
      look_up();
      translate_source();
      deliver();
    } else {
      leave_to_the_host();
    }
    return std::move(flows_);
  }

 private:
  void add(Table table, std::uint16_t priority, Match match, Actions actions,
           std::optional<Table> next = {}, CookieCategory category = CookieCategory::kService) {
    flows_.push_back(
        make_flow(table, priority, std::move(match), std::move(actions), next, category));
  }
  void miss(Table table, std::optional<Table> next) {
    add(table, kPriorityMiss, {}, {}, next, CookieCategory::kDefault);
  }
  Actions to_gateway() const {
    return {set_field(FieldId::kEthDst, config_.gateway_mac),
            load(reg::kPktDestination, PktDestination::kGateway)};
  }
  IpAddress gateway_address(Family family) const {
    const auto& cidrs = config_.pod_cidrs;
    return gateway_ip(cidrs.front().family() == family ? cidrs.front() : cidrs.back());
  }

  // First packets leave unjudged: policies know endpoints, not Services. They come back with an
  // endpoint's address, unless that is the host's or beyond it. Those that follow are known, and
  // must not be taken for traffic out of the cluster.
  void leave_to_the_host() {
    miss(Table::kDnat, Table::kAntreaPolicyEgressRule);
    for (const auto& cidr : config_.service_cidrs) {
      Actions leave = to_gateway();
      leave.emplace_back(load(reg::kTargetOfPort, config_.gateway_ofport));
      leave.emplace_back(load(reg::kOutputAction, OutputAction::kToPort));
      add(Table::kDnat, kPriorityNormal, Match().ip_dst(cidr), std::move(leave),
          Table::kConntrackCommit);
      add(Table::kL3Forwarding, kPriorityNormal, Match().ip_dst(cidr), to_gateway(),
          Table::kL2ForwardingCalc);
    }
  }

  void misses() {
    miss(Table::kUnSnat, Table::kConntrackZone);
    miss(Table::kPreRoutingClassifier, Table::kSessionAffinity);
    // Reached by a resubmission that comes back: no table follows.
    add(Table::kSessionAffinity, kPriorityMiss, {},
        {load(reg::kServiceEpState, EpState::kToSelect)});
    if (config_.proxy_all) miss(Table::kNodePortMark, {});
    if (config_.dsr) miss(Table::kDsrServiceMark, Table::kEndpointDnat);
    miss(Table::kServiceLb, config_.dsr ? Table::kDsrServiceMark : Table::kEndpointDnat);
    miss(Table::kEndpointDnat, Table::kAntreaPolicyEgressRule);
    miss(Table::kSnatMark, Table::kSnat);
    miss(Table::kSnat, Table::kL2ForwardingCalc);
  }

  void track() {
    for (const Family family : families_)
      for (const auto& address : {service_virtual_ip(family), gateway_address(family)})
        add(Table::kUnSnat, kPriorityNormal, Match().ip_dst(address),
            {Ct{.zone = snat_ct_zone(family),
                .table = table_id(Table::kConntrackZone),
                .actions = {Nat{}}}});
    add(Table::kConntrackState, kPriorityLow,
        Match().ct_state("-new+trk").ct_mark(kMarkService, kMarkService),
        {load(reg::kRewriteMac, 1)}, Table::kAntreaPolicyEgressRule,
        CookieCategory::kPodConnectivity);
    // To a Service, but not let in so far: policies have to know by what it came, as at first.
    add(Table::kConntrackState, kPriorityLow,
        Match().ct_state("+new+trk").ct_mark(kMarkService, kMarkService),
        {load(reg::kRewriteMac, 1), load(reg::kServiceEpState, EpState::kSelected),
         Move{Subfield(FieldId::kCtLabel, kCtLabelServiceOffset, 32),
              subfield(reg::kServiceGroupId)},
         Move{Subfield(FieldId::kCtMark, api::pipeline::ct_mark::kByNodePort.offset,
                       api::pipeline::ct_mark::kByNodePort.bits),
              subfield(reg::kToNodePortAddress)}},
        Table::kAntreaPolicyEgressRule, CookieCategory::kPodConnectivity);
    if (!config_.dsr) return;
    // Of a connection that is answered directly only one direction passes here: its packets look
    // invalid to one datapath and established to another, and are led by what was learned.
    for (Match one_way : {Match().ct_state("+inv+trk"),
                          Match().ct_state("-new-rpl+trk").ct_mark(0, kMarkService)}) {
      match_reg(one_way, reg::kFromExternal, 1);
      add(Table::kConntrackState, kPriorityHigh, std::move(one_way), {},
          Table::kPreRoutingClassifier);
    }
  }

  void look_up() {
    Actions look_up;
    if (config_.proxy_all) look_up.emplace_back(resubmit(table_id(Table::kNodePortMark)));
    look_up.emplace_back(resubmit(table_id(Table::kSessionAffinity)));
    look_up.emplace_back(resubmit(table_id(Table::kServiceLb)));
    for (const Family family : families_)
      add(Table::kPreRoutingClassifier, kPriorityNormal, Match().ip(family), look_up);
    // An endpoint outside the cluster.
    Match outside = sent_by(PktSource::kGateway);
    match_reg(outside, reg::kRewriteMac, 1).ct_mark(kMarkService, kMarkService);
    add(Table::kL3Forwarding, kPriorityLow, std::move(outside), to_gateway(), Table::kL3DecTtl);
  }

  void translate_source() {
    for (const Family family : families_) {
      const auto address = gateway_address(family);
      const auto zone = ct_zone(family);
      const auto snat_zone = snat_ct_zone(family);
      const auto fresh = [&](PktSource source) {
        return sent_by(source).ip(family).ct_state("+new+trk");
      };

      Match back_to_gateway = fresh(PktSource::kGateway);
      match_reg(back_to_gateway, reg::kPktDestination, PktDestination::kGateway);
      add(Table::kSnatMark, kPriorityNormal, std::move(back_to_gateway),
          {commit_to(zone, Table::kSnat,
                     {mark_connection(kMarkConnSnat | kMarkHairpin), copy_source()})});
      Match to_other_node = fresh(PktSource::kGateway);
      match_reg(to_other_node, reg::kPktDestination, PktDestination::kTunnel);
      match_reg(to_other_node, reg::kToExternalAddress, 1);
      if (config_.dsr) match_reg(to_other_node, reg::kDsrService, 0);
      add(Table::kSnatMark, kPriorityNormal, std::move(to_other_node),
          {commit_to(zone, Table::kSnat, {mark_connection(kMarkConnSnat), copy_source()})});

      const auto hairpin = mark_connection(kMarkService | kMarkConnSnat | kMarkHairpin);
      add(Table::kSnat, kPriorityNormal,
          fresh(PktSource::kGateway).ct_mark(kMarkHairpin, kMarkHairpin),
          {commit_to(snat_zone, Table::kL2ForwardingCalc,
                     {nat_src(service_virtual_ip(family)), hairpin})});
      add(Table::kSnat, kPriorityNormal,
          fresh(PktSource::kLocalPod).ct_mark(kMarkHairpin, kMarkHairpin),
          {commit_to(snat_zone, Table::kL2ForwardingCalc, {nat_src(address), hairpin})});
      add(Table::kSnat, kPriorityLow,
          fresh(PktSource::kGateway).ct_mark(kMarkConnSnat, kMarkConnSnat),
          {commit_to(snat_zone, Table::kL2ForwardingCalc,
                     {nat_src(address), mark_connection(kMarkService | kMarkConnSnat)})});
      add(Table::kSnat, kPriorityNormal,
          Match().ip(family).ct_state("-new-rpl+trk").ct_mark(kMarkConnSnat, kMarkConnSnat),
          {Ct{.zone = snat_zone, .table = table_id(Table::kL2ForwardingCalc), .actions = {Nat{}}}});
    }
  }

  void deliver() {
    add(Table::kIngressSecurityClassifier, kPriorityNormal,
        Match().ct_mark(kMarkHairpin, kMarkHairpin), {}, Table::kConntrackCommit);
    // Policies may be applied to NodePorts: here, wherever the endpoint is.
    if (config_.proxy_all) {
      Match to_node_port;
      match_reg(to_node_port, reg::kToNodePortAddress, 1);
      add(Table::kIngressSecurityClassifier, kPriorityNormal + 1, std::move(to_node_port), {},
          Table::kAntreaPolicyIngressRule);
    }
    Match back;
    match_reg(back, reg::kOutputAction, OutputAction::kToPort).ct_mark(kMarkHairpin, kMarkHairpin);
    add(Table::kOutput, kPriorityHigh, std::move(back), {output_in_port()});
  }

  const NodeConfig& config_;
  std::vector<Family> families_;
  std::vector<Flow> flows_;
};

}  // namespace

std::vector<Flow> service_flows(const NodeConfig& config) { return ServiceBuilder(config).build(); }

}  // namespace antrea::node
