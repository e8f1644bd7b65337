#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <set>

#include "antrea/api/json.h"
#include "manifest_input.h"
#include "proxy.h"

namespace antrea::antctl {
namespace {

namespace json = boost::json;

constexpr Listing kListings[] = {{"/api/v1/services", true},
                                 {"/api/v1/pods", true},
                                 {"/api/v1/nodes", true},
                                 {"/apis/discovery.k8s.io/v1/endpointslices", true}};

std::string_view kind_of(const json::value& object) {
  boost::system::error_code ec;
  const auto* const kind = object.find_pointer("/kind", ec);
  return kind != nullptr && kind->is_string() ? std::string_view(kind->get_string()) : "";
}

// Objects that name no Namespace are in "default".
template <typename T>
void keep(T object, std::map<api::ObjectKey, T>& in) {
  if (object.metadata.namespace_.empty()) object.metadata.namespace_ = "default";
  in.insert_or_assign(api::key_of(object.metadata), std::move(object));
}

Result<> add(const json::value& value, ProxyObjects& to) {
  const auto kind = kind_of(value);
  if (kind == "Service") {
    ANTREA_TRY(auto object, api::decode_service(value));
    keep(std::move(object), to.services);
  } else if (kind == "EndpointSlice") {
    ANTREA_TRY(auto object, api::decode_endpoint_slice(value));
    keep(std::move(object), to.slices);
  } else if (kind == "Pod") {
    ANTREA_TRY(auto object, api::decode_pod(value));
    keep(std::move(object), to.pods);
  } else if (kind == "Node") {
    ANTREA_TRY(auto object, api::decode_node(value));
    to.nodes.insert_or_assign(object.metadata.name, std::move(object));
  }
  return {};
}

bool selects(const api::Labels& selector, const api::Pod& pod) {
  return std::ranges::all_of(selector, [&](const auto& wanted) {
    const auto found = pod.metadata.labels.find(wanted.first);
    return found != pod.metadata.labels.end() && found->second == wanted.second;
  });
}

std::optional<std::int32_t> target_of(const api::ServicePort& port, const api::Pod& pod) {
  if (!port.target_port.is_name())
    return port.target_port.number != 0 ? port.target_port.number : port.port;
  for (const auto& container : pod.containers)
    for (const auto& declared : container.ports)
      if (declared.name == port.target_port.name && declared.protocol == port.protocol)
        return declared.container_port;
  return {};
}

// What the EndpointSlice controller would make: one slice a Pod keeps named ports simple.
void make_slices(const api::Service& service, ProxyObjects& objects) {
  for (const auto& [key, pod] : objects.pods) {
    if (key.namespace_ != service.metadata.namespace_ || pod.terminated() || pod.host_network ||
        !selects(service.selector, pod))
      continue;
    for (const auto& ip : pod.pod_ips) {
      api::EndpointSlice slice;
      slice.metadata.namespace_ = key.namespace_;
      slice.metadata.name = service.metadata.name + "-" + key.name + "-" +
                            std::string(antrea::to_string(ip.family()));
      slice.service_name = service.metadata.name;
      slice.address_type = ip.family();
      api::Endpoint& endpoint = slice.endpoints.emplace_back();
      endpoint.addresses = {ip};
      endpoint.node_name = pod.node_name;
      endpoint.target_pod = key;
      for (const auto& port : service.ports)
        if (const auto target = target_of(port, pod))
          slice.ports.push_back({port.name, port.protocol, target});
      keep(std::move(slice), objects.slices);
    }
  }
}

void say(std::string_view what, std::size_t count) {
  if (count != 0) fmt::print(stderr, "antctl proxy: {}: {}\n", what, count);
}

void complete(ProxyObjects& objects) {
  std::set<IpAddress> taken;
  for (const auto& [key, pod] : objects.pods) taken.insert(pod.pod_ips.begin(), pod.pod_ips.end());
  for (const auto& [key, service] : objects.services)
    taken.insert(service.cluster_ips.begin(), service.cluster_ips.end());
  const auto maker = [&taken](std::uint32_t first) {
    return [&taken, next = IpAddress::v4(first)]() mutable {
      while (!taken.insert(next).second) next = next.plus(1);
      return next;
    };
  };
  auto pod_address = maker(0xc6120001), cluster_ip = maker(0xc6130001);
  std::size_t pods = 0, services = 0;
  for (auto& [key, pod] : objects.pods) {
    if (!pod.pod_ips.empty() || pod.host_network) continue;
    pod.pod_ips = {pod_address()};
    ++pods;
  }
  for (auto& named : objects.services) {
    const api::ObjectKey& key = named.first;
    api::Service& service = named.second;
    const bool has_one = std::ranges::any_of(objects.slices, [&](const auto& entry) {
      return entry.first.namespace_ == key.namespace_ && entry.second.service_name == key.name;
    });
    if (!has_one && !service.selector.empty()) make_slices(service, objects);
    if (!service.cluster_ips.empty() || service.headless ||
        service.type == api::ServiceType::kExternalName)
      continue;
    service.cluster_ips = {cluster_ip()};
    ++services;
  }
  say("Pods without address, which got made-up ones", pods);
  say("Services without cluster IP, which got made-up ones", services);
}

}  // namespace

Result<ProxyObjects> load_proxy_objects(const std::vector<std::string>& paths,
                                        const Sources& sources) {
  ProxyObjects objects;
  for (const auto& path : paths)
    ANTREA_CHECK(read_manifests(path, sources, kListings,
                                [&](const json::value& value) { return add(value, objects); }));
  complete(objects);
  return objects;
}

}  // namespace antrea::antctl
