#include "service_health.h"

#include <fmt/chrono.h>

#include <boost/json.hpp>
#include <tuple>

namespace antrea::agent {

namespace json = boost::json;

namespace {

std::string time_text(std::chrono::system_clock::time_point time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}Z",
                     fmt::gmtime(std::chrono::floor<std::chrono::seconds>(time)));
}

}  // namespace

ServiceHealth::ServiceHealth(boost::asio::any_io_executor executor, const Remote& bind,
                             const proxy::Balancer& balancer, const ServiceSync& sync,
                             Logger logger)
    : executor_(std::move(executor)),
      bind_(bind),
      balancer_(balancer),
      sync_(sync),
      logger_(std::move(logger)) {}

bool ServiceHealth::PlaceLess::operator()(const Place& a, const Place& b) const {
  return std::tie(a.first, a.second.address, a.second.port) <
         std::tie(b.first, b.second.address, b.second.port);
}

std::unique_ptr<kube::HttpServer> ServiceHealth::listen(const Remote& at,
                                                        kube::HttpHandler handler) {
  kube::HttpServerOptions options;
  options.listen = at;
  options.logger = logger_;
  auto server = kube::HttpServer::start(executor_, std::move(options), std::move(handler));
  if (server) return *std::move(server);
  logger_->error("health checks: {}", server.error().to_string());
  return nullptr;
}

void ServiceHealth::refresh() {
  if (!own_ && bind_.port != 0)
    own_ = listen(bind_, [this](kube::HttpRequest request, kube::HttpExchange exchange) {
      exchange.respond(answer(request));
    });

  std::set<Place, PlaceLess> wanted;
  for (const auto& [service, check] : balancer_.host().health_checks)
    for (const auto& address : balancer_.node().node_port_addresses)
      wanted.insert({service, {Remote::Kind::kTcp, address.to_string(), check.port, true}});
  std::erase_if(of_services_, [&](const auto& each) { return !wanted.contains(each.first); });
  for (const Place& place : wanted) {
    if (of_services_.contains(place)) continue;
    auto server = listen(place.second, [this, service = place.first](kube::HttpRequest,
                                                                     kube::HttpExchange exchange) {
      exchange.respond(answer(service));
    });
    if (server) of_services_.emplace(place, std::move(server));
  }
}

kube::HttpResponse ServiceHealth::answer(const api::ObjectKey& service) const {
  const auto& checks = balancer_.host().health_checks;
  const auto found = checks.find(service);
  const std::size_t count = found == checks.end() ? 0 : found->second.local_endpoints;
  const bool proxy_healthy = sync_.healthy(std::chrono::steady_clock::now());
  auto response = kube::HttpResponse::json(
      count != 0 && proxy_healthy ? 200 : 503,
      json::serialize(json::object{
          {"service", json::object{{"namespace", service.namespace_}, {"name", service.name}}},
          {"localEndpoints", count},
          {"serviceProxyHealthy", proxy_healthy}}));
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  response.headers.emplace_back("X-Load-Balancing-Endpoint-Weight", std::to_string(count));
  return response;
}

kube::HttpResponse ServiceHealth::answer(const kube::HttpRequest& request) const {
  if (request.path != "/healthz" && request.path != "/livez")
    return kube::HttpResponse::text(404, "nothing is served at " + request.path);
  const auto now = std::chrono::system_clock::now();
  const bool healthy = sync_.healthy(std::chrono::steady_clock::now());
  // While nothing waits, what there is is up to date now.
  const std::string updated = time_text(healthy ? now : sync_.last_updated());
  json::object families;
  for (const char* const family : {"IPv4", "IPv6"})
    families[family] = json::object{{"lastUpdated", updated}, {"healthy", healthy}};
  const bool ok = healthy && (node_stays_ || request.path == "/livez");
  return kube::HttpResponse::json(ok ? 200 : 503,
                                  json::serialize(json::object{{"lastUpdated", updated},
                                                               {"currentTime", time_text(now)},
                                                               {"nodeEligible", node_stays_},
                                                               {"healthy", healthy},
                                                               {"status", std::move(families)}}));
}

}  // namespace antrea::agent
