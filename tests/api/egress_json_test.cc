#include "antrea/api/egress_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "antrea/api/json.h"
#include "tests/addresses.h"

namespace antrea::api {
namespace {

using testing::HasSubstr;

boost::json::value object_of(std::string_view kind, std::string_view spec) {
  const auto objects =
      decode_manifest("apiVersion: crd.antrea.io/v1beta1\nkind: " + std::string(kind) +
                          "\nmetadata: {name: it}\nspec: " + std::string(spec),
                      "test");
  EXPECT_TRUE(objects) << objects.error().to_string();
  return objects->at(0);
}

TEST(EgressJson, ReadsWhatItWrites) {
  auto json = object_of("Egress", R"({appliedTo: {podSelector: {matchLabels: {a: b}},
    namespaceSelector: {}}, egressIP: 10.10.0.1, externalIPPool: prod,
    bandwidth: {rate: 500k, burst: 10M}})");
  json.as_object()["status"] = boost::json::parse(R"({"egressNode": "n1", "egressIP": "10.10.0.1",
    "conditions": [{"type": "IPAssigned", "status": "True", "reason": "Assigned"}]})");
  const auto egress = decode_egress(json);
  ASSERT_TRUE(egress) << egress.error().to_string();
  EXPECT_EQ(egress->spec.addresses, (std::vector<crd::EgressAddress>{{ip("10.10.0.1"), "prod"}}));
  EXPECT_FALSE(egress->spec.several);
  EXPECT_EQ(egress->spec.bandwidth, (crd::Bandwidth{500'000, 10'000'000}));
  EXPECT_EQ(egress->spec.pod_selector->match_labels.at("a"), "b");
  EXPECT_TRUE(egress->spec.namespace_selector->empty());
  EXPECT_EQ(egress->status.egress_node, "n1");
  EXPECT_EQ(egress->status.conditions.at(0).reason, "Assigned");
  const auto again = decode_egress(encode(*egress));
  ASSERT_TRUE(again) << again.error().to_string();
  EXPECT_EQ(*again, *egress);
}

TEST(EgressJson, SeveralAddressesGoWithPoolsByIndex) {
  const auto egress = decode_egress(object_of("Egress", R"({appliedTo: {},
    egressIPs: [10.10.0.1, "", "fd00::1"], externalIPPools: [a, b, c, a]})"));
  ASSERT_TRUE(egress) << egress.error().to_string();
  EXPECT_TRUE(egress->spec.several);
  EXPECT_EQ(
      egress->spec.addresses,
      (std::vector<crd::EgressAddress>{
          {ip("10.10.0.1"), "a"}, {std::nullopt, "b"}, {ip("fd00::1"), "c"}, {std::nullopt, "a"}}));
  EXPECT_EQ(*decode_egress(encode(*egress)), *egress);

  const auto fixed =
      decode_egress(object_of("Egress", "{appliedTo: {}, egressIPs: [10.0.0.1, 10.0.0.2]}"));
  ASSERT_TRUE(fixed) << fixed.error().to_string();
  EXPECT_EQ(fixed->spec.addresses.at(1), (crd::EgressAddress{ip("10.0.0.2"), ""}));
  EXPECT_EQ(*decode_egress(encode(*fixed)), *fixed);
}

TEST(ExternalIPPoolJson, ReadsWhatItWrites) {
  auto json = object_of("ExternalIPPool", R"({ipRanges: [{cidr: 10.10.1.0/24},
    {start: 10.10.2.1, end: 10.10.2.9}], subnetInfo: {gateway: 10.10.0.1, prefixLength: 16,
    vlan: 7}, nodeSelector: {matchLabels: {role: egress}}})");
  json.as_object()["status"] = boost::json::parse(R"({"usage": {"total": 263, "used": 2}})");
  const auto pool = decode_external_ip_pool(json);
  ASSERT_TRUE(pool) << pool.error().to_string();
  EXPECT_EQ(pool->ranges.at(0).start, ip("10.10.1.0"));
  EXPECT_EQ(pool->ranges.at(0).end, ip("10.10.1.255"));
  EXPECT_EQ(pool->ranges.at(0).to_string(), "10.10.1.0/24");
  EXPECT_EQ(pool->ranges.at(1).to_string(), "10.10.2.1-10.10.2.9");
  EXPECT_EQ(pool->subnet_info->subnet().to_string(), "10.10.0.0/16");
  EXPECT_EQ(pool->subnet_info->vlan, 7);
  EXPECT_EQ(pool->usage, (crd::PoolUsage{263, 2}));
  EXPECT_EQ(*decode_external_ip_pool(encode(*pool)), *pool);
}

struct Refused {
  std::string_view name, kind, spec, error;
};
void PrintTo(const Refused& c, std::ostream* os) { *os << c.name; }

#define EGRESS(text) "Egress", "{appliedTo: {}, " text "}"
#define POOL(text) "ExternalIPPool", "{nodeSelector: {}, " text "}"
constexpr Refused kRefused[] = {
    {"NoAppliedTo", "Egress", "{egressIP: 1.1.1.1}", "spec.appliedTo: found nothing"},
    {"NoAddress", EGRESS("bandwidth: {rate: 1k, burst: 1k}"),
     "spec: found neither egressIP nor externalIPPool"},
    {"EmptyAddress", EGRESS("egressIP: ''"), "spec: found neither egressIP nor"},
    {"NoIp", EGRESS("egressIP: 10.0.0.300"), "spec.egressIP: "},
    {"BothForms", EGRESS("egressIP: 10.0.0.3, externalIPPools: [a]"), "spec: found both forms"},
    {"NoIpOfSeveral", EGRESS("egressIPs: [10.0.0.3, ten]"), "spec.egressIPs[1]: "},
    {"MoreIpsThanPools", EGRESS("egressIPs: [10.0.0.3, 10.0.0.4], externalIPPools: [a]"),
     "spec.egressIPs: found 2 entries, expected at most 1"},
    {"Twice", EGRESS("egressIPs: [10.0.0.3, 10.0.0.3]"), "found 10.0.0.3 twice"},
    {"NothingAtIndex", EGRESS("egressIPs: [10.0.0.3, '']"),
     "spec: found neither egressIPs[1] nor externalIPPools[1]"},
    {"NoneOfSeveral", EGRESS("egressIPs: []"), "found neither egressIPs nor externalIPPools"},
    {"NoBurst", EGRESS("egressIP: 1.1.1.1, bandwidth: {rate: 1k}"),
     "spec.bandwidth.burst: found nothing"},
    {"NoQuantity", EGRESS("egressIP: 1.1.1.1, bandwidth: {rate: fast, burst: 1k}"),
     "spec.bandwidth.rate: found \"fast\""},
    {"BadLabel", "Egress",
     "{appliedTo: {podSelector: {matchLabels: {a: 'b c'}}}, egressIP: 1.1.1.1}",
     "spec.appliedTo.podSelector.matchLabels"},
    {"NoRanges", POOL("ipRanges: []"), "spec.ipRanges: found nothing"},
    {"NoSelector", "ExternalIPPool", "{ipRanges: [{cidr: 10.0.0.0/24}]}",
     "spec.nodeSelector: found nothing"},
    {"NoEnd", POOL("ipRanges: [{start: 10.0.0.1}]"), "spec.ipRanges[0].end: found nothing"},
    {"CidrAndStart", POOL("ipRanges: [{cidr: 10.0.0.0/24, start: 10.0.0.1}]"),
     "spec.ipRanges[0]: found cidr beside"},
    {"NoCidr", POOL("ipRanges: [{cidr: 10.0.0.0/33}]"), "spec.ipRanges[0].cidr: "},
    {"BackwardRange", POOL("ipRanges: [{start: 10.0.0.9, end: 10.0.0.1}]"),
     "spec.ipRanges[0].end: found 10.0.0.1, expected 10.0.0.9 or more"},
    {"MixedRange", POOL("ipRanges: [{start: 10.0.0.9, end: 'fd00::1'}]"), "the family of start"},
    // antrea #5898, #7319
    {"Overlap", POOL("ipRanges: [{cidr: 10.0.0.0/24}, {start: 10.0.0.255, end: 10.0.1.1}]"),
     "spec.ipRanges: found ipRanges[1], 10.0.0.255-10.0.1.1, which overlaps with ipRanges[0]"},
    {"OutsideSubnet",
     POOL("ipRanges: [{cidr: 10.0.1.0/24}], subnetInfo: {gateway: 10.0.0.1, prefixLength: 24}"),
     "expected it within the subnet 10.0.0.0/24"},
    {"OtherFamily",
     POOL("ipRanges: [{cidr: 'fd00::/64'}], subnetInfo: {gateway: 10.0.0.1, prefixLength: 24}"),
     "expected it within the subnet"},
    {"LongPrefix",
     POOL("ipRanges: [{cidr: 10.0.0.0/24}], subnetInfo: {gateway: 10.0.0.1, prefixLength: 32}"),
     "spec.subnetInfo.prefixLength: found 32, expected 1 to 31"},
    {"NoGateway", POOL("ipRanges: [{cidr: 10.0.0.0/24}], subnetInfo: {prefixLength: 24}"),
     "spec.subnetInfo.gateway: found nothing"},
    {"Vlan",
     POOL("ipRanges: [{cidr: 10.0.0.0/24}], subnetInfo: {gateway: 10.0.0.1, "
          "prefixLength: 24, vlan: 4095}"),
     "spec.subnetInfo.vlan: found 4095, expected 0 to 4094"},
};

class EgressRefused : public testing::TestWithParam<Refused> {};
TEST_P(EgressRefused, NamesObjectAndField) {
  const auto json = object_of(GetParam().kind, GetParam().spec);
  std::string error;
  if (GetParam().kind == "Egress")
    error = decode_egress(json).error().to_string();
  else
    error = decode_external_ip_pool(json).error().to_string();
  EXPECT_THAT(error, HasSubstr(GetParam().error));
  EXPECT_THAT(error, HasSubstr(std::string(GetParam().kind) + " it"));
}
INSTANTIATE_TEST_SUITE_P(Json, EgressRefused, testing::ValuesIn(kRefused),
                         [](const auto& info) { return std::string(info.param.name); });

// Values as k8s.io/apimachinery v0.31 resource.Quantity.Value() gives them.
TEST(Quantity, ReadsWhatKubernetesWrites) {
  const std::pair<std::string_view, std::uint64_t> cases[] = {
      {"0", 0},
      {"1", 1},
      {"500k", 500'000},
      {"1.5M", 1'500'000},
      {"2Gi", 2ULL << 30},
      {"1.5Ki", 1536},
      {"1e6", 1'000'000},
      {"1E3", 1000},
      {"12e-1", 2},
      {"100m", 1},
      {"1001m", 2},
      {"+5", 5},
      {".5", 1},
      {"5.", 5},
      {"0.1k", 100},
      {"8E", 8'000'000'000'000'000'000},
      {"1n", 1},
      {"0n", 0},
      {"7Ei", 7ULL << 60},
  };
  for (const auto& [text, value] : cases) {
    const auto parsed = parse_quantity(text);
    ASSERT_TRUE(parsed) << text << ": " << parsed.error().to_string();
    EXPECT_EQ(*parsed, value) << text;
  }
  for (const auto* text : {"", "k", "-1", "1.2.3", "10MB", "1e", "1e1000", "9223372036854775808",
                           "10E", "8Ei", " 1", "1 k", "0x10", "e6", "."})
    EXPECT_FALSE(parse_quantity(text)) << text;
}

}  // namespace
}  // namespace antrea::api
