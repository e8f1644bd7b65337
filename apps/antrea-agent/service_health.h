#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "antrea/kube/http_server.h"
#include "antrea/proxy/balancer.h"
#include "service_sync.h"

namespace antrea::agent {

/// Answers the health checks of load balancers over HTTP, as kube-proxy does (antrea:
/// third_party/proxy/healthcheck): at each Service's healthCheckNodePort, 200 while this Node has a
/// ready endpoint of it, else 503; and at one port whether the Node itself should get traffic:
///
///   GET /livez    503 once a change of Services has waited for the switch for two minutes
///   GET /healthz  the same, and the Node is not about to go: not being deleted, without a taint
///                 ToBeDeletedByClusterAutoscaler
///
/// Both are 503 at any healthCheckNodePort too while the proxy is not healthy.
class ServiceHealth {
 public:
  /// `bind` is where /healthz is served; no port: nowhere. All of it outlives this.
  ServiceHealth(boost::asio::any_io_executor executor, const Remote& bind,
                const proxy::Balancer& balancer, const ServiceSync& sync, Logger logger);

  /// Listens at the ports and addresses that the balancer tells of now, and at no others. A port
  /// that somebody else has is logged and tried again the next time.
  void refresh();
  /// Whether this Node is to stay.
  void set_node_stays(bool stays) { node_stays_ = stays; }

 private:
  using Place = std::pair<api::ObjectKey, Remote>;
  struct PlaceLess {
    bool operator()(const Place& a, const Place& b) const;
  };

  kube::HttpResponse answer(const api::ObjectKey& service) const;
  kube::HttpResponse answer(const kube::HttpRequest& request) const;
  std::unique_ptr<kube::HttpServer> listen(const Remote& at, kube::HttpHandler handler);

  boost::asio::any_io_executor executor_;
  Remote bind_;
  const proxy::Balancer& balancer_;
  const ServiceSync& sync_;
  Logger logger_;
  bool node_stays_ = true;
  std::unique_ptr<kube::HttpServer> own_;
  std::map<Place, std::unique_ptr<kube::HttpServer>, PlaceLess> of_services_;
};

}  // namespace antrea::agent
