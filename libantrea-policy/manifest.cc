#include "antrea/policy/manifest.h"

#include <algorithm>
#include <boost/json/value.hpp>
#include <set>

#include "antrea/api/json.h"
#include "antrea/api/policy_json.h"

namespace antrea::policy {
namespace {

template <auto kDecode>
Result<ObjectChange> decode_as(const boost::json::value& json) {
  ANTREA_TRY(auto object, kDecode(json));
  return ObjectChange(std::make_shared<const decltype(object)>(std::move(object)));
}

struct Reader {
  std::string_view group, kind;
  Result<ObjectChange> (*decode)(const boost::json::value&);
};
constexpr Reader kReaders[] = {
    {"", "Namespace", decode_as<api::decode_namespace>},
    {"", "Pod", decode_as<api::decode_pod>},
    {"", "Service", decode_as<api::decode_service>},
    {"", "Node", decode_as<api::decode_node>},
    {"networking.k8s.io", "NetworkPolicy", decode_as<api::decode_network_policy>},
    {"crd.antrea.io", "NetworkPolicy", decode_as<api::decode_antrea_network_policy>},
    {"crd.antrea.io", "ClusterNetworkPolicy", decode_as<api::decode_cluster_network_policy>},
    {"crd.antrea.io", "Tier", decode_as<api::decode_tier>},
    {"crd.antrea.io", "Group", decode_as<api::decode_group>},
    {"crd.antrea.io", "ClusterGroup", decode_as<api::decode_cluster_group>},
    {"crd.antrea.io", "ExternalEntity", decode_as<api::decode_external_entity>},
    {"policy.networking.k8s.io", "AdminNetworkPolicy", decode_as<api::decode_admin_network_policy>},
    {"policy.networking.k8s.io", "BaselineAdminNetworkPolicy",
     decode_as<api::decode_baseline_admin_network_policy>},
};

std::string_view text_at(const boost::json::value& json, std::string_view key) {
  const auto* object = json.if_object();
  const auto* value = object != nullptr ? object->if_contains(key) : nullptr;
  const auto* text = value != nullptr ? value->if_string() : nullptr;
  return text != nullptr ? std::string_view(*text) : std::string_view();
}

template <typename Object>
constexpr bool kNamespaced =
    std::is_same_v<Object, api::Pod> || std::is_same_v<Object, api::NetworkPolicy> ||
    std::is_same_v<Object, api::Service> || std::is_same_v<Object, api::crd::NetworkPolicy> ||
    std::is_same_v<Object, api::crd::Group> || std::is_same_v<Object, api::crd::ExternalEntity>;

/// Gives Pods what they lack.
class Completer {
 public:
  explicit Completer(MadeUp& made_up) : made_up_(made_up) {}

  template <typename Object>
  void operator()(std::shared_ptr<const Object>& object) {
    if constexpr (kNamespaced<Object>) {
      if (object->metadata.namespace_.empty()) {
        auto changed = std::make_shared<Object>(*object);
        changed->metadata.namespace_ = "default";
        object = std::move(changed);
      }
      named_.insert(object->metadata.namespace_);
    }
    if constexpr (std::is_same_v<Object, api::Namespace>) described_.insert(object->metadata.name);
    if constexpr (std::is_same_v<Object, api::Pod>) {
      api::Pod pod = *object;
      const api::ObjectKey key = api::key_of(pod.metadata);
      if (pod.phase.empty()) pod.phase = "Running";
      if (pod.pod_ips.empty() && !pod.host_network) {
        pod.pod_ips = {IpAddress::v4(0xc6120000 + ++addresses_)};
        made_up_.addresses.push_back(key);
      }
      if (pod.node_name.empty()) {
        pod.node_name = "node-0";
        made_up_.nodes.push_back(key);
      }
      if (pod != *object) object = std::make_shared<const api::Pod>(std::move(pod));
    }
  }
  void operator()(ObjectDeleted& /*deleted*/) {}

  std::vector<std::string> missing_namespaces() const {
    std::vector<std::string> missing;
    std::ranges::set_difference(named_, described_, std::back_inserter(missing));
    return missing;
  }

 private:
  MadeUp& made_up_;
  std::uint32_t addresses_ = 0;
  std::set<std::string> named_, described_;
};

}  // namespace

Result<std::optional<ObjectChange>> decode_object(const boost::json::value& json) {
  const std::string_view version = text_at(json, "apiVersion"), kind = text_at(json, "kind");
  const auto slash = version.find('/');
  const std::string_view group =
      slash == std::string_view::npos ? std::string_view() : version.substr(0, slash);
  for (const Reader& reader : kReaders) {
    if (reader.group != group || reader.kind != kind) continue;
    ANTREA_TRY(ObjectChange object, reader.decode(json));
    return std::optional(std::move(object));
  }
  return std::optional<ObjectChange>();
}

MadeUp complete(std::vector<ObjectChange>& objects) {
  MadeUp made_up;
  Completer completer(made_up);
  for (ObjectChange& object : objects) std::visit(completer, object);
  made_up.namespaces = completer.missing_namespaces();
  for (const std::string& name : made_up.namespaces) {
    auto ns = std::make_shared<api::Namespace>();
    ns->metadata.name = name;
    objects.emplace_back(std::shared_ptr<const api::Namespace>(std::move(ns)));
  }
  return made_up;
}

}  // namespace antrea::policy
