#include <cstring>

#include "field_table.h"
#include "text_internal.h"
#include "tlv.h"

namespace antrea::openflow {
namespace detail {
namespace {

std::span<const std::byte> bytes_of(const std::vector<std::uint8_t>& bytes) {
  return std::as_bytes(std::span(bytes));
}

template <std::size_t kCount>
void print_name(std::string& out, const std::string_view (&names)[kCount], std::size_t index) {
  if (index < kCount)
    out += names[index];
  else
    print(out, "{}", index);
}

/// Items joined by commas inside NAME(...). Each item is printed behind a call of `next`.
class List {
 public:
  List(std::string& out, std::string_view name) : out_(out) {
    out_ += name;
    out_ += '(';
  }
  ~List() { out_ += ')'; }
  List(const List&) = delete;
  List& operator=(const List&) = delete;

  std::string& next() {
    if (!first_) out_ += ',';
    first_ = false;
    return out_;
  }
  void word(std::string_view word) { next() += word; }
  void number(std::string_view name, std::uint64_t value) {
    next() += name;
    out_ += '=';
    print_number(out_, value);
  }
  void number_if(std::string_view name, std::uint64_t value) {
    if (value != 0) number(name, value);
  }

 private:
  std::string& out_;
  bool first_ = true;
};

void print_list(std::string& out, std::span<const Action> actions);

/// An address of NAT; IPv6 stands in brackets where a port follows.
void print_nat_address(std::string& out, const IpAddress& address, bool port_follows) {
  const bool brackets = port_follows && address.is_v6();
  if (brackets) out += '[';
  print_address(out, address);
  if (brackets) out += ']';
}

bool all_zero(const IpAddress& address) {
  for (const std::uint8_t byte : address.bytes())
    if (byte != 0) return false;
  return true;
}

struct ActionPrinter {
  std::string& out;

  void subfield(std::string_view name, const Subfield& field) const {
    out += name;
    print_subfield(out, field);
  }

  void number(std::string_view name, std::uint64_t value) const {
    out += name;
    print_number(out, value);
  }

  void operator()(const Output& a) const {
    if (a.port.value < 0xffffff00) out += "output:";
    print_port(out, a.port.value);
    if (a.port == kPortController) print(out, ":{}", a.max_len);
  }
  void operator()(const OutputReg& a) const { subfield("output:", a.source); }
  void operator()(const OutputTrunc& a) const {
    out += "output(port=";
    print_port(out, a.port.value);
    print(out, ",max_len={})", a.max_len);
  }
  void operator()(const GroupAction& a) const { number("group:", a.group.value); }
  void operator()(const SetField& a) const {
    const FieldInfo& row = info(a.field);
    out += "set_field:";
    const std::span<const std::byte> wide(a.wide);
    const auto zero = [](std::byte byte) { return byte == std::byte{0}; };
    const bool exact =
        is_tun_metadata(a.field) ? !written_masked(a) : FieldValue::ones(row.bits).within(a.mask);
    if (!a.wide.empty()) {
      const auto mask = wide.subspan(a.length);
      if (std::ranges::all_of(mask, zero)) {
        out += "ANY";
      } else {
        print_hex(out, wide.first(a.length));
        if (!exact) {
          out += '/';
          print_hex(out, mask);
        }
      }
    } else if (a.mask.zero()) {
      out += "ANY";
    } else {
      print_value(out, a.field, {a.value, a.mask}, exact);
    }
    out += "->";
    out += row.name;
  }
  void operator()(const Move& a) const {
    subfield("move:", a.source);
    subfield("->", a.target);
  }
  void operator()(const Resubmit& a) const {
    if (a.in_port != kPortInPort && a.table == TableId{255}) {
      out += "resubmit:";
      return print_port(out, a.in_port.value);
    }
    List list(out, "resubmit");
    list.next();
    if (a.in_port != kPortInPort) print_port(out, a.in_port.value);
    list.next();
    if (a.table != TableId{255}) print_number(out, a.table.value);
    if (a.ct) list.word("ct");
  }
  void operator()(const Ct& a) const {
    List list(out, "ct");
    if (a.commit) list.word("commit");
    if (a.force) list.word("force");
    if (a.table) list.number("table", a.table->value);
    if (a.zone_source) {
      list.next();
      subfield("zone=", *a.zone_source);
    } else {
      list.number_if("zone", a.zone);
    }
    std::span<const Action> actions(a.actions);
    // A nat in front stands outside of exec.
    if (!actions.empty() && std::holds_alternative<Nat>(actions.front())) {
      list.next();
      (*this)(std::get<Nat>(actions.front()));
      actions = actions.subspan(1);
    }
    if (!actions.empty()) {
      list.word("exec(");
      print_list(out, actions);
      out += ')';
    }
    if (a.alg == 21)
      list.word("alg=ftp");
    else if (a.alg == 69)
      list.word("alg=tftp");
    else
      list.number_if("alg", a.alg);
  }
  void operator()(const Nat& a) const {
    out += "nat";
    if (!a.src && !a.dst) return;
    List list(out, "");
    list.word(a.src ? "src" : "dst");
    if (!a.address_min) return;  // neither ports nor flags mean anything then
    const bool port = a.port_min && *a.port_min != 0;
    out += '=';
    print_nat_address(out, *a.address_min, port);
    if (a.address_max && *a.address_max != *a.address_min && !all_zero(*a.address_max)) {
      out += '-';
      print_nat_address(out, *a.address_max, port);
    }
    if (port) {
      print(out, ":{}", *a.port_min);
      if (a.port_max && *a.port_max != 0 && *a.port_max != *a.port_min)
        print(out, "-{}", *a.port_max);
    }
    if (a.persistent) list.word("persistent");
    if (a.hash) list.word("hash");
    if (a.random) list.word("random");
  }
  void operator()(const Learn& a) const {
    List list(out, "learn");
    list.number("table", a.table.value);
    list.number_if("idle_timeout", a.idle_timeout);
    list.number_if("hard_timeout", a.hard_timeout);
    list.number_if("fin_idle_timeout", a.fin_idle_timeout);
    list.number_if("fin_hard_timeout", a.fin_hard_timeout);
    if (a.priority != 0x8000) list.number("priority", a.priority);
    if (a.send_flow_rem) list.word("send_flow_rem");
    if (a.delete_learned) list.word("delete_learned");
    if (a.cookie != 0) print(list.next(), "cookie=0x{:x}", a.cookie);
    list.number_if("limit", a.limit);
    if (a.result) {
      list.next();
      subfield("result_dst=", *a.result);
    }
    for (const LearnSpec& spec : a.specs) {
      list.next();
      learn_spec(spec);
    }
  }
  void operator()(const Conjunction& a) const {
    print(out, "conjunction({},{}/{})", a.id, a.clause + 1, a.count);
  }
  void operator()(const Controller& a) const {
    if (a.reason == 1 && a.controller_id == 0 && a.userdata.empty() && !a.pause && !a.meter)
      return print(out, "CONTROLLER:{}", a.max_len);
    List list(out, "controller");
    if (a.reason != 1) {
      list.word("reason=");
      print_packet_in_reason(out, a.reason);
    }
    if (a.max_len != 0xffff) list.number("max_len", a.max_len);
    list.number_if("id", a.controller_id);
    if (!a.userdata.empty()) {
      list.word("userdata=");
      print_dotted(out, bytes_of(a.userdata));
    }
    if (a.pause) list.word("pause");
    if (a.meter) list.number("meter_id", a.meter->value);
  }
  void operator()(const DecTtl& a) const {
    if (a.controller_ids.empty() && !a.with_ids) {
      out += "dec_ttl";
      return;
    }
    List list(out, "dec_ttl");
    for (const std::uint16_t id : a.controller_ids) print(list.next(), "{}", id);
  }
  void operator()(const SetIpTtl& a) const { print(out, "mod_nw_ttl:{}", a.ttl); }
  void operator()(const PushVlan& a) const {
    out += "push_vlan:";
    print_hex(out, a.eth_type);
  }
  void operator()(const PopVlan&) const { out += "pop_vlan"; }
  void operator()(const PushMpls& a) const { print(out, "push_mpls:0x{:04x}", a.eth_type); }
  void operator()(const PopMpls& a) const { print(out, "pop_mpls:0x{:04x}", a.eth_type); }
  void operator()(const SetMplsTtl& a) const { print(out, "set_mpls_ttl({})", a.ttl); }
  void operator()(const DecMplsTtl&) const { out += "dec_mpls_ttl"; }
  void operator()(const SetQueue& a) const { number("set_queue:", a.queue); }
  void operator()(const PopQueue&) const { out += "pop_queue"; }
  void operator()(const MeterAction& a) const { number("meter:", a.meter.value); }
  void operator()(const Note& a) const {
    out += "note:";
    print_dotted(out, bytes_of(a.bytes));
    const std::size_t size = a.bytes.size();
    const std::size_t padded = size <= 6 ? 6 : 6 + (size - 6 + 7) / 8 * 8;
    for (std::size_t i = size; i < padded; ++i) out += i == 0 ? "00" : ".00";
  }
  void operator()(const Clone& a) const {
    out += "clone(";
    print_actions(out, a.actions);
    out += ')';
  }
  void operator()(const CtClear&) const { out += "ct_clear"; }
  void operator()(const Exit&) const { out += "exit"; }
  void operator()(const FinTimeout& a) const {
    List list(out, "fin_timeout");
    list.number_if("idle_timeout", a.idle_timeout);
    list.number_if("hard_timeout", a.hard_timeout);
  }
  void operator()(const StackPush& a) const { subfield("push:", a.source); }
  void operator()(const StackPop& a) const { subfield("pop:", a.target); }
  void operator()(const Multipath& a) const {
    List list(out, "multipath");
    list.next();
    print_name(out, kHashFields, a.fields);
    print(list.next(), "{}", a.basis);
    list.next();
    print_name(out, kMultipathAlgorithms, a.algorithm);
    print(list.next(), "{}", a.max_link + 1);
    print(list.next(), "{}", a.arg);
    print_subfield(list.next(), a.target);
  }
  void operator()(const BundleLinks& a) const {
    List list(out, a.target ? "bundle_load" : "bundle");
    list.next();
    print_name(out, kHashFields, a.fields);
    print(list.next(), "{}", a.basis);
    list.next();
    print_name(out, kBundleAlgorithms, a.algorithm);
    list.word("ofport");
    if (a.target) print_subfield(list.next(), *a.target);
    list.word("members:");
    for (std::size_t i = 0; i < a.members.size(); ++i) {
      if (i > 0) out += ',';
      print_port(out, a.members[i].value);
    }
  }
  void operator()(const Sample& a) const {
    List list(out, "sample");
    list.number("probability", a.probability);
    list.number("collector_set_id", a.collector_set_id);
    observation(list, "obs_domain_id=", a.obs_domain, a.obs_domain_id);
    observation(list, "obs_point_id=", a.obs_point, a.obs_point_id);
    if (a.sampling_port != kPortAny) {
      list.word("sampling_port=");
      print_port(out, a.sampling_port.value);
    }
    if (a.direction == Sample::Direction::kIngress) list.word("ingress");
    if (a.direction == Sample::Direction::kEgress) list.word("egress");
  }
  void operator()(const Encap& a) const {
    List encap(out, "encap");
    encap.word(a.packet_type == 0         ? "ethernet"
               : a.packet_type == 0x1894f ? "nsh"
               : a.packet_type == 0x18847 ? "mpls"
               : a.packet_type == 0x18848 ? "mpls_mc"
                                          : "UNKNOWN");
    if (!a.nsh_md_type && a.nsh_tlvs.empty()) return;
    List list(out, "");
    if (a.nsh_md_type) list.number("md_type", *a.nsh_md_type);
    for (const Encap::Tlv& tlv : a.nsh_tlvs) {
      print(list.next(), "tlv(0x{:04x},{},", tlv.tlv_class, tlv.type);
      print_hex(out, bytes_of(tlv.data));
      out += ')';
    }
  }
  void operator()(const Decap& a) const {
    List list(out, "decap");
    if (a.packet_type == 0xfffe) return;
    print(list.next(), "packet_type(ns={},type=", a.packet_type >> 16);
    print_hex(out, a.packet_type & 0xffff);
    out += ')';
  }
  void operator()(const DecNshTtl&) const { out += "dec_nsh_ttl"; }
  void operator()(const CheckPktLarger& a) const {
    print(out, "check_pkt_larger({})", a.length);
    subfield("->", a.target);
  }
  void operator()(const DeleteField& a) const { print(out, "delete_field:{}", info(a.field).name); }
  void operator()(const LegacySet& a) const {
    using Kind = LegacySet::Kind;
    const auto value = [&](std::string_view name, FieldId id) {
      out += name;
      print_value(out, id, {a.value, {}}, true);
    };
    switch (a.kind) {
      case Kind::kVlanVid:
        return print(out, "set_vlan_vid:{}", a.value);
      case Kind::kVlanPcp:
        return print(out, "set_vlan_pcp:{}", a.value);
      case Kind::kEthSrc:
        return value("mod_dl_src:", FieldId::kEthSrc);
      case Kind::kEthDst:
        return value("mod_dl_dst:", FieldId::kEthDst);
      case Kind::kIpSrc:
        return value("mod_nw_src:", FieldId::kIpSrc);
      case Kind::kIpDst:
        return value("mod_nw_dst:", FieldId::kIpDst);
      case Kind::kIpTos:
        return print(out, "mod_nw_tos:{}", a.value);
      case Kind::kIpEcn:
        return print(out, "mod_nw_ecn:{}", a.value);
      case Kind::kTpSrc:
        return print(out, "mod_tp_src:{}", a.value);
      case Kind::kTpDst:
        return print(out, "mod_tp_dst:{}", a.value);
      case Kind::kMplsLabel:
        return print(out, "set_mpls_label({})", a.value);
      case Kind::kMplsTc:
        return print(out, "set_mpls_tc({})", a.value);
      case Kind::kTunnel:
      case Kind::kTunnel64:
        break;
    }
    out += a.kind == Kind::kTunnel64 || a.value > 0xffffffff ? "set_tunnel64:" : "set_tunnel:";
    print_hex(out, a.value);
  }
  void operator()(const UnknownAction& a) const { print(out, "unknown({} bytes)", a.bytes.size()); }

 private:
  void observation(List& list, std::string_view name, const std::optional<Subfield>& source,
                   std::uint32_t number) const {
    list.word(name);
    if (source)
      print_subfield(out, *source);
    else
      print(out, "{}", number);
  }
  void immediate(const LearnSpec& spec) const {
    if (spec.wide.empty())
      print_hex(out, spec.value);
    else
      print_hex(out, std::span<const std::byte>(spec.wide));
  }
  void learn_spec(const LearnSpec& spec) const {
    switch (spec.target) {
      case LearnSpec::Target::kOutput:
        return subfield("output:", *spec.source);
      case LearnSpec::Target::kLoad:
        out += "load:";
        if (spec.source)
          print_subfield(out, *spec.source);
        else
          immediate(spec);
        return subfield("->", spec.destination);
      case LearnSpec::Target::kMatch:
        break;
    }
    const FieldInfo& row = info(spec.destination.field);
    if (spec.source) {
      print_subfield(out, spec.destination);
      const bool same = spec.source->field == spec.destination.field &&
                        spec.source->offset == spec.destination.offset;
      if (!same) subfield("=", *spec.source);
    } else if (spec.destination.offset == 0 && spec.bits == whole_bits(row.id) &&
               spec.wide.empty()) {
      print(out, "{}=", row.name);
      print_value(out, row.id, {spec.value, {}}, true);
    } else {
      print_subfield(out, spec.destination);
      out += '=';
      immediate(spec);
    }
  }
};

void print_list(std::string& out, std::span<const Action> actions) {
  for (std::size_t i = 0; i < actions.size(); ++i) {
    if (i > 0) out += ',';
    std::visit(ActionPrinter{out}, actions[i]);
  }
}

}  // namespace

void print_actions(std::string& out, const Actions& actions) {
  if (actions.empty())
    out += "drop";
  else
    print_list(out, actions);
}

void print_instructions(std::string& out, const Instructions& instructions) {
  if (instructions.empty()) {
    out += "drop";
    return;
  }
  bool first = true;
  const auto next = [&]() -> std::string& {
    if (!first) out += ',';
    first = false;
    return out;
  };
  if (!instructions.apply_actions.empty()) print_list(next(), instructions.apply_actions);
  if (instructions.clear_actions) next() += "clear_actions";
  if (!instructions.write_actions.empty() || instructions.write_nothing) {
    next() += "write_actions(";
    print_actions(out, instructions.write_actions);
    out += ')';
  }
  if (instructions.write_metadata) {
    next() += "write_metadata:";
    print_hex(out, instructions.write_metadata->value);
    if (instructions.write_metadata->mask != ~std::uint64_t{0}) {
      out += '/';
      print_hex(out, instructions.write_metadata->mask);
    }
  }
  if (instructions.goto_table) {
    next() += "goto_table:";
    print_number(out, instructions.goto_table->value);
  }
}

}  // namespace detail

std::string to_string(const Actions& actions) {
  std::string text;
  detail::print_actions(text, actions);
  return text;
}

std::string to_string(const Instructions& instructions) {
  std::string text;
  detail::print_instructions(text, instructions);
  return text;
}

}  // namespace antrea::openflow
