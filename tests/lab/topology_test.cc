#include "antrea/lab/topology.h"

#include <gmock/gmock.h>

#include "antrea/lab/netlink.h"
#include "tests/lab/isolated.h"

namespace antrea::lab {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

Result<std::string> ping(const HostView& from, const IpAddress& to) {
  ANTREA_TRY(std::string path, find_program("ping"));
  return run_program({.argv = {path, "-n", "-c", "1", "-W", "2", to.to_string()}, .view = from},
                     milliseconds(10'000));
}

TEST(NetNamespace, HoldsItsOwnLinks) {
  isolated([] {
    auto a = NetNamespace::create();
    auto b = NetNamespace::create();
    ASSERT_OK(a);
    ASSERT_OK(b);
    auto in_a = Netlink::open(*a);
    auto in_b = Netlink::open(*b);
    ASSERT_OK(in_a);
    ASSERT_OK(in_b);
    EXPECT_OK(in_a->add_veth("left", "right", *b));
    EXPECT_OK(in_a->link("left"));
    EXPECT_OK(in_b->link("right"));
    EXPECT_EQ(in_a->link("right").error().code, Errc::kNotFound);
    EXPECT_EQ(in_a->add_veth("left", "other", *b).error().code, Errc::kAlreadyExists);
    EXPECT_TRUE(in_a->link("lo")->up);
    EXPECT_OK(in_a->delete_link("left"));
    EXPECT_OK(in_a->delete_link("left"));
    EXPECT_EQ(in_b->link("right").error().code, Errc::kNotFound);
  });
}

TEST(NetNamespace, PinIsANameForIt) {
  ScratchDir dir;
  isolated([&] {
    auto made = NetNamespace::create();
    ASSERT_OK(made);
    auto links = Netlink::open(*made);
    ASSERT_OK(links->add_bridge("mark"));
    ASSERT_OK(made->pin(dir.path() + "/pin"));
    auto opened = NetNamespace::open(dir.path() + "/pin");
    ASSERT_OK(opened);
    auto again = Netlink::open(*opened);
    EXPECT_OK(again->link("mark"));
    NetNamespace::unpin(dir.path() + "/pin");
    EXPECT_FALSE(std::filesystem::exists(dir.path() + "/pin"));
  });
}

class TopologyOn : public testing::TestWithParam<Datapath> {};

TEST_P(TopologyOn, EveryHostReachesEveryOther) {
  if (GetParam() == Datapath::kNetdev && !can_open_tun())
    GTEST_SKIP() << "/dev/net/tun cannot be opened by this user";
  ScratchDir dir;
  isolated([&] {
    auto built = Topology::build({.dir = dir.path(), .node_count = 2, .datapath = GetParam()});
    ASSERT_OK(built);
    Topology& lab = **built;
    ASSERT_EQ(lab.nodes().size(), 2U);
    const Host& one = lab.nodes()[0]->host;
    const Host& two = lab.nodes()[1]->host;
    EXPECT_OK(ping(one.view(), two.address));
    EXPECT_OK(ping(two.view(), one.address));
    EXPECT_OK(ping(one.view(), lab.outside().address));
    EXPECT_OK(ping(lab.outside().view(), two.address));
    EXPECT_TRUE(ping(one.view(), LabNetwork::node(9)).has_error());
  });
}

// The reason for br-phy: a Geneve port of another bridge finds its way out through it.
TEST_P(TopologyOn, TunnelsBetweenNodesCarryPackets) {
  if (GetParam() == Datapath::kNetdev && !can_open_tun())
    GTEST_SKIP() << "/dev/net/tun cannot be opened by this user";
  ScratchDir dir;
  isolated([&] {
    auto built = Topology::build({.dir = dir.path(), .node_count = 2, .datapath = GetParam()});
    ASSERT_OK(built);
    std::vector<NetNamespace> pods;
    for (unsigned i = 0; i < 2; ++i) {
      Node& node = *(*built)->nodes()[i];
      auto pod = NetNamespace::create();
      ASSERT_OK(pod);
      auto host_links = Netlink::open(node.host.net);
      auto pod_links = Netlink::open(*pod);
      ASSERT_OK(host_links->add_veth("pod", "eth0", *pod));
      ASSERT_OK(host_links->set_up("pod"));
      ASSERT_OK(pod_links->set_up("eth0"));
      ASSERT_OK(pod_links->add_address("eth0", IpAddress::v4(0x0a000001 + i), 24));
      ASSERT_OK(disable_tx_offload(*pod, "eth0"));
      const std::string remote = LabNetwork::node(1 - i).to_string();
      ASSERT_OK(
          node.vswitch.tool({"ovs-vsctl",   "add-br",
                             "br-int",      "--",
                             "set",         "Bridge",
                             "br-int",      "datapath_type=" + std::string(to_string(GetParam())),
                             "--",          "add-port",
                             "br-int",      "pod",
                             "--",          "add-port",
                             "br-int",      "tun0",
                             "--",          "set",
                             "Interface",   "tun0",
                             "type=geneve", "options:remote_ip=" + remote}));
      pods.push_back(std::move(*pod));
    }
    auto pinged = ping({.net = pods[0].fd()}, IpAddress::v4(0x0a000002));
    EXPECT_OK(pinged);
    auto flows = (*built)->nodes()[0]->vswitch.tool(
        {"ovs-appctl", "-t", (*built)->nodes()[0]->vswitch.run_dir() + "/ovs-vswitchd.ctl",
         "tnl/neigh/show"});
    ASSERT_OK(flows);
    EXPECT_THAT(*flows, HasSubstr(LabNetwork::node(1).to_string())) << "not through the tunnel";
  });
}

INSTANTIATE_TEST_SUITE_P(Datapaths, TopologyOn,
                         testing::Values(Datapath::kNetdev, Datapath::kDummy),
                         [](const auto& info) { return std::string(to_string(info.param)); });

TEST(VSwitch, ComesBackAfterBothDaemonsWereKilled) {
  ScratchDir dir;
  isolated([&] {
    auto net = NetNamespace::create();
    ASSERT_OK(net);
    auto started =
        VSwitch::start({.net = net->fd()}, dir.path() + "/ovs", "host", Datapath::kDummy);
    ASSERT_OK(started);
    ASSERT_OK(started->tool(
        {"ovs-vsctl", "add-br", "br0", "--", "set", "Bridge", "br0", "datapath_type=dummy"}));
    for (Process* daemon : {&started->database(), &started->daemon()}) {
      daemon->signal(SIGKILL);
      ASSERT_TRUE(daemon->wait(milliseconds(5000)));
    }
    ASSERT_OK(started->restart_dead());
    auto bridges = started->tool({"ovs-vsctl", "list-br"});
    ASSERT_OK(bridges);
    EXPECT_EQ(*bridges, "br0\n");
  });
}

TEST(Process, TellsWhyAProgramDidNotStart) {
  auto missing = Process::spawn({.argv = {"/nonexistent/program"}});
  ASSERT_TRUE(missing.has_error());
  EXPECT_THAT(missing.error().to_string(), HasSubstr("/nonexistent/program"));
  EXPECT_THAT(missing.error().to_string(), HasSubstr("No such file"));
}

TEST(Process, ReportsExitCodesAndSignals) {
  auto failed =
      run_program({.argv = {"/bin/sh", "-c", "echo oops >&2; exit 3"}}, milliseconds(5000));
  ASSERT_TRUE(failed.has_error());
  EXPECT_EQ(failed.error().cause, "exit 3: oops");
  auto child = Process::spawn({.argv = {"/bin/sleep", "60"}});
  ASSERT_OK(child);
  EXPECT_TRUE(child->alive());
  EXPECT_EQ(child->stop(milliseconds(5000)).code, 128 + SIGTERM);
  EXPECT_FALSE(child->alive());
}

TEST(Process, GivesUpOnAProgramThatDoesNotEnd) {
  auto slow = run_program({.argv = {"/bin/sleep", "60"}}, milliseconds(50));
  ASSERT_TRUE(slow.has_error());
  EXPECT_EQ(slow.error().code, Errc::kTimeout);
}

}  // namespace
}  // namespace antrea::lab
