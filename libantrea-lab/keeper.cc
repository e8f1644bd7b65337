#include "keeper.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/array.hpp>
#include <filesystem>
#include <fstream>
#include <thread>

#include "daemons.h"

namespace antrea::lab {
namespace {

namespace net = boost::asio;
namespace json = boost::json;
using std::chrono::seconds;
constexpr auto kTuple = net::as_tuple(net::use_awaitable);
constexpr seconds kDaemonStart{20};
constexpr seconds kNodesReady{60};

std::string text(const json::object& object, const char* key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

/// The last thing a daemon said, for the error that reports its end.
std::string last_line(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  std::string last;
  while (std::getline(in, line)) {
    if (!line.empty()) last = line;
  }
  return last.empty() ? "it said nothing" : last;
}

/// The port of the API server that a kubeconfig names.
Result<std::uint16_t> api_port(const std::string& kubeconfig) {
  std::ifstream in(kubeconfig);
  for (std::string line; std::getline(in, line);) {
    const auto at = line.find("server:");
    if (at == std::string::npos) continue;
    const auto colon = line.rfind(':');
    const int port = std::atoi(line.c_str() + colon + 1);
    if (colon > at + 6 && port > 0 && port < 65536) return static_cast<std::uint16_t>(port);
  }
  return make_error(Errc::kMalformed, "no cluster.server with a port in it", kubeconfig);
}

}  // namespace

Keeper::Keeper(LabDir dir, UpOptions options, Logger log)
    : dir_(std::move(dir)), options_(std::move(options)), log_(std::move(log)), io_(1) {}

Result<> Keeper::start() {
  const Datapath datapath = can_open_tun() ? Datapath::kNetdev : Datapath::kDummy;
  // Pins of network namespaces live in a mount that all hosts of the lab share, and nobody else
  // sees.
  const std::string pins = dir_.path() + "/netns";
  std::error_code ec;
  std::filesystem::create_directories(pins, ec);
  if (mount("tmpfs", pins.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "mode=0700") != 0 ||
      mount(nullptr, pins.c_str(), nullptr, MS_SHARED, nullptr) != 0)
    return errno_error("mount a tmpfs", pins);

  options_.progress(fmt::format("{} hosts, each with its own Open vSwitch ({} datapath)",
                                options_.node_count, to_string(datapath)));
  ANTREA_TRY(topology_,
             Topology::build(
                 {.dir = dir_.path(), .node_count = options_.node_count, .datapath = datapath}));
  if (!options_.hosts_only) {
    ANTREA_CHECK(start_control_plane());
    ANTREA_TRY(cluster_, Cluster::start(io_, dir_, *topology_, pins, log_));
  }
  ANTREA_CHECK(start_host_services());
  if (cluster_) {
    options_.progress("Nodes join the cluster");
    const auto deadline = std::chrono::steady_clock::now() + kNodesReady;
    while (!cluster_->ready()) {
      if (std::chrono::steady_clock::now() > deadline)
        return make_error(Errc::kTimeout, "the Nodes are not Ready after 60 s", dir_.name(),
                          "see " + dir_.log());
      io_.run_for(std::chrono::milliseconds(20));
      io_.restart();
    }
  }
  return listen();
}

Result<> Keeper::start_control_plane() {
  options_.progress("antrea-controller with its API server");
  ANTREA_TRY(ProcessOptions controller, controller_command(dir_));
  std::filesystem::create_directories(dir_.path() + "/controller");
  ANTREA_CHECK(start_daemon("control", "antrea-controller", std::move(controller)));
  ANTREA_CHECK(await_file(dir_.kubeconfig(), *daemons_.back(), kDaemonStart));
  ANTREA_TRY(const std::uint16_t port, api_port(dir_.kubeconfig()));
  for (auto& node : topology_->nodes()) {
    ANTREA_TRY(auto relay, Relay::start(io_, node->host.net, IpAddress::v4(0x7f000001), port));
    relays_.push_back(std::move(relay));
    options_.progress("antrea-agent on " + node->host.name);
    ANTREA_TRY(ProcessOptions agent, agent_command(dir_, *node));
    ANTREA_CHECK(start_daemon(node->host.name, "antrea-agent", std::move(agent)));
  }
  return {};
}

Result<> Keeper::start_host_services() {
  const std::vector<ResponderPort> ports{
      {80, Protocol::kTcp}, {80, Protocol::kUdp}, {8080, Protocol::kTcp}};
  auto add = [&](const Host& host, const std::string& name) -> Result<> {
    ANTREA_TRY(auto made, Responder::start(io_, host.net, name, host.name, ports));
    responders_.push_back(std::move(made));
    return {};
  };
  ANTREA_CHECK(add(topology_->outside(), "outside"));
  ANTREA_CHECK(add(topology_->beside(), "beside"));
  for (auto& node : topology_->nodes()) ANTREA_CHECK(add(node->host, "node/" + node->host.name));
  ANTREA_TRY(dns_, DnsServer::start(io_, topology_->outside().net, LabNetwork::outside(),
                                    [this](const std::string& name) -> std::vector<IpAddress> {
                                      if (name == "outside") return {LabNetwork::outside()};
                                      if (name == "beside") return {LabNetwork::beside()};
                                      if (Node* node = topology_->find_node(name))
                                        return {node->host.address};
                                      return cluster_ ? cluster_->lookup(name)
                                                      : std::vector<IpAddress>{};
                                    }));
  return {};
}

Result<> Keeper::start_daemon(std::string host, std::string name, ProcessOptions options) {
  ANTREA_TRY(Process process, Process::spawn(options));
  daemons_.push_back(std::make_unique<Daemon>(
      Daemon{std::move(host), std::move(name), std::move(options), std::move(process)}));
  Daemon& daemon = *daemons_.back();
  net::co_spawn(io_, watch_daemon(daemon, dup(daemon.process.pidfd())), net::detached);
  return {};
}

Result<> Keeper::await_file(const std::string& path, Daemon& daemon, seconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!std::filesystem::exists(path)) {
    if (!daemon.process.alive())
      return make_error(Errc::kUnavailable,
                        "it ended at its start: " + last_line(daemon.options.log_path),
                        daemon.name);
    if (std::chrono::steady_clock::now() > deadline)
      return make_error(Errc::kTimeout,
                        fmt::format("not ready after {} s: {}", limit.count(),
                                    last_line(daemon.options.log_path)),
                        daemon.name);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return {};
}

Result<> Keeper::listen() {
  using Stream = net::local::stream_protocol;
  boost::system::error_code ec;
  acceptor_ = std::make_unique<Stream::acceptor>(io_);
  acceptor_->open(Stream(), ec);
  if (!ec) acceptor_->bind(Stream::endpoint(dir_.socket()), ec);
  if (!ec) acceptor_->listen(64, ec);
  if (ec) return errno_error(ec.value(), "listen", dir_.socket());
  net::co_spawn(io_, accept(), net::detached);
  return {};
}

void Keeper::run() {
  net::signal_set end(io_, SIGTERM, SIGINT);
  end.async_wait([this](auto, int) { io_.stop(); });
  log_->info("lab {} is up", dir_.name());
  io_.run();
  log_->info("lab {} ends", dir_.name());
}

net::awaitable<void> Keeper::accept() {
  for (;;) {
    auto [ec, sock] = co_await acceptor_->async_accept(kTuple);
    if (ec) co_return;
    net::co_spawn(io_, serve(std::move(sock)), net::detached);
  }
}

net::awaitable<void> Keeper::serve(net::local::stream_protocol::socket sock) {
  const int fd = sock.native_handle();
  // Only our own user gets here, and its client sends a whole message at once.
  const timeval limit{.tv_sec = 5, .tv_usec = 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  for (;;) {
    auto [ec] = co_await sock.async_wait(net::socket_base::wait_read, kTuple);
    if (ec) co_return;
    sock.native_non_blocking(false);
    auto request = receive_message(fd);
    if (request.has_error()) co_return;
    auto reply = handle(request->body);
    const auto sent = reply.has_error() ? send_message(fd, encode_error(reply.error()), {})
                                        : send_message(fd, reply->body, reply->fds);
    if (sent.has_error()) co_return;
  }
}

net::awaitable<void> Keeper::watch_daemon(Daemon& daemon, int pidfd) {
  net::posix::stream_descriptor watched(io_, pidfd);
  auto [ec] = co_await watched.async_wait(net::posix::stream_descriptor::wait_read, kTuple);
  if (ec) co_return;
  if (auto ended = daemon.process.wait(std::chrono::milliseconds(0)))
    log_->warn("{} on {} ended: {}", daemon.name, daemon.host, ended->to_string());
}

Result<Keeper::Reply> Keeper::handle(const json::object& request) {
  const std::string op = text(request, "op");
  if (op == "status") return Reply{status(), {}, {}};
  if (op == "place") {
    ANTREA_TRY(Located place, locate(text(request, "name")));
    json::array binds;
    for (const auto& bind : place.view.binds)
      binds.push_back(json::object{{"source", bind.source}, {"target", bind.target}});
    return Reply{{{"hostname", place.view.hostname},
                  {"namespace", place.pod_namespace},
                  {"binds", std::move(binds)}},
                 {place.net->fd()},
                 {place.held}};
  }
  if (op == "networks") {
    Reply reply;
    const auto* names = request.if_contains("names");
    if (names == nullptr || !names->is_array())
      return make_error(Errc::kInvalidArgument, "no names", op);
    for (const auto& name : names->as_array()) {
      if (!name.is_string()) return make_error(Errc::kInvalidArgument, "a name is no string", op);
      ANTREA_TRY(Located place, locate(std::string(name.as_string())));
      reply.fds.push_back(place.net->fd());
      reply.held.push_back(std::move(place.held));
    }
    return reply;
  }
  if (op == "daemon") {
    ANTREA_CHECK(
        control_daemon(text(request, "host"), text(request, "name"), text(request, "action")));
    return Reply{};
  }
  if (op == "fault") {
    const std::string how = text(request, "how");
    ANTREA_CHECK(how.empty() ? heal(text(request, "node")) : fail(text(request, "node"), how));
    return Reply{};
  }
  return make_error(Errc::kUnsupported, "the keeper knows no such request", op);
}

json::object Keeper::status() {
  json::array nodes;
  json::array daemons;
  auto add = [&](const std::string& host, const std::string& name, Process& process,
                 const std::string& log) {
    const auto ended = process.wait(std::chrono::milliseconds(0));
    daemons.push_back(json::object{{"host", host},
                                   {"name", name},
                                   {"pid", process.pid()},
                                   {"state", ended ? ended->to_string() : "running"},
                                   {"log", log}});
  };
  for (auto& daemon : daemons_)
    add(daemon->host, daemon->name, daemon->process, daemon->options.log_path);
  for (auto& node : topology_->nodes()) {
    nodes.push_back(json::object{{"name", node->host.name},
                                 {"address", node->host.address.to_string()},
                                 {"run", node->host.dir + "/run"}});
    const std::string& ovs = node->vswitch.run_dir();
    add(node->host.name, "ovsdb-server", node->vswitch.database(), ovs + "/ovsdb-server.log");
    add(node->host.name, "ovs-vswitchd", node->vswitch.daemon(), ovs + "/ovs-vswitchd.log");
  }
  json::object out{{"name", dir_.name()},
                   {"dir", dir_.path()},
                   {"datapath", to_string(topology_->nodes()[0]->vswitch.datapath())},
                   {"outside", LabNetwork::outside().to_string()},
                   {"nodes", std::move(nodes)},
                   {"daemons", std::move(daemons)},
                   {"pods", cluster_ ? cluster_->pods() : json::array()},
                   {"services", cluster_ ? cluster_->services() : json::array()}};
  if (cluster_) out["kubeconfig"] = dir_.kubeconfig();
  return out;
}

Result<Keeper::Located> Keeper::locate(const std::string& name) {
  if (name == "outside" || name == "beside") {
    const Host& host = name == "outside" ? topology_->outside() : topology_->beside();
    return Located{&host.net, {}, host.view(), {}};
  }
  if (Node* node = topology_->find_node(name))
    return Located{&node->host.net, {}, node->host.view(), {}};
  const auto slash = name.find('/');
  if (slash == std::string::npos || !cluster_)
    return make_error(Errc::kNotFound, "no such host or Pod in this lab", name,
                      "antrea-lab status lists them; a Pod is NAMESPACE/NAME");
  const std::string pod_namespace = name.substr(0, slash);
  ANTREA_TRY(auto pod, cluster_->find_pod(pod_namespace, name.substr(slash + 1)));
  return Located{pod.net.get(),
                 pod.net,
                 {.net = pod.net->fd(),
                  .hostname = pod.host_name,
                  .binds = {{pod.resolv_conf, "/etc/resolv.conf"}}},
                 pod_namespace};
}

}  // namespace antrea::lab
