#include "rest.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/json.hpp>

#include "antrea/api/pipeline.h"
#include "antrea/openflow/text.h"

namespace antrea::agent {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using kube::HttpExchange;
using kube::HttpRequest;
using kube::HttpResponse;

HttpResponse error_response(int status, const std::string& message) {
  return HttpResponse::json(status, json::serialize(json::object{{"message", message}}));
}

json::array pod_interfaces(const node::InterfaceStore& interfaces) {
  json::array list;
  for (const node::Interface* const each : interfaces.all(node::InterfaceType::kContainer)) {
    json::array ips;
    for (const IpAddress& ip : each->ips) ips.emplace_back(ip.to_string());
    list.push_back(json::object{{"podName", each->pod.name},
                                {"podNamespace", each->pod.namespace_},
                                {"interfaceName", each->name},
                                {"ips", std::move(ips)},
                                {"mac", each->mac.to_string()},
                                {"ofPort", each->ofport},
                                {"containerID", each->container_id}});
  }
  return list;
}

/// The Services that are served, or the one asked for by namespace/name.
json::array services(const proxy::Balancer& balancer, const std::string* wanted) {
  json::array list;
  for (const api::ObjectKey& key : balancer.services()) {
    if (wanted != nullptr && *wanted != key.to_string()) continue;
    json::array frontends;
    for (const proxy::ServedFrontend& served : balancer.served(key)) {
      json::array endpoints;
      for (const proxy::Backend& backend : served.backends)
        endpoints.push_back({{"ip", backend.ip.to_string()}, {"port", backend.port}});
      json::object frontend{{"kind", proxy::to_string(served.kind)},
                            {"ip", served.frontend.ip.to_string()},
                            {"port", served.frontend.port},
                            {"protocol", api::to_string(served.frontend.protocol)},
                            {"group", served.group.value},
                            {"affinitySeconds", served.affinity_timeout},
                            {"endpoints", std::move(endpoints)}};
      if (served.local_clients_group)
        frontend["groupOfLocalClients"] = served.local_clients_group->value;
      frontends.push_back(std::move(frontend));
    }
    list.push_back(json::object{
        {"namespace", key.namespace_}, {"name", key.name}, {"frontends", std::move(frontends)}});
  }
  return list;
}

json::array ovs_groups(const openflow::Switch& the_switch) {
  json::array list;
  for (const openflow::Group& group : the_switch.state().groups())
    list.push_back(json::object{{"group", group.id.value},
                                {"buckets", group.buckets.size()},
                                {"text", openflow::to_string(group)}});
  return list;
}

json::array memberlist(const egress::Gossip& gossip) {
  json::array out;
  for (const egress::Member& member : gossip.members())
    out.push_back(json::object{{"nodeName", member.name},
                               {"ip", member.endpoint.address.to_string()},
                               {"status", member.counts() ? "Alive" : "Dead"}});
  return out;
}

HttpResponse service_external_ips(const RestSources& sources, const HttpRequest& request) {
  if (sources.egress == nullptr) return error_response(503, "ServiceExternalIP is not enabled");
  json::array list;
  for (auto& each : sources.egress->services().describe(sources.egress->scheduler().placements())) {
    const auto wanted = [&](std::string_view key, const std::string* value) {
      return value == nullptr || value->empty() || each.at(key).as_string() == *value;
    };
    if (wanted("namespace", request.parameter("namespace")) &&
        wanted("serviceName", request.parameter("name")))
      list.push_back(std::move(each));
  }
  return HttpResponse::json(200, json::serialize(list));
}

json::object agent_info(const RestSources& sources) {
  const auto& statistics = sources.the_switch.statistics();
  json::object info{{"nodeName", sources.node_name},
                    {"version", ANTREA_VERSION},
                    {"switchSynced", sources.the_switch.synced()},
                    {"localPods", sources.interfaces.all(node::InterfaceType::kContainer).size()},
                    {"services", sources.datapath.balancer().service_count()},
                    {"networkPolicies", sources.datapath.rules().counts().policies},
                    {"rules", sources.datapath.rules().counts().rules},
                    {"flowsOfPolicies", sources.datapath.flow_compiler().counts().flows},
                    {"unevaluatedPods", sources.datapath.unevaluated_pods()},
                    {"openflow", json::object{{"syncs", statistics.syncs},
                                              {"bundles", statistics.bundles},
                                              {"messages", statistics.messages},
                                              {"refused", statistics.refused},
                                              {"repaired", statistics.repaired},
                                              {"lost", statistics.lost}}}};
  if (sources.node_port_local != nullptr) {
    info["nodePortLocalPortRange"] = sources.node_port_local->port_range();
    if (const auto& ports = sources.node_port_local->translations())
      info["nodePortLocalPorts"] = ports->size();
  }
  return info;
}

/// The flows that belong to a Pod name its port or one of its addresses.
bool concerns(const std::string& flow, const node::Interface& pod) {
  const auto holds = [&](const std::string& part) {
    const auto at = flow.find(part);
    if (at == std::string::npos) return false;
    const char next = at + part.size() < flow.size() ? flow[at + part.size()] : ' ';
    return std::isalnum(static_cast<unsigned char>(next)) == 0 && next != '.';
  };
  if (holds(fmt::format("in_port={}", pod.ofport)) ||
      holds(fmt::format("reg1={:#x}", pod.ofport)) || holds(pod.mac.to_string()))
    return true;
  for (const IpAddress& ip : pod.ips)
    if (holds("=" + ip.to_string())) return true;
  return false;
}

asio::awaitable<void> ovs_flows(RestSources sources, HttpRequest request, HttpExchange exchange) {
  openflow::FlowFilter filter;
  if (const auto* const name = request.parameter("table")) {
    const auto table = api::pipeline::table_of(*name);
    if (!table) {
      exchange.respond(error_response(400, "no table is called \"" + *name + "\""));
      co_return;
    }
    filter.table = openflow::TableId(static_cast<std::uint8_t>(*table));
  }
  const node::Interface* pod = nullptr;
  if (const auto* const key = request.parameter("pod")) {
    for (const node::Interface* const each :
         sources.interfaces.all(node::InterfaceType::kContainer))
      if (each->pod.to_string() == *key) pod = each;
    if (pod == nullptr) {
      exchange.respond(error_response(404, "no Pod " + *key + " on this Node"));
      co_return;
    }
  }
  const auto flows = co_await sources.the_switch.dump_flows(filter);
  if (!flows) {
    exchange.respond(error_response(503, flows.error().to_string()));
    co_return;
  }
  json::array list;
  for (const openflow::FlowStats& each : *flows) {
    std::string text = openflow::to_string(each.flow);
    if (pod != nullptr && !concerns(text, *pod)) continue;
    list.push_back(json::object{
        {"table", api::pipeline::name_of(static_cast<api::pipeline::Table>(each.flow.table.value))},
        {"flow", std::move(text)},
        {"packets", each.statistics.packets.value_or(0)},
        {"bytes", each.statistics.bytes.value_or(0)}});
  }
  exchange.respond(HttpResponse::json(200, json::serialize(list)));
}

}  // namespace

Result<std::unique_ptr<kube::HttpServer>> serve_rest(asio::any_io_executor executor,
                                                     const std::string& socket, RestSources sources,
                                                     Logger logger) {
  kube::HttpServerOptions options;
  options.listen = {Remote::Kind::kUnix, socket, 0};
  options.logger = std::move(logger);
  return kube::HttpServer::start(
      executor, std::move(options),
      [executor, sources](HttpRequest request, HttpExchange exchange) {
        if (request.method != "GET")
          exchange.respond(error_response(405, "only GET is served"));
        else if (request.path == "/healthz")
          exchange.respond(HttpResponse::text(200, "ok"));
        else if (request.path == "/metrics")
          exchange.respond(HttpResponse::text(200, sources.metrics.to_text()));
        else if (request.path == "/podinterfaces")
          exchange.respond(
              HttpResponse::json(200, json::serialize(pod_interfaces(sources.interfaces))));
        else if (request.path == "/memberlist" && sources.egress != nullptr)
          exchange.respond(
              HttpResponse::json(200, json::serialize(memberlist(sources.egress->gossip()))));
        else if (request.path == "/serviceexternalip")
          exchange.respond(service_external_ips(sources, request));
        else if (request.path == "/agentinfo")
          exchange.respond(HttpResponse::json(200, json::serialize(agent_info(sources))));
        else if (request.path == "/services")
          exchange.respond(
              HttpResponse::json(200, json::serialize(services(sources.datapath.balancer(),
                                                               request.parameter("service")))));
        else if (request.path == "/ovsgroups")
          exchange.respond(
              HttpResponse::json(200, json::serialize(ovs_groups(sources.the_switch))));
        else if (request.path == "/ovsflows")
          asio::co_spawn(executor, ovs_flows(sources, std::move(request), std::move(exchange)),
                         [](std::exception_ptr) {});
        else
          exchange.respond(error_response(404, "nothing is served at " + request.path));
      });
}

}  // namespace antrea::agent
