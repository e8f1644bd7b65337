#include "antrea/proxy/explain.h"

#include <algorithm>

#include "endpoint_choice.h"

namespace antrea::proxy {

using namespace endpoint_flags;

namespace {

Reason reason_of(const Candidate& endpoint, bool chosen, bool local, Topology topology) {
  const bool ready = endpoint.all(kReady);
  if (chosen) {
    if (!ready) return Reason::kServesStill;
    if (local) return Reason::kReadyHere;
    if (topology == Topology::kThisNode) return Reason::kHintedNode;
    return topology == Topology::kThisZone ? Reason::kHintedZone : Reason::kReady;
  }
  if (local && !endpoint.all(kLocal)) return Reason::kOtherNode;
  if (!ready) {
    return endpoint.all(kServing | kTerminating) ? Reason::kTerminates : Reason::kNotReady;
  }
  return topology == Topology::kThisNode ? Reason::kHintedToOtherNode : Reason::kOtherZone;
}

bool may(const api::Service& service, const ServedFrontend& served, const NodeFacts& node,
         const ExplainedClient& client) {
  if (served.kind != FrontendKind::kLoadBalancer) return true;
  bool any = false;
  for (const auto& range : service.load_balancer_source_ranges) {
    if (range.family() != served.frontend.ip.family()) continue;
    any = true;
    if (range.contains(client.address)) return true;
    if (!client.is_this_node) continue;
    for (const auto& own : node.node_port_addresses)
      if (range.contains(own)) return true;
  }
  return !any;
}

// Where an endpoint comes from.
void find_origin(std::span<const api::EndpointSlice> slices, ExplainedEndpoint& endpoint) {
  for (const auto& slice : slices)
    for (const auto& each : slice.endpoints)
      if (!each.addresses.empty() && each.addresses.front() == endpoint.backend.ip) {
        endpoint.node = each.node_name;
        endpoint.pod = each.target_pod;
        if (endpoint.pod) return;
      }
}

}  // namespace

bool is_chosen(Reason reason) { return reason <= Reason::kServesStill; }

std::string_view describe(Reason reason) {
  switch (reason) {
    case Reason::kReady:
      return "ready";
    case Reason::kReadyHere:
      return "ready, on this Node";
    case Reason::kHintedZone:
      return "ready, hinted to this zone";
    case Reason::kHintedNode:
      return "ready, hinted to this Node";
    case Reason::kServesStill:
      return "terminates but serves, none is ready";
    case Reason::kOtherNode:
      return "on another Node, the policy is Local";
    case Reason::kOtherZone:
      return "hinted to another zone";
    case Reason::kHintedToOtherNode:
      return "hinted to another Node";
    case Reason::kTerminates:
      return "terminates, others are ready";
    case Reason::kNotReady:
      return "not ready";
  }
  return "";
}

Explanation explain(const api::Service& service, std::span<const api::EndpointSlice> slices,
                    const BalancerConfig& config, const NodeFacts& node,
                    const ExplainedClient& client) {
  Explanation out;
  Balancer balancer(config);
  balancer.set_node(node);
  ServiceChanges changes;
  changes.services = {service};
  changes.slices.assign(slices.begin(), slices.end());
  std::erase_if(changes.slices, [&](const api::EndpointSlice& slice) {
    return slice.service_name != service.metadata.name ||
           slice.metadata.namespace_ != service.metadata.namespace_;
  });
  SliceSet inputs;
  for (const auto& slice : changes.slices)
    inputs.set(slice.metadata.name, read_slice(slice, config));
  out.pipeline = balancer.apply(changes).pipeline;

  for (const auto& served : balancer.served(key_of(service.metadata))) {
    if (served.frontend.ip.family() != client.address.family()) continue;
    const bool external = served.kind != FrontendKind::kClusterIp;
    const auto port = std::ranges::find_if(service.ports, [&](const api::ServicePort& each) {
      return each.protocol == served.frontend.protocol &&
             served.frontend.port ==
                 (served.kind == FrontendKind::kNodePort ? each.node_port : each.port);
    });
    ExplainedFrontend& frontend = out.frontends.emplace_back();
    frontend.frontend = served.frontend;
    frontend.kind = served.kind;
    if (port != service.ports.end()) frontend.port_name = port->name;
    frontend.policy = external ? service.external_traffic_policy : service.internal_traffic_policy;
    frontend.policy_is_external = external;
    frontend.affinity_timeout = served.affinity_timeout;
    frontend.refused_by_source = !may(service, served, node, client);
    const bool excepted = client.on_this_node && served.local_clients_group.has_value();
    frontend.group = excepted ? *served.local_clients_group : served.group;

    const bool local = frontend.policy == api::TrafficPolicy::kLocal && !excepted;
    const auto all = candidates(inputs, {frontend.port_name, served.frontend.protocol,
                                         served.frontend.ip.family(), node.zone, config.node_name});
    const Tally tally = tally_of(all);
    const auto wanted = local ? tally.wanted_by_local() : tally.wanted_by_cluster();
    for (const auto& candidate : all) {
      ExplainedEndpoint endpoint;
      endpoint.backend = candidate.backend;
      endpoint.reason = reason_of(candidate, candidate.all(wanted), local, tally.topology());
      find_origin(changes.slices, endpoint);
      frontend.endpoints.push_back(std::move(endpoint));
    }
  }
  return out;
}

}  // namespace antrea::proxy
