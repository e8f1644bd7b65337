// 10,000 Services of 10 endpoints on their way into a real Open vSwitch: from objects to what the
// switch has acknowledged, beside ovs-ofctl --bundle with the same groups and flows as text; then
// one endpoint more or less, acknowledged. And what kube-proxy would have the kernel load for the
// same Services, by nft and by iptables-restore. `proxy_switch_bench [SERVICES]`.
#include <sys/wait.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>

#include "antrea/openflow/switch.h"
#include "antrea/openflow/text.h"
#include "bench/proxy/kube_proxy_shapes.h"
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

// Loads a file into the kernel, and then ten changes of one Service each. Prints a line, also where
// the program is missing.
void by_kernel(const char* name, const std::vector<std::string>& load,
               const std::vector<std::string>& change, const std::string& file,
               const std::string& whole, const std::function<std::string(unsigned)>& one) {
  const auto timed = [&](std::vector<std::string> command, const std::string& text) {
    std::ofstream(file) << text;
    command.push_back(file);
    const auto start = Clock::now();
    return antrea::testing::run_command(command) == 0 ? seconds_since(start) : -1.0;
  };
  const double loaded = timed(load, whole);
  if (loaded < 0) {
    std::printf("%s: cannot be run here\n", name);
    return;
  }
  std::vector<double> each;
  for (unsigned i = 0; i < 10; ++i) each.push_back(timed(change, one(i)) * 1e3);
  std::ranges::sort(each);
  std::printf("%s: loaded in %.2f s; one Service changed: median %.1f ms\n", name, loaded,
              each[each.size() / 2]);
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
  const std::string file = ovs.dir() / "kube-proxy";
  const auto service = [&](unsigned i) { return i * 7919 % services; };
  by_kernel("nft, as kube-proxy", {"nft", "-f"}, {"nft", "-f"}, file,
            nft_table(services, endpoints),
            [&](unsigned i) { return nft_update(service(i), endpoints); });
  by_kernel("iptables-legacy-restore, as kube-proxy", {"iptables-legacy-restore"},
            {"iptables-legacy-restore", "--noflush"}, file, iptables_table(services, endpoints),
            [&](unsigned i) { return iptables_update(service(i), endpoints); });
  the_switch.stop();
  io.restart();
  io.run();
  return 0;
}

}  // namespace
}  // namespace antrea::proxy

int main(int argc, char** argv) {
  return antrea::proxy::measure(argc > 1 ? static_cast<unsigned>(std::stoul(argv[1])) : 10000, 10);
}
