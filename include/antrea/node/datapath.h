#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "antrea/api/controlplane.h"
#include "antrea/base/asio.h"
#include "antrea/base/log.h"
#include "antrea/node/cni_service.h"
#include "antrea/node/egress_flows.h"
#include "antrea/node/node_routes.h"
#include "antrea/node/pipeline.h"
#include "antrea/openflow/switch.h"
#include "antrea/ovsdb/vswitch.h"
#include "antrea/policy/flow_compiler.h"
#include "antrea/policy/node_rules.h"
#include "antrea/policy/rule_cache.h"
#include "antrea/proxy/balancer.h"

namespace antrea::node {

struct DatapathOptions {
  std::string bridge{kBridgeName};
  /// How long a new Pod waits for the controller to have evaluated it. After that its ADD fails,
  /// or, beside a controller that does not tell, goes on and is counted.
  Duration evaluation_timeout = std::chrono::seconds(10);
  policy::FlowCompiler::Options policies;
  /// What `node_rules` returns has changed.
  std::function<void()> on_node_rules;
  /// The host's rules for Services (`Balancer::host`) have changed.
  std::function<void()> on_host_services;
  /// See `StaleConnectionCleaner`.
  std::function<void(std::vector<proxy::StaleConnections>)> on_stale_connections;
  bool meters = false;  ///< the datapath has them: bandwidths of Egresses are kept
  /// A Pod's port is there, and its flows are about to be committed; it has gone.
  std::function<void(const Interface&)> on_attach, on_detach;
  Logger logger = null_logger();
};

/// Joins the engines of one Node (pipeline, Services, policies) to its switch: what they are told
/// goes in, one batch of changes goes out. A Pod's forwarding and policy flows are committed
/// together, behind the controller's word that it has evaluated the Pod, so that its first packet
/// is judged right.
///
/// All of it on one executor. Until `begin` the switch is not touched: tell everything that exists
/// first.
class ANTREA_API Datapath final : public PodNetwork {
 public:
  /// The references must outlive it.
  Datapath(boost::asio::any_io_executor executor, NodeConfig config, proxy::BalancerConfig balancer,
           openflow::Switch& the_switch, ovsdb::VSwitch& vswitch, const InterfaceStore& interfaces,
           DatapathOptions options = {});

  /// Of an earlier life, see `FlowCompiler::adopt`; before all that follows.
  void adopt(std::span<const openflow::Flow> found) { flow_compiler_.adopt(found); }
  /// Takes in the Pods' interfaces that the store holds from before.
  void restore();
  void apply(const PeerChanges& changes);
  /// With `NodeConfig::proxy` only.
  void apply(const proxy::ServiceChanges& changes);
  void set_node(proxy::NodeFacts facts);
  /// With `NodeConfig::egress` only.
  void apply(const EgressPaths& paths);
  /// Error: a patch of a group that is not known; the sender's view should be asked for anew.
  Result<> apply(std::span<const policy::RuleInput> batch);
  /// The same, and the result ends when the switch has acknowledged these changes and all before
  /// them. They are under way before it is awaited.
  boost::asio::awaitable<Result<>> commit(std::span<const policy::RuleInput> batch);
  /// See `RuleCache::take_name_patterns`.
  std::optional<std::vector<std::string>> take_name_patterns() {
    return rule_cache_.take_name_patterns();
  }
  /// Which Pods of this Node the controller has evaluated. Absent: it does not tell.
  void set_evaluated(const std::optional<std::vector<api::controlplane::EvaluatedPod>>& pods);
  /// Everything that exists has been told: bring the switch in line, and from now on keep it so.
  void begin();

  boost::asio::awaitable<Result<std::uint32_t>> attach(Interface interface) override;
  boost::asio::awaitable<Result<>> detach(Interface interface) override;

  const Pipeline& pipeline() const { return pipeline_; }
  const proxy::Balancer& balancer() const { return balancer_; }
  const policy::RuleCache& rules() const { return rule_cache_; }
  /// What the host has to filter for policies that are applied to the Node; absent: not known yet.
  const std::optional<policy::NodeRules>& node_rules() const { return node_rules_; }
  const policy::FlowCompiler& flow_compiler() const { return flow_compiler_; }
  /// Pods that were let in without the controller's word.
  std::uint64_t unevaluated_pods() const { return unevaluated_pods_; }

 private:
  void program(openflow::Changes changes);
  /// `services`: those whose groups may be others now.
  void take(proxy::Outcome outcome, std::span<const api::ObjectKey> services);
  /// What the groups of Services mean to rules that name Services.
  openflow::Changes service_changes(std::span<const api::ObjectKey> services);
  openflow::Changes policy_changes(const policy::RuleInput& input);
  void take_node_rules();
  openflow::Changes add_changes(const Interface& interface);
  openflow::Changes remove_changes(const Interface& interface);
  boost::asio::awaitable<Result<>> wait_evaluated(api::ObjectKey pod);

  DatapathOptions options_;
  openflow::Switch& switch_;
  ovsdb::VSwitch& vswitch_;
  const InterfaceStore& interfaces_;
  Pipeline pipeline_;
  EgressFlows egress_;
  proxy::Balancer balancer_;
  policy::RuleCache rule_cache_;
  policy::FlowCompiler flow_compiler_;
  std::optional<policy::NodeRules> node_rules_;
  std::optional<std::set<api::ObjectKey>> evaluated_;
  bool evaluation_known_ = false;  // whether the controller tells, or is known not to
  Signal evaluated_changed_;
  std::uint64_t unevaluated_pods_ = 0;
};

}  // namespace antrea::node
