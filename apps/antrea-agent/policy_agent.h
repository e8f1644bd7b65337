#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>

#include "antrea/base/asio.h"
#include "antrea/base/metrics.h"
#include "antrea/controlplane/client.h"
#include "antrea/controlplane/node_statistics.h"
#include "antrea/controlplane/status_reports.h"
#include "antrea/kube/rest_client.h"
#include "antrea/node/audit_logger.h"
#include "antrea/node/datapath.h"
#include "antrea/node/dns_interception.h"
#include "antrea/node/policy_packets.h"
#include "options.h"

namespace antrea::agent {

/// How rules become flows: for the address families that the Node's Pods have, and with meters on
/// what they hand to the agent, where the datapath has them.
policy::FlowCompiler::Options policy_flow_options(const node::NodeConfig& config, bool meters);

/// What of the agent is about policies: the controller's rules on their way into the data plane,
/// and the packets that rules hand to the agent.
class PolicyAgent {
 public:
  /// What the other parts of the agent lend it; all of it outlives this.
  struct Parts {
    kube::RestClient& api;
    node::Datapath& datapath;
    openflow::Switch& the_switch;
    const node::InterfaceStore& interfaces;
    MetricRegistry& metrics;
    Logger logger;
  };

  using EgressGroups = std::map<std::string, api::controlplane::EgressGroup>;

  /// `on_known` is told whenever the rules are known, `on_egress_groups` what the controller says
  /// beside them.
  PolicyAgent(boost::asio::any_io_executor executor, const Options& options, Parts parts,
              std::function<void()> on_known,
              std::function<void(const EgressGroups&)> on_egress_groups);

  /// Until cancelled. To be spawned once by the owner.
  boost::asio::awaitable<void> run();

 private:
  controlplane::ClientOptions client_options(
      const Options& options, std::function<void()> on_known,
      std::function<void(const EgressGroups&)> on_egress_groups);
  node::PolicyPackets::Options packet_options();
  node::DnsInterception::Options dns_options(const Options& options) const;
  void log(const node::PolicyPacketIn& packet);
  controlplane::StatusReports::Failures failures() const;
  boost::asio::awaitable<void> report();
  boost::asio::awaitable<Result<>> read_statistics();
  boost::asio::awaitable<void> report_statistics();

  Parts parts_;
  node::DnsInterception dns_;
  controlplane::Client client_;
  node::AuditLogger audit_;
  node::PolicyPackets packets_;
  controlplane::StatusReports reports_;
  controlplane::NodeStatistics statistics_;
  Duration statistics_interval_;
  Signal rules_changed_;
};

}  // namespace antrea::agent
