#include "openflow.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iostream>

#include "words.h"

namespace antrea::antctl {
namespace {

namespace po = boost::program_options;

constexpr std::array kCommands{
    OpenflowCommand{
        "encode", "[--command COMMAND] [-o FORMAT]", "turn flow syntax into OpenFlow bytes",
        "Reads what an ovs-ofctl command takes from standard input, one case a line, and answers\n"
        "each with one line: the message of OpenFlow 1.5 in hex digits (xid 0), or why the text "
        "is\n"
        "refused and at which character, as {\"error\":\"...\",\"offset\":N}.",
        openflow_encode},
    OpenflowCommand{
        "print", "[--kind KIND] [-o FORMAT] [--pcap FILE]", "show what OpenFlow bytes mean",
        "Reads hex digits (either case, no prefix) from standard input, one case a line, and\n"
        "answers each with one line, whatever it holds.\n\n"
        "text  what ovs-ofctl ofp-print says of a message; the flow syntax of a match; "
        "actions=...\n"
        "      of actions and instructions. Newlines inside a message stand as \\n. What cannot "
        "be\n"
        "      decoded is shown as ***decode error: OFPBMC_BAD_WILDCARDS*** or the like.\n"
        "json  {\"type\":\"OFPT_FLOW_MOD\",\"text\":\"...\",\"hex\":\"<encoded again>\"}, or with\n"
        "      \"error\":\"OFPBMC_BAD_WILDCARDS\" in place of the hex. Only messages have a "
        "type.\n\n"
        "With --pcap, prints the messages of a capture of OpenFlow connections (classic pcap, "
        "e.g.\n"
        "of tcpdump -w), with time and direction, and says on standard error what is missing.",
        openflow_print},
    OpenflowCommand{
        "diff", "TARGET FILE [-o FORMAT]", "compare a switch's flows with a file",
        "Shows the flows of the switch that FILE lacks behind a \"-\", those that only FILE has\n"
        "behind a \"+\". TARGET is unix:PATH, tcp:HOST[:PORT] or ssl:HOST[:PORT], FILE holds "
        "flows\n"
        "in the syntax of ovs-ofctl, one a line, with ports and tables by number or name; - is\n"
        "standard input. Flags are shown where they differ.\n"
        "Exit code: 0 the same, 2 different, 1 failed.",
        openflow_diff},
    OpenflowCommand{
        "apply", "TARGET FILE [--dry-run] [-o FORMAT]", "make a switch's flows those of a file",
        "Sends the switch what makes its flows those of FILE, as one atomic bundle: all of it\n"
        "or, if the switch refuses any of it, nothing. TARGET and FILE are as for diff.\n"
        "Exit code: 0 done, 1 failed.",
        openflow_apply},
};

int usage(std::FILE* to, int exit_code) {
  std::string text =
      "Usage: antctl openflow COMMAND [OPTION]...\n\nOpenFlow 1.5 as Open vSwitch speaks "
      "it.\n\nCommands:\n";
  for (const OpenflowCommand& command : kCommands)
    text += fmt::format("  {:<8} {}\n", command.name, command.about);
  text += "\n`antctl openflow COMMAND --help` tells more of a command.\n";
  fmt::print(to, "{}", text);
  return exit_code;
}

void show_help(const OpenflowCommand& command, const po::options_description& options) {
  std::string text = fmt::format("Usage: antctl openflow {} {}\n\n{}\n\nOptions:\n", command.name,
                                 command.arguments, command.details);
  fmt::print("{}{}", text, option_lines(options, 24));
}

}  // namespace

int complain_openflow(int exit_code, std::string_view text) {
  fmt::print(stderr, "antctl openflow: {}\n", text);
  return exit_code;
}

OpenflowArguments parse_openflow(const OpenflowCommand& command, po::options_description options,
                                 const std::vector<std::string>& arguments,
                                 std::size_t word_count) {
  options.add_options()("help,h", "print this text");
  OpenflowArguments parsed;
  const auto refuse = [&](std::string_view cause) {
    parsed.exit_code = complain_openflow(2, fmt::format("{}: {} (see antctl openflow {} --help)",
                                                        command.name, cause, command.name));
    return parsed;
  };
  try {
    parsed.values = read_words(arguments, options, &parsed.words);
    if (parsed.values.count("help") != 0) {
      show_help(command, options);
      parsed.exit_code = 0;
      return parsed;
    }
    po::notify(parsed.values);
  } catch (const po::error& error) {
    return refuse(error.what());
  }
  if (parsed.words.size() > word_count)
    return refuse(fmt::format("\"{}\" is one argument too many", parsed.words[word_count]));
  if (parsed.words.size() < word_count) return refuse("an argument is missing");
  return parsed;
}

std::optional<bool> wants_json(const std::string& format) {
  if (format == "json") return true;
  if (format == "text") return false;
  complain_openflow(2, fmt::format("there is no output format \"{}\": text or json", format));
  return {};
}

void answer_lines(const std::function<std::string(std::string_view line)>& answer) {
  for (std::string line; std::getline(std::cin, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    std::cout << answer(line) << '\n' << std::flush;
    if (!std::cout) return;
  }
}

int run_openflow(const std::vector<std::string>& arguments) {
  if (arguments.empty()) return usage(stderr, 2);
  if (arguments[0] == "--help" || arguments[0] == "-h") return usage(stdout, 0);
  const auto* const command = std::ranges::find(kCommands, arguments[0], &OpenflowCommand::name);
  if (command == kCommands.end())
    return complain_openflow(
        2, fmt::format("\"{}\" is no command (see antctl openflow --help)", arguments[0]));
  return command->run(*command, {arguments.begin() + 1, arguments.end()});
}

}  // namespace antrea::antctl
