#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>

#include "antrea/node/bridge.h"
#include "antrea/node/switch_facts.h"
#include "antrea/openflow/switch.h"
#include "antrea/ovsdb/vswitch.h"
#include "options.h"
#include "tasks.h"

namespace antrea::agent {

/// Open vSwitch as the agent sees it: its database with the bridge, and the conversation with the
/// switch. Errors say what of it is not there.
class OpenVSwitch {
 public:
  /// All of it outlives this.
  OpenVSwitch(Tasks& tasks, const Options& options, Logger logger)
      : tasks_(tasks), options_(options), logger_(std::move(logger)) {}

  /// Connects to the database; makes the bridge, its gateway and tunnel where they are missing, and
  /// tells what is plugged in. `mtu` is the gateway's.
  boost::asio::awaitable<Result<node::BridgeState>> plug_in(unsigned mtu);
  /// Then connects to the switch, which is not touched yet: what it holds decides on what it is
  /// told.
  boost::asio::awaitable<Result<node::SwitchFacts>> connect();

  ovsdb::VSwitch& database() { return *vswitch_; }
  openflow::Switch& flows() { return *switch_; }

 private:
  Tasks& tasks_;
  const Options& options_;
  Logger logger_;
  std::optional<ovsdb::Client> client_;
  std::optional<ovsdb::VSwitch> vswitch_;
  std::optional<node::Bridge> bridge_;
  std::optional<openflow::Switch> switch_;
};

}  // namespace antrea::agent
