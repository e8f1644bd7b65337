#include "flow_interpreter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace antrea::policy::testing {
namespace {

using openflow::FieldId;
using openflow::FieldValue;

bool matches(const openflow::Match& match, const Packet& packet) {
  for (const openflow::MatchField& field : match.fields()) {
    const auto value = packet.get(field.id);
    if (!value || (*value & field.bits.mask) != field.bits.value) return false;
  }
  return true;
}

bool is_conjunctive(const openflow::Flow& flow) {
  return !flow.apply_actions.empty() &&
         std::holds_alternative<openflow::Conjunction>(flow.apply_actions.front());
}

}  // namespace

void Packet::set(FieldId id, const FieldValue& value) {
  if (openflow::is_in(id, FieldId::kReg0, FieldId::kReg15))
    registers_[static_cast<unsigned>(id) - static_cast<unsigned>(FieldId::kReg0)] =
        static_cast<std::uint32_t>(value.lo);
  else
    fields_[id] = value;
}

std::optional<FieldValue> Packet::get(FieldId id) const {
  const auto index = static_cast<unsigned>(id);
  if (openflow::is_in(id, FieldId::kReg0, FieldId::kReg15))
    return registers_[index - static_cast<unsigned>(FieldId::kReg0)];
  if (openflow::is_in(id, FieldId::kXreg0, FieldId::kXreg15)) {
    const unsigned pair = index - static_cast<unsigned>(FieldId::kXreg0);
    if (pair >= 8) return 0;
    return static_cast<std::uint64_t>(registers_[2 * pair]) << 32 | registers_[2 * pair + 1];
  }
  const auto found = fields_.find(id);
  if (found == fields_.end()) return std::nullopt;
  return found->second;
}

void FlowTable::apply(const openflow::Changes& changes) {
  for (const openflow::FlowKey& key : changes.remove_flows)
    EXPECT_EQ(flows_.erase(key), 1U) << "removed a flow that was not there";
  for (const openflow::Flow& flow : changes.flows) {
    EXPECT_FALSE(flow.match.missing_prerequisite());
    auto [at, added] = flows_.try_emplace(flow.key(), flow);
    if (added) continue;
    EXPECT_NE(at->second, flow) << "sent a flow that was there already";
    at->second = flow;
  }
}

const openflow::Flow* FlowTable::look_up(std::uint8_t table, Packet& packet) const {
  const auto begin = flows_.lower_bound({openflow::TableId{table}, 0, {}});
  const auto end =
      flows_.lower_bound({openflow::TableId{static_cast<std::uint8_t>(table + 1)}, 0, {}});
  // The best flow without conjunctions, and the clauses satisfied by priority and conjunction.
  const auto best_plain = [&]() -> const openflow::Flow* {
    const openflow::Flow* best = nullptr;
    for (auto it = begin; it != end; ++it)
      if (!is_conjunctive(it->second) &&
          (best == nullptr || it->second.priority > best->priority) &&
          matches(it->second.match, packet))
        best = &it->second;
    return best;
  };
  const openflow::Flow* hard = best_plain();
  std::map<int, std::map<std::uint32_t, std::pair<std::set<int>, int>>, std::greater<>> soft;
  for (auto it = begin; it != end; ++it) {
    if (!is_conjunctive(it->second) || !matches(it->second.match, packet)) continue;
    for (const auto& action : it->second.apply_actions) {
      const auto& conjunction = std::get<openflow::Conjunction>(action);
      auto& [clauses, count] = soft[it->second.priority][conjunction.id];
      clauses.insert(conjunction.clause);
      count = conjunction.count;
    }
  }
  for (const auto& [priority, conjunctions] : soft) {
    if (hard != nullptr && priority <= hard->priority) return hard;
    for (const auto& [id, state] : conjunctions) {
      EXPECT_GE(state.second, 2) << "Open vSwitch refuses conjunctions of one clause";
      if (static_cast<int>(state.first.size()) < state.second) continue;
      packet.set(FieldId::kConjId, id);
      const openflow::Flow* flow = best_plain();
      packet.set(FieldId::kConjId, 0);
      if (flow != nullptr) return flow;
    }
  }
  return hard;
}

FlowTable::Outcome FlowTable::run(Packet& packet, const std::vector<std::uint8_t>& order,
                                  std::uint8_t exit) const {
  Outcome outcome;
  packet.set(FieldId::kConjId, 0);
  std::uint8_t table = order.front();
  for (int steps = 0; steps < 20; ++steps) {
    const auto at = std::ranges::find(order, table);
    outcome.table = table;
    if (at == order.end()) return outcome;
    const openflow::Flow* flow = look_up(table, packet);
    if (flow == nullptr) {
      table = at + 1 == order.end() ? exit : at[1];
      continue;
    }
    outcome.path.push_back(flow->key());
    std::optional<std::uint8_t> next;
    std::optional<Packet> tracked;  // goes on as it was when it was handed to conntrack
    const auto set_field = [&](const openflow::SetField& set) {
      const FieldValue old = packet.get(set.field).value_or(FieldValue());
      packet.set(set.field, (old & ~set.mask) | (set.value & set.mask));
    };
    for (const auto& action : flow->apply_actions) {
      if (const auto* set = std::get_if<openflow::SetField>(&action)) {
        set_field(*set);
      } else if (const auto* ct = std::get_if<openflow::Ct>(&action)) {
        EXPECT_TRUE(ct->commit);
        const auto type = packet.get(FieldId::kEthType);
        EXPECT_EQ(ct->zone, type->lo == 0x800 ? 65520 : 65510);
        for (const auto& inner : ct->actions) set_field(std::get<openflow::SetField>(inner));
        next = ct->table->value;
        tracked = packet;
      } else if (const auto* copy = std::get_if<openflow::Controller>(&action)) {
        outcome.copies.push_back({copy->userdata, copy->pause, packet});
      } else {
        ADD_FAILURE() << "an action that policy flows do not use";
      }
    }
    if (tracked) packet = *tracked;
    if (flow->goto_table) next = flow->goto_table->value;
    if (!next) {
      outcome.dropped = true;
      return outcome;
    }
    table = *next;
  }
  ADD_FAILURE() << "the packet goes round in circles";
  return outcome;
}

}  // namespace antrea::policy::testing
