#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "antrea/base/export.h"
#include "antrea/base/result.h"
#include "antrea/lab/namespace.h"

namespace antrea::lab {

struct ProcessOptions {
  std::vector<std::string> argv;  ///< argv[0] is a path; see `find_program`
  std::vector<std::string> env;   ///< "NAME=value", on top of the caller's; an empty value removes
  std::optional<HostView> view;   ///< entered before the program starts
  std::string log_path;  ///< standard output and error are appended there; empty: /dev/null
  int in = -1;           ///< standard input; -1: /dev/null; borrowed
  int out = -1;          ///< standard output, instead of the log; borrowed
  int err = -1;          ///< standard error, instead of the log; borrowed
};

/// How a process ended: its exit code, or 128 plus the signal, as shells count.
struct ExitStatus {
  int code = 0;
  bool signalled = false;
  std::string to_string() const;  ///< "exit 1", "killed by signal 9"
};

/// A child. It is killed (SIGKILL) when this handle goes, and by the kernel when we die.
class ANTREA_API Process {
 public:
  Process() = default;
  /// Returns when the program is running (or could not be started: kNotFound, kPermissionDenied,
  /// ...).
  static Result<Process> spawn(const ProcessOptions& options);
  Process(Process&& other) noexcept
      : pid_(std::exchange(other.pid_, -1)),
        pidfd_(std::move(other.pidfd_)),
        status_(std::exchange(other.status_, std::nullopt)) {}
  Process& operator=(Process&& other) noexcept {
    std::swap(pid_, other.pid_);
    std::swap(pidfd_, other.pidfd_);
    std::swap(status_, other.status_);
    return *this;
  }
  ~Process();

  pid_t pid() const { return pid_; }
  /// Readable once the process has ended.
  int pidfd() const { return pidfd_.get(); }
  bool alive();
  /// Sends a signal; a process that has ended is left alone.
  void signal(int number);
  /// Waits at most so long. Empty: still running.
  std::optional<ExitStatus> wait(std::chrono::milliseconds limit);
  /// SIGTERM, then after `grace` SIGKILL.
  ExitStatus stop(std::chrono::milliseconds grace);

 private:
  pid_t pid_ = -1;
  Fd pidfd_;
  std::optional<ExitStatus> status_;
};

/// Runs a program to its end and returns what it wrote to standard output. Error: kRejected when it
/// fails, with what it wrote to standard error; kTimeout.
ANTREA_API Result<std::string> run_program(ProcessOptions options, std::chrono::milliseconds limit);

/// The path of a program: beside the running one, else in $PATH, else in the system folders that an
/// ordinary user's $PATH lacks. Error: kNotFound, with the package to install where it is known.
ANTREA_API Result<std::string> find_program(const std::string& name);

}  // namespace antrea::lab
