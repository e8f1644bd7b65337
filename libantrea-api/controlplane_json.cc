#include "antrea/api/json.h"
#include "antrea/base/sorted.h"
#include "controlplane_forms.h"
#include "field.h"
#include "wire_address.h"

namespace antrea::api::controlplane::detail {
namespace json = boost::json;
using api::detail::Document;
using api::detail::Field;
using api::detail::put;
using api::detail::to_array;

namespace {

// --- Reading -------------------------------------------------------------------------------------

IpPrefix read_ip_net(Field json) {
  const std::int64_t length = json["prefixLength"].int64();
  return json["ip"].parsed([length](std::string_view text) -> Result<IpPrefix> {
    ANTREA_TRY(const std::string bytes, api::detail::from_base64(text));
    return api::detail::prefix_from_wire(bytes, length);
  });
}

IpAddress read_ip(Field json) {
  return json.parsed([](std::string_view text) -> Result<IpAddress> {
    ANTREA_TRY(const std::string bytes, api::detail::from_base64(text));
    return api::detail::address_from_wire(bytes);
  });
}

IpBlock read_ip_block(Field json) {
  return {read_ip_net(json["cidr"]), json["except"].list(read_ip_net)};
}

ObjectKey read_key(Field json) { return {json["namespace"].text(), json["name"].text()}; }
ServiceReference read_service_reference(Field json) {
  return {json["namespace"].text(), json["name"].text()};
}
std::int32_t read_int32(Field json) { return json.int32(); }

NetworkPolicyReference read_policy_reference(Field json) {
  return {json["type"].choice(kPolicyTypes, PolicyType::kK8sNetworkPolicy),
          json["namespace"].text(), json["name"].text(), json["uid"].text()};
}

NetworkPolicyPeer read_peer(Field json) {
  NetworkPolicyPeer peer;
  peer.address_groups = json["addressGroups"].texts();
  peer.ip_blocks = json["ipBlocks"].list(read_ip_block);
  peer.fqdns = json["fqdns"].texts();
  peer.to_services = json["toServices"].list(read_service_reference);
  peer.label_identities = json["labelIdentities"].list([](Field identity) {
    const std::int64_t number = identity.int64();
    if (number < 0 || number > std::numeric_limits<std::uint32_t>::max())
      identity.invalid("found " + std::to_string(number) + ", expected 32 bits");
    return static_cast<std::uint32_t>(number);
  });
  return peer;
}

Service read_service(Field json) {
  Service service;
  service.protocol = json["protocol"].optional(
      [](Field name) { return name.choice(kServiceProtocols, ServiceProtocol::kTcp); });
  service.port = json["port"].optional([](Field port) { return port.int_or_string(); });
  service.end_port = json["endPort"].optional(read_int32);
  service.icmp_type = json["icmpType"].optional(read_int32);
  service.icmp_code = json["icmpCode"].optional(read_int32);
  service.igmp_type = json["igmpType"].optional(read_int32);
  service.group_address = json["groupAddress"].text();
  service.src_port = json["srcPort"].optional(read_int32);
  service.src_end_port = json["srcEndPort"].optional(read_int32);
  return service;
}

L7Protocol read_l7_protocol(Field json) {
  return {json["http"].optional([](Field http) {
            return HttpProtocol{http["host"].text(), http["method"].text(), http["path"].text()};
          }),
          json["tls"].optional([](Field tls) { return TlsProtocol{tls["sni"].text()}; })};
}

NetworkPolicyRule read_rule(Field json) {
  NetworkPolicyRule rule;
  if (!json["direction"].present()) json["direction"].invalid("found nothing, expected In or Out");
  rule.direction = json["direction"].choice(kDirections, Direction::kIn);
  rule.peers = read_peer(json[rule.direction == Direction::kIn ? "from" : "to"]);
  rule.services = json["services"].list(read_service);
  rule.priority = json["priority"].int32();
  rule.action =
      json["action"].optional([](Field name) { return name.choice(kActions, RuleAction::kAllow); });
  rule.enable_logging = json["enableLogging"].boolean();
  rule.applied_to_groups = json["appliedToGroups"].texts();
  rule.name = json["name"].text();
  rule.log_label = json["logLabel"].text();
  rule.l7_protocols = json["l7Protocols"].list(read_l7_protocol);
  return rule;
}

GroupMember read_member(Field json) {
  GroupMember member;
  for (const auto& [name, kind] : kMemberKinds) {
    if (!json[name].present()) continue;
    member.kind = kind;
    member.key = read_key(json[name]);
  }
  member.ips = json["ips"].list(read_ip);
  member.ports = json["ports"].list([](Field port) {
    return NamedPort{port["port"].int32(), port["name"].text(),
                     api::detail::read_protocol(port["protocol"])};
  });
  return member;
}

EvaluatedPod read_evaluated_pod(Field json) { return {read_key(json["pod"]), json["uid"].text()}; }

Metadata read_meta(Field json) {
  return {json["name"].text(), json["uid"].text(), json["resourceVersion"].text(),
          json["generation"].int64(), json["annotations"][kInitialEventsEnd].present()};
}

void read(Field json, NetworkPolicy& policy) {
  policy.rules = json["rules"].list(read_rule);
  policy.applied_to_groups = json["appliedToGroups"].texts();
  policy.priority = json["priority"].optional([](Field number) { return number.number(); });
  policy.tier_priority = json["tierPriority"].optional(read_int32);
  policy.source_ref = read_policy_reference(json["sourceRef"]);
}

template <typename Group>
void read_group(Field json, Group& group) {
  group.members = json["groupMembers"].list(read_member);
  sort_unique(group.members);  // the senders may have another order
}
void read(Field json, AddressGroup& group) { read_group(json, group); }
void read(Field json, AppliedToGroup& group) { read_group(json, group); }
void read(Field json, EgressGroup& group) { read_group(json, group); }

void read(Field json, GroupPatch& patch) {
  patch.added = json["addedGroupMembers"].list(read_member);
  patch.removed = json["removedGroupMembers"].list(read_member);
}

void read(Field json, EvaluatedPods& object) {
  object.pods = json["pods"].list(read_evaluated_pod);
  sort_unique(object.pods);
}

void read(Field json, EvaluatedPodsPatch& patch) {
  patch.added = json["addedPods"].list(read_evaluated_pod);
  patch.removed = json["removedPods"].list(read_evaluated_pod);
}

void read(Field json, NetworkPolicyStatus& status) {
  status.nodes = json["nodes"].list([](Field node) {
    return NetworkPolicyNodeStatus{node["nodeName"].text(), node["generation"].int64(),
                                   node["realizationFailure"].boolean(), node["message"].text()};
  });
}

TrafficStats read_traffic(Field json) {
  return {json["packets"].int64(), json["bytes"].int64(), json["sessions"].int64()};
}

NetworkPolicyStats read_policy_stats(Field json) {
  NetworkPolicyStats stats;
  stats.policy = read_policy_reference(json["networkPolicy"]);
  stats.traffic = read_traffic(json["trafficStats"]);
  stats.rules = json["ruleTrafficStats"].list([](Field rule) {
    return RuleTrafficStats{rule["name"].text(), read_traffic(rule["trafficStats"])};
  });
  return stats;
}

void read(Field json, NodeStatsSummary& summary) {
  summary.network_policies = json["networkPolicies"].list(read_policy_stats);
  summary.antrea_cluster_network_policies =
      json["antreaClusterNetworkPolicies"].list(read_policy_stats);
  summary.antrea_network_policies = json["antreaNetworkPolicies"].list(read_policy_stats);
}

// --- Writing -------------------------------------------------------------------------------------

json::string write_ip(const IpAddress& address) {
  return json::string(api::detail::to_base64(api::detail::to_wire(address)));
}

json::object write_ip_net(const IpPrefix& prefix) {
  return {{"ip", write_ip(prefix.address())}, {"prefixLength", prefix.length()}};
}

// ObjectKey or ServiceReference.
template <typename Reference>
json::object write_reference(const Reference& reference) {
  json::object object{{"name", reference.name}};
  put(object, "namespace", reference.namespace_);
  return object;
}

json::object write_peer(const NetworkPolicyPeer& peer) {
  json::object object;
  put(object, "addressGroups", api::detail::to_json(peer.address_groups));
  put(object, "ipBlocks", to_array(peer.ip_blocks, [](const IpBlock& block) {
        json::object each{{"cidr", write_ip_net(block.cidr)}};
        put(each, "except", to_array(block.except, write_ip_net));
        return each;
      }));
  put(object, "fqdns", api::detail::to_json(peer.fqdns));
  put(object, "toServices", to_array(peer.to_services, write_reference<ServiceReference>));
  put(object, "labelIdentities",
      to_array(peer.label_identities, [](std::uint32_t each) { return json::value(each); }));
  return object;
}

void put_number(json::object& object, std::string_view key, std::optional<std::int32_t> number) {
  if (number) object[key] = *number;
}

json::object write_service(const Service& service) {
  json::object object;
  if (service.protocol) object["protocol"] = name_in(kServiceProtocols, *service.protocol);
  if (service.port) object["port"] = api::detail::to_json(*service.port);
  put_number(object, "endPort", service.end_port);
  put_number(object, "icmpType", service.icmp_type);
  put_number(object, "icmpCode", service.icmp_code);
  put_number(object, "igmpType", service.igmp_type);
  put(object, "groupAddress", service.group_address);
  put_number(object, "srcPort", service.src_port);
  put_number(object, "srcEndPort", service.src_end_port);
  return object;
}

json::object write_l7_protocol(const L7Protocol& protocol) {
  json::object object;
  if (protocol.http) {
    json::object http;
    put(http, "host", protocol.http->host);
    put(http, "method", protocol.http->method);
    put(http, "path", protocol.http->path);
    object["http"] = std::move(http);
  }
  if (protocol.tls) {
    json::object tls;
    put(tls, "sni", protocol.tls->sni);
    object["tls"] = std::move(tls);
  }
  return object;
}

json::object write_rule(const NetworkPolicyRule& rule) {
  json::object object{{"direction", name_in(kDirections, rule.direction)}};
  put(object, rule.direction == Direction::kIn ? "from" : "to", write_peer(rule.peers));
  put(object, "services", to_array(rule.services, write_service));
  object["priority"] = rule.priority;
  if (rule.action) object["action"] = name_in(kActions, *rule.action);
  object["enableLogging"] = rule.enable_logging;
  put(object, "appliedToGroups", api::detail::to_json(rule.applied_to_groups));
  put(object, "name", rule.name);
  put(object, "logLabel", rule.log_label);
  put(object, "l7Protocols", to_array(rule.l7_protocols, write_l7_protocol));
  return object;
}

json::object write_member(const GroupMember& member) {
  json::object object;
  object[name_in(kMemberKinds, member.kind)] = write_reference(member.key);
  put(object, "ips", to_array(member.ips, write_ip));
  put(object, "ports", to_array(member.ports, [](const NamedPort& port) {
        return json::object{
            {"port", port.port}, {"name", port.name}, {"protocol", to_string(port.protocol)}};
      }));
  return object;
}

json::object write_evaluated_pod(const EvaluatedPod& each) {
  return {{"pod", write_reference(each.pod)}, {"uid", each.uid}};
}

json::object write_meta(const Metadata& meta) {
  json::object object;
  put(object, "name", meta.name);
  put(object, "uid", meta.uid);
  put(object, "resourceVersion", meta.resource_version);
  if (meta.generation != 0) object["generation"] = meta.generation;
  if (meta.initial_events_end) object["annotations"] = json::object{{kInitialEventsEnd, "true"}};
  return object;
}

json::object write_policy_reference(const NetworkPolicyReference& reference) {
  json::object object{{"type", to_string(reference.type)}};
  put(object, "namespace", reference.namespace_);
  object["name"] = reference.name;
  object["uid"] = reference.uid;
  return object;
}

void write(const NetworkPolicy& policy, json::object& object) {
  put(object, "rules", to_array(policy.rules, write_rule));
  put(object, "appliedToGroups", api::detail::to_json(policy.applied_to_groups));
  if (policy.priority) object["priority"] = *policy.priority;
  put_number(object, "tierPriority", policy.tier_priority);
  object["sourceRef"] = write_policy_reference(policy.source_ref);
}

void write(const AddressGroup& group, json::object& object) {
  put(object, "groupMembers", to_array(group.members, write_member));
}
void write(const AppliedToGroup& group, json::object& object) {
  put(object, "groupMembers", to_array(group.members, write_member));
}

void write(const EgressGroup& group, json::object& object) {
  put(object, "groupMembers", to_array(group.members, write_member));
}

void write(const GroupPatch& patch, json::object& object) {
  put(object, "addedGroupMembers", to_array(patch.added, write_member));
  put(object, "removedGroupMembers", to_array(patch.removed, write_member));
}

void write(const EvaluatedPods& pods, json::object& object) {
  put(object, "pods", to_array(pods.pods, write_evaluated_pod));
}

void write(const EvaluatedPodsPatch& patch, json::object& object) {
  put(object, "addedPods", to_array(patch.added, write_evaluated_pod));
  put(object, "removedPods", to_array(patch.removed, write_evaluated_pod));
}

void write(const NetworkPolicyStatus& status, json::object& object) {
  put(object, "nodes", to_array(status.nodes, [](const NetworkPolicyNodeStatus& node) {
        json::object each{{"nodeName", node.node_name}, {"generation", node.generation}};
        if (node.realization_failure) each["realizationFailure"] = true;
        put(each, "message", node.message);
        return each;
      }));
}

json::object write_traffic(const TrafficStats& traffic) {
  return {{"packets", traffic.packets}, {"bytes", traffic.bytes}, {"sessions", traffic.sessions}};
}

json::object write_policy_stats(const NetworkPolicyStats& stats) {
  json::object object{{"networkPolicy", write_policy_reference(stats.policy)},
                      {"trafficStats", write_traffic(stats.traffic)}};
  put(object, "ruleTrafficStats", to_array(stats.rules, [](const RuleTrafficStats& rule) {
        return json::object{{"name", rule.name}, {"trafficStats", write_traffic(rule.traffic)}};
      }));
  return object;
}

void write(const NodeStatsSummary& summary, json::object& object) {
  put(object, "networkPolicies", to_array(summary.network_policies, write_policy_stats));
  put(object, "antreaClusterNetworkPolicies",
      to_array(summary.antrea_cluster_network_policies, write_policy_stats));
  put(object, "antreaNetworkPolicies",
      to_array(summary.antrea_network_policies, write_policy_stats));
}

}  // namespace

template <typename T>
json::object to_json(const T& value) {
  json::object object{{"kind", kKind<T>}, {"apiVersion", kApiVersionOf<T>}};
  if constexpr (std::is_same_v<T, Status>) {
    object["metadata"] = json::object();
    object["status"] = value.status;
    put(object, "message", value.message);
    put(object, "reason", value.reason);
    if (value.code != 0) object["code"] = value.code;
  } else {
    object["metadata"] = write_meta(value.metadata);
    write(value, object);
  }
  return object;
}

template <typename T>
Result<T> from_json(const json::value& value) {
  Document document(value);
  const Field root(document);
  T object;
  if constexpr (std::is_same_v<T, Status>) {
    object.status = root["status"].text();
    object.message = root["message"].text();
    object.reason = root["reason"].text();
    object.code = root["code"].int32();
  } else {
    object.metadata = read_meta(root["metadata"]);
    read(root, object);
  }
  return std::move(document).finish(std::move(object), kKind<T>);
}

#define ANTREA_FORM(T)                        \
  template json::object to_json<T>(const T&); \
  template Result<T> from_json<T>(const json::value&);
ANTREA_FORM(NetworkPolicy)
ANTREA_FORM(AddressGroup)
ANTREA_FORM(AppliedToGroup)
ANTREA_FORM(EvaluatedPods)
ANTREA_FORM(EgressGroup)
ANTREA_FORM(AddressGroupPatch)
ANTREA_FORM(AppliedToGroupPatch)
ANTREA_FORM(EvaluatedPodsPatch)
ANTREA_FORM(EgressGroupPatch)
ANTREA_FORM(NetworkPolicyStatus)
ANTREA_FORM(NodeStatsSummary)
ANTREA_FORM(Status)
#undef ANTREA_FORM

}  // namespace antrea::api::controlplane::detail
