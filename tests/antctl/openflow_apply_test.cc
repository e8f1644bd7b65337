// antctl openflow diff and apply beside ovs-ofctl diff-flows and replace-flows, on a real switch.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>

#include "tests/ovs/fixture.h"

namespace antrea {
namespace {

struct Answer {
  int exit_code = -1;
  std::vector<std::string> lines;  ///< of standard output and error
};

Answer shell(const std::string& command) {
  Answer answer;
  FILE* const program = popen((command + " 2>&1").c_str(), "r");
  std::string output;
  char buffer[4096];
  while (const auto size = fread(buffer, 1, sizeof buffer, program)) output.append(buffer, size);
  answer.exit_code = WEXITSTATUS(pclose(program));
  std::istringstream in(output);
  for (std::string line; std::getline(in, line);) answer.lines.push_back(line);
  return answer;
}

constexpr const char* kBefore = R"(# what the switch holds
table=1,priority=5,cookie=0x7,ip,nw_dst=10.0.0.1 actions=resubmit(,2)
table=2,priority=6,tcp,tp_dst=80 actions=set_field:0x5->reg0,ct(commit,table=3,zone=7)
priority=7,in_port=1,idle_timeout=60 actions=output:2
actions=NORMAL
)";
constexpr const char* kAfter = R"(
table=1,priority=5,cookie=0x7,ip,nw_dst=10.0.0.1 actions=resubmit(,3)
table=2,priority=6,tcp,tp_dst=80 actions=set_field:0x5->reg0,ct(commit,table=3,zone=7)
table=3,priority=1,importance=9,hard_timeout=5,reg0=0x1/0xf actions=drop
actions=NORMAL  # stays
)";

class OpenflowApply : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::enter_private_network())
      GTEST_SKIP() << "needs the right to make a network namespace";
    ovs_.start_switch();
    ASSERT_TRUE(ovs_.add_bridge());
    write("before", kBefore);
    write("after", kAfter);
    ASSERT_EQ(ofctl("add-flows " + target() + " " + file("before")).exit_code, 0);
  }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(file(name)) << text;
  }
  std::string file(const std::string& name) const { return ovs_.dir() / name; }
  std::string target() const { return "unix:" + ovs_.bridge_socket(); }
  static Answer antctl(const std::string& arguments) {
    return shell(ANTREA_BIN_DIR "/antctl openflow " + arguments);
  }
  static Answer ofctl(const std::string& arguments) {
    return shell("ovs-ofctl -OOpenFlow15 " + arguments);
  }
  /// Both say the same of a file, and end alike; the order of flows is nobody's promise.
  void expect_same_diff(const std::string& name, int exit_code) const {
    auto ours = antctl("diff " + target() + " " + file(name));
    auto theirs = ofctl("diff-flows " + target() + " " + file(name));
    EXPECT_EQ(ours.exit_code, exit_code);
    EXPECT_EQ(theirs.exit_code, exit_code);
    std::ranges::sort(ours.lines);
    std::ranges::sort(theirs.lines);
    EXPECT_EQ(ours.lines, theirs.lines);
  }
  testing::OpenVSwitch ovs_;
};

TEST_F(OpenflowApply, DiffersAsDiffFlowsDoes) {
  expect_same_diff("before", 0);
  expect_same_diff("after", 2);
  write("empty", "");
  expect_same_diff("empty", 2);
  const auto json = antctl("diff -o json " + target() + " " + file("after"));
  EXPECT_EQ(json.exit_code, 2);
  EXPECT_EQ(std::ranges::count(json.lines,
                               "{\"change\":\"delete\",\"flow\":\"priority=7,in_port=1 "
                               "idle_timeout=60 actions=output:2\"}"),
            1);
}

TEST_F(OpenflowApply, MakesTheFlowsThoseOfTheFile) {
  const auto planned = antctl("apply --dry-run " + target() + " " + file("after"));
  EXPECT_EQ(planned.exit_code, 0);
  ASSERT_EQ(planned.lines.size(), 3U);
  EXPECT_NE(planned.lines[0].find("OFPT_FLOW_MOD (OF1.5) (xid=0x0): DEL_STRICT"), std::string::npos)
      << planned.lines[0];
  expect_same_diff("before", 0);  // nothing was sent
  const auto applied = antctl("apply " + target() + " " + file("after"));
  EXPECT_EQ(applied.exit_code, 0);
  EXPECT_TRUE(applied.lines.empty());
  expect_same_diff("after", 0);
  const auto again = antctl("apply -o json " + target() + " - <" + file("after"));
  EXPECT_EQ(again.lines, std::vector<std::string>{"{\"written\":0,\"deleted\":0}"});
}

TEST_F(OpenflowApply, ChangesNothingWhenTheSwitchRefusesAny) {
  write("bad", std::string(kAfter) + "table=4,priority=3,ip actions=group:77\n");
  const auto applied = antctl("apply " + target() + " " + file("bad"));
  EXPECT_EQ(applied.exit_code, 1);
  ASSERT_EQ(applied.lines.size(), 1U);
  for (const auto* word : {"table 4, priority 3", "OFPBAC_BAD_OUT_GROUP", "nothing was changed"})
    EXPECT_NE(applied.lines[0].find(word), std::string::npos) << applied.lines[0];
  expect_same_diff("before", 0);
}

TEST_F(OpenflowApply, KnowsTheNamesOfPortsAndTables) {
  ASSERT_EQ(ovs_.vsctl({"add-port", "br0", "left.0", "--", "set", "interface", "left.0",
                        "type=internal", "ofport_request=41"}),
            0);
  ASSERT_EQ(ofctl("mod-table " + target() + " 3 name:last").exit_code, 0);
  write("named",
        "priority=8,in_port=\"left.0\" actions=goto_table:last\n"
        "table=last,priority=2 actions=output:\"left.0\",resubmit(\"left.0\",last)\n");
  write("numbered",
        "priority=8,in_port=41 actions=goto_table:3\n"
        "table=3,priority=2 actions=output:41,resubmit(41,3)\n");
  const auto applied = antctl("apply " + target() + " " + file("named"));
  EXPECT_EQ(applied.exit_code, 0) << ::testing::PrintToString(applied.lines);
  expect_same_diff("numbered", 0);
  write("unknown", "in_port=right actions=drop\n");
  const auto unknown = antctl("diff " + target() + " " + file("unknown"));
  EXPECT_EQ(unknown.exit_code, 1);
  ASSERT_EQ(unknown.lines.size(), 1U);
  EXPECT_NE(unknown.lines[0].find(":1:9: \"right\" is no port"), std::string::npos)
      << unknown.lines[0];
}

TEST_F(OpenflowApply, ShowsFlagsWhereTheyDiffer) {
  write("flags", std::string(kBefore) + "table=9,priority=3,send_flow_rem actions=drop\n");
  ASSERT_EQ(antctl("apply " + target() + " " + file("flags")).exit_code, 0);
  write("none", std::string(kBefore) + "table=9,priority=3 actions=drop\n");
  const auto answer = antctl("diff " + target() + " " + file("none"));
  EXPECT_EQ(answer.exit_code, 2);
  EXPECT_EQ(answer.lines, (std::vector<std::string>{"-table=9 priority=3 flags=0x1 actions=drop",
                                                    "+table=9 priority=3 flags=0x0 actions=drop"}));
}

TEST_F(OpenflowApply, SaysInOneLineWhatIsWrong) {
  write("typo", "table=1,actions=drop\n\nip,nw_dst=10.0.0.x actions=drop\n");
  write("named", "in_port=left actions=drop\n");
  struct Case {
    std::string arguments;
    std::string said;
  };
  const std::vector<Case> cases{
      {"diff unix:/no/such.sock " + file("after"), "unix:/no/such.sock: connect: No such file"},
      {"diff unix:/no/such.sock " + file("named"),
       "\"left\" is no port (names were not asked for: unix:/no/such.sock: connect: No such file"},
      {"apply tcp:127.0.0.1:1 " + file("after"), "tcp:127.0.0.1:1: connect: Connection refused"},
      {"diff br0 " + file("after"), "br0: parse remote: it starts with no known method"},
      {"diff " + target() + " /no/file", "/no/file: open: No such file"},
      {"diff " + target() + " " + file("typo"), file("typo") + ":3:"},
      {"diff " + target(), "an argument is missing"},
      {"apply -o yaml " + target() + " " + file("after"), "there is no output format \"yaml\""},
      {"diff ssl:127.0.0.1 " + file("after"), "TLS needs a CA certificate file"},
  };
  for (const auto& [arguments, said] : cases) {
    const auto answer = antctl(arguments);
    EXPECT_EQ(answer.exit_code, 1) << arguments;
    ASSERT_EQ(answer.lines.size(), 1U) << arguments;
    EXPECT_NE(answer.lines[0].find(said), std::string::npos) << answer.lines[0];
  }
}

}  // namespace
}  // namespace antrea
