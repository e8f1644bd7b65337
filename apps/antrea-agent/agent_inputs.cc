// What an agent follows, and what it makes of it.
#include "agent.h"
#include "antrea/node/host_inputs.h"

namespace antrea::agent {

kube::Informer& Agent::inform(std::string path, kube::Informer::Handler handler,
                              kube::Informer::SyncedHandler synced) {
  kube::InformerOptions options;
  options.path = std::move(path);
  options.transform = kube::drop_managed_fields;
  options.logger = logger_;
  informers_.push_back(std::make_unique<kube::Informer>(*api_, std::move(options),
                                                        std::move(handler), std::move(synced)));
  tasks_.spawn(informers_.back()->run());
  return *informers_.back();
}

void Agent::on_nodes(std::span<const kube::Change> changes) {
  const node::PeerChanges peers = nodes_.take(changes);
  progress_.notify();
  if (egress_) egress_->take_nodes(nodes_.all());
  if (node_port_local_ && nodes_.self() != nullptr) node_port_local_->take_node(*nodes_.self());
  if (!datapath_ || peers.empty()) return;
  datapath_->apply(peers);
  set_up_host_or_log();
}

Result<> Agent::set_up_host() {
  ANTREA_CHECK(services_->refresh(nodes_.all(), config_.gateway_name));
  const proxy::Balancer& balancer = datapath_->balancer();
  const node::HostInputs inputs{
      .config = config_,
      .peers = nodes_.peers(),
      .services = balancer.host(),
      .services_known = known_.contains(Input::kServices),
      .node_port_addresses = balancer.node().node_port_addresses,
      .node_rules = datapath_->node_rules(),
      .local_ports = node_port_local_ ? node_port_local_->translations() : node::LocalPorts()};
  const auto done = host_->apply(node::desired_host_state(inputs));
  if (!done) return Error(done.error()).within("set up the host's network", options_.node);
  for (const auto& operation : *done) logger_->info("host network: {}", node::describe(operation));
  return {};
}

void Agent::set_up_host_or_log() {
  if (const auto done = set_up_host(); !done) logger_->error("{}", done.error().to_string());
}

/// Before the controller is told that the policies are realised.
void Agent::on_node_rules() {
  for (const auto& rule : datapath_->node_rules()->unrealized)
    logger_->warn("{}: rule {} cannot be applied to a Node", rule->policy.to_string(), rule->name);
  set_up_host_or_log();
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
  inform(
      "/api/v1/services", [this](std::span<const kube::Change> changes) { take_services(changes); },
      [this] {
        known(Input::kServices);
        if (node_port_local_) node_port_local_->services_known();
      });
  if (!endpoints) return;
  inform(
      "/apis/discovery.k8s.io/v1/endpointslices",
      [this](std::span<const kube::Change> changes) { take_slices(changes); },
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
  egress_.emplace(tasks_.executor(), options_, transport_,
                  EgressAgent::Parts{*api_, *datapath_, interfaces_, logger_},
                  [this] { known(Input::kEgress); });
  ANTREA_CHECK(egress_->start());
  egress_->take_nodes(nodes_.all());
  tasks_.spawn(egress_->run());
  return {};
}

void Agent::follow_policies() {
  policies_.emplace(
      tasks_.executor(), options_,
      PolicyAgent::Parts{*api_, *datapath_, ovs_.flows(), interfaces_, metrics_, logger_},
      [this] { known(Input::kPolicies); },
      [this](const auto& groups) {
        if (egress_) egress_->take_groups(groups);
      });
  tasks_.spawn(policies_->run());
}

}  // namespace antrea::agent
