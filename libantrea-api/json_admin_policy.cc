#include <algorithm>
#include <span>

#include "antrea/api/json.h"
#include "antrea/api/policy_json.h"
#include "policy_fields.h"

// AdminNetworkPolicy, BaselineAdminNetworkPolicy and ClusterNetworkPolicy of
// policy.networking.k8s.io.
namespace antrea::api {
namespace json = boost::json;
using controlplane::RuleAction;
using detail::count_of;
using detail::Document;
using detail::Field;
using detail::name_in;
using detail::put;

namespace {

constexpr std::size_t kMaxNameLength = 100, kMaxNetworks = 25, kMaxDomainNames = 25;
constexpr std::int32_t kMaxPriority = 1000;

using Actions = std::span<const std::pair<std::string_view, RuleAction>>;
constexpr std::pair<std::string_view, RuleAction> kActions[] = {
    {"Allow", RuleAction::kAllow}, {"Deny", RuleAction::kDrop}, {"Pass", RuleAction::kPass}};
constexpr Actions kBaselineActions = Actions(kActions).first(2);
constexpr std::pair<std::string_view, RuleAction> kClusterActions[] = {
    {"Accept", RuleAction::kAllow}, {"Deny", RuleAction::kDrop}, {"Pass", RuleAction::kPass}};

/// What the kinds differ in.
struct Dialect {
  std::string_view kind, version;
  std::size_t max_entries;  // rules of a direction, peers and ports of a rule
  Actions actions;
  std::string_view ports;  // the field
  bool domain_names = true;
};
constexpr Dialect kAdmin{"AdminNetworkPolicy", "v1alpha1", 100, kActions, "ports"};
constexpr Dialect kBaseline{
    "BaselineAdminNetworkPolicy", "v1alpha1", 100, kBaselineActions, "ports", false};
constexpr Dialect kCluster{"ClusterNetworkPolicy", "v1alpha2", 25, kClusterActions, "protocols"};

bool is_cluster(const Dialect& dialect) { return dialect.ports == kCluster.ports; }

constexpr std::pair<std::string_view, admin::Tier> kTiers[] = {
    {"Admin", admin::Tier::kAdmin}, {"Baseline", admin::Tier::kBaseline}};

struct Context {
  const Dialect& dialect;
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

/// Labels of letters, digits and, inside, '-' and '_'; at least `labels` of them.
bool is_domain_name(std::string_view name, int labels) {
  const auto alphanumeric = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  for (; !name.empty(); --labels) {
    const auto dot = std::min(name.find('.'), name.size());
    const std::string_view label = name.substr(0, dot);
    if (label.empty() || !alphanumeric(label.front()) || !alphanumeric(label.back()) ||
        !std::ranges::all_of(label,
                             [&](char c) { return alphanumeric(c) || c == '-' || c == '_'; }))
      return false;
    name.remove_prefix(std::min(dot + 1, name.size()));
  }
  return labels <= 0;
}

std::string read_domain_name(Field json) {
  std::string name = json.required_text();
  std::string_view rest = name;
  if (rest.starts_with("*.")) rest.remove_prefix(2);
  if (!is_domain_name(rest, 2))
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
  if (!context.dialect.domain_names)
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

std::int32_t required_port(Field json) {
  if (!json.present()) json.invalid("found nothing, expected 1 to 65535");
  return json.int32(0, 1, detail::kMaxPort);
}

constexpr std::pair<std::string_view, Protocol> kProtocolFields[] = {
    {"tcp", Protocol::kTcp}, {"udp", Protocol::kUdp}, {"sctp", Protocol::kSctp}};

/// v1alpha2: {tcp: {destinationPort: {number: 80}}}, {destinationNamedPort: web}.
admin::Port read_protocol_match(Field json) {
  const Field name = json["destinationNamedPort"];
  std::vector<std::pair<Protocol, Field>> given;
  for (const auto& [key, protocol] : kProtocolFields)
    if (json[key].present()) given.emplace_back(protocol, json[key]);
  if (given.size() + (name.present() ? 1 : 0) != 1) {
    json.invalid("found none or several of tcp, udp, sctp and destinationNamedPort, expected one");
    return admin::PortRange{};
  }
  if (name.present()) return name.required_text();
  const auto& [protocol, match] = given.front();
  const Field port = match["destinationPort"], number = port["number"], range = port["range"];
  if (number.present() == range.present())
    port.invalid("found none or both of number and range, expected one of them");
  if (!range.present()) {
    const std::int32_t only = required_port(number);
    return admin::PortRange{protocol, only, only};
  }
  const admin::PortRange ports{protocol, required_port(range["start"]),
                               required_port(range["end"])};
  if (ports.end <= ports.start)
    range["end"].invalid("found " + std::to_string(ports.end) + ", expected more than start " +
                         std::to_string(ports.start));
  return ports;
}

RuleAction read_action(Field json, const Dialect& dialect) {
  std::string expected;
  for (const auto& [name, action] : dialect.actions) {
    if (json.text() == name) return action;
    expected += (expected.empty() ? "" : ", ") + std::string(name);
  }
  json.invalid("found \"" + json.text() + "\", expected one of " + expected);
  return RuleAction::kDrop;
}

admin::Rule read_rule(Field json, const Context& context) {
  const Dialect& dialect = context.dialect;
  const Field peers = json[context.ingress ? "from" : "to"], ports = json[dialect.ports];
  admin::Rule rule;
  rule.name = json["name"].text();
  if (rule.name.size() > kMaxNameLength)
    json["name"].invalid("found more than 100 characters, expected at most 100");
  rule.action = read_action(json["action"], dialect);
  rule.peers = peers.list([&](Field each) { return read_peer(each, context); });
  check_count(peers, rule.peers.size(), 1, dialect.max_entries);
  rule.ports = ports.list(is_cluster(dialect) ? read_protocol_match : read_port);
  if (ports.present()) check_count(ports, rule.ports.size(), 1, dialect.max_entries);
  const bool named = std::ranges::any_of(
      rule.ports, [](const auto& port) { return std::holds_alternative<std::string>(port); });
  const bool outside = std::ranges::any_of(rule.peers, [](const admin::Peer& peer) {
    return peer.nodes || !peer.networks.empty() || !peer.domain_names.empty();
  });
  if (named && outside)
    ports.invalid(
        "found a named port beside nodes, networks or domainNames, expected numbers only");
  if (is_cluster(dialect) && rule.action != RuleAction::kAllow &&
      std::ranges::any_of(rule.peers, [](const auto& peer) { return !peer.domain_names.empty(); }))
    json["action"].invalid("found " + json["action"].text() +
                           " beside domainNames, expected Accept");
  return rule;
}

std::vector<admin::Rule> read_rules(Field json, const Context& context) {
  auto rules = json.list([&](Field each) { return read_rule(each, context); });
  check_count(json, rules.size(), 0, context.dialect.max_entries);
  return rules;
}

template <typename Policy>
Policy read_policy(Field root, const Dialect& dialect) {
  const Field spec = root["spec"];
  Policy policy;
  policy.metadata = detail::read_object_meta(root["metadata"]);
  policy.subject = read_subject(spec["subject"]);
  policy.ingress = read_rules(spec["ingress"], {.dialect = dialect, .ingress = true});
  policy.egress = read_rules(spec["egress"], {.dialect = dialect, .ingress = false});
  if constexpr (requires { policy.priority; }) {
    if (!spec["priority"].present()) spec["priority"].invalid("found nothing, expected 0 to 1000");
    policy.priority = spec["priority"].int32(0, 0, kMaxPriority);
  }
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

json::object write_protocol_match(const admin::Port& port) {
  if (const auto* name = std::get_if<std::string>(&port)) return {{"destinationNamedPort", *name}};
  const auto& range = std::get<admin::PortRange>(port);
  json::object match;
  if (range.start == range.end)
    match["number"] = range.start;
  else
    match["range"] = json::object{{"start", range.start}, {"end", range.end}};
  return {{name_in(kProtocolFields, range.protocol),
           json::object{{"destinationPort", std::move(match)}}}};
}

json::array write_rules(const std::vector<admin::Rule>& rules, std::string_view peers,
                        const Dialect& dialect) {
  return detail::to_array(rules, [&](const admin::Rule& rule) {
    json::object object;
    put(object, "name", rule.name);
    const auto action = std::ranges::find(dialect.actions, rule.action,
                                          &std::pair<std::string_view, RuleAction>::second);
    if (action != dialect.actions.end()) object["action"] = action->first;
    put(object, peers, detail::to_array(rule.peers, write_peer));
    put(object, dialect.ports,
        detail::to_array(rule.ports, is_cluster(dialect) ? write_protocol_match : write_port));
    return object;
  });
}

template <typename Policy>
json::object write_policy(const Policy& policy, const Dialect& dialect) {
  json::object subject;
  put(subject, "namespaces", policy.subject.namespaces);
  if (policy.subject.pods) subject["pods"] = write_pods(*policy.subject.pods);
  json::object spec{{"subject", std::move(subject)}};
  if constexpr (requires { policy.priority; }) spec["priority"] = policy.priority;
  put(spec, "ingress", write_rules(policy.ingress, "from", dialect));
  put(spec, "egress", write_rules(policy.egress, "to", dialect));
  return {{"apiVersion", "policy.networking.k8s.io/" + std::string(dialect.version)},
          {"kind", dialect.kind},
          {"metadata", encode(policy.metadata)},
          {"spec", std::move(spec)}};
}

}  // namespace

Result<admin::AdminNetworkPolicy> decode_admin_network_policy(const json::value& json) {
  Document document(json);
  auto policy = read_policy<admin::AdminNetworkPolicy>(Field(document), kAdmin);
  return std::move(document).finish(std::move(policy), kAdmin.kind);
}

Result<admin::BaselineAdminNetworkPolicy> decode_baseline_admin_network_policy(
    const json::value& json) {
  Document document(json);
  const Field root(document), name = root["metadata"]["name"];
  auto policy = read_policy<admin::BaselineAdminNetworkPolicy>(root, kBaseline);
  if (policy.metadata.name != "default")
    name.invalid("found \"" + policy.metadata.name + "\", expected default");
  return std::move(document).finish(std::move(policy), kBaseline.kind);
}

Result<admin::ClusterNetworkPolicy> decode_admin_cluster_network_policy(const json::value& json) {
  Document document(json);
  const Field root(document), tier = root["spec"]["tier"];
  auto policy = read_policy<admin::ClusterNetworkPolicy>(root, kCluster);
  if (!tier.present()) tier.invalid("found nothing, expected Admin or Baseline");
  policy.tier = tier.choice(kTiers, admin::Tier::kAdmin);
  return std::move(document).finish(std::move(policy), kCluster.kind);
}

json::value encode(const admin::AdminNetworkPolicy& policy) { return write_policy(policy, kAdmin); }
json::value encode(const admin::BaselineAdminNetworkPolicy& policy) {
  return write_policy(policy, kBaseline);
}
json::value encode(const admin::ClusterNetworkPolicy& policy) {
  json::object object = write_policy(policy, kCluster);
  object["spec"].as_object()["tier"] = name_in(kTiers, policy.tier);
  return object;
}

}  // namespace antrea::api
