#include "antrea/lab/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>

extern char** environ;

namespace antrea::lab {
namespace {

using std::chrono::milliseconds;
using SteadyTime = std::chrono::steady_clock;

std::vector<std::string> merged_environment(const std::vector<std::string>& changes) {
  std::map<std::string, std::string> all;
  auto put = [&](std::string_view entry) {
    const auto eq = entry.find('=');
    if (eq == std::string_view::npos) return;
    std::string name(entry.substr(0, eq));
    if (eq + 1 == entry.size()) {
      all.erase(name);
    } else {
      all[name] = std::string(entry);
    }
  };
  for (char** e = environ; e != nullptr && *e != nullptr; ++e) put(*e);
  for (const auto& entry : changes) put(entry);
  std::vector<std::string> out;
  for (auto& [name, entry] : all) out.push_back(std::move(entry));
  return out;
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (const auto& s : strings) out.push_back(const_cast<char*>(s.c_str()));
  out.push_back(nullptr);
  return out;
}

/// In the child, between fork and exec. Only returns on failure; tells the parent why through
/// `report`.
void become(const ProcessOptions& options, char* const* argv, char* const* env, int in, int out,
            int err, int report) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  for (int number : {SIGPIPE, SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGCHLD}) ::signal(number, SIG_DFL);
  std::string why;
  if (options.view) {
    if (auto entered = enter(*options.view); entered.has_error()) why = entered.error().to_string();
  }
  if (why.empty()) {
    // dup2 in an order that does not overwrite a source: first out of the way, then into place.
    int fds[3] = {fcntl(in, F_DUPFD, 3), fcntl(out, F_DUPFD, 3), fcntl(err, F_DUPFD, 3)};
    for (int i = 0; i < 3; ++i) dup2(fds[i], i);
    for (int fd : fds) close(fd);
    execve(argv[0], argv, env);
    why = std::string("start: ") + std::strerror(errno);
  }
  if (write(report, why.data(), why.size()) < 0) _exit(126);
  _exit(127);
}

ExitStatus decode_status(int status) {
  if (WIFSIGNALED(status)) return {128 + WTERMSIG(status), true};
  return {WEXITSTATUS(status), false};
}

}  // namespace

std::string ExitStatus::to_string() const {
  return signalled ? fmt::format("killed by signal {}", code - 128) : fmt::format("exit {}", code);
}

Result<Process> Process::spawn(const ProcessOptions& options) {
  const auto env = merged_environment(options.env);
  const auto argv_pointers = pointers(options.argv);
  const auto env_pointers = pointers(env);

  Fd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) return errno_error("open", "/dev/null");
  Fd log;
  if (!options.log_path.empty()) {
    log = Fd(open(options.log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    if (!log) return errno_error("open", options.log_path);
  }
  const int fallback = log ? log.get() : null.get();
  const int in = options.in >= 0 ? options.in : null.get();
  const int out = options.out >= 0 ? options.out : fallback;
  const int err = options.err >= 0 ? options.err : fallback;

  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0) return errno_error("make a pipe");
  Fd report_read(report[0]);
  Fd report_write(report[1]);

  const pid_t pid = fork();
  if (pid < 0) return errno_error("fork", options.argv[0]);
  if (pid == 0)
    become(options, argv_pointers.data(), env_pointers.data(), in, out, err, report_write.get());
  report_write.reset();

  Process child;
  child.pid_ = pid;
  child.pidfd_ = Fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  char why[512];
  ssize_t length = 0;
  do length = read(report_read.get(), why, sizeof why);
  while (length < 0 && errno == EINTR);
  if (length > 0) {
    child.wait(milliseconds(1000));
    std::string text(why, static_cast<std::size_t>(length));
    return make_error(Errc::kNotFound, std::move(text), options.argv[0]);
  }
  if (!child.pidfd_) return errno_error("watch the process", options.argv[0]);
  return child;
}

Process::~Process() {
  if (pid_ < 0 || status_) return;
  signal(SIGKILL);
  wait(milliseconds(5000));
}

bool Process::alive() { return pid_ >= 0 && !wait(milliseconds(0)); }

void Process::signal(int number) {
  if (pid_ >= 0 && !status_) syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0);
}

std::optional<ExitStatus> Process::wait(milliseconds limit) {
  if (status_) return status_;
  if (pid_ < 0) return ExitStatus{};
  const auto deadline = SteadyTime::now() + limit;
  for (;;) {
    int status = 0;
    const pid_t ended = waitpid(pid_, &status, WNOHANG);
    if (ended == pid_) return status_ = decode_status(status);
    if (ended < 0 && errno == ECHILD) return status_ = ExitStatus{};  // somebody else reaped it
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - SteadyTime::now());
    if (left.count() <= 0) return std::nullopt;
    pollfd ready{pidfd_.get(), POLLIN, 0};
    poll(&ready, 1, static_cast<int>(left.count()));
  }
}

ExitStatus Process::stop(milliseconds grace) {
  signal(SIGTERM);
  if (auto ended = wait(grace)) return *ended;
  signal(SIGKILL);
  return wait(milliseconds(10'000)).value_or(ExitStatus{137, true});
}

Result<std::string> run_program(ProcessOptions options, milliseconds limit) {
  int out_pipe[2];
  int err_pipe[2];
  if (pipe2(out_pipe, O_CLOEXEC) != 0) return errno_error("make a pipe");
  Fd out_read(out_pipe[0]);
  Fd out_write(out_pipe[1]);
  if (pipe2(err_pipe, O_CLOEXEC) != 0) return errno_error("make a pipe");
  Fd err_read(err_pipe[0]);
  Fd err_write(err_pipe[1]);
  options.out = out_write.get();
  options.err = err_write.get();
  ANTREA_TRY(Process child, Process::spawn(options));
  out_write.reset();
  err_write.reset();

  const auto deadline = SteadyTime::now() + limit;
  std::string out;
  std::string err;
  pollfd fds[2] = {{out_read.get(), POLLIN, 0}, {err_read.get(), POLLIN, 0}};
  while (fds[0].fd >= 0 || fds[1].fd >= 0) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - SteadyTime::now());
    if (left.count() <= 0 || poll(fds, 2, static_cast<int>(left.count())) == 0)
      return make_error(Errc::kTimeout, fmt::format("no end after {} ms", limit.count()),
                        options.argv[0]);
    for (int i = 0; i < 2; ++i) {
      if (fds[i].fd < 0 || fds[i].revents == 0) continue;
      char chunk[4096];
      const ssize_t length = read(fds[i].fd, chunk, sizeof chunk);
      if (length > 0) {
        (i == 0 ? out : err).append(chunk, static_cast<std::size_t>(length));
      } else if (length == 0 || errno != EINTR) {
        fds[i].fd = -1;
      }
    }
  }
  const auto left = std::chrono::duration_cast<milliseconds>(deadline - SteadyTime::now());
  const auto ended = child.wait(std::max(left, milliseconds(1)));
  if (!ended)
    return make_error(Errc::kTimeout, fmt::format("no end after {} ms", limit.count()),
                      options.argv[0]);
  if (ended->code == 0) return out;
  while (!err.empty() && err.back() == '\n') err.pop_back();
  std::replace(err.begin(), err.end(), '\n', ' ');
  return make_error(Errc::kRejected, ended->to_string() + (err.empty() ? "" : ": " + err),
                    options.argv[0]);
}

Result<std::string> find_program(const std::string& name) {
  std::vector<std::string> folders;
  std::error_code ignored;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", ignored);
  if (!ignored) {
    folders.push_back(self.parent_path().string());
    folders.push_back((self.parent_path().parent_path() / "bin").string());
  }
  std::string_view path = std::getenv("PATH") != nullptr ? std::getenv("PATH") : "";
  while (!path.empty()) {
    const auto colon = std::min(path.find(':'), path.size());
    if (colon > 0) folders.emplace_back(path.substr(0, colon));
    path.remove_prefix(std::min(colon + 1, path.size()));
  }
  for (const char* folder : {"/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"})
    folders.emplace_back(folder);
  for (const auto& folder : folders) {
    std::string candidate = folder + "/" + name;
    if (!std::filesystem::is_directory(candidate, ignored) && access(candidate.c_str(), X_OK) == 0)
      return candidate;
  }
  std::string remedy;
  if (name.starts_with("ovs"))
    remedy = "install Open vSwitch (Debian: apt install openvswitch-switch)";
  if (name.starts_with("antrea")) remedy = "build it with scripts/build";
  return make_error(Errc::kNotFound, "no such program", name, std::move(remedy));
}

}  // namespace antrea::lab
