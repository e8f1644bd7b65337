#pragma once

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/variables_map.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "antrea/base/result.h"

/// The commands of antrea-lab, and what they share.
namespace antrea::app {

/// A wrong flag or argument: exit 2, with the command's usage line.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

using Args = std::vector<std::string>;

struct Command {
  const char* name;
  const char* usage;        ///< behind "antrea-lab NAME"
  const char* summary;      ///< one line, for the list of commands
  const char* description;  ///< for its --help
  int (*run)(const Command& self, const Args& args);
};
extern const std::vector<Command> kCommands;

/// The flags and positional arguments of one command.
class Parsed {
 public:
  /// Throws UsageError. `--help` prints the help and is answered by `help()`.
  Parsed(const Command& command, const Args& args,
         boost::program_options::options_description options, int min_positional,
         int max_positional);

  bool help() const { return help_; }
  bool has(const std::string& flag) const { return values_.count(flag) > 0; }
  template <typename T>
  T get(const std::string& flag) const {
    return values_[flag].as<T>();
  }
  std::vector<std::string> list(const std::string& flag) const;
  const std::vector<std::string>& positional() const { return positional_; }
  const std::vector<std::string>& behind_dashes() const { return behind_; }
  /// --name, else $ANTREA_LAB, else "default".
  std::string lab() const;

 private:
  boost::program_options::variables_map values_;
  std::vector<std::string> positional_;
  std::vector<std::string> behind_;  ///< what follows "--"
  bool help_ = false;
};

/// Flags of every command that talks to a lab.
boost::program_options::options_description lab_options();

/// Prints "antrea-lab COMMAND: error" and gives the exit code.
int fail(const Command& command, const Error& error);

int run_up(const Command&, const Args&);
int run_down(const Command&, const Args&);
int run_status(const Command&, const Args&);
int run_list(const Command&, const Args&);
int run_exec(const Command&, const Args&);
int run_node(const Command&, const Args&);
int run_outside(const Command&, const Args&);
int run_beside(const Command&, const Args&);
int run_fail(const Command&, const Args&);
int run_heal(const Command&, const Args&);
int run_daemon(const Command&, const Args&);
int run_reach(const Command&, const Args&);
int run_apply(const Command&, const Args&);
int run_delete(const Command&, const Args&);
int run_run(const Command&, const Args&);
int run_demo(const Command&, const Args&);

}  // namespace antrea::app
