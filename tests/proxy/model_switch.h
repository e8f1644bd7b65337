#pragma once

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "antrea/proxy/balancer.h"
#include "walk.h"

namespace antrea::proxy {

/// Keeps what it is told, as a switch would, message by message in the order in which it is told
/// them, and complains about what a switch would refuse or what is not a change.
class ModelSwitch {
 public:
  void commit(const Outcome& outcome) { commit(outcome.pipeline); }

  void commit(const openflow::Changes& changes) {
    check_once(changes);
    for (const auto& group : changes.groups) {
      const auto old = groups_.find(group.id);
      EXPECT_TRUE(old == groups_.end() || old->second != group) << "set a group to what it was";
      groups_.insert_or_assign(group.id, group);
    }
    for (const auto& group : changes.groups)
      for (const auto& bucket : group.buckets)
        for (const auto id : groups_of(bucket.actions))
          EXPECT_TRUE(groups_.contains(id)) << "bucket to missing group " << id.value;
    for (const auto& flow : changes.flows) {
      const auto old = flows_.find(flow.key());
      EXPECT_TRUE(old == flows_.end() || old->second != flow) << "set a flow to what it was";
      for (const auto id : groups_of(flow.apply_actions))
        EXPECT_TRUE(groups_.contains(id)) << "flow to missing group " << id.value;
      flows_.insert_or_assign(flow.key(), flow);
    }
    for (const auto& key : changes.remove_flows)
      EXPECT_EQ(flows_.erase(key), 1U) << "removed a flow that was not there";
    for (const auto& id : changes.remove_groups) {
      EXPECT_EQ(groups_.erase(id), 1U) << "removed a group that was not there";
      for (const auto& [key, flow] : flows_)
        EXPECT_FALSE(groups_of(flow.apply_actions).contains(id))
            << "removed group " << id.value << " in use";
    }
    forget();
    if (changes.remove_groups.empty()) return;
    for (const auto& [user, group] : groups_)
      for (const auto& bucket : group.buckets)
        for (const auto id : groups_of(bucket.actions))
          EXPECT_TRUE(groups_.contains(id)) << "removed group " << id.value << " in use";
  }

  const std::map<openflow::FlowKey, openflow::Flow>& flows() const { return flows_; }
  const std::map<openflow::GroupId, openflow::Group>& groups() const { return groups_; }
  /// What it is told; not what it has learned.
  friend bool operator==(const ModelSwitch& a, const ModelSwitch& b) {
    return a.flows_ == b.flows_ && a.groups_ == b.groups_;
  }

  /// Has a client been led to an endpoint, SessionAffinity learns it. Flows go with those that
  /// learn under the same cookie (ovs-actions(7), delete_learned).
  void learn(const openflow::Flow& flow) { learned_.insert_or_assign(flow.key(), flow); }
  const std::map<openflow::FlowKey, openflow::Flow>& learned() const { return learned_; }

  /// Who a Pod's first packet to the frontend may reach; absent: no Service is matched.
  std::optional<std::set<Backend>> reach(const Frontend& to) const {
    const IpAddress pod = *IpAddress::parse(to.ip.is_v4() ? "10.10.0.77" : "fd00:10::77");
    const Fate fate = Walk(flows_, groups_).first_packet(Client::kPod, pod, to, false);
    if (fate.no_service) return {};
    EXPECT_EQ(fate.refused, fate.endpoints.empty());
    return fate.endpoints;
  }

 private:
  static std::set<openflow::GroupId> groups_of(const openflow::Actions& actions) {
    std::set<openflow::GroupId> out;
    for (const auto& action : actions)
      if (const auto* group = std::get_if<openflow::GroupAction>(&action)) out.insert(group->group);
    return out;
  }

  void forget() {
    if (learned_.empty()) return;
    std::set<std::uint64_t> cookies;
    for (const auto& [key, flow] : flows_)
      for (const auto& action : flow.apply_actions)
        if (const auto* learn = std::get_if<openflow::Learn>(&action)) {
          EXPECT_TRUE(learn->delete_learned);
          cookies.insert(learn->cookie);
        }
    std::erase_if(learned_,
                  [&](const auto& each) { return !cookies.contains(each.second.cookie); });
  }

  static void check_once(const openflow::Changes& changes) {
    std::set<openflow::GroupId> set_groups;
    for (const auto& group : changes.groups) {
      EXPECT_TRUE(set_groups.insert(group.id).second) << "group " << group.id.value << " twice";
      std::set<std::uint32_t> buckets;
      for (const auto& bucket : group.buckets)
        EXPECT_TRUE(buckets.insert(bucket.id).second) << "bucket " << bucket.id << " twice";
    }
    for (const auto& id : changes.remove_groups)
      EXPECT_FALSE(set_groups.contains(id)) << "removed and set the same group";
    std::set<openflow::FlowKey> set_flows;
    for (const auto& flow : changes.flows)
      EXPECT_TRUE(set_flows.insert(flow.key()).second) << "a flow twice";
    for (const auto& key : changes.remove_flows)
      EXPECT_FALSE(set_flows.contains(key)) << "removed and set the same flow";
  }

  std::map<openflow::FlowKey, openflow::Flow> flows_;
  std::map<openflow::GroupId, openflow::Group> groups_;
  std::map<openflow::FlowKey, openflow::Flow> learned_;
};

}  // namespace antrea::proxy
