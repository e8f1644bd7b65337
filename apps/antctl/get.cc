#include "get.h"

#include <algorithm>
#include <array>

#include "get_views.h"

namespace antrea::antctl {

namespace json = boost::json;

const json::value* find(const json::value& value, std::string_view path) {
  boost::system::error_code code;
  return value.find_pointer(path, code);
}

std::string text(const json::value& value, std::string_view path) {
  const auto* const found = find(value, path);
  if (found == nullptr || found->is_null()) return {};
  return found->is_string() ? std::string(found->get_string()) : json::serialize(*found);
}

std::size_t count(const json::value& value, std::string_view path) {
  const auto* const found = find(value, path);
  return found != nullptr && found->is_array() ? found->get_array().size() : 0;
}

json::array items(json::value answer) {
  if (const auto* const list = find(answer, "/items"); list != nullptr && list->is_array())
    return list->get_array();
  if (answer.is_array()) return std::move(answer.get_array());
  return {std::move(answer)};
}

std::string joined(const json::value& value, std::string_view path) {
  std::string all;
  if (const auto* const list = find(value, path); list != nullptr && list->is_array())
    for (const auto& each : list->get_array())
      all += (all.empty() ? "" : ",") +
             (each.is_string() ? std::string(each.get_string()) : json::serialize(each));
  return all.empty() ? "<none>" : all;
}

namespace {

constexpr std::array kViews{
    View{"networkpolicy", "networkpolicies",
         "policies as the controller computed them (from the controller)", network_policies},
    View{"policystatistics", "ps",
         "what each rule let through or denied on all Nodes (from the controller)",
         policy_statistics},
    View{"addressgroup", "addressgroups", "the Pods that rules name as peers (from the controller)",
         address_groups},
    View{"appliedtogroup", "appliedtogroups",
         "the Pods that policies are applied to (from the controller)", applied_to_groups},
    View{"egressgroup", "egressgroups", "the Pods that Egresses select (from the controller)",
         egress_groups},
    View{"egress", "egresses", "Egresses, their addresses and Nodes (from the controller)",
         egresses},
    View{"externalippools", "externalippool", "pools of Egress IPs (from the controller)",
         external_ip_pools},
    View{"memberlist", "ml", "the members that one agent knows (from it)", memberlist},
    View{"serviceexternalip", "seip",
         "addresses of Services from pools, and the Nodes that have them (from one agent)",
         service_external_ips},
    View{"podinterface", "podinterfaces", "the Pods' interfaces on one Node (from its agent)",
         pod_interfaces},
    View{"ovsflows", "of", "the flows of one Node, --table and --pod narrow them (from its agent)",
         ovs_flows},
    View{"services", "service", "the Services that one Node serves (from its agent)", services},
    View{"serviceendpoints", "se", "and the endpoints of each (from its agent)", service_endpoints},
    View{"ovsgroups", "og", "the groups of one Node, NAME is a number (from its agent)",
         ovs_groups},
    View{"agentinfo", "ai", "what one agent says of itself (from it)", agent_info},
};

}  // namespace

std::span<const View> views() { return kViews; }

const View* find_view(std::string_view name) {
  const auto found = std::ranges::find_if(
      kViews, [&](const View& view) { return view.name == name || view.also == name; });
  return found == kViews.end() ? nullptr : &*found;
}

}  // namespace antrea::antctl
