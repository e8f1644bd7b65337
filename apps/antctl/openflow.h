#pragma once

#include <boost/program_options.hpp>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace antrea::antctl {

/// One subcommand of `antctl openflow`. Each stands in a file of its own, openflow_NAME.cc.
struct OpenflowCommand {
  std::string_view name;
  std::string_view arguments;  ///< what follows the name, as usage shows it
  std::string_view about;      ///< one line
  std::string_view details;    ///< what --help says below the usage
  /// Does the work with the arguments behind the name; the exit code.
  int (*run)(const OpenflowCommand& command, const std::vector<std::string>& arguments);
};

int openflow_apply(const OpenflowCommand& command, const std::vector<std::string>& arguments);
int openflow_diff(const OpenflowCommand& command, const std::vector<std::string>& arguments);
int openflow_encode(const OpenflowCommand& command, const std::vector<std::string>& arguments);
int openflow_print(const OpenflowCommand& command, const std::vector<std::string>& arguments);

/// `antctl openflow ARGUMENTS...`; the exit code: 0 done, 1 failed, 2 not understood.
int run_openflow(const std::vector<std::string>& arguments);

/// The options and words of a command line, or the exit code with which to end at once: `--help`
/// was asked for, or something was not understood and has been said on standard error.
struct OpenflowArguments {
  boost::program_options::variables_map values;
  std::vector<std::string> words;
  std::optional<int> exit_code;
};
/// Reads `arguments`, which must hold exactly `word_count` words beside the options. Adds --help.
OpenflowArguments parse_openflow(const OpenflowCommand& command,
                                 boost::program_options::options_description options,
                                 const std::vector<std::string>& arguments,
                                 std::size_t word_count = 0);

/// True for "json", false for "text"; nothing for another word, which is then complained about.
std::optional<bool> wants_json(const std::string& format);

/// Answers each line of standard input with one line of standard output, written at once, until
/// the input ends. A carriage return before the line's end is dropped.
void answer_lines(const std::function<std::string(std::string_view line)>& answer);

/// One line on standard error; returns `exit_code`.
int complain_openflow(int exit_code, std::string_view text);

}  // namespace antrea::antctl
