#pragma once

#include <random>
#include <string>
#include <vector>

#include "antrea/api/controlplane.h"

/// Random control-plane objects in the form that decoders give: sorted members, no duplicates.
namespace antrea::api::controlplane::generate {

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}

  std::size_t below(std::size_t count) { return random_() % count; }
  bool coin() { return below(2) == 0; }
  std::string word() { return std::string(1 + below(8), static_cast<char>('a' + below(26))); }
  template <typename Make>
  auto some(std::size_t most, Make make) {
    std::vector<decltype(make())> all;
    for (std::size_t i = below(most + 1); i > 0; --i) all.push_back(make());
    return all;
  }
  template <typename Make>
  auto maybe(Make make) {
    using Value = decltype(make());
    return coin() ? std::optional<Value>(make()) : std::nullopt;
  }

  IpAddress address() {
    if (coin()) return IpAddress::v4(static_cast<std::uint32_t>(random_()));
    std::array<std::uint8_t, 16> bytes{0xfd};
    for (std::size_t i = 8; i < 16; ++i) bytes[i] = static_cast<std::uint8_t>(below(256));
    return IpAddress::v6(bytes);
  }
  IpPrefix prefix() {
    const IpAddress ip = address();
    return {ip, static_cast<unsigned>(below(ip.width() + 1))};
  }
  std::int32_t number() { return static_cast<std::int32_t>(below(65536)); }
  ObjectKey key() { return {word(), word()}; }

  Metadata meta() {
    Metadata meta;
    meta.name = meta.uid = word();
    if (coin()) meta.resource_version = std::to_string(below(1000));
    if (coin()) meta.generation = number();
    meta.initial_events_end = coin();
    return meta;
  }

  NetworkPolicyPeer peer() {
    NetworkPolicyPeer peer;
    peer.address_groups = some(2, [this] { return word(); });
    peer.ip_blocks = some(2, [this] {
      return IpBlock{prefix(), some(2, [this] { return prefix(); })};
    });
    peer.fqdns = some(1, [this] { return word(); });
    peer.to_services = some(1, [this] { return ServiceReference{word(), word()}; });
    peer.label_identities = some(2, [this] { return static_cast<std::uint32_t>(random_()); });
    return peer;
  }

  Service service() {
    constexpr ServiceProtocol kAll[] = {ServiceProtocol::kTcp, ServiceProtocol::kUdp,
                                        ServiceProtocol::kSctp, ServiceProtocol::kIcmp,
                                        ServiceProtocol::kIgmp};
    const auto any = [this] { return number(); };
    Service service;
    service.protocol = maybe([&] { return kAll[below(5)]; });
    service.port = maybe([this] {
      return coin() ? IntOrString{0, word()} : IntOrString{number(), {}};
    });
    service.end_port = maybe(any);
    service.icmp_type = maybe(any);
    service.icmp_code = maybe(any);
    service.igmp_type = maybe(any);
    if (coin()) service.group_address = "224.0.0.9";
    service.src_port = maybe(any);
    service.src_end_port = maybe(any);
    return service;
  }

  NetworkPolicyRule rule() {
    NetworkPolicyRule rule;
    rule.direction = coin() ? Direction::kIn : Direction::kOut;
    rule.peers = peer();
    rule.services = some(3, [this] { return service(); });
    rule.priority = static_cast<std::int32_t>(below(5)) - 1;
    rule.action = maybe([this] { return static_cast<RuleAction>(below(4)); });
    rule.enable_logging = coin();
    rule.applied_to_groups = some(2, [this] { return word(); });
    if (coin()) rule.name = word();
    if (coin()) rule.log_label = word();
    rule.l7_protocols = some(1, [this] {
      if (coin()) return L7Protocol{HttpProtocol{word(), "GET", "/"}, std::nullopt};
      return L7Protocol{std::nullopt, TlsProtocol{word()}};
    });
    return rule;
  }

  NetworkPolicy policy() {
    NetworkPolicy policy;
    policy.metadata = meta();
    policy.rules = some(4, [this] { return rule(); });
    policy.applied_to_groups = some(3, [this] { return word(); });
    policy.priority = maybe([this] { return static_cast<double>(number()) / 8; });
    policy.tier_priority = maybe([this] { return number(); });
    policy.source_ref = {static_cast<PolicyType>(below(6)), coin() ? word() : "", word(), word()};
    return policy;
  }

  GroupMember member() {
    GroupMember member;
    member.kind = static_cast<MemberKind>(below(4));
    member.key = member.kind == MemberKind::kNode ? ObjectKey{{}, word()} : key();
    member.ips = some(2, [this] { return address(); });
    member.ports = some(2, [this] {
      return NamedPort{number(), word(), coin() ? Protocol::kTcp : Protocol::kSctp};
    });
    return member;
  }
  std::vector<GroupMember> members() {
    auto all = some(6, [this] { return member(); });
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
  }
  EvaluatedPod evaluated_pod() { return {key(), word()}; }
  std::vector<EvaluatedPod> evaluated_pods() {
    auto all = some(6, [this] { return evaluated_pod(); });
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
  }

 private:
  std::mt19937_64 random_;
};

}  // namespace antrea::api::controlplane::generate
