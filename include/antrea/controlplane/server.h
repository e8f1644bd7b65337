#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "antrea/api/statistics.h"
#include "antrea/base/log.h"
#include "antrea/controlplane/store.h"
#include "antrea/kube/http_server.h"
#include "antrea/kube/resource_type.h"

namespace antrea::controlplane {

struct ServerOptions {
  StoreOptions store;
  /// What an agent reports about a policy.
  std::function<void(const api::controlplane::NetworkPolicyStatus&)> on_status;
  /// What an agent has counted.
  std::function<void(const api::controlplane::NodeStatsSummary&)> on_statistics;
  /// A watch is ended after a random time between these, so that agents spread over controllers.
  std::chrono::seconds min_watch{7200}, max_watch{14400};
  Logger logger;  ///< null: says nothing
};

/// Serves a `Store` on the control-plane API: discovery of the group, get, list and watch of
/// networkpolicies, addressgroups, appliedtogroups and evaluatedpods (field selectors nodeName and
/// metadata.name), POST or PUT networkpolicies/NAME/status and POST nodestatssummaries, in JSON and
/// Protobuf. Mount `handle`
/// at `kPath` of a kube::ApiServer or kube::HttpServer.
///
/// Until the first `publish` every request for objects is answered 503: an empty answer would tell
/// the agents to drop what they enforce. All calls are made on the executor.
class ANTREA_API Server {
 public:
  static constexpr std::string_view kPath = "/apis/controlplane.antrea.io";

  Server(boost::asio::any_io_executor executor, ServerOptions options = {});
  /// Ends all watches.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Takes the compiler's changes, none being fine, and tells the watchers.
  void publish(const api::controlplane::Changes& changes);
  void handle(kube::HttpRequest request, kube::HttpExchange exchange);
  /// What it serves, for the discovery of the server that it is mounted in.
  static std::vector<kube::ResourceType> resource_types();
  const Store& store() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace antrea::controlplane
