#include "antrea/controlplane/realization.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace antrea::controlplane {
namespace {

using namespace api::controlplane;
using api::crd::PolicyPhase;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

PolicyChange policy(std::int64_t generation, NodeSet span, bool unrealizable = false,
                    PolicyType type = PolicyType::kAntreaNetworkPolicy) {
  auto made = std::make_shared<NetworkPolicy>();
  made->metadata.name = made->metadata.uid = "u";
  made->metadata.generation = generation;
  made->source_ref = {type, "ns", "p", "u"};
  return {made, std::move(span), {}, unrealizable};
}
NetworkPolicyStatus report(std::string node, std::int64_t generation, std::string failure = {}) {
  NetworkPolicyStatus status;
  status.metadata.name = "u";
  status.nodes.push_back({std::move(node), generation, !failure.empty(), failure});
  return status;
}

/// "phase current/desired generation", of the one change; "" if there is none.
std::string text(const std::vector<Realization::Change>& changes) {
  if (changes.empty()) return "";
  EXPECT_THAT(changes, SizeIs(1));
  EXPECT_EQ(changes[0].policy.to_string(), "AntreaNetworkPolicy:ns/p");
  const auto& status = changes[0].status;
  constexpr const char* kPhases[] = {"Pending", "Realizing", "Realized", "Failed"};
  return std::string(kPhases[static_cast<int>(*status.phase)]) + " " +
         std::to_string(status.current_nodes_realized) + "/" +
         std::to_string(status.desired_nodes_realized) + " of " +
         std::to_string(status.observed_generation);
}

class RealizationOfAPolicy : public testing::Test {
 protected:
  std::string told(PolicyChange change) {
    return text(realization.apply({.policies = {std::move(change)}}, "t1"));
  }
  std::string reported(const NetworkPolicyStatus& status) {
    return text(realization.apply(status, "t2"));
  }
  Realization realization;
};

TEST_F(RealizationOfAPolicy, GoesWithTheReportsOfItsNodes) {
  EXPECT_EQ(told(policy(1, {"a", "b"})), "Realizing 0/2 of 1");
  EXPECT_EQ(reported(report("a", 1)), "Realizing 1/2 of 1");
  EXPECT_EQ(reported(report("a", 1)), "") << "nothing new";
  EXPECT_EQ(reported(report("c", 1)), "") << "does not need it";
  EXPECT_EQ(reported(report("b", 0)), "") << "of another generation";
  EXPECT_EQ(reported(report("b", 1)), "Realized 2/2 of 1");
  EXPECT_EQ(told(policy(1, {"a"})), "Realized 1/1 of 1");
  EXPECT_EQ(told(policy(1, {"a", "b"})), "Realizing 1/2 of 1") << "b has to say so again";
  EXPECT_EQ(told(policy(2, {"a", "b"})), "Realizing 0/2 of 2");
  EXPECT_EQ(told(policy(2, {})), "Realized 0/0 of 2");
  EXPECT_EQ(told({nullptr, {}, "u"}), "");
  EXPECT_EQ(reported(report("a", 2)), "") << "it is gone";
  EXPECT_EQ(told(policy(2, {"a"})), "Realizing 0/1 of 2");
}

TEST_F(RealizationOfAPolicy, NamesTheNodesThatFailed) {
  told(policy(1, {"a", "b"}));
  EXPECT_EQ(reported(report("a", 1, "no room")), "Realizing 0/2 of 1");
  const auto changes = realization.apply(report("b", 1), "t3");
  EXPECT_EQ(text(changes), "Failed 1/2 of 1");
  ASSERT_THAT(changes[0].status.conditions, SizeIs(1));
  const api::crd::Condition want{"RealizationFailure", "True",
                                 "NetworkPolicyRealizationFailedOnNode",
                                 R"(failed on 1 Nodes: "a":"no room")", "t2"};
  EXPECT_EQ(changes[0].status.conditions[0], want);
  EXPECT_EQ(reported(report("a", 1)), "Realized 2/2 of 1");
  const auto again = realization.apply(report("a", 1, std::string(300, 'x')), "t4");
  EXPECT_THAT(again[0].status.conditions[0].message, SizeIs(256 + 3));
  EXPECT_THAT(again[0].status.conditions[0].message, HasSubstr("x..."));
  EXPECT_EQ(again[0].status.conditions[0].last_transition_time, "t4");
}

TEST_F(RealizationOfAPolicy, IsPendingWhereItReachesBeyondItsNamespace) {
  const auto changes = realization.apply({.policies = {policy(1, {}, true)}}, "t1");
  EXPECT_EQ(text(changes), "Pending 0/0 of 1");
  ASSERT_THAT(changes[0].status.conditions, SizeIs(1));
  EXPECT_EQ(changes[0].status.conditions[0].type, "Realizable");
  EXPECT_EQ(changes[0].status.conditions[0].status, "False");
  EXPECT_EQ(changes[0].status.conditions[0].reason, "NetworkPolicyAppliedToUnsupportedGroup");
  EXPECT_EQ(told(policy(1, {})), "Realized 0/0 of 1");
}

TEST_F(RealizationOfAPolicy, IsToldForAntreasPoliciesOnly) {
  for (const auto type :
       {PolicyType::kK8sNetworkPolicy, PolicyType::kAdminNetworkPolicy,
        PolicyType::kBaselineAdminNetworkPolicy, PolicyType::kClusterNetworkPolicy})
    EXPECT_THAT(realization.apply({.policies = {policy(1, {"a"}, false, type)}}, "t"), IsEmpty());
}

}  // namespace
}  // namespace antrea::controlplane
