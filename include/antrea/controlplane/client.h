#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "antrea/api/controlplane.h"
#include "antrea/api/statistics.h"
#include "antrea/base/clock.h"
#include "antrea/base/log.h"
#include "antrea/base/result.h"
#include "antrea/kube/rest_client.h"
#include "antrea/policy/rule_cache.h"

namespace antrea::controlplane {

struct ClientOptions {
  std::string node;
  /// Where the objects are kept for a start without controller, see `ObjectFiles`; empty: nowhere.
  std::string directory;

  /// Takes what changed, in order. The first batch holds the full sets of all three resources;
  /// after a watch was begun anew its resource comes as a full set again. An error ends the watch
  /// that the batch came from, which then begins anew.
  std::function<Result<>(std::vector<policy::RuleInput> batch)> on_rules;
  /// Takes all Pods of this Node that the controller has evaluated, sorted, once everything that
  /// concerns them has been handed to `on_rules`. Nothing: this controller does not tell, so
  /// waiting for a Pod must be bounded.
  std::function<void(std::optional<std::vector<api::controlplane::EvaluatedPod>>)> on_evaluated;

  /// Takes all EgressGroups with members on this Node, by name, whenever they change, before Pods
  /// that wait for them count as evaluated. Not set: they are not watched.
  std::function<void(const std::map<std::string, api::controlplane::EgressGroup>&)>
      on_egress_groups;

  Duration first_retry = std::chrono::milliseconds(500);
  Duration most_retry = std::chrono::seconds(5);
  /// Before a controller that serves no evaluatedpods is asked again.
  Duration unsupported_retry = std::chrono::minutes(5);
  /// Silence after which a watch that has not told everything yet (no BOOKMARK came) begins anew:
  /// Pods wait for it.
  Duration patience = std::chrono::seconds(30);
  /// Silence after which a watch counts as dead otherwise. Watches may be silent for as long as
  /// nothing changes; a controller ends them after at most four hours.
  Duration idle = std::chrono::hours(5);
  Logger logger;  ///< null: says nothing
};

/// The agent's side: watches the policies, groups and evaluated Pods of its Node and hands them on
/// (antrea: pkg/agent/controller/networkpolicy/networkpolicy_controller.go). Speaks with the
/// original's controller, too.
///
/// The objects of a new watch are held back until its BOOKMARK and then replace the set. While a
/// controller is away nothing is taken back. A watch that fails before its resource was ever
/// received takes it from the files; they are not read otherwise.
///
/// Use it on one strand.
class ANTREA_API Client {
 public:
  /// The transport must outlive it.
  Client(kube::ApiTransport& transport, ClientOptions options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Watches until cancelled. At most one at a time.
  boost::asio::awaitable<void> run();

  /// Whether the first batch was handed on.
  bool synced() const;
  /// Whether the three watches are open and complete (antrea: condition ControllerConnectionUp).
  bool connected() const;
  /// Reports how a policy fares on this Node.
  boost::asio::awaitable<Result<>> report(api::controlplane::NetworkPolicyStatus status);
  /// Reports what was counted here.
  boost::asio::awaitable<Result<>> report(api::controlplane::NodeStatsSummary summary);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace antrea::controlplane
