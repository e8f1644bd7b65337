#include <algorithm>

#include "antrea/api/pipeline.h"
#include "antrea/base/hash.h"
#include "compile.h"

namespace antrea::proxy {

using namespace openflow;
using namespace api::pipeline;
using api::Protocol;

namespace {

constexpr std::uint16_t kBucketWeight = 100;
constexpr std::uint32_t kMarkService = 0x10;

TableId table_id(Table table) { return TableId{static_cast<std::uint8_t>(table)}; }
Subfield subfield(const RegField& field) {
  return {reg_field(field.reg), field.offset, field.bits};
}
SetField load_reg(const RegField& field, std::uint64_t value) {
  return load(subfield(field), value);
}
SetField load_state(EpState state) {
  return load_reg(reg::kServiceEpState, static_cast<std::uint64_t>(state));
}
Match& match_state(Match& match, EpState state) {
  const auto& field = reg::kServiceEpState;
  return match.set_reg(field.reg, field.offset, field.bits, static_cast<std::uint32_t>(state));
}

// Where the address of the chosen endpoint stands: reg3, or xxreg3 for IPv6.
FieldId endpoint_field(Family family) {
  return family == Family::kIPv4 ? reg_field(reg::kEndpointIp.reg) : xxreg_field(3);
}

FieldId port_field(Protocol protocol) {
  switch (protocol) {
    case Protocol::kTcp:
      return FieldId::kTcpDst;
    case Protocol::kUdp:
      return FieldId::kUdpDst;
    case Protocol::kSctp:
      return FieldId::kSctpDst;
  }
  return FieldId::kTcpDst;
}

Flow make_flow(Table table, std::uint16_t priority, Match match, Actions actions,
               std::uint32_t object = 0) {
  Flow flow;
  flow.table = table_id(table);
  flow.priority = priority;
  flow.cookie = cookie(CookieCategory::kService, object);
  flow.match = std::move(match);
  flow.apply_actions = std::move(actions);
  return flow;
}

Match to_frontend(const Frontend& frontend, EpState state) {
  Match match = Match()
                    .ip_dst(frontend.ip)
                    .ip_proto(static_cast<std::uint8_t>(frontend.protocol))
                    .set(port_field(frontend.protocol), frontend.port);
  match_state(match, state);
  return match;
}

// Remembers the endpoint that was chosen for this client.
Learn learn_endpoint(const Frontend& frontend, GroupId group, std::uint16_t timeout) {
  const bool v4 = frontend.ip.is_v4();
  const Subfield source(v4 ? FieldId::kIpSrc : FieldId::kIpv6Src);
  const Subfield destination(v4 ? FieldId::kIpDst : FieldId::kIpv6Dst);
  const Subfield port(port_field(frontend.protocol));
  const Subfield endpoint(endpoint_field(frontend.ip.family()));
  Learn learn;
  learn.table = table_id(Table::kSessionAffinity);
  learn.priority = kPriorityNormal;
  learn.hard_timeout = timeout;
  // Whoever goes takes what was learned under the same cookie along; so it is each group's own.
  learn.cookie = cookie(CookieCategory::kService, group.value);
  learn.delete_learned = true;
  learn.specs = {
      LearnSpec::match_value(Subfield(FieldId::kEthType), v4 ? eth_type::kIpv4 : eth_type::kIpv6),
      LearnSpec::match_value(Subfield(FieldId::kIpProto),
                             static_cast<std::uint8_t>(frontend.protocol)),
      LearnSpec::match_field(source, source),
      LearnSpec::match_field(destination, destination),
      LearnSpec::match_field(port, port),
      LearnSpec::load_field(endpoint, endpoint),
      LearnSpec::load_field(subfield(reg::kEndpointPort), subfield(reg::kEndpointPort)),
      LearnSpec::load_value(subfield(reg::kServiceEpState),
                            static_cast<std::uint64_t>(EpState::kSelected)),
      LearnSpec::load_value(subfield(reg::kRewriteMac), 1),
  };
  return learn;
}

}  // namespace

Group to_group(GroupId id, const GroupSpec& spec) {
  Group group;
  group.id = id;
  group.type = GroupType::kSelect;
  if (spec.backends.empty()) {
    Bucket refuse;
    refuse.weight = kBucketWeight;
    refuse.actions = {load_reg(reg::kSvcNoEp, 1), resubmit(table_id(Table::kEndpointDnat))};
    group.buckets.push_back(std::move(refuse));
    return group;
  }
  // A bucket is numbered after its endpoint, so that the others keep theirs when one comes or goes.
  std::vector<std::pair<std::uint32_t, const Backend*>> numbered;
  numbered.reserve(spec.backends.size());
  std::string name;
  for (const auto& backend : spec.backends) {
    const auto bytes = backend.ip.bytes();
    name.assign(bytes.begin(), bytes.end());
    name += static_cast<char>(backend.port >> 8);
    name += static_cast<char>(backend.port & 0xff);
    numbered.emplace_back(static_cast<std::uint32_t>(stable_hash(name)) >> 1, &backend);
  }
  std::ranges::sort(numbered, [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first < b.first : *a.second < *b.second;
  });
  for (std::size_t i = 1; i < numbered.size(); ++i)
    numbered[i].first = std::max(numbered[i].first, numbered[i - 1].first + 1);

  const auto next = table_id(spec.affinity ? Table::kServiceLb : Table::kEndpointDnat);
  group.buckets.reserve(numbered.size());
  for (const auto& [number, backend] : numbered) {
    Bucket bucket;
    bucket.id = number;
    bucket.weight = kBucketWeight;
    bucket.actions.reserve(3);
    bucket.actions.emplace_back(set_field(endpoint_field(spec.family), backend->ip));
    bucket.actions.emplace_back(load_reg(reg::kEndpointPort, backend->port));
    bucket.actions.emplace_back(resubmit(next));
    group.buckets.push_back(std::move(bucket));
  }
  return group;
}

std::vector<Flow> frontend_flows(const Frontend& frontend, GroupId group,
                                 std::uint16_t affinity_timeout) {
  const bool affinity = affinity_timeout != 0;
  std::vector<Flow> flows;
  flows.push_back(make_flow(
      Table::kServiceLb, kPriorityNormal, to_frontend(frontend, EpState::kToSelect),
      {load_reg(reg::kRewriteMac, 1), load_state(affinity ? EpState::kToLearn : EpState::kSelected),
       load_reg(reg::kServiceGroupId, group.value), GroupAction{group}}));
  if (affinity) {
    flows.push_back(make_flow(
        Table::kServiceLb, kPriorityLow, to_frontend(frontend, EpState::kToLearn),
        {learn_endpoint(frontend, group, affinity_timeout), load_state(EpState::kSelected)},
        group.value));
    flows.back().goto_table = table_id(Table::kEndpointDnat);
  }
  return flows;
}

FlowKey endpoint_flow_key(const Backend& backend, Protocol protocol) {
  Match match = Match().ip(backend.ip.family()).ip_proto(static_cast<std::uint8_t>(protocol));
  match.set_reg(reg::kEpUnion.reg, reg::kEpUnion.offset, reg::kEpUnion.bits,
                static_cast<std::uint32_t>(EpState::kSelected) << 16 | backend.port);
  match.set(endpoint_field(backend.ip.family()), backend.ip);
  return {table_id(Table::kEndpointDnat), kPriorityNormal, std::move(match)};
}

Flow endpoint_flow(const Backend& backend, Protocol protocol) {
  Ct translate;
  translate.commit = true;
  translate.zone = backend.ip.is_v4() ? kCtZone : kCtZoneV6;
  translate.table = table_id(Table::kAntreaPolicyEgressRule);
  translate.actions = {nat_dst(backend.ip, backend.port),
                       set_field(FieldId::kCtMark, kMarkService, kMarkService)};
  return make_flow(Table::kEndpointDnat, kPriorityNormal,
                   endpoint_flow_key(backend, protocol).match, {std::move(translate)});
}

std::vector<Flow> common_flows() {
  Controller refuse;
  refuse.userdata = {static_cast<std::uint8_t>(PacketInCategory::kServiceReject)};
  Match no_endpoint;
  no_endpoint.set_reg(reg::kSvcNoEp.reg, reg::kSvcNoEp.offset, reg::kSvcNoEp.bits, 1);
  // What a client's affinity remembers may be gone: choose again.
  Match stale;
  match_state(stale, EpState::kSelected);
  return {
      make_flow(Table::kEndpointDnat, kPriorityNormal, std::move(no_endpoint), {std::move(refuse)}),
      make_flow(Table::kEndpointDnat, kPriorityLow, std::move(stale),
                {load_state(EpState::kToSelect), resubmit(table_id(Table::kServiceLb))})};
}

}  // namespace antrea::proxy
