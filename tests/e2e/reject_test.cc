// Rules that reject: the sender hears of it at once, whichever way its packets went.
#include "lab_fixture.h"

namespace antrea::e2e {
namespace {

using Reject = LabTest;

std::string file(const std::string& name) { return "../tests/e2e/tiers/" + name; }

TEST_F(Reject, IsHeardByTheSender) {
  ASSERT_EQ(kubectl("apply -f " + example(file("reject.yaml"))).status, 0);
  EXPECT_TRUE(reaches(file("rejected.json")));
  ASSERT_EQ(kubectl("delete -f " + example(file("reject.yaml"))).status, 0);
  EXPECT_TRUE(reaches("three-pods-open.json"));

  ASSERT_EQ(kubectl("apply -f " + example(file("reject-egress.yaml"))).status, 0);
  EXPECT_TRUE(reaches(file("rejected-egress.json")));
}

TEST_F(Reject, WhatNobodyServesIsRefused) {
  ASSERT_EQ(kubectl("apply -f " + example(file("unserved.yaml"))).status, 0);
  EXPECT_TRUE(reaches(file("unserved.json")));
  EXPECT_GT(metric("worker-01", "antrea_agent_policy_packet_count{result=\"no_endpoint\"}"), 0);
}

// Rules that reject what the other side sends, its answers included (antrea: #2579 #3569).
TEST_F(Reject, OfBothSidesDoesNotLoop) {
  ASSERT_EQ(kubectl("apply -f " + example(file("reject.yaml"))).status, 0);
  ASSERT_EQ(kubectl("apply -f " + example(file("reject-egress.yaml"))).status, 0);
  ASSERT_TRUE(reaches(file("rejected-both.json")));
  // A handful for each probe; a loop would make thousands a second.
  std::int64_t answers = 0;
  for (const char* const node : {"worker-01", "worker-02"}) {
    const auto sent = metric(node, "antrea_agent_policy_packet_count{result=\"rejected\"}");
    ASSERT_GE(sent, 0);
    answers += sent;
  }
  EXPECT_GT(answers, 0);
  EXPECT_LT(answers, 200);
}

}  // namespace
}  // namespace antrea::e2e
