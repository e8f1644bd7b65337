#include "policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "antrea/api/json.h"

namespace antrea::antctl {
namespace {

namespace cp = api::controlplane;
namespace fs = std::filesystem;
namespace json = boost::json;
namespace po = boost::program_options;

constexpr std::array kCommands{
    PolicyCommand{"reach", "filename port external output ",
                  "who may talk to whom, and which rule decides",
                  "Asks for every pair of Pods, on the ports given or on those that the target\n"
                  "declares (80/TCP if none).",
                  policy_reach},
    PolicyCommand{"explain", "filename from to port protocol output ",
                  "every rule that one conversation meets, in order",
                  "--from and --to are NAMESPACE/POD or an address.", policy_explain},
    PolicyCommand{"compile", "filename node output ",
                  "the flows of one Node, as ovs-ofctl takes them",
                  "Ports of Pods are numbered from 1 in the order of their names.", policy_compile},
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
      "AdminNetworkPolicies, with Pods, Namespaces, Services and Nodes.\n\nCommands:\n";
  for (const PolicyCommand& command : kCommands)
    text += fmt::format("  {:<8} {}\n", command.name, command.about);
  text += "\n`antctl policy COMMAND --help` tells more of a command.\n";
  fmt::print(to, "{}", text);
  return exit_code;
}

po::options_description describe(const PolicyCommand& command, PolicyArguments& arguments) {
  po::options_description all, mine;
  const auto text = [](auto& to, const char* name) { return po::value(&to)->value_name(name); };
  all.add_options()("filename,f", text(arguments.files, "PATH")->required(),
                    "file or folder of YAML or JSON; may be repeated")(
      "port",
      command.name == "reach"
          ? static_cast<po::value_semantic*>(text(arguments.ports, "PORT/PROTOCOL"))
          : text(arguments.port, "PORT"),
      "destination port")("protocol", text(arguments.protocol, "PROTOCOL"),
                          "TCP, UDP, SCTP or ICMP; by default TCP")(
      "external", text(arguments.externals, "IP"), "an address outside to ask for as well")(
      "from", text(arguments.from, "WHO")->required(), "who begins the conversation")(
      "to", text(arguments.to, "WHO")->required(), "with whom")(
      "node", text(arguments.node, "NODE")->required(), "whose flows")(
      "output,o", text(arguments.output, "FORMAT"), "table, json or yaml");
  for (const auto& option : all.options())
    if (command.options.find(option->long_name() + " ") != std::string_view::npos) mine.add(option);
  return mine;
}

void show_help(const PolicyCommand& command, const po::options_description& options) {
  std::string text =
      fmt::format("Usage: antctl policy {} -f PATH... [OPTION]...\n\n{}\n\nOptions:\n",
                  command.name, command.details);
  for (const auto& option : options.options())
    text += fmt::format("  {:<24} {}\n", option->format_name() + " " + option->format_parameter(),
                        option->description());
  fmt::print("{}", text);
}

int run(const PolicyCommand& command, const std::vector<std::string>& words) {
  PolicyArguments arguments;
  po::options_description options = describe(command, arguments);
  options.add_options()("help,h", "print this text");
  po::variables_map values;
  try {
    po::store(
        po::command_line_parser(words)
            .options(options)
            .positional({})
            .style(po::command_line_style::default_style & ~po::command_line_style::allow_guessing)
            .run(),
        values);
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
  const auto report = command.run(arguments);
  if (!report)
    return complain(report.error().code == Errc::kInvalidArgument ? 2 : 1,
                    report.error().to_string());
  fmt::print("{}", render(*report, *format));
  return 0;
}

Result<std::vector<fs::path>> files_of(const std::string& path) {
  std::error_code ec;
  if (!fs::is_directory(path, ec)) return std::vector<fs::path>{path};
  std::vector<fs::path> files;
  for (fs::recursive_directory_iterator it(path, ec), end; !ec && it != end; it.increment(ec)) {
    const auto extension = it->path().extension();
    if (extension == ".yaml" || extension == ".yml" || extension == ".json")
      files.push_back(it->path());
  }
  if (ec) return make_error(Errc::kNotFound, "read folder: " + ec.message(), path);
  std::ranges::sort(files);
  return files;
}

Result<> read_file(const fs::path& path, std::vector<policy::ObjectChange>& objects) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  if (!file) return make_error(Errc::kNotFound, "read manifest: cannot be read", path.string());
  ANTREA_TRY(const auto manifest, api::decode_manifest(text.str(), path.string()));
  for (const json::value& each : manifest) {
    ANTREA_TRY(auto object, policy::decode_object(each));
    if (object) objects.push_back(*std::move(object));
  }
  return {};
}

void say(std::string_view what, std::size_t count) {
  if (count != 0) fmt::print(stderr, "antctl policy: {}: {}\n", what, count);
}

}  // namespace

Result<std::vector<policy::ObjectChange>> load_objects(const std::vector<std::string>& paths) {
  std::vector<policy::ObjectChange> objects;
  for (const std::string& path : paths) {
    ANTREA_TRY(const auto files, files_of(path));
    for (const fs::path& file : files) ANTREA_CHECK(read_file(file, objects));
  }
  const policy::MadeUp made_up = policy::complete(objects);
  say("Pods without address, which got made-up ones", made_up.addresses.size());
  say("Pods without Node, taken to be on node-0", made_up.nodes.size());
  say("Namespaces that nothing describes, taken to have no labels", made_up.namespaces.size());
  return objects;
}

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
  return {evaluator.explain(conversation, cp::Direction::kOut),
          evaluator.explain(conversation, cp::Direction::kIn)};
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
