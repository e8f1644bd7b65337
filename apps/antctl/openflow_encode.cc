#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "antrea/base/bytes.h"
#include "antrea/openflow/codec.h"
#include "antrea/openflow/text.h"
#include "openflow.h"

namespace antrea::antctl {
namespace {

namespace json = boost::json;
namespace po = boost::program_options;
using openflow::FlowCommand;
using openflow::GroupCommand;
using openflow::Message;
using openflow::MeterCommand;
using openflow::TextResult;

/// What the options beside the command ask for.
struct Wanted {
  bool strict = false;
  bool may_create = false;
};

template <typename Value>
TextResult<Message> as_message(TextResult<Value> value) {
  if (value.has_error()) return value.error();
  return Message(std::move(*value));
}

template <FlowCommand kLoose, FlowCommand kStrict = kLoose>
TextResult<Message> read_flow(std::string_view line, const Wanted& wanted) {
  return as_message(openflow::parse_flow_mod(line, wanted.strict ? kStrict : kLoose));
}
template <GroupCommand kCommand, GroupCommand kCreating = kCommand>
TextResult<Message> read_group(std::string_view line, const Wanted& wanted) {
  return as_message(openflow::parse_group_mod(line, wanted.may_create ? kCreating : kCommand));
}
template <MeterCommand kCommand>
TextResult<Message> read_meter(std::string_view line, const Wanted&) {
  return as_message(openflow::parse_meter_mod(line, kCommand));
}
TextResult<Message> read_packet_out(std::string_view line, const Wanted&) {
  return as_message(openflow::parse_packet_out(line));
}
/// A line with its kind in front. One that says nothing is an error here, since each is answered.
TextResult<Message> read_bundle(std::string_view line, const Wanted&) {
  auto messages = openflow::parse_bundle_file(line);
  if (messages.has_error()) return messages.error();
  if (messages->empty()) return openflow::TextError{"the line is empty", 0, 0};
  return std::move(messages->front());
}

struct Syntax {
  std::string_view name;
  TextResult<Message> (*read)(std::string_view line, const Wanted& wanted);
};
constexpr std::array kSyntaxes{
    Syntax{"add-flow", read_flow<FlowCommand::kAdd>},
    Syntax{"mod-flows", read_flow<FlowCommand::kModify, FlowCommand::kModifyStrict>},
    Syntax{"del-flows", read_flow<FlowCommand::kDelete, FlowCommand::kDeleteStrict>},
    Syntax{"add-group", read_group<GroupCommand::kAdd>},
    Syntax{"mod-group", read_group<GroupCommand::kModify, GroupCommand::kAddOrModify>},
    Syntax{"del-groups", read_group<GroupCommand::kDelete>},
    Syntax{"insert-buckets", read_group<GroupCommand::kInsertBucket>},
    Syntax{"remove-buckets", read_group<GroupCommand::kRemoveBucket>},
    Syntax{"add-meter", read_meter<MeterCommand::kAdd>},
    Syntax{"mod-meter", read_meter<MeterCommand::kModify>},
    Syntax{"del-meters", read_meter<MeterCommand::kDelete>},
    Syntax{"packet-out", read_packet_out},
    Syntax{"bundle", read_bundle},
};

std::string error_json(const openflow::TextError& error) {
  return json::serialize(json::object{{"error", error.cause}, {"offset", error.offset}});
}

std::string answer_line(const Syntax& syntax, const Wanted& wanted, bool as_data,
                        std::string_view line) {
  const auto message = syntax.read(line, wanted);
  if (message.has_error()) return error_json(message.error());
  std::vector<std::byte> wire;
  if (!encode(0, *message, wire))
    return error_json({"the message does not fit into 65535 bytes", line.size(), 0});
  if (!as_data) return to_hex(wire);
  return json::serialize(json::object{
      {"hex", to_hex(wire)}, {"type", message_name(*message)}, {"text", to_string(0, *message)}});
}

}  // namespace

int openflow_encode(const OpenflowCommand& command, const std::vector<std::string>& arguments) {
  std::string syntax_name = "add-flow";
  std::string format = "text";
  std::string names;
  for (const Syntax& syntax : kSyntaxes)
    names += (names.empty() ? "" : ", ") + std::string(syntax.name);
  Wanted wanted;
  po::options_description options;
  options.add_options()("command,c", po::value(&syntax_name)->value_name("COMMAND"), names.c_str())(
      "strict", po::bool_switch(&wanted.strict),
      "mod-flows and del-flows: only flows of that very match and priority")(
      "may-create", po::bool_switch(&wanted.may_create),
      "mod-group: add the group if it is not there")(
      "output,o", po::value(&format)->value_name("FORMAT"), "text (default) or json");
  const auto parsed = parse_openflow(command, options, arguments);
  if (parsed.exit_code) return *parsed.exit_code;
  const auto as_data = wants_json(format);
  if (!as_data) return 2;
  const auto* const syntax = std::ranges::find(kSyntaxes, syntax_name, &Syntax::name);
  if (syntax == kSyntaxes.end())
    return complain_openflow(2, fmt::format("encode: there is no command \"{}\"", syntax_name));
  answer_lines([&](std::string_view line) { return answer_line(*syntax, wanted, *as_data, line); });
  return 0;
}

}  // namespace antrea::antctl
