#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <tuple>

#include "../schema/json.h"
#include "antrea/base/hash.h"
#include "antrea/kube/standalone.h"

namespace antrea::kube {
namespace {

using boost::json::array;
using boost::json::object;

constexpr const char* kServiceName = "kubernetes.io/service-name";
constexpr const char* kManagedBy = "endpointslice.kubernetes.io/managed-by";
constexpr const char* kManager = "endpointslice-controller.k8s.io";
constexpr const char* kHeadless = "service.kubernetes.io/headless";
constexpr const char* kZone = "topology.kubernetes.io/zone";
constexpr std::size_t kMaxEndpoints = 100, kMaxNameLength = 253;

using Labels = std::map<std::string, std::string>;

std::string key_of(const object& object) {
  return fmt::format("{}/{}", text_at(object, "metadata.namespace"),
                     text_at(object, "metadata.name"));
}

Labels labels_at(const object& from, std::string_view path) {
  Labels labels;
  if (const auto* map = object_at(from, path)) {
    for (const auto& [key, value] : *map)
      if (value.is_string()) labels.emplace(key, value.get_string());
  }
  return labels;
}

bool selects(const Labels& selector, const Labels& labels) {
  return std::ranges::all_of(selector, [&](const auto& term) {
    const auto at = labels.find(term.first);
    return at != labels.end() && at->second == term.second;
  });
}

struct Pod {
  std::string name, uid, node, hostname, subdomain;
  Labels labels;
  std::vector<IpAddress> ips;
  std::map<std::pair<std::string, std::string>, std::int64_t> named_ports;  // by name and protocol
  bool ready = false, terminating = false, ended = false;

  friend bool operator==(const Pod&, const Pod&) = default;
};

Pod read_pod(const object& from) {
  Pod pod;
  pod.name = text_at(from, "metadata.name");
  pod.uid = text_at(from, "metadata.uid");
  pod.node = text_at(from, "spec.nodeName");
  pod.hostname = text_at(from, "spec.hostname");
  pod.subdomain = text_at(from, "spec.subdomain");
  pod.labels = labels_at(from, "metadata.labels");
  pod.terminating = !text_at(from, "metadata.deletionTimestamp").empty();
  const auto phase = text_at(from, "status.phase");
  pod.ended = phase == "Succeeded" || phase == "Failed";
  for_each_object(from, "status.conditions", [&](const object& condition) {
    if (text_at(condition, "type") == "Ready") pod.ready = text_at(condition, "status") == "True";
  });
  const auto add_ip = [&](std::string_view text) {
    if (const auto ip = IpAddress::parse(text);
        ip && std::ranges::find(pod.ips, *ip) == pod.ips.end())
      pod.ips.push_back(*ip);
  };
  add_ip(text_at(from, "status.podIP"));
  for_each_object(from, "status.podIPs",
                  [&](const object& entry) { add_ip(text_at(entry, "ip")); });
  for_each_object(from, "spec.containers", [&](const object& container) {
    for_each_object(container, "ports", [&](const object& port) {
      const auto protocol = text_at(port, "protocol");
      pod.named_ports.emplace(std::pair(std::string(text_at(port, "name")),
                                        std::string(protocol.empty() ? "TCP" : protocol)),
                              integer_at(port, "containerPort"));
    });
  });
  return pod;
}

struct ServicePort {
  std::string name, protocol, app_protocol, target_name;
  std::int64_t target = 0;

  friend bool operator==(const ServicePort&, const ServicePort&) = default;
};

struct Service {
  std::string name, namespace_, uid;
  Labels labels, selector;
  std::vector<Family> families;
  std::vector<ServicePort> ports;
  bool headless = false, publish_not_ready = false;
  bool same_zone = false, same_node = false;  // endpoints that clients prefer

  friend bool operator==(const Service&, const Service&) = default;
};

/// None if the Service has no endpoints of ours: without selector, or only a name for something
/// else.
std::optional<Service> read_service(const object& from) {
  Service service;
  service.selector = labels_at(from, "spec.selector");
  if (service.selector.empty() || text_at(from, "spec.type") == "ExternalName") return {};
  service.name = text_at(from, "metadata.name");
  service.namespace_ = text_at(from, "metadata.namespace");
  service.uid = text_at(from, "metadata.uid");
  service.labels = labels_at(from, "metadata.labels");
  service.headless = text_at(from, "spec.clusterIP") == "None";
  service.publish_not_ready = flag_at(from, "spec.publishNotReadyAddresses");
  const auto distribution = text_at(from, "spec.trafficDistribution");
  service.same_node = distribution == "PreferSameNode";
  service.same_zone =
      service.same_node || distribution == "PreferSameZone" || distribution == "PreferClose";
  if (const auto* families = array_at(from, "spec.ipFamilies")) {
    for (const auto& family : *families)
      if (family.is_string())
        service.families.push_back(family.get_string() == "IPv6" ? Family::kIPv6 : Family::kIPv4);
  }
  if (service.families.empty()) service.families.push_back(Family::kIPv4);
  for_each_object(from, "spec.ports", [&](const object& port) {
    ServicePort entry;
    entry.name = text_at(port, "name");
    entry.protocol = text_at(port, "protocol");
    if (entry.protocol.empty()) entry.protocol = "TCP";
    entry.app_protocol = text_at(port, "appProtocol");
    const auto* target = value_at(port, "targetPort");
    if (target != nullptr && target->is_string())
      entry.target_name = target->get_string();
    else
      entry.target = target != nullptr ? integer_of(*target) : integer_at(port, "port");
    service.ports.push_back(std::move(entry));
  });
  return service;
}

/// A port as it is on one Pod.
struct Port {
  std::string name, protocol, app_protocol;
  std::int64_t number = 0;

  friend auto operator<=>(const Port&, const Port&) = default;
};

std::vector<Port> ports_of(const Service& service, const Pod& pod) {
  std::vector<Port> ports;
  for (const auto& port : service.ports) {
    auto number = port.target;
    if (!port.target_name.empty()) {
      const auto named = pod.named_ports.find({port.target_name, port.protocol});
      if (named == pod.named_ports.end()) continue;
      number = named->second;
    }
    ports.push_back({port.name, port.protocol, port.app_protocol, number});
  }
  std::ranges::sort(ports);
  return ports;
}

array write_ports(const std::vector<Port>& ports) {
  array list;
  for (const auto& port : ports) {
    object entry{{"name", port.name}, {"protocol", port.protocol}, {"port", port.number}};
    if (!port.app_protocol.empty()) entry["appProtocol"] = port.app_protocol;
    list.push_back(std::move(entry));
  }
  return list;
}

object pod_reference(const Service& service, const Pod& pod) {
  return {{"kind", "Pod"}, {"namespace", service.namespace_}, {"name", pod.name}, {"uid", pod.uid}};
}

object owner_reference(const Service& service) {
  return {{"apiVersion", "v1"}, {"kind", "Service"},  {"name", service.name},
          {"uid", service.uid}, {"controller", true}, {"blockOwnerDeletion", true}};
}

object to_json(const Labels& labels) {
  object out;
  for (const auto& [key, value] : labels) out[key] = value;
  return out;
}

/// Whether it goes with a Service: what somebody else made does not.
bool is_owned(const object& from) {
  bool owned = false;
  for_each_object(from, "metadata.ownerReferences",
                  [&](const object& owner) { owned |= text_at(owner, "kind") == "Service"; });
  return owned;
}

/// The parts of a stored object that are ours to keep, in a form that compares.
object comparable(const object& from) {
  object out;
  for (const auto* key : {"addressType", "endpoints", "ports", "subsets"}) {
    const auto* value = value_at(from, key);
    const auto* list = value == nullptr ? nullptr : value->if_array();
    if (value != nullptr && (list == nullptr || !list->empty())) out[key] = *value;
  }
  out["labels"] = to_json(labels_at(from, "metadata.labels"));
  out["owned"] = is_owned(from);
  return out;
}

}  // namespace

struct EndpointSliceEngine::State {
  using Key = std::tuple<std::string, std::string, std::string>;  // kind, namespace, name

  std::map<std::string, Service> services;                 // by "namespace/name"
  std::map<std::string, std::map<std::string, Pod>> pods;  // by namespace, then name
  std::map<std::string, std::string> zones;                // by Node
  struct Stored {
    std::string service;
    object content;  // comparable()
  };
  std::map<Key, Stored> stored;
  std::map<std::string, std::set<Key>> stored_of;  // by Service
  std::map<Key, std::optional<object>> asked;      // not yet observed; none: a deletion
  std::set<std::string> dirty;                     // Services

  void observe_service(const object& from, bool deleted) {
    const auto key = key_of(from);
    auto service = deleted ? std::nullopt : read_service(from);
    const auto known = services.find(key);
    if (service ? known != services.end() && known->second == *service : known == services.end()) {
      if (deleted) dirty.insert(key);
      return;
    }
    if (service)
      services.insert_or_assign(key, *std::move(service));
    else
      services.erase(known);
    dirty.insert(key);
  }

  void observe_pod(const object& from, bool deleted) {
    const std::string space(text_at(from, "metadata.namespace"));
    auto& known = pods[space];
    auto pod = read_pod(from);
    const auto at = known.find(pod.name);
    if (deleted ? at == known.end() : at != known.end() && at->second == pod) return;
    const Labels before = at == known.end() ? Labels{} : at->second.labels;
    for (auto it = services.lower_bound(space + "/");
         it != services.end() && it->second.namespace_ == space; ++it) {
      const auto& selector = it->second.selector;
      if (selects(selector, before) || selects(selector, pod.labels)) dirty.insert(it->first);
    }
    if (deleted)
      known.erase(at);
    else
      known.insert_or_assign(pod.name, std::move(pod));
  }

  void observe_node(const object& from, bool deleted) {
    const std::string name(text_at(from, "metadata.name"));
    std::string zone;
    if (!deleted) {
      const auto labels = labels_at(from, "metadata.labels");
      if (const auto at = labels.find(kZone); at != labels.end()) zone = at->second;
    }
    const auto at = zones.find(name);
    if ((at == zones.end() ? "" : at->second) == zone) return;
    zones[name] = zone;
    for (const auto& [key, service] : services) dirty.insert(key);
  }

  void observe_stored(std::string_view kind, const object& from, bool deleted) {
    const auto labels = labels_at(from, "metadata.labels");
    const std::string space(text_at(from, "metadata.namespace")),
        name(text_at(from, "metadata.name"));
    auto service = fmt::format("{}/{}", space, name);
    if (kind == "EndpointSlice") {
      const auto manager = labels.find(kManagedBy), owner = labels.find(kServiceName);
      const bool ours =
          manager != labels.end() && manager->second == kManager && owner != labels.end();
      // A slice of which somebody took our labels away is forgotten, and made again under its name.
      if (!ours && !stored.contains({std::string(kind), space, name})) return;
      if (ours)
        service = fmt::format("{}/{}", space, owner->second);
      else
        deleted = true;
    }
    const Key key{kind, space, name};
    asked.erase(key);
    if (const auto at = stored.find(key); at != stored.end()) {
      stored_of[at->second.service].erase(key);
      dirty.insert(at->second.service);
      stored.erase(at);
    }
    if (!deleted) {
      stored_of[service].insert(key);
      stored.insert_or_assign(key, Stored{service, comparable(from)});
    }
    dirty.insert(service);
  }

  /// All slices and the Endpoints that the Service should have.
  std::map<Key, object> wanted(const Service& service) const {
    std::vector<const Pod*> backends;
    if (const auto known = pods.find(service.namespace_); known != pods.end()) {
      for (const auto& [name, pod] : known->second)
        if (!pod.ended && !pod.ips.empty() && selects(service.selector, pod.labels))
          backends.push_back(&pod);
    }
    std::map<Key, object> objects;
    for (const auto family : service.families) add_slices(service, family, backends, objects);
    objects.emplace(Key{"Endpoints", service.namespace_, service.name},
                    endpoints(service, backends));
    return objects;
  }

  object endpoint(const Service& service, const Pod& pod, const IpAddress& ip) const {
    object entry{{"addresses", array{boost::json::value(ip.to_string())}},
                 {"conditions",
                  object{{"ready", service.publish_not_ready || (pod.ready && !pod.terminating)},
                         {"serving", pod.ready},
                         {"terminating", pod.terminating}}}};
    if (!pod.hostname.empty() && pod.subdomain == service.name) entry["hostname"] = pod.hostname;
    entry["targetRef"] = pod_reference(service, pod);
    if (pod.node.empty()) return entry;
    entry["nodeName"] = pod.node;
    object hints;
    if (service.same_node) hints["forNodes"] = names(pod.node);
    if (const auto zone = zones.find(pod.node); zone != zones.end() && !zone->second.empty()) {
      entry["zone"] = zone->second;
      if (service.same_zone) hints["forZones"] = names(zone->second);
    }
    if (!hints.empty()) entry["hints"] = std::move(hints);
    return entry;
  }

  static array names(const std::string& one) { return {object{{"name", one}}}; }

  void add_slices(const Service& service, Family family, const std::vector<const Pod*>& backends,
                  std::map<Key, object>& objects) const {
    std::map<std::vector<Port>, array> by_ports;
    for (const auto* pod : backends) {
      const auto ip = std::ranges::find(pod->ips, family, &IpAddress::family);
      if (ip == pod->ips.end()) continue;
      by_ports[ports_of(service, *pod)].push_back(endpoint(service, *pod, *ip));
    }
    if (by_ports.empty()) by_ports[{}];  // an empty slice tells that there is nobody
    for (auto& [ports, endpoints] : by_ports) {
      for (std::size_t at = 0; at == 0 || at < endpoints.size(); at += kMaxEndpoints) {
        const auto end = std::min(at + kMaxEndpoints, endpoints.size());
        array part;
        for (auto i = at; i < end; ++i) part.push_back(endpoints[i]);
        const auto identity = fmt::format("{}/{}/{}/{}/{}", service.namespace_, service.name,
                                          to_string(family), serialize_ports(ports), at);
        const auto name = fmt::format("{}-{}", service.name.substr(0, kMaxNameLength - 11),
                                      sha1_hex(identity, 10));
        objects.emplace(Key{"EndpointSlice", service.namespace_, name},
                        slice(service, family, name, ports, std::move(part)));
      }
    }
  }

  static std::string serialize_ports(const std::vector<Port>& ports) {
    std::string text;
    for (const auto& port : ports)
      text += fmt::format("{}={}{},", port.name, port.protocol, port.number);
    return text;
  }

  static object slice(const Service& service, Family family, const std::string& name,
                      const std::vector<Port>& ports, array endpoints) {
    auto labels = service.labels;
    labels[kServiceName] = service.name;
    labels[kManagedBy] = kManager;
    if (service.headless)
      labels[kHeadless] = "";
    else
      labels.erase(kHeadless);
    return {{"kind", "EndpointSlice"},
            {"apiVersion", "discovery.k8s.io/v1"},
            {"metadata", object{{"name", name},
                                {"namespace", service.namespace_},
                                {"labels", to_json(labels)},
                                {"ownerReferences", array{owner_reference(service)}}}},
            {"addressType", std::string(to_string(family))},
            {"endpoints", std::move(endpoints)},
            {"ports", write_ports(ports)}};
  }

  /// The older form, of the first family: addresses by their ports, terminating ones left out.
  static object endpoints(const Service& service, const std::vector<const Pod*>& backends) {
    std::map<std::vector<Port>, std::pair<array, array>> subsets;  // ready, not ready
    for (const auto* pod : backends) {
      const auto ip = std::ranges::find(pod->ips, service.families.front(), &IpAddress::family);
      if (ip == pod->ips.end() || (pod->terminating && !service.publish_not_ready)) continue;
      auto& [ready, not_ready] = subsets[ports_of(service, *pod)];
      object address{{"ip", ip->to_string()}};
      if (!pod->hostname.empty() && pod->subdomain == service.name)
        address["hostname"] = pod->hostname;
      if (!pod->node.empty()) address["nodeName"] = pod->node;
      address["targetRef"] = pod_reference(service, *pod);
      (pod->ready || service.publish_not_ready ? ready : not_ready).push_back(std::move(address));
    }
    array list;
    for (auto& [ports, addresses] : subsets) {
      object subset;
      if (!addresses.first.empty()) subset["addresses"] = std::move(addresses.first);
      if (!addresses.second.empty()) subset["notReadyAddresses"] = std::move(addresses.second);
      if (!ports.empty()) subset["ports"] = write_ports(ports);
      list.push_back(std::move(subset));
    }
    auto labels = service.labels;
    if (service.headless) labels[kHeadless] = "";
    return {{"kind", "Endpoints"},
            {"apiVersion", "v1"},
            {"metadata", object{{"name", service.name},
                                {"namespace", service.namespace_},
                                {"labels", to_json(labels)},
                                {"ownerReferences", array{owner_reference(service)}}}},
            {"subsets", std::move(list)}};
  }

  void ask(ObjectWrite::Type type, const Key& key, const object* content,
           std::vector<ObjectWrite>& writes) {
    const auto& [kind, space, name] = key;
    std::optional<object> outcome;
    if (content != nullptr) outcome = comparable(*content);
    if (const auto at = asked.find(key); at != asked.end() && at->second == outcome) return;
    asked.insert_or_assign(key, std::move(outcome));
    writes.push_back({type, kind, space, name, content == nullptr ? object{} : *content});
  }

  void reconcile(const std::string& key, std::vector<ObjectWrite>& writes) {
    const auto service = services.find(key);
    const auto objects =
        service == services.end() ? std::map<Key, object>{} : wanted(service->second);
    for (const auto& [object_key, content] : objects) {
      const auto at = stored.find(object_key);
      if (at == stored.end())
        ask(ObjectWrite::Type::kCreate, object_key, &content, writes);
      else if (at->second.content != comparable(content))
        ask(ObjectWrite::Type::kUpdate, object_key, &content, writes);
    }
    const auto known = stored_of.find(key);
    if (known == stored_of.end()) return;
    for (const auto& object_key : known->second) {
      // Slices say that they are ours; Endpoints may be somebody else's.
      const bool ours = std::get<0>(object_key) == "EndpointSlice" ||
                        stored.at(object_key).content.at("owned").as_bool();
      if (ours && !objects.contains(object_key))
        ask(ObjectWrite::Type::kDelete, object_key, nullptr, writes);
    }
  }
};

EndpointSliceEngine::EndpointSliceEngine() : state_(std::make_unique<State>()) {}
EndpointSliceEngine::~EndpointSliceEngine() = default;

void EndpointSliceEngine::observe(std::string_view kind, const object& object, bool deleted) {
  if (kind == "Service")
    state_->observe_service(object, deleted);
  else if (kind == "Pod")
    state_->observe_pod(object, deleted);
  else if (kind == "Node")
    state_->observe_node(object, deleted);
  else if (kind == "EndpointSlice" || kind == "Endpoints")
    state_->observe_stored(kind, object, deleted);
}

std::vector<ObjectWrite> EndpointSliceEngine::take_writes() {
  std::vector<ObjectWrite> writes;
  for (const auto& key : std::exchange(state_->dirty, {})) state_->reconcile(key, writes);
  return writes;
}

void EndpointSliceEngine::failed(const ObjectWrite& write) {
  const State::Key key{write.kind, write.namespace_, write.name};
  state_->asked.erase(key);
  if (const auto at = state_->stored.find(key); at != state_->stored.end()) {
    state_->dirty.insert(at->second.service);
  } else if (write.kind == "Endpoints") {
    state_->dirty.insert(fmt::format("{}/{}", write.namespace_, write.name));
  } else {
    const auto service = labels_at(write.object, "metadata.labels")[kServiceName];
    state_->dirty.insert(fmt::format("{}/{}", write.namespace_, service));
  }
}

}  // namespace antrea::kube
