// 10,000 Services of 10 endpoints on their way into a real Open vSwitch: from objects to what the
// switch has acknowledged, beside ovs-ofctl --bundle with the same groups and flows as text; then
// one endpoint more or less, acknowledged.
#include <sys/wait.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdio>
#include <fstream>

#include "antrea/openflow/switch.h"
#include "antrea/openflow/text.h"
#include "bench/proxy/objects.h"
#include "tests/ovs/fixture.h"

namespace antrea::proxy {
namespace {

using Clock = std::chrono::steady_clock;
using antrea::testing::in;
using antrea::testing::run;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void ofctl(const std::string& command, const std::string& socket, const std::string& file) {
  if (antrea::testing::run_command(
          {"ovs-ofctl", "-OOpenFlow15", "--bundle", command, "unix:" + socket, file}) != 0)
    std::abort();
}

// The same groups and flows by ovs-ofctl, into a bridge of their own.
double by_ofctl(const antrea::testing::OpenVSwitch& ovs, const openflow::Changes& changes) {
  if (!ovs.add_bridge("br1")) std::abort();
  const std::string groups = ovs.dir() / "groups", flows = ovs.dir() / "flows";
  {
    std::ofstream to_groups(groups), to_flows(flows);
    for (const auto& group : changes.groups) to_groups << openflow::to_string(group) << "\n";
    for (const auto& flow : changes.flows) to_flows << openflow::to_string(flow) << "\n";
  }
  const auto start = Clock::now();
  ofctl("add-groups", ovs.bridge_socket("br1"), groups);
  ofctl("add-flows", ovs.bridge_socket("br1"), flows);
  return seconds_since(start);
}

int measure(unsigned services, unsigned endpoints) {
  if (!antrea::testing::enter_private_network()) return 1;
  antrea::testing::OpenVSwitch ovs;
  ovs.start_switch();
  if (!ovs.add_bridge()) return 1;
  boost::asio::io_context io(1);
  openflow::SwitchOptions options;
  options.connection.remote = "unix:" + ovs.bridge_socket();
  openflow::Switch the_switch(io.get_executor(), options);
  boost::asio::co_spawn(io, the_switch.run(), [](std::exception_ptr) {});
  the_switch.sync();
  if (!run(io, the_switch.wait_synced(in(std::chrono::seconds(10))))) return 1;

  const auto input = everything(services, endpoints);
  Balancer balancer({.node_name = "node-1"});
  auto start = Clock::now();
  auto changes = balancer.apply(input).pipeline;
  const double engine = seconds_since(start);
  const auto copy = changes;
  start = Clock::now();
  if (!run(io, the_switch.commit(std::move(changes)))) return 1;
  const double acknowledged = seconds_since(start);
  const double peer = by_ofctl(ovs, copy);
  std::printf("%u Services x %u: engine %.3f s, acknowledged after %.3f s more; ovs-ofctl %.3f s\n",
              services, endpoints, engine, acknowledged, peer);

  std::vector<double> each;
  for (unsigned i = 0; i < 500; ++i) {
    const auto changed = make_slice(i * 7 % services, endpoints - (i % 2));
    start = Clock::now();
    auto outcome = balancer.apply(changed);
    if (!outcome.empty() && !run(io, the_switch.commit(std::move(outcome.pipeline)))) return 1;
    if (i % 2 == 1) each.push_back(seconds_since(start) * 1e3);
  }
  std::ranges::sort(each);
  std::printf("one endpoint changed, acknowledged: p50 %.2f ms, p99 %.2f ms\n",
              each[each.size() / 2], each[each.size() * 99 / 100]);
  the_switch.stop();
  io.restart();
  io.run();
  return 0;
}

}  // namespace
}  // namespace antrea::proxy

int main() { return antrea::proxy::measure(10000, 10); }
