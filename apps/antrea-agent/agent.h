#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "antrea/base/asio.h"
#include "antrea/base/log.h"
#include "antrea/base/metrics.h"
#include "antrea/kube/http_server.h"
#include "antrea/kube/informer.h"
#include "antrea/node/datapath.h"
#include "antrea/node/host_network.h"
#include "cluster_nodes.h"
#include "egress_agent.h"
#include "node_port_local_agent.h"
#include "open_vswitch.h"
#include "options.h"
#include "pod_agent.h"
#include "policy_agent.h"
#include "service_agent.h"
#include "tasks.h"

namespace antrea::agent {

/// The parts of one Node's agent, built in the order in which they need each other, and the wires
/// between them.
class Agent {
 public:
  Agent(boost::asio::io_context& io, Options options, Logger logger);
  ~Agent();

  /// Brings the data plane up; then returns, and everything goes on by itself. An error means that
  /// the agent cannot work.
  boost::asio::awaitable<Result<>> run();
  /// After the io_context has ended.
  void stop() { pods_.stop(); }

 private:
  /// What has to be known before the switch may be touched.
  enum class Input { kServices, kEndpointSlices, kPolicies, kEgress };

  boost::asio::awaitable<Result<>> find_node();
  boost::asio::awaitable<Result<>> plug_in();
  boost::asio::awaitable<Result<>> open_datapath();
  Result<> open_host();
  Result<> set_up_host();
  void set_up_host_or_log();
  void follow_services();
  Result<> follow_egresses();
  void follow_policies();
  void on_nodes(std::span<const kube::Change> changes);
  void on_node_rules();
  void take_services(std::span<const kube::Change> changes);
  void take_slices(std::span<const kube::Change> changes);
  void known(Input input);
  boost::asio::awaitable<Result<>> serve();

  kube::Informer& inform(std::string path, kube::Informer::Handler handler,
                         kube::Informer::SyncedHandler synced = nullptr);

  Options options_;
  Logger logger_;
  Tasks tasks_;
  MetricRegistry metrics_;
  Signal progress_;

  std::unique_ptr<kube::RestClient> api_;
  std::vector<std::unique_ptr<kube::Informer>> informers_;
  ClusterNodes nodes_;
  node::NodeConfig config_;
  std::string transport_;  // the interface that has the Node's address
  node::InterfaceStore interfaces_;
  OpenVSwitch ovs_;
  std::optional<node::HostNetwork> host_;
  std::optional<node::Datapath> datapath_;
  std::optional<ServiceAgent> services_;
  std::optional<NodePortLocalAgent> node_port_local_;  // absent: not wanted
  std::optional<EgressAgent> egress_;                  // absent: not wanted
  std::optional<PolicyAgent> policies_;
  PodAgent pods_;
  std::set<Input> known_;
  std::unique_ptr<kube::HttpServer> rest_;
};

}  // namespace antrea::agent
