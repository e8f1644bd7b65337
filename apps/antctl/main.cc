// Shows what controller and agents know: antctl get VIEW [NAME]; and tools for OpenFlow.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <boost/program_options.hpp>
#include <string>
#include <vector>

#include "egress.h"
#include "get.h"
#include "openflow.h"
#include "policy.h"
#include "proxy.h"

namespace {

namespace po = boost::program_options;
using namespace antrea::antctl;

struct Request {
  Sources sources;
  Filter filter;
  std::string output = "table";
  std::vector<std::string> words;
};

po::options_description describe(Request& request) {
  po::options_description options;
  const auto text = [](std::string& to, const char* name) {
    return po::value(&to)->value_name(name);
  };
  options.add_options()("output,o", text(request.output, "FORMAT"), "table, json or yaml")(
      "kubeconfig", text(request.sources.kubeconfig, "FILE"),
      "how to reach the controller; by default as kubectl finds it")(
      "agent", text(request.sources.agent, "SOCKET"),
      "the agent's socket; by default /var/run/antrea/api.sock")(
      "lab", text(request.sources.lab, "NAME"), "ask in a lab of antrea-lab")(
      "node", text(request.sources.node, "NODE"), "whose agent to ask in the lab")(
      "table", text(request.filter.table, "TABLE"), "of ovsflows: only this table")(
      "pod", text(request.filter.pod, "NS/POD"), "of ovsflows: only flows that name this Pod")(
      "help,h", "print this text");
  return options;
}

int usage(int exit_code) {
  Request request;
  std::string text =
      "Usage: antctl get VIEW [NAME] [OPTION]...\n       antctl version [OPTION]...\n"
      "       antctl openflow COMMAND [OPTION]...\n"
      "       antctl policy COMMAND -f PATH... [OPTION]...\n"
      "       antctl proxy explain NS/SERVICE[:PORT] --from WHO [OPTION]...\n"
      "       antctl egress explain NS/POD [OPTION]...\n\n"
      "Shows what Antrea's controller and agents know; `antctl openflow --help` tells of its tools "
      "for OpenFlow,\n`antctl policy --help` of those for policies in files, `antctl proxy --help` "
      "of how Services are "
      "served,\n`antctl egress --help` of how Pods leave the cluster.\n\nViews:\n";
  for (const View& view : views()) text += fmt::format("  {:<18} {}\n", view.name, view.about);
  text += "\nOptions:\n";
  const auto options = describe(request);
  for (const auto& option : options.options())
    text += fmt::format("  {:<22} {}\n", option->format_name() + " " + option->format_parameter(),
                        option->description());
  fmt::print(exit_code == 0 ? stdout : stderr, "{}", text);
  return exit_code;
}

int complain(int exit_code, const std::string& text) {
  fmt::print(stderr, "antctl: {}\n", text);
  return exit_code;
}

antrea::Result<Report> version(const Sources& sources) {
  Report report{{"COMPONENT", "VERSION"},
                {{"antctl", ANTREA_VERSION}},
                boost::json::object{{"antctlVersion", ANTREA_VERSION}}};
  if (sources.kubeconfig.empty() && sources.lab.empty()) return report;
  ANTREA_TRY(const auto answer, sources.from_api("/version"));
  const std::string text(answer.at("gitVersion").as_string());
  report.rows.push_back({"controller", text});
  report.data.as_object()["controllerVersion"] = text;
  return report;
}

int run(Request& request, int argc, const char* const* argv) {
  auto options = describe(request);
  po::options_description all;
  all.add(options).add_options()("word", po::value(&request.words));
  po::positional_options_description words;
  words.add("word", -1);
  po::variables_map values;
  po::store(
      po::command_line_parser(argc, argv)
          .options(all)
          .positional(words)
          .style(po::command_line_style::default_style & ~po::command_line_style::allow_guessing)
          .run(),
      values);
  po::notify(values);
  if (values.count("help") != 0) return usage(0);
  if (request.words.empty()) return usage(2);

  const auto format = parse_format(request.output);
  if (!format) return complain(2, format.error().to_string());
  antrea::Result<Report> report = Report();
  if (request.words[0] == "version" && request.words.size() == 1) {
    report = version(request.sources);
  } else if (request.words[0] == "get" &&
             (request.words.size() == 2 || request.words.size() == 3)) {
    const View* const view = find_view(request.words[1]);
    if (view == nullptr)
      return complain(2,
                      fmt::format("there is no view \"{}\" (see antctl --help)", request.words[1]));
    if (request.words.size() == 3) request.filter.name = request.words[2];
    report = view->get(request.sources, request.filter);
  } else {
    return complain(
        2, fmt::format("\"{}\" is no command (see antctl --help)", fmt::join(request.words, " ")));
  }
  if (!report) return complain(1, report.error().to_string());
  fmt::print("{}", render(*report, *format));
  return 0;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc > 1 && std::string_view(argv[1]) == "openflow")
    return run_openflow({argv + 2, argv + argc});
  if (argc > 1 && std::string_view(argv[1]) == "policy") return run_policy({argv + 2, argv + argc});
  if (argc > 1 && std::string_view(argv[1]) == "egress") return run_egress({argv + 2, argv + argc});
  if (argc > 1 && std::string_view(argv[1]) == "proxy") return run_proxy({argv + 2, argv + argc});
  Request request;
  return run(request, argc, argv);
} catch (const po::error& error) {
  return complain(2, fmt::format("{} (see antctl --help)", error.what()));
} catch (const std::exception& error) {
  return complain(1, error.what());
}
