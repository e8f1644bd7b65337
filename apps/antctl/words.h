#pragma once

#include <boost/program_options.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "output.h"
#include "sources.h"

// What stands behind a command of antctl on the command line.
namespace antrea::antctl {

/// Reads options, which are not guessed from their beginnings, and words, of which all go to
/// `words`; null: there are none. The caller notifies. Throws po::error.
boost::program_options::variables_map read_words(
    const std::vector<std::string>& arguments,
    const boost::program_options::options_description& options, std::vector<std::string>* words);

/// A line for each option, for --help; `width` characters are for its name.
std::string option_lines(const boost::program_options::options_description& options, int width);

/// A command with one question: `antctl NAME explain SUBJECT [OPTION]...`.
struct ExplainCommand {
  std::string_view name;      ///< "egress"
  std::string_view usage;     ///< of `--help`, without the options
  std::string_view subjects;  ///< "Pods"
  std::string_view subject;   ///< "NAMESPACE/POD"
};

/// What it was asked with, or the exit code with which to end at once.
struct ExplainWords {
  std::string subject;
  std::vector<std::string> files;  ///< of -f; the live cluster where nothing was said
  Sources sources;
  Format format = Format::kTable;
  std::optional<int> exit_code;
};

/// Reads the command's own options and those that all have: -f, --kubeconfig, --lab, -o, --help.
ExplainWords read_explain(const ExplainCommand& command,
                          boost::program_options::options_description options,
                          const std::vector<std::string>& arguments);

/// One line on standard error: "antctl egress: TEXT". Returns the exit code.
int complain(const ExplainCommand& command, int exit_code, std::string_view text);

/// Prints the answer. Returns the exit code.
int answer(const ExplainCommand& command, Format format, const Result<Report>& report);

}  // namespace antrea::antctl
