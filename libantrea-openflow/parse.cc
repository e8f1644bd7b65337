#include <utility>

#include "parse_action.h"
#include "parse_flow.h"
#include "parse_match.h"

namespace antrea::openflow {
namespace {

using detail::Source;

/// What `read(source, value)` makes of the text, or why it refuses it.
template <typename Value, typename Read>
TextResult<Value> result_of(std::string_view text, Read read, const Names* names = nullptr) {
  Source source(text, names);
  Value value{};
  if (!read(source, value)) return source.error();
  return value;
}

/// Calls `read(source, value)` for each line that holds more than blanks and a comment.
template <typename Value, typename Read>
TextResult<std::vector<Value>> lines_of(std::string_view text, Read read) {
  std::vector<Value> values;
  for (std::size_t line = 1; !text.empty(); ++line) {
    const std::size_t length = std::min(text.find('\n'), text.size());
    const std::string_view whole = text.substr(0, length);
    text.remove_prefix(std::min(length + 1, text.size()));
    const std::string_view content = whole.substr(0, whole.find('#'));
    if (content.find_first_not_of(detail::kBlanks) == std::string_view::npos) continue;
    Source source(content);
    Value value{};
    if (!read(source, value)) {
      TextError error = source.error();
      error.line = line;
      return error;
    }
    values.push_back(std::move(value));
  }
  return values;
}

bool read_message_line(Source& source, Message& message) {
  std::string_view rest;
  const std::string_view word = detail::first_word(source.text(), rest);
  const auto is = [&](std::string_view name) { return !word.empty() && name.starts_with(word); };
  if (is("flow")) return detail::read_flow_line(source, rest, message.emplace<FlowMod>());
  if (is("group")) return detail::read_group_line(source, rest, message.emplace<GroupMod>());
  if (is("packet-out")) return detail::read_packet_out(source, rest, message.emplace<PacketOut>());
  return source.fail(word, "expected flow, group or packet-out");
}

}  // namespace

TextResult<Match> parse_match(std::string_view text) {
  return result_of<Match>(text, [&](Source& source, Match& match) {
    FlowMod mod;
    // Only a deletion is no more than a match.
    if (!detail::read_flow_mod(source, text, FlowCommand::kDelete, mod)) return false;
    match = std::move(mod.flow.match);
    return true;
  });
}

TextResult<Actions> parse_actions(std::string_view text) {
  return result_of<Actions>(text, [&](Source& source, Actions& actions) {
    return detail::ActionParser(source, actions).parse(text);
  });
}

TextResult<FlowMod> parse_flow_mod(std::string_view text, FlowCommand command, const Names* names) {
  const auto read = [&](Source& source, FlowMod& mod) {
    return detail::read_flow_mod(source, text, command, mod);
  };
  return result_of<FlowMod>(text, read, names);
}

TextResult<Flow> parse_flow(std::string_view text, const Names* names) {
  auto mod = parse_flow_mod(text, FlowCommand::kAdd, names);
  if (mod.has_error()) return mod.error();
  return std::move(mod->flow);
}

TextResult<GroupMod> parse_group_mod(std::string_view text, GroupCommand command) {
  return result_of<GroupMod>(text, [&](Source& source, GroupMod& mod) {
    return detail::read_group_mod(source, text, command, mod);
  });
}

TextResult<MeterMod> parse_meter_mod(std::string_view text, MeterCommand command) {
  return result_of<MeterMod>(text, [&](Source& source, MeterMod& mod) {
    return detail::read_meter_mod(source, text, command, mod);
  });
}

TextResult<PacketOut> parse_packet_out(std::string_view text) {
  return result_of<PacketOut>(text, [&](Source& source, PacketOut& packet_out) {
    return detail::read_packet_out(source, text, packet_out);
  });
}

TextResult<std::vector<FlowMod>> parse_flow_file(std::string_view text) {
  return lines_of<FlowMod>(text, [](Source& source, FlowMod& mod) {
    return detail::read_flow_line(source, source.text(), mod);
  });
}

TextResult<std::vector<Message>> parse_bundle_file(std::string_view text) {
  return lines_of<Message>(text, read_message_line);
}

}  // namespace antrea::openflow
