#pragma once

#include <vector>

#include "antrea/openflow/flow.h"
#include "antrea/openflow/group.h"
#include "tests/addresses.h"

namespace antrea::openflow::testing {

/// Flows in the manner of an Antrea pipeline, one of each kind, with distinct keys. They use group
/// 1 and meter 1.
inline std::vector<Flow> sample_flows() {
  std::vector<Flow> flows;
  const auto add = [&](int table, int priority, Match match, Actions actions,
                       int next = -1) -> Flow& {
    Flow flow;
    flow.table = TableId{static_cast<std::uint8_t>(table)};
    flow.priority = static_cast<std::uint16_t>(priority);
    flow.cookie = 0x1010000000000;
    flow.match = std::move(match);
    flow.apply_actions = std::move(actions);
    if (next >= 0) flow.goto_table = TableId{static_cast<std::uint8_t>(next)};
    return flows.emplace_back(std::move(flow));
  };
  const auto gateway = mac("0a:00:00:00:00:01");
  const auto ct = [&](std::uint16_t zone, int table, Actions nested) {
    Ct action;
    action.commit = true;
    action.zone = zone;
    action.table = TableId{static_cast<std::uint8_t>(table)};
    action.actions = std::move(nested);
    return action;
  };
  add(0, 200, Match().ip(Family::kIPv4), {}, 4);
  add(0, 0, Match(), {});
  add(1, 200, Match().in_port(PortNo{5}).arp_spa(ip("10.10.0.5")).arp_sha(mac("0a:58:0a:0a:00:05")),
      {}, 2);
  add(2, 200, Match().arp_op(1).arp_tpa(ip("10.10.1.1")),
      {Move{Subfield(FieldId::kEthSrc), Subfield(FieldId::kEthDst)},
       set_field(FieldId::kEthSrc, gateway), set_field(FieldId::kArpOp, 2),
       Move{Subfield(FieldId::kArpSha), Subfield(FieldId::kArpTha)},
       set_field(FieldId::kArpSha, gateway),
       Move{Subfield(FieldId::kArpSpa), Subfield(FieldId::kArpTpa)},
       set_field(FieldId::kArpSpa, ip("10.10.1.1")), output_in_port()});
  add(2, 190, Match().arp(), {output_normal()});
  add(3, 210, Match().in_port(kPortLocal).ip_src(ip("10.10.0.1")),
      {load(reg_bits(0, 0, 3), 2), load(reg_bits(4, 28, 28), 1)}, 5);
  add(3, 200, Match().in_port(PortNo{1}), {load(reg_bits(0, 0, 3), 1), load(reg_bits(0, 9, 9), 1)},
      8);
  add(3, 190, Match().any_vlan(), {PopVlan{}}, 8);
  add(3, 189, Match().vlan(100), {PopVlan{}, load(reg_bits(8, 0, 11), 100)}, 8);
  add(3, 188, Match().no_vlan(),
      {PushVlan{}, set_field(FieldId::kVlanVid, 0x1064), Output{PortNo{7}}});
  add(4, 200, Match().in_port(PortNo{5}).eth_src(mac("0a:58:0a:0a:00:05")).ip_src(ip("10.10.0.5")),
      {}, 5);
  add(4, 200, Match().in_port(PortNo{5}).ip_src(ip("fd00:10::5")), {}, 5);
  add(4, 199, Match().ip_src(cidr("fe80::/10")), {}, 5);
  add(4, 198, Match().ip(Family::kIPv6).icmpv6_type(135).icmpv6_code(0), {output_normal()});
  {
    Ct track;
    track.zone = 65520;
    track.table = TableId{8};
    track.actions = {Nat{}};
    add(7, 200, Match().ip(Family::kIPv4), {track});
    track.zone_source = reg_bits(8, 0, 15);
    track.actions.clear();
    add(7, 199, Match().ip(Family::kIPv4), {track});
  }
  add(8, 190, Match().ip(Family::kIPv4).ct_state("-new+trk").ct_mark(0, 0x10), {}, 13);
  add(8, 191, Match().ip(Family::kIPv6).ct_state("+inv+trk"), {});
  add(9, 80, Match().ip(Family::kIPv4), {resubmit(TableId{10}), resubmit(TableId{11})});
  add(11, 200, Match().ip_dst(ip("10.96.0.10")).udp_dst(53).set_reg(4, 16, 3, 1),
      {load(reg_bits(0, 9, 9), 1), load(reg_bits(4, 16, 18), 3), set_field(reg_field(7), 3),
       GroupAction{GroupId{1}}});
  {
    Learn learn;
    learn.table = TableId{10};
    learn.hard_timeout = 300;
    learn.priority = 200;
    learn.cookie = 0x1030000000066;
    learn.delete_learned = true;
    learn.specs = {LearnSpec::match_value(Subfield(FieldId::kEthType), 0x800),
                   LearnSpec::match_value(Subfield(FieldId::kIpProto), 6),
                   LearnSpec::match_field(Subfield(FieldId::kTcpDst), Subfield(FieldId::kTcpDst)),
                   LearnSpec::match_field(Subfield(FieldId::kIpDst), Subfield(FieldId::kIpDst)),
                   LearnSpec::match_field(Subfield(FieldId::kIpSrc), Subfield(FieldId::kIpSrc)),
                   LearnSpec::load_field(reg_bits(3, 0, 31), reg_bits(3, 0, 31)),
                   LearnSpec::load_field(reg_bits(4, 0, 15), reg_bits(4, 0, 15)),
                   LearnSpec::load_value(reg_bits(4, 16, 18), 2)};
    add(11, 190, Match().ip_dst(ip("10.96.0.11")).tcp_dst(443).set_reg(4, 16, 3, 3),
        {learn, load(reg_bits(4, 16, 18), 2)}, 12);
  }
  add(12, 200,
      Match().ip_proto(6).ip(Family::kIPv4).set_reg(3, 0x0a0a0005).set_reg(4, 0, 19, 0x20050),
      {ct(65520, 13,
          {nat_dst(ip("10.10.0.5"), 80), load({FieldId::kCtMark, 4, 1}, 1),
           Move{reg_bits(0, 0, 3), Subfield{FieldId::kCtMark, 0, 4}}})});
  add(12, 199,
      Match().ip(Family::kIPv6).ip_proto(6).set(xxreg_field(3), FieldValue(ip("fd00:10::5"))),
      {ct(65510, 13, {nat_dst(ip("fd00:10::5"), 80)})});
  add(14, 64990, Match().ip(Family::kIPv4).ct_state("-new+est"), {}, 16);
  add(14, 100, Match().ip_src(cidr("10.10.0.0/24")), {Conjunction{1, 0, 3}, Conjunction{2, 1, 2}});
  add(14, 100, Match().ip(Family::kIPv4).tcp_dst(0x1f80, 0xfff0), {Conjunction{1, 2, 3}});
  add(14, 100, Match().ip(Family::kIPv6).sctp_dst(8080), {Conjunction{1, 2, 3}});
  add(14, 100, Match().ip(Family::kIPv4).icmp_type(8).icmp_code(0), {Conjunction{1, 2, 3}});
  add(14, 99, Match().ip(Family::kIPv4).conj_id(1),
      {set_field(reg_field(5), 1), ct(65520, 16,
                                      {load(Subfield{FieldId::kCtLabel, 32, 32}, 1),
                                       load(Subfield{FieldId::kCtLabel, 0, 32}, 7)})});
  add(16, 200,
      Match()
          .ip(Family::kIPv4)
          .ct_state("+new")
          .ct_label(FieldValue(1) << 32, FieldValue::ones(32) << 32),
      {}, 17);
  add(17, 200, Match().ip_dst(cidr("10.10.2.0/24")),
      {set_field(FieldId::kEthSrc, gateway), set_field(FieldId::kEthDst, mac("aa:bb:cc:dd:ee:ff")),
       set_field(FieldId::kTunDst, ip("192.168.77.101")), load(reg_bits(0, 4, 7), 1)},
      19);
  add(18, 200, Match().ip(Family::kIPv4).pkt_mark(1, 0xff).tun_id(7),
      {set_field(FieldId::kPktMark, 5, 0xff)}, 19);
  add(19, 200, Match().ip(Family::kIPv4), {DecTtl{}}, 20);
  add(21, 190,
      Match().ip(Family::kIPv4).ct_state("+new+trk").ct_mark(0x20, 0x20).set_reg(0, 0, 4, 2),
      {ct(65521, 22, {nat_src(ip("10.10.0.1")), load({FieldId::kCtMark, 5, 1}, 1)})});
  add(22, 200, Match().eth_dst(mac("01:00:00:00:00:00"), mac("01:00:00:00:00:00")),
      {Output{kPortFlood}});
  {
    Controller controller;
    controller.reason = 0;
    controller.controller_id = 32776;
    controller.userdata = {1, 3};
    add(27, 200, Match().set_reg(0, 25, 7, 0x32), {MeterAction{MeterId{1}}, controller});
    controller.pause = true;
    controller.userdata = {2};
    add(27, 199, Match().conj_id(5), {controller});
    add(27, 198, Match().metadata(7, 0xf), {Output{kPortController, 128}});
  }
  add(30, 212, Match().set_reg(4, 23, 2, 3), {Output{PortNo{1}}, Output{PortNo{2}}, output_reg(1)});
  add(30, 211, Match().ip(Family::kIPv4).ip_dscp(5),
      {Clone{{set_field(FieldId::kIpDscp, 0), Output{PortNo{3}}}}, CtClear{}});
  add(30, 210, Match().set_reg(1, 5), {Note{{1, 2, 3}}, OutputTrunc{PortNo{4}, 100}});
  add(30, 209, Match().set_reg(15, 5).set_reg(14, 8, 4, 3),
      {StackPush{reg_bits(0, 0, 31)}, StackPop{reg_bits(1, 0, 31)},
       CheckPktLarger{1500, reg_bits(0, 5, 5)}});
  Flow& written = add(31, 5, Match().in_port(PortNo{3}), {}, 32);
  written.write_actions = {Output{PortNo{9}}};
  written.clear_actions = true;
  written.write_metadata = WriteMetadata{0x70, 0xf0};
  written.idle_timeout = 300;
  written.hard_timeout = 600;
  written.importance = 9;
  written.flags = flow_flags::kSendFlowRemoved | flow_flags::kNoByteCounts;
  return flows;
}

/// A Service's group: one bucket an endpoint.
inline Group sample_group() {
  Group group;
  group.id = GroupId{1};
  group.type = GroupType::kSelect;
  for (std::uint32_t i = 0; i < 3; ++i) {
    Bucket bucket;
    bucket.id = i;
    bucket.weight = 100;
    bucket.actions = {set_field(reg_field(3), 0x0a0a0005 + i), load(reg_bits(4, 0, 15), 80),
                      resubmit(TableId{12})};
    group.buckets.push_back(bucket);
  }
  return group;
}

}  // namespace antrea::openflow::testing
