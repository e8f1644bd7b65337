#include "antrea/proxy/node_port_local.h"

#include <gmock/gmock.h>

#include <random>

#include "tests/addresses.h"

namespace antrea::proxy {
namespace {

using api::Protocol;
using testing::ElementsAre;
using testing::IsEmpty;

api::Service service(const std::string& name, api::IntOrString target,
                     Protocol protocol = Protocol::kTcp) {
  api::Service out;
  out.metadata.namespace_ = "default";
  out.metadata.name = name;
  out.metadata.annotations["nodeportlocal.antrea.io/enabled"] = "true";
  out.selector = {{"app", "web"}};
  out.ports.push_back({.name = "p", .protocol = protocol, .port = 80, .target_port = target});
  return out;
}

api::Pod pod(const std::string& name, const std::string& address) {
  api::Pod out;
  out.metadata.namespace_ = "default";
  out.metadata.name = name;
  out.metadata.labels = {{"app", "web"}, {"tier", "front"}};
  out.node_name = "here";
  out.pod_ips = {ip(address)};
  out.containers = {{.name = "c",
                     .image = "",
                     .ports = {{.name = "http", .container_port = 8080},
                               {.name = "", .container_port = 9090, .host_port = 19090}}}};
  return out;
}

// The Node's side: what listens and translates, put together from the outcomes.
class NodePortLocalTest : public testing::Test {
 protected:
  NodePortLocalTest() { take(npl.set_node_ips({ip("172.18.0.2")})); }

  void take(const NodePortLocalOutcome& outcome) {
    for (const auto& port : outcome.close) EXPECT_EQ(open.erase(port), 1U) << port.port;
    for (const auto& [port, backend] : outcome.open)
      EXPECT_TRUE(open.emplace(port, backend).second) << port.port;
    for (const auto& key : outcome.annotate) said[key.name] = npl.exposures(key);
    std::erase_if(said, [](const auto& each) { return each.second.empty(); });
    last = outcome;
    EXPECT_EQ(open, npl.ports());
  }
  void apply(const api::Service& object) { take(npl.apply(object)); }
  void apply(const std::vector<api::Pod>& objects) { take(npl.apply(objects)); }
  static LocalPort tcp(std::uint16_t port) { return {Family::kIPv4, Protocol::kTcp, port}; }
  static Exposure exposure(std::uint16_t pod_port, std::uint16_t node_port,
                           Protocol protocol = Protocol::kTcp) {
    return {pod_port, ip("172.18.0.2"), node_port, protocol};
  }

  NodePortLocal npl{{.node_name = "here", .first_port = 61000, .last_port = 61003}};
  std::map<LocalPort, Backend> open;
  std::map<std::string, std::vector<Exposure>> said;  // by Pod
  NodePortLocalOutcome last;
};

TEST_F(NodePortLocalTest, ExposesTargetPortsByNumberAndName) {
  apply(service("web", {.name = "http"}));
  apply({pod("a", "10.10.0.2"), pod("b", "10.10.0.3")});
  EXPECT_EQ(open, (std::map<LocalPort, Backend>{{tcp(61000), {ip("10.10.0.2"), 8080}},
                                                {tcp(61001), {ip("10.10.0.3"), 8080}}}));
  EXPECT_THAT(said["a"], ElementsAre(exposure(8080, 61000)));
  apply(service("dns", {.number = 53}, Protocol::kUdp));
  EXPECT_THAT(said["a"], ElementsAre(exposure(53, 61002, Protocol::kUdp), exposure(8080, 61000)));
  take(npl.remove_service({"default", "web"}));
  EXPECT_THAT(said["b"], ElementsAre(exposure(53, 61003, Protocol::kUdp)));
}

TEST_F(NodePortLocalTest, LeavesOthersAlone) {
  auto other = service("a", {.number = 8080});
  other.type = api::ServiceType::kNodePort;
  apply(other);
  auto sctp = service("b", {.number = 8080}, Protocol::kSctp);
  apply(sctp);
  auto nobody = service("c", {.number = 8080});
  nobody.selector.clear();
  apply(nobody);
  auto off = service("d", {.number = 8080});
  off.metadata.annotations.clear();
  apply(off);
  auto elsewhere = service("e", {.number = 8080});
  elsewhere.metadata.namespace_ = "other";
  apply(elsewhere);
  apply({pod("a", "10.10.0.2")});
  EXPECT_THAT(open, IsEmpty());
  EXPECT_TRUE(last.empty());
  apply(service("web", {.number = 8080}));
  auto ended = pod("b", "10.10.0.3"), away = pod("c", "10.10.0.4"), host = pod("d", "172.18.0.2");
  ended.phase = "Succeeded";
  away.node_name = "there";
  host.host_network = true;
  apply({ended, away, host});
  EXPECT_EQ(open.size(), 1U);
}

TEST_F(NodePortLocalTest, GivesTcpAndUdpOfOnePortTheirOwn) {
  apply(service("web", {.number = 53}));
  apply(service("dns", {.number = 53}, Protocol::kUdp));
  apply({pod("a", "10.10.0.2")});
  EXPECT_EQ(open.size(), 2U);
  EXPECT_EQ(said["a"].size(), 2U);
  EXPECT_NE(said["a"][0].protocol, said["a"][1].protocol);
}

TEST_F(NodePortLocalTest, WithdrawsWhatAServiceDoesNotOpenAnyMore) {
  apply({pod("a", "10.10.0.2")});
  const auto opened = service("web", {.number = 8080});
  auto of_nodes = opened, off = opened, others = opened;
  of_nodes.type = api::ServiceType::kNodePort;
  off.metadata.annotations.clear();
  others.selector["tier"] = "back";
  for (const auto& changed : {of_nodes, off, others}) {
    apply(opened);
    EXPECT_EQ(open.size(), 1U);
    apply(changed);
    EXPECT_THAT(open, IsEmpty());
    EXPECT_THAT(said, IsEmpty());
  }
  auto balanced = opened;
  balanced.type = api::ServiceType::kLoadBalancer;
  apply(balanced);
  EXPECT_EQ(open.size(), 1U);
}

TEST_F(NodePortLocalTest, TriesAgainForThoseWhoGotNone) {
  apply(service("web", {.number = 8080}));
  apply({pod("a", "10.10.0.2"), pod("b", "10.10.0.3"), pod("c", "10.10.0.4"), pod("d", "10.10.0.5"),
         pod("e", "10.10.0.6")});
  EXPECT_EQ(last.exhausted.size(), 1U);
  take(npl.try_again());
  EXPECT_EQ(last.exhausted.size(), 1U);
  take(npl.remove_pod({"default", "a"}));
  EXPECT_EQ(open.size(), 4U);
  take(npl.try_again());
  EXPECT_TRUE(last.empty());
}

TEST_F(NodePortLocalTest, TellsOfAHostPortAsItIs) {
  apply(service("web", {.number = 9090}));
  apply({pod("a", "10.10.0.2")});
  EXPECT_THAT(open, IsEmpty());
  EXPECT_THAT(said["a"], ElementsAre(exposure(9090, 19090)));
}

TEST_F(NodePortLocalTest, FollowsThePodsAddress) {
  apply(service("web", {.number = 8080}));
  auto a = pod("a", "10.10.0.2");
  a.pod_ips.clear();
  apply({a});
  EXPECT_THAT(open, IsEmpty());
  apply({pod("a", "10.10.0.2")});
  apply({pod("a", "10.10.0.9")});
  EXPECT_EQ(open, (std::map<LocalPort, Backend>{{tcp(61000), {ip("10.10.0.9"), 8080}}}));
  EXPECT_THAT(last.annotate, IsEmpty()) << "it says the same as before";
  // The address passes to another Pod before the first one goes: that one's port stays.
  apply({pod("b", "10.10.0.9")});
  take(npl.remove_pod({"default", "a"}));
  EXPECT_EQ(open, (std::map<LocalPort, Backend>{{tcp(61001), {ip("10.10.0.9"), 8080}}}));
}

TEST_F(NodePortLocalTest, GivesBackThePortOfAPodThatHasEnded) {
  apply(service("web", {.number = 8080}));
  for (const char* phase : {"Succeeded", "Failed"}) {
    apply({pod("a", "10.10.0.2")});
    EXPECT_EQ(open.size(), 1U);
    auto ended = pod("a", "10.10.0.2");
    ended.phase = phase;
    apply({ended});
    EXPECT_THAT(open, IsEmpty());
    EXPECT_THAT(said, IsEmpty());
  }
}

// What annotations of before say is kept where it can be: in the range, nobody else's, ours.
TEST_F(NodePortLocalTest, GivesAnotherPortWhereTheOneOfBeforeWillNotDo) {
  apply(service("web", {.number = 8080}));
  std::vector<api::Pod> pods;
  const auto of_before = [&](const char* name, const char* address, const Exposure& exposed) {
    pods.push_back(pod(name, address));
    pods.back().metadata.annotations["nodeportlocal.antrea.io"] = to_annotation({exposed});
  };
  of_before("a", "10.10.0.2", exposure(8080, 61002));
  of_before("b", "10.10.0.3", exposure(8080, 61002));
  of_before("c", "10.10.0.4", exposure(8080, 60999));
  of_before("d", "10.10.0.5", exposure(9999, 61001));
  apply(pods);
  EXPECT_EQ(open.size(), 4U);
  EXPECT_EQ(open[tcp(61002)], (Backend{ip("10.10.0.2"), 8080}));
  for (const char* name : {"b", "c", "d"}) {
    ASSERT_EQ(said[name].size(), 1U) << name;
    EXPECT_EQ(said[name][0].pod_port, 8080) << name;
    EXPECT_EQ(open[tcp(said[name][0].node_port)].port, 8080) << name;
  }
}

TEST_F(NodePortLocalTest, GoesOnWithThePortsOfBefore) {
  apply(service("web", {.number = 8080}));
  auto a = pod("a", "10.10.0.2"), b = pod("b", "10.10.0.3"), c = pod("c", "10.10.0.4");
  b.metadata.annotations["nodeportlocal.antrea.io"] = to_annotation({exposure(8080, 61000)});
  c.metadata.annotations["nodeportlocal.antrea.io"] = "not JSON";
  apply({a, b, c});
  EXPECT_EQ(open[tcp(61000)], (Backend{ip("10.10.0.3"), 8080}));
  EXPECT_FALSE(last.annotate.contains({"default", "b"})) << "it says so already";
  // Without a reason the annotation goes.
  auto d = pod("d", "10.10.0.5");
  d.metadata.labels.clear();
  d.metadata.annotations = b.metadata.annotations;
  apply({d});
  EXPECT_TRUE(last.annotate.contains({"default", "d"}));
  EXPECT_THAT(npl.exposures({"default", "d"}), IsEmpty());
}

TEST_F(NodePortLocalTest, TakesAnotherPortWhereOneIsTaken) {
  apply(service("web", {.number = 8080}));
  apply({pod("a", "10.10.0.2")});
  open.erase(tcp(61000));  // could not be listened at
  take(npl.refuse(tcp(61000)));
  EXPECT_THAT(said["a"], ElementsAre(exposure(8080, 61001)));
  apply({pod("b", "10.10.0.3"), pod("c", "10.10.0.4"), pod("d", "10.10.0.5")});
  EXPECT_THAT(last.exhausted, ElementsAre("default/d:8080/TCP"));
  // With the next that is closed the search goes on, once round.
  take(npl.remove_pod({"default", "b"}));
  EXPECT_THAT(said["d"], ElementsAre(exposure(8080, 61000)));
  open.erase(tcp(61000));
  take(npl.refuse(tcp(61000)));
  EXPECT_THAT(said["d"], ElementsAre(exposure(8080, 61002)));
}

TEST_F(NodePortLocalTest, GivesEachFamilyItsOwn) {
  take(npl.set_node_ips({ip("172.18.0.2"), ip("fd18::2")}));
  apply(service("web", {.number = 8080}));
  auto both = pod("a", "10.10.0.2");
  both.pod_ips.push_back(ip("fd10::2"));
  apply({both});
  EXPECT_EQ(open.size(), 2U);
  EXPECT_EQ(to_annotation(said["a"]),
            R"([{"podPort":8080,"nodeIP":"172.18.0.2","nodePort":61000,"protocol":"tcp",)"
            R"("ipFamily":"IPv4"},{"podPort":8080,"nodeIP":"fd18::2","nodePort":61000,)"
            R"("protocol":"tcp","ipFamily":"IPv6"}])");
  take(npl.set_node_ips({ip("172.18.0.3")}));
  EXPECT_EQ(open.size(), 1U);
  EXPECT_EQ(said["a"].front().node_ip, ip("172.18.0.3"));
}

TEST(NodePortLocalAnnotation, IsReadAsItIsWritten) {
  const std::vector<Exposure> all{{53, *IpAddress::parse("172.18.0.2"), 61001, Protocol::kUdp},
                                  {80, *IpAddress::parse("fd18::2"), 61000, Protocol::kTcp}};
  EXPECT_EQ(*parse_annotation(to_annotation(all)), all);
  EXPECT_EQ(parse_annotation(R"([{"podPort":80,"nodeIP":"172.18.0.2","nodePort":61000}])")->size(),
            1U);
  for (const char* bad :
       {"", "{}", "[1]", R"([{"podPort":0,"nodeIP":"172.18.0.2","nodePort":61000}])",
        R"([{"podPort":80,"nodeIP":"x","nodePort":61000}])",
        R"([{"podPort":80,"nodeIP":"172.18.0.2","nodePort":70000}])",
        R"([{"podPort":80,"nodeIP":"172.18.0.2","nodePort":61000,"protocol":"sctp"}])"})
    EXPECT_FALSE(parse_annotation(bad)) << bad;
}

// Any walk leaves each exposed port its own, within the range, and all of them gone at the end.
TEST(NodePortLocalProperty, NoPortIsGivenTwice) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    std::mt19937 random(seed);
    NodePortLocal npl({.node_name = "here", .first_port = 61000, .last_port = 61011});
    npl.set_node_ips({ip("172.18.0.2")});
    std::map<LocalPort, Backend> open;
    const auto take = [&](const NodePortLocalOutcome& outcome) {
      for (const auto& port : outcome.close) EXPECT_EQ(open.erase(port), 1U);
      for (const auto& [port, backend] : outcome.open) {
        EXPECT_TRUE(open.emplace(port, backend).second);
        EXPECT_TRUE(port.port >= 61000 && port.port <= 61011);
      }
      EXPECT_EQ(open, npl.ports());
    };
    for (unsigned step = 0; step < 200; ++step) {
      const std::string name(1, static_cast<char>('a' + random() % 8));
      switch (random() % 6) {
        case 0:
          take(npl.apply(service(name, {.number = static_cast<int>(8000 + random() % 2)})));
          break;
        case 1:
          take(npl.remove_service({"default", name}));
          break;
        case 2:
        case 3:
          take(npl.apply(std::vector{pod(name, "10.10.0." + std::to_string(1 + random() % 9))}));
          break;
        case 4:
          take(npl.remove_pod({"default", name}));
          break;
        default:
          if (open.empty()) break;
          const LocalPort port =
              std::next(open.begin(), static_cast<std::ptrdiff_t>(random() % open.size()))->first;
          open.erase(port);
          take(npl.refuse(port));
      }
    }
    for (char name = 'a'; name < 'i'; ++name)
      take(npl.remove_pod({"default", std::string(1, name)}));
    EXPECT_TRUE(open.empty());
  }
}

}  // namespace
}  // namespace antrea::proxy
