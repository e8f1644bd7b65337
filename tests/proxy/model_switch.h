#pragma once

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <unordered_map>

#include "antrea/api/pipeline.h"
#include "antrea/openflow/changes.h"
#include "antrea/proxy/balancer.h"

namespace antrea::proxy {

/// Keeps what it is told, as a switch would, and complains about what a switch would refuse or what
/// is not a change.
class ModelSwitch {
 public:
  void commit(const openflow::Changes& changes) {
    std::set<openflow::GroupId> set_groups;
    for (const auto& group : changes.groups) {
      EXPECT_TRUE(set_groups.insert(group.id).second) << "group " << group.id.value << " twice";
      std::set<std::uint32_t> buckets;
      for (const auto& bucket : group.buckets)
        EXPECT_TRUE(buckets.insert(bucket.id).second) << "bucket " << bucket.id << " twice";
    }
    for (const auto& key : changes.remove_flows)
      EXPECT_EQ(flows_.erase(key), 1U) << "removed a flow that was not there";
    for (const auto& id : changes.remove_groups) {
      EXPECT_EQ(groups_.erase(id), 1U) << "removed a group that was not there";
      EXPECT_FALSE(set_groups.contains(id)) << "removed and set the same group";
    }
    for (const auto& group : changes.groups) {
      const auto old = groups_.find(group.id);
      EXPECT_TRUE(old == groups_.end() || old->second != group) << "set a group to what it was";
      groups_.insert_or_assign(group.id, group);
    }
    for (const auto& flow : changes.flows) {
      const auto old = flows_.find(flow.key());
      EXPECT_TRUE(old == flows_.end() || old->second != flow) << "set a flow to what it was";
      flows_.insert_or_assign(flow.key(), flow);
    }
    for (const auto& [key, flow] : flows_)
      for (const auto& action : flow.apply_actions)
        if (const auto* group = std::get_if<openflow::GroupAction>(&action)) {
          EXPECT_TRUE(groups_.contains(group->group))
              << "flow to missing group " << group->group.value;
        }
  }

  const std::map<openflow::FlowKey, openflow::Flow>& flows() const { return flows_; }
  const std::map<openflow::GroupId, openflow::Group>& groups() const { return groups_; }
  friend bool operator==(const ModelSwitch&, const ModelSwitch&) = default;

  /// Who a first packet to the frontend may reach, by walking groups and flows; absent: no Service
  /// is matched.
  std::optional<std::set<Backend>> reach(const Frontend& to) const {
    using openflow::FieldId;
    for (const auto& [key, flow] : flows_) {
      if (key.table.value != static_cast<int>(api::pipeline::Table::kServiceLb)) continue;
      const auto ip = key.match.get(to.ip.is_v4() ? FieldId::kIpDst : FieldId::kIpv6Dst);
      const auto proto = key.match.get(FieldId::kIpProto);
      const auto state = key.match.get(FieldId::kReg4);
      std::optional<openflow::Masked> port;
      for (const FieldId id : {FieldId::kTcpDst, FieldId::kUdpDst, FieldId::kSctpDst})
        if (!port) port = key.match.get(id);
      if (!ip || !proto || !port || !state || ip->value != openflow::FieldValue(to.ip) ||
          port->value.lo != to.port || proto->value.lo != static_cast<std::uint64_t>(to.protocol) ||
          state->value.lo != 0x10000)
        continue;
      for (const auto& action : flow.apply_actions)
        if (const auto* group = std::get_if<openflow::GroupAction>(&action))
          return members(groups_.at(group->group), to);
    }
    return {};
  }

 private:
  // Endpoints of the buckets that have a flow in EndpointDNAT; one without fails the test.
  std::set<Backend> members(const openflow::Group& group, const Frontend& to) const {
    std::set<Backend> out;
    for (const auto& bucket : group.buckets) {
      std::optional<IpAddress> ip;
      std::uint16_t port = 0;
      for (const auto& action : bucket.actions) {
        const auto* set = std::get_if<openflow::SetField>(&action);
        if (set == nullptr) continue;
        if (set->field == openflow::FieldId::kReg3)
          ip = IpAddress::v4(static_cast<std::uint32_t>(set->value.lo));
        if (set->field == openflow::xxreg_field(3)) {
          std::array<std::uint8_t, 16> bytes{};
          for (unsigned i = 0; i < 16; ++i)
            bytes[i] = static_cast<std::uint8_t>(
                ((i < 8 ? set->value.hi : set->value.lo) >> (8 * (7 - i % 8))) & 0xff);
          ip = IpAddress::v6(bytes);
        }
        if (set->field == openflow::FieldId::kReg4)
          port = static_cast<std::uint16_t>(set->value.lo);
      }
      if (!ip) continue;
      EXPECT_TRUE(out.insert({*ip, port}).second) << "endpoint twice in a group";
      EXPECT_TRUE(translates(*ip, port, to.protocol)) << "no flow for endpoint " << ip->to_string();
    }
    return out;
  }

  bool translates(const IpAddress& ip, std::uint16_t port, api::Protocol protocol) const {
    openflow::Match match =
        openflow::Match().ip(ip.family()).ip_proto(static_cast<std::uint8_t>(protocol));
    match.set_reg(4, 0, 19, 2U << 16 | port);
    match.set(ip.is_v4() ? openflow::FieldId::kReg3 : openflow::xxreg_field(3), ip);
    const auto flow = flows_.find(
        {openflow::TableId{static_cast<std::uint8_t>(api::pipeline::Table::kEndpointDnat)}, 200,
         match});
    if (flow == flows_.end() || flow->second.apply_actions.size() != 1) return false;
    const auto* ct = std::get_if<openflow::Ct>(&flow->second.apply_actions.front());
    if (ct == nullptr || !ct->commit || ct->zone != (ip.is_v4() ? 65520 : 65510)) return false;
    for (const auto& action : ct->actions)
      if (const auto* nat = std::get_if<openflow::Nat>(&action))
        return nat->dst && nat->address_min == ip && nat->port_min == port;
    return false;
  }

  std::map<openflow::FlowKey, openflow::Flow> flows_;
  std::map<openflow::GroupId, openflow::Group> groups_;
};

}  // namespace antrea::proxy
