#include "antrea/proxy/node_health.h"

#include <gtest/gtest.h>

namespace antrea::proxy {
namespace {

TEST(NodeHealth, ANodeThatIsAboutToGoIsNotEligible) {
  api::Node node;
  EXPECT_TRUE(is_eligible(node));
  node.unschedulable = true;  // which kube-proxy does not mind
  node.taints = {{"node.kubernetes.io/unschedulable", "", "NoSchedule"}};
  EXPECT_TRUE(is_eligible(node));
  node.taints.push_back({"ToBeDeletedByClusterAutoscaler", "1700000000", "NoSchedule"});
  EXPECT_FALSE(is_eligible(node));
  node.taints.clear();
  node.metadata.deletion_timestamp = "2026-01-01T00:00:00Z";
  EXPECT_FALSE(is_eligible(node));
}

}  // namespace
}  // namespace antrea::proxy
