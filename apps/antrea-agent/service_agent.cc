#include "service_agent.h"

#include <boost/asio/experimental/awaitable_operators.hpp>

#include "antrea/api/json.h"
#include "antrea/node/host_network.h"
#include "antrea/node/netlink.h"
#include "antrea/proxy/node_health.h"
#include "api_objects.h"

namespace antrea::agent {

proxy::BalancerConfig balancer_config(const Options& options) {
  proxy::BalancerConfig config;
  config.node_name = options.node;
  config.service_proxy_name = options.service_proxy_name;
  config.proxy_all = options.proxy_all;
  config.load_balancer_ips = options.load_balancer_ips;
  config.skip_services.insert(options.skip_services.begin(), options.skip_services.end());
  config.dsr = options.dsr;
  config.load_balancer_mode = options.load_balancer_mode == "dsr" ? proxy::LoadBalancerMode::kDsr
                                                                  : proxy::LoadBalancerMode::kNat;
  return config;
}

ServiceAgent::ServiceAgent(boost::asio::any_io_executor executor, const Options& options,
                           node::Datapath& datapath, openflow::Switch& the_switch,
                           MetricRegistry& metrics, Logger logger)
    : options_(options),
      datapath_(datapath),
      logger_(logger),
      cleaner_(executor, the_switch, logger),
      sync_(executor, the_switch, datapath.balancer(), metrics) {
  if (options.proxy_all && options.service_health_checks)
    health_.emplace(std::move(executor), options.proxy_healthz, datapath.balancer(), sync_,
                    std::move(logger));
}

boost::asio::awaitable<void> ServiceAgent::run() {
  using namespace boost::asio::experimental::awaitable_operators;
  co_await (cleaner_.run() && sync_.run());
}

void ServiceAgent::take_services(std::span<const kube::Change> changes) {
  proxy::ServiceChanges batch;
  each_decoded(changes, api::decode_service, logger_, [&](api::Service service, bool gone) {
    for (const IpAddress& ip : service.cluster_ips) sync_.count_services(ip.family());
    if (gone)
      batch.removed_services.push_back(api::key_of(service.metadata));
    else
      batch.services.push_back(std::move(service));
  });
  datapath_.apply(batch);
  sync_.changed();
}

void ServiceAgent::take_slices(std::span<const kube::Change> changes) {
  proxy::ServiceChanges batch;
  each_decoded(changes, api::decode_endpoint_slice, logger_,
               [&](api::EndpointSlice slice, bool gone) {
                 sync_.count_endpoints(slice.address_type);
                 if (gone)
                   batch.removed_slices.push_back(api::key_of(slice.metadata));
                 else
                   batch.slices.push_back(std::move(slice));
               });
  datapath_.apply(batch);
  sync_.changed();
}

Result<> ServiceAgent::refresh(const std::map<std::string, api::Node>& nodes,
                               const std::string& gateway) {
  proxy::NodeFacts facts;
  for (const auto& [name, node] : nodes) {
    facts.node_ips.insert(node.internal_ips.begin(), node.internal_ips.end());
    facts.node_ips.insert(node.external_ips.begin(), node.external_ips.end());
    if (name != options_.node) continue;
    const auto zone = node.metadata.labels.find("topology.kubernetes.io/zone");
    if (zone != node.metadata.labels.end()) facts.zone = zone->second;
    if (health_) health_->set_node_stays(proxy::is_eligible(node));
  }
  if (options_.proxy_all) {
    ANTREA_TRY(node::Netlink netlink, node::Netlink::open());
    ANTREA_TRY(const auto links, netlink.links());
    ANTREA_TRY(const auto addresses, netlink.addresses());
    facts.node_port_addresses =
        node::find_node_port_addresses(links, addresses, options_.node_port_addresses, gateway);
  }
  datapath_.set_node(std::move(facts));
  if (health_) health_->refresh();
  return {};
}

}  // namespace antrea::agent
