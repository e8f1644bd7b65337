#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <optional>
#include <span>

#include "antrea/api/core.h"
#include "antrea/base/asio.h"
#include "antrea/kube/informer.h"
#include "antrea/kube/write_queue.h"
#include "antrea/node/local_ports.h"
#include "antrea/proxy/node_port_local.h"
#include "options.h"

namespace antrea::agent {

/// What of the agent is about NodePortLocal: the API's objects on their way to sockets, to the
/// host's translations, and to the annotations of Pods, which follow once the ports lead there.
class NodePortLocalAgent {
 public:
  /// `set_up_host` makes the host translate what `translations` says then.
  NodePortLocalAgent(boost::asio::any_io_executor executor, const Options& options,
                     kube::ApiTransport& api, std::function<Result<>()> set_up_host, Logger logger);

  void take_services(std::span<const kube::Change> changes);
  /// All of them have been told.
  void services_known();
  /// This Node's object.
  void take_node(const api::Node& node);

  /// Absent until it is known which Pods have which ports: those of an earlier life are to stay.
  const std::optional<node::LocalPorts>& translations() const { return translations_; }

  /// "61000-62000"
  std::string port_range() const;

  /// Until cancelled. To be spawned once by the owner.
  boost::asio::awaitable<void> run();

 private:
  void take_pods(std::span<const kube::Change> changes);
  void begin_if_known();
  void follow(proxy::NodePortLocalOutcome outcome);
  void settle();
  void tell(const api::ObjectKey& pod);
  boost::asio::awaitable<void> keep();

  const Options& options_;
  Logger logger_;
  proxy::NodePortLocal engine_;
  node::LocalPortKeeper keeper_;
  kube::Informer pods_;
  kube::WriteQueue patches_;
  Signal changed_;
  std::optional<node::LocalPorts> translations_;
  proxy::NodePortLocalOutcome unsettled_;
  Backoff backoff_;
  std::optional<TimePoint> due_;  // when to settle; absent: there is nothing to do
  bool services_known_ = false, begun_ = false;
};

}  // namespace antrea::agent
