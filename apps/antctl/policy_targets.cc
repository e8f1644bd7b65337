#include "policy_targets.h"

#include <fmt/format.h>

#include <algorithm>

#include "policy.h"

namespace antrea::antctl {
namespace {

namespace cp = api::controlplane;

template <typename Object>
const Object* find(const Objects& objects, const api::ObjectKey& key) {
  for (const policy::ObjectChange& object : objects)
    if (const auto* found = std::get_if<std::shared_ptr<const Object>>(&object);
        found != nullptr && api::key_of((*found)->metadata) == key)
      return found->get();
  return nullptr;
}

api::ObjectKey parse_key(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return {"default", std::string(text)};
  return {std::string(text.substr(0, slash)), std::string(text.substr(slash + 1))};
}

/// Of an address in front of Pods.
const api::Service* service_at(const Objects& objects, const IpAddress& ip) {
  for (const policy::ObjectChange& object : objects)
    if (const auto* service = std::get_if<std::shared_ptr<const api::Service>>(&object))
      for (const auto* ips :
           {&(*service)->cluster_ips, &(*service)->external_ips, &(*service)->load_balancer_ips})
        if (std::ranges::find(*ips, ip) != ips->end()) return service->get();
  return nullptr;
}

Result<std::vector<policy::ConversationEnd>> ends_of(const policy::Evaluator& evaluator,
                                                     const std::string& text) {
  if (const auto ip = IpAddress::parse(text)) return std::vector{evaluator.end_of(*ip)};
  const api::ObjectKey key = parse_key(text);
  std::vector<policy::ConversationEnd> ends;
  for (const IpAddress& ip : evaluator.addresses_of(key)) ends.push_back({key, ip});
  if (ends.empty())
    return make_error(Errc::kNotFound, "no such Pod takes part in the Pod network", "Pod " + text);
  return ends;
}

/// The first pair of one family.
Result<policy::Conversation> conversation_of(const std::vector<policy::ConversationEnd>& from,
                                             const std::vector<policy::ConversationEnd>& to) {
  for (const policy::ConversationEnd& a : from)
    for (const policy::ConversationEnd& b : to)
      if (a.ip.family() == b.ip.family()) {
        policy::Conversation c;
        c.from = a;
        c.to = b;
        return c;
      }
  return make_error(Errc::kInvalidArgument, "--from and --to have no address family in common");
}

bool has_port(cp::ServiceProtocol protocol) { return protocol != cp::ServiceProtocol::kIcmp; }

std::uint16_t declared_port(const Objects& objects, const std::optional<api::ObjectKey>& key,
                            cp::ServiceProtocol protocol) {
  const auto* pod = key ? find<api::Pod>(objects, *key) : nullptr;
  if (pod != nullptr)
    for (const api::Container& container : pod->containers)
      for (const api::ContainerPort& port : container.ports)
        if (static_cast<int>(port.protocol) == static_cast<int>(protocol))
          return static_cast<std::uint16_t>(port.container_port);
  return 80;
}

struct ChosenPort {
  const api::ServicePort* port = nullptr;
  bool by_node_port = false;
};

Result<ChosenPort> port_of(const api::Service& service, std::uint16_t port,
                           cp::ServiceProtocol protocol) {
  std::string all;
  for (const api::ServicePort& each : service.ports) {
    const bool same = static_cast<int>(each.protocol) == static_cast<int>(protocol);
    if (same && (each.port == port || (port == 0 && service.ports.size() == 1)))
      return ChosenPort{&each, false};
    if (same && port != 0 && each.node_port == port) return ChosenPort{&each, true};
    all += fmt::format("{}{}/{}", all.empty() ? "" : ", ", each.port, to_string(each.protocol));
    if (each.node_port != 0) all += fmt::format(" (NodePort {})", each.node_port);
  }
  return make_error(
      Errc::kNotFound,
      port == 0 ? "choose one of its ports by --port and --protocol: it has " + all
                : fmt::format("it has no port {}/{}, but {}", port, to_string(protocol), all),
      "Service " + api::key_of(service.metadata).to_string());
}

/// The number behind a Service's port at this Pod; nothing if it does not declare the name.
std::optional<std::uint16_t> target_port(const api::ServicePort& port, const api::Pod& pod) {
  if (!port.target_port.is_name())
    return static_cast<std::uint16_t>(port.target_port.number != 0 ? port.target_port.number
                                                                   : port.port);
  for (const api::Container& container : pod.containers)
    for (const api::ContainerPort& each : container.ports)
      if (each.name == port.target_port.name && each.protocol == port.protocol)
        return static_cast<std::uint16_t>(each.container_port);
  return std::nullopt;
}

/// With each Pod behind that port of the Service.
std::vector<policy::Conversation> conversations_to(const Objects& objects,
                                                   const policy::Evaluator& evaluator,
                                                   const std::vector<policy::ConversationEnd>& from,
                                                   const api::Service& service,
                                                   const ChosenPort& at) {
  const api::ObjectKey key = api::key_of(service.metadata);
  std::vector<policy::Conversation> conversations;
  if (service.selector.empty()) return conversations;
  for (const api::ObjectKey& pod : evaluator.pods()) {
    const auto* object = find<api::Pod>(objects, pod);
    if (object == nullptr || pod.namespace_ != key.namespace_ ||
        !api::LabelSelector{service.selector, {}}.matches(object->metadata.labels))
      continue;
    const auto number = target_port(*at.port, *object);
    std::vector<policy::ConversationEnd> to;
    for (const IpAddress& ip : evaluator.addresses_of(pod)) to.push_back({pod, ip});
    auto conversation = conversation_of(from, to);
    if (!number || !conversation) continue;
    conversation->protocol = cp::ServiceProtocol{static_cast<std::uint8_t>(at.port->protocol)};
    conversation->port = *number;
    conversation->by_node_port = at.by_node_port;
    if (!service.headless) conversation->service = {key.namespace_, key.name};
    conversations.push_back(*std::move(conversation));
  }
  return conversations;
}

Result<Targets> endpoints_of(const Objects& objects, const policy::Evaluator& evaluator,
                             const std::vector<policy::ConversationEnd>& from,
                             const api::Service& service, std::uint16_t port,
                             cp::ServiceProtocol protocol) {
  const api::ObjectKey key = api::key_of(service.metadata);
  const std::string name = "Service " + key.to_string();
  if (service.selector.empty())
    return make_error(Errc::kUnsupported,
                      "it has no selector: its endpoints are not among the objects", name);
  ANTREA_TRY(const ChosenPort at, port_of(service, port, protocol));
  Targets targets{key, conversations_to(objects, evaluator, from, service, at)};
  if (targets.conversations.empty())
    return make_error(Errc::kNotFound, "no Pod is behind this port of it", name);
  return targets;
}

}  // namespace

Result<Targets> find_targets(const Objects& objects, const policy::Evaluator& evaluator,
                             const std::string& from_text, const std::string& to_text,
                             std::uint16_t port, cp::ServiceProtocol protocol) {
  ANTREA_TRY(const auto from, ends_of(evaluator, from_text));
  const api::Service* service = nullptr;
  if (const auto ip = IpAddress::parse(to_text)) {
    service = service_at(objects, *ip);
  } else if (to_text.starts_with("service/")) {
    service = find<api::Service>(objects, parse_key(to_text.substr(8)));
    if (service == nullptr)
      return make_error(Errc::kNotFound, "there is no such Service",
                        "Service " + to_text.substr(8));
  } else if (evaluator.addresses_of(parse_key(to_text)).empty()) {
    service = find<api::Service>(objects, parse_key(to_text));
    if (service == nullptr)
      return make_error(Errc::kNotFound,
                        "no such Pod takes part in the Pod network, and there is no such Service",
                        to_text);
  }
  if (service != nullptr) return endpoints_of(objects, evaluator, from, *service, port, protocol);
  ANTREA_TRY(const auto to, ends_of(evaluator, to_text));
  ANTREA_TRY(auto conversation, conversation_of(from, to));
  conversation.protocol = protocol;
  conversation.port =
      port != 0 || !has_port(protocol) ? port : declared_port(objects, to.front().pod, protocol);
  return Targets{std::nullopt, {std::move(conversation)}};
}

std::vector<policy::Conversation> node_port_conversations(const Objects& objects,
                                                          const policy::Evaluator& evaluator,
                                                          const policy::ConversationEnd& from,
                                                          const cp::ServiceReference& service) {
  std::vector<policy::Conversation> all;
  const auto* object = find<api::Service>(objects, {service.namespace_, service.name});
  if (object == nullptr) return all;
  for (const api::ServicePort& port : object->ports)
    for (policy::Conversation& c :
         conversations_to(objects, evaluator, {from}, *object, {&port, true}))
      all.push_back(std::move(c));
  return all;
}

}  // namespace antrea::antctl
