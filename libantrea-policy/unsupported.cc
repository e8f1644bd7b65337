#include "unsupported.h"

#include <algorithm>
#include <utility>

namespace antrea::policy {
namespace {

namespace crd = api::crd;

std::string element(std::string field, std::size_t index) {
  return std::move(field) + "[" + std::to_string(index) + "]";
}

class UnsupportedFields {
 public:
  explicit UnsupportedFields(const crd::PolicySpec& spec) : spec_(spec) {}

  std::vector<Refusal> run() && {
    look_at(spec_.applied_to, "appliedTo");
    for (std::size_t i = 0; i < spec_.ingress.size(); ++i)
      look_at(spec_.ingress[i], element("ingress", i), "from");
    for (std::size_t i = 0; i < spec_.egress.size(); ++i)
      look_at(spec_.egress[i], element("egress", i), "to");
    return std::move(found_);
  }

 private:
  void add(std::string field, std::string message) {
    found_.push_back({std::move(field), std::move(message)});
  }

  void look_at(const std::vector<crd::AppliedTo>& entries, const std::string& field) {
    for (std::size_t i = 0; i < entries.size(); ++i)
      if (entries[i].external_entity_selector)
        add(element(field, i) + ".externalEntitySelector",
            "found a selector of ExternalEntities, expected one of Pods: no agent enforces "
            "policies "
            "outside of Nodes; apply the policy to Pods and name the entities in peers");
  }

  void look_at(const crd::Rule& rule, const std::string& field, const char* peers) {
    look_at(rule.applied_to, field + ".appliedTo");
    if (!rule.l7_protocols.empty())
      add(field + ".l7Protocols",
          "found " + std::to_string(rule.l7_protocols.size()) +
              ", expected none: nothing looks into connections; allow or drop by ports and peers");
    for (std::size_t i = 0; i < rule.protocols.size(); ++i)
      if (rule.protocols[i].igmp)
        add(element(field + ".protocols", i) + ".igmp",
            "found IGMP, expected icmp: Nodes do not route multicast, so that there are no queries "
            "and reports to judge; leave the rule out");
    for (std::size_t i = 0; i < rule.peers.size(); ++i)
      if (rule.peers[i].scope == crd::PeerScope::kClusterSet)
        add(element(field + "." + peers, i) + ".scope",
            "found ClusterSet, expected Cluster: Pods of other clusters are not known; name their "
            "addresses in ipBlock");
    for (std::size_t i = 0; i < rule.to_services.size(); ++i)
      if (rule.to_services[i].scope == crd::PeerScope::kClusterSet)
        add(element(field + ".toServices", i) + ".scope",
            "found ClusterSet, expected Cluster: Services of other clusters are not known; name "
            "the Service of this cluster");
    const auto& applied_to = rule.applied_to.empty() ? spec_.applied_to : rule.applied_to;
    if (std::ranges::any_of(applied_to,
                            [](const auto& to) { return to.node_selector.has_value(); }))
      look_at_nodes(rule, field, peers);
    if (std::ranges::any_of(applied_to, [](const auto& to) { return to.service.has_value(); }))
      look_at_ports(rule, field, "Services");
  }

  /// What the packet filter of a Node cannot match.
  void look_at_nodes(const crd::Rule& rule, const std::string& field, const std::string& peers) {
    for (std::size_t i = 0; i < rule.peers.size(); ++i)
      if (rule.peers[i].namespaces)
        add(element(field + "." + peers, i) + ".namespaces",
            "found namespaces, expected another kind of peer on Nodes, which are in no Namespace; "
            "name a namespaceSelector");
    if (!rule.to_services.empty())
      add(field + ".toServices",
          "found Services, expected none of them on Nodes; name the Pods behind them in to");
    if (peers == "from") look_at_ports(rule, field, "Nodes");
  }

  void look_at_ports(const crd::Rule& rule, const std::string& field, const std::string& targets) {
    for (std::size_t i = 0; i < rule.ports.size(); ++i)
      if (rule.ports[i].port && rule.ports[i].port->is_name())
        add(element(field + ".ports", i) + ".port", "found \"" + rule.ports[i].port->to_string() +
                                                        "\", expected a number: " + targets +
                                                        " declare no names of ports");
  }

  const crd::PolicySpec& spec_;
  std::vector<Refusal> found_;
};

}  // namespace

std::vector<Refusal> find_unsupported(const crd::PolicySpec& spec) {
  return UnsupportedFields(spec).run();
}

}  // namespace antrea::policy
