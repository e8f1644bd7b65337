#include "egress.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <map>

#include "antrea/api/egress_json.h"
#include "antrea/api/json.h"
#include "antrea/egress/explain.h"
#include "manifest_input.h"
#include "words.h"

namespace antrea::antctl {
namespace {

namespace json = boost::json;

constexpr std::string_view kUsage =
    "Usage: antctl egress explain NAMESPACE/POD [-f PATH]... [OPTION]...\n\n"
    "Tells with which address, from which Node, the traffic of a Pod leaves the cluster, why, and\n"
    "which Node takes over. A PATH is a file or folder of YAML or JSON, or \"cluster:\" for what "
    "a\n"
    "live API server has, which is also what is asked without -f. Nodes that are Ready count as\n"
    "alive, or all if none is. Exit codes: 0 done, 1 failed, 2 not understood.\n";
constexpr ExplainCommand kCommand{"egress", kUsage, "Pods", "NAMESPACE/POD"};

constexpr std::array kListings{
    Listing{"/api/v1/namespaces", true},
    Listing{"/api/v1/nodes", true},
    Listing{"/api/v1/pods", true},
    Listing{"/apis/crd.antrea.io/v1beta1/egresses", false},
    Listing{"/apis/crd.antrea.io/v1beta1/externalippools", false},
};

struct EgressObjects {
  std::map<api::ObjectKey, api::Pod> pods;
  std::map<std::string, api::Labels> namespaces;
  egress::ExplainInput input;
};

template <typename T, typename Take>
Result<> take_as(Result<T> decoded, Take take) {
  if (!decoded) return std::move(decoded).error();
  take(*std::move(decoded));
  return {};
}

Result<> add(const json::value& value, EgressObjects& objects) {
  const auto* kind = value.is_object() ? value.get_object().if_contains("kind") : nullptr;
  const std::string_view name =
      kind != nullptr && kind->is_string() ? std::string_view(kind->get_string()) : "";
  auto& input = objects.input;
  if (name == "Pod")
    return take_as(api::decode_pod(value),
                   [&](api::Pod pod) { objects.pods[api::key_of(pod.metadata)] = std::move(pod); });
  if (name == "Namespace")
    return take_as(api::decode_namespace(value), [&](const api::Namespace& each) {
      objects.namespaces[each.metadata.name] = each.metadata.labels;
    });
  if (name == "Node")
    return take_as(api::decode_node(value), [&](api::Node node) {
      if (node.ready) input.alive.insert(node.metadata.name);
      input.nodes.push_back(std::move(node));
    });
  if (name == "Egress")
    return take_as(api::decode_egress(value),
                   [&](api::crd::Egress each) { input.egresses.push_back(std::move(each)); });
  if (name == "ExternalIPPool")
    return take_as(api::decode_external_ip_pool(value),
                   [&](api::crd::ExternalIPPool each) { input.pools.push_back(std::move(each)); });
  return {};
}

std::string or_none(const std::string& text) { return text.empty() ? "<none>" : text; }

std::string why(const egress::ExplainedEgress& egress, const egress::ExplainedAddress& each) {
  if (!each.address.ip) return egress.why + "; its address is not allocated yet";
  if (each.placement.unowned != egress::Unowned::kNo)
    return egress.why + "; " + std::string(to_string(each.placement.unowned));
  return egress.why;
}

/// The way of a packet, for people.
std::string path_of(const api::Pod& pod, const std::vector<egress::ExplainedEgress>& egresses) {
  const std::string from =
      fmt::format("Pod {} on {}", api::key_of(pod.metadata).to_string(), pod.node_name);
  std::string path;
  for (const auto& egress : egresses)
    for (const auto& [address, placement, used] : egress.addresses) {
      if (!used || placement.owner.empty()) continue;
      path +=
          fmt::format("{}{} leaves as {}", path.empty() ? from + ": " : "; ",
                      placement.owner == pod.node_name ? "from its own Node"
                                                       : "through the tunnel to " + placement.owner,
                      address.ip->to_string());
    }
  if (path.empty())
    return from + ": does not leave the cluster until a Node has an address of Egress " +
           egresses.front().name;
  return path;
}

Result<Report> explain(const ExplainWords& words) {
  const auto slash = words.subject.find('/');
  if (slash == std::string::npos)
    return make_error(Errc::kInvalidArgument, "explain: expected NAMESPACE/POD", words.subject);
  const api::ObjectKey key{words.subject.substr(0, slash), words.subject.substr(slash + 1)};
  EgressObjects objects;
  for (const auto& path : words.files)
    ANTREA_CHECK(read_manifests(path, words.sources, kListings,
                                [&](const json::value& value) { return add(value, objects); }));
  const auto pod = objects.pods.find(key);
  if (pod == objects.pods.end())
    return make_error(Errc::kNotFound, "there is no such Pod", key.to_string());
  auto& input = objects.input;
  if (input.alive.empty())
    for (const auto& node : input.nodes) input.alive.insert(node.metadata.name);

  const auto explained = egress::explain(pod->second, objects.namespaces[key.namespace_], input);
  Report report{{"EGRESS", "CHOSEN", "ADDRESS", "POOL", "NODE", "STANDBY", "WHY"}, {}, {}};
  json::array list;
  for (const auto& each : explained.egresses)
    for (const auto& address : each.addresses) {
      const std::string ip = address.address.ip ? address.address.ip->to_string() : "";
      const auto& placed = address.placement;
      const bool chosen = address.used || (each.chosen && !address.address.ip);
      report.rows.push_back({each.name, chosen ? "yes" : "no", or_none(ip),
                             or_none(address.address.pool), or_none(placed.owner),
                             or_none(placed.standby), why(each, address)});
      list.push_back(json::object{{"egress", each.name},
                                  {"chosen", chosen},
                                  {"address", ip},
                                  {"pool", address.address.pool},
                                  {"node", placed.owner},
                                  {"standby", placed.standby},
                                  {"why", why(each, address)}});
    }
  std::string path = !explained.excluded.empty() ? fmt::format("Pod {}: no Egress is for it: {}",
                                                               key.to_string(), explained.excluded)
                     : explained.egresses.empty()
                         ? fmt::format("Pod {}: no Egress selects it; it leaves as its Node {}",
                                       key.to_string(), pod->second.node_name)
                         : path_of(pod->second, explained.egresses);
  if (report.rows.empty()) report.columns.clear();
  report.rows.push_back({path});
  report.data = json::object{{"pod", key.to_string()},
                             {"node", pod->second.node_name},
                             {"egresses", std::move(list)},
                             {"path", std::move(path)}};
  return report;
}

}  // namespace

int run_egress(const std::vector<std::string>& arguments) {
  const auto words = read_explain(kCommand, {}, arguments);
  if (words.exit_code) return *words.exit_code;
  return answer(kCommand, words.format, explain(words));
}

}  // namespace antrea::antctl
