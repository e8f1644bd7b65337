#include "get.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>

namespace antrea::antctl {
namespace {

namespace json = boost::json;

constexpr const char* kControlPlane = "/apis/controlplane.antrea.io/v1beta2/";
constexpr const char* kCrd = "/apis/crd.antrea.io/v1beta1/";

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

/// The objects of an answer that is a list or one object.
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

Result<json::array> objects(const Sources& sources, std::string_view group,
                            std::string_view resource, const Filter& filter) {
  ANTREA_TRY(json::value answer,
             sources.from_api(fmt::format("{}{}{}", group, resource,
                                          filter.name.empty() ? "" : "/" + filter.name)));
  return items(std::move(answer));
}

Result<json::array> control_plane(const Sources& sources, std::string_view resource,
                                  const Filter& filter) {
  return objects(sources, kControlPlane, resource, filter);
}

/// "default/frontend, default/backend1 + 3 more…"
std::string members(const json::value& group) {
  const auto* const list = find(group, "/groupMembers");
  if (list == nullptr || !list->is_array() || list->get_array().empty()) return "<none>";
  constexpr std::size_t kShown = 3;
  std::string names;
  const auto& all = list->get_array();
  for (std::size_t i = 0; i < std::min(kShown, all.size()); ++i)
    names += (i == 0 ? "" : ",") + text(all[i], "/pod/namespace") + "/" + text(all[i], "/pod/name");
  if (all.size() > kShown) names += fmt::format(" + {} more", all.size() - kShown);
  return names;
}

Result<Report> network_policies(const Sources& sources, const Filter& filter) {
  ANTREA_TRY(const json::array list, control_plane(sources, "networkpolicies", filter));
  Report report{{"NAME", "APPLIED-TO", "RULES", "SOURCE"}, {}, list};
  for (const auto& each : list)
    report.rows.push_back(
        {text(each, "/metadata/name"), joined(each, "/appliedToGroups"),
         std::to_string(count(each, "/rules")),
         fmt::format("{}:{}/{}", text(each, "/sourceRef/type"), text(each, "/sourceRef/namespace"),
                     text(each, "/sourceRef/name"))});
  return report;
}

/// A line for each rule, and for the policy as a whole where rules are not counted one by one.
Result<Report> policy_statistics(const Sources& sources, const Filter& filter) {
  constexpr const char* kStatistics = "/apis/stats.antrea.io/v1alpha1/";
  Report report{{"KIND", "POLICY", "RULE", "SESSIONS", "PACKETS", "BYTES", "SINCE"}, {}, {}};
  json::array all;
  for (const char* const resource :
       {"antreaclusternetworkpolicystats", "antreanetworkpolicystats", "networkpolicystats"}) {
    ANTREA_TRY(json::value answer, sources.from_api(std::string(kStatistics) + resource));
    for (json::value& each : items(std::move(answer))) {
      const std::string ns = text(each, "/metadata/namespace");
      const std::string name = (ns.empty() ? "" : ns + "/") + text(each, "/metadata/name");
      if (!filter.name.empty() && filter.name != name) continue;
      std::string kind = text(each, "/kind");
      if (kind.ends_with("Stats")) kind.resize(kind.size() - 5);
      const auto add = [&](const json::value& counted, const std::string& rule) {
        report.rows.push_back({kind, name, rule, text(counted, "/trafficStats/sessions"),
                               text(counted, "/trafficStats/packets"),
                               text(counted, "/trafficStats/bytes"),
                               text(each, "/metadata/creationTimestamp")});
      };
      const auto* const rules = find(each, "/ruleTrafficStats");
      if (rules == nullptr) add(each, "<all>");
      if (rules != nullptr)
        for (const auto& rule : rules->as_array()) add(rule, text(rule, "/name"));
      all.push_back(std::move(each));
    }
  }
  if (!filter.name.empty() && all.empty())
    return make_error(Errc::kNotFound, "there are no statistics of such a policy", filter.name,
                      "expected NAME of a ClusterNetworkPolicy or NAMESPACE/NAME");
  report.data = std::move(all);
  return report;
}

Result<Report> groups(const Sources& sources, std::string_view resource, const Filter& filter) {
  ANTREA_TRY(const json::array list, control_plane(sources, resource, filter));
  Report report{{"NAME", "COUNT", "PODS"}, {}, list};
  for (const auto& each : list)
    report.rows.push_back({text(each, "/metadata/name"),
                           std::to_string(count(each, "/groupMembers")), members(each)});
  return report;
}

Result<Report> address_groups(const Sources& sources, const Filter& filter) {
  return groups(sources, "addressgroups", filter);
}

Result<Report> applied_to_groups(const Sources& sources, const Filter& filter) {
  return groups(sources, "appliedtogroups", filter);
}

Result<Report> egress_groups(const Sources& sources, const Filter& filter) {
  return groups(sources, "egressgroups", filter);
}

/// "IPAllocated" or "IPAllocated: why not", for each condition.
std::string conditions(const json::value& object) {
  std::string all;
  if (const auto* const list = find(object, "/status/conditions");
      list != nullptr && list->is_array())
    for (const auto& each : list->get_array()) {
      all += (all.empty() ? "" : ", ") + text(each, "/type");
      if (text(each, "/status") != "True") all += ": not, " + text(each, "/message");
    }
  return all.empty() ? "<none>" : all;
}

Result<Report> egresses(const Sources& sources, const Filter& filter) {
  ANTREA_TRY(const json::array list, objects(sources, kCrd, "egresses", filter));
  Report report{{"NAME", "EGRESS-IP", "POOL", "NODE", "CONDITIONS"}, {}, list};
  for (const auto& each : list) {
    const bool several =
        find(each, "/spec/egressIPs") != nullptr || find(each, "/spec/externalIPPools") != nullptr;
    const auto shown = [&](std::string_view one, std::string_view all) {
      const std::string found = several ? joined(each, all) : text(each, one);
      return found.empty() ? "<none>" : found;
    };
    const std::string node = text(each, "/status/egressNode");
    report.rows.push_back({text(each, "/metadata/name"), shown("/spec/egressIP", "/spec/egressIPs"),
                           shown("/spec/externalIPPool", "/spec/externalIPPools"),
                           node.empty() ? "<none>" : node, conditions(each)});
  }
  return report;
}

Result<Report> external_ip_pools(const Sources& sources, const Filter& filter) {
  ANTREA_TRY(const json::array list, objects(sources, kCrd, "externalippools", filter));
  Report report{{"NAME", "RANGES", "TOTAL", "USED"}, {}, list};
  for (const auto& each : list) {
    std::string ranges;
    for (const auto& range : each.at("spec").at("ipRanges").as_array()) {
      const std::string cidr = text(range, "/cidr");
      ranges += (ranges.empty() ? "" : ",") +
                (cidr.empty() ? text(range, "/start") + "-" + text(range, "/end") : cidr);
    }
    report.rows.push_back({text(each, "/metadata/name"), ranges, text(each, "/status/usage/total"),
                           text(each, "/status/usage/used")});
  }
  return report;
}

Result<Report> memberlist(const Sources& sources, const Filter&) {
  ANTREA_TRY(json::value answer, sources.from_agent("/memberlist"));
  const json::array list = items(std::move(answer));
  Report report{{"NODE", "IP", "STATUS"}, {}, list};
  for (const auto& each : list)
    report.rows.push_back({text(each, "/nodeName"), text(each, "/ip"), text(each, "/status")});
  return report;
}

Result<Report> service_external_ips(const Sources& sources, const Filter& filter) {
  std::string target = "/serviceexternalip";
  if (const auto slash = filter.name.find('/'); slash != std::string::npos)
    target +=
        "?namespace=" + filter.name.substr(0, slash) + "&name=" + filter.name.substr(slash + 1);
  else if (!filter.name.empty())
    target += "?name=" + filter.name;
  ANTREA_TRY(json::value answer, sources.from_agent(target));
  const json::array list = items(std::move(answer));
  if (!filter.name.empty() && list.empty())
    return make_error(Errc::kNotFound, "no such Service has an address of an ExternalIPPool",
                      filter.name);
  Report report{
      {"NAMESPACE", "NAME", "EXTERNAL-IP-POOL", "EXTERNAL-IP", "ASSIGNED-NODE"}, {}, list};
  for (const auto& each : list) {
    const std::string node = text(each, "/assignedNode");
    report.rows.push_back({text(each, "/namespace"), text(each, "/serviceName"),
                           text(each, "/externalIPPool"), text(each, "/externalIP"),
                           node.empty() ? "<none>" : node});
  }
  return report;
}

Result<Report> pod_interfaces(const Sources& sources, const Filter& filter) {
  ANTREA_TRY(json::value answer, sources.from_agent("/podinterfaces"));
  json::array list = items(std::move(answer));
  if (!filter.name.empty()) {
    json::array some;
    for (auto& each : list)
      if (text(each, "/podNamespace") + "/" + text(each, "/podName") == filter.name ||
          text(each, "/podName") == filter.name)
        some.push_back(each);
    if (some.empty())
      return make_error(Errc::kNotFound, "there is no interface of this Pod on the Node",
                        filter.name);
    list = std::move(some);
  }
  Report report{
      {"NAMESPACE", "NAME", "INTERFACE-NAME", "IP", "MAC", "OF-PORT", "CONTAINER-ID"}, {}, list};
  for (const auto& each : list)
    report.rows.push_back({text(each, "/podNamespace"), text(each, "/podName"),
                           text(each, "/interfaceName"), joined(each, "/ips"), text(each, "/mac"),
                           text(each, "/ofPort"), text(each, "/containerID").substr(0, 11)});
  return report;
}

Result<Report> ovs_flows(const Sources& sources, const Filter& filter) {
  std::string target = "/ovsflows";
  if (!filter.table.empty()) target += "?table=" + filter.table;
  if (!filter.pod.empty()) target += (filter.table.empty() ? "?pod=" : "&pod=") + filter.pod;
  ANTREA_TRY(json::value answer, sources.from_agent(target));
  const json::array list = items(std::move(answer));
  Report report{{"TABLE", "PACKETS", "FLOW"}, {}, list};
  for (const auto& each : list)
    report.rows.push_back({text(each, "/table"), text(each, "/packets"), text(each, "/flow")});
  return report;
}

/// "10.96.0.10:80/TCP"
std::string place(const json::value& frontend) {
  const std::string ip = text(frontend, "/ip");
  return fmt::format(fmt::runtime(ip.find(':') == std::string::npos ? "{}:{}/{}" : "[{}]:{}/{}"),
                     ip, text(frontend, "/port"), text(frontend, "/protocol"));
}

Result<json::array> served(const Sources& sources, const Filter& filter) {
  ANTREA_TRY(
      json::value answer,
      sources.from_agent("/services" + (filter.name.empty() ? "" : "?service=" + filter.name)));
  json::array list = items(std::move(answer));
  if (!filter.name.empty() && list.empty())
    return make_error(Errc::kNotFound, "the Node serves no such Service", filter.name,
                      "expected NAMESPACE/NAME");
  return list;
}

Result<Report> services(const Sources& sources, const Filter& filter) {
  ANTREA_TRY(const json::array list, served(sources, filter));
  Report report{
      {"NAMESPACE", "NAME", "KIND", "ADDRESS", "GROUP", "ENDPOINTS", "AFFINITY"}, {}, list};
  for (const auto& service : list)
    for (const auto& each : service.at("frontends").as_array())
      report.rows.push_back({text(service, "/namespace"), text(service, "/name"),
                             text(each, "/kind"), place(each), text(each, "/group"),
                             std::to_string(count(each, "/endpoints")),
                             text(each, "/affinitySeconds") + "s"});
  return report;
}

Result<Report> service_endpoints(const Sources& sources, const Filter& filter) {
  ANTREA_TRY(const json::array list, served(sources, filter));
  Report report{{"NAMESPACE", "NAME", "ADDRESS", "ENDPOINT"}, {}, list};
  for (const auto& service : list)
    for (const auto& each : service.at("frontends").as_array())
      for (const auto& endpoint : each.at("endpoints").as_array())
        report.rows.push_back(
            {text(service, "/namespace"), text(service, "/name"), place(each),
             fmt::format("{} {}", text(endpoint, "/ip"), text(endpoint, "/port"))});
  return report;
}

Result<Report> ovs_groups(const Sources& sources, const Filter& filter) {
  ANTREA_TRY(json::value answer, sources.from_agent("/ovsgroups"));
  json::array list = items(std::move(answer));
  if (!filter.name.empty()) {
    json::array some;
    for (auto& each : list)
      if (text(each, "/group") == filter.name) some.push_back(each);
    list = std::move(some);
  }
  Report report{{"GROUP", "BUCKETS", "TEXT"}, {}, list};
  for (const auto& each : list)
    report.rows.push_back({text(each, "/group"), text(each, "/buckets"), text(each, "/text")});
  return report;
}

Result<Report> agent_info(const Sources& sources, const Filter&) {
  ANTREA_TRY(json::value answer, sources.from_agent("/agentinfo"));
  Report report{{"NODE", "VERSION", "PODS", "SERVICES", "POLICIES", "RULES", "SWITCH"}, {}, answer};
  report.rows.push_back(
      {text(answer, "/nodeName"), text(answer, "/version"), text(answer, "/localPods"),
       text(answer, "/services"), text(answer, "/networkPolicies"), text(answer, "/rules"),
       text(answer, "/switchSynced") == "true" ? "as desired" : "not as desired"});
  return report;
}

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
