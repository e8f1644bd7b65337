#include "antrea/api/json.h"
#include "field.h"

namespace antrea::api {
namespace json = boost::json;
using detail::Document;
using detail::Field;
using detail::put;

namespace {

enum class PolicyDirection { kIngress, kEgress };
constexpr std::pair<std::string_view, PolicyDirection> kPolicyTypes[] = {
    {"Ingress", PolicyDirection::kIngress},
    {"Egress", PolicyDirection::kEgress},
};

NetworkPolicyPeer read_peer(Field json) {
  NetworkPolicyPeer peer;
  peer.pod_selector = json["podSelector"].optional(detail::read_label_selector);
  peer.namespace_selector = json["namespaceSelector"].optional(detail::read_label_selector);
  peer.ip_block = json["ipBlock"].optional(detail::read_ip_block);
  const bool selects = peer.pod_selector || peer.namespace_selector;
  if (!selects && !peer.ip_block)
    json.invalid("found an empty peer, expected podSelector, namespaceSelector or ipBlock");
  if (selects && peer.ip_block)
    json["ipBlock"].invalid("found ipBlock beside a selector, expected only one of them");
  return peer;
}

NetworkPolicyPort read_port(Field json) {
  NetworkPolicyPort port;
  port.protocol = detail::read_protocol(json["protocol"]);
  port.port = json["port"].optional([](Field field) {
    const IntOrString value = field.int_or_string();
    if (!value.is_name()) (void)field.int32(0, 1, detail::kMaxPort);
    return value;
  });
  const Field end = json["endPort"];
  port.end_port = end.optional([](Field field) { return field.int32(0, 1, detail::kMaxPort); });
  if (port.end_port && (!port.port || port.port->is_name()))
    end.invalid("found endPort without a numeric port, expected both");
  else if (port.end_port && *port.end_port < port.port->number)
    end.invalid("found " + std::to_string(*port.end_port) + ", expected at least port " +
                port.port->to_string());
  return port;
}

// `peers` is "from" or "to".
std::vector<NetworkPolicyRule> read_rules(Field json, std::string_view peers) {
  return json.list([peers](Field rule) {
    return NetworkPolicyRule{rule[peers].list(read_peer), rule["ports"].list(read_port)};
  });
}

void read_policy_types(Field spec, NetworkPolicy& policy) {
  bool given = false;
  spec["policyTypes"].each([&](Field type) {
    given = true;
    const auto direction = type.choice(kPolicyTypes, PolicyDirection::kIngress);
    (direction == PolicyDirection::kIngress ? policy.policy_ingress : policy.policy_egress) = true;
  });
  if (!given) {
    policy.policy_ingress = true;
    policy.policy_egress = !policy.egress.empty();
  }
}

json::object to_json(const NetworkPolicyPeer& peer) {
  json::object object;
  // An empty selector is not an absent one.
  if (peer.pod_selector) object["podSelector"] = encode(*peer.pod_selector);
  if (peer.namespace_selector) object["namespaceSelector"] = encode(*peer.namespace_selector);
  if (peer.ip_block) object["ipBlock"] = detail::to_json(*peer.ip_block);
  return object;
}

json::object to_json(const NetworkPolicyPort& port) {
  json::object object{{"protocol", to_string(port.protocol)}};
  if (port.port) object["port"] = detail::to_json(*port.port);
  if (port.end_port) object["endPort"] = *port.end_port;
  return object;
}

json::array to_json(const std::vector<NetworkPolicyRule>& rules, std::string_view peers) {
  return detail::to_array(rules, [peers](const NetworkPolicyRule& rule) {
    json::object object;
    put(object, "ports",
        detail::to_array(rule.ports, [](const auto& each) { return to_json(each); }));
    put(object, peers,
        detail::to_array(rule.peers, [](const auto& each) { return to_json(each); }));
    return object;
  });
}

}  // namespace

IpBlock detail::read_ip_block(Field json) {
  IpBlock block;
  if (!json["cidr"].present()) json["cidr"].required_text();
  block.cidr = json["cidr"].parsed(IpPrefix::parse);
  block.except = json["except"].list([&block](Field field) {
    const IpPrefix except = field.parsed(IpPrefix::parse);
    if (field.ok() && (!block.cidr.contains(except) || block.cidr == except))
      field.invalid("found " + except.to_string() + ", expected a part of " +
                    block.cidr.to_string());
    return except;
  });
  return block;
}

json::object detail::to_json(const IpBlock& block) {
  json::object object{{"cidr", block.cidr.to_string()}};
  put(object, "except", to_texts(block.except));
  return object;
}

Result<NetworkPolicy> decode_network_policy(const json::value& json) {
  Document document(json);
  const Field root(document), spec = root["spec"];
  NetworkPolicy policy;
  policy.metadata = detail::read_object_meta(root["metadata"]);
  policy.pod_selector = detail::read_label_selector(spec["podSelector"]);
  policy.ingress = read_rules(spec["ingress"], "from");
  policy.egress = read_rules(spec["egress"], "to");
  read_policy_types(spec, policy);
  return std::move(document).finish(std::move(policy), "NetworkPolicy");
}

json::value encode(const NetworkPolicy& policy) {
  json::object spec{{"podSelector", encode(policy.pod_selector)}};
  put(spec, "ingress", to_json(policy.ingress, "from"));
  put(spec, "egress", to_json(policy.egress, "to"));
  json::array types;
  if (policy.policy_ingress) types.emplace_back("Ingress");
  if (policy.policy_egress) types.emplace_back("Egress");
  put(spec, "policyTypes", std::move(types));
  return json::object{{"apiVersion", "networking.k8s.io/v1"},
                      {"kind", "NetworkPolicy"},
                      {"metadata", encode(policy.metadata)},
                      {"spec", std::move(spec)}};
}

}  // namespace antrea::api
