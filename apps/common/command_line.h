#pragma once

#include <fmt/format.h>

#include <boost/program_options.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace antrea::apps {

/// What a daemon was started with, or the exit code with which to end at once.
struct CommandLine {
  boost::program_options::variables_map values;
  std::optional<int> exit_code;
};

/// Reads the options of a daemon that takes no positional arguments. `--help` prints `about` and
/// the options on standard output (exit code 0); anything wrong prints one line on standard error
/// (exit code 2).
inline CommandLine read_command_line(std::string_view program, std::string_view about,
                                     boost::program_options::options_description options, int argc,
                                     const char* const* argv) {
  namespace po = boost::program_options;
  options.add_options()("help,h", "print this text")("version", "print the version");
  CommandLine line;
  try {
    po::store(
        po::command_line_parser(argc, argv)
            .options(options)
            .positional(po::positional_options_description())
            .style(po::command_line_style::default_style & ~po::command_line_style::allow_guessing)
            .run(),
        line.values);
    if (line.values.count("help") != 0) {
      std::string text = fmt::format("Usage: {} [OPTION]...\n{}\n\n", program, about);
      for (const auto& option : options.options())
        text +=
            fmt::format("  {:<32} {}\n", option->format_name() + " " + option->format_parameter(),
                        option->description());
      fmt::print("{}", text);
      line.exit_code = 0;
    } else if (line.values.count("version") != 0) {
      fmt::print("{} {}\n", program, ANTREA_VERSION);
      line.exit_code = 0;
    } else {
      po::notify(line.values);
    }
  } catch (const po::error& error) {
    fmt::print(stderr, "{}: {} (see {} --help)\n", program, error.what(), program);
    line.exit_code = 2;
  }
  return line;
}

}  // namespace antrea::apps
