// What a user sees who does something wrong: one line, a fitting exit code, nothing half-made.
#include <algorithm>
#include <ostream>

#include "lab_fixture.h"

namespace antrea::e2e {
namespace {

struct Mistake {
  std::string_view name, command;
  int status;
  std::string_view says;
};
void PrintTo(const Mistake& c, std::ostream* os) { *os << c.command; }

class Mistakes : public testing::TestWithParam<Mistake> {};
TEST_P(Mistakes, GetOneClearLine) {
  const auto output = run(std::string(GetParam().command));
  EXPECT_EQ(output.status, GetParam().status) << output.text;
  EXPECT_NE(output.text.find(GetParam().says), std::string::npos) << output.text;
  EXPECT_LE(std::ranges::count(output.text, '\n'), 2) << "one line, and maybe how it is used:\n"
                                                      << output.text;
}
INSTANTIATE_TEST_SUITE_P(
    Programs, Mistakes,
    testing::Values(
        Mistake{"ControllerFlag", "antrea-controller --standalon", 2, "unrecognised option"},
        Mistake{"ControllerAlone", "antrea-controller", 2, "--standalone"},
        Mistake{"ControllerCidr", "antrea-controller --standalone --cluster-cidr 10.0.0.0/99", 2,
                "10.0.0.0/99"},
        Mistake{"ControllerOverlap", "antrea-controller --standalone --cluster-cidr 10.96.0.0/16",
                2, "overlap"},
        Mistake{"ControllerState", "antrea-controller --standalone --state-dir /proc/nothing", 1,
                "/proc/nothing"},
        Mistake{"AgentFlag", "antrea-agent --nodename x", 2, "unrecognised option"},
        Mistake{"AgentDatapath", "antrea-agent --datapath-type kernel", 2,
                "expected one of system, netdev, dummy"},
        Mistake{"AgentPacketInRate", "antrea-agent --packet-in-rate 0", 2, "expected 1 to 1000000"},
        Mistake{"AgentServiceCidr", "antrea-agent --no-proxy --service-cidr 10.96.0.0/99", 2,
                "not a CIDR"},
        Mistake{"AgentServiceCidrAlone", "antrea-agent --service-cidr 10.96.0.0/12", 2,
                "expected both"},
        Mistake{"AgentNoProxy", "antrea-agent --no-proxy --proxy-all", 2, "expected one of them"},
        Mistake{"AgentLocalPorts", "antrea-agent --node-port-local-range 62000-61000", 2,
                "expected FIRST-LAST"},
        Mistake{"AgentDnsServer", "antrea-agent --dns-server dns.example", 2, "dns.example"},
        Mistake{"AgentKubeconfig", "antrea-agent --kubeconfig /nonexistent", 1, "/nonexistent"},
        Mistake{"AntctlView", "antctl get nothing", 2, "no view \"nothing\""},
        Mistake{"AntctlFormat", "antctl get podinterface -o xml", 2,
                "expected table, json or yaml"},
        Mistake{"AntctlNobody", "antctl get podinterface --agent /nonexistent.sock", 1,
                "is antrea-agent running"},
        Mistake{"LabVerb", "antrea-lab fly", 2, "fly"},
        Mistake{"LabNotUp", "antrea-lab status --name e2e-none", 1, "e2e-none"},
        Mistake{"LabFault", "antrea-lab fail worker-01 --how fire", 2, "expected one of agent"},
        Mistake{"CniCommand", "CNI_COMMAND=MOVE antrea-cni", 1, "\"code\":4"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Usage, ATakenPortIsNamed) {
  const auto second =
      run("dir=$(mktemp -d); antrea-controller --standalone --listen 127.0.0.1:0 --state-dir "
          "$dir/a & first=$!; "
          "until [ -s $dir/a/port ]; do kill -0 $first || exit 9; done; "
          "antrea-controller --standalone --listen 127.0.0.1:$(cat $dir/a/port) 2>$dir/err; echo "
          "status $?; "
          "kill $first; wait $first; cat $dir/err; rm -r $dir");
  EXPECT_NE(second.text.find("status 1"), std::string::npos) << second.text;
  EXPECT_NE(second.text.find("antrea-controller: tcp:127.0.0.1:"), std::string::npos)
      << second.text;
}

TEST(Usage, EveryProgramTeachesItsUse) {
  for (const auto* const program : {"antrea-controller", "antrea-agent", "antctl", "antrea-lab"}) {
    const auto help = run(std::string(program) + " --help");
    EXPECT_EQ(help.status, 0) << program;
    EXPECT_NE(help.text.find("sage: "), std::string::npos) << help.text;
  }
}

using UsageLab = LabTest;

TEST_F(UsageLab, BrokenManifestsChangeNothing) {
  const auto broken =
      run("f=$(mktemp); printf \"kind: Pod\\n  bad: [\" >$f; antrea-lab apply -f $f --name " +
          name_ + "; echo status $?; rm $f");
  EXPECT_NE(broken.text.find("status 1"), std::string::npos) << broken.text;
  const auto unknown =
      run("f=$(mktemp); printf \"apiVersion: v1\\nkind: Pod\\nmetadata: {name: x}\\nspec: "
          "{containres: []}\" >$f; "
          "kubectl --kubeconfig /tmp/antrea-lab-$(id -u)/" +
          name_ + "/kubeconfig apply -f $f; echo status $?; rm $f");
  EXPECT_NE(unknown.text.find("containres"), std::string::npos) << unknown.text;
  EXPECT_NE(unknown.text.find("status 1"), std::string::npos) << unknown.text;
}

}  // namespace
}  // namespace antrea::e2e
