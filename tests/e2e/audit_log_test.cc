// np.log, as it is written for real packets.
#include <regex>

#include "lab_fixture.h"

namespace antrea::e2e {
namespace {

class AuditLog : public LabTest {
 protected:
  /// Whether a line of worker-01's log is, or becomes, of this form behind its time.
  bool has_line(const std::string& form) {
    const std::regex line("(^|\n)\\d{4}/\\d\\d/\\d\\d \\d\\d:\\d\\d:\\d\\d\\.\\d{6} " + form +
                          "(\n|$)");
    std::string log;
    const bool found = eventually(
        [&] {
          log = run("cat /tmp/antrea-lab-$(id -u)/" + name_ +
                    "/hosts/worker-01/run/antrea/log/networkpolicy/np.log")
                    .text;
          return std::regex_search(log, line);
        },
        std::chrono::seconds(10));
    EXPECT_TRUE(found) << form << "\nis not in\n" << log;
    return found;
  }
};

TEST_F(AuditLog, TellsWhatEachRuleDecided) {
  ASSERT_EQ(
      kubectl("annotate namespace default networkpolicy.antrea.io/enable-logging=true").status, 0);
  ASSERT_EQ(kubectl("apply -f " + example("../tests/e2e/tiers/logged.yaml")).status, 0);
  ASSERT_TRUE(reaches("../tests/e2e/tiers/logged.json"));
  const std::string some = " \\S+ \\d+ \\S+ ", ports = "( \\[\\d+ packets in [\\d.]+s\\])?";
  has_line(
      "AntreaPolicyIngressRule AntreaClusterNetworkPolicy:watched let-web Ingress Allow "
      "\\d+ default/backend1" +
      some + "80 TCP \\d+ web");
  has_line(
      "AntreaPolicyIngressRule AntreaClusterNetworkPolicy:watched no-8080 Ingress Reject "
      "\\d+ default/backend1" +
      some + "8080 UDP \\d+ alt" + ports);
  has_line(
      "AntreaPolicyIngressRule AntreaClusterNetworkPolicy:watched nobody-else Ingress Drop "
      "\\d+ default/backend1" +
      some + "80 TCP \\d+ <nil>" + ports);
  has_line("IngressDefaultRule K8sNetworkPolicy <nil> Ingress Drop <nil> default/frontend" + some +
           "80 TCP \\d+ <nil>" + ports);
}

}  // namespace
}  // namespace antrea::e2e
