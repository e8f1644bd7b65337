// Endpoints come and go a hundred times a second while connections live.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <thread>

#include "tests/node/echo_servers.h"
#include "tests/node/packet_nodes.h"

namespace antrea::node {
namespace {

using namespace std::chrono_literals;
using lab::EchoClient;
using Clock = std::chrono::steady_clock;

constexpr std::uint16_t kFirstPort = 9000;
constexpr unsigned kConnections = 200, kChanges = 1000;
constexpr auto kInterval = 10ms;

// A Service whose endpoints are ports of one Pod, each in a slice of its own.
class ServiceChurn : public testing::Test {
 protected:
  void SetUp() override {
    if (!lab::can_switch())
      GTEST_SKIP() << "network namespaces or /dev/net/tun are not allowed here";
    node_.emplace(1);
    client_.emplace(*node_, "pod-a", 2);
    server_.emplace(*node_, "pod-b", 3);
    node_->set_up_host();
  }

  void serve(std::uint16_t count) {
    for (std::uint16_t i = 0; i < count; ++i)
      ports_.push_back(static_cast<std::uint16_t>(kFirstPort + i));
    servers_.emplace(server_->where, ports_);
    api::Service service;
    service.metadata.namespace_ = "default";
    service.metadata.name = "web";
    service.cluster_ips = {ip("10.96.0.10")};
    service.ports.push_back({.protocol = api::Protocol::kTcp, .port = 80});
    proxy::ServiceChanges all;
    all.services = {service};
    for (const std::uint16_t port : ports_) all.slices.push_back(slice(port));
    node_->commit(node_->balancer->apply(all).pipeline);
    present_.insert(ports_.begin(), ports_.end());
  }

  api::EndpointSlice slice(std::uint16_t port) const {
    api::EndpointSlice out;
    out.metadata.namespace_ = "default";
    out.metadata.name = "web-" + std::to_string(port);
    out.service_name = "web";
    out.ports.push_back({.name = "", .protocol = api::Protocol::kTcp, .port = port});
    out.endpoints.push_back({.addresses = {server_->address()}, .node_name = "node-1"});
    return out;
  }

  // One at random comes or goes; acknowledged by the switch.
  void change() {
    const std::uint16_t port = ports_[random_() % ports_.size()];
    if (present_.contains(port) && present_.size() > 1) {
      present_.erase(port);
      node_->ovs.send(
          "br-int",
          node_->balancer->remove_slice({"default", "web-" + std::to_string(port)}).pipeline);
      absent_[port].push_back({Clock::now(), Clock::time_point::max()});
    } else if (present_.insert(port).second) {
      absent_[port].back().second = Clock::now();
      node_->ovs.send("br-int", node_->balancer->apply(slice(port)).pipeline);
    }
  }

  EchoClient connect() const { return {client_->where, ip("10.96.0.10"), 80}; }

  // A new connection, and who has answered.
  struct Made {
    Clock::time_point begun, answered;
    std::uint16_t port;
  };
  Made make() const {
    Made made{Clock::now(), {}, 0};
    const EchoClient fresh = connect();
    made.port = fresh.ask();
    made.answered = Clock::now();
    return made;
  }
  // Led to an endpoint that was gone before it began, as acknowledged, and not back when it ended.
  bool astray(const Made& made) const {
    if (made.port == 0) return true;
    const auto found = absent_.find(made.port);
    return found != absent_.end() && std::ranges::any_of(found->second, [&](const auto& away) {
             return away.first < made.begun && made.answered < away.second;
           });
  }

  std::optional<Node> node_;
  std::optional<Pod> client_, server_;
  std::vector<std::uint16_t> ports_;
  std::optional<lab::EchoServers> servers_;
  std::set<std::uint16_t> present_;
  std::map<std::uint16_t, std::vector<std::pair<Clock::time_point, Clock::time_point>>> absent_;
  std::mt19937 random_{11};
};

// Of many endpoints each connection's first packet asks the tables themselves, so that what is
// acknowledged holds for the next connection.
TEST_F(ServiceChurn, BreaksNoConnectionAndLeadsNobodyAstray) {
  serve(80);
  std::vector<EchoClient> connections;
  std::vector<std::uint16_t> at;
  for (unsigned i = 0; i < kConnections; ++i) {
    connections.push_back(connect());
    at.push_back(connections.back().ask());
    ASSERT_TRUE(present_.contains(at.back())) << at.back();
  }
  std::atomic<bool> over = false;
  std::vector<Made> made;
  unsigned broken = 0;
  std::thread clients([&] {
    while (!over)
      for (unsigned i = 0; i < kConnections; ++i) {
        broken += connections[i].ask() == at[i] ? 0 : 1;
        if (i % 4 == 0) made.push_back(make());
      }
  });
  const auto start = Clock::now();
  auto due = start;
  for (unsigned i = 0; i < kChanges; ++i) {
    std::this_thread::sleep_until(due += kInterval);  // the rate is what is tested
    change();
  }
  const std::chrono::duration<double> took = Clock::now() - start;
  over = true;
  clients.join();
  EXPECT_EQ(std::ranges::count_if(made, [&](const Made& each) { return astray(each); }), 0)
      << "of " << made.size();
  EXPECT_GT(made.size(), 100U);
  EXPECT_EQ(broken, 0U);
  RecordProperty("changes_per_second", static_cast<int>(kChanges / took.count()));
  RecordProperty("connections_made", static_cast<int>(made.size()));
}

// Of few endpoints the choice is cached with the flows of the datapath, which follow a little
// later.
TEST_F(ServiceChurn, CachedChoicesFollow) {
  serve(8);
  for (unsigned i = 0; i < 10; ++i) {
    change();
    node_->ovs.appctl({"revalidator/wait"});
    for (unsigned n = 0; n < 10; ++n) EXPECT_FALSE(astray(make())) << "change " << i;
  }
}

}  // namespace
}  // namespace antrea::node
