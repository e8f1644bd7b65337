// Policies and real packets of both families, Pod to Pod, on one Node and between two.
#include "tests/node/one_rule.h"
#include "tests/node/service_packets.h"

namespace antrea::node {
namespace {

namespace cp = api::controlplane;
using cp::Direction;
using cp::RuleAction;
using testing::HasSubstr;

/// The Pod b of Node 1 is who has rules; a is on its Node, d on the other one.
class PolicyFamilies : public ServicePackets {
 protected:
  void SetUp() override {
    ServicePackets::SetUp();
    if (world != nullptr) world->apply({});
  }

  /// What gets an answer: "v4/TCP", "v6/UDP" and so on.
  static std::set<std::string> reached(const Pod& from, const Pod& to,
                                       const antrea::lab::ProberOptions& options) {
    auto ns =
        antrea::lab::NetNamespace::open("/proc/" + std::to_string(from.where.pid()) + "/ns/net");
    EXPECT_TRUE(ns);
    std::vector<ProbeRequest> requests;
    for (const IpAddress& address : to.interface.ips)
      for (const auto protocol : {LabProtocol::kTcp, LabProtocol::kUdp})
        requests.push_back(
            {.from = &*ns, .address = address, .port = kTarget, .protocol = protocol});
    const auto results = antrea::lab::probe(requests, options);
    std::set<std::string> answered;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      const std::string what = std::string(requests[i].address.is_v4() ? "v4/" : "v6/") +
                               std::string(to_string(requests[i].protocol));
      if (results[i].outcome == Outcome::kAllowed) answered.insert(what);
      if (results[i].outcome == Outcome::kRejected) answered.insert(what + " rejected");
    }
    return answered;
  }
  /// That it is exactly this which answers: what shall, is waited for.
  static void expect_reached(const Pod& from, const Pod& to, const std::set<std::string>& expected,
                             const char* why) {
    std::set<std::string> last;
    lab::eventually([&] { return (last = reached(from, to, kBrief)) == expected; });
    EXPECT_EQ(last, expected) << from.server_name << " to " << to.server_name << ": " << why;
  }
  /// Whether an echo request is answered within these seconds; `text`: all that ping said.
  static bool pings(const Pod& from, const IpAddress& to, int seconds,
                    std::string* text = nullptr) {
    const std::string said = from.where.run({"sh", "-c",
                                             "ping -n -i 0.2 -c 1 -w " + std::to_string(seconds) +
                                                 " " + to.to_string() + " 2>&1 || true"});
    if (text != nullptr) *text = said;
    return said.find("bytes from " + to.to_string()) != std::string::npos;
  }
  /// The MAC that the neighbour was found to have; empty: none.
  static std::string neighbour(const Pod& at, const IpAddress& of) {
    const std::string shown = at.where.run({"ip", "neigh", "show", of.to_string(), "dev", "eth0"});
    const auto found = shown.find("lladdr ");
    return found == std::string::npos ? "" : shown.substr(found + 7, 17);
  }

  const std::set<std::string> everything_{"v4/TCP", "v4/UDP", "v6/TCP", "v6/UDP"};
};

TEST_F(PolicyFamilies, ABlockIsAboutItsOwnFamily) {
  for (const Pod* from : {&world->a, &world->d}) {
    expect_reached(*from, world->b, everything_, "no rules");
    {
      const OneRule rule(world->one, world->b, Direction::kIn, RuleAction::kDrop,
                         {*IpPrefix::parse("0.0.0.0/0")});
      expect_reached(*from, world->b, {"v6/TCP", "v6/UDP"}, "all of IPv4 dropped");
    }
    const OneRule rule(world->one, world->b, Direction::kIn, RuleAction::kDrop,
                       {*IpPrefix::parse("::/0")});
    expect_reached(*from, world->b, {"v4/TCP", "v4/UDP"}, "all of IPv6 dropped");
  }
}

TEST_F(PolicyFamilies, KubernetesIsolatesAndExcepts) {
  OneRule::Rule ingress = OneRule::rule(Direction::kIn, RuleAction::kAllow, {});
  ingress.peers.ip_blocks = {
      {*IpPrefix::parse("fd10::/16"), {IpPrefix::host(world->a.address_v6())}}};
  ingress.services = {
      {.protocol = cp::ServiceProtocol::kTcp, .port = api::IntOrString{kTarget, {}}}};
  {
    const OneRule rule(world->one, world->b, ingress, cp::PolicyType::kK8sNetworkPolicy);
    expect_reached(world->d, world->b, {"v6/TCP"}, "in the block, by the port");
    expect_reached(world->a, world->b, {}, "an exception of the block");
  }
  OneRule::Rule egress =
      OneRule::rule(Direction::kOut, RuleAction::kAllow, {IpPrefix::host(world->d.address_v6())});
  const OneRule rule(world->one, world->b, egress, cp::PolicyType::kK8sNetworkPolicy);
  expect_reached(world->b, world->d, {"v6/TCP", "v6/UDP"}, "may go there");
  expect_reached(world->b, world->a, {}, "and nowhere else");
  expect_reached(world->a, world->b, everything_, "answers pass");
}

TEST_F(PolicyFamilies, IcmpIsThatOfTheFamily) {
  constexpr std::int32_t kEcho = 8, kEchoV6 = 128;
  for (const bool v6 : {false, true}) {
    OneRule::Rule drop = OneRule::rule(Direction::kIn, RuleAction::kDrop,
                                       {*IpPrefix::parse("0.0.0.0/0"), *IpPrefix::parse("::/0")});
    drop.services = {{.protocol = cp::ServiceProtocol::kIcmp, .icmp_type = v6 ? kEchoV6 : kEcho}};
    const OneRule rule(world->one, world->b, drop);
    for (const Pod* from : {&world->a, &world->d}) {
      EXPECT_FALSE(pings(*from, v6 ? world->b.address_v6() : world->b.address(), 2)) << v6;
      EXPECT_TRUE(pings(*from, v6 ? world->b.address() : world->b.address_v6(), 10)) << v6;
      expect_reached(*from, world->b, everything_, "only echo requests are dropped");
    }
  }
}

TEST_F(PolicyFamilies, NeighboursAreFoundWhateverIsDropped) {
  const std::vector<IpPrefix> anybody{*IpPrefix::parse("0.0.0.0/0"), *IpPrefix::parse("::/0")};
  const OneRule in(world->one, world->b, Direction::kIn, RuleAction::kDrop, anybody);
  const OneRule out(world->one, world->a, Direction::kOut, RuleAction::kDrop, anybody);
  world->a.where.run({"ip", "neigh", "flush", "dev", "eth0"});
  for (const IpAddress& address : {world->b.address_v6(), world->one.gateway_v6()})
    EXPECT_TRUE(lab::eventually([&] {
      EXPECT_FALSE(pings(world->a, address, 1));
      return !neighbour(world->a, address).empty();
    })) << address.to_string();
}

TEST_F(PolicyFamilies, RejectionsAreHeard) {
  const std::set<std::string> rejected{"v4/TCP rejected", "v4/UDP rejected", "v6/TCP rejected",
                                       "v6/UDP rejected"};
  const std::vector<IpPrefix> anybody{*IpPrefix::parse("0.0.0.0/0"), *IpPrefix::parse("::/0")};
  const Refusing of_one(world->one, store_of({&world->a, &world->b}));
  const Refusing of_two(world->two, store_of({&world->c, &world->d}));
  {
    const OneRule rule(world->one, world->b, Direction::kIn, RuleAction::kReject, anybody);
    for (const Pod* from : {&world->a, &world->d}) {
      expect_reached(*from, world->b, rejected, "by the receiver");
      for (const IpAddress& address : world->b.interface.ips) {
        std::string said;
        lab::eventually([&] {
          EXPECT_FALSE(pings(*from, address, 1, &said));
          return said.find("rohibited") != std::string::npos;
        });
        EXPECT_THAT(said, HasSubstr("rohibited")) << "ICMP's administratively prohibited";
      }
    }
  }
  const OneRule rule(world->one, world->b, Direction::kOut, RuleAction::kReject, anybody);
  for (const Pod* to : {&world->a, &world->d})
    expect_reached(world->b, *to, rejected, "by the sender's own rules");
}

}  // namespace
}  // namespace antrea::node
