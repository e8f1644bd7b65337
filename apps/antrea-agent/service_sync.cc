#include "service_sync.h"

#include <fmt/format.h>

namespace antrea::agent {

namespace {

// As kube-proxy's: from a millisecond to half a minute.
std::vector<double> duration_bounds() {
  std::vector<double> bounds;
  for (double bound = 0.001; bounds.size() < 15; bound *= 2) bounds.push_back(bound);
  return bounds;
}

}  // namespace

ServiceSync::FamilyMetrics::FamilyMetrics(MetricRegistry& metrics, std::string_view family)
    : duration(metrics.histogram("antrea_proxy_sync_proxy_rules_duration_seconds",
                                 "From a change of Services to the switch's acknowledgment.",
                                 duration_bounds(), fmt::format("ip_family=\"{}\"", family))),
      services(metrics.gauge("antrea_proxy_total_services_installed",
                             "Ports of Services that are served.",
                             fmt::format("ip_family=\"{}\"", family))),
      endpoints(metrics.gauge("antrea_proxy_total_endpoints_installed",
                              "Endpoints that Services lead to.",
                              fmt::format("ip_family=\"{}\"", family))),
      service_updates(metrics.counter("antrea_proxy_total_services_updates",
                                      "Services told of by the API, new, changed or removed.",
                                      fmt::format("ip_family=\"{}\"", family))),
      endpoint_updates(
          metrics.counter("antrea_proxy_total_endpoints_updates",
                          "EndpointSlices told of by the API, new, changed or removed.",
                          fmt::format("ip_family=\"{}\"", family))) {}

ServiceSync::ServiceSync(boost::asio::any_io_executor executor, openflow::Switch& the_switch,
                         const proxy::Balancer& balancer, MetricRegistry& metrics)
    : switch_(the_switch),
      balancer_(balancer),
      v4_(metrics, "v4"),
      v6_(metrics, "v6"),
      changed_(std::move(executor)) {}

void ServiceSync::changed() {
  progress_.changed(std::chrono::steady_clock::now());
  changed_.notify();
}

boost::asio::awaitable<void> ServiceSync::run() {
  for (;;) {
    while (!progress_.waiting()) co_await changed_.wait();
    progress_.sent();
    openflow::Changes nothing;  // acknowledged behind all that was prepared before
    const auto acknowledged = co_await switch_.commit(std::move(nothing));
    if (!acknowledged) {  // the switch is away: it is brought in line when it is back
      progress_.lost();
      (void)co_await switch_.wait_synced(std::chrono::steady_clock::now() +
                                         proxy::SyncProgress::kPatience);
      continue;
    }
    const auto took = progress_.acknowledged(std::chrono::steady_clock::now());
    for (const Family family : {Family::kIPv4, Family::kIPv6}) {
      FamilyMetrics& metrics = of(family);
      metrics.duration.observe(std::chrono::duration<double>(took).count());
      metrics.services.set(static_cast<std::int64_t>(balancer_.port_count(family)));
      metrics.endpoints.set(static_cast<std::int64_t>(balancer_.endpoint_count(family)));
    }
    last_updated_ = std::chrono::system_clock::now();
  }
}

}  // namespace antrea::agent
