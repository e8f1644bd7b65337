#include <algorithm>

#include "antrea/api/json.h"
#include "field.h"

/// core/v1 and discovery.k8s.io/v1.
namespace antrea::api {
namespace json = boost::json;
using detail::Document;
using detail::Field;
using detail::put;

namespace {

constexpr std::int32_t kMaxPort = 65535;
constexpr std::string_view kServiceNameLabel = "kubernetes.io/service-name";

constexpr std::pair<std::string_view, ServiceType> kServiceTypes[] = {
    {"ClusterIP", ServiceType::kClusterIP},
    {"NodePort", ServiceType::kNodePort},
    {"LoadBalancer", ServiceType::kLoadBalancer},
    {"ExternalName", ServiceType::kExternalName},
};
constexpr std::pair<std::string_view, TrafficPolicy> kTrafficPolicies[] = {
    {"Cluster", TrafficPolicy::kCluster},
    {"Local", TrafficPolicy::kLocal},
};
constexpr std::pair<std::string_view, bool> kAffinities[] = {{"None", false}, {"ClientIP", true}};
constexpr std::pair<std::string_view, Family> kFamilies[] = {{"IPv4", Family::kIPv4},
                                                             {"IPv6", Family::kIPv6}};

template <typename Value, std::size_t kCount>
std::string_view name_of(const std::pair<std::string_view, Value> (&choices)[kCount], Value value) {
  const auto* found =
      std::ranges::find(choices, value, &std::pair<std::string_view, Value>::second);
  return found != std::end(choices) ? found->first : std::string_view{};
}

json::object object_of(std::string_view api_version, std::string_view kind,
                       const ObjectMeta& meta) {
  return {{"apiVersion", api_version}, {"kind", kind}, {"metadata", encode(meta)}};
}

IpAddress read_address(Field json) { return json.parsed(IpAddress::parse); }
IpPrefix read_prefix(Field json) { return json.parsed(IpPrefix::parse); }

// The plural field, or the older one beside it: podIPs and podIP, hostIPs and hostIP, podCIDRs and
// podCIDR.
template <typename Read>
auto read_plural(Field plural, Field singular, Read read) {
  auto all = plural.list(read);
  if (all.empty() && singular.present() && !singular.text().empty()) all.push_back(read(singular));
  return all;
}

std::vector<IpAddress> read_status_ips(Field plural, Field singular) {
  if (!plural.present()) return read_plural(plural, singular, read_address);
  return plural.list([](Field each) { return read_address(each["ip"]); });
}

bool read_ready(Field conditions) {
  bool ready = false;
  conditions.each([&ready](Field condition) {
    if (condition["type"].text() == "Ready") ready = condition["status"].text() == "True";
  });
  return ready;
}

void put_ready(json::object& status, bool ready) {
  if (!ready) return;
  status["conditions"] = json::array{json::object{{"type", "Ready"}, {"status", "True"}}};
}

json::array to_ip_objects(const std::vector<IpAddress>& addresses) {
  return detail::to_array(addresses, [](const IpAddress& each) {
    return json::object{{"ip", each.to_string()}};
  });
}

ContainerPort read_container_port(Field json) {
  return {json["name"].text(), json["containerPort"].int32(0, 0, kMaxPort),
          json["hostPort"].int32(0, 0, kMaxPort), detail::read_protocol(json["protocol"])};
}

Container read_container(Field json) {
  return {json["name"].text(), json["image"].text(), json["ports"].list(read_container_port)};
}

json::object to_json(const Container& container) {
  json::object object{{"name", container.name}};
  put(object, "image", container.image);
  put(object, "ports", detail::to_array(container.ports, [](const ContainerPort& port) {
        json::object each;
        put(each, "name", port.name);
        each["containerPort"] = port.container_port;
        if (port.host_port != 0) each["hostPort"] = port.host_port;
        each["protocol"] = to_string(port.protocol);
        return each;
      }));
  return object;
}

ServicePort read_service_port(Field json) {
  ServicePort port;
  port.name = json["name"].text();
  port.protocol = detail::read_protocol(json["protocol"]);
  port.port = json["port"].int32(0, 1, kMaxPort);
  const Field target = json["targetPort"];
  port.target_port = target.present() ? target.int_or_string() : IntOrString{port.port, {}};
  port.node_port = json["nodePort"].int32(0, 0, kMaxPort);
  port.app_protocol = json["appProtocol"].text();
  return port;
}

json::object to_json(const ServicePort& port) {
  json::object object;
  put(object, "name", port.name);
  object["protocol"] = to_string(port.protocol);
  object["port"] = port.port;
  object["targetPort"] = detail::to_json(port.target_port);
  if (port.node_port != 0) object["nodePort"] = port.node_port;
  put(object, "appProtocol", port.app_protocol);
  return object;
}

void read_cluster_ips(Field spec, Service& service) {
  const auto read = [&service](Field address) {
    if (address.text() == "None")
      service.headless = true;
    else if (!address.text().empty())
      service.cluster_ips.push_back(read_address(address));
  };
  if (spec["clusterIPs"].present())
    spec["clusterIPs"].each(read);
  else
    read(spec["clusterIP"]);
}

Endpoint read_endpoint(Field json) {
  Endpoint endpoint;
  endpoint.addresses = json["addresses"].list(read_address);
  const Field conditions = json["conditions"];
  endpoint.ready = conditions["ready"].boolean(true);
  endpoint.serving = conditions["serving"].boolean(endpoint.ready);
  endpoint.terminating = conditions["terminating"].boolean(false);
  endpoint.node_name = json["nodeName"].text();
  endpoint.zone = json["zone"].text();
  endpoint.hint_zones =
      json["hints"]["forZones"].list([](Field zone) { return zone["name"].text(); });
  endpoint.hint_nodes =
      json["hints"]["forNodes"].list([](Field node) { return node["name"].text(); });
  const Field target = json["targetRef"];
  if (target["kind"].text() == "Pod")
    endpoint.target_pod = ObjectKey{target["namespace"].text(), target["name"].text()};
  return endpoint;
}

json::object to_json(const Endpoint& endpoint) {
  json::object object{{"addresses", detail::to_texts(endpoint.addresses)},
                      {"conditions",
                       {{"ready", endpoint.ready},
                        {"serving", endpoint.serving},
                        {"terminating", endpoint.terminating}}}};
  put(object, "nodeName", endpoint.node_name);
  put(object, "zone", endpoint.zone);
  const auto put_hints = [&object](const char* key, const std::vector<std::string>& names) {
    if (names.empty()) return;
    auto& hints = object["hints"];
    if (!hints.is_object()) hints = json::object();
    hints.as_object()[key] = detail::to_array(names, [](const std::string& name) {
      return json::object{{"name", name}};
    });
  };
  put_hints("forZones", endpoint.hint_zones);
  put_hints("forNodes", endpoint.hint_nodes);
  if (endpoint.target_pod)
    object["targetRef"] = {{"kind", "Pod"},
                           {"namespace", endpoint.target_pod->namespace_},
                           {"name", endpoint.target_pod->name}};
  return object;
}

}  // namespace

Result<Namespace> decode_namespace(const json::value& json) {
  Document document(json);
  const Field root(document);
  Namespace object{detail::read_object_meta(root["metadata"]), root["status"]["phase"].text()};
  return std::move(document).finish(std::move(object), "Namespace");
}

Result<Node> decode_node(const json::value& json) {
  Document document(json);
  const Field root(document), spec = root["spec"], status = root["status"];
  Node node;
  node.metadata = detail::read_object_meta(root["metadata"]);
  node.pod_cidrs = read_plural(spec["podCIDRs"], spec["podCIDR"], read_prefix);
  node.unschedulable = spec["unschedulable"].boolean();
  node.taints = spec["taints"].list([](Field taint) {
    return Taint{taint["key"].text(), taint["value"].text(), taint["effect"].text()};
  });
  status["addresses"].each([&node](Field address) {
    const std::string type = address["type"].text();
    if (type == "InternalIP") node.internal_ips.push_back(read_address(address["address"]));
    if (type == "ExternalIP") node.external_ips.push_back(read_address(address["address"]));
  });
  node.ready = read_ready(status["conditions"]);
  return std::move(document).finish(std::move(node), "Node");
}

Result<Pod> decode_pod(const json::value& json) {
  Document document(json);
  const Field root(document), spec = root["spec"], status = root["status"];
  Pod pod;
  pod.metadata = detail::read_object_meta(root["metadata"]);
  pod.node_name = spec["nodeName"].text();
  pod.service_account_name = spec["serviceAccountName"].text();
  pod.host_network = spec["hostNetwork"].boolean();
  pod.containers = spec["containers"].list(read_container);
  pod.hostname = spec["hostname"].text();
  pod.subdomain = spec["subdomain"].text();
  pod.phase = status["phase"].text();
  pod.pod_ips = read_status_ips(status["podIPs"], status["podIP"]);
  pod.host_ips = read_status_ips(status["hostIPs"], status["hostIP"]);
  pod.ready = read_ready(status["conditions"]);
  return std::move(document).finish(std::move(pod), "Pod");
}

Result<Service> decode_service(const json::value& json) {
  Document document(json);
  const Field root(document), spec = root["spec"];
  Service service;
  service.metadata = detail::read_object_meta(root["metadata"]);
  service.type = spec["type"].choice(kServiceTypes, ServiceType::kClusterIP);
  service.selector = spec["selector"].labels();
  service.ports = spec["ports"].list(read_service_port);
  read_cluster_ips(spec, service);
  service.ip_families =
      spec["ipFamilies"].list([](Field family) { return family.choice(kFamilies, Family::kIPv4); });
  service.external_ips = spec["externalIPs"].list(read_address);
  root["status"]["loadBalancer"]["ingress"].each([&service](Field ingress) {
    if (!ingress["ip"].text().empty() && ingress["ipMode"].text("VIP") == "VIP")
      service.load_balancer_ips.push_back(read_address(ingress["ip"]));
  });
  service.load_balancer_ip = spec["loadBalancerIP"].text();
  service.load_balancer_source_ranges = spec["loadBalancerSourceRanges"].list(read_prefix);
  service.internal_traffic_policy =
      spec["internalTrafficPolicy"].choice(kTrafficPolicies, TrafficPolicy::kCluster);
  service.external_traffic_policy =
      spec["externalTrafficPolicy"].choice(kTrafficPolicies, TrafficPolicy::kCluster);
  service.session_affinity_client_ip = spec["sessionAffinity"].choice(kAffinities, false);
  service.session_affinity_timeout_seconds =
      spec["sessionAffinityConfig"]["clientIP"]["timeoutSeconds"].int32(
          service.session_affinity_timeout_seconds, 1, 86400);
  service.publish_not_ready_addresses = spec["publishNotReadyAddresses"].boolean();
  service.health_check_node_port = spec["healthCheckNodePort"].int32(0, 0, kMaxPort);
  service.traffic_distribution = spec["trafficDistribution"].text();
  return std::move(document).finish(std::move(service), "Service");
}

Result<EndpointSlice> decode_endpoint_slice(const json::value& json) {
  Document document(json);
  const Field root(document);
  EndpointSlice slice;
  slice.metadata = detail::read_object_meta(root["metadata"]);
  const auto label = slice.metadata.labels.find(kServiceNameLabel);
  if (label != slice.metadata.labels.end()) slice.service_name = label->second;
  // A slice of type FQDN has no addresses that a data plane could use.
  if (root["addressType"].text() != "FQDN") {
    slice.address_type = root["addressType"].choice(kFamilies, Family::kIPv4);
    slice.endpoints = root["endpoints"].list(read_endpoint);
  }
  slice.ports = root["ports"].list([](Field port) {
    return EndpointPort{
        port["name"].text(), detail::read_protocol(port["protocol"]),
        port["port"].optional([](Field number) { return number.int32(0, 1, kMaxPort); })};
  });
  return std::move(document).finish(std::move(slice), "EndpointSlice");
}

json::value encode(const Namespace& object) {
  json::object root = object_of("v1", "Namespace", object.metadata);
  if (!object.phase.empty()) root["status"] = {{"phase", object.phase}};
  return root;
}

json::value encode(const Node& node) {
  json::object spec, status;
  if (!node.pod_cidrs.empty()) spec["podCIDR"] = node.pod_cidrs.front().to_string();
  put(spec, "podCIDRs", detail::to_texts(node.pod_cidrs));
  if (node.unschedulable) spec["unschedulable"] = true;
  put(spec, "taints", detail::to_array(node.taints, [](const Taint& taint) {
        json::object each{{"key", taint.key}};
        put(each, "value", taint.value);
        put(each, "effect", taint.effect);
        return each;
      }));
  json::array addresses;
  const auto add = [&addresses](std::string_view type, const std::vector<IpAddress>& ips) {
    for (const auto& ip : ips)
      addresses.push_back(json::object{{"type", type}, {"address", ip.to_string()}});
  };
  add("InternalIP", node.internal_ips);
  add("ExternalIP", node.external_ips);
  put(status, "addresses", std::move(addresses));
  put_ready(status, node.ready);
  json::object root = object_of("v1", "Node", node.metadata);
  put(root, "spec", std::move(spec));
  put(root, "status", std::move(status));
  return root;
}

json::value encode(const Pod& pod) {
  json::object spec, status;
  put(spec, "nodeName", pod.node_name);
  put(spec, "serviceAccountName", pod.service_account_name);
  if (pod.host_network) spec["hostNetwork"] = true;
  put(spec, "hostname", pod.hostname);
  put(spec, "subdomain", pod.subdomain);
  put(spec, "containers",
      detail::to_array(pod.containers, [](const Container& each) { return to_json(each); }));
  put(status, "phase", pod.phase);
  put_ready(status, pod.ready);
  if (!pod.host_ips.empty()) status["hostIP"] = pod.host_ips.front().to_string();
  put(status, "hostIPs", to_ip_objects(pod.host_ips));
  if (!pod.pod_ips.empty()) status["podIP"] = pod.pod_ips.front().to_string();
  put(status, "podIPs", to_ip_objects(pod.pod_ips));
  json::object root = object_of("v1", "Pod", pod.metadata);
  put(root, "spec", std::move(spec));
  put(root, "status", std::move(status));
  return root;
}

json::value encode(const Service& service) {
  json::object spec{{"type", name_of(kServiceTypes, service.type)}};
  put(spec, "selector", detail::to_json(service.selector));
  put(spec, "ports",
      detail::to_array(service.ports, [](const ServicePort& each) { return to_json(each); }));
  if (service.headless) {
    spec["clusterIP"] = "None";
    spec["clusterIPs"] = json::array{json::string("None")};
  } else if (!service.cluster_ips.empty()) {
    spec["clusterIP"] = service.cluster_ips.front().to_string();
    spec["clusterIPs"] = detail::to_texts(service.cluster_ips);
  }
  put(spec, "ipFamilies", detail::to_array(service.ip_families, [](Family family) {
        return json::string(to_string(family));
      }));
  put(spec, "externalIPs", detail::to_texts(service.external_ips));
  put(spec, "loadBalancerIP", service.load_balancer_ip);
  put(spec, "loadBalancerSourceRanges", detail::to_texts(service.load_balancer_source_ranges));
  spec["internalTrafficPolicy"] = name_of(kTrafficPolicies, service.internal_traffic_policy);
  if (service.external_traffic_policy != TrafficPolicy::kCluster ||
      service.type == ServiceType::kNodePort || service.type == ServiceType::kLoadBalancer)
    spec["externalTrafficPolicy"] = name_of(kTrafficPolicies, service.external_traffic_policy);
  spec["sessionAffinity"] = name_of(kAffinities, service.session_affinity_client_ip);
  if (service.session_affinity_client_ip)
    spec["sessionAffinityConfig"] = {
        {"clientIP", {{"timeoutSeconds", service.session_affinity_timeout_seconds}}}};
  if (service.publish_not_ready_addresses) spec["publishNotReadyAddresses"] = true;
  if (service.health_check_node_port != 0)
    spec["healthCheckNodePort"] = service.health_check_node_port;
  put(spec, "trafficDistribution", service.traffic_distribution);
  json::object root = object_of("v1", "Service", service.metadata);
  root["spec"] = std::move(spec);
  if (!service.load_balancer_ips.empty())
    root["status"] = {{"loadBalancer", {{"ingress", to_ip_objects(service.load_balancer_ips)}}}};
  return root;
}

json::value encode(const EndpointSlice& slice) {
  ObjectMeta meta = slice.metadata;
  if (!slice.service_name.empty()) meta.labels[std::string(kServiceNameLabel)] = slice.service_name;
  json::object root = object_of("discovery.k8s.io/v1", "EndpointSlice", meta);
  root["addressType"] = to_string(slice.address_type);
  root["endpoints"] =
      detail::to_array(slice.endpoints, [](const Endpoint& each) { return to_json(each); });
  put(root, "ports", detail::to_array(slice.ports, [](const EndpointPort& port) {
        json::object each{{"name", port.name}, {"protocol", to_string(port.protocol)}};
        if (port.port) each["port"] = *port.port;
        return each;
      }));
  return root;
}

}  // namespace antrea::api
