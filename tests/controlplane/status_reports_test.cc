#include "antrea/controlplane/status_reports.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace antrea::controlplane {
namespace {

using api::controlplane::NetworkPolicy;
using api::controlplane::PolicyType;
using testing::ElementsAre;
using testing::IsEmpty;

policy::PolicyUpserted sent(std::string name, std::int64_t generation,
                            PolicyType type = PolicyType::kAntreaNetworkPolicy) {
  auto made = std::make_shared<NetworkPolicy>();
  made->metadata.name = std::move(name);
  made->metadata.generation = generation;
  made->source_ref.type = type;
  return made;
}

class ReportsOfANode : public testing::Test {
 protected:
  void apply(std::vector<policy::RuleInput> batch) { reports.apply(batch); }
  /// "NAME GENERATION" each, with the failure behind it if there is one.
  std::vector<std::string> due(std::vector<std::string> waiting = {}) const {
    std::vector<std::string> texts;
    for (const auto& report : reports.due(waiting, failures)) {
      EXPECT_EQ(report.nodes.size(), 1U);
      EXPECT_EQ(report.nodes[0].node_name, "node-1");
      EXPECT_EQ(report.nodes[0].realization_failure, !report.nodes[0].message.empty());
      texts.push_back(report.metadata.name + " " + std::to_string(report.nodes[0].generation));
      if (!report.nodes[0].message.empty()) texts.back() += " " + report.nodes[0].message;
    }
    return texts;
  }
  void tell_all() {
    for (const auto& report : reports.due({}, failures)) reports.told(report);
  }
  StatusReports::Failures failures;
  StatusReports reports{"node-1"};
};

TEST_F(ReportsOfANode, AreDueOncePerPolicyThatIsSent) {
  apply({sent("b", 1), sent("a", 7)});
  EXPECT_THAT(due(), ElementsAre("a 7", "b 1"));
  tell_all();
  EXPECT_THAT(due(), IsEmpty());
  apply({sent("a", 7)});
  EXPECT_THAT(due(), ElementsAre("a 7")) << "sent anew: the controller may have forgotten";
}

TEST_F(ReportsOfANode, WaitForGroups) {
  apply({sent("a", 1), sent("b", 1)});
  EXPECT_THAT(due({"a"}), ElementsAre("b 1"));
  tell_all();
  EXPECT_THAT(due(), IsEmpty());
}

TEST_F(ReportsOfANode, AreNotForPoliciesOfKubernetes) {
  apply({sent("a", 1, PolicyType::kK8sNetworkPolicy)});
  EXPECT_THAT(due(), IsEmpty());
}

TEST_F(ReportsOfANode, GoWithTheirPolicy) {
  apply({sent("a", 1), sent("b", 1), sent("c", 1)});
  apply({policy::PolicyDeleted{"b"}});
  EXPECT_THAT(due(), ElementsAre("a 1", "c 1"));
  apply({policy::PoliciesReplaced{{sent("c", 1), sent("d", 1)}}});
  EXPECT_THAT(due(), ElementsAre("c 1", "d 1"));
}

TEST_F(ReportsOfANode, AReportOnItsWayDoesNotCountForALaterGeneration) {
  apply({sent("a", 1)});
  const auto on_its_way = reports.due({}, {});
  apply({sent("a", 2)});
  reports.told(on_its_way[0]);
  EXPECT_THAT(due(), ElementsAre("a 2"));
}

TEST_F(ReportsOfANode, SayWhatFailsAndWhenItNoLongerDoes) {
  apply({sent("a", 1), sent("b", 1)});
  failures = {{"a", "no room"}, {"unknown", "no room"}};
  EXPECT_THAT(due(), ElementsAre("a 1 no room", "b 1"));
  tell_all();
  EXPECT_THAT(due(), IsEmpty());
  failures = {{"a", "still none"}, {"b", "no room"}};
  EXPECT_THAT(due({"b"}), ElementsAre("a 1 still none"));
  tell_all();
  failures.clear();
  EXPECT_THAT(due(), ElementsAre("a 1", "b 1"));
  tell_all();
  EXPECT_THAT(due(), IsEmpty());
}

TEST_F(ReportsOfANode, OfAPolicyThatFailedAreForgottenWithIt) {
  apply({sent("a", 1)});
  failures = {{"a", "no room"}};
  tell_all();
  apply({policy::PolicyDeleted{"a"}, sent("a", 1)});
  failures.clear();
  EXPECT_THAT(due(), ElementsAre("a 1"));
}

}  // namespace
}  // namespace antrea::controlplane
