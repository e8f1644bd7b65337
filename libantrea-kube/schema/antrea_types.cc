#include "antrea/kube/antrea_types.h"

#include <fmt/format.h>

#include <cassert>

#include "antrea/api/egress_json.h"
#include "antrea/api/policy_json.h"
#include "json.h"
#include "rules.h"
#include "tables.h"
#include "time.h"

namespace antrea::kube {
namespace {

using boost::json::array;
using boost::json::object;

/// Name and shape are for the schema and metadata rules; the rest is what the library of the
/// resources makes of the object.
template <typename T>
auto checked_by(Result<T> (*decode)(const boost::json::value&)) {
  return [decode](const object& candidate, const object*) {
    FieldErrors errors;
    check_metadata(candidate, dns_subdomain_problem, errors);
    auto found = errors.take();
    if (!found.empty()) return found;
    const auto decoded = decode(boost::json::value(candidate));
    if (decoded) return found;
    const std::string cause = decoded.error().cause;
    const auto colon = cause.find(": ");
    if (colon == std::string::npos)
      found.push_back({"FieldValueInvalid", "spec", "Invalid value: " + cause});
    else
      found.push_back({"FieldValueInvalid", cause.substr(0, colon),
                       "Invalid value: " + cause.substr(colon + 2)});
    return found;
  };
}

void default_protocols(object& rule) {
  if (auto* ports = rule.if_contains("ports"); ports != nullptr && ports->is_array())
    for (auto& port : ports->get_array())
      if (port.is_object() && text_at(port.get_object(), "protocol").empty())
        port.get_object()["protocol"] = "TCP";
}

void default_rules(object& spec, std::string_view direction,
                   const std::vector<api::crd::Rule>& rules) {
  auto* const list = spec.if_contains(direction);
  if (list == nullptr || !list->is_array()) return;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    object& rule = list->get_array()[i].get_object();
    rule["name"] = rules[i].name;
    default_protocols(rule);
  }
}

/// What the mutating webhook fills in. An object that cannot be read is left to the validation.
template <typename T>
auto completed_by(Result<T> (*decode)(const boost::json::value&)) {
  return [decode](object& candidate, const object*) {
    const auto policy = decode(boost::json::value(candidate));
    if (!policy) return;
    object& spec = candidate["spec"].get_object();
    spec["tier"] = policy->spec.tier;
    default_rules(spec, "ingress", policy->spec.ingress);
    default_rules(spec, "egress", policy->spec.egress);
  };
}

void complete_nothing(object&, const object*) {}

std::string number_text(const object& from, std::string_view path) {
  const auto* const value = value_at(from, path);
  if (value == nullptr) return "";
  return value->is_double() ? fmt::format("{}", value->get_double())
                            : fmt::to_string(integer_of(*value));
}

std::string age(const object& from, std::int64_t now) {
  const auto then = parse_time(text_at(from, "metadata.creationTimestamp"));
  return then ? human_duration(now - *then) : "<unknown>";
}

array name_and_age(const object& from, std::int64_t now) {
  return {text_at(from, "metadata.name"), age(from, now)};
}
array with_priority(const object& from, std::int64_t now) {
  return {text_at(from, "metadata.name"), number_text(from, "spec.priority"), age(from, now)};
}
array with_tier(const object& from, std::int64_t now) {
  return {text_at(from, "metadata.name"), text_at(from, "spec.tier"),
          number_text(from, "spec.priority"), age(from, now)};
}
array policy_cells(const object& from, std::int64_t now) {
  return {text_at(from, "metadata.name"),
          text_at(from, "spec.tier"),
          number_text(from, "spec.priority"),
          number_text(from, "status.desiredNodesRealized"),
          number_text(from, "status.currentNodesRealized"),
          age(from, now)};
}

array egress_cells(const object& from, std::int64_t now) {
  return {text_at(from, "metadata.name"), text_at(from, "status.egressIP"), age(from, now),
          text_at(from, "status.egressNode")};
}
array pool_cells(const object& from, std::int64_t now) {
  return {text_at(from, "metadata.name"), number_text(from, "status.usage.total"),
          number_text(from, "status.usage.used"), age(from, now)};
}

TableColumn column(std::string name, std::string description) {
  return {std::move(name), "string", "", std::move(description)};
}
const TableColumn kName{"Name", "string", "name", "Name of the object, unique in its Namespace."};
const TableColumn kAge = column("Age", "Time since the object was created.");
const TableColumn kPriority = column("Priority", "The smaller one is judged first.");
const std::vector<TableColumn> kPolicyColumns{
    kName,
    column("Tier", "The layer that the policy is in."),
    kPriority,
    column("Desired Nodes", "Nodes that shall enforce the policy."),
    column("Current Nodes", "Nodes that enforce the policy."),
    kAge};

template <typename T>
ResourceType make_type(std::string version, std::string kind, std::string plural,
                       std::vector<std::string> short_names, bool namespaced,
                       Result<T> (*decode)(const boost::json::value&)) {
  ResourceType type;
  type.group = "crd.antrea.io";
  type.version = std::move(version);
  type.kind = std::move(kind);
  type.plural = std::move(plural);
  for (const char letter : type.kind) type.singular += static_cast<char>(std::tolower(letter));
  type.short_names = std::move(short_names);
  type.namespaced = namespaced;
  type.has_status = true;
  type.counts_generations = true;
  type.verbs = {"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"};
  type.set_defaults = complete_nothing;
  type.validate = checked_by(decode);
  type.columns = {kName, kAge};
  type.cells = name_and_age;
  return type;
}

template <typename T>
ResourceType make_policy(std::string kind, std::string plural, std::vector<std::string> short_names,
                         bool namespaced, Result<T> (*decode)(const boost::json::value&)) {
  ResourceType type = make_type("v1beta1", std::move(kind), std::move(plural),
                                std::move(short_names), namespaced, decode);
  type.set_defaults = completed_by(decode);
  type.columns = kPolicyColumns;
  type.cells = policy_cells;
  return type;
}

}  // namespace

void add_antrea_types(ResourceTypes& types) {
  [[maybe_unused]] const auto added = types.schemas().add(kAntreaSchema);
  assert(added.has_value());
  std::vector<ResourceType> all;
  all.push_back(make_policy("ClusterNetworkPolicy", "clusternetworkpolicies", {"acnp"}, false,
                            api::decode_cluster_network_policy));
  all.push_back(make_policy("NetworkPolicy", "networkpolicies", {"annp", "anp"}, true,
                            api::decode_antrea_network_policy));
  all.push_back(make_type("v1beta1", "Tier", "tiers", {"tr"}, false, api::decode_tier));
  all.back().has_status = false;
  all.back().columns = {kName, kPriority, kAge};
  all.back().cells = with_priority;
  all.push_back(make_type("v1beta1", "ClusterGroup", "clustergroups", {"cg"}, false,
                          api::decode_cluster_group));
  all.push_back(make_type("v1beta1", "Group", "groups", {"grp"}, true, api::decode_group));
  all.push_back(make_type("v1alpha2", "ExternalEntity", "externalentities", {"ee"}, true,
                          api::decode_external_entity));
  all.back().has_status = false;
  all.push_back(make_type("v1alpha1", "AdminNetworkPolicy", "adminnetworkpolicies", {"anp"}, false,
                          api::decode_admin_network_policy));
  all.back().group = "policy.networking.k8s.io";
  all.back().columns = {kName, kPriority, kAge};
  all.back().cells = with_priority;
  all.push_back(make_type("v1alpha1", "BaselineAdminNetworkPolicy", "baselineadminnetworkpolicies",
                          {"banp"}, false, api::decode_baseline_admin_network_policy));
  all.back().group = "policy.networking.k8s.io";
  all.push_back(make_type("v1alpha2", "ClusterNetworkPolicy", "clusternetworkpolicies", {"cnp"},
                          false, api::decode_admin_cluster_network_policy));
  all.back().group = "policy.networking.k8s.io";
  all.back().columns = {kName, column("Tier", "Admin or Baseline."), kPriority, kAge};
  all.back().cells = with_tier;
  all.push_back(make_type("v1beta1", "Egress", "egresses", {"eg"}, false, api::decode_egress));
  all.back().columns = {kName, column("EgressIP", "The address that is used."), kAge,
                        column("Node", "The Node that has the address.")};
  all.back().cells = egress_cells;
  all.push_back(make_type("v1beta1", "ExternalIPPool", "externalippools", {"eip"}, false,
                          api::decode_external_ip_pool));
  all.back().columns = {kName, column("Total", "Addresses that can be handed out."),
                        column("Used", "Addresses that are handed out."), kAge};
  all.back().cells = pool_cells;
  for (ResourceType& type : all) {
    if (type.has_status)
      type.subresources.push_back({"status", type.kind, "", "", {"get", "patch", "update"}});
    types.add(std::move(type));
  }
}

}  // namespace antrea::kube
