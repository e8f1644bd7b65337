#include "pod_agent.h"

#include "api_objects.h"

namespace antrea::agent {

Result<> PodAgent::open_addresses() {
  ANTREA_TRY(addresses_, ipam::HostLocalStore::open(options_.ipam_dir, "antrea"));
  const auto freed = addresses_->collect_garbage(
      [this](const IpAddress& address) { return interfaces_.find_by_ip(address) != nullptr; });
  for (const IpAddress& address : freed)
    logger_->info("address {} belongs to no interface: freed", address.to_string());
  return {};
}

Result<> PodAgent::listen(const node::NodeConfig& config, node::PodNetwork& network) {
  node::CniServiceOptions cni;
  cni.mtu = config.mtu;
  cni.tx_checksum = !options_.userspace_datapath();
  cni.netns_prefix = options_.netns_prefix;
  service_.emplace(tasks_.executor(), cni, interfaces_, *addresses_, network, logger_);
  ANTREA_TRY(server_, node::CniServer::start(tasks_.executor(), *service_, options_.cni_socket));
  return {};
}

Result<> PodAgent::begin(const node::NodeConfig& config, kube::RestClient& api) {
  std::vector<ipam::RangeSet> ranges;
  for (const IpPrefix& cidr : config.pod_cidrs) {
    ANTREA_TRY(const auto range,
               ipam::make_range({cidr.to_string(), "", "", node::gateway_ip(cidr).to_string()}));
    ANTREA_TRY(auto set, ipam::RangeSet::make({range}));
    ranges.push_back(std::move(set));
  }
  remove_orphans(api);
  service_->set_ready(std::move(ranges));
  return {};
}

void PodAgent::remove_orphans(kube::RestClient& api) {
  std::vector<node::Interface> inherited;
  for (const node::Interface* const each : interfaces_.all(node::InterfaceType::kContainer))
    inherited.push_back(*each);
  if (inherited.empty()) return;
  pods_.emplace(
      api, pods_of(options_, logger_), [](std::span<const kube::Change>) {},
      [this, inherited = std::move(inherited)] {
        for (const node::Interface& interface : inherited)
          if (pods_->cache().find(interface.pod.to_string()) == nullptr)
            tasks_.spawn(remove(interface));
      });
  tasks_.spawn(pods_->run());
}

boost::asio::awaitable<void> PodAgent::remove(node::Interface interface) {
  logger_->info("Pod {} is gone: removing {}", interface.pod.to_string(), interface.name);
  const auto removed = co_await service_->remove(interface);
  if (!removed) logger_->error("{}: {}", interface.name, removed.error().to_string());
}

void PodAgent::stop() {
  if (server_) server_->stop();
}

}  // namespace antrea::agent
