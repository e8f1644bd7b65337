// Endpoints come and go a hundred times a second while connections live.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "tests/node/echo_service.h"

namespace antrea::node {
namespace {

using namespace std::chrono_literals;
using lab::EchoClient;
using Clock = std::chrono::steady_clock;

constexpr unsigned kConnections = 200;
constexpr auto kInterval = 10ms;

/// Endpoints that come and go, and when each was away.
class Churn {
 public:
  Churn(EchoService& service, const std::vector<std::uint16_t>& ports)
      : service_(service), ports_(ports), present_(ports.begin(), ports.end()) {}

  bool present(std::uint16_t port) const { return present_.contains(port); }

  /// One at random comes or goes; the only one there is replaced.
  void change() {
    const std::uint16_t port = ports_[random_() % ports_.size()];
    if (!present_.contains(port) && present_.size() == 1) {
      const std::uint16_t old = *present_.begin();
      came(port);
      service_.replace(old, port);
      went(old);
    } else if (!present_.contains(port)) {
      came(port);
      service_.add(port);
    } else if (present_.size() > 1) {
      service_.remove(port);
      went(port);
    }
  }
  void leave_one() {
    while (present_.size() > 1) {
      const std::uint16_t port = *present_.begin();
      service_.remove(port);
      went(port);
    }
  }

  /// A new connection, and who has answered.
  struct Made {
    Clock::time_point begun, answered;
    std::uint16_t port = 0;
  };
  /// Led to nobody, or to an endpoint that was gone before it began, as the switch had
  /// acknowledged, and not back when it ended. Once there are no more changes.
  bool astray(const Made& made) const {
    if (made.port == 0) return true;
    const auto found = away_.find(made.port);
    return found != away_.end() && std::ranges::any_of(found->second, [&](const auto& away) {
             return away.first < made.begun && made.answered < away.second;
           });
  }

 private:
  void went(std::uint16_t port) {
    present_.erase(port);
    away_[port].push_back({Clock::now(), Clock::time_point::max()});
  }
  void came(std::uint16_t port) {
    present_.insert(port);
    away_[port].back().second = Clock::now();
  }

  EchoService& service_;
  std::vector<std::uint16_t> ports_;
  std::set<std::uint16_t> present_;
  std::map<std::uint16_t, std::vector<std::pair<Clock::time_point, Clock::time_point>>> away_;
  std::mt19937 random_{11};
};

struct Size {
  const char* name;
  std::uint16_t endpoints;
  bool one_at_a_time;  ///< is there, in the place of the one before
  unsigned changes;
  bool sticky = false;  ///< with session affinity, beside a Service that keeps the endpoints
};
void PrintTo(const Size& c, std::ostream* os) { *os << c.name; }
class ServiceChurn : public testing::TestWithParam<Size> {};

TEST_P(ServiceChurn, BreaksNoConnectionAndLeadsNobodyAstray) {
  if (!lab::can_switch()) GTEST_SKIP() << "network namespaces or /dev/net/tun are not allowed here";
  EchoWorld world(GetParam().endpoints);
  EchoService service(world, 10, GetParam().endpoints, GetParam().sticky);
  std::optional<EchoService> keeping;
  if (GetParam().sticky) keeping.emplace(world, 11, GetParam().endpoints);
  Churn churn(service, world.ports);
  std::vector<EchoClient> connections;
  std::vector<std::uint16_t> at;
  for (unsigned i = 0; i < kConnections; ++i) {
    connections.emplace_back(world.client.where, service.address(), 80);
    at.push_back(connections.back().ask());
    ASSERT_TRUE(churn.present(at.back())) << at.back();
  }
  if (GetParam().one_at_a_time) churn.leave_one();

  std::atomic<bool> over = false;
  std::vector<Churn::Made> made;
  unsigned broken = 0;
  std::thread clients([&] {
    world.client.where.enter([&] {
      while (!over)
        for (unsigned i = 0; i < kConnections && !over; ++i) {
          broken += connections[i].ask() == at[i] ? 0 : 1;
          Churn::Made& fresh = made.emplace_back();
          fresh.begun = Clock::now();
          fresh.port = EchoClient(service.address(), 80).ask();
          fresh.answered = Clock::now();
        }
    });
  });
  const auto start = Clock::now();
  auto due = start;
  for (unsigned i = 0; i < GetParam().changes; ++i) {
    std::this_thread::sleep_until(due += kInterval);  // the rate is what is tested
    churn.change();
  }
  const std::chrono::duration<double> took = Clock::now() - start;
  over = true;
  clients.join();
  EXPECT_EQ(std::ranges::count_if(made, [&](const auto& each) { return churn.astray(each); }), 0)
      << "of " << made.size();
  EXPECT_GT(made.size(), 100U);
  EXPECT_EQ(broken, 0U);
  RecordProperty("changes_per_second", static_cast<int>(GetParam().changes / took.count()));
  RecordProperty("connections_made", static_cast<int>(made.size()));
}
INSTANTIATE_TEST_SUITE_P(Of, ServiceChurn,
                         testing::Values(Size{"One", 12, true, 500}, Size{"Few", 8, false, 500},
                                         Size{"Many", 80, false, 1000},
                                         Size{"OneRemembered", 12, true, 500, true},
                                         Size{"FewRemembered", 4, false, 500, true}),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace antrea::node
