#include "compile.h"

#include <algorithm>

#include "antrea/base/sorted.h"

namespace antrea::proxy {
namespace {

// One port of a Service in one family: up to two groups, and the frontends that lead to them.
class PortCompiler {
 public:
  PortCompiler(const api::ObjectKey& key, const ServiceInput& service, std::uint32_t port,
               const IpAddress& cluster_ip, const BalancerConfig& config, const NodeFacts& node,
               CompiledService& out)
      : key_(key),
        service_(service),
        port_(service.ports[port]),
        cluster_ip_(cluster_ip),
        family_(cluster_ip.family()),
        config_(config),
        node_(node),
        out_(out) {
    compiled_.port = port;
    compiled_.family = family_;
  }

  void compile(const SliceSet& slices) {
    endpoints_ = candidates(slices, on_node(service_, compiled_, config_, node_));
    compiled_.tally = tally_of(endpoints_);
    for (const auto& endpoint : endpoints_) out_.hinted |= endpoint.hinted();
    if (port_.protocol == api::Protocol::kUdp) {
      compiled_.serving = static_cast<std::uint32_t>(out_.serving.size());
      out_.serving.push_back(serving(endpoints_));
    }

    FrontendFlows flows;
    flows.affinity_timeout = service_.affinity_timeout;
    flows.group = service_.internal_local ? local() : cluster();
    add(FrontendKind::kClusterIp, cluster_ip_, port_.port, flows);

    flows.external = true;
    if (port_.node_port != 0)
      add(FrontendKind::kNodePort, node_port_ip(family_), port_.node_port, lead_outside(flows));
    flows.dsr = dsr();
    for (const auto& ip : service_.external_ips)
      if (ip.family() == family_)
        add(FrontendKind::kExternalIp, ip, port_.port, lead_outside(flows));
    restrict_sources(flows);
    for (const auto& ip : service_.load_balancer_ips)
      if (ip.family() == family_)
        add(FrontendKind::kLoadBalancer, ip, port_.port, lead_outside(flows));
    out_.ports.push_back(compiled_);
  }

  void count_local(std::vector<IpAddress>& local) const {
    for (const auto& endpoint : endpoints_)
      if (endpoint.all(endpoint_flags::kReady | endpoint_flags::kLocal))
        local.push_back(endpoint.backend.ip);
  }

 private:
  // With a policy Local the first Node has chosen an endpoint of its own: nothing is passed on.
  bool dsr() const {
    return service_.mode == LoadBalancerMode::kDsr && family_ == Family::kIPv4 &&
           !service_.external_local &&
           (!service_.external_ips.empty() || !service_.load_balancer_ips.empty());
  }

  FrontendFlows lead_outside(FrontendFlows flows) {
    flows.group = service_.external_local ? local() : cluster();
    if (service_.external_local) flows.local_clients_group = cluster();
    if (flows.dsr) flows.from_tunnel_group = local();
    return flows;
  }

  void restrict_sources(FrontendFlows& flows) const {
    for (const auto& range : service_.source_ranges) {
      if (range.family() != family_) continue;
      if (range.length() == 0) return flows.sources.clear();
      flows.sources.push_back(range);
      for (const auto& address : node_.node_port_addresses)
        flows.host_allowed |= range.contains(address);
    }
  }

  std::uint32_t cluster() {
    auto& group = compiled_.cluster;
    if (group == kNoGroup)
      group = add_group("cluster", choose(endpoints_, compiled_.tally.wanted_by_cluster()));
    return group;
  }
  std::uint32_t local() {
    auto& group = compiled_.local;
    if (group == kNoGroup)
      group = add_group("local", choose(endpoints_, compiled_.tally.wanted_by_local()));
    return group;
  }

  std::uint32_t add_group(std::string_view kind, std::vector<Backend> backends) {
    GroupSpec group;
    group.identity.reserve(key_.namespace_.size() + key_.name.size() + port_.name.size() + 24);
    group.identity.append(key_.namespace_).append("/").append(key_.name);
    group.identity.append(":").append(port_.name).append("/");
    group.identity.append(api::to_string(port_.protocol)).append("/");
    group.identity.append(antrea::to_string(family_)).append("/").append(kind);
    group.family = family_;
    group.protocol = port_.protocol;
    group.affinity = service_.affinity_timeout != 0;
    group.dsr = dsr();
    group.backends = std::move(backends);
    if (group.dsr) mark_away(group);
    if (group.dsr && group.protocol == api::Protocol::kUdp) group.kept = serving(endpoints_);
    out_.groups.push_back(std::move(group));
    return static_cast<std::uint32_t>(out_.groups.size() - 1);
  }

  void mark_away(GroupSpec& group) const {
    for (const auto& backend : group.backends) {
      const auto found = std::ranges::lower_bound(endpoints_, backend, {}, &Candidate::backend);
      group.away.push_back(!found->all(endpoint_flags::kLocal) &&
                           !node_.node_ips.contains(backend.ip));
    }
  }

  void add(FrontendKind kind, const IpAddress& ip, std::uint16_t port, FrontendFlows flows) {
    out_.frontends.push_back(
        {{ip, port, port_.protocol}, kind, compiled_.serving, std::move(flows)});
  }

  const api::ObjectKey& key_;
  const ServiceInput& service_;
  const ServiceInput::Port& port_;
  const IpAddress& cluster_ip_;
  Family family_;
  const BalancerConfig& config_;
  const NodeFacts& node_;
  CompiledService& out_;
  std::vector<Candidate> endpoints_;
  CompiledPort compiled_;
};

template <typename T, typename Projection>
void sort_and_keep_first(std::vector<T>& all, Projection key) {
  if (all.size() < 2) return;
  std::ranges::stable_sort(all, {}, key);
  keep_first(all, key);
}

// Puts groups and frontends in order. Valid Services have no two of a kind; should one, its first
// port stands for it.
void arrange(CompiledService& out) {
  if (out.groups.size() > 1) {
    std::vector<std::string> old_places;
    for (const auto& group : out.groups) old_places.push_back(group.identity);
    sort_and_keep_first(out.groups, &GroupSpec::identity);
    const auto place = [&](std::uint32_t& group) {
      if (group == kNoGroup) return;
      const auto found =
          std::ranges::lower_bound(out.groups, old_places[group], {}, &GroupSpec::identity);
      group = static_cast<std::uint32_t>(found - out.groups.begin());
    };
    for (auto& frontend : out.frontends) {
      place(frontend.flows.group);
      place(frontend.flows.local_clients_group);
      place(frontend.flows.from_tunnel_group);
    }
    for (auto& port : out.ports) {
      place(port.cluster);
      place(port.local);
    }
  }
  // A cluster IP before what else claims to be at the same address.
  if (out.frontends.size() < 2) return;
  std::ranges::stable_sort(out.frontends, {}, &FrontendSpec::kind);
  sort_and_keep_first(out.frontends, &FrontendSpec::at);
}

}  // namespace

PortOnNode on_node(const ServiceInput& service, const CompiledPort& port,
                   const BalancerConfig& config, const NodeFacts& node) {
  const ServiceInput::Port& named = service.ports[port.port];
  return {named.name, named.protocol, port.family, node.zone, config.node_name};
}

CompiledService compile_service(const api::ObjectKey& key, const ServiceInput& service,
                                const SliceSet& slices, const BalancerConfig& config,
                                const NodeFacts& node) {
  CompiledService out;
  std::vector<IpAddress> local;
  for (std::uint32_t port = 0; port < service.ports.size(); ++port)
    for (const auto& cluster_ip : service.cluster_ips) {
      PortCompiler compiler(key, service, port, cluster_ip, config, node, out);
      compiler.compile(slices);
      if (service.health_check_port != 0) compiler.count_local(local);
    }
  if (service.health_check_port != 0) {
    sort_unique(local);
    out.health_check = HealthCheck{service.health_check_port, local.size()};
  }
  arrange(out);
  return out;
}

}  // namespace antrea::proxy
