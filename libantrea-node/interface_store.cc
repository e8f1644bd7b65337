#include "antrea/node/interface_store.h"

#include <algorithm>
#include <array>
#include <utility>

namespace antrea::node {
namespace {

constexpr std::array kTypeNames{
    std::pair{InterfaceType::kContainer, std::string_view("container")},
    std::pair{InterfaceType::kGateway, std::string_view("gateway")},
    std::pair{InterfaceType::kTunnel, std::string_view("tunnel")},
    std::pair{InterfaceType::kUplink, std::string_view("uplink")},
    std::pair{InterfaceType::kHost, std::string_view("host")},
};

constexpr const char* kType = "antrea-type";
constexpr const char* kMac = "attached-mac";
constexpr const char* kIps = "ip-address";
constexpr const char* kContainerId = "container-id";
constexpr const char* kPodName = "pod-name";
constexpr const char* kPodNamespace = "pod-namespace";
constexpr const char* kIfDev = "if-dev";
constexpr const char* kNetNs = "net-ns";

std::string container_key(std::string_view container_id, std::string_view if_dev) {
  return "c/" + std::string(container_id) + "/" + std::string(if_dev);
}

template <typename Map, typename Key, typename Name>
void drop(Map& map, const Key& key, const Name& name) {
  const auto found = map.find(key);
  if (found == map.end()) return;
  found->second.erase(name);
  if (found->second.empty()) map.erase(found);
}

}  // namespace

std::string_view to_string(InterfaceType type) {
  for (const auto& [value, name] : kTypeNames)
    if (value == type) return name;
  return "unknown";
}

ExternalIds external_ids_of(const Interface& interface) {
  ExternalIds ids{{kType, std::string(to_string(interface.type))}};
  if (interface.type != InterfaceType::kContainer) return ids;
  ids[kMac] = interface.mac.to_string();
  std::string ips;
  for (const auto& ip : interface.ips) ips += (ips.empty() ? "" : ",") + ip.to_string();
  ids[kIps] = ips;
  ids[kContainerId] = interface.container_id;
  ids[kPodName] = interface.pod.name;
  ids[kPodNamespace] = interface.pod.namespace_;
  if (interface.if_dev != "eth0") ids[kIfDev] = interface.if_dev;
  if (!interface.net_ns.empty()) ids[kNetNs] = interface.net_ns;
  return ids;
}

Result<Interface> interface_from(std::string name, std::uint32_t ofport,
                                 const ExternalIds& external_ids) {
  const auto value = [&](const char* key) -> std::string {
    const auto found = external_ids.find(key);
    return found == external_ids.end() ? std::string() : found->second;
  };
  Interface interface;
  interface.ofport = ofport;
  const auto type = value(kType);
  if (type.empty())
    return make_error(Errc::kNotFound, "read external_ids: no antrea-type, so not a port of Antrea",
                      name);
  const auto known = std::ranges::find(kTypeNames, std::string_view(type),
                                       &decltype(kTypeNames)::value_type::second);
  if (known == kTypeNames.end())
    return make_error(Errc::kUnsupported,
                      "read external_ids: antrea-type " + type + " is not known", name);
  interface.type = known->first;
  if (interface.type == InterfaceType::kContainer) {
    auto mac = MacAddress::parse(value(kMac));
    if (!mac) return std::move(mac).error().within("read attached-mac", name);
    interface.mac = *mac;
    const auto ips = value(kIps);
    for (std::size_t start = 0; start < ips.size();) {
      const auto end = std::min(ips.find(',', start), ips.size());
      auto ip = IpAddress::parse(ips.substr(start, end - start));
      if (!ip) return std::move(ip).error().within("read ip-address", name);
      interface.ips.push_back(*ip);
      start = end + 1;
    }
    interface.container_id = value(kContainerId);
    interface.pod = {value(kPodNamespace), value(kPodName)};
    if (const auto dev = value(kIfDev); !dev.empty()) interface.if_dev = dev;
    interface.net_ns = value(kNetNs);
  }
  interface.name = std::move(name);
  return interface;
}

void InterfaceStore::add(Interface interface) {
  remove(interface.name);
  auto name = interface.name;
  index(by_name_.insert_or_assign(std::move(name), std::move(interface)).first->second);
}

bool InterfaceStore::remove(std::string_view name) {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return false;
  unindex(found->second);
  by_name_.erase(found);
  return true;
}

void InterfaceStore::clear() { *this = {}; }

void InterfaceStore::index(const Interface& interface) {
  if (interface.ofport != 0) by_ofport_[interface.ofport].insert(interface.name);
  if (interface.type != InterfaceType::kContainer) return;
  by_container_[container_key(interface.container_id, interface.if_dev)] = interface.name;
  for (const auto& ip : interface.ips) by_ip_[ip].insert(interface.name);
  by_pod_[interface.pod].insert(interface.name);
}

void InterfaceStore::unindex(const Interface& interface) {
  drop(by_ofport_, interface.ofport, interface.name);
  if (interface.type != InterfaceType::kContainer) return;
  const auto container =
      by_container_.find(container_key(interface.container_id, interface.if_dev));
  if (container != by_container_.end() && container->second == interface.name)
    by_container_.erase(container);
  for (const auto& ip : interface.ips) drop(by_ip_, ip, interface.name);
  drop(by_pod_, interface.pod, interface.name);
}

const Interface* InterfaceStore::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &found->second;
}

const Interface* InterfaceStore::find_container(std::string_view container_id,
                                                std::string_view if_dev) const {
  const auto found = by_container_.find(container_key(container_id, if_dev));
  return found == by_container_.end() ? nullptr : find(found->second);
}

const Interface* InterfaceStore::find_by_ofport(std::uint32_t ofport) const {
  const auto found = by_ofport_.find(ofport);
  return found == by_ofport_.end() ? nullptr : find(*found->second.begin());
}

const Interface* InterfaceStore::find_by_ip(const IpAddress& ip) const {
  const auto found = by_ip_.find(ip);
  return found == by_ip_.end() ? nullptr : find(*found->second.begin());
}

std::vector<const Interface*> InterfaceStore::find_by_pod(const api::ObjectKey& pod) const {
  std::vector<const Interface*> result;
  if (const auto found = by_pod_.find(pod); found != by_pod_.end())
    for (const auto& name : found->second) result.push_back(find(name));
  return result;
}

std::vector<const Interface*> InterfaceStore::all(InterfaceType type) const {
  std::vector<const Interface*> result;
  for (const auto& [name, interface] : by_name_)
    if (interface.type == type) result.push_back(&interface);
  return result;
}

}  // namespace antrea::node
