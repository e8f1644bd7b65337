#include <fmt/format.h>

#include <algorithm>

#include "get_views.h"

namespace antrea::antctl {
namespace {

namespace json = boost::json;

constexpr const char* kControlPlane = "/apis/controlplane.antrea.io/v1beta2/";
constexpr const char* kCrd = "/apis/crd.antrea.io/v1beta1/";

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

Result<Report> groups(const Sources& sources, std::string_view resource, const Filter& filter) {
  ANTREA_TRY(const json::array list, control_plane(sources, resource, filter));
  Report report{{"NAME", "COUNT", "PODS"}, {}, list};
  for (const auto& each : list)
    report.rows.push_back({text(each, "/metadata/name"),
                           std::to_string(count(each, "/groupMembers")), members(each)});
  return report;
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

}  // namespace

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

Result<Report> address_groups(const Sources& sources, const Filter& filter) {
  return groups(sources, "addressgroups", filter);
}

Result<Report> applied_to_groups(const Sources& sources, const Filter& filter) {
  return groups(sources, "appliedtogroups", filter);
}

Result<Report> egress_groups(const Sources& sources, const Filter& filter) {
  return groups(sources, "egressgroups", filter);
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

}  // namespace antrea::antctl
