#include "agent.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/json.hpp>
#include <chrono>
#include <utility>

#include "antrea/api/json.h"
#include "antrea/kube/kubeconfig.h"
#include "antrea/node/host_policies.h"
#include "antrea/node/local_ports.h"
#include "antrea/node/netlink.h"
#include "antrea/node/packet_in_meters.h"
#include "antrea/node/switch_facts.h"
#include "antrea/node/transport.h"
#include "rest.h"

namespace antrea::agent {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using namespace std::chrono_literals;

constexpr Duration kNodeTimeout = 60s;
constexpr Duration kDatabaseTimeout = 30s;
constexpr Duration kSwitchTimeout = 30s;
constexpr Duration kHostResync = 60s;
constexpr Duration kMeterInterval = 30s;

/// Decodes what a change carries; a bad object is logged and left out.
template <typename T>
std::optional<T> decoded(const kube::Change& change, Result<T> (*decode)(const boost::json::value&),
                         const Logger& logger) {
  auto object = decode(boost::json::value(*change.object));
  if (object) return *std::move(object);
  logger->error("{}", object.error().to_string());
  return std::nullopt;
}

bool is_deletion(const kube::Change& change) { return change.type == kube::Change::Type::kDeleted; }

}  // namespace

Agent::Agent(asio::io_context& io, Options options, Logger logger)
    : io_(io),
      options_(std::move(options)),
      logger_(std::move(logger)),
      progress_(io.get_executor()) {}

Agent::~Agent() = default;

template <typename T>
void Agent::spawn(awaitable<T> work) {
  asio::co_spawn(io_, std::move(work), [this](std::exception_ptr failure, auto...) {
    if (!failure) return;
    logger_->critical("a part of the agent ended unexpectedly");
    io_.stop();
  });
}

void Agent::inform(kube::InformerOptions options, kube::Informer::Handler handler,
                   kube::Informer::SyncedHandler synced) {
  options.transform = kube::drop_managed_fields;
  options.logger = logger_;
  informers_.push_back(std::make_unique<kube::Informer>(*api_, std::move(options),
                                                        std::move(handler), std::move(synced)));
  spawn(informers_.back()->run());
}

awaitable<Result<>> Agent::run() {
  ANTREA_CO_TRY(auto config, kube::find_client_config(options_.kubeconfig));
  ANTREA_CO_TRY(api_, kube::RestClient::create(io_.get_executor(), config, "antrea-agent"));
  follow_nodes();
  ANTREA_CO_CHECK(co_await find_node());
  ANTREA_CO_CHECK(co_await plug_in());
  ANTREA_CO_CHECK(open_addresses());

  ANTREA_CO_CHECK(co_await open_switch());
  datapath_->restore();
  if (options_.node_port_local)
    node_port_local_.emplace(
        io_.get_executor(), options_, *api_, [this] { return set_up_host(); }, logger_);
  ANTREA_CO_CHECK(set_up_host());

  if (node_port_local_) {
    node_port_local_->take_node(nodes_.at(options_.node));
    spawn(node_port_local_->run());
  }
  follow_services();
  ANTREA_CO_CHECK(follow_egresses());
  follow_policies();
  ANTREA_CO_TRY(rest_, serve_rest(io_.get_executor(), options_.api_socket,
                                  {options_.node, interfaces_, *switch_, *datapath_, metrics_,
                                   egress_ ? &*egress_ : nullptr,
                                   node_port_local_ ? &*node_port_local_ : nullptr},
                                  logger_));
  ANTREA_CO_CHECK(co_await serve_pods());
  co_return Result<>();
}

void Agent::stop() {
  if (cni_server_) cni_server_->stop();
}

void Agent::follow_nodes() {
  kube::InformerOptions options;
  options.path = "/api/v1/nodes";
  inform(std::move(options), [this](std::span<const kube::Change> changes) { on_nodes(changes); });
}

void Agent::on_nodes(std::span<const kube::Change> changes) {
  node::PeerChanges peers;
  const auto join = [&](node::PeerChanges more) {
    std::ranges::move(more.updated, std::back_inserter(peers.updated));
    std::ranges::move(more.removed, std::back_inserter(peers.removed));
  };
  for (const kube::Change& change : changes) {
    auto node = decoded(change, api::decode_node, logger_);
    if (!node) continue;
    if (is_deletion(change)) {
      if (routes_) join(routes_->remove(node->metadata.name));
      nodes_.erase(node->metadata.name);
    } else {
      if (routes_) join(routes_->apply(*node));
      nodes_.insert_or_assign(node->metadata.name, *std::move(node));
    }
  }
  progress_.notify();
  if (egress_) egress_->take_nodes(nodes_);
  if (const auto self = nodes_.find(options_.node); node_port_local_ && self != nodes_.end())
    node_port_local_->take_node(self->second);
  if (!datapath_ || peers.empty()) return;
  datapath_->apply(peers);
  if (const auto done = set_up_host(); !done) logger_->error("{}", done.error().to_string());
}

/// Waits until this Node's object has a Pod CIDR.
awaitable<Result<>> Agent::find_node() {
  const TimePoint deadline = std::chrono::steady_clock::now() + kNodeTimeout;
  const auto self = [this] {
    const auto found = nodes_.find(options_.node);
    return found == nodes_.end() ? nullptr : &found->second;
  };
  while (self() == nullptr || self()->pod_cidrs.empty()) {
    if (co_await progress_.wait_until(deadline)) continue;
    const kube::Informer& informer = *informers_.front();
    if (!informer.cache().synced())
      co_return Error(informer.last_error()).within("list Nodes", "the API server");
    co_return make_error(Errc::kNotFound,
                         self() == nullptr ? "find the Node object: there is none of this name"
                                           : "find the Node object: it has no spec.podCIDR",
                         options_.node);
  }
  config_.name = options_.node;
  config_.pod_cidrs = self()->pod_cidrs;
  config_.userspace_datapath = options_.userspace_datapath();
  config_.proxy = options_.proxy;
  config_.service_cidrs = options_.service_cidrs;
  config_.proxy_all = options_.proxy_all;
  config_.dsr = options_.dsr;
  auto transport = node::find_transport(options_.transport_interface, self()->internal_ips);
  if (!transport) {
    Error error = std::move(transport).error().within("set up the Node", options_.node);
    error.remedy = "see --transport-interface";
    co_return error;
  }
  const auto& [link, address] = *transport;
  config_.node_ips = {address};
  config_.egress = options_.egress;
  transport_ = link.name;
  config_.mtu = link.mtu - node::encapsulation_overhead(options_.tunnel_type, address.is_v6());
  logger_->info("Node {}: {} on {}, Pods {}, MTU {}", config_.name, address.to_string(), link.name,
                config_.pod_cidrs.front().to_string(), config_.mtu);
  co_return Result<>();
}

/// Open vSwitch's side: the bridge, its gateway and tunnel, and what is plugged in already.
awaitable<Result<>> Agent::plug_in() {
  ovsdb::ClientOptions options;
  options.remote = "unix:" + options_.ovs_run_dir + "/db.sock";
  options.monitor = ovsdb::VSwitch::monitored();
  options.logger = logger_;
  database_.emplace(io_.get_executor(), options);
  spawn(database_->run());
  auto connected =
      co_await database_->wait_synced(std::chrono::steady_clock::now() + kDatabaseTimeout);
  if (!connected) {
    Error error =
        std::move(connected).error().within("connect to Open vSwitch's database", options.remote);
    error.remedy = "is ovsdb-server running, and --ovs-run-dir right?";
    co_return error;
  }
  vswitch_.emplace(*database_);

  node::BridgeOptions bridge;
  bridge.name = options_.bridge;
  bridge.datapath_type = options_.datapath_type;
  bridge.gateway_port = options_.gateway_port;
  bridge.tunnel_type = options_.tunnel_type;
  bridge.node_name = options_.node;
  bridge.mtu = config_.mtu;
  bridge_.emplace(*vswitch_, bridge, logger_);
  ANTREA_CO_TRY(auto state, co_await bridge_->ensure());
  config_.gateway_mac = state.gateway_mac;
  config_.gateway_ofport = state.gateway_ofport;
  config_.tunnel_ofport = state.tunnel_ofport;
  interfaces_ = std::move(state.interfaces);
  routes_.emplace(config_);
  co_return Result<>();
}

/// What the switch holds decides on what it is told: see `node::SwitchFacts`.
awaitable<Result<>> Agent::open_switch() {
  openflow::SwitchOptions switch_options;
  switch_options.connection.remote =
      fmt::format("unix:{}/{}.mgmt", options_.ovs_run_dir, options_.bridge);
  switch_options.connection.logger = logger_;
  switch_options.table_names = node::pipeline_table_names();
  switch_options.resync_interval = 60s;
  switch_options.logger = logger_;
  switch_.emplace(io_.get_executor(), std::move(switch_options));
  switch_->on_refused(
      [this](const Error& error) { logger_->error("the switch refused: {}", error.to_string()); });
  spawn(switch_->run());
  auto facts =
      co_await node::read_switch_facts(*switch_, std::chrono::steady_clock::now() + kSwitchTimeout);
  if (!facts) {
    Error error = std::move(facts).error().within("read the switch", options_.bridge);
    error.remedy = "is ovs-vswitchd running?";
    co_return error;
  }

  node::DatapathOptions datapath;
  datapath.bridge = options_.bridge;
  datapath.logger = logger_;
  datapath.policies = policy_flow_options(config_, facts->meters);
  datapath.meters = facts->meters;
  datapath.on_attach = [this](const node::Interface& pod) {
    if (egress_) egress_->attached(pod);
  };
  datapath.on_detach = [this](const node::Interface& pod) {
    if (egress_) egress_->detached(pod);
  };
  datapath.on_host_services = [this] { progress_.notify(); };
  datapath.on_node_rules = [this] { on_node_rules(); };
  datapath.on_stale_connections = [this](auto stale) { services_->forget(std::move(stale)); };
  datapath_.emplace(io_.get_executor(), config_, balancer_config(options_), *switch_, *vswitch_,
                    interfaces_, datapath);
  services_.emplace(io_.get_executor(), options_, *datapath_, *switch_, metrics_, logger_);
  spawn(services_->run());
  datapath_->adopt(facts->policy_flows);
  if (facts->meters) {
    openflow::Changes meters;
    meters.meters = node::packet_in_meters(options_.packet_in_rate);
    ANTREA_CO_CHECK(switch_->prepare(meters));
  } else {
    logger_->warn("the datapath has no meters: packets come to the agent unlimited");
  }
  spawn(node::watch_meter_drops(*switch_, metrics_, facts->meters, kMeterInterval, logger_));
  co_return Result<>();
}

Result<> Agent::open_addresses() {
  ANTREA_TRY(addresses_, ipam::HostLocalStore::open(options_.ipam_dir, "antrea"));
  const auto freed = addresses_->collect_garbage(
      [this](const IpAddress& address) { return interfaces_.find_by_ip(address) != nullptr; });
  for (const IpAddress& address : freed)
    logger_->info("address {} belongs to no interface: freed", address.to_string());
  return {};
}

Result<> Agent::set_up_host() {
  if (!host_) {
    ANTREA_TRY(host_, node::HostNetwork::open(logger_));
    std::vector<api::Node> nodes;
    for (const auto& [name, node] : nodes_) nodes.push_back(node);
    (void)routes_->replace(nodes);
    // All of them, not what changed: peers that came before the data plane was there are in none.
    node::PeerChanges all;
    for (const auto& [name, peer] : routes_->peers()) all.updated.push_back(peer);
    datapath_->apply(all);
  }
  std::vector<node::PeerNode> peers;
  for (const auto& [name, peer] : routes_->peers()) peers.push_back(peer);
  ANTREA_CHECK(services_->refresh(nodes_, config_.gateway_name));
  const proxy::Balancer& balancer = datapath_->balancer();
  auto desired = node::desired_host_state(config_, peers, balancer.host(),
                                          balancer.node().node_port_addresses);
  desired.complete = known_.contains(Input::kServices);
  if (const auto& rules = datapath_->node_rules()) node::add_node_policies(*rules, desired);
  if (!node_port_local_)
    node::add_local_ports(config_, {}, desired);
  else if (const auto& ports = node_port_local_->translations())
    node::add_local_ports(config_, *ports, desired);
  const auto done = host_->apply(desired);
  if (!done) return Error(done.error()).within("set up the host's network", options_.node);
  for (const auto& operation : *done) logger_->info("host network: {}", node::describe(operation));
  return {};
}

/// Before the controller is told that the policies are realised.
void Agent::on_node_rules() {
  for (const auto& rule : datapath_->node_rules()->unrealized)
    logger_->warn("{}: rule {} cannot be applied to a Node", rule->policy.to_string(), rule->name);
  if (const auto done = set_up_host(); !done) logger_->error("{}", done.error().to_string());
}

void Agent::known(Input input) {
  known_.insert(input);
  progress_.notify();
  const bool of_services = input == Input::kServices || input == Input::kEndpointSlices;
  if (of_services && known_.contains(Input::kServices) && known_.contains(Input::kEndpointSlices) &&
      egress_)
    egress_->services_known();
}

void Agent::follow_services() {
  const bool endpoints = options_.proxy || options_.egress;
  if (!endpoints) known(Input::kEndpointSlices);
  if (!endpoints && !node_port_local_) return known(Input::kServices);
  kube::InformerOptions services;
  services.path = "/api/v1/services";
  inform(
      std::move(services),
      [this](std::span<const kube::Change> changes) { take_services(changes); },
      [this] {
        known(Input::kServices);
        if (node_port_local_) node_port_local_->services_known();
      });
  if (!endpoints) return;
  kube::InformerOptions slices;
  slices.path = "/apis/discovery.k8s.io/v1/endpointslices";
  inform(
      std::move(slices), [this](std::span<const kube::Change> changes) { take_slices(changes); },
      [this] { known(Input::kEndpointSlices); });
}

void Agent::take_services(std::span<const kube::Change> changes) {
  if (options_.proxy) services_->take_services(changes);
  if (node_port_local_) node_port_local_->take_services(changes);
  if (egress_) egress_->take_services(changes);
}

void Agent::take_slices(std::span<const kube::Change> changes) {
  if (options_.proxy) services_->take_slices(changes);
  if (egress_) egress_->take_slices(changes);
}

Result<> Agent::follow_egresses() {
  if (!options_.egress) {
    known(Input::kEgress);
    return {};
  }
  egress_.emplace(io_.get_executor(), options_, transport_,
                  EgressAgent::Parts{*api_, *datapath_, interfaces_, logger_},
                  [this] { known(Input::kEgress); });
  ANTREA_CHECK(egress_->start());
  egress_->take_nodes(nodes_);
  spawn(egress_->run());
  return {};
}

void Agent::follow_policies() {
  policies_.emplace(
      io_.get_executor(), options_,
      PolicyAgent::Parts{*api_, *datapath_, *switch_, interfaces_, metrics_, logger_},
      [this] { known(Input::kPolicies); },
      [this](const auto& groups) {
        if (egress_) egress_->take_groups(groups);
      });
  spawn(policies_->run());
}

/// Of the interfaces from before this start, those whose Pod went away meanwhile are removed as by
/// DEL.
void Agent::remove_orphans(std::vector<node::Interface> inherited) {
  if (inherited.empty()) return;
  kube::InformerOptions pods;
  pods.path = "/api/v1/pods";
  pods.field_selector = "spec.nodeName=" + options_.node;
  inform(
      std::move(pods), [](std::span<const kube::Change>) {},
      [this, at = informers_.size(), inherited = std::move(inherited)] {
        const kube::WatchCache& cache = informers_[at]->cache();
        for (const node::Interface& interface : inherited)
          if (cache.find(interface.pod.to_string()) == nullptr) spawn(remove_interface(interface));
      });
}

awaitable<void> Agent::remove_interface(node::Interface interface) {
  logger_->info("Pod {} is gone: removing {}", interface.pod.to_string(), interface.name);
  const auto removed = co_await cni_->remove(interface);
  if (!removed) logger_->error("{}: {}", interface.name, removed.error().to_string());
}

/// Without the controller or the API server this waits, and the switch goes on with what it has.
awaitable<void> Agent::wait_for_inputs() {
  while (known_.size() < 4) co_await progress_.wait();
}

awaitable<Result<>> Agent::serve_pods() {
  node::CniServiceOptions cni;
  cni.mtu = config_.mtu;
  cni.tx_checksum = !options_.userspace_datapath();
  cni.netns_prefix = options_.netns_prefix;
  cni_.emplace(io_.get_executor(), cni, interfaces_, *addresses_, *datapath_, logger_);
  ANTREA_CO_TRY(cni_server_,
                node::CniServer::start(io_.get_executor(), *cni_, options_.cni_socket));

  co_await wait_for_inputs();
  datapath_->begin();
  auto synced = co_await switch_->wait_synced(TimePoint::max());
  if (!synced)
    co_return std::move(synced).error().within("bring the switch in line", options_.bridge);

  std::vector<ipam::RangeSet> ranges;
  for (const IpPrefix& cidr : config_.pod_cidrs) {
    ANTREA_CO_TRY(const auto range,
                  ipam::make_range({cidr.to_string(), "", "", node::gateway_ip(cidr).to_string()}));
    ANTREA_CO_TRY(auto set, ipam::RangeSet::make({range}));
    ranges.push_back(std::move(set));
  }
  std::vector<node::Interface> inherited;
  for (const node::Interface* const each : interfaces_.all(node::InterfaceType::kContainer))
    inherited.push_back(*each);
  cni_->set_ready(std::move(ranges));
  remove_orphans(std::move(inherited));
  logger_->info("ready: {} messages to the switch", switch_->statistics().messages);

  // What others change on the host is put right from time to time, as the switch's contents are.
  for (;;) {
    if (const auto done = set_up_host(); !done) logger_->error("{}", done.error().to_string());
    (void)co_await progress_.wait_until(std::chrono::steady_clock::now() + kHostResync);
  }
}

}  // namespace antrea::agent
