#include <fmt/format.h>

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
using Wire = std::span<const std::byte>;

/// What is to be said of one case. Without an error, `again` holds the bytes encoded anew.
struct Answer {
  std::string error;
  std::string type;  ///< of messages
  std::string text;
  std::vector<std::byte> again;
};

Answer refused(const openflow::DecodeError& error) {
  Answer answer;
  answer.error = to_string(error.error);
  answer.text = fmt::format("***decode error: {}*** at byte {}", answer.error, error.offset);
  return answer;
}

Answer print_message(Wire wire) {
  const auto decoded = openflow::decode_message(wire);
  if (decoded.has_error()) return refused(decoded.error());
  Answer answer;
  answer.type = message_name(decoded->message);
  answer.text = answer.type;
  encode(decoded->xid, decoded->message, answer.again);
  return answer;
}

Answer print_match(Wire wire) {
  const auto match = openflow::decode_match(wire);
  if (match.has_error()) return refused(match.error());
  Answer answer;
  answer.text = to_string(*match);
  encode_match(*match, answer.again);
  return answer;
}

Answer print_actions(Wire wire) {
  const auto actions = openflow::decode_actions(wire);
  if (actions.has_error()) return refused(actions.error());
  Answer answer;
  answer.text = "actions=" + to_string(*actions);
  encode_actions(*actions, answer.again);
  return answer;
}

Answer print_instructions(Wire wire) {
  const auto instructions = openflow::decode_instructions(wire);
  if (instructions.has_error()) return refused(instructions.error());
  Answer answer;
  answer.text = "actions=" + to_string(*instructions);
  encode_instructions(*instructions, answer.again);
  return answer;
}

struct Kind {
  std::string_view name;
  Answer (*print)(Wire wire);
};
constexpr std::array kKinds{Kind{"message", print_message}, Kind{"match", print_match},
                            Kind{"actions", print_actions},
                            Kind{"instructions", print_instructions}};

Answer answer_line(const Kind& kind, std::string_view line) {
  const auto bytes = from_hex(line);
  if (bytes && !bytes->empty()) return kind.print(*bytes);
  Answer answer;
  answer.error = "input";
  answer.text = bytes ? "the line is empty" : bytes.error().to_string();
  return answer;
}

std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text)
    if (c == '\n')
      line += "\\n";
    else
      line += c;
  return line;
}

std::string as_json(const Answer& answer) {
  json::object object;
  if (!answer.error.empty()) object["error"] = answer.error;
  if (!answer.type.empty()) object["type"] = answer.type;
  object["text"] = answer.text;
  if (answer.error.empty()) object["hex"] = to_hex(answer.again);
  return json::serialize(object);
}

}  // namespace

int openflow_print(const OpenflowCommand& command, const std::vector<std::string>& arguments) {
  std::string kind_name = "message";
  std::string format = "text";
  po::options_description options;
  options.add_options()("kind,k", po::value(&kind_name)->value_name("KIND"),
                        "message (default), match, actions or instructions")(
      "output,o", po::value(&format)->value_name("FORMAT"), "text (default) or json");
  const auto parsed = parse_openflow(command, options, arguments);
  if (parsed.exit_code) return *parsed.exit_code;
  const auto as_data = wants_json(format);
  if (!as_data) return 2;
  const auto* const kind = std::ranges::find(kKinds, kind_name, &Kind::name);
  if (kind == kKinds.end())
    return complain_openflow(2, fmt::format("print: there is no kind \"{}\"", kind_name));
  answer_lines([&](std::string_view line) {
    const Answer answer = answer_line(*kind, line);
    return *as_data ? as_json(answer) : one_line(answer.text);
  });
  return 0;
}

}  // namespace antrea::antctl
