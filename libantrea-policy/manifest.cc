#include "antrea/policy/manifest.h"

#include <algorithm>
#include <boost/json/value.hpp>
#include <map>
#include <set>
#include <span>

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
    {"policy.networking.k8s.io", "ClusterNetworkPolicy",
     decode_as<api::decode_admin_cluster_network_policy>},
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

/// Gives Pods what they lack, the same in every set that they are in.
class Completer {
 public:
  /// To be told of all sets before any is completed.
  void note(std::span<const ObjectChange> objects) {
    for (const ObjectChange& object : objects)
      if (const auto* pod = std::get_if<std::shared_ptr<const api::Pod>>(&object)) {
        const api::ObjectKey key = key_of(**pod);
        taken_.insert((*pod)->pod_ips.begin(), (*pod)->pod_ips.end());
        if (!(*pod)->pod_ips.empty()) addresses_[key] = (*pod)->pod_ips;
        if (!(*pod)->node_name.empty()) nodes_[key] = (*pod)->node_name;
      }
  }

  MadeUp complete(std::vector<ObjectChange>& objects) {
    made_up_ = {};
    for (auto* names : {&named_, &described_, &named_nodes_, &described_nodes_}) names->clear();
    for (ObjectChange& object : objects) std::visit(*this, object);
    std::ranges::set_difference(named_, described_, std::back_inserter(made_up_.namespaces));
    std::ranges::set_difference(named_nodes_, described_nodes_,
                                std::back_inserter(made_up_.undescribed_nodes));
    for (const std::string& name : made_up_.namespaces) add<api::Namespace>(name, objects);
    for (const std::string& name : made_up_.undescribed_nodes) add<api::Node>(name, objects);
    return std::move(made_up_);
  }

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
    if constexpr (std::is_same_v<Object, api::Node>) described_nodes_.insert(object->metadata.name);
    if constexpr (std::is_same_v<Object, api::Pod>) {
      api::Pod pod = *object;
      const api::ObjectKey key = key_of(pod);
      if (pod.phase.empty()) pod.phase = "Running";
      if (pod.pod_ips.empty() && !pod.host_network) {
        auto& ips = addresses_[key];
        if (ips.empty()) ips = {next_address()};
        pod.pod_ips = ips;
        made_up_.addresses.push_back(key);
      }
      if (pod.node_name.empty()) {
        const auto known = nodes_.find(key);
        pod.node_name = known == nodes_.end() ? "node-0" : known->second;
        made_up_.nodes.push_back(key);
      }
      named_nodes_.insert(pod.node_name);
      if (pod != *object) object = std::make_shared<const api::Pod>(std::move(pod));
    }
  }
  void operator()(ObjectDeleted& /*deleted*/) {}

 private:
  static api::ObjectKey key_of(const api::Pod& pod) {
    api::ObjectKey key = api::key_of(pod.metadata);
    if (key.namespace_.empty()) key.namespace_ = "default";
    return key;
  }
  template <typename Object>
  static void add(const std::string& name, std::vector<ObjectChange>& objects) {
    auto object = std::make_shared<Object>();
    object->metadata.name = name;
    objects.emplace_back(std::shared_ptr<const Object>(std::move(object)));
  }
  IpAddress next_address() {
    IpAddress ip;
    do ip = IpAddress::v4(0xc6120000 + ++given_);
    while (taken_.contains(ip));
    return ip;
  }

  MadeUp made_up_;
  std::uint32_t given_ = 0;
  std::set<IpAddress> taken_;
  std::map<api::ObjectKey, std::vector<IpAddress>> addresses_;
  std::map<api::ObjectKey, std::string> nodes_;
  std::set<std::string> named_, described_;  // Namespaces
  std::set<std::string> named_nodes_, described_nodes_;
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
  Completer completer;
  completer.note(objects);
  return completer.complete(objects);
}

std::pair<MadeUp, MadeUp> complete(std::vector<ObjectChange>& old_objects,
                                   std::vector<ObjectChange>& new_objects) {
  Completer completer;
  completer.note(new_objects);
  completer.note(old_objects);
  MadeUp made_up = completer.complete(old_objects);
  return {std::move(made_up), completer.complete(new_objects)};
}

}  // namespace antrea::policy
