#include "conversation_terms.h"

#include <fmt/format.h>

#include "names_nothing.h"
#include "rule_text.h"

namespace antrea::policy {

namespace cp = api::controlplane;
namespace crd = api::crd;
namespace admin = api::admin;

namespace {

const api::Pod* pod_at(std::span<const ObjectChange> objects, const ConversationEnd& end) {
  if (!end.pod) return nullptr;
  for (const ObjectChange& object : objects)
    if (const auto* pod = std::get_if<std::shared_ptr<const api::Pod>>(&object);
        pod != nullptr && api::key_of((*pod)->metadata) == *end.pod)
      return pod->get();
  return nullptr;
}

}  // namespace

ConversationTerms::ConversationTerms(std::span<const ObjectChange> objects, const Conversation& c,
                                     cp::Direction direction)
    : conversation_(c),
      ingress_(direction == cp::Direction::kIn),
      peer_(ingress_ ? c.from : c.to),
      peer_pod_(pod_at(objects, peer_)),
      target_pod_(pod_at(objects, ingress_ ? c.to : c.from)) {}

bool ConversationTerms::has_port() const {
  return conversation_.protocol == cp::ServiceProtocol::kTcp ||
         conversation_.protocol == cp::ServiceProtocol::kUdp ||
         conversation_.protocol == cp::ServiceProtocol::kSctp;
}

api::Protocol ConversationTerms::protocol() const {
  return static_cast<api::Protocol>(static_cast<std::uint8_t>(conversation_.protocol));
}

std::string ConversationTerms::traffic() const {
  std::string text(protocol_name(conversation_.protocol));
  if (has_port()) text += fmt::format("/{}", conversation_.port);
  return text;
}

std::string ConversationTerms::peer() const {
  return peer_pod_ == nullptr ? peer_.ip.to_string() : "Pods labelled as " + peer_.pod->to_string();
}

std::string ConversationTerms::all() const {
  return fmt::format("({} {}, {})", ingress_ ? "from" : "to", peer(), traffic());
}

std::string ConversationTerms::field(std::size_t index) const {
  return field_of(ingress_ ? cp::Direction::kIn : cp::Direction::kOut, index);
}

api::NetworkPolicyPeer ConversationTerms::k8s_peer() const {
  api::NetworkPolicyPeer peer;
  if (peer_pod_ == nullptr) {
    peer.ip_block = api::IpBlock{IpPrefix::host(peer_.ip), {}};
  } else {
    peer.pod_selector = labels_of(*peer_pod_);
    peer.namespace_selector = namespace_of(*peer_pod_);
  }
  return peer;
}

std::vector<api::NetworkPolicyPort> ConversationTerms::k8s_ports() const {
  if (!has_port()) return {};
  return {{protocol(), api::IntOrString{conversation_.port, {}}, {}}};
}

crd::Rule ConversationTerms::native_rule(cp::RuleAction action) const {
  crd::Rule rule;
  rule.action = action;
  rule.name = "turn";
  api::NetworkPolicyPeer plain = k8s_peer();
  crd::NetworkPolicyPeer& peer = rule.peers.emplace_back();
  peer.ip_block = std::move(plain.ip_block);
  peer.pod_selector = std::move(plain.pod_selector);
  peer.namespace_selector = std::move(plain.namespace_selector);
  if (has_port())
    rule.ports.push_back({protocol(), api::IntOrString{conversation_.port, {}}, {}, {}, {}});
  if (conversation_.protocol == cp::ServiceProtocol::kIcmp)
    rule.protocols.push_back(
        {crd::IcmpProtocol{conversation_.icmp_type, conversation_.icmp_code}, {}});
  return rule;
}

std::optional<admin::Rule> ConversationTerms::admin_rule(cp::RuleAction action) const {
  if (ingress_ && peer_pod_ == nullptr) return std::nullopt;  // ingress rules know only Pods
  admin::Rule rule;
  rule.name = "turn";
  rule.action = action;
  admin::Peer& peer = rule.peers.emplace_back();
  if (peer_pod_ != nullptr)
    peer.pods = {namespace_of(*peer_pod_), labels_of(*peer_pod_)};
  else
    peer.networks.push_back(IpPrefix::host(peer_.ip));
  if (has_port())
    rule.ports.emplace_back(admin::PortRange{protocol(), conversation_.port, conversation_.port});
  return rule;
}

}  // namespace antrea::policy
