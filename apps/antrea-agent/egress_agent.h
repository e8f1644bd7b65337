#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "antrea/base/asio.h"
#include "antrea/egress/announcer.h"
#include "antrea/kube/informer.h"
#include "antrea/kube/rest_client.h"
#include "antrea/node/datapath.h"
#include "antrea/node/egress_node.h"
#include "egress_gossip.h"
#include "egress_host_side.h"
#include "egress_reports.h"
#include "options.h"
#include "service_addresses.h"

namespace antrea::agent {

/// What of the agent is about addresses that move, of Egresses and of Services: tells
/// `node::EgressNode` what happens, and the switch, the host, the network and the API server what
/// it decides.
class EgressAgent {
 public:
  /// What the other parts of the agent lend it; all of it outlives this.
  struct Parts {
    kube::RestClient& api;
    node::Datapath& datapath;
    const node::InterfaceStore& interfaces;
    Logger logger;
  };

  /// `transport`: the interface that has the Node's address. `on_known` is told once Egresses,
  /// pools and groups are known.
  EgressAgent(boost::asio::any_io_executor executor, const Options& options, std::string transport,
              Parts parts, std::function<void()> on_known);

  /// Binds the gossip port, reads the host back. Error: that of `Gossip::start` and others.
  Result<> start();

  void take_groups(const std::map<std::string, api::controlplane::EgressGroup>& groups);
  void take_nodes(const std::map<std::string, api::Node>& nodes);
  void take_services(std::span<const kube::Change> changes);
  void take_slices(std::span<const kube::Change> changes);
  /// All of both have been told.
  void services_known();
  /// Before the Pod's flows are committed.
  void attached(const node::Interface& interface);
  void detached(const node::Interface& interface);

  const egress::Scheduler& scheduler() const { return node_.scheduler(); }
  const egress::Gossip& gossip() const { return gossip_.gossip(); }
  const ServiceAddresses& services() const { return services_; }

  /// Until cancelled. To be spawned once by the owner.
  boost::asio::awaitable<void> run();

 private:
  using Known = node::EgressNode::Known;

  void take_egresses(std::span<const kube::Change> changes);
  void take_pools(std::span<const kube::Change> changes);
  void take(const egress::SchedulerInput& objects);
  void known(Known what);
  void on_member(const egress::GossipEvent& event);
  /// Does what follows from all that has been told.
  void act();
  void look_for_users_addresses(TimePoint now);
  void announce();
  boost::asio::awaitable<void> keep_time();

  std::string transport_;
  Parts parts_;
  std::function<void()> on_known_;
  boost::asio::any_io_executor executor_;
  kube::Informer egresses_, pools_;
  EgressGossip gossip_;
  node::EgressNode node_;
  std::optional<node::EgressOutcome> outcome_;  // the last one; absent: not everything is known
  ServiceAddresses services_;
  EgressHostSide host_;
  std::unique_ptr<egress::Announcer> announcer_;
  EgressReports reports_;
  Signal changed_;
  TimePoint looks_at_ = TimePoint::max();
};

}  // namespace antrea::agent
