#include <algorithm>
#include <boost/json/serialize.hpp>
#include <set>

#include "antrea/api/json.h"
#include "antrea/api/policy_json.h"
#include "antrea/base/hash.h"
#include "policy_fields.h"

// NetworkPolicy and ClusterNetworkPolicy of crd.antrea.io.
namespace antrea::api {
namespace json = boost::json;
using crd::RuleAction;
using detail::count_of;
using detail::Document;
using detail::Field;
using detail::name_in;
using detail::put;

namespace {

constexpr double kMaxPriority = 10000;
constexpr std::int32_t kMaxIcmp = 255;
constexpr std::int32_t kIgmpQuery = 0x11;
constexpr std::size_t kMaxLogLabelLength = 63, kNameDigits = 7;

constexpr std::pair<std::string_view, RuleAction> kActions[] = {
    {"Allow", RuleAction::kAllow},
    {"Drop", RuleAction::kDrop},
    {"Reject", RuleAction::kReject},
    {"Pass", RuleAction::kPass},
};
constexpr std::pair<std::string_view, crd::PeerScope> kScopes[] = {
    {"Cluster", crd::PeerScope::kCluster},
    {"ClusterSet", crd::PeerScope::kClusterSet},
};
constexpr std::pair<std::string_view, crd::PolicyPhase> kPhases[] = {
    {"Pending", crd::PolicyPhase::kPending},
    {"Realizing", crd::PolicyPhase::kRealizing},
    {"Realized", crd::PolicyPhase::kRealized},
    {"Failed", crd::PolicyPhase::kFailed},
};
constexpr std::pair<std::string_view, int> kHttpMethods[] = {
    {"GET", 0},   {"POST", 0},    {"PUT", 0},     {"HEAD", 0}, {"DELETE", 0},
    {"TRACE", 0}, {"OPTIONS", 0}, {"CONNECT", 0}, {"PATCH", 0}};

/// What the reading of a part depends on.
struct Context {
  bool cluster = false;
  bool ingress = false;
  bool in_rule = false;
  std::string_view kind() const { return cluster ? "a ClusterNetworkPolicy" : "a NetworkPolicy"; }
};

// --- whom it is about ---

crd::AppliedTo read_applied_to(Field json, const Context& context) {
  crd::AppliedTo to;
  to.pod_selector = json["podSelector"].optional(detail::read_checked_selector);
  to.namespace_selector = json["namespaceSelector"].optional(detail::read_checked_selector);
  to.external_entity_selector =
      json["externalEntitySelector"].optional(detail::read_checked_selector);
  to.group = json["group"].text();
  to.service_account = json["serviceAccount"].optional(detail::read_object_key);
  to.service = json["service"].optional(detail::read_object_key);
  to.node_selector = json["nodeSelector"].optional(detail::read_checked_selector);
  if (context.cluster)
    detail::refuse(json, {"externalEntitySelector"}, "appliedTo of a ClusterNetworkPolicy");
  else
    detail::refuse(json, {"namespaceSelector", "serviceAccount", "service", "nodeSelector"},
                   "appliedTo of a NetworkPolicy");
  if (context.in_rule) detail::refuse(json, {"nodeSelector"}, "appliedTo of a rule");
  const bool pods = to.pod_selector || to.namespace_selector;
  const int kinds = count_of({pods, to.external_entity_selector.has_value(), !to.group.empty(),
                              to.service_account.has_value(), to.service.has_value(),
                              to.node_selector.has_value()});
  if (kinds == 0)
    json.invalid("found an empty entry, expected a selector, group, serviceAccount or service");
  if (kinds > 1)
    json.invalid(
        "found several kinds, expected only one of Pods' selectors, externalEntitySelector, "
        "group, serviceAccount, service and nodeSelector");
  return to;
}

crd::PeerNamespaces read_peer_namespaces(Field json) {
  crd::PeerNamespaces namespaces;
  if (json["match"].present()) {
    const std::string match = json["match"].text();
    if (match != "Self") json["match"].invalid("found \"" + match + "\", expected Self");
    namespaces.match_self = true;
  }
  namespaces.same_labels = json["sameLabels"].list([](Field key) {
    std::string text = key.required_text();
    if (!detail::is_label_key(text)) key.invalid("found \"" + text + "\", expected a label's key");
    return text;
  });
  if (namespaces.match_self == !namespaces.same_labels.empty())
    json.invalid("found none or both of match and sameLabels, expected one of them");
  return namespaces;
}

std::string read_fqdn(Field json) {
  std::string fqdn = json.text();
  const bool valid = std::ranges::all_of(fqdn, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '*';
  });
  if (!valid)
    json.invalid("found \"" + fqdn + "\", expected letters, digits, \"-\", \".\" and \"*\"");
  return fqdn;
}

crd::NetworkPolicyPeer read_peer(Field json, const Context& context) {
  crd::NetworkPolicyPeer peer;
  peer.ip_block = json["ipBlock"].optional(detail::read_ip_block);
  peer.pod_selector = json["podSelector"].optional(detail::read_checked_selector);
  peer.namespace_selector = json["namespaceSelector"].optional(detail::read_checked_selector);
  peer.namespaces = json["namespaces"].optional(read_peer_namespaces);
  peer.external_entity_selector =
      json["externalEntitySelector"].optional(detail::read_checked_selector);
  peer.group = json["group"].text();
  peer.fqdn = read_fqdn(json["fqdn"]);
  peer.service_account = json["serviceAccount"].optional(detail::read_object_key);
  peer.node_selector = json["nodeSelector"].optional(detail::read_checked_selector);
  peer.scope = json["scope"].choice(kScopes, crd::PeerScope::kCluster);

  if (context.cluster)
    detail::refuse(json, {"externalEntitySelector"}, "a peer of a ClusterNetworkPolicy");
  else
    detail::refuse(json, {"namespaces", "serviceAccount"}, "a peer of a NetworkPolicy");
  detail::refuse(json, {context.ingress ? "fqdn" : "scope"},
                 context.ingress ? "a peer of an ingress rule" : "a peer of an egress rule");
  if (peer.namespaces && peer.namespace_selector)
    json["namespaces"].invalid("found namespaces and namespaceSelector, expected one of them");
  if (peer.external_entity_selector && peer.pod_selector)
    json["externalEntitySelector"].invalid(
        "found externalEntitySelector and podSelector, expected one of them");
  const bool selects = peer.pod_selector || peer.namespace_selector || peer.namespaces ||
                       peer.external_entity_selector;
  const int kinds =
      count_of({selects, peer.ip_block.has_value(), !peer.group.empty(), !peer.fqdn.empty(),
                peer.service_account.has_value(), peer.node_selector.has_value()});
  if (kinds == 0)
    json.invalid(
        "found an empty peer, expected a selector, ipBlock, group, fqdn, serviceAccount or "
        "nodeSelector");
  if (kinds > 1)
    json.invalid(
        "found several kinds, expected only one of selectors, ipBlock, group, fqdn, "
        "serviceAccount and nodeSelector");
  return peer;
}

// --- what it is about ---

crd::NetworkPolicyPort read_port(Field json) {
  crd::NetworkPolicyPort port;
  port.protocol = detail::read_protocol(json["protocol"]);
  port.port = detail::read_port_reference(json["port"]);
  port.end_port = detail::read_end_port(json["endPort"], port.port, "port");
  port.source_port = detail::read_port_number(json["sourcePort"]);
  const auto source =
      port.source_port ? std::optional(IntOrString{*port.source_port, {}}) : std::nullopt;
  port.source_end_port = detail::read_end_port(json["sourceEndPort"], source, "sourcePort");
  return port;
}

crd::NetworkPolicyProtocol read_protocol(Field json, const Context& context) {
  const auto number = [](Field field) {
    return field.optional([](Field each) { return each.int32(0, 0, kMaxIcmp); });
  };
  crd::NetworkPolicyProtocol protocol;
  protocol.icmp = json["icmp"].optional([&](Field icmp) {
    return crd::IcmpProtocol{number(icmp["icmpType"]), number(icmp["icmpCode"])};
  });
  protocol.igmp = json["igmp"].optional([&](Field igmp) {
    crd::IgmpProtocol read{number(igmp["igmpType"]), igmp["groupAddress"].text()};
    const bool query = read.type == kIgmpQuery;
    const bool report =
        !read.type || *read.type == 0x12 || *read.type == 0x16 || *read.type == 0x22;
    if (context.ingress && !query)
      igmp["igmpType"].invalid("found no query, expected 17 in an ingress rule");
    if (!context.ingress && !report)
      igmp["igmpType"].invalid("found " + std::to_string(*read.type) +
                               ", expected 18, 22, 34 or nothing in an egress rule");
    if (!read.group_address.empty()) {
      const IpAddress group = igmp["groupAddress"].parsed(IpAddress::parse);
      if (igmp.ok() && !group.is_multicast())
        igmp["groupAddress"].invalid("found " + group.to_string() +
                                     ", expected a multicast address");
    }
    return read;
  });
  if (protocol.icmp.has_value() == protocol.igmp.has_value())
    json.invalid("found none or both of icmp and igmp, expected one of them");
  return protocol;
}

crd::L7Protocol read_l7_protocol(Field json) {
  crd::L7Protocol protocol;
  protocol.http = json["http"].optional([](Field http) {
    (void)http["method"].choice(kHttpMethods, 0);
    return controlplane::HttpProtocol{http["host"].text(), http["method"].text(),
                                      http["path"].text()};
  });
  protocol.tls =
      json["tls"].optional([](Field tls) { return controlplane::TlsProtocol{tls["sni"].text()}; });
  if (protocol.http.has_value() == protocol.tls.has_value())
    json.invalid("found none or both of http and tls, expected one of them");
  return protocol;
}

crd::PeerService read_peer_service(Field json, const Context& context) {
  crd::PeerService peer{detail::read_object_key(json),
                        json["scope"].choice(kScopes, crd::PeerScope::kCluster)};
  if (context.cluster && peer.service.namespace_.empty())
    json["namespace"].invalid("found nothing, expected the Service's Namespace");
  if (!context.cluster) detail::refuse(json, {"scope"}, "toServices of a NetworkPolicy");
  return peer;
}

// --- rules ---

/// A rule with IGMP has nothing beside it; one about multicast addresses only those.
void check_multicast(Field json, const crd::Rule& rule, const Context& context) {
  const bool igmp = std::ranges::any_of(
      rule.protocols, [](const auto& protocol) { return protocol.igmp.has_value(); });
  const bool multicast = !context.ingress && std::ranges::any_of(rule.peers, [](const auto& peer) {
    return peer.ip_block && peer.ip_block->cidr.length() >= 4 &&
           peer.ip_block->cidr.address().is_multicast();
  });
  if ((igmp || multicast) &&
      (rule.action == RuleAction::kPass || rule.action == RuleAction::kReject))
    json["action"].invalid("found " + std::string(name_in(kActions, rule.action)) +
                           ", expected Allow or Drop for " +
                           (igmp ? "IGMP" : "multicast addresses"));
  if (igmp && (rule.protocols.size() > 1 || !rule.ports.empty() || !rule.peers.empty() ||
               !rule.to_services.empty() || !rule.l7_protocols.empty()))
    json["protocols"].invalid("found IGMP beside peers, ports or protocols, expected it alone");
  if (multicast && !std::ranges::all_of(rule.peers, [](const auto& peer) {
        return peer.ip_block && peer.ip_block->cidr.address().is_multicast();
      }))
    json["to"].invalid("found multicast addresses beside other peers, expected only one kind");
}

void check_l7(Field json, const crd::Rule& rule) {
  if (rule.l7_protocols.empty()) return;
  if (rule.action != RuleAction::kAllow)
    json["action"].invalid("found " + std::string(name_in(kActions, rule.action)) +
                           ", expected Allow beside l7Protocols");
  if (!rule.to_services.empty() || !rule.protocols.empty())
    json["l7Protocols"].invalid("found toServices or protocols, expected neither beside it");
  const bool http = std::ranges::any_of(rule.l7_protocols,
                                        [](const auto& each) { return each.http.has_value(); });
  if (http && std::ranges::any_of(rule.ports,
                                  [](const auto& port) { return port.protocol != Protocol::kTcp; }))
    json["ports"].invalid("found another protocol, expected only TCP beside http");
}

crd::Rule read_rule(Field json, Context context) {
  context.in_rule = true;
  const std::string_view peers = context.ingress ? "from" : "to";
  crd::Rule rule;
  const Field action = json["action"];
  if (!action.present()) action.invalid("found nothing, expected Allow, Drop, Reject or Pass");
  rule.action = action.choice(kActions, RuleAction::kAllow);
  rule.peers = json[peers].list([&](Field each) { return read_peer(each, context); });
  rule.ports = json["ports"].list(read_port);
  rule.protocols = json["protocols"].list([&](Field each) { return read_protocol(each, context); });
  rule.l7_protocols = json["l7Protocols"].list(read_l7_protocol);
  rule.to_services =
      json["toServices"].list([&](Field each) { return read_peer_service(each, context); });
  rule.name = json["name"].text();
  rule.enable_logging = json["enableLogging"].boolean();
  rule.log_label = json["logLabel"].text();
  rule.applied_to =
      json["appliedTo"].list([&](Field each) { return read_applied_to(each, context); });

  detail::refuse(json, {context.ingress ? "to" : "from"},
                 context.ingress ? "an ingress rule" : "an egress rule");
  if (context.ingress) detail::refuse(json, {"toServices"}, "an ingress rule");
  if (!rule.to_services.empty() &&
      (!rule.peers.empty() || !rule.ports.empty() || !rule.protocols.empty()))
    json["toServices"].invalid("found to, ports or protocols, expected none of them beside it");
  if (rule.log_label.size() > kMaxLogLabelLength || !detail::is_label_value(rule.log_label))
    json["logLabel"].invalid("found \"" + rule.log_label + "\", expected a label's value");
  check_multicast(json, rule, context);
  check_l7(json, rule);
  return rule;
}

json::object write_rule(const crd::Rule& rule, std::string_view peers);

/// As the original's webhook names rules: what they do, and a digest of what they say.
void name_rules(std::vector<crd::Rule>& rules, bool ingress, std::set<std::string>& taken) {
  for (crd::Rule& rule : rules) {
    if (!rule.name.empty()) continue;
    std::string action(name_in(kActions, rule.action));
    action[0] = static_cast<char>(action[0] - 'A' + 'a');
    const std::string prefix = (ingress ? "ingress-" : "egress-") + action + "-";
    std::string text = json::serialize(write_rule(rule, ingress ? "from" : "to"));
    do {  // equal rules get different names
      rule.name = prefix + sha1_hex(text, kNameDigits);
      text += ' ';
    } while (!taken.insert(rule.name).second);
  }
}

// --- the whole policy ---

void check_applied_to(Field spec, const crd::PolicySpec& policy) {
  std::size_t with = 0, count = 0;
  const auto services_in = [](const std::vector<crd::AppliedTo>& entries) {
    return static_cast<std::size_t>(
        std::ranges::count_if(entries, [](const auto& to) { return to.service.has_value(); }));
  };
  const auto check_services = [&](Field at, const std::vector<crd::AppliedTo>& entries) {
    if (const std::size_t services = services_in(entries);
        services != 0 && services != entries.size())
      at["appliedTo"].invalid("found Services and other entries, expected one kind of them");
  };
  check_services(spec, policy.applied_to);
  for (const bool ingress : {true, false}) {
    std::size_t i = 0;
    const auto& rules = ingress ? policy.ingress : policy.egress;
    spec[ingress ? "ingress" : "egress"].each([&](Field json) {
      const crd::Rule& rule = rules[i++];
      ++count;
      with += rule.applied_to.empty() ? 0 : 1;
      if (!rule.applied_to.empty() && !policy.applied_to.empty())
        json["appliedTo"].invalid("found appliedTo in both spec and rule, expected it in one");
      check_services(json, rule.applied_to);
      if (services_in(policy.applied_to) + services_in(rule.applied_to) == 0) return;
      if (!ingress)
        json.invalid("found an egress rule applied to Services, expected only ingress rules");
      if (!std::ranges::all_of(rule.peers,
                               [](const auto& peer) { return peer.ip_block.has_value(); }))
        json["from"].invalid("found a rule applied to Services, expected only ipBlock in it");
    });
  }
  if (policy.applied_to.empty() && with < std::max<std::size_t>(count, 1))
    spec["appliedTo"].invalid(
        with == 0 ? "found nothing, expected appliedTo in the spec or in every rule"
                  : "found appliedTo in some of the rules, expected it in all or in the spec");
}

void check_node_policy(Field spec, const crd::PolicySpec& policy) {
  const auto nodes = std::ranges::count_if(
      policy.applied_to, [](const auto& to) { return to.node_selector.has_value(); });
  if (nodes == 0) return;
  if (static_cast<std::size_t>(nodes) != policy.applied_to.size())
    spec["appliedTo"].invalid("found Nodes and other entries, expected one kind of them");
  for (const bool ingress : {true, false}) {
    std::size_t i = 0;
    const auto& rules = ingress ? policy.ingress : policy.egress;
    spec[ingress ? "ingress" : "egress"].each([&](Field json) {
      const crd::Rule& rule = rules[i++];
      if (rule.action == RuleAction::kPass)
        json["action"].invalid("found Pass, expected Allow, Drop or Reject on Nodes");
      if (!rule.l7_protocols.empty() ||
          std::ranges::any_of(rule.peers, [](const auto& peer) { return !peer.fqdn.empty(); }) ||
          std::ranges::any_of(rule.protocols,
                              [](const auto& protocol) { return protocol.igmp.has_value(); }))
        json.invalid("found fqdn, l7Protocols or igmp, expected none of them on Nodes");
    });
  }
}

void check_rules(Field spec, const crd::PolicySpec& policy) {
  std::set<std::string> names;
  for (const bool ingress : {true, false}) {
    std::size_t i = 0;
    const auto& rules = ingress ? policy.ingress : policy.egress;
    spec[ingress ? "ingress" : "egress"].each([&](Field json) {
      const crd::Rule& rule = rules[i++];
      if (!rule.name.empty() && !names.insert(rule.name).second)
        json["name"].invalid("found \"" + rule.name + "\" again, expected unique names");
      if (rule.action == RuleAction::kPass && policy.tier == crd::kBaselineTier)
        json["action"].invalid("found Pass, expected Allow, Drop or Reject in tier baseline");
    });
  }
}

crd::PolicySpec read_spec(Field spec, bool cluster) {
  crd::PolicySpec policy;
  policy.tier = spec["tier"].text(crd::kDefaultTier);
  if (policy.tier.empty()) policy.tier = crd::kDefaultTier;
  std::string lower = policy.tier;
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  for (const auto& [name, priority] : crd::kStaticTiers)
    if (lower == name) policy.tier = lower;
  const Field priority = spec["priority"];
  if (!priority.present()) priority.invalid("found nothing, expected 1 to 10000");
  policy.priority = priority.number(1);
  if (!(policy.priority >= 1 && policy.priority <= kMaxPriority))
    priority.invalid("found " + json::serialize(json::value(policy.priority)) +
                     ", expected 1 to 10000");
  policy.applied_to = spec["appliedTo"].list(
      [&](Field each) { return read_applied_to(each, {.cluster = cluster}); });
  for (const bool ingress : {true, false})
    (ingress ? policy.ingress : policy.egress) = spec[ingress ? "ingress" : "egress"].list(
        [&](Field each) { return read_rule(each, {.cluster = cluster, .ingress = ingress}); });
  if (!spec.ok()) return policy;
  check_applied_to(spec, policy);
  check_node_policy(spec, policy);
  check_rules(spec, policy);
  std::set<std::string> names;
  for (const auto* rules : {&policy.ingress, &policy.egress})
    for (const crd::Rule& rule : *rules) names.insert(rule.name);
  name_rules(policy.ingress, true, names);
  name_rules(policy.egress, false, names);
  return policy;
}

crd::PolicyStatus read_status(Field json) {
  return {json["phase"].optional(
              [](Field phase) { return phase.choice(kPhases, crd::PolicyPhase::kPending); }),
          json["observedGeneration"].int64(), json["currentNodesRealized"].int32(),
          json["desiredNodesRealized"].int32(), detail::read_conditions(json["conditions"])};
}

template <typename Policy>
Result<Policy> decode_policy(const json::value& json, std::string_view kind, bool cluster) {
  Document document(json);
  const Field root(document);
  Policy policy;
  policy.metadata = detail::read_object_meta(root["metadata"]);
  policy.spec = read_spec(root["spec"], cluster);
  policy.status = read_status(root["status"]);
  return std::move(document).finish(std::move(policy), kind);
}

// --- writing ---

json::object write_applied_to(const crd::AppliedTo& to) {
  json::object object;
  put(object, "podSelector", to.pod_selector);
  put(object, "namespaceSelector", to.namespace_selector);
  put(object, "externalEntitySelector", to.external_entity_selector);
  put(object, "group", to.group);
  if (to.service_account) object["serviceAccount"] = detail::to_json(*to.service_account);
  if (to.service) object["service"] = detail::to_json(*to.service);
  put(object, "nodeSelector", to.node_selector);
  return object;
}

json::object write_peer(const crd::NetworkPolicyPeer& peer) {
  json::object object;
  if (peer.ip_block) object["ipBlock"] = detail::to_json(*peer.ip_block);
  put(object, "podSelector", peer.pod_selector);
  put(object, "namespaceSelector", peer.namespace_selector);
  if (peer.namespaces) {
    json::object namespaces;
    if (peer.namespaces->match_self) namespaces["match"] = "Self";
    put(namespaces, "sameLabels", detail::to_json(peer.namespaces->same_labels));
    object["namespaces"] = std::move(namespaces);
  }
  put(object, "externalEntitySelector", peer.external_entity_selector);
  put(object, "group", peer.group);
  put(object, "fqdn", peer.fqdn);
  if (peer.service_account) object["serviceAccount"] = detail::to_json(*peer.service_account);
  put(object, "nodeSelector", peer.node_selector);
  if (peer.scope != crd::PeerScope::kCluster) object["scope"] = name_in(kScopes, peer.scope);
  return object;
}

json::object write_port(const crd::NetworkPolicyPort& port) {
  json::object object{{"protocol", to_string(port.protocol)}};
  if (port.port) object["port"] = detail::to_json(*port.port);
  put(object, "endPort", port.end_port);
  put(object, "sourcePort", port.source_port);
  put(object, "sourceEndPort", port.source_end_port);
  return object;
}

json::object write_protocol(const crd::NetworkPolicyProtocol& protocol) {
  json::object object;
  if (protocol.icmp) {
    json::object& icmp = object["icmp"].emplace_object();
    put(icmp, "icmpType", protocol.icmp->type);
    put(icmp, "icmpCode", protocol.icmp->code);
  }
  if (protocol.igmp) {
    json::object& igmp = object["igmp"].emplace_object();
    put(igmp, "igmpType", protocol.igmp->type);
    put(igmp, "groupAddress", protocol.igmp->group_address);
  }
  return object;
}

json::object write_l7_protocol(const crd::L7Protocol& protocol) {
  json::object object;
  if (protocol.http) {
    json::object& http = object["http"].emplace_object();
    put(http, "host", protocol.http->host);
    put(http, "method", protocol.http->method);
    put(http, "path", protocol.http->path);
  }
  if (protocol.tls) put(object["tls"].emplace_object(), "sni", protocol.tls->sni);
  return object;
}

json::object write_peer_service(const crd::PeerService& peer) {
  json::object object = detail::to_json(peer.service);
  if (peer.scope != crd::PeerScope::kCluster) object["scope"] = name_in(kScopes, peer.scope);
  return object;
}

json::object write_rule(const crd::Rule& rule, std::string_view peers) {
  json::object object{{"action", name_in(kActions, rule.action)}};
  put(object, peers, detail::to_array(rule.peers, write_peer));
  put(object, "ports", detail::to_array(rule.ports, write_port));
  put(object, "protocols", detail::to_array(rule.protocols, write_protocol));
  put(object, "l7Protocols", detail::to_array(rule.l7_protocols, write_l7_protocol));
  put(object, "toServices", detail::to_array(rule.to_services, write_peer_service));
  put(object, "name", rule.name);
  if (rule.enable_logging) object["enableLogging"] = true;
  put(object, "logLabel", rule.log_label);
  put(object, "appliedTo", detail::to_array(rule.applied_to, write_applied_to));
  return object;
}

json::array write_rules(const std::vector<crd::Rule>& rules, std::string_view peers) {
  return detail::to_array(rules, [peers](const auto& rule) { return write_rule(rule, peers); });
}

json::object write_status(const crd::PolicyStatus& status) {
  json::object object;
  if (status.phase) object["phase"] = name_in(kPhases, *status.phase);
  if (status.observed_generation != 0) object["observedGeneration"] = status.observed_generation;
  if (status.phase) {
    object["currentNodesRealized"] = status.current_nodes_realized;
    object["desiredNodesRealized"] = status.desired_nodes_realized;
  }
  put(object, "conditions", detail::to_json(status.conditions));
  return object;
}

template <typename Policy>
json::value write_policy(const Policy& policy, std::string_view kind) {
  json::object spec;
  put(spec, "tier", policy.spec.tier);
  spec["priority"] = policy.spec.priority;
  put(spec, "appliedTo", detail::to_array(policy.spec.applied_to, write_applied_to));
  put(spec, "ingress", write_rules(policy.spec.ingress, "from"));
  put(spec, "egress", write_rules(policy.spec.egress, "to"));
  json::object object{{"apiVersion", "crd.antrea.io/v1beta1"},
                      {"kind", kind},
                      {"metadata", encode(policy.metadata)},
                      {"spec", std::move(spec)}};
  put(object, "status", write_status(policy.status));
  return object;
}

}  // namespace

Result<crd::NetworkPolicy> decode_antrea_network_policy(const json::value& json) {
  return decode_policy<crd::NetworkPolicy>(json, "NetworkPolicy", false);
}
Result<crd::ClusterNetworkPolicy> decode_cluster_network_policy(const json::value& json) {
  return decode_policy<crd::ClusterNetworkPolicy>(json, "ClusterNetworkPolicy", true);
}

json::value encode(const crd::NetworkPolicy& policy) {
  return write_policy(policy, "NetworkPolicy");
}
json::value encode(const crd::ClusterNetworkPolicy& policy) {
  return write_policy(policy, "ClusterNetworkPolicy");
}

}  // namespace antrea::api
