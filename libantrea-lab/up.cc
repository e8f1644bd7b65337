#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "antrea/lab/lab.h"
#include "antrea/lab/process.h"
#include "keeper.h"

namespace antrea::lab {
namespace {

/// What the keeper tells the command that started it, a line each: progress, then "ready" or an
/// error.
class Report {
 public:
  explicit Report(Fd out) : out_(std::move(out)) {}
  void progress(const std::string& line) { write_line({{"progress", line}}); }
  void ready() { write_line({{"ready", true}}); }
  void failed(const Error& error) { write_line(encode_error(error)); }
  void close() { out_.reset(); }

 private:
  void write_line(const boost::json::object& object) {
    const std::string line = boost::json::serialize(object) + "\n";
    // Nobody may be left to read it; the lab comes up all the same.
    if (write(out_.get(), line.data(), line.size()) < 0) return;
  }
  Fd out_;
};

/// Reads the keeper's report to its end.
Result<> follow(int fd, const UpOptions& options) {
  std::string pending;
  char chunk[4096];
  for (;;) {
    const ssize_t size = read(fd, chunk, sizeof chunk);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return make_error(Errc::kInternal, "the lab's keeper ended without a word");
    pending.append(chunk, static_cast<std::size_t>(size));
    for (auto end = pending.find('\n'); end != std::string::npos; end = pending.find('\n')) {
      boost::system::error_code ec;
      auto line = boost::json::parse(pending.substr(0, end), ec);
      pending.erase(0, end + 1);
      if (ec || !line.is_object()) continue;
      auto& object = line.as_object();
      if (object.contains("ready")) return {};
      if (auto* text = object.if_contains("progress"); text != nullptr && text->is_string()) {
        if (options.progress) options.progress(std::string(text->as_string()));
      }
      Message message{.body = std::move(object), .fds = {}};
      ANTREA_CHECK(check_refusal(std::move(message)));
    }
  }
}

/// Process 1 of the lab: buries who has lost its parent, and ends, taking all with it, when the
/// keeper does.
[[noreturn]] void bury_the_dead(pid_t keeper) {
  prctl(PR_SET_NAME, "antrea-lab-init");
  struct sigaction pass {};
  pass.sa_handler = [](int) {};
  sigaction(SIGTERM, &pass, nullptr);
  for (;;) {
    int status = 0;
    const pid_t ended = wait(&status);
    if (ended == keeper) break;
    if (ended < 0 && errno == EINTR) kill(keeper, SIGTERM);
  }
  // The lock that we hold is to outlive every process of the lab.
  kill(-1, SIGKILL);
  while (wait(nullptr) > 0 || errno == EINTR) continue;
  _exit(0);
}

[[noreturn]] void keep(const LabDir& dir, UpOptions options, Report report) {
  mount_own_proc();
  auto log = make_file_logger("keeper", dir.log() + "/keeper.log");
  if (log.has_error()) {
    report.failed(log.error());
    _exit(1);
  }
  options.progress = [&](const std::string& line) {
    (*log)->info("{}", line);
    report.progress(line);
  };
  Keeper keeper(dir, std::move(options), *log);
  if (auto started = keeper.start(); started.has_error()) {
    (*log)->error("{}", started.error().to_string());
    report.failed(started.error());
    _exit(1);
  }
  report.ready();
  report.close();
  keeper.run();
  _exit(0);
}

/// Standard streams of a process that nobody looks at.
void detach_from_terminal() {
  setsid();
  Fd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  for (int fd : {0, 1, 2}) dup2(null.get(), fd);
  if (chdir("/") != 0) return;
}

}  // namespace

Result<> up(const LabDir& dir, const UpOptions& options) {
  for (const char* program : {"ovsdb-server", "ovsdb-tool", "ovs-vswitchd", "ovs-vsctl"})
    ANTREA_CHECK(find_program(program));
  if (!options.hosts_only) {
    for (const char* program : {"antrea-controller", "antrea-agent", "antrea-cni"})
      ANTREA_CHECK(find_program(program));
  }
  ANTREA_TRY(Fd lock, dir.claim());
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return errno_error("make a pipe");
  Fd from_keeper(ends[0]);
  Report report{Fd(ends[1])};

  std::fflush(nullptr);
  const pid_t outer = fork();
  if (outer < 0) return errno_error("fork");
  if (outer == 0) {
    from_keeper.reset();
    if (auto left = leave_the_machine(); left.has_error()) {
      report.failed(left.error());
      _exit(1);
    }
    const pid_t init = fork();
    if (init != 0) {
      // Not our number for it but the machine's: `down` ends a lab by it.
      const std::string pid = std::to_string(init);
      _exit(pwrite(lock.get(), pid.data(), pid.size(), 0) < 0 ? 1 : 0);
    }
    detach_from_terminal();
    const pid_t keeper = fork();
    if (keeper == 0) keep(dir, options, std::move(report));
    report.close();
    bury_the_dead(keeper);  // holds the lock
  }
  report.close();
  int status = 0;
  while (waitpid(outer, &status, 0) < 0 && errno == EINTR) continue;
  auto done = follow(from_keeper.get(), options);
  lock.reset();
  if (done.has_error()) {
    // The kernel is still taking the lab down; its folder is ours to remove once it is through.
    for (int i = 0; i < 1000 && dir.is_up(); ++i) usleep(10'000);
    if (auto removed = dir.remove(); removed.has_error()) return std::move(removed).error();
  }
  return done;
}

}  // namespace antrea::lab
