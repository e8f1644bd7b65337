#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <chrono>
#include <ctime>
#include <fstream>
#include <iostream>
#include <iterator>

#include "antrea/base/bytes.h"
#include "antrea/openflow/capture.h"
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
  std::string text;  ///< messages have several lines
  std::vector<std::byte> again;
};

Answer refused(const openflow::DecodeError& error) {
  Answer answer;
  answer.error = to_string(error.error);
  answer.text = fmt::format("***decode error: {}*** at byte {}", answer.error, error.offset);
  return answer;
}

Answer print_message(Wire wire) {
  Answer answer;
  answer.type = openflow::message_name(wire);
  answer.text = openflow::print_message(wire);
  while (!answer.text.empty() && answer.text.back() == '\n') answer.text.pop_back();
  const auto decoded = openflow::decode_message(wire);
  if (decoded.has_error())
    answer.error = to_string(decoded.error().error);
  else
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
  answer.error = bytes ? "the line is empty" : bytes.error().to_string();
  answer.text = "***" + answer.error + "***";
  return answer;
}

/// Newlines as \n, so that an answer is one line.
std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text)
    if (c == '\n')
      line += "\\n";
    else
      line += c;
  return line;
}

json::object as_object(const Answer& answer) {
  json::object object;
  if (!answer.error.empty()) object["error"] = answer.error;
  if (!answer.type.empty()) object["type"] = answer.type;
  object["text"] = answer.text;
  if (answer.error.empty()) object["hex"] = to_hex(answer.again);
  return object;
}

std::string endpoint_text(const openflow::CaptureEndpoint& endpoint) {
  const bool v6 = endpoint.address.is_v6();
  return fmt::format("{}{}{}:{}", v6 ? "[" : "", endpoint.address.to_string(), v6 ? "]" : "",
                     endpoint.port);
}

/// "2026-01-31T12:00:00.000000001Z"
std::string time_text(std::chrono::nanoseconds time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const std::time_t whole = seconds.count();
  std::tm parts{};
  gmtime_r(&whole, &parts);
  std::array<char, 32> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  return fmt::format("{}.{:09}Z", std::string_view(text.data(), size), (time - seconds).count());
}

void print_captured(const openflow::CapturedMessage& message, bool as_data) {
  const Answer answer = print_message(message.wire);
  const std::string time = time_text(message.time);
  const std::string source = endpoint_text(message.source);
  const std::string destination = endpoint_text(message.destination);
  if (!as_data) {
    if (message.lost_before != 0)
      std::cout << fmt::format("{} {} > {}: ***{} bytes lost***\n", time, source, destination,
                               message.lost_before);
    std::cout << fmt::format("{} {} > {}: {}\n", time, source, destination, one_line(answer.text));
    return;
  }
  json::object object{{"time", time}, {"source", source}, {"destination", destination}};
  if (message.lost_before != 0) object["lostBytes"] = message.lost_before;
  for (const auto& member : as_object(answer)) object[member.key()] = member.value();
  std::cout << json::serialize(object) << '\n';
}

int print_capture(const std::string& path, bool as_data) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return complain_openflow(1, fmt::format("print: cannot read {}", path));
  const std::string content(std::istreambuf_iterator<char>(file), {});
  const auto summary = openflow::read_capture(
      as_byte_span(content),
      [&](const openflow::CapturedMessage& message) { print_captured(message, as_data); });
  std::cout << std::flush;
  if (!summary) return complain_openflow(1, fmt::format("{}: {}", path, summary.error().cause));
  if (summary->lost_bytes != 0)
    complain_openflow(0, fmt::format("{}: {} bytes of OpenFlow are not in the capture, or in no "
                                     "whole message",
                                     path, summary->lost_bytes));
  if (summary->cut) complain_openflow(0, fmt::format("{}: the file ends inside a packet", path));
  return 0;
}

}  // namespace

int openflow_print(const OpenflowCommand& command, const std::vector<std::string>& arguments) {
  std::string kind_name = "message";
  std::string format = "text";
  std::string capture;
  po::options_description options;
  options.add_options()("kind,k", po::value(&kind_name)->value_name("KIND"),
                        "what the bytes are: message (default), match, actions or instructions")(
      "output,o", po::value(&format)->value_name("FORMAT"), "text (default) or json")(
      "pcap", po::value(&capture)->value_name("FILE"),
      "print the OpenFlow messages of this capture instead");
  const auto parsed = parse_openflow(command, options, arguments);
  if (parsed.exit_code) return *parsed.exit_code;
  const auto as_data = wants_json(format);
  if (!as_data) return 2;
  const auto* const kind = std::ranges::find(kKinds, kind_name, &Kind::name);
  if (kind == kKinds.end())
    return complain_openflow(2, fmt::format("print: there is no kind \"{}\"", kind_name));
  if (!capture.empty()) {
    if (kind_name != "message")
      return complain_openflow(2, "print: a capture holds messages, no other --kind");
    return print_capture(capture, *as_data);
  }
  answer_lines([&](std::string_view line) {
    const Answer answer = answer_line(*kind, line);
    return *as_data ? json::serialize(as_object(answer)) : one_line(answer.text);
  });
  return 0;
}

}  // namespace antrea::antctl
