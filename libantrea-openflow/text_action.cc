#include <fmt/format.h>

#include <algorithm>

#include "field_table.h"
#include "text_internal.h"

namespace antrea::openflow {
namespace detail {
namespace {

template <std::size_t kCount>
std::string name_of(const std::string_view (&names)[kCount], std::size_t index) {
  return index < kCount ? std::string(names[index]) : std::to_string(index);
}

/// Items joined by commas inside NAME(...).
class List {
 public:
  explicit List(std::string name) : text_(std::move(name)) { text_ += '('; }
  void add(std::string_view item) {
    if (text_.back() != '(' || count_ > 0) text_ += ',';
    text_ += item;
    ++count_;
  }
  std::string close() {
    text_ += ')';
    return std::move(text_);
  }

 private:
  std::string text_;
  unsigned count_ = 0;
};

std::string bytes_text(const std::vector<std::uint8_t>& bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes)
    text += fmt::format("{}{:02x}", text.empty() ? "" : ".", byte);
  return text;
}

std::string list_text(const Actions& actions) {
  std::string text;
  for (const Action& action : actions) {
    if (!text.empty()) text += ',';
    text += action_text(action);
  }
  return text;
}

std::string address_text(const IpAddress& address, bool bracketed) {
  return bracketed && address.is_v6() ? "[" + address.to_string() + "]" : address.to_string();
}

struct ActionPrinter {
  std::string operator()(const Output& a) const {
    if (a.port == kPortController) return fmt::format("CONTROLLER:{}", a.max_len);
    if (a.port.value >= 0xffffff00) return port_text(a.port.value);
    return fmt::format("output:{}", a.port.value);
  }
  std::string operator()(const OutputReg& a) const { return "output:" + to_string(a.source); }
  std::string operator()(const OutputTrunc& a) const {
    return fmt::format("output(port={},max_len={})", port_text(a.port.value), a.max_len);
  }
  std::string operator()(const GroupAction& a) const {
    return fmt::format("group:{}", a.group.value);
  }
  std::string operator()(const SetField& a) const {
    const FieldInfo& row = info(a.field);
    const bool exact = row.bytes == 124
                           ? a.mask == FieldValue::ones(8U * (a.length == 0 ? 4U : a.length))
                           : a.mask == FieldValue::ones(row.bits);
    return fmt::format("set_field:{}->{}", value_text(a.field, {a.value, a.mask}, exact), row.name);
  }
  std::string operator()(const LegacySet& a) const {
    using Kind = LegacySet::Kind;
    const auto number = [&](const char* name) { return fmt::format("{}:{}", name, a.value); };
    const auto value = [&](const char* name, FieldId id) {
      return fmt::format("{}:{}", name, value_text(id, {a.value, FieldValue::ones(128)}, true));
    };
    switch (a.kind) {
      case Kind::kVlanVid:
        return number("set_vlan_vid");
      case Kind::kVlanPcp:
        return number("set_vlan_pcp");
      case Kind::kEthSrc:
        return value("mod_dl_src", FieldId::kEthSrc);
      case Kind::kEthDst:
        return value("mod_dl_dst", FieldId::kEthDst);
      case Kind::kIpSrc:
        return value("mod_nw_src", FieldId::kIpSrc);
      case Kind::kIpDst:
        return value("mod_nw_dst", FieldId::kIpDst);
      case Kind::kIpTos:
        return number("mod_nw_tos");
      case Kind::kIpEcn:
        return number("mod_nw_ecn");
      case Kind::kTpSrc:
        return number("mod_tp_src");
      case Kind::kTpDst:
        return number("mod_tp_dst");
      case Kind::kMplsLabel:
        return fmt::format("set_mpls_label({})", a.value);
      case Kind::kMplsTc:
        return fmt::format("set_mpls_tc({})", a.value);
      case Kind::kTunnel:
      case Kind::kTunnel64:
        break;
    }
    const bool wide = a.kind == Kind::kTunnel64 || a.value > 0xffffffff;
    return fmt::format("set_tunnel{}:{:#x}", wide ? "64" : "", a.value);
  }
  std::string operator()(const Move& a) const {
    return fmt::format("move:{}->{}", to_string(a.source), to_string(a.target));
  }
  std::string operator()(const Resubmit& a) const {
    if (a.table == TableId{255} && !a.ct) return "resubmit:" + port_text(a.in_port.value);
    List list("resubmit");
    list.add(a.in_port == kPortInPort ? "" : port_text(a.in_port.value));
    list.add(a.table == TableId{255} ? "" : std::to_string(a.table.value));
    if (a.ct) list.add("ct");
    return list.close();
  }
  std::string operator()(const Ct& a) const {
    List list("ct");
    if (a.commit) list.add("commit");
    if (a.force) list.add("force");
    if (a.table) list.add(fmt::format("table={}", a.table->value));
    if (a.zone_source)
      list.add("zone=" + to_string(*a.zone_source));
    else if (a.zone != 0)
      list.add(fmt::format("zone={}", a.zone));
    Actions exec;
    for (const Action& inner : a.actions) {
      if (const auto* nat = std::get_if<Nat>(&inner))
        list.add((*this)(*nat));
      else
        exec.push_back(inner);
    }
    if (!exec.empty()) list.add("exec(" + list_text(exec) + ")");
    if (a.alg != 0)
      list.add(a.alg == 21 ? "alg=ftp" : a.alg == 69 ? "alg=tftp" : fmt::format("alg={}", a.alg));
    return list.close();
  }
  std::string operator()(const Nat& a) const {
    if (!a.src && !a.dst) return "nat";
    std::string direction = a.src ? "src" : "dst";
    if (a.address_min) {
      const bool brackets = a.port_min.has_value();
      direction += "=" + address_text(*a.address_min, brackets);
      if (a.address_max && *a.address_max != *a.address_min)
        direction += "-" + address_text(*a.address_max, brackets);
    }
    if (a.port_min) {
      direction += a.address_min ? ":" : "=:";
      direction += std::to_string(*a.port_min);
      if (a.port_max && *a.port_max != *a.port_min) direction += "-" + std::to_string(*a.port_max);
    }
    List list("nat");
    list.add(direction);
    if (a.persistent) list.add("persistent");
    if (a.hash) list.add("hash");
    if (a.random) list.add("random");
    return list.close();
  }
  std::string operator()(const Learn& a) const {
    List list("learn");
    list.add(fmt::format("table={}", a.table.value));
    const auto number = [&](const char* name, std::uint64_t value) {
      if (value != 0) list.add(fmt::format("{}={}", name, value));
    };
    number("idle_timeout", a.idle_timeout);
    number("hard_timeout", a.hard_timeout);
    number("fin_idle_timeout", a.fin_idle_timeout);
    number("fin_hard_timeout", a.fin_hard_timeout);
    if (a.priority != 0x8000) list.add(fmt::format("priority={}", a.priority));
    if (a.send_flow_rem) list.add("send_flow_rem");
    if (a.delete_learned) list.add("delete_learned");
    if (a.cookie != 0) list.add(fmt::format("cookie={:#x}", a.cookie));
    number("limit", a.limit);
    if (a.result) list.add("result_dst=" + to_string(*a.result));
    for (const LearnSpec& spec : a.specs) list.add(spec_text(spec));
    return list.close();
  }
  std::string operator()(const Conjunction& a) const {
    return fmt::format("conjunction({},{}/{})", a.id, a.clause + 1, a.count);
  }
  std::string operator()(const Controller& a) const {
    if (a.reason == 1 && a.controller_id == 0 && a.userdata.empty() && !a.pause && !a.meter)
      return fmt::format("CONTROLLER:{}", a.max_len);
    List list("controller");
    if (a.reason != 1) list.add("reason=" + name_of(kControllerReasons, a.reason));
    if (a.max_len != 0xffff) list.add(fmt::format("max_len={}", a.max_len));
    if (a.controller_id != 0) list.add(fmt::format("id={}", a.controller_id));
    if (!a.userdata.empty()) list.add("userdata=" + bytes_text(a.userdata));
    if (a.pause) list.add("pause");
    if (a.meter) list.add(fmt::format("meter_id={}", a.meter->value));
    return list.close();
  }
  std::string operator()(const DecTtl& a) const {
    if (a.controller_ids.empty()) return "dec_ttl";
    List list("dec_ttl");
    for (const std::uint16_t id : a.controller_ids) list.add(std::to_string(id));
    return list.close();
  }
  std::string operator()(const SetIpTtl& a) const { return fmt::format("mod_nw_ttl:{}", a.ttl); }
  std::string operator()(const PushVlan& a) const {
    return fmt::format("push_vlan:{:#06x}", a.eth_type);
  }
  std::string operator()(const PopVlan&) const { return "pop_vlan"; }
  std::string operator()(const PushMpls& a) const {
    return fmt::format("push_mpls:0x{:04x}", a.eth_type);
  }
  std::string operator()(const PopMpls& a) const {
    return fmt::format("pop_mpls:0x{:04x}", a.eth_type);
  }
  std::string operator()(const SetMplsTtl& a) const {
    return fmt::format("set_mpls_ttl({})", a.ttl);
  }
  std::string operator()(const DecMplsTtl&) const { return "dec_mpls_ttl"; }
  std::string operator()(const SetQueue& a) const { return fmt::format("set_queue:{}", a.queue); }
  std::string operator()(const PopQueue&) const { return "pop_queue"; }
  std::string operator()(const MeterAction& a) const {
    return fmt::format("meter:{}", a.meter.value);
  }
  std::string operator()(const Note& a) const {
    auto bytes = a.bytes;
    bytes.resize(bytes.size() <= 6 ? 6 : 6 + (bytes.size() - 6 + 7) / 8 * 8);
    return "note:" + bytes_text(bytes);
  }
  std::string operator()(const Clone& a) const { return "clone(" + list_text(a.actions) + ")"; }
  std::string operator()(const CtClear&) const { return "ct_clear"; }
  std::string operator()(const Exit&) const { return "exit"; }
  std::string operator()(const FinTimeout& a) const {
    List list("fin_timeout");
    if (a.idle_timeout != 0) list.add(fmt::format("idle_timeout={}", a.idle_timeout));
    if (a.hard_timeout != 0) list.add(fmt::format("hard_timeout={}", a.hard_timeout));
    return list.close();
  }
  std::string operator()(const StackPush& a) const { return "push:" + to_string(a.source); }
  std::string operator()(const StackPop& a) const { return "pop:" + to_string(a.target); }
  std::string operator()(const Multipath& a) const {
    return fmt::format("multipath({},{},{},{},{},{})", name_of(kHashFields, a.fields), a.basis,
                       name_of(kMultipathAlgorithms, a.algorithm), a.max_link + 1, a.arg,
                       to_string(a.target));
  }
  std::string operator()(const BundleLinks& a) const {
    std::string members;
    for (const PortNo member : a.members)
      members +=
          (members.empty() ? "" : ",") + (member == kPortAny ? "NONE" : port_text(member.value));
    return fmt::format("{}({},{},{},ofport,{}members:{})", a.target ? "bundle_load" : "bundle",
                       name_of(kHashFields, a.fields), a.basis,
                       name_of(kBundleAlgorithms, a.algorithm),
                       a.target ? to_string(*a.target) + "," : "", members);
  }
  std::string operator()(const Sample& a) const {
    List list("sample");
    list.add(fmt::format("probability={}", a.probability));
    list.add(fmt::format("collector_set_id={}", a.collector_set_id));
    list.add("obs_domain_id=" +
             (a.obs_domain ? to_string(*a.obs_domain) : std::to_string(a.obs_domain_id)));
    list.add("obs_point_id=" +
             (a.obs_point ? to_string(*a.obs_point) : std::to_string(a.obs_point_id)));
    if (a.sampling_port != kPortAny) list.add("sampling_port=" + port_text(a.sampling_port.value));
    if (a.direction == Sample::Direction::kIngress) list.add("ingress");
    if (a.direction == Sample::Direction::kEgress) list.add("egress");
    return list.close();
  }
  std::string operator()(const Encap& a) const {
    switch (a.packet_type) {
      case 0:
        return "encap(ethernet)";
      case 0x18847:
        return "encap(mpls)";
      case 0x18848:
        return "encap(mpls_mc)";
      case 0x1894f:
        break;
      default:
        return fmt::format("encap(packet_type({},{:#x}))", a.packet_type >> 16,
                           a.packet_type & 0xffff);
    }
    if (!a.nsh_md_type && a.nsh_tlvs.empty()) return "encap(nsh)";
    List list("nsh");
    if (a.nsh_md_type) list.add(fmt::format("md_type={}", *a.nsh_md_type));
    for (const Encap::Tlv& tlv : a.nsh_tlvs) {
      std::string data = "0x";
      for (const std::uint8_t byte : tlv.data) data += fmt::format("{:02x}", byte);
      list.add(fmt::format("tlv({:#06x},{},{})", tlv.tlv_class, tlv.type, data));
    }
    return "encap(" + list.close() + ")";
  }
  std::string operator()(const Decap& a) const {
    if (a.packet_type == 0xfffe) return "decap()";
    return fmt::format("decap(packet_type(ns={},type={}))", a.packet_type >> 16,
                       hex_text(a.packet_type & 0xffff));
  }
  std::string operator()(const DecNshTtl&) const { return "dec_nsh_ttl"; }
  std::string operator()(const CheckPktLarger& a) const {
    return fmt::format("check_pkt_larger({})->{}", a.length, to_string(a.target));
  }
  std::string operator()(const DeleteField& a) const {
    return fmt::format("delete_field:{}", info(a.field).name);
  }
  std::string operator()(const UnknownAction& a) const {
    return fmt::format("unknown({} bytes)", a.bytes.size());
  }

  static std::string spec_text(const LearnSpec& spec) {
    switch (spec.target) {
      case LearnSpec::Target::kOutput:
        return "output:" + to_string(*spec.source);
      case LearnSpec::Target::kLoad:
        return fmt::format("load:{}->{}",
                           spec.source ? to_string(*spec.source) : hex_text(spec.value),
                           to_string(spec.destination));
      case LearnSpec::Target::kMatch:
        break;
    }
    const FieldInfo& row = info(spec.destination.field);
    if (spec.source)
      return to_string(spec.destination) +
             (*spec.source == spec.destination ? "" : "=" + to_string(*spec.source));
    if (spec.destination.offset == 0 && spec.bits == row.bits)
      return fmt::format("{}={}", row.name,
                         value_text(row.id, {spec.value, FieldValue::ones(row.bits)}, true));
    return to_string(spec.destination) + "=" + hex_text(spec.value);
  }
};

}  // namespace

std::string action_text(const Action& action) { return std::visit(ActionPrinter{}, action); }

namespace {

std::string bucket_text(const Bucket& bucket, GroupType type) {
  std::string text = fmt::format("bucket=bucket_id:{}", bucket.id);
  // ovs-ofctl does not print the weight that is implied.
  if (bucket.weight && type == GroupType::kSelect)
    text += fmt::format(",weight:{}", *bucket.weight);
  if (bucket.watch_port) text += ",watch_port:" + port_text(bucket.watch_port->value);
  if (bucket.watch_group) text += fmt::format(",watch_group:{}", bucket.watch_group->value);
  text += ",actions=" + to_string(bucket.actions);
  return text;
}

std::string flags_text(std::uint16_t flags) {
  std::string text;
  for (const FlagName& flag : kFlowFlagNames)
    if ((flags & flag.bit) != 0) text += std::string(flag.name) + " ";
  return text;
}

std::string match_with_priority(std::uint16_t priority, const Match& match) {
  std::string text;
  if (priority != 0x8000) text = fmt::format("priority={}", priority);
  const std::string fields = to_string(match);
  if (!text.empty() && !fields.empty()) text += ',';
  return text + fields;
}

}  // namespace
}  // namespace detail

using detail::match_with_priority;

std::string to_string(const Actions& actions) {
  return actions.empty() ? "drop" : detail::list_text(actions);
}

std::string to_string(const Instructions& instructions) {
  std::string text;
  const auto add = [&](const std::string& item) { text += (text.empty() ? "" : ",") + item; };
  if (!instructions.apply_actions.empty()) add(detail::list_text(instructions.apply_actions));
  if (instructions.clear_actions) add("clear_actions");
  if (!instructions.write_actions.empty())
    add("write_actions(" + detail::list_text(instructions.write_actions) + ")");
  if (instructions.write_metadata) {
    const auto& metadata = *instructions.write_metadata;
    add("write_metadata:" + detail::hex_text(metadata.value) +
        (metadata.mask == ~std::uint64_t{0} ? "" : "/" + detail::hex_text(metadata.mask)));
  }
  if (instructions.goto_table) add(fmt::format("goto_table:{}", instructions.goto_table->value));
  return text.empty() ? "drop" : text;
}

std::string to_string(const Flow& flow) {
  std::string text;
  if (flow.cookie != 0) text += fmt::format("cookie={:#x}, ", flow.cookie);
  if (flow.table.value != 0) text += fmt::format("table={}, ", flow.table.value);
  if (flow.idle_timeout != 0) text += fmt::format("idle_timeout={}, ", flow.idle_timeout);
  if (flow.hard_timeout != 0) text += fmt::format("hard_timeout={}, ", flow.hard_timeout);
  text += detail::flags_text(flow.flags);
  if (flow.importance != 0) text += fmt::format("importance={}, ", flow.importance);
  const std::string match = match_with_priority(flow.priority, flow.match);
  text += match;
  if (!match.empty()) text += ' ';
  return text + "actions=" + to_string(static_cast<const Instructions&>(flow));
}

std::string to_string(const FlowMod& mod) {
  constexpr const char* kCommands[] = {"ADD", "MOD", "MOD_STRICT", "DEL", "DEL_STRICT"};
  const Flow& flow = mod.flow;
  std::string text = kCommands[static_cast<std::size_t>(mod.command)];
  if (flow.table.value != 0) text += fmt::format(" table:{}", flow.table.value);
  const std::string match = match_with_priority(flow.priority, flow.match);
  if (!match.empty()) text += " " + match;
  const bool no_cookie = flow.cookie == 0 || flow.cookie == ~std::uint64_t{0};
  if (!no_cookie || mod.cookie_mask != 0) {
    text += fmt::format(" cookie:{:#x}", flow.cookie);
    if (mod.cookie_mask != 0) text += "/" + detail::hex_text(mod.cookie_mask);
  }
  if (flow.idle_timeout != 0) text += fmt::format(" idle:{}", flow.idle_timeout);
  if (flow.hard_timeout != 0) text += fmt::format(" hard:{}", flow.hard_timeout);
  if (flow.importance != 0) text += fmt::format(" importance:{}", flow.importance);
  if (mod.buffer_id != 0xffffffff) text += fmt::format(" buf:{:#x}", mod.buffer_id);
  if (mod.out_port != kPortAny) text += " out_port:" + detail::port_text(mod.out_port.value);
  const std::string flags = detail::flags_text(flow.flags);
  text += " " + flags;
  return text + "actions=" + to_string(static_cast<const Instructions&>(flow));
}

std::string to_string(const Group& group) {
  std::string text =
      fmt::format("group_id={},type={}", group.id.value,
                  detail::name_of(detail::kGroupTypes, static_cast<std::size_t>(group.type)));
  if (group.selection) {
    const SelectionMethod& selection = *group.selection;
    text += ",selection_method=" + selection.method;
    if (selection.param != 0) text += fmt::format(",selection_method_param={}", selection.param);
    std::string fields;
    for (const auto& field : selection.fields) {
      const FieldInfo& row = detail::info(field.field);
      const bool exact = field.mask == FieldValue::ones(row.bits);
      fields += (fields.empty() ? "" : ",") + std::string(row.name);
      if (!exact)
        fields += "=" + detail::value_text(row.id, {field.mask, FieldValue::ones(row.bits)}, true);
    }
    if (selection.fields.size() == 1 && fields.find('=') == std::string::npos)
      text += ",fields=" + fields;
    else if (!selection.fields.empty())
      text += ",fields(" + fields + ")";
  }
  for (const Bucket& bucket : group.buckets) text += "," + detail::bucket_text(bucket, group.type);
  return text;
}

std::string to_string(const GroupMod& mod) {
  std::string text;
  bool bucket = false;
  switch (mod.command) {
    case GroupCommand::kAdd:
      text = "ADD";
      break;
    case GroupCommand::kModify:
      text = "MOD";
      break;
    case GroupCommand::kDelete:
      text = "DEL";
      break;
    case GroupCommand::kAddOrModify:
      text = "ADD_OR_MOD";
      break;
    case GroupCommand::kInsertBucket:
      text = "INSERT_BUCKET", bucket = true;
      break;
    case GroupCommand::kRemoveBucket:
      text = "REMOVE_BUCKET", bucket = true;
      break;
  }
  text += ' ';
  std::string group = to_string(mod.group);
  if (bucket) {
    const std::uint32_t id = mod.command_bucket;
    text += "command_bucket_id:" +
            (id == kBucketFirst  ? "first"
             : id == kBucketLast ? "last"
             : id == kBucketAll  ? "all"
                                 : std::to_string(id)) +
            ",";
    Group shown = mod.group;  // weights are shown where they are given, and the type is not
    shown.type = GroupType::kSelect;
    group = to_string(shown);
    const std::size_t at = group.find(",type=select");
    group.erase(at, 12);
  }
  return text + group;
}

std::string to_string(const MeterMod& mod) {
  constexpr const char* kCommands[] = {"ADD", "MOD", "DEL"};
  return std::string(kCommands[static_cast<std::size_t>(mod.command)]) + " " + to_string(mod.meter);
}

std::string to_string(const Meter& meter) {
  std::string text = "meter=";
  switch (meter.id.value) {
    case kMeterController.value:
      text += "controller";
      break;
    case kMeterSlowpath.value:
      text += "slowpath";
      break;
    case kAllMeters.value:
      text += "all";
      break;
    default:
      text += std::to_string(meter.id.value);
  }
  constexpr const char* kFlags[] = {"kbps", "pktps", "burst", "stats"};
  for (unsigned i = 0; i < 4; ++i)
    if ((meter.flags & 1U << i) != 0) text += std::string(" ") + kFlags[i];
  if ((meter.flags & ~0xf) != 0) text += fmt::format(" flags:{:#x}", meter.flags & ~0xf);
  text += " bands=";
  for (const Band& band : meter.bands) {
    text += band.type == Band::Type::kDrop ? "\ntype=drop" : "\ntype=dscp_remark";
    text += fmt::format(" rate={}", band.rate);
    if ((meter.flags & meter_flags::kBurst) != 0) text += fmt::format(" burst_size={}", band.burst);
    if (band.type == Band::Type::kDscpRemark)
      text += fmt::format(" prec_level={}", band.precedence);
  }
  return text;
}

}  // namespace antrea::openflow
