#include "rule_flows.h"

#include <algorithm>

#include "antrea/api/antrea_policy.h"

namespace antrea::policy {
namespace {

namespace cp = api::controlplane;
namespace pipeline = api::pipeline;
using Kind = FlowSpec::Kind;
using pipeline::Table;

constexpr Program kConjoin{Program::Kind::kConjoin};

/// What is done where the conjunction decides.
Program decision_of(const RuleIdentity& identity) {
  Program program{.log = identity.enable_logging};
  switch (*identity.action) {
    case cp::RuleAction::kAllow:
      program.kind = Program::Kind::kAllow;
      break;
    case cp::RuleAction::kReject:
      program.reject = true;
      [[fallthrough]];
    case cp::RuleAction::kDrop:
      program.kind = Program::Kind::kDeny;
      break;
    case cp::RuleAction::kPass:
      program.kind = Program::Kind::kPass;
      break;
  }
  return program;
}

}  // namespace

Table table_of(const RuleIdentity& identity) {
  const Stage& stage = stage_of(identity.direction);
  if (!identity.tier_priority) return stage.rules;
  return *identity.tier_priority >= api::crd::kBaselineTierPriority ? stage.defaults : stage.antrea;
}

RuleFlows::RuleFlows(const FlowCompiler::Options& options) {
  if (options.ipv4) families_.push_back(Family::kIPv4);
  if (options.ipv6) families_.push_back(Family::kIPv6);
}

bool RuleFlows::serves(Family family) const {
  return std::ranges::find(families_, family) != families_.end();
}

/// A Pod is told by its port where packets go to it, by its addresses where they come from it.
void RuleFlows::append_target(const RuleRecord& rule, const PodInterface& target, Table table,
                              std::uint16_t priority, const Program& program, Asked& out) const {
  if (rule.identity->direction == cp::Direction::kIn) {
    out.push_back({FlowSpec::number(table, priority, Kind::kOutPort, target.ofport), program});
    return;
  }
  for (const IpAddress& ip : target.ips)
    if (serves(ip.family()))
      out.push_back(
          {FlowSpec::address(table, priority, Kind::kSource, IpPrefix::host(ip)), program});
}

RuleFlows::ByPart RuleFlows::flows_of(const RuleRecord& rule, const Members& members) const {
  ByPart flows;
  for (const PodInterface& target : members.targets) {
    if (rule.identity->isolates())
      append_target(rule, target, stage_of(rule.identity->direction).defaults,
                    pipeline::kPriorityNormal, {Program::Kind::kIsolate}, flows[kOthers]);
    if (rule.intercepts_dns)
      flows[kOthers].push_back(
          {FlowSpec::number(Table::kAntreaPolicyIngressRule, pipeline::kPriorityDnsIntercept,
                            Kind::kOutPort, target.ofport),
           {Program::Kind::kDnsTarget}});
  }
  if (rule.id == 0) return flows;

  const auto number = [&](Kind kind, std::uint32_t group) {
    return AskedFlow{FlowSpec::number(rule.table, rule.priority, kind, group), kConjoin};
  };
  const bool ingress = rule.identity->direction == cp::Direction::kIn;
  const Kind peer_kind = rule.at_node_ports ? Kind::kClient
                         : ingress          ? Kind::kSource
                                            : Kind::kDestination;
  flows[kTargets].reserve(members.targets.size() + members.target_services.size());
  for (const PodInterface& target : members.targets)
    append_target(rule, target, rule.table, rule.priority, kConjoin, flows[kTargets]);
  for (const std::uint32_t group : members.target_services)
    flows[kTargets].push_back(number(Kind::kNodePort, group));
  flows[kPeers].reserve(members.peers.size() + members.peer_services.size());
  for (const IpPrefix& peer : members.peers)
    if (serves(peer.family()))
      flows[kPeers].push_back(
          {FlowSpec::address(rule.table, rule.priority, peer_kind, peer), kConjoin});
  for (const std::uint32_t group : members.peer_services)
    flows[kPeers].push_back(number(Kind::kServiceGroup, group));
  for (const cp::Service& service : members.services)
    for (const Family family : families_)
      for (const FlowSpec& spec : service_specs(rule.table, rule.priority, family, service))
        flows[kServices].push_back({spec, kConjoin});
  return flows;
}

RuleFlows::Asked RuleFlows::outcomes_of(const RuleRecord& rule) const {
  Asked out;
  const Program program = decision_of(*rule.identity);
  const Table metrics = stage_of(rule.identity->direction).metrics;
  for (const Family family : families_) {
    FlowSpec decision =
        FlowSpec::by_id(rule.table, rule.deciding_priority(), Kind::kConjunction, family, rule.id);
    if (program.kind == Program::Kind::kAllow && rule.at_node_ports) {
      decision.detail = FlowSpec::kSourceTranslated;
      out.push_back({decision, {.kind = Program::Kind::kAllowAsIs, .log = program.log}});
      decision.detail = FlowSpec::kSourceKept;
    }
    out.push_back({decision, program});
    if (program.kind != Program::Kind::kAllow) continue;
    for (const Kind kind : {Kind::kAllowedNew, Kind::kAllowedRest})
      out.push_back({FlowSpec::by_id(metrics, pipeline::kPriorityNormal, kind, family, rule.id),
                     {Program::Kind::kCount}});
  }
  if (program.kind == Program::Kind::kDeny)
    out.push_back({FlowSpec::by_id(metrics, pipeline::kPriorityNormal, Kind::kDenied, {}, rule.id),
                   {Program::Kind::kCountDenied}});
  if (rule.intercepts_dns) append_interception(out);
  return out;
}

/// What holds the answers of DNS servers: the same flows for all rules that learn names.
void RuleFlows::append_interception(Asked& out) const {
  const Table table = Table::kAntreaPolicyIngressRule;
  for (const Family family : families_) {
    out.push_back({FlowSpec::by_id(table, pipeline::kPriorityDnsIntercept, Kind::kConjunction,
                                   family, pipeline::kDnsConjunctionId),
                   {Program::Kind::kInterceptDns}});
    for (const std::uint8_t protocol : {openflow::ip_proto::kUdp, openflow::ip_proto::kTcp}) {
      FlowSpec answer =
          FlowSpec::by_id(table, pipeline::kPriorityDnsIntercept, Kind::kDnsAnswer, family, 0);
      answer.detail = protocol;
      out.push_back({answer, {Program::Kind::kDnsAnswer}});
    }
  }
}

}  // namespace antrea::policy
