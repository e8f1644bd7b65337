#include <algorithm>

#include "antrea/api/json.h"
#include "antrea/api/policy_json.h"
#include "policy_fields.h"

// AdminNetworkPolicy and BaselineAdminNetworkPolicy of policy.networking.k8s.io.
namespace antrea::api {
namespace json = boost::json;
using controlplane::RuleAction;
using detail::count_of;
using detail::Document;
using detail::Field;
using detail::name_in;
using detail::put;

namespace {

constexpr std::size_t kMaxRules = 100, kMaxPeers = 100, kMaxPorts = 100, kMaxNameLength = 100;
constexpr std::size_t kMaxNetworks = 25, kMaxDomainNames = 25;
constexpr std::int32_t kMaxPriority = 1000;

constexpr std::pair<std::string_view, RuleAction> kActions[] = {
    {"Allow", RuleAction::kAllow}, {"Deny", RuleAction::kDrop}, {"Pass", RuleAction::kPass}};
constexpr std::pair<std::string_view, RuleAction> kBaselineActions[] = {
    {"Allow", RuleAction::kAllow}, {"Deny", RuleAction::kDrop}};

struct Context {
  bool baseline = false;
  bool ingress = false;
};

void check_count(Field json, std::size_t count, std::size_t low, std::size_t high) {
  if (count < low || count > high)
    json.invalid("found " + std::to_string(count) + " entries, expected " + std::to_string(low) +
                 " to " + std::to_string(high));
}

admin::NamespacedPods read_pods(Field json) {
  for (const std::string_view key : {"namespaceSelector", "podSelector"})
    if (!json[key].present()) json[key].invalid("found nothing, expected a selector");
  return {detail::read_checked_selector(json["namespaceSelector"]),
          detail::read_checked_selector(json["podSelector"])};
}

admin::Subject read_subject(Field json) {
  admin::Subject subject{json["namespaces"].optional(detail::read_checked_selector),
                         json["pods"].optional(read_pods)};
  if (subject.namespaces.has_value() == subject.pods.has_value())
    json.invalid("found none or both of namespaces and pods, expected one of them");
  return subject;
}

std::string read_domain_name(Field json) {
  std::string name = json.required_text();
  std::string_view rest = name;
  if (rest.starts_with("*.")) rest.remove_prefix(2);
  const bool valid = !rest.empty() && std::ranges::all_of(rest, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
  if (!valid || rest.front() == '.' || rest.find("..") != std::string_view::npos)
    json.invalid("found \"" + name + "\", expected a domain name, or one behind \"*.\"");
  return name;
}

admin::Peer read_peer(Field json, const Context& context) {
  admin::Peer peer;
  peer.namespaces = json["namespaces"].optional(detail::read_checked_selector);
  peer.pods = json["pods"].optional(read_pods);
  peer.nodes = json["nodes"].optional(detail::read_checked_selector);
  peer.networks =
      json["networks"].list([](Field network) { return network.parsed(IpPrefix::parse); });
  peer.domain_names = json["domainNames"].list(read_domain_name);
  if (context.ingress)
    detail::refuse(json, {"nodes", "networks", "domainNames"}, "a peer of an ingress rule");
  if (context.baseline)
    detail::refuse(json, {"domainNames"}, "a peer of a BaselineAdminNetworkPolicy");
  if (json["networks"].present())
    check_count(json["networks"], peer.networks.size(), 1, kMaxNetworks);
  if (json["domainNames"].present())
    check_count(json["domainNames"], peer.domain_names.size(), 1, kMaxDomainNames);
  if (!json.has_members()) json.invalid("found an empty peer, expected namespaces, pods, …");
  if (count_of({peer.namespaces.has_value(), peer.pods.has_value(), peer.nodes.has_value(),
                !peer.networks.empty(), !peer.domain_names.empty()}) > 1)
    json.invalid("found several kinds, expected only one of them");
  return peer;
}

admin::Port read_port(Field json) {
  const Field number = json["portNumber"], range = json["portRange"], name = json["namedPort"];
  if (count_of({number.present(), range.present(), name.present()}) != 1)
    json.invalid("found none or several of portNumber, portRange and namedPort, expected one");
  if (name.present()) return name.required_text();
  if (number.present()) {
    const std::int32_t port = number["port"].int32(0, 1, detail::kMaxPort);
    if (!number["port"].present()) number["port"].invalid("found nothing, expected 1 to 65535");
    return admin::PortRange{detail::read_protocol(number["protocol"]), port, port};
  }
  admin::PortRange ports{detail::read_protocol(range["protocol"]),
                         range["start"].int32(0, 1, detail::kMaxPort),
                         range["end"].int32(0, 1, detail::kMaxPort)};
  if (!range["start"].present()) range["start"].invalid("found nothing, expected 1 to 65535");
  if (ports.end <= ports.start)
    range["end"].invalid("found " + std::to_string(ports.end) + ", expected more than start " +
                         std::to_string(ports.start));
  return ports;
}

admin::Rule read_rule(Field json, const Context& context) {
  const Field peers = json[context.ingress ? "from" : "to"];
  admin::Rule rule;
  rule.name = json["name"].text();
  if (rule.name.size() > kMaxNameLength)
    json["name"].invalid("found more than 100 characters, expected at most 100");
  const Field action = json["action"];
  if (!action.present()) action.invalid("found nothing, expected Allow, Deny or Pass");
  rule.action = context.baseline ? action.choice(kBaselineActions, RuleAction::kAllow)
                                 : action.choice(kActions, RuleAction::kAllow);
  rule.peers = peers.list([&](Field each) { return read_peer(each, context); });
  check_count(peers, rule.peers.size(), 1, kMaxPeers);
  rule.ports = json["ports"].list(read_port);
  if (json["ports"].present()) check_count(json["ports"], rule.ports.size(), 1, kMaxPorts);
  const bool named = std::ranges::any_of(
      rule.ports, [](const auto& port) { return std::holds_alternative<std::string>(port); });
  const bool outside = std::ranges::any_of(rule.peers, [](const admin::Peer& peer) {
    return peer.nodes || !peer.networks.empty() || !peer.domain_names.empty();
  });
  if (named && outside)
    json["ports"].invalid("found a named port beside nodes, networks or domainNames, expected " +
                          std::string("numbers only"));
  return rule;
}

std::vector<admin::Rule> read_rules(Field json, const Context& context) {
  auto rules = json.list([&](Field each) { return read_rule(each, context); });
  check_count(json, rules.size(), 0, kMaxRules);
  return rules;
}

template <typename Policy>
Policy read_policy(Field root, bool baseline) {
  const Field spec = root["spec"];
  Policy policy;
  policy.metadata = detail::read_object_meta(root["metadata"]);
  policy.subject = read_subject(spec["subject"]);
  policy.ingress = read_rules(spec["ingress"], {.baseline = baseline, .ingress = true});
  policy.egress = read_rules(spec["egress"], {.baseline = baseline, .ingress = false});
  return policy;
}

json::object write_pods(const admin::NamespacedPods& pods) {
  return {{"namespaceSelector", encode(pods.namespace_selector)},
          {"podSelector", encode(pods.pod_selector)}};
}

json::object write_peer(const admin::Peer& peer) {
  json::object object;
  put(object, "namespaces", peer.namespaces);
  if (peer.pods) object["pods"] = write_pods(*peer.pods);
  put(object, "nodes", peer.nodes);
  put(object, "networks", detail::to_texts(peer.networks));
  put(object, "domainNames", detail::to_json(peer.domain_names));
  if (object.empty()) object["unknown"] = true;  // stays a peer that nobody knows
  return object;
}

json::object write_port(const admin::Port& port) {
  if (const auto* name = std::get_if<std::string>(&port)) return {{"namedPort", *name}};
  const auto& range = std::get<admin::PortRange>(port);
  if (range.start == range.end)
    return {{"portNumber",
             json::object{{"protocol", to_string(range.protocol)}, {"port", range.start}}}};
  return {{"portRange", json::object{{"protocol", to_string(range.protocol)},
                                     {"start", range.start},
                                     {"end", range.end}}}};
}

json::array write_rules(const std::vector<admin::Rule>& rules, std::string_view peers) {
  return detail::to_array(rules, [peers](const admin::Rule& rule) {
    json::object object;
    put(object, "name", rule.name);
    object["action"] = name_in(kActions, rule.action);
    put(object, peers, detail::to_array(rule.peers, write_peer));
    put(object, "ports", detail::to_array(rule.ports, write_port));
    return object;
  });
}

template <typename Policy>
json::object write_policy(const Policy& policy, std::string_view kind) {
  json::object subject;
  put(subject, "namespaces", policy.subject.namespaces);
  if (policy.subject.pods) subject["pods"] = write_pods(*policy.subject.pods);
  json::object spec{{"subject", std::move(subject)}};
  put(spec, "ingress", write_rules(policy.ingress, "from"));
  put(spec, "egress", write_rules(policy.egress, "to"));
  return {{"apiVersion", "policy.networking.k8s.io/v1alpha1"},
          {"kind", kind},
          {"metadata", encode(policy.metadata)},
          {"spec", std::move(spec)}};
}

}  // namespace

Result<admin::AdminNetworkPolicy> decode_admin_network_policy(const json::value& json) {
  Document document(json);
  const Field root(document), priority = root["spec"]["priority"];
  auto policy = read_policy<admin::AdminNetworkPolicy>(root, false);
  if (!priority.present()) priority.invalid("found nothing, expected 0 to 1000");
  policy.priority = priority.int32(0, 0, kMaxPriority);
  return std::move(document).finish(std::move(policy), "AdminNetworkPolicy");
}

Result<admin::BaselineAdminNetworkPolicy> decode_baseline_admin_network_policy(
    const json::value& json) {
  Document document(json);
  const Field root(document), name = root["metadata"]["name"];
  auto policy = read_policy<admin::BaselineAdminNetworkPolicy>(root, true);
  if (policy.metadata.name != "default")
    name.invalid("found \"" + policy.metadata.name + "\", expected default");
  return std::move(document).finish(std::move(policy), "BaselineAdminNetworkPolicy");
}

json::value encode(const admin::AdminNetworkPolicy& policy) {
  json::object object = write_policy(policy, "AdminNetworkPolicy");
  object["spec"].as_object()["priority"] = policy.priority;
  return object;
}
json::value encode(const admin::BaselineAdminNetworkPolicy& policy) {
  return write_policy(policy, "BaselineAdminNetworkPolicy");
}

}  // namespace antrea::api
