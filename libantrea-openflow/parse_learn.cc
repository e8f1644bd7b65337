#include "field_table.h"
#include "parse_action.h"
#include "parse_names.h"

// The action learn: options of the flow to be learned, and its matches and actions.
namespace antrea::openflow::detail {

bool ActionParser::learn(const Pair& action) {
  Learn to;
  to.table = TableId{1};
  Lexer lexer(action.value);
  Pair part;
  while (lexer.next(part)) {
    bool known = true;
    if (!read_learn_option(part, to, known)) return false;
    if (known) continue;
    LearnSpec spec;
    if (!read_learn_spec(part, spec)) return false;
    to.specs.push_back(spec);
  }
  return check_learned(action, to) && put(std::move(to));
}

bool ActionParser::read_learn_option(const Pair& option, Learn& action, bool& known) {
  const std::string_view value = option.value;
  const auto number16 = [&](std::uint16_t& to) {
    to = static_cast<std::uint16_t>(lenient_number(value));
    return true;
  };
  if (option.key == "table") {
    if (!read_table(source_, value, action.table)) return false;
    return action.table != kAllTables || source_.fail(value, "there is no table 255");
  }
  if (option.key == "priority") return number16(action.priority);
  if (option.key == "idle_timeout") return number16(action.idle_timeout);
  if (option.key == "hard_timeout") return number16(action.hard_timeout);
  if (option.key == "fin_idle_timeout") return number16(action.fin_idle_timeout);
  if (option.key == "fin_hard_timeout") return number16(action.fin_hard_timeout);
  if (option.key == "cookie") return read_u64(source_, value, "cookie", action.cookie);
  if (option.key == "send_flow_rem") return action.send_flow_rem = true;
  if (option.key == "delete_learned") return action.delete_learned = true;
  if (option.key == "limit") {
    action.limit = lenient_number(value);
    return true;
  }
  if (option.key == "result_dst") {
    Subfield result;
    if (!read_subfield(source_, value, result)) return false;
    if (!info(result.field).settable) return source_.fail(value, quoted(value) + " is read-only");
    if (result.bits != 1) return source_.fail(value, "result_dst must be one bit");
    action.result = result;
    return true;
  }
  known = false;
  return true;
}

bool ActionParser::read_learn_spec(const Pair& spec, LearnSpec& to) {
  const std::string_view value = spec.value;
  const std::string_view field = spec.key.substr(0, spec.key.find_first_of("[-"));
  if (field_by_any_name(field)) {
    if (!read_short_subfield(source_, spec.key, to.destination)) return false;
    to.target = LearnSpec::Target::kMatch;
    to.bits = to.destination.bits;
    if (value.empty()) {
      to.source = to.destination;
      return true;
    }
    if (field_by_any_name(value.substr(0, value.find_first_of("[-")))) {
      Subfield source;
      if (!read_subfield(source_, value, source)) return false;
      if (source.bits != to.bits)
        return source_.fail(value, "the fields have " + std::to_string(to.bits) + " and " +
                                       std::to_string(source.bits) + " bits");
      to.source = source;
      return true;
    }
    const FieldId id = to.destination.field;
    if (to.destination.offset == 0 && to.bits == subfield_width(id))
      return read_exact_value(source_, id, value, to.value);
    const char* at = value.data();
    if (scan_value(at, value.data() + value.size(), info(id).bytes, to.value) != Scan::kOk ||
        at != value.data() + value.size())
      return source_.fail(value, "expected a number or a field");
    return to.value.within(FieldValue::ones(to.bits)) ||
           source_.fail(value,
                        quoted(value) + " does not fit into " + std::to_string(to.bits) + " bits");
  }
  if (spec.key == "load") return read_learn_load(spec, to);
  if (spec.key != "output") return source_.fail(spec.key, "unknown field " + quoted(spec.key));
  Subfield source;
  if (!read_subfield(source_, value, source)) return false;
  to.target = LearnSpec::Target::kOutput;
  to.bits = source.bits;
  to.source = source;
  return true;
}

/// "load:VALUE->FIELD" or "load:FIELD->FIELD".
bool ActionParser::read_learn_load(const Pair& spec, LearnSpec& to) {
  const std::string_view value = spec.value;
  const std::size_t arrow = value.find("->");
  if (arrow == std::string_view::npos || arrow == 0)
    return source_.fail(value, "expected SOURCE->TARGET");
  const std::string_view target = value.substr(arrow + 2);
  to.target = LearnSpec::Target::kLoad;
  if (!read_short_subfield(source_, target, to.destination)) return false;
  to.bits = to.destination.bits;
  const char* at = value.data();
  if (scan_value(at, value.data() + arrow, 16, to.value) == Scan::kOk) {
    if (at != value.data() + arrow) return source_.fail(at, "expected \"->\"");
    return to.value.within(FieldValue::ones(std::min<unsigned>(128, to.bits))) ||
           source_.fail(value, "the value does not fit into " + std::to_string(to.bits) + " bits");
  }
  Subfield source;
  if (!read_subfield(source_, value.substr(0, arrow), source)) return false;
  if (source.bits != to.bits)
    return source_.fail(value, "source has " + std::to_string(source.bits) + " bits, target has " +
                                   std::to_string(to.bits));
  to.source = source;
  return true;
}

/// Sources rest on the packet, targets on what the learned flow matches so far.
bool ActionParser::check_learned(const Pair& action, const Learn& learn) {
  if (premises_ == nullptr) return true;
  Premises learned;
  const auto lacks = [&](FieldId id) {
    return source_.fail(action.key,
                        "the learned flow lacks what " + std::string(info(id).name) + " requires");
  };
  for (const LearnSpec& spec : learn.specs) {
    if (spec.source && !need_field(action.key, spec.source->field)) return false;
    if (spec.target == LearnSpec::Target::kOutput) continue;
    const FieldId id = spec.destination.field;
    if (!learned.meets(id)) return lacks(id);
    if (spec.target == LearnSpec::Target::kLoad && !info(id).settable)
      return source_.fail(action.key, std::string(info(id).name) + " is read-only");
    if (spec.target == LearnSpec::Target::kMatch && !spec.source)
      learned.learn(id, {spec.value << spec.destination.offset, spec.destination.mask()});
  }
  return true;
}

}  // namespace antrea::openflow::detail
