// Ports of the Node that lead to Pods: real sockets, real translations, real packets; and every
// operation of a story failing once.
#include "antrea/node/local_ports.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/addresses.h"
#include "tests/node/lab.h"

namespace antrea::node {
namespace {

using api::Protocol;
using proxy::LocalPort;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

LocalPort tcp(std::uint16_t port, Family family = Family::kIPv4) {
  return {family, Protocol::kTcp, port};
}

/// A Node, a Pod behind its gateway, and a client beside it.
class LocalPortTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!lab::isolate()) GTEST_SKIP() << "network namespaces are not allowed here";
    node.emplace();
    pod.emplace();
    client.emplace();
    connect("antrea-gw0", *pod, {"10.10.0.1/24", "fd10::1/64"}, {"10.10.0.2/24", "fd10::2/64"});
    connect("uplink", *client, {"172.18.0.2/24", "fd18::2/64"}, {"172.18.0.9/24", "fd18::9/64"});
    node->run({"sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"});
    pod->run({"ip", "route", "add", "default", "via", "10.10.0.1"});
    pod->run({"ip", "route", "add", "default", "via", "fd10::1"});
    config.name = "here";
  }
  void connect(const std::string& device, const lab::Namespace& to,
               const std::vector<std::string>& here, const std::vector<std::string>& there) {
    node->run({"ip", "link", "add", device, "type", "veth", "peer", "name", "eth0", "netns",
               std::to_string(to.pid())});
    for (const auto& address : here)
      node->run({"ip", "addr", "add", address, "dev", device, "nodad"});
    for (const auto& address : there)
      to.run({"ip", "addr", "add", address, "dev", "eth0", "nodad"});
    node->run({"ip", "link", "set", device, "up"});
    to.run({"ip", "link", "set", "eth0", "up"});
  }
  /// What the host shall have when nothing but these ports is ours. In the Node's namespace.
  HostState desired(const LocalPorts& ports) const {
    HostState state;
    state.table_keys.clear();
    state.addresses = {{ip("10.10.0.1"), 24}, {ip("fd10::1"), 64}};
    state.routes[*IpPrefix::parse("10.10.0.0/24")] = {
        *IpPrefix::parse("10.10.0.0/24"), {}, false, ip("10.10.0.1")};
    state.routes[*IpPrefix::parse("fd10::/64")] = {*IpPrefix::parse("fd10::/64"), {}, false, {}};
    add_local_ports(config, ports, state);
    return state;
  }
  std::size_t translate(const LocalPorts& ports) {
    std::size_t operations = 0;
    node->enter([&] {
      auto host = HostNetwork::open();  // as a new process: it knows nothing
      ASSERT_TRUE(host) << host.error().to_string();
      const auto done = host->apply(desired(ports));
      ASSERT_TRUE(done) << done.error().to_string();
      operations = done->size();
    });
    return operations;
  }

  std::optional<lab::Namespace> node, pod, client;
  NodeConfig config;
};

TEST_F(LocalPortTest, LeadToPodsFromOutsideAndFromTheNode) {
  const lab::Server web(*pod, "web", 8080), web6(*pod, "web", 8081, Family::kIPv6);
  const LocalPorts ports{{tcp(61000), {ip("10.10.0.2"), 8080}},
                         {tcp(61000, Family::kIPv6), {ip("fd10::2"), 8081}},
                         {{Family::kIPv4, Protocol::kUdp, 61000}, {ip("10.10.0.2"), 53}}};
  EXPECT_EQ(translate(ports), 1U);
  EXPECT_EQ(translate(ports), 0U) << "a new process finds nothing to do";
  EXPECT_EQ(lab::ask(*client, ip("172.18.0.2"), 61000), "web 172.18.0.9");
  EXPECT_EQ(lab::ask(*client, ip("fd18::2"), 61000), "web fd18::9");
  EXPECT_THAT(lab::ask(*node, ip("172.18.0.2"), 61000), HasSubstr("web "));
  EXPECT_EQ(lab::ask(*node, ip("127.0.0.1"), 61000, 500), "") << "an answer could not come back";
  EXPECT_EQ(lab::ask(*client, ip("172.18.0.2"), 61001, 500), "");

  // One goes: an element. All go: the table.
  auto fewer = ports;
  fewer.erase(tcp(61000));
  EXPECT_EQ(translate(fewer), 1U);
  EXPECT_EQ(lab::ask(*client, ip("172.18.0.2"), 61000, 500), "");
  EXPECT_EQ(lab::ask(*client, ip("fd18::2"), 61000), "web fd18::9");
  EXPECT_EQ(translate({}), 1U);
  EXPECT_EQ(node->run({"nft", "list", "ruleset"}), "");
}

TEST_F(LocalPortTest, AReservedPortIsNobodyElses) {
  node->enter([&] {
    for (const Family family : {Family::kIPv4, Family::kIPv6})
      for (const Protocol protocol : {Protocol::kTcp, Protocol::kUdp}) {
        const LocalPort port{family, protocol, 61000};
        {
          const auto reserved = ReservedPort::bind(port);
          ASSERT_TRUE(reserved) << reserved.error().to_string();
          const auto second = ReservedPort::bind(port);
          ASSERT_FALSE(second);
          EXPECT_EQ(second.error().code, Errc::kAlreadyExists);
          EXPECT_THAT(second.error().to_string(), HasSubstr("61000/"));
        }
        EXPECT_TRUE(ReservedPort::bind(port)) << "it is free again";
      }
  });
}

/// Real sockets and a real host of which the nth operation fails.
class FailingHost {
 public:
  explicit FailingHost(std::function<HostState(const LocalPorts&)> desired)
      : desired_(std::move(desired)) {
    auto host = HostNetwork::open();
    EXPECT_TRUE(host) << host.error().to_string();
    if (host) host_.emplace(*std::move(host));
  }

  int fail_at = 0, operations = 0;

  LocalPortKeeper::Actions actions() {
    return {.reserve = [this](const LocalPort& port) -> Result<ReservedPort> {
              if (++operations == fail_at) return make_error(Errc::kIo, "made to fail");
              return ReservedPort::bind(port);
            },
            .translate = [this](const LocalPorts& ports) -> Result<> {
              // Sockets first.
              for (const auto& [port, backend] : ports)
                EXPECT_FALSE(ReservedPort::bind(port)) << port.port << " is not reserved";
              if (++operations == fail_at) return make_error(Errc::kIo, "made to fail");
              ANTREA_CHECK(host_->apply(desired_(ports)));
              return {};
            }};
  }
  /// What the kernel translates.
  std::set<std::string> translated() {
    const auto state = host_->read(desired_({}));
    EXPECT_TRUE(state) << state.error().to_string();
    const auto table = state->tables.find(std::string(kLocalPortTable));
    return table == state->tables.end() ? std::set<std::string>()
                                        : table->second.elements.at("node-port-local");
  }

 private:
  std::function<HostState(const LocalPorts&)> desired_;
  std::optional<HostNetwork> host_;
};

/// What happens to a Node, step by step; each step returns what the engine made of it.
class Story {
 public:
  using Outcome = proxy::NodePortLocalOutcome;
  proxy::NodePortLocal engine{{.node_name = "here", .first_port = 61000, .last_port = 61003}};

  std::vector<std::function<Outcome()>> steps{
      [this] { return engine.set_node_ips({ip("172.18.0.2")}); },
      [this] { return engine.apply(service()); },
      [this] {
        return engine.apply(std::vector{pod("a", "10.10.0.2"), pod("b", "10.10.0.3")});
      },
      [this] { return engine.apply(std::vector{pod("a", "10.10.0.4")}); },  // another address
      [this] { return engine.apply(std::vector{pod("c", "10.10.0.2")}); },  // which passes on
      [this] {
        return engine.remove_pod({"default", "b"});
      },
      [this] {
        return engine.remove_service({"default", "web"});
      },
  };

 private:
  static api::Service service() {
    api::Service out;
    out.metadata.namespace_ = "default";
    out.metadata.name = "web";
    out.metadata.annotations["nodeportlocal.antrea.io/enabled"] = "true";
    out.selector = {{"app", "web"}};
    out.ports.push_back({.name = "p", .protocol = Protocol::kTcp, .port = 80});
    return out;
  }
  static api::Pod pod(const std::string& name, const std::string& address) {
    api::Pod out;
    out.metadata.namespace_ = "default";
    out.metadata.name = name;
    out.metadata.labels = {{"app", "web"}};
    out.node_name = "here";
    out.pod_ips = {ip(address)};
    return out;
  }
};

std::set<std::string> elements(const LocalPorts& ports) {
  std::set<std::string> out;
  for (const auto& [port, backend] : ports)
    out.insert("6 . " + std::to_string(port.port) + " : " + backend.ip.to_string() + " . " +
               std::to_string(backend.port));
  return out;
}

TEST_F(LocalPortTest, WhateverFailsIsDoneTheNextTime) {
  node->enter([&] {
    FailingHost host([this](const LocalPorts& ports) { return desired(ports); });
    const auto foreign = ReservedPort::bind(tcp(61001));  // somebody else's
    ASSERT_TRUE(foreign);
    int failures = 0;
    for (host.fail_at = 1;; ++host.fail_at) {
      host.operations = 0;
      Story story;
      LocalPortKeeper keeper(story.engine, host.actions());
      int failed = 0;
      for (const auto& step : story.steps) {
        auto outcome = step();
        for (auto done = keeper.settle(outcome); !done; done = keeper.settle(outcome)) {
          ASSERT_EQ(done.error().cause, "made to fail");
          ASSERT_EQ(++failed, 1);
        }
        EXPECT_EQ(host.translated(), elements(story.engine.ports())) << host.fail_at;
        EXPECT_EQ(keeper.reserved(), story.engine.ports().size()) << host.fail_at;
        EXPECT_FALSE(story.engine.ports().contains(tcp(61001))) << "it is taken";
      }
      EXPECT_THAT(host.translated(), IsEmpty());
      if (failed == 0) break;  // there is no such operation: each has failed once
      ++failures;
    }
    EXPECT_GE(failures, 10);
    EXPECT_TRUE(ReservedPort::bind(tcp(61000))) << "sockets were left behind";
  });
}

TEST_F(LocalPortTest, ARestartFindsItsPortsAndClearsTheOthers) {
  const lab::Server web(*pod, "web", 80);
  // What an earlier life left: one port still wanted, one not.
  translate({{tcp(61002), {ip("10.10.0.2"), 80}}, {tcp(61003), {ip("10.10.0.9"), 80}}});
  node->enter([&] {
    FailingHost host([this](const LocalPorts& ports) { return desired(ports); });
    Story story;
    LocalPortKeeper keeper(story.engine, host.actions());
    story.steps[0]();
    story.steps[1]();
    api::Pod known;
    known.metadata.namespace_ = "default";
    known.metadata.name = "a";
    known.metadata.labels = {{"app", "web"}};
    known.metadata.annotations["nodeportlocal.antrea.io"] =
        R"([{"podPort":80,"nodeIP":"172.18.0.2","nodePort":61002,"protocol":"tcp"}])";
    known.node_name = "here";
    known.pod_ips = {ip("10.10.0.2")};
    auto outcome = story.engine.apply(std::span(&known, 1));
    ASSERT_TRUE(keeper.settle(outcome));
    EXPECT_EQ(host.translated(), std::set<std::string>{"6 . 61002 : 10.10.0.2 . 80"});
  });
  EXPECT_EQ(lab::ask(*client, ip("172.18.0.2"), 61002), "web 172.18.0.9");
}

}  // namespace
}  // namespace antrea::node
