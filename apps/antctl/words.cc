#include "words.h"

#include <fmt/format.h>

#include "manifest_input.h"

namespace antrea::antctl {

namespace po = boost::program_options;

po::variables_map read_words(const std::vector<std::string>& arguments,
                             const po::options_description& options,
                             std::vector<std::string>* words) {
  po::options_description all;
  all.add(options);
  po::positional_options_description positional;
  if (words != nullptr) {
    all.add_options()("word", po::value(words));
    positional.add("word", -1);
  }
  po::variables_map values;
  po::store(
      po::command_line_parser(arguments)
          .options(all)
          .positional(positional)
          .style(po::command_line_style::default_style & ~po::command_line_style::allow_guessing)
          .run(),
      values);
  // The words are no option that the caller could notify of.
  if (const auto found = values.find("word"); found != values.end())
    *words = found->second.as<std::vector<std::string>>();
  values.erase("word");
  return values;
}

std::string option_lines(const po::options_description& options, int width) {
  std::string text;
  for (const auto& option : options.options())
    text += fmt::format("  {:<{}} {}\n", option->format_name() + " " + option->format_parameter(),
                        width, option->description());
  return text;
}

ExplainWords read_explain(const ExplainCommand& command, po::options_description options,
                          const std::vector<std::string>& arguments) {
  ExplainWords words;
  std::vector<std::string> rest;
  std::string output = "table";
  const auto text = [](auto& to, const char* name) { return po::value(&to)->value_name(name); };
  options.add_options()("filename,f", text(words.files, "PATH"),
                        "file or folder of YAML or JSON, or \"cluster:\"; may be repeated")(
      "kubeconfig", text(words.sources.kubeconfig, "FILE"), "how to reach the live cluster")(
      "lab", text(words.sources.lab, "NAME"), "a lab of antrea-lab as the live cluster")(
      "output,o", text(output, "FORMAT"), "table, json or yaml")("help,h", "print this text");
  const auto refuse = [&](std::string_view cause) {
    words.exit_code =
        complain(command, 2, fmt::format("{} (see antctl {} --help)", cause, command.name));
    return words;
  };
  try {
    po::variables_map values = read_words(arguments, options, &rest);
    po::notify(values);
    if (const bool asked = values.count("help") != 0; asked || rest.empty()) {
      constexpr int kWidth = 22;
      fmt::print(asked ? stdout : stderr, "{}\nOptions:\n{}", command.usage,
                 option_lines(options, kWidth));
      words.exit_code = asked ? 0 : 2;
      return words;
    }
  } catch (const po::error& error) {
    return refuse(error.what());
  }
  if (rest[0] != "explain") return refuse(fmt::format("\"{}\" is no command", rest[0]));
  if (rest.size() != 2)
    return refuse(fmt::format("explain: found {} {}, expected one {}", rest.size() - 1,
                              command.subjects, command.subject));
  const auto format = parse_format(output);
  if (!format) {
    words.exit_code = complain(command, 2, format.error().to_string());
    return words;
  }
  words.format = *format;
  words.subject = rest[1];
  if (words.files.empty()) words.files = {std::string(kCluster)};
  return words;
}

int complain(const ExplainCommand& command, int exit_code, std::string_view text) {
  fmt::print(stderr, "antctl {}: {}\n", command.name, text);
  return exit_code;
}

int answer(const ExplainCommand& command, Format format, const Result<Report>& report) {
  if (!report) return complain(command, 1, report.error().to_string());
  fmt::print("{}", render(*report, format));
  return 0;
}

}  // namespace antrea::antctl
