// Rules that name peers by DNS names.
#include "lab_fixture.h"

namespace antrea::e2e {
namespace {

constexpr const char* kServer = "172.18.1.10";  // the lab's outside host; it is called "outside"

class Fqdn : public LabTest {
 protected:
  Output ask_then_connect(const std::string& transport) {
    return in("exec default/frontend", "python3 " ANTREA_SOURCE_DIR
                                       "/tests/e2e/tiers/ask_then_connect.py " +
                                           std::string(kServer) + " outside " + transport);
  }
  bool allows_server() {
    return flows("worker-01").find("nw_dst=" + std::string(kServer) + " ") != std::string::npos;
  }
};

TEST_F(Fqdn, AnAnswerOpensTheWayBeforeItArrives) {
  ASSERT_EQ(kubectl("apply -f " + example("../tests/e2e/tiers/fqdn.yaml")).status, 0);
  ASSERT_TRUE(eventually(
      [&] { return flows("worker-01").find("controller(userdata=02") != std::string::npos; }));
  // Of another port, as the switch's cache may keep a verdict for some milliseconds.
  EXPECT_TRUE(reaches("../tests/e2e/tiers/fqdn-unasked.json"));
  ASSERT_FALSE(allows_server());
  const auto by_udp = ask_then_connect("udp");
  EXPECT_EQ(by_udp.text, "connected to " + std::string(kServer) + "\n");
  EXPECT_TRUE(allows_server());
  const auto by_tcp = ask_then_connect("tcp");
  EXPECT_EQ(by_tcp.text, "connected to " + std::string(kServer) + "\n");

  // What was learned outlives the agent: not a flow is changed.
  ASSERT_GT(metric("worker-01", "antrea_agent_dns_answer_count{result=\"delivered\"}"), 0);
  ASSERT_TRUE(eventually([&] {
    return run("cat /tmp/antrea-lab-$(id -u)/" + name_ +
               "/hosts/worker-01/run/antrea/dns-names.json")
               .text.find(kServer) != std::string::npos;
  }));
  const std::string before = flows("worker-01");
  ASSERT_EQ(lab("daemon kill worker-01 antrea-agent").status, 0);
  ASSERT_EQ(lab("daemon start worker-01 antrea-agent").status, 0);
  ASSERT_TRUE(eventually([&] { return agent("worker-01", "/openflow/syncs") > 0; }));
  EXPECT_EQ(agent("worker-01", "/openflow/messages"), 0);
  EXPECT_EQ(flows("worker-01"), before);

  // Nobody asks the lab's server any more but the agent: past the TTL of 5 s the name still counts.
  const auto first = std::chrono::steady_clock::now();
  EXPECT_TRUE(eventually([&] {
    return !allows_server() || std::chrono::steady_clock::now() - first > std::chrono::seconds(11);
  }));
  EXPECT_TRUE(allows_server());
  ASSERT_EQ(kubectl("delete -f " + example("../tests/e2e/tiers/fqdn.yaml")).status, 0);
  EXPECT_TRUE(eventually([&] {
    return flows("worker-01").find("controller(userdata=02") == std::string::npos &&
           !allows_server();
  }));
}

}  // namespace
}  // namespace antrea::e2e
