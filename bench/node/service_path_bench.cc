// What it costs to go through a cluster IP: requests on connections that stand, and new
// connections, beside the same at the Pod's own address, turn by turn. One Node, its switch in
// userspace. Ratios are of each turn, since the machine's speed differs from one to the next.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>

#include "tests/node/echo_service.h"

namespace antrea::node {
namespace {

using Clock = std::chrono::steady_clock;
constexpr unsigned kRounds = 15, kRequests = 2000, kConnections = 500;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

struct Path {
  std::string name;
  IpAddress to;
  std::uint16_t port;
  std::vector<double> requests{}, latencies{}, connections{};  // a second; us; a second

  // In the client's namespace.
  bool measure() {
    const lab::EchoClient client(to, port);
    std::vector<double> each;
    auto start = Clock::now();
    for (unsigned i = 0; i < kRequests; ++i) {
      const auto asked = Clock::now();
      if (client.ask() == 0) return false;
      each.push_back(seconds_since(asked) * 1e6);
    }
    requests.push_back(kRequests / seconds_since(start));
    latencies.push_back(median(std::move(each)));
    start = Clock::now();
    for (unsigned i = 0; i < kConnections; ++i)
      if (lab::EchoClient(to, port).ask() == 0) return false;
    connections.push_back(kConnections / seconds_since(start));
    return true;
  }

  void print(const Path& direct) const {
    const auto ratio = [&](const std::vector<double> Path::*of) {
      std::vector<double> each;
      for (std::size_t i = 0; i < (this->*of).size(); ++i)
        each.push_back((this->*of)[i] / (direct.*of)[i]);
      return median(std::move(each));
    };
    std::printf(
        "%-26s %7.0f requests/s (%.2f)  median %5.1f us (%.2f)  %6.0f new connections/s (%.2f)\n",
        name.c_str(), median(requests), ratio(&Path::requests), median(latencies),
        ratio(&Path::latencies), median(connections), ratio(&Path::connections));
  }
};

int measure() {
  if (!lab::can_switch()) return std::puts("needs network namespaces and /dev/net/tun"), 1;
  EchoWorld world(80);
  std::vector<Path> paths{{"Pod address", world.server.address(), world.ports.front()}};
  std::vector<EchoService> services;
  for (const std::size_t endpoints : {1, 10, 80}) {
    services.emplace_back(world, static_cast<std::uint8_t>(10 + services.size()), endpoints);
    paths.push_back(
        {"cluster IP, " + std::to_string(endpoints) + " endpoints", services.back().address(), 80});
  }
  bool answered = true;
  world.client.where.enter([&] {
    for (unsigned round = 0; round < kRounds; ++round)
      for (std::size_t i = 0; i < paths.size(); ++i)  // each comes first and last alike
        answered = answered && paths[(i + round) % paths.size()].measure();
  });
  if (!answered) return std::puts("nobody answers"), 1;
  std::puts("medians of all turns; in brackets the median of each turn's ratio to the first row");
  for (const Path& path : paths) path.print(paths.front());
  return 0;
}

}  // namespace
}  // namespace antrea::node

int main() { return antrea::node::measure(); }
