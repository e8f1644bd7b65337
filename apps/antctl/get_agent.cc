#include <fmt/format.h>

#include "get_views.h"

namespace antrea::antctl {
namespace {

namespace json = boost::json;

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

}  // namespace

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

}  // namespace antrea::antctl
