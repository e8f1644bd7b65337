// A host whose every operation may fail, and what comes of it.
#include "antrea/node/egress_host_keeper.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace antrea::node {
namespace {

using std::chrono::seconds;

const TimePoint kStart = TimePoint{} + std::chrono::hours(1);
IpAddress address(const char* text) { return *IpAddress::parse(text); }

/// In memory. Its calls are numbered from 0.
class HostInMemory : public EgressHostAccess {
 public:
  Result<EgressHostState> read(const EgressHostState&) override {
    ANTREA_CHECK(next_call("read the host"));
    return state;
  }
  Result<> execute(const EgressHostOperation& operation, const EgressHostState& desired) override {
    ANTREA_CHECK(next_call(describe(operation)));
    std::visit([&](const auto& op) { change(op, desired); }, operation);
    return {};
  }

  EgressHostState state{.device_present = false, .device_up = false};
  unsigned calls = 0;
  unsigned fails_from = 0, fails_before = 0;  ///< calls that fail
  bool unfenced = false;                      ///< an address came before its fence
  bool lost = false;                          ///< a rule led to a table without a way out

 private:
  Result<> next_call(const std::string& what) {
    const unsigned call = calls++;
    if (call >= fails_from && call < fails_before) return make_error(Errc::kIo, what, "in memory");
    return {};
  }
  void change(const AddEgressDevice&, const EgressHostState&) {
    state.device_present = state.device_up = true;
  }
  void change(const SetSysctl& op, const EgressHostState&) { state.sysctls[op.path] = op.value; }
  void change(const NftTransaction&, const EgressHostState& desired) {
    state.tables = desired.tables;
  }
  void change(const AddAddress& op, const EgressHostState& desired) {
    unfenced = unfenced || state.tables != desired.tables;
    state.addresses.insert(op.address);
  }
  void change(const RemoveAddress& op, const EgressHostState&) {
    state.addresses.erase(op.address);
  }
  void change(const Answer& op, const EgressHostState& desired) {
    unfenced = unfenced || state.tables != desired.tables;
    state.answered.insert(op.ip);
  }
  void change(const AnswerNoMore& op, const EgressHostState&) { state.answered.erase(op.ip); }
  void change(const Sink& op, const EgressHostState&) {
    state.sunk.insert_or_assign(op.ip, op.source);
  }
  void change(const SinkNoMore& op, const EgressHostState&) { state.sunk.erase(op.ip); }
  void change(const SetEgressRoute& op, const EgressHostState&) {
    std::erase_if(state.routes, [&](const EgressRoute& each) {  // as the kernel replaces
      return each.table == op.route.table && each.destination == op.route.destination;
    });
    state.routes.insert(op.route);
  }
  void change(const RemoveEgressRoute& op, const EgressHostState&) { state.routes.erase(op.route); }
  void change(const AddEgressRule& op, const EgressHostState&) {
    lost = lost || std::ranges::none_of(state.routes, [&](const EgressRoute& each) {
             return each.table == op.rule.table && each.via;
           });
    state.rules.insert(op.rule);
  }
  void change(const RemoveEgressRule& op, const EgressHostState&) { state.rules.erase(op.rule); }
};

EgressSubnet subnet(const char* prefix, const char* gateway) {
  return {*IpPrefix::parse(prefix), address(gateway)};
}

/// Addresses that are here, that are leaving, and one of a Service.
EgressHostState before() {
  const auto own = subnet("172.19.0.0/24", "172.19.0.1");
  const std::vector<LocalEgressIp> local{{address("172.18.0.100"), 1},
                                         {address("fd18::100"), 2},
                                         {address("172.19.0.100"), 4, true, {}, own}};
  return desired_egress_host(NodeConfig{}, "uplink", {.local = local, .subnets = {own}});
}
EgressHostState after() {
  const auto moved = subnet("172.19.0.0/24", "172.19.0.254"),
             other = subnet("fd19::/64", "fd19::1");
  const std::vector<LocalEgressIp> local{{address("172.18.0.100"), 1, false, address("172.18.0.3")},
                                         {address("172.18.0.101"), 3},
                                         {address("172.19.0.100"), 4, true, {}, moved}};
  return desired_egress_host(
      NodeConfig{}, "uplink",
      {.local = local, .services = {address("172.18.0.200")}, .subnets = {moved, other}});
}
void expect_is(const EgressHostState& found, const EgressHostState& wanted) {
  const auto left = plan_egress_host(wanted, found);
  EXPECT_TRUE(left.empty()) << left.size()
                            << " operations left, the first: " << describe(left.front());
}

TEST(EgressHostKeeper, WhicheverOperationFailsIsTriedAgain) {
  for (unsigned n = 0;; ++n) {
    HostInMemory host;
    EgressHostKeeper keeper(host);
    ASSERT_TRUE(keeper.set(before(), kStart));
    const unsigned first = host.calls;
    host.fails_from = first + n;
    host.fails_before = first + n + 1;
    const auto done = keeper.set(after(), kStart);
    if (host.calls <= host.fails_from) {  // nothing was left to fail
      EXPECT_TRUE(done);
      EXPECT_GE(n, 6U);
      return;
    }
    ASSERT_FALSE(done) << "call " << n;
    EXPECT_TRUE(keeper.failing());
    EXPECT_FALSE(host.unfenced) << "call " << n;
    ASSERT_EQ(keeper.next_deadline(), kStart + EgressHostKeeper::kFirstPause);
    EXPECT_TRUE(keeper.tick(*keeper.next_deadline()));
    EXPECT_FALSE(keeper.failing());
    EXPECT_FALSE(host.unfenced || host.lost) << "call " << n;
    expect_is(host.state, after());
  }
}

TEST(EgressHostKeeper, PausesGrowToALimitAndBeginAnewAfterASuccess) {
  HostInMemory host;
  host.fails_before = 20;
  EgressHostKeeper keeper(host);
  EXPECT_FALSE(keeper.set(before(), kStart));
  std::vector<Duration> pauses;
  for (TimePoint now = kStart; keeper.failing();) {
    const TimePoint due = *keeper.next_deadline();
    pauses.push_back(due - std::exchange(now, due));
    EXPECT_FALSE(keeper.tick(due - Duration(1))) << "not before its time";
    EXPECT_TRUE(keeper.tick(due));
  }
  ASSERT_EQ(pauses.size(), 20U);
  EXPECT_EQ(pauses[0], EgressHostKeeper::kFirstPause);
  EXPECT_EQ(pauses[1], 2 * EgressHostKeeper::kFirstPause);
  EXPECT_EQ(pauses.back(), EgressHostKeeper::kLongestPause);
  expect_is(host.state, before());

  host.fails_from = host.calls;
  host.fails_before = host.calls + 1;
  const auto now = *keeper.next_deadline();
  EXPECT_FALSE(keeper.set(after(), now));
  EXPECT_EQ(keeper.next_deadline(), now + EgressHostKeeper::kFirstPause);
}

TEST(EgressTables, AreAFewAndEachSubnetKeepsItsOwn) {
  std::set<EgressSubnet> subnets;
  for (unsigned i = 0; i < 2 * kMostEgressSubnets; ++i) {
    const IpAddress network = address("172.20.0.0").plus(256 * i);
    subnets.insert({IpPrefix(network, 24), network.plus(1)});
    const auto tables = egress_tables(subnets);
    ASSERT_EQ(tables.size(), std::min(subnets.size(), std::size_t{kMostEgressSubnets}));
    std::set<std::uint32_t> numbers;
    for (const auto& [each, number] : tables) {
      EXPECT_TRUE(subnets.contains(each));
      EXPECT_GE(number, kFirstEgressTable);
      EXPECT_LT(number, kFirstEgressTable + kMostEgressSubnets);
      EXPECT_TRUE(numbers.insert(number).second) << number << " twice";
    }
  }
}

TEST(EgressHostKeeper, WhatOthersChangeIsPutRight) {
  HostInMemory host;
  EgressHostKeeper keeper(host);
  ASSERT_TRUE(keeper.set(before(), kStart));
  host.state.addresses.clear();
  EXPECT_EQ(keeper.next_deadline(), kStart + EgressHostKeeper::kResync);
  EXPECT_TRUE(keeper.tick(kStart + EgressHostKeeper::kResync + seconds(1)));
  expect_is(host.state, before());
}

}  // namespace
}  // namespace antrea::node
