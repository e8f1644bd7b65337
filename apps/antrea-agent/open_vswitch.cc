#include "open_vswitch.h"

#include <fmt/format.h>

#include "antrea/node/pipeline.h"

namespace antrea::agent {

using boost::asio::awaitable;
using namespace std::chrono_literals;

namespace {

constexpr Duration kDatabaseTimeout = 30s;
constexpr Duration kSwitchTimeout = 30s;

}  // namespace

awaitable<Result<node::BridgeState>> OpenVSwitch::plug_in(unsigned mtu) {
  ovsdb::ClientOptions client;
  client.remote = "unix:" + options_.ovs_run_dir + "/db.sock";
  client.monitor = ovsdb::VSwitch::monitored();
  client.logger = logger_;
  client_.emplace(tasks_.executor(), client);
  tasks_.spawn(client_->run());
  auto connected =
      co_await client_->wait_synced(std::chrono::steady_clock::now() + kDatabaseTimeout);
  if (!connected) {
    Error error =
        std::move(connected).error().within("connect to Open vSwitch's database", client.remote);
    error.remedy = "is ovsdb-server running, and --ovs-run-dir right?";
    co_return error;
  }
  vswitch_.emplace(*client_);

  node::BridgeOptions bridge;
  bridge.name = options_.bridge;
  bridge.datapath_type = options_.datapath_type;
  bridge.gateway_port = options_.gateway_port;
  bridge.tunnel_type = options_.tunnel_type;
  bridge.node_name = options_.node;
  bridge.mtu = mtu;
  bridge_.emplace(*vswitch_, bridge, logger_);
  co_return co_await bridge_->ensure();
}

awaitable<Result<node::SwitchFacts>> OpenVSwitch::connect() {
  openflow::SwitchOptions flows;
  flows.connection.remote = fmt::format("unix:{}/{}.mgmt", options_.ovs_run_dir, options_.bridge);
  flows.connection.logger = logger_;
  flows.table_names = node::pipeline_table_names();
  flows.resync_interval = 60s;
  flows.logger = logger_;
  switch_.emplace(tasks_.executor(), std::move(flows));
  switch_->on_refused(
      [this](const Error& error) { logger_->error("the switch refused: {}", error.to_string()); });
  tasks_.spawn(switch_->run());
  auto facts =
      co_await node::read_switch_facts(*switch_, std::chrono::steady_clock::now() + kSwitchTimeout);
  if (facts) co_return facts;
  Error error = std::move(facts).error().within("read the switch", options_.bridge);
  error.remedy = "is ovs-vswitchd running?";
  co_return error;
}

}  // namespace antrea::agent
