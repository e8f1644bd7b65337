#include "service_addresses.h"

#include <boost/json.hpp>

#include "antrea/api/json.h"

namespace antrea::agent {

namespace json = boost::json;

namespace {

/// What the changes of objects of one kind mean for claims.
template <typename T>
egress::SchedulerInput follow(std::span<const kube::Change> changes,
                              Result<T> (*decode)(const json::value&), const Logger& logger,
                              auto apply, auto remove) {
  egress::SchedulerInput input;
  for (const kube::Change& change : changes) {
    const auto object = decode(json::value(*change.object));
    if (!object) {
      logger->error("{}", object.error().to_string());
      continue;
    }
    auto claims = change.type == kube::Change::Type::kDeleted
                      ? remove(api::key_of(object->metadata))
                      : apply(*object);
    // One of a batch may change what another one said.
    for (const auto& name : claims.removed) {
      std::erase_if(input.services, [&](const auto& each) { return each.service == name; });
      input.removed_services.push_back(name);
    }
    for (auto& claim : claims.changed) {
      std::erase_if(input.services,
                    [&](const auto& each) { return each.service == claim.service; });
      input.services.push_back(std::move(claim));
    }
  }
  return input;
}

}  // namespace

egress::SchedulerInput ServiceAddresses::take_services(std::span<const kube::Change> changes) {
  return follow(
      changes, api::decode_service, logger_,
      [this](const api::Service& service) { return claims_.apply(service); },
      [this](const api::ObjectKey& key) { return claims_.remove_service(key); });
}

egress::SchedulerInput ServiceAddresses::take_slices(std::span<const kube::Change> changes) {
  return follow(
      changes, api::decode_endpoint_slice, logger_,
      [this](const api::EndpointSlice& slice) { return claims_.apply(slice); },
      [this](const api::ObjectKey& key) { return claims_.remove_slice(key); });
}

std::set<IpAddress> ServiceAddresses::here(const Placements& placements) const {
  std::set<IpAddress> out;
  for (const auto& [key, claim] : claims_.claims())
    for (const egress::ClaimedIp& claimed : claim.ips) {
      const auto placed = placements.find({claim.service, claimed.ip});
      if (placed != placements.end() && placed->second.owner == node_) out.insert(claimed.ip);
    }
  return out;
}

json::array ServiceAddresses::describe(const Placements& placements) const {
  json::array list;
  for (const auto& [key, claim] : claims_.claims())
    for (const egress::ClaimedIp& claimed : claim.ips) {
      const auto placed = placements.find({claim.service, claimed.ip});
      list.push_back(json::object{
          {"namespace", key.namespace_},
          {"serviceName", key.name},
          {"externalIPPool", claim.pool},
          {"externalIP", claimed.ip.to_string()},
          {"assignedNode", placed != placements.end() ? placed->second.owner : std::string()}});
    }
  return list;
}

}  // namespace antrea::agent
