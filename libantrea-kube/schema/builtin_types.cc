#include "antrea/kube/builtin_types.h"

#include <cassert>

#include "json.h"
#include "rules.h"
#include "tables.h"

namespace antrea::kube {
namespace {

const std::vector<std::string> kAllVerbs = {"create", "delete", "deletecollection", "get",
                                            "list",   "patch",  "update",           "watch"};
const std::vector<std::string> kStatusVerbs = {"get", "patch", "update"};

TableColumn name_column() {
  return {"Name", "string", "name", "Name of the object, unique in its Namespace."};
}
TableColumn age_column() { return {"Age", "string", "", "Time since the object was created."}; }
TableColumn column(std::string name, std::string description, int priority = 0) {
  return {std::move(name), "string", "", std::move(description), priority};
}
TableColumn wide(std::string name, std::string description) {
  return column(std::move(name), std::move(description), 1);
}

/// The fields of an Event's object that kubectl describe selects by.
std::string event_field(const boost::json::object& event, std::string_view field) {
  if (field == "source") {
    const auto component = text_at(event, "source.component");
    return std::string(component.empty() ? text_at(event, "reportingComponent") : component);
  }
  return std::string(text_at(event, field));
}

std::string pod_field(const boost::json::object& pod, std::string_view field) {
  if (field == "spec.hostNetwork") return flag_at(pod, field) ? "true" : "false";
  return std::string(text_at(pod, field));
}

std::string node_field(const boost::json::object& node, std::string_view field) {
  if (field == "spec.unschedulable") return flag_at(node, field) ? "true" : "false";
  return std::string(text_at(node, field));
}

#define ANTREA_KUBE_RULES(kind) \
  .set_defaults = default_##kind, .validate = check_##kind, .cells = kind##_cells

std::vector<ResourceType> core_types() {
  std::vector<ResourceType> types;
  types.push_back(
      {.version = "v1",
       .kind = "Namespace",
       .plural = "namespaces",
       .singular = "namespace",
       .short_names = {"ns"},
       .namespaced = false,
       .has_status = true,
       .delete_returns_object = true,
       .verbs = {"create", "delete", "get", "list", "patch", "update", "watch"},
       .subresources = {{"finalize", "Namespace", "", "", {"update"}}},
       .columns = {name_column(), column("Status", "Active or Terminating."), age_column()},
       ANTREA_KUBE_RULES(namespace),
       .selectable_fields = {"status.phase"}});
  types.push_back(
      {.version = "v1",
       .kind = "Node",
       .plural = "nodes",
       .singular = "node",
       .short_names = {"no"},
       .namespaced = false,
       .has_status = true,
       .verbs = kAllVerbs,
       .columns = {name_column(), column("Status", "Whether the Node is ready for Pods."),
                   column("Roles", "Roles of the Node, from its labels."), age_column(),
                   column("Version", "Version of the kubelet."),
                   wide("Internal-IP", "Address inside the cluster."),
                   wide("External-IP", "Address outside of it."),
                   wide("OS-Image", "Release of the operating system."),
                   wide("Kernel-Version", "As `uname -r` says."),
                   wide("Container-Runtime", "Name and version of the container runtime.")},
       ANTREA_KUBE_RULES(node),
       .selectable_fields = {"spec.unschedulable"},
       .field_value = node_field});
  types.push_back(
      {.version = "v1",
       .kind = "Pod",
       .plural = "pods",
       .singular = "pod",
       .short_names = {"po"},
       .categories = {"all"},
       .has_status = true,
       .deletes_gracefully = true,
       .delete_returns_object = true,
       .verbs = kAllVerbs,
       .subresources = {{"binding", "Binding", "", "", {"create"}}},
       .columns = {name_column(), column("Ready", "Ready containers, of all."),
                   column("Status", "What the containers are up to."),
                   column("Restarts", "How often containers were restarted, and when last."),
                   age_column(), wide("IP", "Address of the Pod."),
                   wide("Node", "Node that runs the Pod."),
                   wide("Nominated Node", "Node on which room is being made."),
                   wide("Readiness Gates", "Further conditions that hold, of all.")},
       ANTREA_KUBE_RULES(pod),
       .selectable_fields = {"spec.nodeName", "spec.restartPolicy", "spec.schedulerName",
                             "spec.serviceAccountName", "spec.hostNetwork", "status.phase",
                             "status.podIP", "status.nominatedNodeName"},
       .field_value = pod_field});
  types.push_back({.version = "v1",
                   .kind = "Service",
                   .plural = "services",
                   .singular = "service",
                   .short_names = {"svc"},
                   .categories = {"all"},
                   .has_status = true,
                   .delete_returns_object = true,
                   .verbs = kAllVerbs,
                   .columns = {name_column(), column("Type", "How the Service is exposed."),
                               column("Cluster-IP", "Virtual address."),
                               column("External-IP", "Addresses outside the cluster."),
                               column("Port(s)", "Ports, with node ports."), age_column(),
                               wide("Selector", "Labels of the Pods behind it.")},
                   ANTREA_KUBE_RULES(service),
                   .selectable_fields = {"spec.clusterIP", "spec.type"}});
  types.push_back(
      {.version = "v1",
       .kind = "Endpoints",
       .plural = "endpoints",
       .singular = "endpoints",
       .short_names = {"ep"},
       .verbs = kAllVerbs,
       .columns = {name_column(), column("Endpoints", "Ready addresses and ports."), age_column()},
       ANTREA_KUBE_RULES(endpoints)});
  types.push_back({.version = "v1",
                   .kind = "ConfigMap",
                   .plural = "configmaps",
                   .singular = "configmap",
                   .short_names = {"cm"},
                   .verbs = kAllVerbs,
                   .columns = {name_column(), column("Data", "Number of keys."), age_column()},
                   ANTREA_KUBE_RULES(config_map)});
  types.push_back({.version = "v1",
                   .kind = "Secret",
                   .plural = "secrets",
                   .singular = "secret",
                   .verbs = kAllVerbs,
                   .columns = {name_column(), column("Type", "What the data is for."),
                               column("Data", "Number of keys."), age_column()},
                   ANTREA_KUBE_RULES(secret),
                   .selectable_fields = {"type"}});
  types.push_back(
      {.version = "v1",
       .kind = "ServiceAccount",
       .plural = "serviceaccounts",
       .singular = "serviceaccount",
       .short_names = {"sa"},
       .delete_returns_object = true,
       .verbs = kAllVerbs,
       .columns = {name_column(), column("Secrets", "Number of Secrets."), age_column()},
       ANTREA_KUBE_RULES(service_account)});
  types.push_back(
      {.version = "v1",
       .kind = "Event",
       .plural = "events",
       .singular = "event",
       .short_names = {"ev"},
       .verbs = kAllVerbs,
       .columns = {column("Last Seen", "Time since it was seen last."),
                   column("Type", "Normal or Warning."),
                   column("Reason", "One word for the cause."),
                   column("Object", "What it happened to."),
                   wide("Subobject", "Part of the object."),
                   wide("Source", "Who reports it."),
                   column("Message", "What happened."),
                   wide("First Seen", "Time since it was seen first."),
                   wide("Count", "How often it was seen."),
                   {"Name", "string", "name", "Name of the Event.", 1}},
       ANTREA_KUBE_RULES(event),
       .selectable_fields = {"involvedObject.kind", "involvedObject.namespace",
                             "involvedObject.name", "involvedObject.uid",
                             "involvedObject.apiVersion", "involvedObject.resourceVersion",
                             "involvedObject.fieldPath", "reason", "reportingComponent", "source",
                             "type"},
       .field_value = event_field});
  return types;
}

std::vector<ResourceType> group_types() {
  std::vector<ResourceType> types;
  types.push_back(
      {.group = "networking.k8s.io",
       .version = "v1",
       .kind = "NetworkPolicy",
       .plural = "networkpolicies",
       .singular = "networkpolicy",
       .short_names = {"netpol"},
       .has_status = true,
       .counts_generations = true,
       .verbs = kAllVerbs,
       .columns = {name_column(), column("Pod-Selector", "Pods that the policy is for."),
                   age_column()},
       ANTREA_KUBE_RULES(network_policy)});
  types.push_back(
      {.group = "coordination.k8s.io",
       .version = "v1",
       .kind = "Lease",
       .plural = "leases",
       .singular = "lease",
       .verbs = kAllVerbs,
       .columns = {name_column(), column("Holder", "Who holds the Lease."), age_column()},
       ANTREA_KUBE_RULES(lease)});
  types.push_back({.group = "discovery.k8s.io",
                   .version = "v1",
                   .kind = "EndpointSlice",
                   .plural = "endpointslices",
                   .singular = "endpointslice",
                   .counts_generations = true,
                   .verbs = kAllVerbs,
                   .columns = {name_column(), column("AddressType", "IPv4, IPv6 or FQDN."),
                               column("Ports", "Ports of all endpoints."),
                               column("Endpoints", "Addresses of the endpoints."), age_column()},
                   ANTREA_KUBE_RULES(endpoint_slice)});
  return types;
}

}  // namespace

ResourceTypes make_builtin_types() {
  ResourceTypes types;
  for (const auto table :
       {kMetaSchema, kObjectsSchema, kContainerSchema, kVolumeSchema, kPodSchema}) {
    [[maybe_unused]] const auto added = types.schemas().add(table);
    assert(added.has_value());
  }
  for (auto list : {core_types(), group_types()}) {
    for (auto& type : list) {
      if (type.has_status) type.subresources.push_back({"status", type.kind, "", "", kStatusVerbs});
      types.add(std::move(type));
    }
  }
  return types;
}

}  // namespace antrea::kube
