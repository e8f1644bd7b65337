#include "flow_walk.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "antrea/api/pipeline.h"

namespace antrea::policy {
namespace {

namespace cp = api::controlplane;
using api::pipeline::Table;
using openflow::FieldId;
using openflow::FieldValue;

constexpr std::array kEgress{Table::kAntreaPolicyEgressRule, Table::kEgressRule,
                             Table::kEgressDefaultRule, Table::kEgressMetric};
constexpr std::array kIngress{Table::kAntreaPolicyIngressRule, Table::kIngressRule,
                              Table::kIngressDefaultRule, Table::kIngressMetric};

class Walker {
 public:
  Walker(const SwitchFlows& flows, const WalkStart& start) : flows_(flows) {
    const Conversation& c = start.conversation;
    const bool v4 = c.from.ip.is_v4();
    set(FieldId::kEthType, v4 ? 0x800 : 0x86dd);
    set(v4 ? FieldId::kIpSrc : FieldId::kIpv6Src, c.from.ip);
    set(v4 ? FieldId::kIpDst : FieldId::kIpv6Dst, c.to.ip);
    const bool icmp = c.protocol == cp::ServiceProtocol::kIcmp;
    set(FieldId::kIpProto, icmp && !v4 ? 58 : static_cast<std::uint64_t>(c.protocol));
    const auto ports = [&](FieldId source, FieldId destination) {
      set(source, c.source_port);
      set(destination, c.port);
    };
    if (c.protocol == cp::ServiceProtocol::kTcp) ports(FieldId::kTcpSrc, FieldId::kTcpDst);
    if (c.protocol == cp::ServiceProtocol::kUdp) ports(FieldId::kUdpSrc, FieldId::kUdpDst);
    if (c.protocol == cp::ServiceProtocol::kSctp) ports(FieldId::kSctpSrc, FieldId::kSctpDst);
    if (icmp) {
      set(v4 ? FieldId::kIcmpType : FieldId::kIcmpv6Type, c.icmp_type);
      set(v4 ? FieldId::kIcmpCode : FieldId::kIcmpv6Code, c.icmp_code);
    }
    set(FieldId::kCtState, openflow::ct_state::kNew | openflow::ct_state::kTrk);
    set(FieldId::kCtLabel, 0);
    set(FieldId::kCtMark, 0);
    set(FieldId::kConjId, 0);
    set(openflow::reg_field(1), start.ofport);
    set(openflow::reg_field(7), start.service_group);
    set(v4 ? FieldId::kCtNwSrc : FieldId::kCtIpv6Src, c.from.ip);
    constexpr auto kMark = api::pipeline::reg::kToNodePortAddress;
    if (c.by_node_port) set(openflow::reg_field(kMark.reg), std::uint32_t{1} << kMark.offset);
  }

  WalkEnd run(std::span<const Table> tables) {
    WalkEnd end;
    auto at = tables.begin();
    while (at != tables.end()) {
      const auto table = static_cast<std::uint8_t>(*at);
      std::vector<const openflow::Flow*> met = look_up(table);
      if (met.empty()) {
        ++at;
        continue;
      }
      for (const openflow::Flow* flow : met) end.flows.push_back(*flow);
      const std::optional<std::uint8_t> next = execute(*met.back());
      if (!next) {
        end.dropped = true;
        return end;
      }
      if (*next <= table) return end;  // never: tables only lead on
      at = std::ranges::find(tables, static_cast<Table>(*next));
    }
    return end;
  }

 private:
  void set(FieldId id, const FieldValue& value) {
    if (openflow::is_in(id, FieldId::kReg0, FieldId::kReg15))
      registers_[number(id, FieldId::kReg0)] = static_cast<std::uint32_t>(value.lo);
    else
      fields_[id] = value;
  }
  static std::size_t number(FieldId id, FieldId first) {
    return static_cast<std::size_t>(id) - static_cast<std::size_t>(first);
  }
  /// Nothing for a field that the packet does not have.
  std::optional<FieldValue> get(FieldId id) const {
    if (openflow::is_in(id, FieldId::kReg0, FieldId::kReg15))
      return FieldValue(registers_[number(id, FieldId::kReg0)]);
    if (openflow::is_in(id, FieldId::kXreg0, FieldId::kXreg15)) {
      const std::size_t first = 2 * number(id, FieldId::kXreg0);
      if (first >= registers_.size()) return FieldValue();
      return FieldValue(std::uint64_t{registers_[first]} << 32 | registers_[first + 1]);
    }
    const auto found = fields_.find(id);
    return found == fields_.end() ? std::nullopt : std::optional(found->second);
  }
  bool matches(const openflow::Flow& flow) const {
    return std::ranges::all_of(flow.match.fields(), [&](const openflow::MatchField& field) {
      const auto value = get(field.id);
      return value && (*value & field.bits.mask) == field.bits.value;
    });
  }
  static bool is_clause(const openflow::Flow& flow) {
    return !flow.apply_actions.empty() &&
           std::holds_alternative<openflow::Conjunction>(flow.apply_actions.front());
  }

  /// The clauses, if it took any, and then the flow that is executed; nothing on a miss.
  std::vector<const openflow::Flow*> look_up(std::uint8_t table) {
    const auto first = flows_.lower_bound({openflow::TableId{table}, 0xffff, {}});
    const auto last = std::find_if(first, flows_.end(), [&](const auto& entry) {
      return entry.first.table != openflow::TableId{table};
    });
    for (auto from = first; from != last;) {
      const auto to = std::find_if(from, last, [&](const auto& entry) {
        return entry.first.priority != from->first.priority;
      });
      std::map<std::uint32_t, std::map<int, const openflow::Flow*>> clauses;
      std::map<std::uint32_t, std::size_t> wanted;
      for (auto it = from; it != to; ++it) {
        if (!matches(it->second)) continue;
        if (!is_clause(it->second)) return {&it->second};
        for (const auto& action : it->second.apply_actions)
          if (const auto* part = std::get_if<openflow::Conjunction>(&action)) {
            clauses[part->id][part->clause] = &it->second;
            wanted[part->id] = part->count;
          }
      }
      for (const auto& [id, met] : clauses) {
        if (met.size() < wanted[id]) continue;
        set(FieldId::kConjId, id);
        const auto outcome = std::find_if(first, last, [&](const auto& entry) {
          return !is_clause(entry.second) && matches(entry.second);
        });
        set(FieldId::kConjId, 0);
        if (outcome == last) continue;
        std::vector<const openflow::Flow*> all;
        for (const auto& [clause, flow] : met) all.push_back(flow);
        all.push_back(&outcome->second);
        return all;
      }
      from = to;
    }
    return {};
  }

  void execute(const openflow::SetField& action) {
    const FieldValue old = get(action.field).value_or(FieldValue());
    set(action.field, (old & ~action.mask) | (action.value & action.mask));
  }
  /// Where it goes on.
  std::optional<std::uint8_t> execute(const openflow::Flow& flow) {
    std::optional<std::uint8_t> next;
    for (const auto& action : flow.apply_actions) {
      if (const auto* field = std::get_if<openflow::SetField>(&action)) {
        if (!next) execute(*field);  // what follows ct is done to a copy
      } else if (const auto* ct = std::get_if<openflow::Ct>(&action)) {
        for (const auto& inner : ct->actions)
          if (const auto* label = std::get_if<openflow::SetField>(&inner)) execute(*label);
        if (ct->table) next = ct->table->value;
      }
    }
    if (flow.goto_table) next = flow.goto_table->value;
    return next;
  }

  const SwitchFlows& flows_;
  std::map<FieldId, FieldValue> fields_;
  std::array<std::uint32_t, 16> registers_{};
};

}  // namespace

WalkEnd walk(const SwitchFlows& flows, const WalkStart& start) {
  const bool ingress = start.direction == cp::Direction::kIn;
  return Walker(flows, start).run(ingress ? kIngress : kEgress);
}

}  // namespace antrea::policy
