#include "rule_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "antrea/base/hash.h"
#include "index_maps.h"

namespace antrea::policy {
namespace {

namespace cp = api::controlplane;

/// Text in which no two different rules look alike: each field comes with its length.
class Digest {
 public:
  void add(std::string_view field) {
    text_ += std::to_string(field.size());
    text_ += ':';
    text_ += field;
  }
  void add(std::int64_t number) { add(std::string_view(std::to_string(number))); }
  template <typename Number>
  void add(const std::optional<Number>& number) {
    if (!number)
      add("-");
    else if constexpr (std::is_floating_point_v<Number>)
      add(std::string_view(fmt::format("{}", *number)));
    else
      add(static_cast<std::int64_t>(*number));
  }
  template <typename Range, typename Function>
  void add_each(const Range& range, Function function) {
    add(static_cast<std::int64_t>(range.size()));
    for (const auto& item : range) function(item);
  }
  std::string finish() const { return sha1_hex(text_, 16); }

 private:
  std::string text_;
};

void add_peer(Digest& digest, const cp::NetworkPolicyPeer& peer) {
  const auto text = [&](const std::string& item) { digest.add(item); };
  digest.add_each(peer.address_groups, text);
  digest.add_each(peer.ip_blocks, [&](const api::IpBlock& block) {
    digest.add(block.cidr.to_string());
    digest.add_each(block.except, [&](const IpPrefix& hole) { digest.add(hole.to_string()); });
  });
  digest.add_each(peer.fqdns, text);
  digest.add_each(peer.to_services, [&](const cp::ServiceReference& service) {
    digest.add(service.namespace_);
    digest.add(service.name);
  });
  digest.add_each(peer.label_identities, [&](std::uint32_t id) { digest.add(std::int64_t{id}); });
}

void add_service(Digest& digest, const cp::Service& service) {
  digest.add(service.protocol);
  digest.add(service.port ? service.port->to_string() : "-");
  digest.add(service.end_port);
  digest.add(service.icmp_type);
  digest.add(service.icmp_code);
  digest.add(service.igmp_type);
  digest.add(service.group_address);
  digest.add(service.src_port);
  digest.add(service.src_end_port);
}

}  // namespace

std::shared_ptr<const RuleIdentity> identify(const cp::NetworkPolicy& policy,
                                             const cp::NetworkPolicyRule& rule) {
  Digest digest;
  digest.add(static_cast<std::int64_t>(rule.direction));
  add_peer(digest, rule.peers);
  digest.add_each(rule.services, [&](const cp::Service& service) { add_service(digest, service); });
  digest.add(rule.name);
  digest.add(rule.action);
  digest.add(std::int64_t{rule.priority});
  digest.add(policy.priority);
  digest.add(policy.tier_priority);
  digest.add_each(applied_to_groups(policy, rule), [&](const auto& group) { digest.add(group); });
  digest.add(policy.metadata.name);
  digest.add(policy.metadata.uid);
  digest.add(policy.source_ref.to_string());
  digest.add(std::int64_t{rule.enable_logging});
  digest.add(rule.log_label);
  digest.add_each(rule.l7_protocols, [&](const cp::L7Protocol& protocol) {
    const cp::HttpProtocol http = protocol.http.value_or(cp::HttpProtocol{});
    digest.add(protocol.http ? "http" : "tls");
    digest.add(http.host);
    digest.add(http.method);
    digest.add(http.path);
    digest.add(protocol.tls ? protocol.tls->sni : std::string());
  });

  auto identity = std::make_shared<RuleIdentity>();
  identity->id = digest.finish();
  identity->policy = policy.source_ref;
  identity->direction = rule.direction;
  identity->action = rule.action;
  identity->name = rule.name;
  identity->log_label = rule.log_label;
  identity->enable_logging = rule.enable_logging;
  identity->tier_priority = policy.tier_priority;
  identity->policy_priority = policy.priority;
  identity->rule_priority = rule.priority;
  identity->layer7 = !rule.l7_protocols.empty();
  identity->igmp = std::ranges::any_of(rule.services, [](const cp::Service& service) {
    return service.protocol == cp::ServiceProtocol::kIgmp;
  });
  identity->learns_names = !rule.peers.fqdns.empty();
  return identity;
}

const std::vector<std::string>& applied_to_groups(const cp::NetworkPolicy& policy,
                                                  const cp::NetworkPolicyRule& rule) {
  return rule.applied_to_groups.empty() ? policy.applied_to_groups : rule.applied_to_groups;
}

std::string_view protocol_name(cp::ServiceProtocol protocol) {
  switch (protocol) {
    case cp::ServiceProtocol::kTcp:
      return "TCP";
    case cp::ServiceProtocol::kUdp:
      return "UDP";
    case cp::ServiceProtocol::kSctp:
      return "SCTP";
    case cp::ServiceProtocol::kIcmp:
      return "ICMP";
    case cp::ServiceProtocol::kIgmp:
      return "IGMP";
  }
  return {};
}

std::string services_text(std::span<const cp::Service> services) {
  std::string text;
  for (const cp::Service& service : services) {
    if (!text.empty()) text += ',';
    text += protocol_name(service.protocol.value_or(cp::ServiceProtocol::kTcp));
    if (service.port) text += '/' + service.port->to_string();
    if (service.end_port) text += fmt::format("-{}", *service.end_port);
    if (service.icmp_type) text += fmt::format("/type={}", *service.icmp_type);
    if (service.icmp_code) text += fmt::format("/code={}", *service.icmp_code);
    if (service.src_port) text += fmt::format("/src={}", *service.src_port);
    if (service.src_end_port) text += fmt::format("-{}", *service.src_end_port);
  }
  return text;
}

bool has_named_port(std::span<const cp::Service> services) {
  return std::ranges::any_of(
      services, [](const cp::Service& service) { return service.port && service.port->is_name(); });
}

std::vector<cp::Service> resolve(std::span<const cp::Service> services,
                                 std::span<const cp::NamedPort> ports) {
  std::vector<cp::Service> resolved;
  for (const cp::Service& service : services) {
    if (!service.port || !service.port->is_name()) {
      resolved.push_back(service);
      continue;
    }
    for (const cp::NamedPort& port : ports) {
      const cp::ServiceProtocol protocol{static_cast<std::uint8_t>(port.protocol)};
      if (port.name != service.port->name || (service.protocol && *service.protocol != protocol))
        continue;
      cp::Service numbered = service;
      numbered.protocol = protocol;
      numbered.port = api::IntOrString{port.port, {}};
      resolved.push_back(std::move(numbered));
    }
  }
  sort_unique(resolved);
  return resolved;
}

std::vector<IpPrefix> prefixes_of(std::span<const api::IpBlock> blocks) {
  std::vector<IpPrefix> prefixes;
  for (const api::IpBlock& block : blocks) {
    const std::vector<IpPrefix> rest = subtract(block.cidr, block.except);
    prefixes.insert(prefixes.end(), rest.begin(), rest.end());
  }
  sort_unique(prefixes);
  return prefixes;
}

}  // namespace antrea::policy
