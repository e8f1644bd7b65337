#include <algorithm>
#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "antrea/api/json.h"
#include "proxy.h"

namespace antrea::antctl {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr const char* kTargets[] = {"/api/v1/services", "/api/v1/pods", "/api/v1/nodes",
                                    "/apis/discovery.k8s.io/v1/endpointslices"};

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

Result<> add_text(const std::string& text, const std::string& source, ProxyObjects& to) {
  ANTREA_TRY(const auto manifest, api::decode_manifest(text, source));
  for (const json::value& each : manifest) {
    const auto kind = kind_of(each);
    if (kind == "Service") {
      ANTREA_TRY(auto object, api::decode_service(each));
      keep(std::move(object), to.services);
    } else if (kind == "EndpointSlice") {
      ANTREA_TRY(auto object, api::decode_endpoint_slice(each));
      keep(std::move(object), to.slices);
    } else if (kind == "Pod") {
      ANTREA_TRY(auto object, api::decode_pod(each));
      keep(std::move(object), to.pods);
    } else if (kind == "Node") {
      ANTREA_TRY(auto object, api::decode_node(each));
      to.nodes.insert_or_assign(object.metadata.name, std::move(object));
    }
  }
  return {};
}

Result<> add_file(const fs::path& file, ProxyObjects& to) {
  std::ifstream stream(file);
  if (!stream) return make_error(Errc::kNotFound, "read manifest: cannot be read", file.string());
  std::stringstream text;
  text << stream.rdbuf();
  return add_text(text.str(), file.string(), to);
}

Result<> add_path(const std::string& path, const Sources& sources, ProxyObjects& to) {
  if (path == "cluster:") {
    for (const char* const target : kTargets) {
      ANTREA_TRY(const json::value answer, sources.from_api(target));
      ANTREA_CHECK(add_text(json::serialize(answer), target, to));
    }
    return {};
  }
  std::error_code ec;
  if (!fs::is_directory(path, ec)) return add_file(path, to);
  std::vector<fs::path> files;
  for (fs::recursive_directory_iterator it(path, ec), end; !ec && it != end; it.increment(ec)) {
    const auto extension = it->path().extension();
    if (extension == ".yaml" || extension == ".yml" || extension == ".json")
      files.push_back(it->path());
  }
  if (ec) return make_error(Errc::kNotFound, "read folder: " + ec.message(), path);
  std::ranges::sort(files);
  for (const auto& file : files) ANTREA_CHECK(add_file(file, to));
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

void complete(ProxyObjects& objects) {
  IpAddress next = IpAddress::v4(0xc6120001);
  for (auto& [key, pod] : objects.pods) {
    if (pod.pod_ips.empty() && !pod.host_network) pod.pod_ips = {next};
    next = next.plus(1);
  }
  IpAddress cluster_ip = IpAddress::v4(0xc6130001);
  for (auto& named : objects.services) {
    const api::ObjectKey& key = named.first;
    api::Service& service = named.second;
    const bool has_one = std::ranges::any_of(objects.slices, [&](const auto& entry) {
      return entry.first.namespace_ == key.namespace_ && entry.second.service_name == key.name;
    });
    if (!has_one && !service.selector.empty()) make_slices(service, objects);
    if (service.cluster_ips.empty() && !service.headless) service.cluster_ips = {cluster_ip};
    cluster_ip = cluster_ip.plus(1);
  }
}

}  // namespace

Result<ProxyObjects> load_proxy_objects(const std::vector<std::string>& paths,
                                        const Sources& sources) {
  ProxyObjects objects;
  for (const auto& path : paths) ANTREA_CHECK(add_path(path, sources, objects));
  complete(objects);
  return objects;
}

}  // namespace antrea::antctl
