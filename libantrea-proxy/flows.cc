#include "flows.h"

#include <array>

#include "antrea/api/pipeline_connection.h"
#include "antrea/base/hash.h"
#include "flow_parts.h"

namespace antrea::proxy {

using namespace openflow;
using namespace api::pipeline;
using api::Protocol;

namespace {

constexpr std::uint32_t kMarkService = 0x10;
// Between the flows that choose and the one that learns.
constexpr std::uint16_t kPriorityRefuseSource = 195;
// Answers do not pass here, so that only time tells when a connection has ended: one lost
// keep-alive of TCP and a little more.
constexpr std::uint16_t kDsrIdleTimeout = 160, kDsrFinTimeout = 5;

Match to_frontend(const Frontend& frontend, EpState state) {
  Match match;
  if (frontend.ip == node_port_ip(frontend.ip.family()))
    match_reg(match.ip(frontend.ip.family()), reg::kToNodePortAddress, 1);
  else
    match.ip_dst(frontend.ip);
  match.ip_proto(static_cast<std::uint8_t>(frontend.protocol))
      .set(port_field(frontend.protocol), frontend.port);
  return match_reg(match, reg::kServiceEpState, state);
}

Actions to_group_of(GroupId group, const FrontendFlows& flows) {
  Actions actions;
  actions.reserve(5);
  actions.emplace_back(load_reg(reg::kRewriteMac, 1));
  actions.emplace_back(load_reg(
      reg::kServiceEpState, flows.affinity_timeout != 0 ? EpState::kToLearn : EpState::kSelected));
  if (flows.external) actions.emplace_back(load_reg(reg::kToExternalAddress, 1));
  actions.emplace_back(load_reg(reg::kServiceGroupId, group.value));
  actions.emplace_back(GroupAction{group});
  return actions;
}

// Who a learned flow is about, a client or one connection of his, and which endpoint it remembers.
std::vector<LearnSpec> remember(const Frontend& frontend, bool client_port, EpState state) {
  const bool v4 = frontend.ip.is_v4();
  const auto same = [](FieldId field) {
    return LearnSpec::match_field(Subfield(field), Subfield(field));
  };
  const auto keep = [](const Subfield& field) { return LearnSpec::load_field(field, field); };
  std::vector<LearnSpec> specs{
      LearnSpec::match_value(Subfield(FieldId::kEthType), v4 ? eth_type::kIpv4 : eth_type::kIpv6),
      LearnSpec::match_value(Subfield(FieldId::kIpProto),
                             static_cast<std::uint8_t>(frontend.protocol)),
      same(v4 ? FieldId::kIpSrc : FieldId::kIpv6Src),
      same(v4 ? FieldId::kIpDst : FieldId::kIpv6Dst), same(port_field(frontend.protocol))};
  if (client_port) specs.push_back(same(source_port_field(frontend.protocol)));
  specs.push_back(keep(Subfield(endpoint_field(frontend.ip.family()))));
  specs.push_back(keep(subfield(reg::kEndpointPort)));
  specs.push_back(
      LearnSpec::load_value(subfield(reg::kServiceEpState), static_cast<std::uint64_t>(state)));
  specs.push_back(LearnSpec::load_value(subfield(reg::kRewriteMac), 1));
  return specs;
}

// Whoever goes takes what was learned under the same cookie along, unless another flow learns under
// it. So each address and port has its own, another one for each group and each timeout, 0 for
// connections: nobody is led to what is not served any more, nor remembered for as long as the
// Service said once. A cookie has room for 40 bits of all that. Those of one group differ for
// certain where the timeouts do.
std::uint64_t learned_cookie(const Frontend& frontend, std::uint32_t group, std::uint16_t timeout) {
  const std::string at = frontend.ip.to_string() + " " + std::to_string(frontend.port) + " " +
                         std::to_string(static_cast<unsigned>(frontend.protocol));
  const std::uint64_t bits = stable_hash(at, group) & 0xff'ffffffff;
  return cookie(CookieCategory::kService) | (bits ^ std::uint64_t{timeout} << 24);
}

// Remembers the endpoint that was chosen for this client.
Learn learn_endpoint(const Frontend& frontend, const FrontendFlows& flows) {
  Learn learn;
  learn.table = table_id(Table::kSessionAffinity);
  learn.priority = kPriorityNormal;
  learn.hard_timeout = flows.affinity_timeout;
  learn.cookie = learned_cookie(frontend, flows.group, flows.affinity_timeout);
  learn.delete_learned = true;
  learn.specs = remember(frontend, false, EpState::kRemembered);
  // Policies tell Services by it when the client comes again, and it has the endpoint, or not.
  learn.specs.push_back(
      LearnSpec::load_field(subfield(reg::kServiceGroupId), subfield(reg::kServiceGroupId)));
  if (flows.external)
    learn.specs.push_back(LearnSpec::load_value(subfield(reg::kToExternalAddress), 1));
  if (flows.dsr)
    learn.specs.push_back(
        LearnSpec::load_field(subfield(reg::kRemoteEndpoint), subfield(reg::kRemoteEndpoint)));
  return learn;
}

// Keeps one connection's packets, which are all new here, at one endpoint; of UDP while that serves
// and the Service has the address, as with those that are translated.
Flow dsr_flow(const Frontend& frontend, const FrontendFlows& flows) {
  const bool udp = frontend.protocol == Protocol::kUdp;
  Learn learn;
  learn.table = table_id(Table::kSessionAffinity);
  learn.priority = kPriorityHigh;
  learn.idle_timeout = kDsrIdleTimeout;
  learn.fin_idle_timeout = frontend.protocol == Protocol::kTcp ? kDsrFinTimeout : 0;
  learn.cookie = udp ? learned_cookie(frontend, flows.group, 0)
                     : cookie(CookieCategory::kService, flows.group);
  learn.delete_learned = true;
  learn.specs = remember(frontend, true, udp ? EpState::kKept : EpState::kSelected);
  learn.specs.push_back(
      LearnSpec::load_field(subfield(reg::kServiceGroupId), subfield(reg::kServiceGroupId)));
  learn.specs.push_back(LearnSpec::load_value(subfield(reg::kToExternalAddress), 1));
  learn.specs.push_back(LearnSpec::load_value(subfield(reg::kDsrService), 1));
  Match match = to_frontend(frontend, EpState::kSelected);
  match_reg(match, reg::kFromExternal, 1);
  match_reg(match, reg::kRemoteEndpoint, 1);
  match_reg(match, reg::kDsrService, 0);
  Actions actions;
  actions.emplace_back(std::move(learn));
  actions.emplace_back(load_reg(reg::kDsrService, 1));
  Flow flow = make_flow(Table::kDsrServiceMark, kPriorityNormal, std::move(match),
                        std::move(actions), flows.group);
  flow.goto_table = table_id(Table::kEndpointDnat);
  return flow;
}

// One match, or one for each of those who may.
std::vector<Match> from_sources(const Match& match, const FrontendFlows& flows) {
  std::vector<Match> all;
  if (flows.sources.empty()) all.push_back(match);
  for (const auto& source : flows.sources) all.push_back(Match(match).ip_src(source));
  if (flows.host_allowed) {
    all.push_back(match);
    match_reg(all.back(), reg::kFromLocal, 1);
    match_reg(all.back(), reg::kPktSource, PktSource::kGateway);
  }
  return all;
}

// What all endpoints' flows of a family and protocol have in common: each is a copy, with the
// endpoint filled in.
Flow make_endpoint_flow(Family family, Protocol protocol) {
  Match match = Match().ip(family).ip_proto(static_cast<std::uint8_t>(protocol));
  match_reg(match, reg::kEpUnion, 1);
  match.set(endpoint_field(family), FieldValue(1, 1));
  Ct translate;
  translate.commit = true;
  translate.zone = family == Family::kIPv4 ? kCtZone : kCtZoneV6;
  translate.table = table_id(Table::kAntreaPolicyEgressRule);
  // What it was sent to stays with the connection: its first packet may come again.
  translate.actions = {
      Nat(), set_field(FieldId::kCtMark, kMarkService, kMarkService),
      Move{subfield(reg::kServiceGroupId), Subfield(FieldId::kCtLabel, kCtLabelServiceOffset, 32)},
      Move{subfield(reg::kToNodePortAddress),
           Subfield(FieldId::kCtMark, ct_mark::kByNodePort.offset, ct_mark::kByNodePort.bits)}};
  return make_flow(Table::kEndpointDnat, kPriorityNormal, std::move(match), {std::move(translate)});
}

const Flow& endpoint_prototype(Family family, Protocol protocol) {
  const auto of_family = [](Family of) {
    return std::array{make_endpoint_flow(of, Protocol::kTcp),
                      make_endpoint_flow(of, Protocol::kUdp),
                      make_endpoint_flow(of, Protocol::kSctp)};
  };
  static const std::array kPrototypes{of_family(Family::kIPv4), of_family(Family::kIPv6)};
  const std::size_t column = protocol == Protocol::kTcp ? 0 : protocol == Protocol::kUdp ? 1 : 2;
  return kPrototypes[family == Family::kIPv4 ? 0 : 1][column];
}

std::uint32_t endpoint_union(EpState state, const Backend& backend) {
  return static_cast<std::uint32_t>(state) << 16 | backend.port;
}

void match_endpoint(Match& match, EpState state, const Backend& backend) {
  match_reg(match, reg::kEpUnion, endpoint_union(state, backend));
  match.set(endpoint_field(backend.ip.family()), backend.ip);
}

Match match_member(const Member& member) {
  const auto& [backend, protocol] = member.endpoint;
  Match match = Match().ip(backend.ip.family()).ip_proto(static_cast<std::uint8_t>(protocol));
  match_endpoint(match, member.state, backend);
  return match_reg(std::move(match), reg::kServiceGroupId, member.group.value);
}

Table behind_service_lb(const FrontendFlows& flows) {
  return flows.dsr ? Table::kDsrServiceMark : Table::kEndpointDnat;
}

// Whoever may not is refused, also where an endpoint is remembered from when he might.
void add_refusals(const Frontend& frontend, const FrontendFlows& flows, std::vector<Flow>& out) {
  if (flows.sources.empty()) return;
  out.push_back(make_flow(Table::kServiceLb, kPriorityRefuseSource,
                          to_frontend(frontend, EpState::kToSelect), {}));
  if (flows.affinity_timeout == 0 && !flows.dsr) return;
  const Match remembered = to_frontend(frontend, EpState::kSelected);
  for (auto& match : from_sources(remembered, flows)) {
    out.push_back(make_flow(Table::kServiceLb, kPriorityNormal, std::move(match), {}));
    out.back().goto_table = table_id(behind_service_lb(flows));
  }
  Match refused = remembered;
  if (flows.dsr) {  // the other Node has let it in
    out.push_back(make_flow(Table::kServiceLb, kPriorityHigh,
                            match_reg(Match(remembered), reg::kPktSource, PktSource::kTunnel), {}));
    out.back().goto_table = table_id(behind_service_lb(flows));
  }
  out.push_back(make_flow(Table::kServiceLb, kPriorityRefuseSource, std::move(refused), {}));
}

}  // namespace

void append_frontend_flows(const Frontend& frontend, const FrontendFlows& flows,
                           std::vector<Flow>& out) {
  Match match = to_frontend(frontend, EpState::kToSelect);
  const auto choose = [&](std::uint16_t priority, Match each, std::uint32_t group) {
    out.push_back(make_flow(Table::kServiceLb, priority, std::move(each),
                            to_group_of(GroupId{group}, flows)));
  };
  for (auto& each : from_sources(match, flows))
    choose(kPriorityNormal, std::move(each), flows.group);
  if (flows.local_clients_group != kNoGroup)
    for (auto& each : from_sources(match, flows))
      choose(kPriorityHigh, std::move(match_reg(each, reg::kFromLocal, 1)),
             flows.local_clients_group);
  if (flows.from_tunnel_group != kNoGroup)
    choose(kPriorityHigh, match_reg(Match(match), reg::kPktSource, PktSource::kTunnel),
           flows.from_tunnel_group);
  if (flows.affinity_timeout != 0) {
    Actions learn;
    learn.reserve(2);
    learn.emplace_back(learn_endpoint(frontend, flows));
    learn.emplace_back(load_reg(reg::kServiceEpState, EpState::kSelected));
    out.push_back(make_flow(Table::kServiceLb, kPriorityLow,
                            to_frontend(frontend, EpState::kToLearn), std::move(learn),
                            flows.group));
    out.back().goto_table = table_id(behind_service_lb(flows));
  }
  if (flows.dsr) out.push_back(dsr_flow(frontend, flows));
  add_refusals(frontend, flows, out);
}

FlowKey to_flow_key(const Endpoint& endpoint) {
  const auto& [backend, protocol] = endpoint;
  FlowKey key = endpoint_prototype(backend.ip.family(), protocol).key();
  match_endpoint(key.match, EpState::kSelected, backend);
  return key;
}

Flow to_flow(const Endpoint& endpoint) {
  const auto& [backend, protocol] = endpoint;
  Flow flow = endpoint_prototype(backend.ip.family(), protocol);
  match_endpoint(flow.match, EpState::kSelected, backend);
  auto& translate = std::get<Ct>(flow.apply_actions.front());
  std::get<Nat>(translate.actions.front()) = nat_dst(backend.ip, backend.port);
  return flow;
}

FlowKey to_flow_key(const Member& member) {
  return make_flow(Table::kServiceLb, kPriorityNormal, match_member(member), {}).key();
}

// That the source port is read, only to be written over, makes the datapath ask for each connection
// as it does where an endpoint is chosen (groups.cc): who is remembered must not be led by a cached
// flow to an endpoint that has left.
Flow to_flow(const Member& member) {
  const auto& [backend, protocol] = member.endpoint;
  return make_flow(Table::kServiceLb, kPriorityNormal, match_member(member),
                   {Move{Subfield(source_port_field(protocol)), subfield(reg::kEndpointPort)},
                    load_reg(reg::kEpUnion, endpoint_union(EpState::kSelected, backend)),
                    resubmit(table_id(Table::kServiceLb))},
                   member.group.value);
}

Flow node_port_flow(const IpAddress& address) {
  return make_flow(Table::kNodePortMark, kPriorityNormal, Match().ip_dst(address),
                   {load_reg(reg::kToNodePortAddress, 1)});
}

std::vector<Flow> common_flows(const BalancerConfig& config) {
  Controller refuse;
  refuse.userdata = {static_cast<std::uint8_t>(PacketInCategory::kServiceReject)};
  Match no_endpoint;
  match_reg(no_endpoint, reg::kSvcNoEp, 1);
  // What is remembered for a client, or one connection of his, may be gone: choose again, without
  // its port, or who is to be refused then would be led to it where others have it.
  const auto choose_again = [&](Table table, EpState state) {
    Match stale;
    match_reg(stale, reg::kServiceEpState, state);
    Actions actions{load_reg(reg::kEpUnion, endpoint_union(EpState::kToSelect, {}))};
    if (config.dsr) actions.emplace_back(load_reg(reg::kDsrService, 0));
    actions.emplace_back(resubmit(table_id(Table::kServiceLb)));
    return make_flow(table, kPriorityLow, std::move(stale), std::move(actions));
  };
  std::vector<Flow> flows{
      make_flow(Table::kEndpointDnat, kPriorityNormal, std::move(no_endpoint), {std::move(refuse)}),
      choose_again(Table::kEndpointDnat, EpState::kSelected),
      choose_again(Table::kServiceLb, EpState::kRemembered)};
  if (config.proxy_all)
    for (const Family family : {Family::kIPv4, Family::kIPv6})
      flows.push_back(node_port_flow(node_port_ip(family)));
  if (!config.dsr) return flows;

  // Only connections that go on unchanged may look invalid.
  flows.push_back(choose_again(Table::kServiceLb, EpState::kKept));
  Match invalid = Match().ct_state("+inv+trk");
  match_reg(invalid, reg::kDsrService, 0);
  flows.push_back(make_flow(Table::kDsrServiceMark, kPriorityLow, std::move(invalid), {}));
  Match unchanged = Match().ip(Family::kIPv4);
  match_reg(unchanged, reg::kDsrService, 1);
  flows.push_back(make_flow(
      Table::kEndpointDnat, kPriorityHigh, std::move(unchanged),
      {Ct{.commit = true, .zone = kCtZone, .table = table_id(Table::kAntreaPolicyEgressRule)}}));
  return flows;
}

}  // namespace antrea::proxy
