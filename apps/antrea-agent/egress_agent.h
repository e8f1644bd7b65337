#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "antrea/base/asio.h"
#include "antrea/egress/announcer.h"
#include "antrea/egress/gossip.h"
#include "antrea/egress/scheduler.h"
#include "antrea/kube/informer.h"
#include "antrea/kube/rest_client.h"
#include "antrea/node/datapath.h"
#include "antrea/node/egress_director.h"
#include "antrea/node/egress_host.h"
#include "antrea/node/egress_host_keeper.h"
#include "egress_events.h"
#include "egress_status.h"
#include "options.h"
#include "service_addresses.h"

namespace antrea::agent {

/// What of the agent is about addresses that move, of Egresses and of Services: who is alive, which
/// Node has which address, and what follows for the switch, the host, the network and the objects'
/// status.
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
  /// With `Options::proxy_all`, without which Services' addresses are not served here.
  void take_services(std::span<const kube::Change> changes);
  void take_slices(std::span<const kube::Change> changes);
  /// All of both have been told.
  void services_known();
  /// Before the Pod's flows are committed.
  void attached(const node::Interface& interface);
  void detached(const node::Interface& interface);

  const egress::Scheduler& scheduler() const { return scheduler_; }
  const egress::Gossip& gossip() const { return gossip_; }
  const ServiceAddresses& services() const { return services_; }

  /// Until cancelled. To be spawned once by the owner.
  boost::asio::awaitable<void> run();

 private:
  void take_egresses(std::span<const kube::Change> changes);
  void take_pools(std::span<const kube::Change> changes);
  void on_member(const egress::GossipEvent& event);
  bool everything_known() const;
  void settle_if_all_are_here();
  /// From now on it counts who is there.
  void settle();
  void now_known();
  /// Takes in what happened and does what follows.
  void apply(egress::SchedulerInput input);
  void act();
  /// Egress IPs that their users have put on this Node's devices.
  void look_for_users_addresses(TimePoint now);
  void set_up_host();
  void renew_lease();
  void announce();
  boost::asio::awaitable<void> keep_lease();
  boost::asio::awaitable<void> keep_time();

  const Options& options_;
  std::string transport_;
  Parts parts_;
  std::function<void()> on_known_;
  boost::asio::any_io_executor executor_;
  kube::Informer egresses_, pools_;
  egress::Gossip gossip_;
  egress::Scheduler scheduler_;
  node::EgressDirector director_;
  node::EgressView view_;
  node::EgressDecision decision_;
  ServiceAddresses services_;
  std::set<IpAddress> services_here_;  // addresses of Services that this Node has
  std::optional<node::EgressHost> host_;
  std::optional<node::EgressHostKeeper> keeper_;  // of the host
  std::unique_ptr<egress::Announcer> announcer_;
  EgressStatusWriter status_;
  EgressEvents events_;
  Signal changed_;
  TimePoint settles_at_{}, looks_at_{};
  bool egresses_known_ = false, pools_known_ = false, groups_known_ = false,
       services_known_ = false;
};

}  // namespace antrea::agent
