#include "tests/node/lab.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "antrea/openflow/codec.h"

namespace antrea::node::lab {
namespace {

using Clock = std::chrono::steady_clock;

sockaddr_storage to_sockaddr(const IpAddress& ip, std::uint16_t port, socklen_t& size) {
  sockaddr_storage storage{};
  if (ip.is_v4()) {
    auto& address = reinterpret_cast<sockaddr_in&>(storage);
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    std::memcpy(&address.sin_addr, ip.bytes().data(), 4);
    size = sizeof(sockaddr_in);
  } else {
    auto& address = reinterpret_cast<sockaddr_in6&>(storage);
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    std::memcpy(&address.sin6_addr, ip.bytes().data(), 16);
    size = sizeof(sockaddr_in6);
  }
  return storage;
}

std::string host_text(const sockaddr_storage& storage) {
  char text[INET6_ADDRSTRLEN] = "";
  if (storage.ss_family == AF_INET)
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(storage).sin_addr, text, sizeof text);
  else
    inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(storage).sin6_addr, text,
              sizeof text);
  return text;
}

[[noreturn]] void execute(std::vector<std::string> argv) {
  std::vector<char*> raw;
  for (auto& argument : argv) raw.push_back(argument.data());
  raw.push_back(nullptr);
  execvp(raw.front(), raw.data());
  _exit(127);
}

bool readable(int fd, int timeout_ms) {
  pollfd wait{fd, POLLIN, 0};
  return poll(&wait, 1, timeout_ms) == 1;
}

}  // namespace

bool isolate() {
  static const bool done = [] {
    const auto uid = geteuid(), gid = getegid();
    const int flags = CLONE_NEWNET | CLONE_NEWNS | (uid == 0 ? 0 : CLONE_NEWUSER);
    if (unshare(flags) != 0) return false;
    if (uid != 0) {
      std::ofstream("/proc/self/setgroups") << "deny";
      std::ofstream("/proc/self/uid_map") << "0 " << uid << " 1";
      std::ofstream("/proc/self/gid_map") << "0 " << gid << " 1";
    }
    return mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
  }();
  return done;
}

bool can_switch() {
  if (!isolate()) return false;
  const int device = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
  if (device >= 0) close(device);
  return device >= 0;
}

Namespace::Namespace() {
  int ready[2];
  EXPECT_EQ(pipe(ready), 0);
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const bool ok = unshare(CLONE_NEWNET) == 0;
    (void)!write(ready[1], ok ? "y" : "n", 1);
    for (;;) pause();
  }
  char answer = 'n';
  EXPECT_EQ(read(ready[0], &answer, 1), 1);
  EXPECT_EQ(answer, 'y');
  close(ready[0]);
  close(ready[1]);
  fd_ = open(("/proc/" + std::to_string(pid_) + "/ns/net").c_str(), O_RDONLY | O_CLOEXEC);
  run({"ip", "link", "set", "lo", "up"});
}

Namespace::~Namespace() {
  close(fd_);
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

std::string Namespace::run(std::vector<std::string> argv) const {
  int out[2];
  EXPECT_EQ(pipe2(out, O_CLOEXEC), 0);
  const int child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setns(fd_, CLONE_NEWNET);
    dup2(out[1], 1);
    dup2(out[1], 2);
    execute(argv);
  }
  close(out[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t n = 0; (n = read(out[0], buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(n));
  close(out[0]);
  int status = 0;
  waitpid(child, &status, 0);
  std::string command;
  for (const auto& argument : argv) command += argument + " ";
  EXPECT_EQ(status, 0) << command << "\n" << text;
  return text;
}

void Namespace::enter(const std::function<void()>& function) const {
  std::thread([&] {
    ASSERT_EQ(setns(fd_, CLONE_NEWNET), 0);
    function();
  }).join();
}

Daemon::Daemon(const Namespace& where, std::vector<std::string> argv,
               std::vector<std::string> environment) {
  pid_ = fork();
  if (pid_ != 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  setns(where.fd(), CLONE_NEWNET);
  for (auto& variable : environment) putenv(variable.data());
  execute(std::move(argv));
}

Daemon::~Daemon() {
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

struct Server::Impl {
  int listener = -1;
  std::atomic<bool> stop = false;
  std::thread thread;
};

Server::Server(const Namespace& where, std::string name, std::uint16_t port, Family family)
    : impl_(std::make_unique<Impl>()) {
  where.enter([&] {
    impl_->listener =
        socket(family == Family::kIPv4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(impl_->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    socklen_t size = 0;
    const auto any =
        to_sockaddr(family == Family::kIPv4 ? IpAddress() : IpAddress::v6({}), port, size);
    EXPECT_EQ(bind(impl_->listener, reinterpret_cast<const sockaddr*>(&any), size), 0)
        << std::strerror(errno);
    EXPECT_EQ(listen(impl_->listener, 128), 0);
  });
  impl_->thread = std::thread([impl = impl_.get(), name = std::move(name)] {
    while (!impl->stop) {
      if (!readable(impl->listener, 50)) continue;
      sockaddr_storage peer{};
      socklen_t size = sizeof peer;
      const int connection =
          accept4(impl->listener, reinterpret_cast<sockaddr*>(&peer), &size, SOCK_CLOEXEC);
      if (connection < 0) continue;
      const auto answer = name + " " + host_text(peer);
      (void)!send(connection, answer.data(), answer.size(), MSG_NOSIGNAL);
      close(connection);
    }
  });
}

Server::~Server() {
  impl_->stop = true;
  impl_->thread.join();
  close(impl_->listener);
}

std::string ask(const Namespace& from, const IpAddress& to, std::uint16_t port, int timeout_ms,
                const IpAddress* source) {
  std::string answer;
  from.enter([&] {
    const int fd =
        socket(to.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    socklen_t size = 0;
    if (source != nullptr) {
      const auto own = to_sockaddr(*source, 0, size);
      EXPECT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&own), size), 0);
    }
    const auto address = to_sockaddr(to, port, size);
    const auto deadline = Clock::now() + std::chrono::milliseconds(timeout_ms);
    (void)!connect(fd, reinterpret_cast<const sockaddr*>(&address), size);
    char buffer[256];
    for (;;) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
      if (left <= 0 || !readable(fd, static_cast<int>(left))) break;
      const auto n = recv(fd, buffer, sizeof buffer, 0);
      if (n <= 0) break;
      answer.append(buffer, static_cast<std::size_t>(n));
    }
    close(fd);
  });
  return answer;
}

bool datagram_arrives(const Namespace& from, const IpAddress& source, const Namespace& at,
                      const IpAddress& to) {
  int receiver = -1;
  std::uint16_t port = 0;
  at.enter([&] {
    receiver = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in any{};
    any.sin_family = AF_INET;
    EXPECT_EQ(bind(receiver, reinterpret_cast<sockaddr*>(&any), sizeof any), 0);
    socklen_t size = sizeof any;
    getsockname(receiver, reinterpret_cast<sockaddr*>(&any), &size);
    port = any.sin_port;
  });
  from.enter([&] {
    struct {
      iphdr ip;
      udphdr udp;
      char data[8];
    } packet{};
    packet.ip.version = 4;
    packet.ip.ihl = 5;
    packet.ip.ttl = 64;
    packet.ip.protocol = IPPROTO_UDP;
    packet.ip.tot_len = htons(sizeof packet);
    std::memcpy(&packet.ip.saddr, source.bytes().data(), 4);
    std::memcpy(&packet.ip.daddr, to.bytes().data(), 4);
    packet.udp.source = htons(4000);
    packet.udp.dest = port;
    packet.udp.len = htons(sizeof packet.udp + sizeof packet.data);
    const int sender = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
    socklen_t size = 0;
    const auto address = to_sockaddr(to, 0, size);
    EXPECT_EQ(sendto(sender, &packet, sizeof packet, 0, reinterpret_cast<const sockaddr*>(&address),
                     size),
              static_cast<ssize_t>(sizeof packet));
    close(sender);
  });
  const bool arrived = readable(receiver, 1000);
  close(receiver);
  return arrived;
}

bool eventually(const std::function<bool()>& condition) {
  const auto deadline = Clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (Clock::now() > deadline) return false;
    std::this_thread::sleep_for(
        std::chrono::milliseconds(20));  // between two looks, not instead of one
  }
  return true;
}

OpenVSwitch::OpenVSwitch(const Namespace& where) : where_(where) {
  std::string pattern = std::filesystem::temp_directory_path() / "antrea-node-test-XXXXXX";
  directory_ = mkdtemp(pattern.data());
  const auto database = directory_ + "/conf.db";
  const auto socket = directory_ + "/db.sock";
  const std::vector<std::string> environment{"OVS_RUNDIR=" + directory_, "OVS_LOGDIR=" + directory_,
                                             "OVS_DBDIR=" + directory_};
  where.run({"ovsdb-tool", "create", database, "/usr/share/openvswitch/vswitch.ovsschema"});
  database_ = std::make_unique<Daemon>(
      where,
      std::vector<std::string>{"ovsdb-server", database, "--remote=punix:" + socket,
                               "-vconsole:off", "--unixctl=" + directory_ + "/ovsdb.ctl"},
      environment);
  EXPECT_TRUE(eventually([&] { return std::filesystem::exists(socket); }));
  tool("ovs-vsctl", {"--no-wait", "init"});
  switch_ = std::make_unique<Daemon>(
      where,
      std::vector<std::string>{"ovs-vswitchd", "unix:" + socket, "--disable-system",
                               "-vconsole:off", "--log-file=" + directory_ + "/v.log",
                               "--unixctl=" + directory_ + "/vswitchd.ctl"},
      environment);
}

OpenVSwitch::~OpenVSwitch() {
  switch_.reset();
  database_.reset();
  std::filesystem::remove_all(directory_);
}

std::string OpenVSwitch::tool(std::string name, std::vector<std::string> arguments) const {
  std::vector<std::string> argv{"env", "OVS_RUNDIR=" + directory_, std::move(name), "--timeout=20"};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return where_.run(std::move(argv));
}
std::string OpenVSwitch::vsctl(std::vector<std::string> arguments) const {
  return tool("ovs-vsctl", std::move(arguments));
}
std::string OpenVSwitch::ofctl(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), {"-O", "OpenFlow15"});
  return tool("ovs-ofctl", std::move(arguments));
}
std::string OpenVSwitch::appctl(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), {"-t", directory_ + "/vswitchd.ctl"});
  return tool("ovs-appctl", std::move(arguments));
}

void OpenVSwitch::commit(const std::string& bridge, const openflow::Changes& changes) const {
  send(bridge, changes);
  // The barrier says that the tables are changed. Packets of cached flows follow them a little
  // later.
  appctl({"revalidator/wait"});
}

void OpenVSwitch::send(const std::string& bridge, const openflow::Changes& changes) const {
  using namespace openflow;
  std::vector<std::byte> out;
  std::uint32_t xid = 1;
  const auto put = [&](const Message& message) { EXPECT_TRUE(encode(xid++, message, out)); };
  put(Hello{});
  for (const auto& key : changes.remove_flows) {
    FlowMod mod;
    mod.command = FlowCommand::kDeleteStrict;
    mod.flow.table = key.table;
    mod.flow.priority = key.priority;
    mod.flow.match = key.match;
    put(mod);
  }
  for (const auto& group : changes.groups) {
    GroupMod mod;
    mod.command = GroupCommand::kAddOrModify;
    mod.group = group;
    put(mod);
  }
  for (const auto& flow : changes.flows) {
    FlowMod mod;
    mod.flow = flow;
    put(mod);
  }
  for (const auto& id : changes.remove_groups) {
    GroupMod mod;
    mod.command = GroupCommand::kDelete;
    mod.group.id = id;
    put(mod);
  }
  put(BarrierRequest{});

  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof address.sun_path, "%s/%s.mgmt", directory_.c_str(),
                bridge.c_str());
  ASSERT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0)
      << address.sun_path;
  std::thread writer([&] {
    for (std::size_t done = 0; done < out.size();) {
      const auto n = ::send(fd, out.data() + done, out.size() - done, MSG_NOSIGNAL);
      if (n <= 0) return;
      done += static_cast<std::size_t>(n);
    }
  });
  std::vector<std::byte> in;
  for (bool done = false; !done;) {
    std::byte buffer[65536];
    ssize_t n = 0;
    if (!readable(fd, 20000) || (n = recv(fd, buffer, sizeof buffer, 0)) <= 0) {
      ADD_FAILURE() << "the switch did not answer";
      break;
    }
    in.insert(in.end(), buffer, buffer + n);
    for (auto header = peek_header(in); header && header->length <= in.size();
         header = peek_header(in)) {
      const auto decoded = decode_message(std::span(in).first(header->length));
      if (decoded) {
        if (const auto* error = std::get_if<ErrorMessage>(&decoded->message))
          ADD_FAILURE() << "refused message " << header->xid << ": " << to_string(error->error);
        done |= std::holds_alternative<BarrierReply>(decoded->message);
      }
      in.erase(in.begin(), in.begin() + header->length);
    }
  }
  shutdown(fd, SHUT_RDWR);
  writer.join();
  close(fd);
}

}  // namespace antrea::node::lab
