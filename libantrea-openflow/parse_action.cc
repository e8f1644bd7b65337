#include "parse_action.h"

#include <algorithm>

#include "field_table.h"
#include "name_table.h"
#include "parse_names.h"
#include "text_internal.h"
#include "tlv.h"

namespace antrea::openflow::detail {
namespace {

constexpr unsigned kMaxNesting = 100;
constexpr std::uint16_t kMaxPort16 = 0xff00, kInPort16 = 0xfff8, kController16 = 0xfffd,
                        kLocal16 = 0xfffe, kNone16 = 0xffff;

constexpr std::string_view kStepNames[] = {"meter",         "actions",        "clear_actions",
                                           "write_actions", "write_metadata", "goto_table"};

/// "VALUE->TARGET".
bool split_arrow(Source& source, std::string_view text, std::string_view& value,
                 std::string_view& target) {
  const std::size_t arrow = text.find("->");
  if (arrow == std::string_view::npos) return source.fail(text, "expected \"->\"");
  value = text.substr(0, arrow);
  target = text.substr(arrow + 2);
  if (target.empty()) return source.fail(target, "expected a field behind \"->\"");
  return true;
}

template <std::size_t kCount, typename Number>
bool read_name(Source& source, std::string_view token, const std::string_view (&names)[kCount],
               std::string_view what, Number& number) {
  for (std::size_t i = 0; i < kCount; ++i) {
    if (!equals_ignoring_case(token, names[i])) continue;
    number = static_cast<Number>(i);
    return true;
  }
  return source.fail(token, quoted(token) + " is no " + std::string(what));
}

}  // namespace

/// What each action's name stands for.
struct ActionTable {
  using Parse = bool (ActionParser::*)(const Pair&);
  using Step = ActionParser::Step;
  struct Row {
    Parse parse = nullptr;
    Step step = Step::kApply;
  };

  static const Row* find(std::string_view name) {
    static const auto table = [] {
      using P = ActionParser;
      NameTable<Row, 256> rows;
      const auto add = [&](std::string_view name, Parse parse, Step step = Step::kApply) {
        rows.add(name, {parse, step});
      };
      add("output", &P::output);
      add("output_reg", &P::output);
      add("group", &P::group);
      add("controller", &P::controller);
      add("enqueue", &P::enqueue);
      add("bundle", &P::bundle);
      add("bundle_load", &P::bundle_load);
      add("set_field", &P::set_field);
      add("load", &P::load);
      add("move", &P::move);
      add("set_vlan_vid", &P::set_vlan_vid);
      add("set_vlan_pcp", &P::set_vlan_pcp);
      add("mod_vlan_vid", &P::mod_vlan_vid);
      add("mod_vlan_pcp", &P::mod_vlan_pcp);
      add("strip_vlan", &P::pop_vlan);
      add("pop_vlan", &P::pop_vlan);
      add("push_vlan", &P::push_vlan);
      add("mod_dl_src", &P::mod_dl_src);
      add("mod_dl_dst", &P::mod_dl_dst);
      add("mod_nw_src", &P::mod_nw_src);
      add("mod_nw_dst", &P::mod_nw_dst);
      add("mod_nw_tos", &P::mod_nw_tos);
      add("mod_nw_ecn", &P::mod_nw_ecn);
      add("mod_nw_ttl", &P::mod_nw_ttl);
      add("set_nw_ttl", &P::mod_nw_ttl);
      add("mod_tp_src", &P::mod_tp_src);
      add("mod_tp_dst", &P::mod_tp_dst);
      add("push", &P::push);
      add("pop", &P::pop);
      add("dec_ttl", &P::dec_ttl);
      add("set_mpls_label", &P::set_mpls_label);
      add("set_mpls_tc", &P::set_mpls_tc);
      add("set_mpls_ttl", &P::set_mpls_ttl);
      add("dec_mpls_ttl", &P::dec_mpls_ttl);
      add("push_mpls", &P::push_mpls);
      add("pop_mpls", &P::pop_mpls);
      add("dec_nsh_ttl", &P::dec_nsh_ttl);
      add("delete_field", &P::delete_field);
      add("encap", &P::encap);
      add("decap", &P::decap);
      add("set_tunnel", &P::set_tunnel);
      add("set_tunnel64", &P::set_tunnel);
      add("set_queue", &P::set_queue);
      add("pop_queue", &P::pop_queue);
      add("fin_timeout", &P::fin_timeout);
      add("resubmit", &P::resubmit);
      add("learn", &P::learn);
      add("conjunction", &P::conjunction);
      add("multipath", &P::multipath);
      add("note", &P::note);
      add("exit", &P::exit);
      add("sample", &P::sample);
      add("unroll_xlate", &P::refused);
      add("ct", &P::ct);
      add("ct_clear", &P::ct_clear);
      add("nat", &P::nat);
      add("output_trunc", &P::refused);
      add("clone", &P::clone);
      add("check_pkt_larger", &P::check_pkt_larger);
      add("debug_recirc", &P::refused);
      add("debug_slow", &P::refused);
      add("apply_actions", &P::refused);
      add("drop", &P::drop);
      add("meter", &P::meter, Step::kMeter);
      add("clear_actions", &P::clear_actions, Step::kClear);
      add("write_actions", &P::write_actions, Step::kWrite);
      add("write_metadata", &P::write_metadata, Step::kMetadata);
      add("goto_table", &P::goto_table, Step::kGoto);
      return rows;
    }();
    if (const Row* const row = table.find(name)) return row;
    char lower[24];
    if (name.size() > sizeof(lower)) return nullptr;
    std::transform(name.begin(), name.end(), lower, to_lower);
    return table.find({lower, name.size()});
  }
};

bool ActionParser::add(std::string_view text) {
  if (depth_ >= kMaxNesting) return source_.fail(text, "actions are nested too deeply");
  Lexer lexer(text);
  Pair action;
  while (lexer.next(action))
    if (!add(action)) return false;
  return true;
}

bool ActionParser::add(const Pair& action) {
  const ActionTable::Row* const row = ActionTable::find(action.key);
  if (row != nullptr) {
    if (row->parse == &ActionParser::drop) return drop(action);
    if (outer_ == Outer::kCt && row->parse != &ActionParser::set_field &&
        row->parse != &ActionParser::load && row->parse != &ActionParser::move &&
        row->parse != &ActionParser::nat)
      return source_.fail(action.key, quoted(action.key) + " is not possible in ct(exec())");
    return step(action, row->step) && (this->*row->parse)(action);
  }
  std::uint16_t port = 0;
  if (!source_.to_port16(action.key, port))
    return source_.fail(action.key, "unknown action " + quoted(action.key));
  if (outer_ == Outer::kCt) return source_.fail(action.key, "output is not possible in ct(exec())");
  return step(action, Step::kApply) && put_output(action.key, port, 0);
}

bool ActionParser::step(const Pair& action, Step next) {
  const char* const at = action.key.data();
  if (equals_ignoring_case(action.key, "conjunction"))
    conjunction_ = conjunction_ != nullptr ? conjunction_ : at;
  else if (!equals_ignoring_case(action.key, "note"))
    companion_ = companion_ != nullptr ? companion_ : at;
  if (next != Step::kApply && instructions_ == nullptr &&
      (next != Step::kMeter || outer_ != Outer::kNone))
    return source_.fail(at, quoted(action.key) + " is not possible here");
  if (any_ && (step_ == Step::kApply ? next < step_ : next <= step_))
    return source_.fail(at, next == step_
                                ? quoted(action.key) + " may stand only once"
                                : std::string(kStepNames[static_cast<std::size_t>(next)]) +
                                      " must stand before " +
                                      std::string(kStepNames[static_cast<std::size_t>(step_)]));
  any_ = true;
  step_ = next;
  return true;
}

bool ActionParser::finish() {
  if (drop_ != nullptr && any_) return source_.fail(drop_, "drop must stand alone");
  if (conjunction_ != nullptr && companion_ != nullptr)
    return source_.fail(companion_, "only note may stand beside conjunction");
  return true;
}

bool ActionParser::drop(const Pair& action) {
  drop_ = action.key.data();
  return true;
}

bool ActionParser::refused(const Pair& action) {
  return source_.fail(action.key, quoted(action.key) + " cannot be given in flow syntax");
}

bool ActionParser::inconsistent(std::string_view token, std::string cause) {
  return lenient_ || source_.fail(token, std::move(cause));
}

bool ActionParser::need_field(std::string_view token, FieldId id) {
  if (premises_ == nullptr || premises_->meets(id)) return true;
  return source_.fail(token, "the match lacks what " + std::string(info(id).name) + " requires");
}

bool ActionParser::need_target(std::string_view token, FieldId id) {
  if (premises_ == nullptr) return true;
  if (!need_field(token, id)) return false;
  return info(id).settable || source_.fail(token, std::string(info(id).name) + " is read-only");
}

bool ActionParser::need_ip(std::string_view token) {
  return premises_ == nullptr || premises_->ip() || inconsistent(token, "the match is not of IP");
}

bool ActionParser::need_ipv4(std::string_view token) {
  return premises_ == nullptr || premises_->protocol() == eth_type::kIpv4 ||
         inconsistent(token, "the match is not of IPv4");
}

bool ActionParser::need_mpls(std::string_view token) {
  return premises_ == nullptr || premises_->meets(FieldId::kMplsTtl) ||
         inconsistent(token, "the match is not of MPLS");
}

bool ActionParser::need_port(std::string_view token, std::uint16_t port) {
  if (premises_ == nullptr || port < kMaxPort16 || (port >= kInPort16 && port <= kLocal16))
    return true;
  return source_.fail(token, "port " + quoted(token) + " cannot be output to");
}

bool ActionParser::put_output(std::string_view token, std::uint16_t port, std::uint16_t max_len) {
  return need_port(token, port) && put(Output{port_from16(port), max_len});
}

bool ActionParser::output(const Pair& action) {
  const std::string_view value = action.value;
  if (value.find("port") != std::string_view::npos &&
      value.find("max_len") != std::string_view::npos)
    return output_truncated(action);
  std::uint16_t port = 0;
  if (source_.to_port16(value, port))
    return put_output(value, port, port == kController16 ? 0xffff : 0);
  Subfield subfield;
  if (!read_subfield(source_, value, subfield))
    return source_.fail(value, quoted(value) + " is neither port nor field");
  return need_field(value, subfield.field) && put(OutputReg{subfield});
}

bool ActionParser::output_truncated(const Pair& action) {
  Lexer lexer(action.value);
  OutputTrunc to{PortNo{0}, 0};
  std::string_view port_token = action.value;
  std::uint16_t port = 0;
  Pair option;
  while (lexer.next(option)) {
    if (option.key == "port") {
      port_token = option.value;
      if (!source_.to_port16(option.value, port) ||
          (port > kMaxPort16 && port != kLocal16 && port != kInPort16))
        return source_.fail(option.value, "port " + quoted(option.value) + " cannot be output to");
    } else if (option.key == "max_len") {
      if (!read_u32(source_, option.value, "max_len", to.max_len)) return false;
      if (to.max_len < 14) return source_.fail(option.value, "max_len must be 14 or more");
    } else {
      return source_.fail(option.key, "expected port or max_len");
    }
  }
  to.port = port_from16(port);
  return need_port(port_token, port) && put(to);
}

bool ActionParser::group(const Pair& action) {
  GroupAction to;
  return read_u32(source_, action.value, "group ID", to.group.value) && put(to);
}

bool ActionParser::controller(const Pair& action) {
  Controller to;
  bool has_userdata = false;
  if (!action.value.empty() &&
      action.value.find_first_not_of("0123456789") == std::string_view::npos) {
    if (!read_u16(source_, action.value, "max_len", to.max_len)) return false;
    return put(Output{kPortController, to.max_len});
  }
  Lexer lexer(action.value);
  Pair option;
  while (lexer.next(option)) {
    bool good = true;
    if (option.key == "reason") {
      good = read_name(source_, option.value, kControllerReasons, "reason", to.reason);
    } else if (option.key == "max_len") {
      good = read_u16(source_, option.value, "max_len", to.max_len);
    } else if (option.key == "id") {
      good = read_u16(source_, option.value, "controller ID", to.controller_id);
    } else if (option.key == "userdata") {
      has_userdata = true;
      to.userdata.clear();
      good = read_bytes(source_, option.value, '.', to.userdata);
    } else if (option.key == "pause") {
      to.pause = true;
    } else if (option.key == "meter_id") {
      to.meter = MeterId{};
      good = read_u32(source_, option.value, "meter ID", to.meter->value);
    } else {
      good = source_.fail(option.key, "unknown option of controller");
    }
    if (!good) return false;
  }
  if (to.reason == 1 && to.controller_id == 0 && !has_userdata && !to.pause && !to.meter)
    return put(Output{kPortController, to.max_len});
  return put(std::move(to));
}

bool ActionParser::enqueue(const Pair& action) {
  std::string_view rest = action.value;
  std::string_view port_token;
  std::uint16_t port = 0;
  std::uint32_t queue = 0;
  if (!next_token(rest, ":q,", port_token) || rest.empty())
    return source_.fail(action.value, "expected PORT,QUEUE");
  if (!source_.to_port16(port_token, port) ||
      (premises_ != nullptr && port >= kMaxPort16 && port != kInPort16 && port != kLocal16))
    return source_.fail(port_token, "port " + quoted(port_token) + " has no queues");
  return read_u32(source_, rest, "queue", queue) && put(SetQueue{queue}) &&
         put(Output{port_from16(port), 0xffff}) && put(PopQueue{});
}

bool ActionParser::bundle(const Pair& action) { return read_bundle(action.value, false); }
bool ActionParser::bundle_load(const Pair& action) { return read_bundle(action.value, true); }

bool ActionParser::read_bundle(std::string_view text, bool load) {
  BundleLinks to;
  std::string_view rest = text;
  std::string_view fields;
  std::string_view basis;
  std::string_view algorithm;
  std::string_view type;
  std::string_view target;
  std::string_view word;
  if (!next_token(rest, ", ", fields) || !next_token(rest, ", ", basis) ||
      !next_token(rest, ", ", algorithm) || !next_token(rest, ", ", type) ||
      (load && !next_token(rest, ", ", target)) || !next_token(rest, ": ", word))
    return source_.fail(text, "too few arguments of bundle");
  if (!equals_ignoring_case(word, "members") && !equals_ignoring_case(word, "slaves"))
    return source_.fail(word, "expected \"members\"");
  std::string_view member;
  while (next_token(rest, ", []", member)) {
    std::uint16_t port = 0;
    if (!source_.to_port16(member, port))
      return source_.fail(member, quoted(member) + " is no port");
    if (port != kNone16 && !need_port(member, port)) return false;
    if (premises_ != nullptr && port == kController16)
      return source_.fail(member, "the controller cannot be a member");
    if (to.members.size() >= 2048) return source_.fail(member, "too many members");
    to.members.push_back(port_from16(port));
  }
  to.basis = static_cast<std::uint16_t>(lenient_number(basis));
  if (!read_name(source_, fields, kHashFields, "set of hash fields", to.fields) ||
      !read_name(source_, algorithm, kBundleAlgorithms, "algorithm of bundle", to.algorithm))
    return false;
  if (!equals_ignoring_case(type, "ofport")) return source_.fail(type, "expected \"ofport\"");
  if (load) {
    Subfield subfield;
    if (!read_short_subfield(source_, target, subfield) || !need_target(target, subfield.field))
      return false;
    to.target = subfield;
  }
  return put(std::move(to));
}

bool ActionParser::put_set_field(std::string_view token, FieldId id, Masked bits) {
  if (outer_ != Outer::kCt && (id == FieldId::kCtMark || id == FieldId::kCtLabel))
    return source_.fail(token, std::string(info(id).name) + " can be set only in ct(exec())");
  if (outer_ == Outer::kCt && id != FieldId::kCtMark && id != FieldId::kCtLabel)
    return source_.fail(token, std::string(info(id).name) + " cannot be set in ct(exec())");
  if (!need_field(token, id)) return false;
  if (premises_ != nullptr && id == FieldId::kVlanVid && !premises_->tagged[0])
    return source_.fail(token, "the match lacks what vlan_vid requires");
  if (premises_ != nullptr && id == FieldId::kVlanTci) premises_->learn(id, bits);
  SetField to{id, 0, bits.value, bits.mask};
  if (is_tun_metadata(id)) {
    to.length = tun_metadata_length(bits);
    to.masked = bits.mask != FieldValue::ones(128) && bits.mask == FieldValue::ones(8U * to.length);
    if (to.length != 0) to.mask = bits.mask & FieldValue::ones(8U * to.length);
  } else {
    to.mask = trimmed(id, bits).mask;
    to.masked = bits.mask != byte_mask(id) && bits.mask == FieldValue::ones(info(id).bits);
  }
  return put(to);
}

bool ActionParser::put_wide(FieldId id, std::string_view value) {
  if (outer_ == Outer::kCt)
    return source_.fail(value, std::string(info(id).name) + " cannot be set in ct(exec())");
  WideBits bits;
  if (!read_wide_value(source_, id, value, bits)) return false;
  const auto low = [](const std::vector<std::byte>& bytes) {
    return In(std::span(bytes).last(sizeof(FieldValue))).value(sizeof(FieldValue));
  };
  SetField to{id, static_cast<std::uint8_t>(bits.value.size()), low(bits.value), low(bits.mask)};
  to.masked = bits.masked && all_ones(bits.mask);
  to.wide = std::move(bits.value);
  to.wide.insert(to.wide.end(), bits.mask.begin(), bits.mask.end());
  return put(std::move(to));
}

bool ActionParser::set_field(const Pair& action) {
  std::string_view value;
  std::string_view target;
  if (!split_arrow(source_, action.value, value, target)) return false;
  const auto id = field_by_match_name(target);
  if (!id) return source_.fail(target, quoted(target) + " is no field that can be set");
  if (!info(*id).settable) return source_.fail(target, std::string(target) + " is read-only");
  if (is_wide_value(*id, value)) return put_wide(*id, value);
  Masked bits;
  // ovs-ofctl prints ANY where no bit is set, but does not take it.
  if (value != "ANY" && !read_field_value(source_, *id, value, bits)) return false;
  if (!settable_value(*id, bits.value))
    return source_.fail(value, quoted(value) + " is no value of " + std::string(target));
  return put_set_field(action.key, *id, bits);
}

bool ActionParser::load(const Pair& action) {
  std::string_view token;
  std::string_view target;
  Subfield to;
  if (!split_arrow(source_, action.value, token, target) || !read_subfield(source_, target, to))
    return false;
  FieldValue value;
  const char* at = token.data();
  const Scan scan = scan_value(at, token.data() + token.size(), info(to.field).bytes, value);
  if (scan == Scan::kNone || (scan == Scan::kOk && at != token.data() + token.size()))
    return source_.fail(token, "expected a number");
  if (scan == Scan::kTooLarge || !value.within(FieldValue::ones(std::min<unsigned>(128, to.bits))))
    return source_.fail(token,
                        quoted(token) + " does not fit into " + std::to_string(to.bits) + " bits");
  return put_set_field(action.key, to.field, {value << to.offset, to.mask()});
}

bool ActionParser::move(const Pair& action) {
  Move to;
  std::string_view rest = action.value;
  if (!read_subfield_prefix(source_, rest, to.source)) return false;
  if (!rest.starts_with("->")) return source_.fail(rest, "expected \"->\"");
  const std::string_view target = rest.substr(2);
  if (!read_subfield(source_, target, to.target)) return false;
  if (to.source.bits != to.target.bits)
    return source_.fail(target, "source has " + std::to_string(to.source.bits) +
                                    " bits, target has " + std::to_string(to.target.bits));
  const bool connection =
      to.target.field == FieldId::kCtMark || to.target.field == FieldId::kCtLabel;
  if (connection != (outer_ == Outer::kCt))
    return source_.fail(
        target, connection ? "can be set only in ct(exec())" : "cannot be set in ct(exec())");
  return need_field(action.value, to.source.field) && need_target(target, to.target.field) &&
         put(to);
}

bool ActionParser::push(const Pair& action) {
  StackPush to;
  return read_subfield(source_, action.value, to.source) &&
         need_field(action.value, to.source.field) && put(to);
}

bool ActionParser::pop(const Pair& action) {
  StackPop to;
  return read_subfield(source_, action.value, to.target) &&
         need_target(action.value, to.target.field) && put(to);
}

bool ActionParser::multipath(const Pair& action) {
  Multipath to;
  std::string_view rest = action.value;
  std::string_view token[6];
  for (std::string_view& part : token)
    if (!next_token(rest, ", ", part))
      return source_.fail(action.value, "too few arguments of multipath");
  if (!read_name(source_, token[0], kHashFields, "set of hash fields", to.fields) ||
      !read_name(source_, token[2], kMultipathAlgorithms, "algorithm of multipath", to.algorithm))
    return false;
  to.basis = static_cast<std::uint16_t>(lenient_number(token[1]));
  const auto links = static_cast<std::int32_t>(lenient_number(token[3]));
  if (links < 1 || links > 65536)
    return source_.fail(token[3], "number of links must be 1 to 65536");
  to.max_link = static_cast<std::uint16_t>(links - 1);
  to.arg = lenient_number(token[4]);
  if (!read_short_subfield(source_, token[5], to.target)) return false;
  if (to.target.bits < 16 && links > 1 << to.target.bits)
    return source_.fail(token[5], "the field is too small for the number of links");
  return need_target(token[5], to.target.field) && put(to);
}

bool ActionParser::check_pkt_larger(const Pair& action) {
  CheckPktLarger to;
  std::string_view value;
  std::string_view target;
  if (!split_arrow(source_, action.value, value, target)) return false;
  if (value.ends_with(')')) value.remove_suffix(1);
  if (!read_subfield(source_, target, to.target)) return false;
  if (to.target.bits != 1) return source_.fail(target, "the target must be one bit");
  return read_u16(source_, value, "packet length", to.length) && put(to);
}

}  // namespace antrea::openflow::detail
