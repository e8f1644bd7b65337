#pragma once

#include "antrea/openflow/flow.h"

namespace antrea::openflow::bench {

/// The i-th flow of a pipeline like Antrea's, about 130 bytes as a flow_mod; no two have one match.
/// Those that use groups use 1 to 100.
inline Flow antrea_flow(unsigned i) {
  Flow flow;
  flow.cookie = 0x1030000000000 + i;
  flow.priority = 200;
  const auto pod = IpAddress::v4(0x0a0a0000 + i);
  const auto mac = MacAddress::from_bits(0x0a5800000000 + i);
  const auto connection_mark = [&](TableId next, Actions actions) {
    Ct ct;
    ct.commit = true;
    ct.zone = 65520;
    ct.table = next;
    ct.actions = std::move(actions);
    return ct;
  };
  const unsigned kind = i * 37 % 100;
  if (kind < 40) {  // an address of a policy rule
    flow.table = TableId{static_cast<std::uint8_t>(kind % 2 == 0 ? 14 : 26)};
    flow.priority = 190;
    kind % 2 == 0 ? flow.match.ip_dst(pod) : flow.match.ip_src(pod);
    for (unsigned n = 0; n <= i % 3; ++n)
      flow.apply_actions.push_back(Conjunction{i % 50'000 + n + 1, 1, 3});
  } else if (kind < 48) {  // what a rule does
    flow.table = TableId{14};
    flow.match.ip(Family::kIPv4).conj_id(i + 1);
    flow.apply_actions = {
        load(reg_bits(5, 0, 31), i + 1),
        connection_mark(TableId{16}, {load(Subfield{FieldId::kCtLabel, 0, 32}, i)})};
  } else if (kind < 58) {  // a Service
    flow.table = TableId{11};
    flow.match.ip_dst(IpAddress::v4(0x0a600000 + i)).tcp_dst(443).set_reg(4, 16, 3, 1);
    flow.apply_actions = {load(reg_bits(0, 9, 9), 1), load(reg_bits(4, 16, 18), 2),
                          load(reg_bits(7, 0, 31), i), GroupAction{GroupId{1 + i % 100}}};
  } else if (kind < 68) {  // an Endpoint
    flow.table = TableId{12};
    flow.match.ip(Family::kIPv4).ip_proto(6).set_reg(3, 0x0a0a0000 + i).set_reg(4, 0, 19, 0x20050);
    Nat nat = nat_dst(pod, 8080);
    flow.apply_actions = {
        connection_mark(TableId{13}, {nat, load(Subfield{FieldId::kCtMark, 4, 1}, 1)})};
  } else if (kind < 78) {  // who may send from a port
    flow.table = TableId{2};
    flow.match.in_port(PortNo{16 + i % 32'000}).eth_src(mac).ip_src(pod);
    flow.goto_table = TableId{4};
  } else if (kind < 90) {  // the way to a Pod
    flow.table = TableId{17};
    flow.match.ip_dst(pod).set_reg(0, 9, 1, 1);
    flow.apply_actions = {set_field(FieldId::kEthSrc, MacAddress::from_bits(0x0a5800000001)),
                          set_field(FieldId::kEthDst, mac)};
    flow.goto_table = TableId{19};
  } else {
    flow.table = TableId{22};
    flow.match.eth_dst(mac);
    flow.apply_actions = {load(reg_bits(1, 0, 31), 16 + i % 32'000), load(reg_bits(0, 21, 22), 1)};
    flow.goto_table = TableId{24};
  }
  return flow;
}

}  // namespace antrea::openflow::bench
