#include "field_table.h"
#include "parse_action.h"
#include "parse_names.h"

// Actions that change headers or metadata of the packet, and those without arguments worth a file.
namespace antrea::openflow::detail {

bool ActionParser::put_vlan(const Pair& action, FieldId id, std::uint16_t value, bool push) {
  const bool tagged = premises_ != nullptr && premises_->tagged[0];
  if (!tagged && push) put(PushVlan{});
  if (!tagged && !push && premises_ != nullptr &&
      !inconsistent(action.key, "the match has no VLAN tag"))
    return false;
  if (premises_ != nullptr) premises_->tagged[0] = true;
  return put_set_number(id, value);
}

bool ActionParser::set_vlan_vid(const Pair& action) {
  std::uint16_t vid = 0;
  if (!read_u16(source_, action.value, "VLAN ID", vid)) return false;
  if (vid > 0xfff) return source_.fail(action.value, "VLAN ID must be 0 to 4095");
  return put_vlan(action, FieldId::kVlanVid, 0x1000 | vid, to_lower(action.key[0]) == 'm');
}
bool ActionParser::mod_vlan_vid(const Pair& action) { return set_vlan_vid(action); }

bool ActionParser::set_vlan_pcp(const Pair& action) {
  std::uint8_t pcp = 0;
  if (!read_u8(source_, action.value, "VLAN priority", pcp)) return false;
  if (pcp > 7) return source_.fail(action.value, "VLAN priority must be 0 to 7");
  return put_vlan(action, FieldId::kVlanPcp, pcp, to_lower(action.key[0]) == 'm');
}
bool ActionParser::mod_vlan_pcp(const Pair& action) { return set_vlan_pcp(action); }

bool ActionParser::pop_vlan(const Pair& action) {
  if (premises_ != nullptr) {
    if (!premises_->tagged[0] && !inconsistent(action.key, "the match has no VLAN tag"))
      return false;
    premises_->pop_tag();
  }
  return put(PopVlan{});
}

bool ActionParser::push_vlan(const Pair& action) {
  PushVlan to;
  if (!read_u16(source_, action.value, "ethertype", to.eth_type)) return false;
  if (to.eth_type != 0x8100 && to.eth_type != 0x88a8)
    return source_.fail(action.value, "ethertype of a VLAN tag must be 0x8100 or 0x88a8");
  if (premises_ != nullptr) {
    if (premises_->tagged[1]) return source_.fail(action.key, "there are two VLAN tags already");
    premises_->push_tag();
  }
  return put(to);
}

bool ActionParser::mod_dl_src(const Pair& action) {
  std::uint64_t address = 0;
  return read_mac(source_, action.value, address) && put_set_number(FieldId::kEthSrc, address);
}
bool ActionParser::mod_dl_dst(const Pair& action) {
  std::uint64_t address = 0;
  return read_mac(source_, action.value, address) && put_set_number(FieldId::kEthDst, address);
}
bool ActionParser::mod_nw_src(const Pair& action) {
  std::uint32_t address = 0;
  return read_ipv4(source_, action.value, address) && need_ipv4(action.key) &&
         put_set_number(FieldId::kIpSrc, address);
}
bool ActionParser::mod_nw_dst(const Pair& action) {
  std::uint32_t address = 0;
  return read_ipv4(source_, action.value, address) && need_ipv4(action.key) &&
         put_set_number(FieldId::kIpDst, address);
}

bool ActionParser::mod_nw_tos(const Pair& action) {
  std::uint8_t tos = 0;
  if (!read_u8(source_, action.value, "type of service", tos)) return false;
  if ((tos & 3) != 0) return source_.fail(action.value, "the two ECN bits must be 0");
  return need_ip(action.key) && put_set_number(FieldId::kIpDscp, tos >> 2);
}
bool ActionParser::mod_nw_ecn(const Pair& action) {
  std::uint8_t ecn = 0;
  if (!read_u8(source_, action.value, "ECN", ecn)) return false;
  if (ecn > 3) return source_.fail(action.value, "ECN must be 0 to 3");
  return need_ip(action.key) && put_set_number(FieldId::kIpEcn, ecn);
}
bool ActionParser::mod_nw_ttl(const Pair& action) {
  SetIpTtl to;
  return read_u8(source_, action.value, "TTL", to.ttl) && need_ip(action.key) && put(to);
}

bool ActionParser::mod_tp_src(const Pair& action) { return put_port(action, true); }
bool ActionParser::mod_tp_dst(const Pair& action) { return put_port(action, false); }

bool ActionParser::put_port(const Pair& action, bool source_port) {
  std::uint16_t port = 0;
  if (!read_u16(source_, action.value, "port", port)) return false;
  constexpr FieldId kPorts[][2] = {{FieldId::kTcpSrc, FieldId::kTcpDst},
                                   {FieldId::kUdpSrc, FieldId::kUdpDst},
                                   {FieldId::kSctpSrc, FieldId::kSctpDst}};
  for (const auto& ports : kPorts)
    if (premises_ != nullptr && premises_->meets(ports[0]))
      return put_set_number(ports[source_port ? 0 : 1], port);
  if (premises_ != nullptr && !inconsistent(action.key, "the match is not of TCP, UDP or SCTP"))
    return false;
  return put(LegacySet{source_port ? LegacySet::Kind::kTpSrc : LegacySet::Kind::kTpDst, port, 0});
}

bool ActionParser::dec_ttl(const Pair& action) {
  DecTtl to;
  std::string_view rest = action.value;
  std::string_view id;
  while (next_token(rest, ", ", id))
    to.controller_ids.push_back(static_cast<std::uint16_t>(lenient_number(id)));
  if (to.controller_ids.empty() && !action.value.empty())
    return source_.fail(action.value, "expected controller IDs");
  to.with_ids = !action.value.empty();
  return need_ip(action.key) && put(std::move(to));
}

bool ActionParser::set_mpls_label(const Pair& action) {
  std::uint32_t label = 0;
  if (!read_u32(source_, action.value, "MPLS label", label)) return false;
  if (label > 0xfffff) return source_.fail(action.value, "an MPLS label has 20 bits");
  return need_mpls(action.key) && put_set_number(FieldId::kMplsLabel, label);
}
bool ActionParser::set_mpls_tc(const Pair& action) {
  std::uint8_t tc = 0;
  if (!read_u8(source_, action.value, "MPLS traffic class", tc)) return false;
  if (tc > 7) return source_.fail(action.value, "MPLS traffic class must be 0 to 7");
  return need_mpls(action.key) && put_set_number(FieldId::kMplsTc, tc);
}
bool ActionParser::set_mpls_ttl(const Pair& action) {
  SetMplsTtl to;
  return read_u8(source_, action.value, "MPLS TTL", to.ttl) && need_mpls(action.key) && put(to);
}
bool ActionParser::dec_mpls_ttl(const Pair& action) {
  return need_mpls(action.key) && put(DecMplsTtl{});
}

bool ActionParser::push_mpls(const Pair& action) {
  PushMpls to;
  if (!read_u16(source_, action.value, "ethertype", to.eth_type)) return false;
  if (premises_ != nullptr) {
    if (premises_->packet_type != 0 &&
        !inconsistent(action.key, "the match is not of Ethernet packets"))
      return false;
    premises_->eth_type = to.eth_type;
    premises_->ip_proto = 0;
  }
  return put(to);
}
bool ActionParser::pop_mpls(const Pair& action) {
  PopMpls to;
  if (!read_u16(source_, action.value, "ethertype", to.eth_type)) return false;
  if (premises_ != nullptr) {
    if (premises_->packet_type != 0 &&
        !inconsistent(action.key, "the match is not of Ethernet packets"))
      return false;
    if (!need_mpls(action.key)) return false;
    premises_->eth_type = to.eth_type;
  }
  return put(to);
}

bool ActionParser::dec_nsh_ttl(const Pair& action) {
  if (premises_ != nullptr && premises_->packet_type != 0x1894f &&
      premises_->eth_type != eth_type::kNsh && !inconsistent(action.key, "the match is not of NSH"))
    return false;
  return put(DecNshTtl{});
}

bool ActionParser::delete_field(const Pair& action) {
  const auto id = field_by_any_name(action.value);
  if (!id || !is_tun_metadata(*id))
    return source_.fail(action.value, "expected a tun_metadata field");
  return put(DeleteField{*id});
}

bool ActionParser::set_tunnel(const Pair& action) {
  std::uint64_t id = 0;
  return read_u64(source_, action.value, "tunnel ID", id) && put_set_number(FieldId::kTunId, id);
}

bool ActionParser::set_queue(const Pair& action) {
  SetQueue to;
  return read_u32(source_, action.value, "queue", to.queue) && put(to);
}
bool ActionParser::pop_queue(const Pair&) { return put(PopQueue{}); }

bool ActionParser::fin_timeout(const Pair& action) {
  FinTimeout to;
  Lexer lexer(action.value);
  Pair option;
  while (lexer.next(option)) {
    const bool idle = option.key == "idle_timeout";
    if (!idle && option.key != "hard_timeout")
      return source_.fail(option.key, "expected idle_timeout or hard_timeout");
    if (!read_u16(source_, option.value, "timeout", idle ? to.idle_timeout : to.hard_timeout))
      return false;
  }
  if (premises_ != nullptr && premises_->ip_proto != ip_proto::kTcp &&
      !inconsistent(action.key, "the match is not of TCP"))
    return false;
  return put(to);
}

bool ActionParser::resubmit(const Pair& action) {
  Resubmit to;
  std::string_view rest = action.value;
  std::string_view part[3];
  for (std::string_view& token : part) {
    token = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), token.size() + 1));
  }
  if (!part[0].empty()) {
    std::uint16_t port = 0;
    if (!source_.to_port16(part[0], port))
      return source_.fail(part[0], quoted(part[0]) + " is no port");
    to.in_port = port_from16(port);
  }
  if (!part[1].empty() && !read_table(source_, part[1], to.table)) return false;
  if (!part[2].empty() && part[2] != "ct") return source_.fail(part[2], "expected \"ct\"");
  to.ct = !part[2].empty();
  if (to.in_port == kPortInPort && to.table == kAllTables)
    return source_.fail(action.value.empty() ? action.key : action.value,
                        "expected a port or a table");
  if (to.ct && premises_ != nullptr && !premises_->meets(FieldId::kCtNwProto))
    return source_.fail(part[2], "the match lacks a ct_state of a tracked connection");
  return put(to);
}

/// "ID,CLAUSE/COUNT" with blanks anywhere between.
bool ActionParser::conjunction(const Pair& action) {
  const char* at = action.value.data();
  const char* const end = at + action.value.size();
  std::uint64_t id = 0;
  std::uint64_t clause = 0;
  std::uint64_t count = 0;
  const auto skip = [&](char delimiter) {
    while (at != end && *at == ' ') ++at;
    if (at == end || *at != delimiter) return false;
    ++at;
    return true;
  };
  if (scan_number(at, end, 0, id) != Scan::kOk || !skip(',') ||
      scan_number(at, end, 10, clause) != Scan::kOk || !skip('/') ||
      scan_number(at, end, 10, count) != Scan::kOk)
    return source_.fail(at, "expected ID,CLAUSE/COUNT");
  while (at != end && *at == ' ') ++at;
  if (at != end) return source_.fail(at, "unexpected text behind a conjunction");
  if (count < 2 || count > 64)
    return source_.fail(action.value, "a conjunction has 2 to 64 clauses");
  if (clause < 1 || clause > count)
    return source_.fail(action.value, "the clause must be 1 to " + std::to_string(count));
  return put(Conjunction{static_cast<std::uint32_t>(id), static_cast<std::uint8_t>(clause - 1),
                         static_cast<std::uint8_t>(count)});
}

bool ActionParser::note(const Pair& action) {
  Note to;
  return read_bytes(source_, action.value, '.', to.bytes) && put(std::move(to));
}

bool ActionParser::exit(const Pair&) { return put(Exit{}); }
bool ActionParser::ct_clear(const Pair&) { return put(CtClear{}); }

bool ActionParser::meter(const Pair& action) {
  MeterAction to;
  if (!read_u32(source_, action.value, "meter ID", to.meter.value)) return false;
  if (premises_ != nullptr && (to.meter.value == 0 || to.meter.value > 0xffff0000))
    return source_.fail(action.value, "meter ID must be 1 to 0xffff0000");
  return put(to);
}

bool ActionParser::clear_actions(const Pair&) {
  instructions_->clear_actions = true;
  return true;
}

bool ActionParser::write_metadata(const Pair& action) {
  WriteMetadata to;
  const std::size_t slash = action.value.find('/');
  if (!read_u64(source_, action.value.substr(0, slash), "number", to.value)) return false;
  if (slash != std::string_view::npos &&
      !read_u64(source_, action.value.substr(slash + 1), "mask", to.mask))
    return false;
  instructions_->write_metadata = to;
  return true;
}

bool ActionParser::goto_table(const Pair& action) {
  TableId to;
  if (!read_table(source_, action.value, to)) return false;
  if (premises_ != nullptr && table_ != kAllTables && to <= table_)
    return source_.fail(action.value,
                        "goto_table must lead behind table " + std::to_string(table_.value));
  instructions_->goto_table = to;
  return true;
}

bool ActionParser::sample(const Pair& action) {
  Sample to;
  const auto id_or_field = [&](std::string_view token, std::uint32_t& number,
                               std::optional<Subfield>& field) {
    std::uint64_t value = 0;
    if (to_unsigned(token, value) && value <= 0xffffffff) {
      number = static_cast<std::uint32_t>(value);
      return true;
    }
    Subfield subfield;
    if (!read_subfield(source_, token, subfield)) return false;
    if (subfield.bits > 32) return source_.fail(token, "the field has more than 32 bits");
    field = subfield;
    return true;
  };
  Lexer lexer(action.value);
  Pair option;
  while (lexer.next(option)) {
    const std::string_view value = option.value;
    bool good = true;
    if (option.key == "probability") {
      good = read_u16(source_, value, "probability", to.probability) &&
             (to.probability != 0 || source_.fail(value, "probability must be 1 to 65535"));
    } else if (option.key == "collector_set_id") {
      good = read_u32(source_, value, "collector set", to.collector_set_id);
    } else if (option.key == "obs_domain_id") {
      good = id_or_field(value, to.obs_domain_id, to.obs_domain);
    } else if (option.key == "obs_point_id") {
      good = id_or_field(value, to.obs_point_id, to.obs_point);
    } else if (option.key == "sampling_port") {
      std::uint16_t port = 0;
      good = source_.to_port16(value, port) || source_.fail(value, quoted(value) + " is no port");
      to.sampling_port = port_from16(port);
    } else if (option.key == "ingress") {
      to.direction = Sample::Direction::kIngress;
    } else if (option.key == "egress") {
      to.direction = Sample::Direction::kEgress;
    } else {
      good = source_.fail(option.key, "unknown option of sample");
    }
    if (!good) return false;
  }
  if (to.probability == 0) return source_.fail(action.key, "sample needs a probability");
  if (to.obs_domain || to.obs_point)
    to.form = Sample::Form::kSample4;
  else if (to.direction != Sample::Direction::kDefault)
    to.form = Sample::Form::kSample3;
  else if (to.sampling_port != kPortAny)
    to.form = Sample::Form::kSample2;
  return put(to);
}

}  // namespace antrea::openflow::detail
