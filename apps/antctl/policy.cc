#include "policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "words.h"

namespace antrea::antctl {
namespace {

namespace cp = api::controlplane;
namespace json = boost::json;
namespace po = boost::program_options;

constexpr std::array kCommands{
    PolicyCommand{"reach", "port external ", "who may talk to whom, and which rule decides",
                  "Asks for every pair of Pods, on the ports given or on those that the target\n"
                  "declares (80/TCP if none); and by the NodePorts of Services that rules are\n"
                  "applied to.",
                  policy_reach, false, false},
    PolicyCommand{
        "explain", "from to port protocol ",
        "every rule that one conversation meets, and what would turn the verdict",
        "--from is NAMESPACE/POD or an address; --to is that, or NAMESPACE/SERVICE (or\n"
        "service/NAMESPACE/NAME), or the address of a Service; --port is then the Service's,\n"
        "or a NodePort of it: rules applied to the Service count for what comes by that.\n"
        "Told are the rules in order, the flows that the switch applies, and the smallest\n"
        "change of the policies that would turn the verdict.",
        policy_explain, false, false},
    PolicyCommand{
        "diff", "", "which conversations and flows change from OLD to NEW",
        "What -f names belongs to both sets; an object of a set takes the place of the one\n"
        "of its name there. So `diff -f cluster: cluster: NEW` tells what NEW would change.\n"
        "Exit code 1 if anything changes.",
        policy_diff, true, true},
    PolicyCommand{
        "equal", "", "whether two sets of policies mean the same, or a packet that differs",
        "Over all Pods, addresses, protocols and ports. What -f names belongs to both sets.\n"
        "Exit code 1 if they differ.",
        policy_equal, true, true},
    PolicyCommand{"check", "", "rules without effect, in conflict, or about nobody; and their cost",
                  "Exit code 1 if anything is found.", policy_check, false, true},
    PolicyCommand{
        "compile", "node ", "the flows of one Node, as ovs-ofctl takes them",
        "Ports of Pods are numbered from 1 in the order of their names, groups of Services\n"
        "likewise.",
        policy_compile, false, false},
};

constexpr std::pair<std::string_view, cp::ServiceProtocol> kProtocols[] = {
    {"TCP", cp::ServiceProtocol::kTcp},
    {"UDP", cp::ServiceProtocol::kUdp},
    {"SCTP", cp::ServiceProtocol::kSctp},
    {"ICMP", cp::ServiceProtocol::kIcmp},
};

int complain(int exit_code, std::string_view text) {
  fmt::print(stderr, "antctl policy: {}\n", text);
  return exit_code;
}

int usage(std::FILE* to, int exit_code) {
  std::string text =
      "Usage: antctl policy COMMAND -f PATH... [OPTION]...\n\nAnswers questions about policies in "
      "files, without any cluster: NetworkPolicies of Kubernetes\nand Antrea, tiers, groups, "
      "AdminNetworkPolicies, with Pods, Namespaces, Services and Nodes.\nA PATH is a file or a "
      "folder of YAML or JSON, or \"cluster:\" for what a live API server has\n(as --kubeconfig or "
      "--lab tell, else as kubectl finds it). Exit codes: 0 done, 1 found or\nfailed, 2 not "
      "understood; diff, equal and check: 0 nothing, 1 found, 2 failed.\n\nCommands:\n";
  for (const PolicyCommand& command : kCommands)
    text += fmt::format("  {:<8} {}\n", command.name, command.about);
  text += "\n`antctl policy COMMAND --help` tells more of a command.\n";
  fmt::print(to, "{}", text);
  return exit_code;
}

po::options_description describe(const PolicyCommand& command, PolicyArguments& arguments) {
  po::options_description all, mine;
  const auto text = [](auto& to, const char* name) { return po::value(&to)->value_name(name); };
  mine.add_options()("filename,f", text(arguments.files, "PATH"),
                     "file or folder of YAML or JSON, or \"cluster:\"; may be repeated")(
      "kubeconfig", text(arguments.sources.kubeconfig, "FILE"),
      "how to reach the live cluster; without -f it is asked alone")(
      "lab", text(arguments.sources.lab, "NAME"), "a lab of antrea-lab as the live cluster")(
      "output,o", text(arguments.output, "FORMAT"), "table, json or yaml");
  all.add_options()("port",
                    command.name == "reach"
                        ? static_cast<po::value_semantic*>(text(arguments.ports, "PORT/PROTOCOL"))
                        : text(arguments.port, "PORT"),
                    "destination port")("protocol", text(arguments.protocol, "PROTOCOL"),
                                        "TCP, UDP, SCTP or ICMP; by default TCP")(
      "external", text(arguments.externals, "IP"), "an address outside to ask for as well")(
      "from", text(arguments.from, "WHO")->required(), "who begins the conversation")(
      "to", text(arguments.to, "WHO")->required(), "with whom")(
      "node", text(arguments.node, "NODE")->required(), "whose flows");
  for (const auto& option : all.options())
    if (command.options.find(option->long_name() + " ") != std::string_view::npos) mine.add(option);
  return mine;
}

void show_help(const PolicyCommand& command, const po::options_description& options) {
  std::string text =
      fmt::format("Usage: antctl policy {} {} [OPTION]...\n\n{}\n\nOptions:\n", command.name,
                  command.two_sets ? "OLD NEW [-f PATH]..." : "-f PATH...", command.details);
  fmt::print("{}{}", text, option_lines(options, 24));
}

int run(const PolicyCommand& command, const std::vector<std::string>& words) {
  PolicyArguments arguments;
  po::options_description options = describe(command, arguments);
  options.add_options()("help,h", "print this text");
  try {
    po::variables_map values =
        read_words(words, options, command.two_sets ? &arguments.sets : nullptr);
    if (values.count("help") != 0) {
      show_help(command, options);
      return 0;
    }
    po::notify(values);
  } catch (const po::error& error) {
    return complain(2, fmt::format("{}: {} (see antctl policy {} --help)", command.name,
                                   error.what(), command.name));
  }
  const auto format = parse_format(arguments.output);
  if (!format) return complain(2, format.error().to_string());
  if (command.two_sets && arguments.sets.size() != 2)
    return complain(2, fmt::format("{}: found {} PATHs beside -f, expected OLD and NEW (see antctl "
                                   "policy {} --help)",
                                   command.name, arguments.sets.size(), command.name));
  if (!command.two_sets && arguments.files.empty()) {
    if (arguments.sources.kubeconfig.empty() && arguments.sources.lab.empty())
      return complain(2, fmt::format("{}: the option '--filename' is required but missing (see "
                                     "antctl policy {} --help)",
                                     command.name, command.name));
    arguments.files.emplace_back(kCluster);
  }
  const auto report = command.run(arguments);
  if (!report)
    return complain(command.answers || report.error().code == Errc::kInvalidArgument ? 2 : 1,
                    report.error().to_string());
  fmt::print("{}", render(*report, *format));
  return report->exit_code;
}

}  // namespace

Result<cp::ServiceProtocol> parse_service_protocol(std::string_view text) {
  std::string upper(text);
  for (char& c : upper)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  for (const auto& [name, protocol] : kProtocols)
    if (name == upper) return protocol;
  return make_error(Errc::kInvalidArgument,
                    fmt::format("protocol: found \"{}\", expected TCP, UDP, SCTP or ICMP", text));
}

std::string_view to_string(cp::ServiceProtocol protocol) {
  for (const auto& [name, value] : kProtocols)
    if (value == protocol) return name;
  return "IGMP";
}

std::string_view to_string(cp::RuleAction action) {
  constexpr std::array<std::string_view, 4> kNames{"Allow", "Drop", "Reject", "Pass"};
  return kNames[static_cast<std::size_t>(action)];
}

ReachVerdict judge(const policy::Evaluator& evaluator, const policy::Conversation& conversation) {
  return {evaluator.judge(conversation, cp::Direction::kOut),
          evaluator.judge(conversation, cp::Direction::kIn)};
}

std::string_view ReachVerdict::result() const {
  for (const auto* direction : {&egress, &ingress})
    if (direction->verdict != cp::RuleAction::kAllow)
      return direction->verdict == cp::RuleAction::kReject ? "rejected" : "dropped";
  return "allowed";
}

std::string name_of(const std::optional<policy::RuleStep>& step) {
  if (!step) return {};
  const bool isolates = step->match == policy::RuleStep::Match::kIsolates;
  return step->policy.to_string() + (isolates ? std::string() : "/" + step->rule);
}

json::value encode(const std::optional<policy::RuleStep>& step) {
  if (!step) return nullptr;
  json::object object{{"kind", api::controlplane::to_string(step->policy.type)}};
  if (!step->policy.namespace_.empty()) object["namespace"] = step->policy.namespace_;
  object["name"] = step->policy.name;
  if (step->match != policy::RuleStep::Match::kIsolates) object["rule"] = step->rule;
  return object;
}

int run_policy(const std::vector<std::string>& arguments) {
  if (arguments.empty()) return usage(stderr, 2);
  if (arguments[0] == "--help" || arguments[0] == "-h") return usage(stdout, 0);
  const auto* const command = std::ranges::find(kCommands, arguments[0], &PolicyCommand::name);
  if (command == kCommands.end())
    return complain(2,
                    fmt::format("\"{}\" is no command (see antctl policy --help)", arguments[0]));
  return run(*command, {arguments.begin() + 1, arguments.end()});
}

}  // namespace antrea::antctl
