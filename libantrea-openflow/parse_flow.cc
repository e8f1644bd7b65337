#include "parse_flow.h"

#include "parse_action.h"
#include "parse_match.h"
#include "parse_names.h"

namespace antrea::openflow::detail {
namespace {

using Kind = FlowWord::Kind;

/// What may stand in a flow_mod of each command, besides match, table and cookie.
struct Allowed {
  bool actions;
  bool timeouts;
  bool priority;
  bool flags;
  bool importance;
  bool out;
};
Allowed allowed_by(FlowCommand command) {
  switch (command) {
    case FlowCommand::kAdd:
      return {true, true, true, true, true, false};
    case FlowCommand::kModify:
    case FlowCommand::kModifyStrict:
      return {true, true, true, true, false, false};
    case FlowCommand::kDelete:
      return {false, false, false, false, false, true};
    case FlowCommand::kDeleteStrict:
      return {false, false, true, false, false, true};
  }
  return {};
}

/// Reads what stands before the actions.
class FlowReader {
 public:
  FlowReader(Source& source, FlowMod& mod, const Allowed& allowed)
      : source_(source), mod_(mod), allowed_(allowed) {}

  bool read(std::string_view text) {
    Lexer lexer(text);
    Pair pair;
    while (lexer.next(pair))
      if (!read(pair)) return false;
    return true;
  }
  const MatchBuilder& match() const { return match_; }

 private:
  bool read(const Pair& pair) {
    const FlowWord* const word = flow_word(pair.key);
    if (word != nullptr) return read(pair, *word);
    if (pair.key.find('[') == std::string_view::npos) return unknown(pair);
    return read_part(pair);
  }
  bool read(const Pair& pair, const FlowWord& word);
  bool read_field(const Pair& pair, FieldId id);
  bool read_part(const Pair& pair);
  bool read_unsent(const Pair& pair);
  bool read_cookie(const Pair& pair);
  bool read_out_port(const Pair& pair);
  bool read_out_group(const Pair& pair);
  bool unknown(const Pair& pair) {
    return source_.fail(pair.key, "unknown keyword " + quoted(pair.key));
  }
  bool read_if(bool allowed, const Pair& pair, std::uint16_t& to) {
    return allowed ? read_u16(source_, pair.value, pair.key, to) : unknown(pair);
  }

  Source& source_;
  FlowMod& mod_;
  Allowed allowed_;
  MatchBuilder match_;
};

bool FlowReader::read(const Pair& pair, const FlowWord& word) {
  Flow& flow = mod_.flow;
  switch (word.kind) {
    case Kind::kField:
      return read_field(pair, static_cast<FieldId>(word.number));
    case Kind::kDlPcp:
      return read_field(pair, FieldId::kVlanPcp);
    case Kind::kDlVlan: {
      Masked bits;
      if (!pair.value.empty() && !read_field_value(source_, FieldId::kVlanVid, pair.value, bits))
        return false;
      if (!bits.mask.zero() && bits.mask != byte_mask(FieldId::kVlanVid))
        return source_.fail(pair.value, "dl_vlan takes no mask");
      match_.add_dl_vlan(bits);
      return true;
    }
    case Kind::kUnsent:
      return read_unsent(pair);
    case Kind::kProtocol:
      match_.add_protocol(static_cast<std::uint16_t>(word.number),
                          static_cast<std::uint8_t>(word.number >> 16));
      return true;
    case Kind::kEthernet:
      match_.add_ethernet();
      return true;
    case Kind::kFlag:
      if (!allowed_.flags) return unknown(pair);
      flow.flags = static_cast<std::uint16_t>(flow.flags | word.number);
      return true;
    case Kind::kIgnoredFlag:
      return true;
    default:
      break;
  }
  if (pair.value.empty()) return source_.fail(pair.key, quoted(pair.key) + " needs a value");
  switch (word.kind) {
    case Kind::kTable:
      return read_table(source_, pair.value, flow.table);
    case Kind::kOutPort:
      return read_out_port(pair);
    case Kind::kOutGroup:
      return read_out_group(pair);
    case Kind::kPriority:
      return read_if(allowed_.priority, pair, flow.priority);
    case Kind::kIdleTimeout:
      return read_if(allowed_.timeouts, pair, flow.idle_timeout);
    case Kind::kHardTimeout:
      return read_if(allowed_.timeouts, pair, flow.hard_timeout);
    case Kind::kImportance:
      return read_if(allowed_.importance, pair, flow.importance);
    case Kind::kCookie:
      return read_cookie(pair);
    default:
      return true;
  }
}

/// Without a value only that the field is there counts, which says something of tun_metadata alone.
bool FlowReader::read_field(const Pair& pair, FieldId id) {
  Masked bits;
  const std::string_view value = pair.value.empty() ? std::string_view("0/0") : pair.value;
  if (is_wide_value(id, value)) return match_.add_wide(source_, id, pair.key, value);
  if (!read_field_value(source_, id, value, bits)) {
    if (!pair.value.empty()) return false;
    return source_.fail(pair.key, quoted(pair.key) + " needs a value");
  }
  return match_.add(source_, id, pair.key, bits);
}

bool FlowReader::read_part(const Pair& pair) {
  Subfield part;
  if (!read_subfield(source_, pair.key, part)) return false;
  FieldValue value;
  const char* at = pair.value.data();
  const char* const end = at + pair.value.size();
  const unsigned bytes = is_tun_metadata(part.field) ? 16 : field_info(part.field).bytes;
  const Scan scan = scan_value(at, end, bytes, value);
  if (scan == Scan::kNone || (scan == Scan::kOk && at != end))
    return source_.fail(pair.value, "expected a number");
  if (scan == Scan::kTooLarge ||
      !value.within(FieldValue::ones(std::min<unsigned>(128, part.bits))))
    return source_.fail(pair.value, quoted(pair.value) + " does not fit into " +
                                        std::to_string(part.bits) + " bits");
  return match_.add(source_, part, pair.key, value);
}

bool FlowReader::read_unsent(const Pair& pair) {
  if (pair.value.empty() || pair.value == "*") return true;
  return source_.fail(pair.key, std::string(pair.key) + " cannot be expressed in OpenFlow 1.5");
}

bool FlowReader::read_cookie(const Pair& pair) {
  const std::size_t slash = pair.value.find('/');
  Flow& flow = mod_.flow;
  if (slash == std::string_view::npos) {
    if (!allowed_.actions)
      return source_.fail(pair.value, "to delete by cookie give a mask, such as cookie=1/-1");
    std::uint64_t cookie = 0;
    if (!read_u64(source_, pair.value, "cookie", cookie)) return false;
    // Only an added flow takes a cookie along.
    if (mod_.command == FlowCommand::kAdd) flow.cookie = cookie;
    return true;
  }
  if (mod_.command == FlowCommand::kAdd)
    return source_.fail(pair.value.substr(slash), "a flow cannot be added with a cookie mask");
  if (!read_u64(source_, pair.value.substr(0, slash), "cookie", flow.cookie) ||
      !read_u64(source_, pair.value.substr(slash + 1), "cookie mask", mod_.cookie_mask))
    return false;
  flow.cookie &= mod_.cookie_mask;
  return true;
}

bool FlowReader::read_out_port(const Pair& pair) {
  std::uint16_t port = 0;
  if (!allowed_.out) return unknown(pair);
  if (!source_.to_port16(pair.value, port))
    return source_.fail(pair.value, quoted(pair.value) + " is no port");
  mod_.out_port = port_from16(port);
  return true;
}

bool FlowReader::read_out_group(const Pair& pair) {
  if (!allowed_.out) return unknown(pair);
  if (equals_ignoring_case(pair.value, "any"))
    mod_.out_group = kAnyGroup;
  else if (equals_ignoring_case(pair.value, "all"))
    mod_.out_group = kAllGroups;
  else
    return read_u32(source_, pair.value, "group ID", mod_.out_group.value);
  return true;
}

}  // namespace

FlowParts split_flow(std::string_view text) {
  FlowParts parts{text, {}, false};
  const std::size_t word = text.find("action");
  if (word == std::string_view::npos) return parts;
  parts.before = text.substr(0, word);
  const std::size_t equals = text.find('=', word);
  if (equals == std::string_view::npos) return parts;
  parts.actions = text.substr(equals + 1);
  parts.has_actions = true;
  return parts;
}

std::string_view first_word(std::string_view text, std::string_view& rest) {
  const std::size_t start = std::min(text.find_first_not_of(kBlanks), text.size());
  rest = text.substr(start);
  const std::string_view word = rest.substr(0, rest.find_first_of(kSeparators));
  rest.remove_prefix(word.size());
  return word;
}

bool read_flow_mod(Source& source, std::string_view text, FlowCommand command, FlowMod& mod) {
  const Allowed allowed = allowed_by(command);
  mod.command = command;
  mod.flow.table = kAllTables;
  FlowParts parts{text, {}, false};
  if (allowed.actions) {
    parts = split_flow(text);
    if (!parts.has_actions) return source.fail(text, "expected \"actions=\"");
  }
  FlowReader reader(source, mod, allowed);
  if (!reader.read(parts.before)) return false;
  if (allowed.actions) {
    Premises premises = reader.match().premises();
    ActionParser actions(source, mod.flow, premises, mod.flow.table);
    if (!actions.parse(parts.actions)) return false;
    if (mod.flow.table == kAllTables) mod.flow.table = TableId{0};
  }
  mod.flow.match = reader.match().finish();
  return true;
}

bool read_flow_line(Source& source, std::string_view text, FlowMod& mod) {
  struct NamedCommand {
    std::string_view name;
    FlowCommand command;
  };
  constexpr NamedCommand kCommands[] = {{"add", FlowCommand::kAdd},
                                        {"delete", FlowCommand::kDelete},
                                        {"delete_strict", FlowCommand::kDeleteStrict},
                                        {"modify", FlowCommand::kModify},
                                        {"modify_strict", FlowCommand::kModifyStrict}};
  std::string_view rest;
  const std::string_view word = first_word(text, rest);
  for (const NamedCommand& row : kCommands)
    if (!word.empty() && row.name.starts_with(word))
      return read_flow_mod(source, rest, row.command, mod);
  return read_flow_mod(source, text, FlowCommand::kAdd, mod);
}

}  // namespace antrea::openflow::detail
