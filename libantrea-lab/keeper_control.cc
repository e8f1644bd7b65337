// Ending and starting daemons, and making Nodes fail.
#include <signal.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "antrea/lab/fault.h"
#include "keeper.h"

namespace antrea::lab {

Result<> Keeper::control_daemon(const std::string& host, const std::string& name,
                                const std::string& action) {
  if (action != "start" && action != "stop" && action != "kill")
    return make_error(Errc::kInvalidArgument, "expected start, stop or kill", action);
  const int number = action == "kill" ? SIGKILL : SIGTERM;
  auto end = [&](Process& process) -> Result<> {
    process.signal(number);
    if (!process.wait(std::chrono::seconds(10)))
      return make_error(Errc::kTimeout, "it does not end", name, "use kill");
    return {};
  };
  for (auto& daemon : daemons_) {
    if (daemon->host != host || daemon->name != name) continue;
    if (action != "start") return end(daemon->process);
    return start_again(*daemon);
  }
  if (Node* node = topology_->find_node(host);
      node != nullptr && (name == "ovsdb-server" || name == "ovs-vswitchd")) {
    if (action == "start") return topology_->restart_vswitch(*node);
    return end(name == "ovsdb-server" ? node->vswitch.database() : node->vswitch.daemon());
  }
  return make_error(Errc::kNotFound, "no such daemon", host + " " + name,
                    "antrea-lab status lists them");
}

Result<> Keeper::start_again(Daemon& daemon) {
  if (daemon.process.alive()) return {};
  ANTREA_TRY(daemon.process, Process::spawn(daemon.options));
  boost::asio::co_spawn(io_, watch_daemon(daemon, dup(daemon.process.pidfd())),
                        boost::asio::detached);
  return {};
}

std::vector<Process*> Keeper::processes_of(Node& node) {
  std::vector<Process*> out;
  for (auto& daemon : daemons_)
    if (daemon->host == node.host.name) out.push_back(&daemon->process);
  out.push_back(&node.vswitch.daemon());
  out.push_back(&node.vswitch.database());
  return out;
}

Result<> Keeper::fail(const std::string& name, const std::string& how) {
  ANTREA_TRY(const Fault fault, parse_fault(how));
  ANTREA_TRY(Node* const node, node_named(name));
  ANTREA_CHECK(cut_network(*topology_, *node, fault));
  if (fault == Fault::kJitter && !late_links_.contains(name)) {
    ANTREA_TRY(auto late, LateLink::start(io_, topology_->fabric(), name));
    late_links_.emplace(name, std::move(late));
  }
  if (fault == Fault::kAgent) return control_daemon(name, "antrea-agent", "kill");
  if (fault != Fault::kNode && fault != Fault::kPause) return {};
  // All of them first, then wait: none shall see another one's end.
  for (Process* process : processes_of(*node))
    process->signal(fault == Fault::kNode ? SIGKILL : SIGSTOP);
  if (fault == Fault::kPause) return {};
  for (Process* process : processes_of(*node))
    if (!process->wait(std::chrono::seconds(10)))
      return make_error(Errc::kTimeout, "a process does not end", name);
  return {};
}

Result<> Keeper::heal(const std::string& name) {
  ANTREA_TRY(Node* const node, node_named(name));
  late_links_.erase(name);
  ANTREA_CHECK(mend_network(*topology_, *node));
  for (Process* process : processes_of(*node)) process->signal(SIGCONT);
  ANTREA_CHECK(topology_->restart_vswitch(*node));
  for (auto& daemon : daemons_)
    if (daemon->host == name) ANTREA_CHECK(start_again(*daemon));
  return {};
}

Result<Node*> Keeper::node_named(const std::string& name) {
  if (Node* const node = topology_->find_node(name)) return node;
  return make_error(Errc::kNotFound, "no such Node", name, "antrea-lab status lists them");
}

}  // namespace antrea::lab
