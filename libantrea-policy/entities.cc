#include "entities.h"

#include <algorithm>
#include <utility>

#include "index_maps.h"
#include "release_memory.h"

namespace antrea::policy {
namespace {

using Ports = std::vector<api::controlplane::NamedPort>;

/// Where a Node's own traffic comes from: its addresses and those of its gateway, the first of each
/// Pod CIDR (antrea: pkg/agent/util/net.go).
std::vector<IpAddress> addresses_of(const api::Node& node) {
  constexpr std::string_view kTransportAnnotation = "node.antrea.io/transport-addresses";
  std::vector<IpAddress> ips = node.internal_ips;
  ips.insert(ips.end(), node.external_ips.begin(), node.external_ips.end());
  for (const IpPrefix& cidr : node.pod_cidrs) ips.push_back(cidr.address().plus(1));
  if (const auto found = node.metadata.annotations.find(kTransportAnnotation);
      found != node.metadata.annotations.end()) {
    for (std::string_view rest = found->second; !rest.empty();) {
      const auto comma = std::min(rest.find(','), rest.size());
      if (const auto ip = IpAddress::parse(rest.substr(0, comma))) ips.push_back(*ip);
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  sort_unique(ips);
  return ips;
}

}  // namespace

EntityState EntityReader::read(const api::Pod& pod) {
  EntityState state;
  if (!pod.node_name.empty()) state.node = pool_.acquire(pod.node_name);
  state.host_network = pod.host_network;
  state.terminated = pod.terminated();
  state.uid = pod.metadata.uid;
  state.ips.assign(pod.pod_ips.begin(), pod.pod_ips.end());
  Ports ports;
  for (const api::Container& container : pod.containers)
    for (const api::ContainerPort& port : container.ports)
      if (!port.name.empty()) ports.push_back({port.container_port, port.name, port.protocol});
  if (!ports.empty()) {
    sort_unique(ports);
    if (!last_ports_ || *last_ports_ != ports) last_ports_ = std::make_shared<const Ports>(ports);
    state.ports = last_ports_;
  }
  return state;
}

EntityState EntityReader::read(const api::crd::ExternalEntity& entity) {
  EntityState state;
  if (!entity.external_node.empty()) state.node = pool_.acquire(entity.external_node);
  state.uid = entity.metadata.uid;
  for (const auto& endpoint : entity.endpoints) state.ips.push_back(endpoint.ip);
  if (!entity.ports.empty()) {
    Ports ports = entity.ports;
    sort_unique(ports);
    state.ports = std::make_shared<const Ports>(std::move(ports));
  }
  return state;
}

EntityState EntityReader::read(const api::Node& node) {
  EntityState state;
  state.node = pool_.acquire(node.metadata.name);
  state.uid = node.metadata.uid;
  const std::vector<IpAddress> ips = addresses_of(node);
  state.ips.assign(ips.begin(), ips.end());
  return state;
}

void Entities::expect(EntityKind kind, std::size_t count) {
  expect_in(by_key(kind), count);
  pool_.expect(count);
}

EntityId Entities::at(EntityKind kind, StringId namespace_, std::string_view name_text) {
  const StringId name = pool_.acquire(name_text);
  const auto [place, is_new] = by_key(kind).try_emplace(key_of(namespace_, name));
  if (!is_new) {
    pool_.release(name);
    return place->second;
  }
  EntityId id = 0;
  if (free_.empty()) {
    id = static_cast<EntityId>(records_.size());
    records_.emplace_back();
  } else {
    id = free_.back();
    free_.pop_back();
  }
  place->second = id;
  pool_.acquire(namespace_);
  Record& record = records_[id];
  record.kind = kind;
  record.namespace_ = namespace_;
  record.name = name;
  record.is_new = true;
  new_.push_back(id);
  return id;
}

EntityId Entities::find(EntityKind kind, StringId namespace_, StringId name) const {
  const ByKey& entities = by_key_[static_cast<std::size_t>(kind)];
  const auto found = entities.find(key_of(namespace_, name));
  return found != entities.end() && exists(found->second) ? found->second : kNone;
}

void Entities::remember(EntityId entity) {
  const Record& record = records_[entity];
  if (!record.is_new) old_states_.try_emplace(entity, record.state);
}

void Entities::set_state(EntityId entity, EntityState state) {
  EntityState& kept = records_[entity].state;
  if (kept.scheduled()) nodes_left_.push_back(kept.node);
  kept = std::move(state);
}

const EntityState& Entities::old_state(EntityId entity) const {
  static const EntityState kNone;
  if (records_[entity].is_new) return kNone;
  const auto found = old_states_.find(entity);
  return found == old_states_.end() ? records_[entity].state : found->second;
}

std::vector<EntityId> Entities::touched() const {
  std::vector<EntityId> entities = new_;
  entities.reserve(new_.size() + old_states_.size());
  for (const auto& [entity, old] : old_states_) entities.push_back(entity);
  return entities;
}

void Entities::end_batch() {
  for (const EntityId entity : touched()) {
    Record& record = records_[entity];
    record.is_new = false;
    if (exists(entity)) continue;
    by_key(record.kind).erase(key_of(record.namespace_, record.name));
    if (record.state.scheduled()) pool_.release(record.state.node);
    pool_.release(record.namespace_);
    pool_.release(record.name);
    record = {};
    free_.push_back(entity);
  }
  for (const StringId node : std::exchange(nodes_left_, {})) pool_.release(node);
  release_memory(new_);
  release_memory(old_states_);
}

}  // namespace antrea::policy
