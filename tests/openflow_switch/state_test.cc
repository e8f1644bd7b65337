// The engine against a model of a switch: whatever the road, the switch ends as desired.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "antrea/openflow/switch_state.h"

namespace antrea::openflow {
namespace {

/// Applies decoded messages as Open vSwitch does, as far as the engine relies on it: a bundle all
/// or nothing, no flow with an unknown group or meter, and flows that go with their group or meter.
class ModelSwitch {
 public:
  bool apply(const Plan& plan) {
    for (const auto& message : plan.before)
      if (!apply_one(message, std::nullopt)) return false;
    const auto saved = *this;
    for (const auto& message : plan.bundle) {
      if (apply_one(message, 7)) continue;
      *this = saved;
      return false;
    }
    for (const auto& message : plan.after)
      if (!apply_one(message, std::nullopt)) return false;
    return true;
  }

  /// What the engine reads back.
  Delta readback(SwitchState& state) const {
    state.begin_readback();
    std::vector<Group> all_groups;
    for (const auto& [id, group] : groups) all_groups.push_back(group);
    state.see_groups(all_groups);
    std::vector<Meter> all_meters;
    for (const auto& [id, meter] : meters) all_meters.push_back(meter);
    state.see_meters(all_meters);
    FlowStatsReply reply;
    const auto flush = [&](bool more) {
      std::vector<std::byte> wire;
      EXPECT_TRUE(encode(1, MultipartReply{more, std::exchange(reply, {})}, wire));
      EXPECT_TRUE(state.see_flows(wire));
    };
    for (const auto& [key, flow] : flows) {
      reply.flows.push_back({flow, {}});
      if (reply.flows.size() == 50) flush(true);
    }
    flush(false);
    return state.finish_readback();
  }

  std::map<FlowKey, Flow> flows;
  std::map<GroupId, Group> groups;
  std::map<MeterId, Meter> meters;
  std::size_t messages = 0;

 private:
  bool apply_one(const PlannedMessage& planned, std::optional<std::uint32_t> bundle) {
    ++messages;
    std::vector<std::byte> wire;
    EXPECT_TRUE(planned.encode(42, bundle, wire)) << planned.describe();
    auto decoded = decode_message(wire);
    if (!decoded) {
      ADD_FAILURE() << planned.describe() << ": " << decoded.error().to_error().to_string();
      return false;
    }
    EXPECT_EQ(decoded->xid, 42U);
    if (bundle) {
      const auto* add = std::get_if<BundleAdd>(&decoded->message);
      if (add == nullptr || add->id != *bundle) return false;
      const auto inner = add->message;
      decoded = decode_message(inner);
      if (!decoded || decoded->xid != 42) return false;
    }
    return std::visit([this](const auto& message) { return accept(message); }, decoded->message);
  }
  bool accept(const FlowMod& mod) {
    if (mod.command == FlowCommand::kDeleteStrict) {
      flows.erase(mod.flow.key());
      return true;
    }
    EXPECT_EQ(mod.command, FlowCommand::kAdd);
    for (const auto& action : mod.flow.apply_actions) {
      if (const auto* group = std::get_if<GroupAction>(&action))
        if (!groups.contains(group->group)) return false;
      if (const auto* meter = std::get_if<MeterAction>(&action))
        if (!meters.contains(meter->meter)) return false;
    }
    auto flow = mod.flow;
    flow.flags &= flow_flags::kKept;
    flows.insert_or_assign(flow.key(), flow);
    return true;
  }
  bool accept(const GroupMod& mod) {
    if (mod.command == GroupCommand::kDelete) {
      groups.erase(mod.group.id);
      std::erase_if(flows, [&](const auto& item) {
        return std::ranges::any_of(item.second.apply_actions, [&](const Action& action) {
          const auto* group = std::get_if<GroupAction>(&action);
          return group != nullptr && group->group == mod.group.id;
        });
      });
      return true;
    }
    if (mod.command == GroupCommand::kInsertBucket) {
      const auto found = groups.find(mod.group.id);
      if (found == groups.end() || mod.command_bucket != kBucketLast) return false;
      for (auto bucket : mod.group.buckets) {
        if (!bucket.weight) bucket.weight = 1;
        found->second.buckets.push_back(std::move(bucket));
      }
      return true;
    }
    EXPECT_EQ(mod.command, GroupCommand::kAddOrModify);
    auto group = mod.group;
    for (auto& bucket : group.buckets)
      if (group.type == GroupType::kSelect && !bucket.weight) bucket.weight = 1;
    groups.insert_or_assign(group.id, group);
    return true;
  }
  bool accept(const MeterMod& mod) {
    if (mod.command == MeterCommand::kDelete) return meters.erase(mod.meter.id) == 1;
    if (meters.contains(mod.meter.id) != (mod.command == MeterCommand::kModify)) return false;
    meters.insert_or_assign(mod.meter.id, mod.meter);
    return true;
  }
  template <typename Other>
  bool accept(const Other&) {
    return false;
  }
};

using Random = std::mt19937;

unsigned pick(Random& random, unsigned below) { return static_cast<unsigned>(random() % below); }

Flow model_flow(unsigned key) {
  Flow flow;
  flow.table = TableId{static_cast<std::uint8_t>(key % 5)};
  flow.priority = static_cast<std::uint16_t>(100 + key % 3);
  flow.match.in_port(PortNo{key}).ip_dst(*IpAddress::parse("10.0.0." + std::to_string(key % 250)));
  return flow;
}

Group model_group(unsigned id, unsigned variant) {
  Group group;
  group.id = GroupId{id};
  group.type = variant % 2 == 0 ? GroupType::kSelect : GroupType::kAll;
  for (unsigned i = 0; i < variant; ++i) {
    Bucket bucket;
    bucket.id = i;
    if (group.type == GroupType::kSelect && i % 2 == 0) bucket.weight = 100;
    bucket.actions.push_back(Output{PortNo{i + 1}});
    group.buckets.push_back(bucket);
  }
  return group;
}

Meter model_meter(unsigned id, unsigned rate) {
  return Meter{MeterId{id}, meter_flags::kPktps, {Band{Band::Type::kDrop, rate, 0, 0}}};
}

/// What an owner would hold: flows by number, what they use, and the groups and meters that exist.
struct Wanted {
  std::map<unsigned, Flow> flows;
  std::map<unsigned, unsigned> groups;  ///< id to variant
  std::map<unsigned, unsigned> meters;  ///< id to rate
};

Changes everything(const Wanted& wanted) {
  Changes changes;
  for (const auto& [key, flow] : wanted.flows) changes.flows.push_back(flow);
  for (const auto& [id, variant] : wanted.groups)
    changes.groups.push_back(model_group(id, variant));
  for (const auto& [id, rate] : wanted.meters) changes.meters.push_back(model_meter(id, rate));
  return changes;
}

/// A random batch that is valid: no flow stays behind with a group or meter that went.
Changes random_batch(Random& random, Wanted& wanted) {
  Changes changes;
  for (unsigned n = pick(random, 4); n > 0; --n) {
    const auto id = 1 + pick(random, 5);
    if (pick(random, 3) == 0 && wanted.groups.erase(id) > 0) {
      changes.remove_groups.push_back(GroupId{id});
    } else {
      wanted.groups[id] = pick(random, 6);
    }
  }
  for (unsigned n = pick(random, 3); n > 0; --n) {
    const auto id = 1 + pick(random, 3);
    if (pick(random, 3) == 0 && wanted.meters.erase(id) > 0)
      changes.remove_meters.push_back(MeterId{id});
    else
      wanted.meters[id] = 1 + pick(random, 4);
  }
  for (unsigned n = pick(random, 12); n > 0; --n) {
    const auto key = pick(random, 40);
    if (pick(random, 3) == 0) {
      if (wanted.flows.erase(key) > 0) changes.remove_flows.push_back(model_flow(key).key());
      continue;
    }
    auto flow = model_flow(key);
    flow.cookie = pick(random, 3);
    if (const auto meter = pick(random, 4); wanted.meters.contains(meter))
      flow.apply_actions.push_back(MeterAction{MeterId{meter}});
    if (const auto group = pick(random, 7); wanted.groups.contains(group))
      flow.apply_actions.push_back(GroupAction{GroupId{group}});
    wanted.flows[key] = flow;
  }
  for (auto item = wanted.flows.begin(); item != wanted.flows.end();) {
    const bool orphan = std::ranges::any_of(item->second.apply_actions, [&](const Action& action) {
      const auto* group = std::get_if<GroupAction>(&action);
      const auto* meter = std::get_if<MeterAction>(&action);
      return (group != nullptr && !wanted.groups.contains(group->group.value)) ||
             (meter != nullptr && !wanted.meters.contains(meter->meter.value));
    });
    if (orphan) {
      changes.remove_flows.push_back(item->second.key());
      item = wanted.flows.erase(item);
    } else {
      ++item;
    }
  }
  // Everything that is there is stated again and again: the engine has to see that it is no change.
  auto stated = everything(wanted);
  changes.flows = std::move(stated.flows);
  changes.groups = std::move(stated.groups);
  changes.meters = std::move(stated.meters);
  return changes;
}

void expect_desired(const ModelSwitch& actual, SwitchState& state, const Wanted& wanted,
                    unsigned seed) {
  const auto rest = actual.readback(state);
  EXPECT_TRUE(rest.empty()) << "seed " << seed << ": " << rest.size() << " differences";
  EXPECT_EQ(actual.flows.size(), wanted.flows.size()) << seed;
  for (const auto& [key, flow] : wanted.flows) {
    const auto found = actual.flows.find(flow.key());
    ASSERT_NE(found, actual.flows.end()) << seed;
    EXPECT_EQ(found->second, flow) << seed;
  }
  EXPECT_EQ(actual.groups.size(), wanted.groups.size()) << seed;
  EXPECT_EQ(actual.meters.size(), wanted.meters.size()) << seed;
}

TEST(SwitchState, TakesTheSwitchOverAnySequenceOfBatches) {
  for (unsigned seed = 0; seed < 100; ++seed) {
    Random random(seed);
    SwitchState state;
    ModelSwitch actual;
    Wanted wanted;
    for (int batch = 0; batch < 12; ++batch) {
      const auto delta = state.apply(random_batch(random, wanted));
      ASSERT_TRUE(delta);
      const auto plan = Plan::make(*delta);
      ASSERT_TRUE(plan);
      ASSERT_TRUE(actual.apply(*plan)) << seed;
      ASSERT_TRUE(state.apply(everything(wanted))->empty()) << seed;
    }
    expect_desired(actual, state, wanted, seed);
  }
}

TEST(SwitchState, MergedBatchesEndAsSingleOnesDo) {
  for (unsigned seed = 0; seed < 100; ++seed) {
    Random random(seed);
    SwitchState state, joined;
    ModelSwitch actual;
    Wanted wanted;
    Delta merged;
    Changes appended;
    for (int batch = 0; batch < 6; ++batch) {
      const auto changes = random_batch(random, wanted);
      const auto delta = state.apply(changes);
      ASSERT_TRUE(delta);
      merged.append(*delta);
      appended.append(changes);
    }
    ASSERT_TRUE(actual.apply(*Plan::make(merged))) << seed;
    expect_desired(actual, state, wanted, seed);
    EXPECT_EQ(actual.messages, Plan::make(*joined.apply(appended))->size()) << seed;
    expect_desired(actual, joined, wanted, seed);
  }
}

TEST(SwitchState, PutsRightWhatOthersDid) {
  for (unsigned seed = 0; seed < 100; ++seed) {
    Random random(seed);
    SwitchState state, others;
    ModelSwitch actual;
    Wanted wanted, theirs;
    for (int batch = 0; batch < 4; ++batch) {
      ASSERT_TRUE(actual.apply(*Plan::make(*others.apply(random_batch(random, theirs))))) << seed;
      ASSERT_TRUE(state.apply(random_batch(random, wanted)));
    }
    const auto delta = actual.readback(state);
    ASSERT_TRUE(actual.apply(*Plan::make(delta))) << seed;
    expect_desired(actual, state, wanted, seed);
  }
}

TEST(SwitchState, RevertsABatchThatWasRefused) {
  for (unsigned seed = 0; seed < 100; ++seed) {
    Random random(seed);
    SwitchState state;
    ModelSwitch actual;
    Wanted wanted;
    ASSERT_TRUE(actual.apply(*Plan::make(*state.apply(random_batch(random, wanted)))));
    auto other = wanted;
    const auto refused = state.apply(random_batch(random, other));
    const auto refused_too = state.apply(random_batch(random, other));
    state.revert(*refused_too);
    state.revert(*refused);
    expect_desired(actual, state, wanted, seed);
  }
}

TEST(SwitchState, SplitsAGroupThatDoesNotFitIntoAMessage) {
  Changes changes;
  Group group = model_group(9, 0);
  group.selection = SelectionMethod{"dp_hash", 0, {}};
  for (unsigned i = 0; i < 4000; ++i) {
    Bucket bucket;
    bucket.id = i;
    if (i % 3 == 0) bucket.weight = 7;
    for (unsigned n = 0; n < 8; ++n) bucket.actions.push_back(Output{PortNo{i + n + 1}});
    group.buckets.push_back(bucket);
  }
  changes.groups.push_back(group);
  SwitchState state;
  const auto plan = Plan::make(*state.apply(changes));
  ASSERT_TRUE(plan);
  EXPECT_GT(plan->bundle.size(), 10U);
  ModelSwitch actual;
  ASSERT_TRUE(actual.apply(*plan));
  EXPECT_EQ(actual.groups[GroupId{9}].buckets.size(), 4000U);
  EXPECT_TRUE(actual.readback(state).empty());
}

TEST(SwitchState, LeavesWhatIsNotItsOwn) {
  ModelSwitch actual;
  auto learned = model_flow(1), foreign = model_flow(2), stale = model_flow(3);
  learned.hard_timeout = 60;
  learned.cookie = foreign.cookie = 0x1000000000000;
  foreign.cookie = 0x2000000000000;
  stale.cookie = 0x1000000000000;
  for (const auto& flow : {learned, foreign, stale}) actual.flows.emplace(flow.key(), flow);
  actual.groups.emplace(GroupId{4}, model_group(4, 2));
  SwitchState state(
      Ownership{.cookie_mask = 0xffff000000000000, .cookie = 0x1000000000000, .groups = false});
  const auto delta = actual.readback(state);
  ASSERT_EQ(delta.flows.size(), 1U);
  EXPECT_EQ(delta.flows[0].before->priority(), stale.priority);
  EXPECT_EQ(delta.flows[0].before->table(), stale.table);
  EXPECT_TRUE(delta.groups.empty());
}

TEST(SwitchState, SeesWhatIsMissingHoweverOftenItLooked) {
  Changes changes;
  for (unsigned i = 0; i < 3; ++i) changes.flows.push_back(model_flow(i));
  SwitchState state;
  ModelSwitch actual;
  ASSERT_TRUE(actual.apply(*Plan::make(*state.apply(changes))));
  for (unsigned i = 0; i < 400; ++i) {
    const auto missing = model_flow(i % 3);
    ASSERT_EQ(actual.flows.erase(missing.key()), 1U);
    const auto delta = actual.readback(state);
    ASSERT_EQ(delta.flows.size(), 1U) << i;
    ASSERT_EQ(delta.flows[0].after->priority(), missing.priority) << i;
    ASSERT_TRUE(actual.apply(*Plan::make(delta)));
  }
}

TEST(SwitchState, KeepsInstructionsOfEveryShape) {
  Changes changes;
  const auto flow = [&](unsigned number) -> Flow& {
    return changes.flows.emplace_back(model_flow(number));
  };
  flow(1).apply_actions = {};
  flow(2).apply_actions = {Output{PortNo{1}}};
  flow(3).apply_actions = {Output{PortNo{1}}};
  changes.flows.back().goto_table = TableId{200};
  flow(4).goto_table = TableId{200};
  flow(5).write_actions = Actions{Output{PortNo{2}}};
  flow(6).match = {};
  SwitchState state;
  ModelSwitch actual;
  ASSERT_TRUE(actual.apply(*Plan::make(*state.apply(changes))));
  for (const Flow& wanted : changes.flows) EXPECT_EQ(actual.flows.at(wanted.key()), wanted);
  EXPECT_TRUE(actual.readback(state).empty());
  EXPECT_EQ(state.reencoded(), 0U);
  // The same actions, applied or written, are two things.
  changes.flows[1].write_actions = std::exchange(changes.flows[1].apply_actions, {});
  EXPECT_EQ(state.apply(changes)->flows.size(), 1U);
}

TEST(SwitchState, KeepsAFlowInLessThan300Bytes) {
  Changes changes;
  for (unsigned i = 0; i < 20'000; ++i) {
    auto flow = model_flow(i);
    flow.match.set_reg(0, i).ct_state("+new+trk").tcp_dst(80);
    flow.apply_actions.push_back(Output{PortNo{i}});
    changes.flows.push_back(std::move(flow));
  }
  SwitchState state;
  ASSERT_TRUE(state.apply(changes));
  EXPECT_EQ(state.flow_count(), 20'000U);
  EXPECT_LT(state.flow_bytes() / state.flow_count(), 300U);
}

}  // namespace
}  // namespace antrea::openflow
