#pragma once

#include <chrono>

#include "antrea/base/asio.h"
#include "antrea/base/metrics.h"
#include "antrea/openflow/switch.h"
#include "antrea/proxy/balancer.h"
#include "antrea/proxy/sync_progress.h"

namespace antrea::agent {

/// Follows what Services change on its way into the switch, for health checks and metrics
/// (`antrea_proxy_*`; antrea: pkg/agent/proxy/metrics).
class ServiceSync {
 public:
  /// All of it outlives this.
  ServiceSync(boost::asio::any_io_executor executor, openflow::Switch& the_switch,
              const proxy::Balancer& balancer, MetricRegistry& metrics);

  /// To be called behind `Switch::prepare` of the changes.
  void changed();
  /// Counts what was told of Services or of endpoints, in this family.
  void count_services(Family family) { of(family).service_updates.add(); }
  void count_endpoints(Family family) { of(family).endpoint_updates.add(); }

  /// False once a change has waited for two minutes.
  bool healthy(TimePoint now) const { return progress_.healthy(now); }
  /// When the switch last had all of it.
  std::chrono::system_clock::time_point last_updated() const { return last_updated_; }

  /// Works until cancelled.
  boost::asio::awaitable<void> run();

 private:
  struct FamilyMetrics {
    FamilyMetrics(MetricRegistry& metrics, std::string_view family);
    Histogram& duration;
    Metric &services, &endpoints, &service_updates, &endpoint_updates;
  };
  FamilyMetrics& of(Family family) { return family == Family::kIPv4 ? v4_ : v6_; }

  openflow::Switch& switch_;
  const proxy::Balancer& balancer_;
  FamilyMetrics v4_, v6_;
  Signal changed_;
  proxy::SyncProgress progress_;
  std::chrono::system_clock::time_point last_updated_ = std::chrono::system_clock::now();
};

}  // namespace antrea::agent
