#pragma once

#include <random>

#include "antrea/openflow/flow.h"
#include "antrea/openflow/group.h"
#include "antrea/openflow/meter.h"

// Random values that Open vSwitch would take, for properties that hold for all of them.
namespace antrea::openflow::testing {

class Generator {
 public:
  explicit Generator(std::uint32_t seed) : random_(seed) {}

  Flow flow() {
    Flow flow;
    flow.table = TableId{static_cast<std::uint8_t>(below(200))};
    flow.priority = static_cast<std::uint16_t>(below(65536));
    flow.cookie = number(64).lo;
    flow.idle_timeout = static_cast<std::uint16_t>(below(3) * 30);
    flow.importance = static_cast<std::uint16_t>(below(2));
    flow.flags = static_cast<std::uint16_t>(below(32));
    flow.match = match();
    const std::uint16_t type = ethernet_type_;
    for (std::size_t count = below(8); count > 0; --count)
      flow.apply_actions.push_back(action(type, 0));
    if (below(4) == 0) flow.write_actions = {Output{PortNo{5}}, GroupAction{GroupId{7}}};
    flow.clear_actions = below(8) == 0;
    if (below(4) == 0) flow.write_metadata = WriteMetadata{number(64).lo, number(64).lo};
    if (below(2) == 0)
      flow.goto_table = TableId{static_cast<std::uint8_t>(flow.table.value + 1 + below(50))};
    return flow;
  }

  Match match() {
    Match match;
    ethernet_type_ = 0;
    if (chance(2)) match.in_port(PortNo{1 + static_cast<std::uint32_t>(below(1000))});
    if (chance(3)) put(match, FieldId::kEthSrc);
    if (chance(3)) put(match, FieldId::kEthDst);
    if (chance(4)) match.vlan(static_cast<std::uint16_t>(below(4096)));
    switch (below(5)) {
      case 0:
        transport(match.ip(Family::kIPv4), FieldId::kIpSrc, FieldId::kIpDst);
        ethernet_type_ = eth_type::kIpv4;
        break;
      case 1:
        transport(match.ip(Family::kIPv6), FieldId::kIpv6Src, FieldId::kIpv6Dst);
        ethernet_type_ = eth_type::kIpv6;
        break;
      case 2:
        match.arp_op(static_cast<std::uint16_t>(1 + below(2)));
        put(match, FieldId::kArpSpa);
        put(match, FieldId::kArpTha);
        ethernet_type_ = eth_type::kArp;
        break;
      default:
        break;
    }
    for (const FieldId id :
         {FieldId::kTunId, FieldId::kTunSrc, FieldId::kTunIpv6Dst, FieldId::kTunGbpId,
          FieldId::kPktMark, FieldId::kCtMark, FieldId::kCtLabel, FieldId::kMetadata})
      if (chance(5)) put(match, id);
    for (std::size_t count = below(5); count > 0; --count)
      put(match, reg_field(static_cast<unsigned>(below(16))));
    if (chance(6)) wide_option(match);
    return match;
  }

  GroupMod group_mod() {
    GroupMod mod;
    mod.group.id = GroupId{static_cast<std::uint32_t>(below(1000))};
    mod.group.type = static_cast<GroupType>(below(2));
    for (std::size_t count = below(5); count > 0; --count) {
      Bucket bucket;
      bucket.id = static_cast<std::uint32_t>(mod.group.buckets.size());
      if (mod.group.type == GroupType::kSelect)
        bucket.weight = static_cast<std::uint16_t>(below(100));
      bucket.actions = {action(0, 0), Output{PortNo{3}}};
      mod.group.buckets.push_back(std::move(bucket));
    }
    if (mod.group.type == GroupType::kSelect && chance(2)) {
      mod.group.selection = SelectionMethod{"hash", number(64).lo, {}};
      if (chance(2)) mod.group.selection->fields = {{FieldId::kIpSrc, number(32)}};
    }
    return mod;
  }

  MeterMod meter_mod() {
    MeterMod mod;
    mod.meter.id = MeterId{1 + static_cast<std::uint32_t>(below(100))};
    mod.meter.flags = meter_flags::kPktps | meter_flags::kBurst;
    for (std::size_t count = below(3); count > 0; --count)
      mod.meter.bands.push_back({Band::Type::kDrop, static_cast<std::uint32_t>(below(1000)), 7, 0});
    return mod;
  }

  std::size_t below(std::size_t limit) { return random_() % limit; }

 private:
  bool chance(std::size_t in) { return below(in) == 0; }
  FieldValue number(unsigned bits) {
    FieldValue value;
    for (int i = 0; i < 4; ++i) value = value << 32 | FieldValue(random_());
    return value & FieldValue::ones(bits);
  }
  void put(Match& match, FieldId id) {
    const unsigned bits = field_info(id).bits;
    const bool masked = field_info(id).maskable && chance(2);
    match.set(id, number(bits), masked ? number(bits) : FieldValue::ones(bits));
  }
  void transport(Match& match, FieldId source, FieldId target) {
    if (chance(2)) put(match, source);
    if (chance(2)) put(match, target);
    if (chance(3)) put(match, FieldId::kIpDscp);
    switch (below(4)) {
      case 0:
        match.tcp_dst(static_cast<std::uint16_t>(below(65536)));
        if (chance(3)) put(match, FieldId::kTcpFlags);
        break;
      case 1:
        match.udp_src(static_cast<std::uint16_t>(below(65536)));
        break;
      case 2:
        match.sctp_dst(static_cast<std::uint16_t>(below(65536)));
        break;
      default:
        break;
    }
  }
  void wide_option(Match& match) {
    std::vector<std::byte> value(4 * (1 + below(31)));
    std::vector<std::byte> mask(value.size());
    const bool whole = chance(2);
    for (std::size_t i = 0; i < value.size(); ++i) {
      mask[i] = std::byte(whole ? 0xff : below(256));
      value[i] = mask[i] & std::byte(below(256));
    }
    match.set_tun_metadata(static_cast<unsigned>(below(64)), value, mask, chance(2));
  }
  Subfield reg_part() {
    const auto offset = static_cast<std::uint16_t>(below(32));
    return {reg_field(static_cast<unsigned>(below(16))), offset,
            static_cast<std::uint16_t>(1 + below(32U - offset))};
  }
  Action ip_action(std::uint16_t type, unsigned depth) {
    switch (below(4)) {
      case 0:
        return DecTtl{};
      case 1:
        return SetIpTtl{static_cast<std::uint8_t>(below(256))};
      case 2: {
        Ct ct;
        ct.commit = true;
        ct.zone = static_cast<std::uint16_t>(below(65536));
        if (chance(2)) ct.table = TableId{static_cast<std::uint8_t>(below(254))};
        ct.actions = {load(Subfield{FieldId::kCtMark, 4, 8}, number(8))};
        if (type == eth_type::kIpv4)
          ct.actions.push_back(nat_dst(*IpAddress::parse("10.0.0.1"), 80));
        return ct;
      }
      default:
        return Clone{{action(type, depth + 1)}};
    }
  }
  Action action(std::uint16_t type, unsigned depth) {
    const bool ip = type == eth_type::kIpv4 || type == eth_type::kIpv6;
    if (ip && depth < 3 && chance(3)) return ip_action(type, depth);
    switch (below(15)) {
      case 0:
        return Output{PortNo{static_cast<std::uint32_t>(below(1000))}, 0};
      case 1:
        return load(reg_part(), number(32));
      case 2: {
        const Subfield source = reg_part();
        return Move{source, Subfield{FieldId::kMetadata, 0, source.bits}};
      }
      case 3:
        return Resubmit{kPortInPort, TableId{static_cast<std::uint8_t>(below(254))}, false};
      case 4:
        return set_field(FieldId::kEthDst, number(48));
      case 5: {
        Learn learn;
        learn.table = TableId{static_cast<std::uint8_t>(below(200))};
        learn.limit = static_cast<std::uint32_t>(below(2));
        learn.specs = {
            LearnSpec::match_value(Subfield(FieldId::kEthType), 0x800),
            LearnSpec::match_field(Subfield(FieldId::kEthDst), Subfield(FieldId::kEthSrc)),
            LearnSpec::load_value(reg_part(), 1), LearnSpec::output(Subfield(FieldId::kInPort))};
        return learn;
      }
      case 6: {
        Controller controller;
        controller.reason = static_cast<std::uint8_t>(below(6));
        for (std::size_t i = below(20); i > 0; --i)
          controller.userdata.push_back(static_cast<std::uint8_t>(below(256)));
        controller.pause = chance(3);
        return controller;
      }
      case 7:
        return StackPush{reg_part()};
      case 8:
        return StackPop{reg_part()};
      case 9:
        return Note{{1, 2, 3, static_cast<std::uint8_t>(below(256))}};
      case 10:
        return OutputTrunc{PortNo{7}, 64 + static_cast<std::uint32_t>(below(1000))};
      case 11:
        return CheckPktLarger{static_cast<std::uint16_t>(below(65536)), reg_bits(2, 5, 5)};
      case 12: {
        Sample sample;
        sample.form = Sample::Form::kSample3;
        sample.probability = static_cast<std::uint16_t>(1 + below(65535));
        sample.direction = static_cast<Sample::Direction>(below(3));
        return sample;
      }
      case 13:
        return SetQueue{static_cast<std::uint32_t>(below(10))};
      default:
        return GroupAction{GroupId{static_cast<std::uint32_t>(below(1000))}};
    }
  }

  std::mt19937 random_;
  std::uint16_t ethernet_type_ = 0;
};

}  // namespace antrea::openflow::testing
