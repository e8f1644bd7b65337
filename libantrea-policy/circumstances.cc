#include "circumstances.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "antrea/policy/name_pattern.h"

namespace antrea::policy {

namespace cp = api::controlplane;

namespace {

/// A name that `pattern` matches and as few others as possible do.
std::string name_for(std::string_view pattern) {
  std::string name;
  for (const char c : pattern)
    if (c == '*')
      name += "any-0name";
    else
      name += c;
  return name;
}

}  // namespace

bool Circumstance::is_at(const RuleBook::Rule& rule) const {
  return node_port && std::ranges::find(rule.at_node_ports, *service) != rule.at_node_ports.end();
}

bool Circumstance::meets(const RuleBook::Rule& rule) const {
  const cp::NetworkPolicyPeer& peer = rule.peer();
  if (service && std::ranges::find(peer.to_services, *service) != peer.to_services.end())
    return true;
  return std::ranges::any_of(peer.fqdns, [&](const std::string& pattern) {
    return std::ranges::any_of(
        names, [&](const std::string& name) { return matches_name(pattern, name); });
  });
}

Circumstances::Circumstances(const std::vector<const RuleBook*>& sides) {
  std::set<cp::ServiceReference> services, node_port_services;
  std::set<std::string> patterns;
  const auto is_everywhere = [&](const cp::ServiceReference& service) {
    return std::ranges::all_of(sides, [&](const RuleBook* side) {
      return side->services().contains({service.namespace_, service.name});
    });
  };
  for (const RuleBook* book : sides)
    for (const RuleBook::Rule& rule : book->rules()) {
      std::ranges::copy_if(rule.peer().to_services, std::inserter(services, services.end()),
                           is_everywhere);
      std::ranges::copy_if(rule.at_node_ports,
                           std::inserter(node_port_services, node_port_services.end()),
                           is_everywhere);
      patterns.insert(rule.peer().fqdns.begin(), rule.peer().fqdns.end());
    }
  all.emplace_back();
  for (const cp::ServiceReference& service : services) all.push_back({service, {}, false});
  for (const cp::ServiceReference& service : node_port_services) all.push_back({service, {}, true});
  add_names({patterns.begin(), patterns.end()});
}

void Circumstances::add_names(const std::vector<std::string>& patterns) {
  const std::size_t most = patterns.size() <= 6 ? patterns.size() : 3;
  left_out_names = most < patterns.size();
  std::set<std::vector<bool>> tried;
  std::vector<std::string> names;
  const auto add = [&](auto&& self, std::size_t from) -> void {
    if (!names.empty()) {
      std::vector<bool> matched;
      for (const std::string& pattern : patterns)
        matched.push_back(std::ranges::any_of(
            names, [&](const std::string& name) { return matches_name(pattern, name); }));
      if (tried.insert(matched).second) all.push_back({{}, names, false});
    }
    if (names.size() == most) return;
    for (std::size_t i = from; i < patterns.size(); ++i) {
      names.push_back(name_for(patterns[i]));
      self(self, i + 1);
      names.pop_back();
    }
  };
  add(add, 0);
}

TrafficFunction traffic_reaching(const api::ObjectKey* pod, const Circumstance& how,
                                 const std::vector<const RuleBook*>& sides) {
  TrafficFunction all(1);
  if (!how.service) return all;
  for (const RuleBook* book : sides) {
    const api::Service& service =
        *book->services().at({how.service->namespace_, how.service->name});
    std::vector<cp::NamedPort> names;
    if (!service.selector.empty()) {
      const api::Pod* object = pod != nullptr ? book->pod(*pod) : nullptr;
      if (object == nullptr || pod->namespace_ != how.service->namespace_)
        return TrafficFunction(0);
      const auto has = [&](const auto& label) {
        const auto found = object->metadata.labels.find(label.first);
        return found != object->metadata.labels.end() && found->second == label.second;
      };
      if (!std::ranges::all_of(service.selector, has)) return TrafficFunction(0);
      for (const api::Container& container : object->containers)
        for (const api::ContainerPort& port : container.ports)
          names.push_back({port.container_port, port.name, port.protocol});
    }
    std::vector<cp::Service> targets;
    for (const api::ServicePort& port : service.ports) {
      cp::Service& target = targets.emplace_back();
      target.protocol = cp::ServiceProtocol{static_cast<std::uint8_t>(port.protocol)};
      target.port = port.target_port;
      if (!port.target_port.is_name() && port.target_port.number == 0)
        target.port = api::IntOrString{port.port, {}};
    }
    if (targets.empty()) continue;  // nothing is known of its ports
    all = TrafficFunction::combine(all, TrafficFunction::region(targets, names),
                                   [](auto a, auto b) { return a & b; });
  }
  return all;
}

}  // namespace antrea::policy
