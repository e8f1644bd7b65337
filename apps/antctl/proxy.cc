#include "proxy.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <boost/program_options.hpp>

#include "antrea/openflow/text.h"
#include "antrea/proxy/explain.h"
#include "words.h"

namespace antrea::antctl {
namespace {

namespace json = boost::json;
namespace po = boost::program_options;

struct ProxyOptions {
  std::string from, node;
  bool kube_proxy = false, dsr = false;
};

constexpr std::string_view kUsage =
    "Usage: antctl proxy explain NAMESPACE/SERVICE[:PORT] --from WHO [-f PATH]... [OPTION]...\n\n"
    "Tells at which addresses a Node serves a Service, which endpoints a client is led to and why\n"
    "those, and the flows and groups of it. WHO is NAMESPACE/POD, the name of a Node, or an\n"
    "address; for one outside the cluster --node says where its packets come in. PORT is a name "
    "or\n"
    "number. A PATH is a file or folder of YAML or JSON, or \"cluster:\" for what a live API "
    "server\n"
    "has, which is also what is asked without -f. Exit codes: 0 done, 1 failed, 2 not "
    "understood.\n";
constexpr ExplainCommand kCommand{"proxy", kUsage, "Services", "NAMESPACE/SERVICE[:PORT]"};

struct View {
  std::string node;  // whose
  proxy::ExplainedClient client;
};

Result<View> find_view(const ProxyObjects& objects, const ProxyOptions& asked) {
  const auto of_pod = [&](const api::Pod& pod) {
    View view{pod.node_name, {}};
    if (!pod.pod_ips.empty()) view.client.address = pod.pod_ips.front();
    return view;
  };
  if (const auto slash = asked.from.find('/'); slash != std::string::npos) {
    const api::ObjectKey key{asked.from.substr(0, slash), asked.from.substr(slash + 1)};
    const auto pod = objects.pods.find(key);
    if (pod == objects.pods.end())
      return make_error(Errc::kNotFound, "find --from: there is no such Pod", asked.from);
    return of_pod(pod->second);
  }
  if (const auto node = objects.nodes.find(asked.from); node != objects.nodes.end()) {
    View view{node->first, {}};
    view.client.is_this_node = true;
    const auto& cidrs = node->second.pod_cidrs;  // its packets have the gateway's address
    if (!cidrs.empty()) view.client.address = cidrs.front().address().plus(1);
    return view;
  }
  const auto address = IpAddress::parse(asked.from);
  if (!address)
    return make_error(Errc::kNotFound, "find --from: neither a Pod, nor a Node, nor an address",
                      asked.from);
  for (const auto& [key, pod] : objects.pods)
    if (!pod.host_network && std::ranges::find(pod.pod_ips, *address) != pod.pod_ips.end())
      return of_pod(pod);
  View view{asked.node, {*address, false, false}};
  if (view.node.empty() && objects.nodes.size() == 1) view.node = objects.nodes.begin()->first;
  if (view.node.empty())
    return make_error(Errc::kInvalidArgument,
                      "explain for a client outside: at which Node its packets come in is not said",
                      asked.from, "give --node");
  return view;
}

proxy::NodeFacts facts_of(const ProxyObjects& objects, const std::string& self) {
  proxy::NodeFacts facts;
  for (const auto& [name, node] : objects.nodes) {
    facts.node_ips.insert(node.internal_ips.begin(), node.internal_ips.end());
    facts.node_ips.insert(node.external_ips.begin(), node.external_ips.end());
    if (name != self) continue;
    facts.node_port_addresses.insert(node.internal_ips.begin(), node.internal_ips.end());
    const auto zone = node.metadata.labels.find("topology.kubernetes.io/zone");
    if (zone != node.metadata.labels.end()) facts.zone = zone->second;
  }
  return facts;
}

std::string place(const IpAddress& ip, std::uint16_t port) {
  return ip.is_v4() ? fmt::format("{}:{}", ip.to_string(), port)
                    : fmt::format("[{}]:{}", ip.to_string(), port);
}

std::string address_of(const proxy::ExplainedFrontend& frontend, const proxy::NodeFacts& facts) {
  if (frontend.kind != proxy::FrontendKind::kNodePort)
    return place(frontend.frontend.ip, frontend.frontend.port);
  std::string all;
  for (const auto& ip : facts.node_port_addresses)
    if (ip.family() == frontend.frontend.ip.family())
      all += (all.empty() ? "" : ",") + place(ip, frontend.frontend.port);
  return all.empty() ? fmt::format("*:{}", frontend.frontend.port) : all;
}

// Rows for people; the same as data.
json::object show(const proxy::ExplainedFrontend& frontend, const proxy::NodeFacts& facts,
                  Report& report) {
  const std::string address = address_of(frontend, facts);
  const std::string policy =
      fmt::format("{}TrafficPolicy {}", frontend.policy_is_external ? "external" : "internal",
                  frontend.policy == api::TrafficPolicy::kLocal ? "Local" : "Cluster");
  const auto chosen = std::ranges::count_if(frontend.endpoints, proxy::is_chosen,
                                            &proxy::ExplainedEndpoint::reason);
  const std::string_view outcome = frontend.refused_by_source ? "dropped: not in the source ranges"
                                   : chosen == 0              ? "refused: no endpoint"
                                                              : "served";
  std::string title = fmt::format("{} {}/{}, {}, group {}: {}", proxy::to_string(frontend.kind),
                                  address, api::to_string(frontend.frontend.protocol), policy,
                                  frontend.group.value, outcome);
  if (frontend.affinity_timeout != 0)
    title += fmt::format(", the client stays for {} s", frontend.affinity_timeout);
  report.rows.push_back({std::move(title)});
  json::array endpoints;
  for (const auto& each : frontend.endpoints) {
    const bool used = proxy::is_chosen(each.reason) && !frontend.refused_by_source;
    const std::string share = used ? fmt::format("1/{}", chosen) : "-";
    const std::string pod = each.pod ? each.pod->to_string() : "<none>";
    report.rows.push_back({place(each.backend.ip, each.backend.port),
                           each.node.empty() ? "<none>" : each.node, pod, share,
                           std::string(proxy::describe(each.reason))});
    endpoints.push_back({{"address", each.backend.ip.to_string()},
                         {"port", each.backend.port},
                         {"node", each.node},
                         {"pod", each.pod ? json::value(pod) : json::value()},
                         {"chosen", used},
                         {"why", proxy::describe(each.reason)}});
  }
  report.rows.push_back({""});
  return {{"kind", proxy::to_string(frontend.kind)},
          {"address", address},
          {"protocol", api::to_string(frontend.frontend.protocol)},
          {"portName", frontend.port_name},
          {"policy", policy},
          {"group", frontend.group.value},
          {"affinitySeconds", frontend.affinity_timeout},
          {"outcome", outcome},
          {"endpoints", std::move(endpoints)}};
}

void show_pipeline(const openflow::Changes& pipeline, json::object& data, Report& report) {
  std::vector<std::string> lines;
  for (const auto& flow : pipeline.flows) lines.push_back(openflow::to_string(flow));
  std::ranges::sort(lines);
  report.rows.push_back({"flows:"});
  for (const auto& line : lines) report.rows.push_back({"  " + line});
  data["flows"] = json::array(lines.begin(), lines.end());
  lines.clear();
  for (const auto& group : pipeline.groups) lines.push_back(openflow::to_string(group));
  std::ranges::sort(lines);
  report.rows.push_back({"groups:"});
  for (const auto& line : lines) report.rows.push_back({"  " + line});
  data["groups"] = json::array(lines.begin(), lines.end());
}

bool is_wanted(const proxy::ExplainedFrontend& frontend, const std::string& port) {
  return port.empty() || port == frontend.port_name ||
         port == std::to_string(frontend.frontend.port);
}

Result<Report> explain(const ExplainWords& words, const ProxyOptions& asked) {
  const auto slash = words.subject.find('/');
  if (slash == std::string::npos)
    return make_error(Errc::kInvalidArgument, "expected NAMESPACE/SERVICE[:PORT]", words.subject);
  const auto colon = std::min(words.subject.find(':', slash), words.subject.size());
  const api::ObjectKey key{words.subject.substr(0, slash),
                           words.subject.substr(slash + 1, colon - slash - 1)};
  const std::string port =
      colon < words.subject.size() ? words.subject.substr(colon + 1) : std::string();
  ANTREA_TRY(const auto objects, load_proxy_objects(words.files, words.sources));
  const auto service = objects.services.find(key);
  if (service == objects.services.end())
    return make_error(Errc::kNotFound, "there is no such Service", key.to_string());
  ANTREA_TRY(const auto view, find_view(objects, asked));

  proxy::BalancerConfig config;
  config.node_name = view.node;
  config.proxy_all = !asked.kube_proxy;
  config.dsr = asked.dsr;
  const proxy::NodeFacts facts = facts_of(objects, view.node);
  std::vector<api::EndpointSlice> slices;
  for (const auto& [name, slice] : objects.slices) slices.push_back(slice);
  const auto explained = proxy::explain(service->second, slices, config, facts, view.client);

  Report report{{"ENDPOINT", "NODE", "POD", "SHARE", "WHY"}, {}, json::object()};
  json::object data{{"service", key.to_string()},
                    {"node", view.node},
                    {"from", asked.from},
                    {"address", view.client.address.to_string()}};
  json::array frontends;
  for (const auto& frontend : explained.frontends)
    if (is_wanted(frontend, port)) frontends.push_back(show(frontend, facts, report));
  if (frontends.empty())
    return make_error(Errc::kNotFound,
                      explained.frontends.empty()
                          ? "it is not served in this client's family: headless, ExternalName, or "
                            "another proxy's"
                          : "it has no such port",
                      words.subject);
  data["frontends"] = std::move(frontends);
  show_pipeline(explained.pipeline, data, report);
  report.data = std::move(data);
  return report;
}

}  // namespace

int run_proxy(const std::vector<std::string>& arguments) {
  ProxyOptions asked;
  po::options_description options;
  const auto text = [](auto& to, const char* name) { return po::value(&to)->value_name(name); };
  options.add_options()("from", text(asked.from, "WHO"), "the client")(
      "node", text(asked.node, "NODE"), "where an outside client's packets come in")(
      "kube-proxy", po::bool_switch(&asked.kube_proxy),
      "the agent runs without --proxy-all: node ports and external IPs are kube-proxy's")(
      "dsr", po::bool_switch(&asked.dsr), "the agent runs with --dsr");
  const auto words = read_explain(kCommand, options, arguments);
  if (words.exit_code) return *words.exit_code;
  if (asked.from.empty())
    return complain(kCommand, 2, "--from is missing (see antctl proxy --help)");
  return answer(kCommand, words.format, explain(words, asked));
}

}  // namespace antrea::antctl
