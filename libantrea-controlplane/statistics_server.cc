#include "antrea/controlplane/statistics_server.h"

#include <array>
#include <boost/json.hpp>

#include "antrea/kube/openapi.h"

namespace antrea::controlplane {
namespace {

namespace json = boost::json;
using api::controlplane::PolicyType;
using kube::HttpResponse;

constexpr std::string_view kGroup = "stats.antrea.io";
constexpr std::string_view kVersion = "v1alpha1";
constexpr std::string_view kApiVersion = "stats.antrea.io/v1alpha1";

struct StatisticsResource {
  PolicyType type;
  std::string_view plural, kind;
  bool namespaced;
};
constexpr std::array kResources{
    StatisticsResource{PolicyType::kK8sNetworkPolicy, "networkpolicystats", "NetworkPolicyStats",
                       true},
    StatisticsResource{PolicyType::kAntreaNetworkPolicy, "antreanetworkpolicystats",
                       "AntreaNetworkPolicyStats", true},
    StatisticsResource{PolicyType::kAntreaClusterNetworkPolicy, "antreaclusternetworkpolicystats",
                       "AntreaClusterNetworkPolicyStats", false}};

const kube::ResourceTypes& served_types() {
  static const kube::ResourceTypes kTypes = [] {
    kube::ResourceTypes types;
    for (kube::ResourceType& type : StatisticsServer::resource_types()) types.add(std::move(type));
    return types;
  }();
  return kTypes;
}

HttpResponse refuse(int code, std::string_view reason, std::string message) {
  return HttpResponse::json(code, json::serialize(json::object{{"kind", "Status"},
                                                               {"apiVersion", "v1"},
                                                               {"metadata", json::object()},
                                                               {"status", "Failure"},
                                                               {"message", std::move(message)},
                                                               {"reason", reason},
                                                               {"code", code}}));
}

json::object column(std::string_view name, std::string_view type) {
  return {{"name", name},
          {"type", type},
          {"format", name == "Name" ? "name" : ""},
          {"description", ""},
          {"priority", 0}};
}

/// As kubectl asks for it (meta.k8s.io/v1 Table).
json::object table(std::span<const PolicyStatistics::Sum* const> sums) {
  json::array rows;
  for (const auto* const sum : sums) {
    json::object object = encode_statistics(*sum);
    rows.push_back(json::object{{"cells",
                                 {sum->policy.name, sum->traffic.sessions, sum->traffic.packets,
                                  sum->traffic.bytes, sum->since}},
                                {"object",
                                 {{"kind", "PartialObjectMetadata"},
                                  {"apiVersion", "meta.k8s.io/v1"},
                                  {"metadata", std::move(object["metadata"])}}}});
  }
  return {{"kind", "Table"},
          {"apiVersion", "meta.k8s.io/v1"},
          {"metadata", json::object()},
          {"columnDefinitions",
           {column("Name", "string"), column("Sessions", "integer"), column("Packets", "integer"),
            column("Bytes", "integer"), column("Created At", "date")}},
          {"rows", std::move(rows)}};
}

json::object list(const StatisticsResource& resource,
                  std::span<const PolicyStatistics::Sum* const> sums) {
  json::array items;
  for (const auto* const sum : sums) items.push_back(encode_statistics(*sum));
  return {{"kind", std::string(resource.kind) + "List"},
          {"apiVersion", kApiVersion},
          {"metadata", json::object()},
          {"items", std::move(items)}};
}

std::vector<std::string_view> parts_of(std::string_view path) {
  if (path.starts_with(StatisticsServer::kPath)) path.remove_prefix(StatisticsServer::kPath.size());
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    if (path.starts_with('/')) path.remove_prefix(1);
    const std::string_view part = path.substr(0, path.find('/'));
    if (!part.empty()) parts.push_back(part);
    path.remove_prefix(part.size());
  }
  return parts;
}

}  // namespace

void StatisticsServer::handle(const kube::HttpRequest& request, kube::HttpExchange exchange) const {
  const auto answer = [&](const json::object& object) {
    exchange.respond(HttpResponse::json(200, json::serialize(object)));
  };
  if (request.method != "GET")
    return exchange.respond(
        refuse(405, "MethodNotAllowed",
               "the server does not allow this method on the requested resource"));
  std::vector<std::string_view> parts = parts_of(request.path);
  if (parts.empty()) return answer(kube::api_group(served_types(), kGroup));
  if (parts == std::vector{kVersion})
    return answer(kube::api_resource_list(served_types(), kGroup, kVersion));
  std::optional<std::string_view> within;
  if (parts.size() > 3 && parts[1] == "namespaces") {
    within = parts[2];
    parts.erase(parts.begin() + 1, parts.begin() + 3);
  }
  const auto resource = parts.size() > 1 && parts[0] == kVersion
                            ? std::ranges::find(kResources, parts[1], &StatisticsResource::plural)
                            : kResources.end();
  const bool one = parts.size() == 3;
  if (resource == kResources.end() || parts.size() > 3 || (within && !resource->namespaced) ||
      (one && resource->namespaced && !within))
    return exchange.respond(
        refuse(404, "NotFound", "the server could not find the requested resource"));

  const bool as_table = request.header("Accept").find("as=Table") != std::string_view::npos;
  if (!one) {
    const auto sums = statistics_.list(resource->type, within);
    return answer(as_table ? table(sums) : list(*resource, sums));
  }
  const auto* const sum = statistics_.find(resource->type, within.value_or(""), parts[2]);
  if (sum == nullptr)
    return exchange.respond(refuse(404, "NotFound",
                                   std::string(resource->plural) + "." + std::string(kGroup) +
                                       " \"" + std::string(parts[2]) + "\" not found"));
  answer(as_table ? table({&sum, 1}) : encode_statistics(*sum));
}

std::vector<kube::ResourceType> StatisticsServer::resource_types() {
  std::vector<kube::ResourceType> types;
  for (const StatisticsResource& resource : kResources) {
    kube::ResourceType& type = types.emplace_back();
    type.group = kGroup;
    type.version = kVersion;
    type.kind = resource.kind;
    type.plural = resource.plural;
    type.namespaced = resource.namespaced;
    type.verbs = {"get", "list"};
  }
  return types;
}

}  // namespace antrea::controlplane
