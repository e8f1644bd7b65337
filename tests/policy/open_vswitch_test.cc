// A sample of random clusters in a real Open vSwitch: it must take every flow, and `ofproto/trace`
// must agree with the specification. The switch runs without any datapath of the system, as a
// dummy.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "antrea/api/pipeline.h"
#include "antrea/openflow/text.h"
#include "model.h"
#include "world.h"

namespace antrea::policy::testing {
namespace {

using api::pipeline::Table;

class OpenVSwitch {
 public:
  OpenVSwitch() {
    char path[] = "/tmp/antrea-policy-ovs-XXXXXX";
    directory_ = mkdtemp(path);
    ::setenv("OVS_RUNDIR", directory_.c_str(), 1);
    started_ =
        run("ovsdb-tool create {0}/conf.db /usr/share/openvswitch/vswitch.ovsschema") &&
        run("ovsdb-server {0}/conf.db --remote=punix:{0}/db.sock --detach --no-chdir"
            " --pidfile={0}/db.pid --log-file={0}/db.log --unixctl={0}/db.ctl") &&
        run("ovs-vsctl --no-wait --db=unix:{0}/db.sock init") &&
        run("ovs-vswitchd unix:{0}/db.sock --enable-dummy --disable-system --detach --no-chdir"
            " --pidfile={0}/vs.pid --log-file={0}/vs.log --unixctl={0}/vs.ctl") &&
        run("ovs-vsctl --timeout=30 --db=unix:{0}/db.sock add-br br -- set bridge br "
            "datapath_type=dummy"
            " fail_mode=secure protocols=OpenFlow15");
  }
  ~OpenVSwitch() {
    for (const char* name : {"vs", "db"}) {
      std::ifstream file(directory_ + "/" + name + ".pid");
      if (int pid = 0; file >> pid) ::kill(pid, SIGKILL);
    }
    std::filesystem::remove_all(directory_);
  }
  bool started() const { return started_; }

  void set_flows(const std::vector<std::string>& flows) {
    std::ofstream file(directory_ + "/flows");
    for (const std::string& flow : flows) file << flow << "\n";
    file.close();
    ASSERT_TRUE(run("ovs-ofctl -O OpenFlow15 --bundle replace-flows unix:{0}/br.mgmt {0}/flows"));
  }
  std::string trace(const std::string& flow) {
    return output(fmt::format("ovs-appctl -t {}/vs.ctl ofproto/trace br '{}'", directory_, flow));
  }

 private:
  bool run(const std::string& command) {
    const std::string line = fmt::format(fmt::runtime(command), directory_);
    const std::string said = output(line + " && echo well done");
    if (said.ends_with("well done\n")) return true;
    ADD_FAILURE() << line << "\n" << said;
    return false;
  }
  static std::string output(const std::string& command) {
    std::string text;
    FILE* pipe = ::popen(("PATH=$PATH:/usr/sbin:/sbin; ( " + command + " ) 2>&1").c_str(), "r");
    char buffer[4096];
    for (std::size_t n = 0; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;)
      text.append(buffer, n);
    ::pclose(pipe);
    return text;
  }

  std::string directory_;
  bool started_ = false;
};

constexpr int number(Table table) { return static_cast<int>(table); }

/// The way from a packet to the policy tables and through them: ingress when pkt_mark names the
/// port it goes to. A source MAC address that `packet_of` makes names the Service and whether it
/// came by a NodePort.
std::vector<std::string> frame(const AgentModel& agent, const Cluster& cluster) {
  std::vector<std::string> flows{fmt::format("table=0,priority=1,actions=goto_table:{}",
                                             number(Table::kAntreaPolicyEgressRule))};
  for (const auto& [key, pod] : cluster.pods)
    if (pod.node_name == agent.node() && oracle_is_member(pod) && !pod.pod_ips.empty())
      flows.push_back(
          fmt::format("table=0,priority=2,pkt_mark={0},actions=set_field:{0}->reg1,"
                      "move:NXM_OF_ETH_SRC[0..15]->NXM_NX_REG7[0..15],"
                      "move:NXM_OF_ETH_SRC[32]->NXM_NX_REG4[19],goto_table:{1}",
                      agent.ofport(key), number(Table::kAntreaPolicyIngressRule)));
  for (const Table table :
       {Table::kAntreaPolicyEgressRule, Table::kEgressRule, Table::kEgressDefaultRule,
        Table::kEgressMetric, Table::kAntreaPolicyIngressRule, Table::kIngressRule,
        Table::kIngressDefaultRule})
    flows.push_back(
        fmt::format("table={},priority=0,actions=goto_table:{}", number(table), number(table) + 1));
  flows.push_back(fmt::format("table={},priority=0,actions=goto_table:{}",
                              number(Table::kIngressMetric), number(Table::kConntrackCommit)));
  for (const Table table : {Table::kL3Forwarding, Table::kConntrackCommit})
    flows.push_back(fmt::format("table={},priority=0,actions=LOCAL", number(table)));
  return flows;
}

std::string packet_of(const AgentModel& agent, bool ingress, const Probe& probe) {
  const bool v4 = probe.source.is_v4();
  std::string text = fmt::format("in_port=LOCAL,pkt_mark={},",
                                 ingress ? agent.ofport(api::key_of(probe.to->metadata)) : 0);
  const char* six = v4 ? "" : "6";
  switch (probe.protocol) {
    case 6:
      text += fmt::format("tcp{},tcp_src={},tcp_dst={}", six, probe.source_port, probe.port);
      break;
    case 17:
      text += fmt::format("udp{},udp_src={},udp_dst={}", six, probe.source_port, probe.port);
      break;
    case 132:
      text += fmt::format("sctp{},sctp_src={},sctp_dst={}", six, probe.source_port, probe.port);
      break;
    default:
      text += fmt::format(fmt::runtime(v4 ? "icmp,icmp_type={},icmp_code={}"
                                          : "icmp6,icmpv6_type={},icmpv6_code={}"),
                          probe.icmp_type, probe.icmp_code);
  }
  const char* addresses = v4 ? ",nw_src={0},nw_dst={1},ct_state=trk|new,ct_nw_src={0}"
                             : ",ipv6_src={0},ipv6_dst={1},ct_state=trk|new,ct_ipv6_src={0}";
  text +=
      fmt::format(fmt::runtime(addresses), probe.source.to_string(), probe.destination.to_string());
  if (!probe.by_node_port) return text;
  const std::uint32_t group = service_group(*probe.service);
  return text + fmt::format(",dl_src=00:01:00:00:{:02x}:{:02x}", group >> 8, group & 0xff);
}

class OpenVSwitchTrace : public ::testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Policies, OpenVSwitchTrace, ::testing::Bool(), [](const auto& info) {
  return info.param ? std::string("Native") : std::string("Kubernetes");
});

TEST_P(OpenVSwitchTrace, JudgesARandomSampleAsTheSpecificationSays) {
  OpenVSwitch ovs;
  ASSERT_TRUE(ovs.started());
  const char* wanted = std::getenv("ANTREA_POLICY_TRACES");
  const std::size_t traces = wanted == nullptr ? 300 : std::strtoull(wanted, nullptr, 10);
  std::size_t traced = 0, allowed = 0;
  for (std::uint64_t seed = 1; traced < traces; ++seed) {
    SCOPED_TRACE(seed);
    World world(seed, GetParam());
    world.populate();
    Compiler compiler;
    StoreModel store;
    store.apply(compiler.apply(world.everything()));
    AgentModel agent(World::node_of(seed % World::kNodes));
    std::vector<RuleInput> inputs = store.initial(agent.node());
    for (RuleInput& input : agent.local_changes(world.cluster)) inputs.push_back(std::move(input));
    agent.apply(inputs);
    if (agent.table.flows().size() < 30) continue;
    std::vector<std::string> flows = frame(agent, world.cluster);
    for (const auto& [key, flow] : agent.table.flows()) flows.push_back(openflow::to_string(flow));
    ovs.set_flows(flows);
    if (HasFailure()) return;

    std::vector<Probe> probes = world.probes();
    world.shuffle(probes);
    std::size_t here = 0;
    for (const Probe& probe : probes) {
      for (const bool ingress : {false, true}) {
        const api::Pod* pod = ingress ? probe.to : probe.from;
        if (probe.service && !(ingress && probe.by_node_port)) continue;  // none is balanced here
        if (pod == nullptr || !oracle_is_member(*pod) || pod->node_name != agent.node()) continue;
        const std::string packet = packet_of(agent, ingress, probe);
        const std::string trace = ovs.trace(packet);
        const int exit = number(ingress ? Table::kConntrackCommit : Table::kL3Forwarding);
        const bool passed = trace.find(fmt::format("\n{:2}. ", exit)) != std::string::npos;
        const Verdict expected = oracle_judge(world.cluster, ingress, probe).verdict;
        const bool rejected = trace.find("controller(userdata=01.02") != std::string::npos ||
                              trace.find("controller(userdata=01.03") != std::string::npos;
        ASSERT_EQ(passed, expected == Verdict::kAllow) << packet << "\n" << trace;
        ASSERT_EQ(rejected, expected == Verdict::kReject) << packet << "\n" << trace;
        ++here, ++traced, allowed += passed;
      }
      if (here >= 40) break;
    }
  }
  EXPECT_GT(allowed, traced / 10);
  EXPECT_LT(allowed, traced - traced / 10);
}

}  // namespace
}  // namespace antrea::policy::testing
