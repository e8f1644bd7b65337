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
#include "antrea/ipam/host_local_store.h"
#include "antrea/kube/http_server.h"
#include "antrea/kube/informer.h"
#include "antrea/node/bridge.h"
#include "antrea/node/cni_service.h"
#include "antrea/node/datapath.h"
#include "antrea/node/host_network.h"
#include "antrea/node/node_routes.h"
#include "antrea/openflow/switch.h"
#include "antrea/ovsdb/vswitch.h"
#include "egress_agent.h"
#include "node_port_local_agent.h"
#include "options.h"
#include "policy_agent.h"
#include "service_agent.h"

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
  void stop();

 private:
  /// What has to be known before the switch may be touched.
  enum class Input { kServices, kEndpointSlices, kPolicies, kEgress };

  boost::asio::awaitable<Result<>> find_node();
  boost::asio::awaitable<Result<>> plug_in();
  boost::asio::awaitable<Result<>> open_switch();
  Result<> open_addresses();
  Result<> set_up_host();
  void follow_nodes();
  void follow_services();
  void take_services(std::span<const kube::Change> changes);
  void take_slices(std::span<const kube::Change> changes);
  void follow_policies();
  Result<> follow_egresses();
  void remove_orphans(std::vector<node::Interface> inherited);
  boost::asio::awaitable<void> wait_for_inputs();
  boost::asio::awaitable<Result<>> serve_pods();
  boost::asio::awaitable<void> remove_interface(node::Interface interface);
  void on_nodes(std::span<const kube::Change> changes);
  void on_node_rules();
  void known(Input input);

  template <typename T>
  void spawn(boost::asio::awaitable<T> work);
  void inform(kube::InformerOptions options, kube::Informer::Handler handler,
              kube::Informer::SyncedHandler synced = nullptr);

  boost::asio::io_context& io_;
  Options options_;
  Logger logger_;
  MetricRegistry metrics_;
  Signal progress_;

  std::unique_ptr<kube::RestClient> api_;
  std::vector<std::unique_ptr<kube::Informer>> informers_;
  std::map<std::string, api::Node> nodes_;  // until the routes engine takes over
  std::optional<ovsdb::Client> database_;
  std::optional<ovsdb::VSwitch> vswitch_;
  std::optional<node::Bridge> bridge_;
  node::NodeConfig config_;
  std::string transport_;  // the interface that has the Node's address
  node::InterfaceStore interfaces_;
  std::optional<node::HostNetwork> host_;
  std::optional<node::NodeRoutes> routes_;
  std::optional<openflow::Switch> switch_;
  std::optional<node::Datapath> datapath_;
  std::optional<ServiceAgent> services_;
  std::optional<NodePortLocalAgent> node_port_local_;  // absent: not wanted
  std::optional<EgressAgent> egress_;
  std::optional<PolicyAgent> policies_;
  std::set<Input> known_;
  std::optional<ipam::HostLocalStore> addresses_;
  std::optional<node::CniService> cni_;
  std::unique_ptr<node::CniServer> cni_server_;
  std::unique_ptr<kube::HttpServer> rest_;
};

}  // namespace antrea::agent
