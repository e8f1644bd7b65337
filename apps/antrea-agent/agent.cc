// How a Node's agent comes up.
#include "agent.h"

#include <chrono>
#include <utility>

#include "antrea/kube/kubeconfig.h"
#include "antrea/node/packet_in_meters.h"
#include "antrea/node/transport.h"
#include "rest.h"

namespace antrea::agent {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using namespace std::chrono_literals;

constexpr Duration kNodeTimeout = 60s;
constexpr Duration kHostResync = 60s;
constexpr Duration kMeterInterval = 30s;

node::NodeConfig node_config(const Options& options, const api::Node& self,
                             const node::Transport& transport) {
  node::NodeConfig config;
  config.name = options.node;
  config.node_ips = {transport.address};
  config.pod_cidrs = self.pod_cidrs;
  config.userspace_datapath = options.userspace_datapath();
  config.mtu = transport.link.mtu -
               node::encapsulation_overhead(options.tunnel_type, transport.address.is_v6());
  config.proxy = options.proxy;
  config.service_cidrs = options.service_cidrs;
  config.proxy_all = options.proxy_all;
  config.egress = options.egress;
  config.dsr = options.dsr;
  return config;
}

}  // namespace

Agent::Agent(asio::io_context& io, Options options, Logger logger)
    : options_(std::move(options)),
      logger_(std::move(logger)),
      tasks_(io, logger_),
      progress_(io.get_executor()),
      nodes_(options_.node, logger_),
      ovs_(tasks_, options_, logger_),
      pods_(tasks_, options_, interfaces_, logger_) {}

Agent::~Agent() = default;

awaitable<Result<>> Agent::run() {
  ANTREA_CO_TRY(auto config, kube::find_client_config(options_.kubeconfig));
  ANTREA_CO_TRY(api_, kube::RestClient::create(tasks_.executor(), config, "antrea-agent"));
  ANTREA_CO_CHECK(co_await find_node());
  ANTREA_CO_CHECK(co_await plug_in());
  ANTREA_CO_CHECK(pods_.open_addresses());

  ANTREA_CO_CHECK(co_await open_datapath());
  ANTREA_CO_CHECK(open_host());
  if (node_port_local_) tasks_.spawn(node_port_local_->run());
  follow_services();
  ANTREA_CO_CHECK(follow_egresses());
  follow_policies();
  ANTREA_CO_TRY(rest_, serve_rest(tasks_.executor(), options_.api_socket,
                                  {options_.node, interfaces_, ovs_.flows(), *datapath_, metrics_,
                                   egress_ ? &*egress_ : nullptr,
                                   node_port_local_ ? &*node_port_local_ : nullptr},
                                  logger_));
  ANTREA_CO_CHECK(pods_.listen(config_, *datapath_));
  co_return co_await serve();
}

/// Waits until this Node's object has a Pod CIDR.
awaitable<Result<>> Agent::find_node() {
  const kube::Informer& informer =
      inform("/api/v1/nodes", [this](std::span<const kube::Change> changes) { on_nodes(changes); });
  const TimePoint deadline = std::chrono::steady_clock::now() + kNodeTimeout;
  while (nodes_.self() == nullptr || nodes_.self()->pod_cidrs.empty()) {
    if (co_await progress_.wait_until(deadline)) continue;
    if (!informer.cache().synced())
      co_return Error(informer.last_error()).within("list Nodes", "the API server");
    co_return make_error(Errc::kNotFound,
                         nodes_.self() == nullptr
                             ? "find the Node object: there is none of this name"
                             : "find the Node object: it has no spec.podCIDR",
                         options_.node);
  }
  auto transport = node::find_transport(options_.transport_interface, nodes_.self()->internal_ips);
  if (!transport) {
    Error error = std::move(transport).error().within("set up the Node", options_.node);
    error.remedy = "see --transport-interface";
    co_return error;
  }
  config_ = node_config(options_, *nodes_.self(), *transport);
  transport_ = transport->link.name;
  logger_->info("Node {}: {} on {}, Pods {}, MTU {}", config_.name, transport->address.to_string(),
                transport_, config_.pod_cidrs.front().to_string(), config_.mtu);
  co_return Result<>();
}

awaitable<Result<>> Agent::plug_in() {
  ANTREA_CO_TRY(auto bridge, co_await ovs_.plug_in(config_.mtu));
  config_.gateway_mac = bridge.gateway_mac;
  config_.gateway_ofport = bridge.gateway_ofport;
  config_.tunnel_ofport = bridge.tunnel_ofport;
  interfaces_ = std::move(bridge.interfaces);
  nodes_.join(config_);
  co_return Result<>();
}

awaitable<Result<>> Agent::open_datapath() {
  ANTREA_CO_TRY(const auto facts, co_await ovs_.connect());
  node::DatapathOptions datapath;
  datapath.bridge = options_.bridge;
  datapath.logger = logger_;
  datapath.policies = policy_flow_options(config_, facts.meters);
  datapath.meters = facts.meters;
  datapath.on_attach = [this](const node::Interface& pod) {
    if (egress_) egress_->attached(pod);
  };
  datapath.on_detach = [this](const node::Interface& pod) {
    if (egress_) egress_->detached(pod);
  };
  datapath.on_host_services = [this] { progress_.notify(); };
  datapath.on_node_rules = [this] { on_node_rules(); };
  datapath.on_stale_connections = [this](auto stale) { services_->forget(std::move(stale)); };
  datapath_.emplace(tasks_.executor(), config_, balancer_config(options_), ovs_.flows(),
                    ovs_.database(), interfaces_, datapath);
  services_.emplace(tasks_.executor(), options_, *datapath_, ovs_.flows(), metrics_, logger_);
  tasks_.spawn(services_->run());
  datapath_->adopt(facts.policy_flows);
  if (facts.meters) {
    openflow::Changes meters;
    meters.meters = node::packet_in_meters(options_.packet_in_rate);
    ANTREA_CO_CHECK(ovs_.flows().prepare(meters));
  } else {
    logger_->warn("the datapath has no meters: packets come to the agent unlimited");
  }
  tasks_.spawn(
      node::watch_meter_drops(ovs_.flows(), metrics_, facts.meters, kMeterInterval, logger_));
  datapath_->restore();
  datapath_->apply(node::PeerChanges{nodes_.peers(), {}});
  co_return Result<>();
}

Result<> Agent::open_host() {
  ANTREA_TRY(host_, node::HostNetwork::open(logger_));
  if (options_.node_port_local)
    node_port_local_.emplace(
        tasks_.executor(), options_, *api_, [this] { return set_up_host(); }, logger_);
  ANTREA_CHECK(set_up_host());
  if (node_port_local_ && nodes_.self() != nullptr) node_port_local_->take_node(*nodes_.self());
  return {};
}

/// Once all is known; without the controller or the API server that waits, and the switch goes on
/// with what it has.
awaitable<Result<>> Agent::serve() {
  while (known_.size() < 4) co_await progress_.wait();
  datapath_->begin();
  auto synced = co_await ovs_.flows().wait_synced(TimePoint::max());
  if (!synced)
    co_return std::move(synced).error().within("bring the switch in line", options_.bridge);
  ANTREA_CO_CHECK(pods_.begin(config_, *api_));
  logger_->info("ready: {} messages to the switch", ovs_.flows().statistics().messages);

  // What others change on the host is put right from time to time, as the switch's contents are.
  for (;;) {
    set_up_host_or_log();
    (void)co_await progress_.wait_until(std::chrono::steady_clock::now() + kHostResync);
  }
}

}  // namespace antrea::agent
