#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <chrono>
#include <filesystem>

#include "antrea/lab/lab.h"
#include "antrea/lab/process.h"
#include "session.h"

namespace antrea::lab {
namespace {

std::string text(const boost::json::object& object, const char* key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

pid_t peer_pid(int sock) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.pid : -1;
}

Fd open_pidfd(pid_t pid) { return Fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))); }

}  // namespace

Result<LabClient> LabClient::connect(const LabDir& dir) {
  auto sock = connect_to(dir.socket());
  if (sock.has_error() || !dir.is_up())
    return make_error(Errc::kUnavailable, "this lab is not up", dir.name(),
                      "antrea-lab up --name " + dir.name());
  const pid_t pid = peer_pid(sock->get());
  return LabClient(std::move(*sock), pid);
}

Result<std::pair<boost::json::object, std::vector<Fd>>> LabClient::call(
    const boost::json::object& request) {
  ANTREA_CHECK(send_message(sock_.get(), request, {}));
  ANTREA_TRY(Message answer, receive_message(sock_.get()));
  ANTREA_TRY(answer, check_refusal(std::move(answer)));
  return std::pair(std::move(answer.body), std::move(answer.fds));
}

Result<boost::json::object> LabClient::status() {
  ANTREA_TRY(auto answer, call({{"op", "status"}}));
  answer.first["keeperPid"] = pid_;
  return std::move(answer.first);
}

Result<Place> LabClient::place(const std::string& name) {
  ANTREA_TRY(auto answer, call({{"op", "place"}, {"name", name}}));
  auto& [body, fds] = answer;
  if (fds.size() != 1) return make_error(Errc::kMalformed, "the keeper sent no namespace", name);
  Place out;
  out.net = std::move(fds[0]);
  out.view.net = out.net.get();
  out.view.hostname = text(body, "hostname");
  out.pod_namespace = text(body, "namespace");
  if (const auto* binds = body.if_contains("binds"); binds != nullptr && binds->is_array()) {
    for (const auto& bind : binds->as_array())
      out.view.binds.push_back(
          {text(bind.as_object(), "source"), text(bind.as_object(), "target")});
  }
  return out;
}

Result<std::vector<NetNamespace>> LabClient::networks(const std::vector<std::string>& names) {
  std::vector<NetNamespace> out;
  for (std::size_t at = 0; at < names.size(); at += kMaxDescriptors) {
    boost::json::array part;
    const std::size_t end = std::min(names.size(), at + kMaxDescriptors);
    for (std::size_t i = at; i < end; ++i) part.emplace_back(names[i]);
    ANTREA_TRY(auto answer, call({{"op", "networks"}, {"names", std::move(part)}}));
    if (answer.second.size() != end - at)
      return make_error(Errc::kMalformed, "the keeper sent too few namespaces");
    for (Fd& fd : answer.second) out.push_back(NetNamespace::adopt(std::move(fd)));
  }
  return out;
}

Result<> LabClient::daemon(const std::string& host, const std::string& name,
                           const std::string& action) {
  ANTREA_CHECK(call({{"op", "daemon"}, {"host", host}, {"name", name}, {"action", action}}));
  return {};
}

Result<> LabClient::fail(const std::string& node, const std::string& how) {
  ANTREA_CHECK(call({{"op", "fault"}, {"node", node}, {"how", how}}));
  return {};
}

Result<> LabClient::heal(const std::string& node) {
  ANTREA_CHECK(call({{"op", "fault"}, {"node", node}}));
  return {};
}

Result<> LabClient::join(Purpose purpose) {
  const Fd keeper = open_pidfd(pid_);
  if (!keeper) return errno_error("find the lab's keeper");
  int flags = geteuid() != 0 ? CLONE_NEWUSER : 0;
  if (purpose == Purpose::kToRun) flags |= CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC;
  if (flags == 0) return {};
  std::error_code ignored;
  const auto folder = std::filesystem::current_path(ignored);
  if (setns(keeper.get(), flags) != 0) return errno_error("enter the lab's namespaces");
  std::filesystem::current_path(folder, ignored);  // entering a mount namespace led to its root
  return {};
}

Result<int> run_in(const Place& place, const std::vector<std::string>& argv,
                   const std::vector<std::string>& env) {
  std::vector<std::string> args = argv;
  if (args[0].find('/') == std::string::npos) {
    auto found = find_program(args[0]);
    if (found.has_error()) return std::move(found).error();
    args[0] = *found;
  }
  // The terminal sends its signals to both of us; the program's reaction decides.
  for (int number : {SIGINT, SIGQUIT}) signal(number, SIG_IGN);
  sigset_t forwarded;
  sigemptyset(&forwarded);
  for (int number : {SIGTERM, SIGHUP}) sigaddset(&forwarded, number);
  sigprocmask(SIG_BLOCK, &forwarded, nullptr);
  ANTREA_TRY(Process child, Process::spawn({.argv = std::move(args),
                                            .env = env,
                                            .view = place.view,
                                            .in = STDIN_FILENO,
                                            .out = STDOUT_FILENO,
                                            .err = STDERR_FILENO}));
  for (;;) {
    if (auto ended = child.wait(std::chrono::milliseconds(200))) return ended->code;
    const timespec now{};
    if (int number = sigtimedwait(&forwarded, nullptr, &now); number > 0) child.signal(number);
  }
}

Result<bool> down(const LabDir& dir) {
  // Process 1 of the lab, also of one that is only just coming up. The lock goes after the last of
  // its processes.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  bool was_up = false;
  for (auto holder = dir.holder(); holder; holder = dir.holder()) {
    if (*holder > 0 && !was_up) {
      const Fd init = open_pidfd(*holder);
      if (init) syscall(SYS_pidfd_send_signal, init.get(), SIGTERM, nullptr, 0);
      was_up = true;
    }
    if (std::chrono::steady_clock::now() > deadline)
      return make_error(Errc::kTimeout, "it does not end", dir.name(),
                        fmt::format("kill -9 {}", *holder));
    poll(nullptr, 0, 10);
  }
  ANTREA_TRY(const bool removed, dir.remove());
  return was_up || removed;
}

}  // namespace antrea::lab
