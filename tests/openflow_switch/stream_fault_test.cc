// The stream between agent and switch fails at any byte, in any way: the switch ends as desired.
// By default at some offsets of the exchange; with ANTREA_SOAK set in the environment, at all.
#include <boost/asio/detached.hpp>
#include <boost/asio/write.hpp>
#include <cstdlib>
#include <memory>

#include "antrea/openflow/readback.h"
#include "switch_fixture.h"

namespace antrea::openflow {
namespace {

enum class Fault { kReset, kHalfCloseToAgent, kHalfCloseToSwitch, kStall, kMute, kDeaf };

/// Stands between agent and switch. After `budget` bytes, of both directions together, the armed
/// fault befalls the next connection; the others pass.
class Proxy {
 public:
  Proxy(asio::io_context& io, const std::string& path, const std::string& target)
      : io_(io), target_(target), acceptor_(io, path) {
    asio::co_spawn(io_, accept(), asio::detached);
  }
  void arm(Fault fault, std::size_t budget) {
    fault_ = fault;
    budget_ = budget;
    connections = 0;
  }
  std::size_t passed() const { return links_.back()->passed; }  ///< bytes on the last connection
  int connections = 0;                                          ///< since it was armed
  /// Lets go of connections that have ended or hang.
  void clear() {
    for (const auto& link : links_) close(*link);
    links_.clear();
  }

 private:
  using Socket = asio::local::stream_protocol::socket;
  struct Link {
    explicit Link(asio::io_context& io) : agent(io), bridge(io) {}
    Socket agent, bridge;
    Fault fault{};
    std::size_t budget = SIZE_MAX;
    std::size_t passed = 0;
  };

  awaitable<void> accept() {
    for (;;) {
      const auto shared = std::make_shared<Link>(io_);
      auto& link = *shared;
      auto [code] = co_await acceptor_.async_accept(link.agent, kTuple);
      if (code) co_return;  // maybe because the proxy is gone
      links_.push_back(shared);
      link.fault = fault_;
      link.budget = connections++ == 0 ? budget_ : SIZE_MAX;
      link.bridge.connect(target_, code);
      if (code) {
        link.agent.close(code);
        continue;
      }
      asio::co_spawn(io_, pump(shared, true), asio::detached);
      asio::co_spawn(io_, pump(shared, false), asio::detached);
    }
  }
  /// What becomes of one direction once the budget is spent; true: it goes on.
  static bool goes_on(const Link& link, bool to_switch) {
    switch (link.fault) {
      case Fault::kHalfCloseToAgent:
      case Fault::kMute:
        return to_switch;
      case Fault::kHalfCloseToSwitch:
      case Fault::kDeaf:
        return !to_switch;
      default:
        return false;
    }
  }
  static bool hangs(Fault fault) {
    return fault == Fault::kStall || fault == Fault::kMute || fault == Fault::kDeaf;
  }
  static void close(Link& link) {
    boost::system::error_code ignored;
    link.agent.close(ignored);
    link.bridge.close(ignored);
  }
  /// Needs the link alone: it may go on when the proxy is gone.
  static awaitable<void> pump(std::shared_ptr<Link> shared, bool to_switch) {
    auto& link = *shared;
    auto& from = to_switch ? link.agent : link.bridge;
    auto& to = to_switch ? link.bridge : link.agent;
    std::vector<char> buffer(16384);
    boost::system::error_code ignored;
    for (;;) {
      const bool spent = link.passed >= link.budget;
      if (spent && !goes_on(link, to_switch)) {
        if (hangs(link.fault)) co_return;  // and the sockets stay open
        if (link.fault == Fault::kReset) co_return close(link);
        to.shutdown(Socket::shutdown_send, ignored);
        co_return;
      }
      const auto most = spent ? buffer.size() : std::min(link.budget - link.passed, buffer.size());
      auto [code, size] = co_await from.async_read_some(asio::buffer(buffer.data(), most), kTuple);
      if (code) co_return close(link);
      // The other direction may have spent the budget meanwhile.
      const auto left = link.budget - std::min(link.budget, link.passed);
      if (!goes_on(link, to_switch)) size = std::min(size, left);
      link.passed += size;
      auto [failed, written] =
          co_await asio::async_write(to, asio::buffer(buffer.data(), size), kTuple);
      if (failed) co_return close(link);
      if (link.passed < link.budget) continue;
      if (link.fault == Fault::kReset) co_return close(link);
      if (link.fault == Fault::kHalfCloseToAgent)
        link.agent.shutdown(Socket::shutdown_send, ignored);
      if (link.fault == Fault::kHalfCloseToSwitch)
        link.bridge.shutdown(Socket::shutdown_send, ignored);
    }
  }

  asio::io_context& io_;
  asio::local::stream_protocol::endpoint target_;
  asio::local::stream_protocol::acceptor acceptor_;
  Fault fault_{};
  std::size_t budget_ = SIZE_MAX;
  std::vector<std::shared_ptr<Link>> links_;
};

struct FaultCase {
  const char* name;
  Fault fault;
  std::size_t points;  ///< offsets to try, unless all
};
void PrintTo(const FaultCase& fault, std::ostream* os) { *os << fault.name; }

class StreamFault : public SwitchTest, public ::testing::WithParamInterface<FaultCase> {
 protected:
  /// The switch as an agent may find it: empty but for a flow of somebody's.
  void disturb() {
    FlowMod all_flows;
    all_flows.command = FlowCommand::kDelete;
    all_flows.flow.table = kAllTables;
    GroupMod all_groups;
    all_groups.command = GroupCommand::kDelete;
    all_groups.group.id = kAllGroups;
    FlowMod foreign;
    foreign.flow.table = TableId{12};
    foreign.flow.priority = 9;
    foreign.flow.match.ip(Family::kIPv4);
    EXPECT_TRUE(send({all_flows, all_groups,
                      MeterMod{MeterCommand::kDelete, Meter{kAllMeters, 0, {}}}, foreign})
                    .empty());
  }
  /// The agent starts, synchronises and commits a change.
  void exchange(const SwitchOptions& through) {
    start_agent(sample(20), through);
    wait_synced();
    Changes more;
    more.flows = {flow_of(50)};
    more.remove_flows = {flow_of(0).key()};
    const auto done = commit(more);
    EXPECT_TRUE(done) << done.error().to_string();
    EXPECT_TRUE(refused_.empty()) << refused_[0].to_string();
  }
  /// Compared on another connection, by an engine that knows nothing but what is desired.
  void expect_all_there() {
    auto desired = sample(20);
    desired.flows.erase(desired.flows.begin());
    desired.flows.push_back(flow_of(50));
    SwitchState state;
    ASSERT_TRUE(state.apply(desired));
    Readback readback(other(), state);
    const auto delta = run(io_, readback.run(in(20s)));
    ASSERT_TRUE(delta) << delta.error().to_string();
    EXPECT_EQ(delta->size(), 0U);
  }
};

TEST_P(StreamFault, LeavesTheSwitchAsDesired) {
  const bool soak = std::getenv("ANTREA_SOAK") != nullptr;
  auto through = options();
  through.connection.remote = "unix:" + (ovs_.dir() / "proxy.sock");
  through.connection.first_backoff = through.connection.most_backoff = 1ms;
  through.connection.probe_interval = 40ms;
  Proxy proxy(io_, ovs_.dir() / "proxy.sock", socket());
  disturb();
  exchange(through);
  expect_all_there();
  const auto total = proxy.passed();
  stop_agent();
  ASSERT_GT(total, 5000U);

  const auto [name, fault, points] = GetParam();
  const auto step = soak ? 1 : total / points;
  // Faults start at different offsets, so that together they try more.
  const auto first = soak ? 1 : 1 + static_cast<std::size_t>(fault) * 37 % step;
  std::size_t met = 0;
  for (auto offset = first; offset < total; offset += step) {
    SCOPED_TRACE(offset);
    disturb();
    proxy.arm(fault, offset);
    exchange(through);
    expect_all_there();
    met += proxy.connections > 1 ? 1 : 0;
    stop_agent();
    proxy.clear();
    if (HasFailure()) return;
  }
  EXPECT_GE(met, soak ? total * 9 / 10 : points / 2);  // probes make an exchange longer or shorter
}

INSTANTIATE_TEST_SUITE_P(
    Streams, StreamFault,
    ::testing::Values(FaultCase{"Reset", Fault::kReset, 120},
                      FaultCase{"HalfCloseToAgent", Fault::kHalfCloseToAgent, 60},
                      FaultCase{"HalfCloseToSwitch", Fault::kHalfCloseToSwitch, 60},
                      FaultCase{"Stall", Fault::kStall, 30}, FaultCase{"Mute", Fault::kMute, 30},
                      FaultCase{"Deaf", Fault::kDeaf, 30}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace antrea::openflow
