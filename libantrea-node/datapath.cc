#include "antrea/node/datapath.h"

#include <algorithm>
#include <utility>

#include "antrea/base/sorted.h"

namespace antrea::node {

namespace asio = boost::asio;
using asio::awaitable;

Datapath::Datapath(asio::any_io_executor executor, NodeConfig config,
                   proxy::BalancerConfig balancer, openflow::Switch& the_switch,
                   ovsdb::VSwitch& vswitch, const InterfaceStore& interfaces,
                   DatapathOptions options)
    : options_(std::move(options)),
      switch_(the_switch),
      vswitch_(vswitch),
      interfaces_(interfaces),
      pipeline_(config),
      egress_(std::move(config), options_.meters),
      balancer_(std::move(balancer)),
      flow_compiler_(options_.policies),
      evaluated_changed_(std::move(executor)) {
  program(pipeline_.start());
  if (pipeline_.config().egress) program(egress_.start());
  if (pipeline_.config().proxy) program(balancer_.start());
}

void Datapath::program(openflow::Changes changes) {
  if (changes.empty()) return;
  if (const auto prepared = switch_.prepare(changes); !prepared)
    options_.logger->error("program the switch: {}", prepared.error().to_string());
}

openflow::Changes Datapath::policy_changes(const policy::RuleInput& input) {
  // Only patches can fail, and an interface is none.
  const auto rules = rule_cache_.apply(input);
  return rules ? flow_compiler_.apply(*rules) : openflow::Changes();
}

openflow::Changes Datapath::add_changes(const Interface& interface) {
  openflow::Changes changes =
      pipeline_.add_pod({interface.name, interface.ofport, interface.mac, interface.ips});
  changes.append(
      policy_changes(policy::PodInterface{interface.pod, interface.ofport, interface.ips}));
  return changes;
}

openflow::Changes Datapath::remove_changes(const Interface& interface) {
  openflow::Changes changes = pipeline_.remove_pod(interface.name);
  // While a Pod's sandbox is replaced it has two interfaces for a while; the other one stays
  // selected.
  for (const Interface* const other : interfaces_.find_by_pod(interface.pod)) {
    if (other->name == interface.name) continue;
    changes.append(policy_changes(policy::PodInterface{other->pod, other->ofport, other->ips}));
    return changes;
  }
  changes.append(policy_changes(policy::InterfaceDeleted{interface.pod}));
  return changes;
}

void Datapath::restore() {
  openflow::Changes changes;
  for (const Interface* const interface : interfaces_.all(InterfaceType::kContainer))
    if (interface->ofport != 0) changes.append(add_changes(*interface));
  program(std::move(changes));
}

void Datapath::apply(const PeerChanges& peers) {
  openflow::Changes changes;
  for (const auto& name : peers.removed) changes.append(pipeline_.remove_peer(name));
  for (const PeerNode& peer : peers.updated) changes.append(pipeline_.add_peer(peer));
  program(std::move(changes));
}

void Datapath::apply(const EgressPaths& paths) { program(egress_.apply(paths)); }

openflow::Changes Datapath::service_changes(std::span<const api::ObjectKey> services) {
  std::vector<policy::RuleInput> batch;
  for (const api::ObjectKey& key : services) {
    policy::ServiceGroups said{{key.namespace_, key.name}, {}};
    for (const proxy::ServedFrontend& served : balancer_.served(key)) {
      said.groups.push_back(served.group.value);
      if (served.local_clients_group) said.groups.push_back(served.local_clients_group->value);
    }
    sort_unique(said.groups);
    batch.emplace_back(std::move(said));
  }
  const auto rules = rule_cache_.apply(batch);  // only patches can fail
  return rules ? flow_compiler_.apply(*rules) : openflow::Changes();
}

void Datapath::take(proxy::Outcome outcome, std::span<const api::ObjectKey> services) {
  outcome.pipeline.append(service_changes(services));
  program(std::move(outcome.pipeline));
  if (!outcome.stale.empty() && options_.on_stale_connections)
    options_.on_stale_connections(std::move(outcome.stale));
  if (outcome.host && options_.on_host_services) options_.on_host_services();
}

void Datapath::apply(const proxy::ServiceChanges& changes) {
  std::vector<api::ObjectKey> services = changes.removed_services;
  for (const api::Service& service : changes.services)
    services.push_back(api::key_of(service.metadata));
  take(balancer_.apply(changes), services);
}

void Datapath::set_node(proxy::NodeFacts facts) {
  auto outcome = balancer_.set_node(std::move(facts));
  if (outcome.empty()) return;  // mostly: Nodes are looked at from time to time
  take(std::move(outcome), balancer_.services());
}

Result<> Datapath::apply(std::span<const policy::RuleInput> batch) {
  ANTREA_TRY(const auto rules, rule_cache_.apply(batch));
  program(flow_compiler_.apply(rules));
  take_node_rules();
  return {};
}

void Datapath::take_node_rules() {
  const auto rules = rule_cache_.take_node_rules();
  if (!rules) return;
  policy::NodeRules compiled = policy::compile_node_rules(*rules);
  if (node_rules_ == compiled) return;
  node_rules_ = std::move(compiled);
  if (options_.on_node_rules) options_.on_node_rules();
}

awaitable<Result<>> Datapath::commit(std::span<const policy::RuleInput> batch) {
  const auto rules = rule_cache_.apply(batch);
  openflow::Changes changes;
  if (rules)
    changes = flow_compiler_.apply(*rules);
  else
    options_.logger->error("{}", rules.error().to_string());
  return switch_.commit(std::move(changes));
}

void Datapath::set_evaluated(
    const std::optional<std::vector<api::controlplane::EvaluatedPod>>& pods) {
  evaluation_known_ = true;
  evaluated_.reset();
  if (pods) {
    evaluated_.emplace();
    for (const auto& each : *pods) evaluated_->insert(each.pod);
  }
  evaluated_changed_.notify();
}

void Datapath::begin() { switch_.sync(); }

awaitable<Result<>> Datapath::wait_evaluated(api::ObjectKey pod) {
  const TimePoint deadline = std::chrono::steady_clock::now() + options_.evaluation_timeout;
  while (!evaluated_ || !evaluated_->contains(pod)) {
    if (co_await evaluated_changed_.wait_until(deadline)) continue;
    if (evaluation_known_ && !evaluated_) {
      ++unevaluated_pods_;
      options_.logger->warn("Pod {}: let in without the controller's word on its policies",
                            pod.to_string());
      break;
    }
    co_return make_error(Errc::kUnavailable,
                         "wait for the Pod's policies: the controller has not evaluated it",
                         pod.to_string(), "is antrea-controller running?");
  }
  co_return Result<>();
}

awaitable<Result<std::uint32_t>> Datapath::attach(Interface interface) {
  ovsdb::PortSpec spec;
  spec.name = interface.name;
  for (const auto& [key, value] : external_ids_of(interface)) spec.external_ids[key] = value;
  ANTREA_CO_TRY(const ovsdb::Port port, co_await vswitch_.add_port(options_.bridge, spec));
  interface.ofport = static_cast<std::uint32_t>(port.ofport.value_or(0));

  auto done = co_await wait_evaluated(interface.pod);
  if (done) {
    if (options_.on_attach) options_.on_attach(interface);
    openflow::Changes changes = add_changes(interface);
    done = co_await switch_.commit(std::move(changes));
    if (!done) {
      if (options_.on_detach) options_.on_detach(interface);
      program(remove_changes(interface));
    }
  }
  if (!done) {
    const auto removed = co_await vswitch_.del_port(options_.bridge, interface.name);
    if (!removed) options_.logger->error("{}: {}", interface.name, removed.error().to_string());
    co_return std::move(done).error();
  }
  co_return interface.ofport;
}

awaitable<Result<>> Datapath::detach(Interface interface) {
  if (options_.on_detach) options_.on_detach(interface);
  openflow::Changes changes = remove_changes(interface);
  if (!changes.empty()) ANTREA_CO_CHECK(co_await switch_.commit(std::move(changes)));
  co_return co_await vswitch_.del_port(options_.bridge, interface.name);
}

}  // namespace antrea::node
