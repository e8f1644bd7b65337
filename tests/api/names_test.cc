#include <gtest/gtest.h>

#include "antrea/api/controlplane.h"
#include "antrea/api/pipeline.h"

namespace antrea::api {
namespace {

TEST(Pipeline, TableNamesAreDistinctAndFound) {
  for (std::size_t id = 0; id < pipeline::kTableCount; ++id) {
    const auto table = static_cast<pipeline::Table>(id);
    ASSERT_FALSE(pipeline::name_of(table).empty());
    EXPECT_EQ(pipeline::table_of(pipeline::name_of(table)), table);
  }
  EXPECT_EQ(pipeline::name_of(pipeline::Table::kUnSnat), "UnSNAT");
  EXPECT_EQ(pipeline::name_of(pipeline::Table::kArpSpoofGuard), "ARPSpoofGuard");
  EXPECT_EQ(pipeline::name_of(pipeline::Table::kNonIp), "NonIP");
  EXPECT_EQ(pipeline::name_of(static_cast<pipeline::Table>(200)), "");
  EXPECT_EQ(pipeline::table_of("Nothing"), std::nullopt);
}

TEST(Names, Protocols) {
  EXPECT_EQ(parse_protocol("SCTP").value(), Protocol::kSctp);
  EXPECT_EQ(parse_protocol("sctp").error().code, Errc::kInvalidArgument);
}

TEST(Names, PolicyReference) {
  using namespace controlplane;
  EXPECT_EQ((NetworkPolicyReference{PolicyType::kK8sNetworkPolicy, "a", "b", "u"}.to_string()),
            "K8sNetworkPolicy:a/b");
  EXPECT_EQ(
      (NetworkPolicyReference{PolicyType::kAntreaClusterNetworkPolicy, "", "b", "u"}.to_string()),
      "AntreaClusterNetworkPolicy:b");
}

}  // namespace
}  // namespace antrea::api
