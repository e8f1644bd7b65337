#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/json/object.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "antrea/base/log.h"
#include "antrea/lab/dns.h"
#include "antrea/lab/lab.h"
#include "antrea/lab/late_link.h"
#include "antrea/lab/relay.h"
#include "antrea/lab/responder.h"
#include "antrea/lab/topology.h"
#include "cluster.h"
#include "session.h"

namespace antrea::lab {

/// A program that the lab runs and that may be ended and started again from outside.
struct Daemon {
  std::string host;  ///< a Node's name, or "control"
  std::string name;  ///< the program's
  ProcessOptions options;
  Process process;
};

/// The process that holds a lab: hosts, daemons, responders, name service, kubelets; and answers
/// commands.
class Keeper {
 public:
  Keeper(LabDir dir, UpOptions options, Logger log);
  /// Everything up, or an error and nothing.
  Result<> start();
  /// Until SIGTERM.
  void run();

 private:
  Result<> start_control_plane();
  Result<> start_host_services();
  Result<> start_daemon(std::string host, std::string name, ProcessOptions options);
  Result<> await_file(const std::string& path, Daemon& daemon, std::chrono::seconds limit);
  Result<> listen();

  boost::asio::awaitable<void> accept();
  boost::asio::awaitable<void> serve(boost::asio::local::stream_protocol::socket sock);
  boost::asio::awaitable<void> watch_daemon(Daemon& daemon, int pidfd);

  struct Reply {
    boost::json::object body;
    std::vector<int> fds;                                   ///< borrowed
    std::vector<std::shared_ptr<const NetNamespace>> held;  ///< from Pods that may end meanwhile
  };
  Result<Reply> handle(const boost::json::object& request);
  boost::json::object status();
  struct Located {
    const NetNamespace* net = nullptr;
    std::shared_ptr<const NetNamespace> held;  ///< of a Pod
    HostView view;
    std::string pod_namespace;
  };
  Result<Located> locate(const std::string& name);
  Result<> control_daemon(const std::string& host, const std::string& name,
                          const std::string& action);
  Result<> start_again(Daemon& daemon);
  Result<> fail(const std::string& name, const std::string& how);
  Result<> heal(const std::string& name);
  Result<Node*> node_named(const std::string& name);
  std::vector<Process*> processes_of(Node& node);

  LabDir dir_;
  UpOptions options_;
  Logger log_;
  boost::asio::io_context io_;
  std::unique_ptr<Topology> topology_;
  std::vector<std::unique_ptr<Daemon>> daemons_;
  std::vector<std::unique_ptr<Relay>> relays_;
  std::map<std::string, std::unique_ptr<LateLink>> late_links_;  // by Node
  std::vector<std::unique_ptr<Responder>> responders_;
  std::unique_ptr<DnsServer> dns_;
  std::unique_ptr<Cluster> cluster_;
  std::unique_ptr<boost::asio::local::stream_protocol::acceptor> acceptor_;
};

}  // namespace antrea::lab
