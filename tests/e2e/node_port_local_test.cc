// NodePortLocal seen from the outside: a Pod behind a port of its Node, told in its annotation.
#include <boost/json.hpp>

#include "lab_fixture.h"

namespace antrea::e2e {
namespace {

class NodePortLocal : public LabTest {
 protected:
  std::string annotation(const std::string& pod) {
    return kubectl("get pod " + pod +
                   R"( -o jsonpath={.metadata.annotations.nodeportlocal\\.antrea\\.io})")
        .text;
  }
  /// The port of the Node that its annotation tells of; "": there is none.
  std::string node_port(const std::string& pod) {
    boost::system::error_code code;
    const auto told = boost::json::parse(annotation(pod), code);
    const auto* const port = code ? nullptr : told.find_pointer("/0/nodePort", code);
    return port == nullptr ? "" : std::to_string(port->as_int64());
  }
  void enable() {
    ASSERT_EQ(kubectl("annotate service backendsvc nodeportlocal.antrea.io/enabled=true").status,
              0);
    ASSERT_TRUE(eventually([&] {
      return !node_port("backend1").empty() && !node_port("backend2").empty();
    })) << annotation("backend1");
  }
  std::string rules(const std::string& node) {
    return in("node " + node, "nft list table inet antrea-node-port-local").text;
  }
  bool has_rules(const std::string& node) {
    return rules(node).find("map node-port-local") != std::string::npos;
  }
};

TEST_F(NodePortLocal, LeadsToOnePodUntilItsServiceGoes) {
  EXPECT_FALSE(has_rules("worker-01"));
  enable();
  const std::string port = node_port("backend1");
  EXPECT_EQ(annotation("backend1"), R"([{"podPort":80,"nodeIP":"172.18.0.2","nodePort":)" + port +
                                        R"(,"protocol":"tcp","ipFamily":"IPv4"}])");
  EXPECT_TRUE(port.size() == 5 && port >= "61000" && port <= "62000") << port;
  EXPECT_EQ(annotation("frontend"), "") << "no such Service selects it";
  // The client keeps its address.
  EXPECT_EQ(ask("outside", "172.18.0.2", port), "default/backend1 worker-01 172.18.1.10");
  // Its own Node, another one, Pods of both; itself.
  for (const char* const from : {"node worker-01", "node worker-02", "exec default/frontend",
                                 "exec default/backend2", "exec default/backend1"})
    EXPECT_TRUE(ask(from, "172.18.0.2", port).starts_with("default/backend1 worker-01 ")) << from;

  ASSERT_EQ(kubectl("delete service backendsvc").status, 0);
  EXPECT_TRUE(eventually([&] { return annotation("backend1").empty(); }));
  EXPECT_FALSE(has_rules("worker-01")) << rules("worker-01");
  EXPECT_NE(ask("outside", "172.18.0.2", port).find("refused"), std::string::npos);
  EXPECT_EQ(agent("worker-01", "/nodePortLocalPorts"), 0);
}

TEST_F(NodePortLocal, ARestartedAgentKeepsPortsAndClearsWhatIsStale) {
  enable();
  const std::string told = annotation("backend1"), port = node_port("backend1");
  const std::string before = rules("worker-01");
  ASSERT_EQ(lab("daemon kill worker-01 antrea-agent").status, 0);
  EXPECT_EQ(ask("outside", "172.18.0.2", port), "default/backend1 worker-01 172.18.1.10");
  ASSERT_EQ(lab("daemon start worker-01 antrea-agent").status, 0);
  ASSERT_TRUE(eventually([&] { return agent("worker-01", "/nodePortLocalPorts") == 1; }));
  EXPECT_EQ(annotation("backend1"), told);
  EXPECT_EQ(rules("worker-01"), before);
  EXPECT_EQ(ask("outside", "172.18.0.2", port), "default/backend1 worker-01 172.18.1.10");

  // What goes while the agent is away is cleared when it is back.
  ASSERT_EQ(lab("daemon kill worker-01 antrea-agent").status, 0);
  ASSERT_EQ(kubectl("annotate service backendsvc nodeportlocal.antrea.io/enabled-").status, 0);
  EXPECT_TRUE(has_rules("worker-01"));
  ASSERT_EQ(lab("daemon start worker-01 antrea-agent").status, 0);
  EXPECT_TRUE(eventually([&] { return annotation("backend1").empty(); }));
  EXPECT_FALSE(has_rules("worker-01"));
}

}  // namespace
}  // namespace antrea::e2e
