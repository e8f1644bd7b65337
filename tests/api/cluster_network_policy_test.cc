#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "antrea/api/json.h"
#include "antrea/api/policy_json.h"

// policy.networking.k8s.io/v1alpha2 ClusterNetworkPolicy. What it shares with AdminNetworkPolicy
// is tested in policy_json_test.cc.
namespace antrea::api {
namespace {

using testing::HasSubstr;

boost::json::value object_of(std::string_view spec) {
  const auto objects = decode_manifest(
      "apiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\n"
      "metadata: {name: default}\nspec: " +
          std::string(spec),
      "test");
  EXPECT_TRUE(objects) << objects.error().to_string();
  return objects->at(0);
}

TEST(ClusterNetworkPolicyJson, ReadsWhatItWrites) {
  const auto json = object_of(R"({tier: Baseline, priority: 1000,
    subject: {pods: {namespaceSelector: {}, podSelector: {matchLabels: {a: b}}}},
    ingress: [{name: first, action: Pass, from: [{namespaces: {}}],
               protocols: [{udp: {destinationPort: {number: 53}}},
                           {tcp: {destinationPort: {range: {start: 1, end: 9}}}},
                           {sctp: {destinationPort: {number: 7}}}, {destinationNamedPort: web}]}],
    egress: [{action: Accept, to: [{domainNames: ["*.Example.com", "a_b.example.com."]}]},
             {action: Deny, to: [{networks: [10.0.0.0/8, "fd00::/8"]}, {nodes: {}}]},
             {action: Accept, to: [{somethingNew: {}}]}]})");
  const auto policy = decode_admin_cluster_network_policy(json);
  ASSERT_TRUE(policy) << policy.error().to_string();
  EXPECT_EQ(policy->tier, admin::Tier::kBaseline);
  EXPECT_EQ(policy->priority, 1000);
  EXPECT_EQ(policy->ingress[0].action, controlplane::RuleAction::kPass);
  EXPECT_EQ(policy->ingress[0].ports,
            (std::vector<admin::Port>{admin::PortRange{Protocol::kUdp, 53, 53},
                                      admin::PortRange{Protocol::kTcp, 1, 9},
                                      admin::PortRange{Protocol::kSctp, 7, 7}, "web"}));
  EXPECT_TRUE(policy->egress[2].peers[0].unknown());
  const auto again = decode_admin_cluster_network_policy(encode(*policy));
  ASSERT_TRUE(again) << again.error().to_string();
  EXPECT_EQ(*again, *policy);
}

struct Refused {
  std::string_view name, spec, error;
};
void PrintTo(const Refused& c, std::ostream* os) { *os << c.name; }

#define IN(text) "{tier: Admin, priority: 1, subject: {namespaces: {}}, ingress: [" text "]}"
#define OUT(text) "{tier: Admin, priority: 1, subject: {namespaces: {}}, egress: [" text "]}"
#define PORT(text) IN("{action: Deny, from: [{namespaces: {}}], protocols: [" text "]}")
constexpr Refused kRefused[] = {
    {"NoTier", "{priority: 1, subject: {namespaces: {}}}", "spec.tier: found nothing"},
    {"OtherTier", "{tier: Mine, priority: 1, subject: {namespaces: {}}}",
     "spec.tier: found \"Mine\", expected one of Admin, Baseline"},
    {"NoPriority", "{tier: Admin, subject: {namespaces: {}}}", "spec.priority: found nothing"},
    {"Priority", "{tier: Admin, priority: -1, subject: {namespaces: {}}}",
     "spec.priority: found -1, expected 0 to 1000"},
    {"Action", IN("{action: Allow, from: [{namespaces: {}}]}"),
     "spec.ingress[0].action: found \"Allow\", expected one of Accept, Deny, Pass"},
    {"NoPeers", IN("{action: Deny}"), "spec.ingress[0].from: found 0 entries, expected 1 to 25"},
    {"DomainsIn", IN("{action: Accept, from: [{domainNames: [a.b]}]}"),
     "spec.ingress[0].from[0].domainNames: found domainNames"},
    {"DomainsDenied", OUT("{action: Deny, to: [{domainNames: [a.b]}]}"),
     "spec.egress[0].action: found Deny beside domainNames, expected Accept"},
    {"Domain", OUT("{action: Accept, to: [{domainNames: [com]}]}"),
     "spec.egress[0].to[0].domainNames[0]: found \"com\""},
    {"Network", OUT("{action: Deny, to: [{networks: [10.0.0.0/33]}]}"),
     "spec.egress[0].to[0].networks[0]: "},
    {"NoProtocols", IN("{action: Deny, from: [{namespaces: {}}], protocols: []}"),
     "spec.ingress[0].protocols: found 0 entries, expected 1 to 25"},
    {"TwoProtocols", PORT("{tcp: {destinationPort: {number: 1}}, destinationNamedPort: a}"),
     "spec.ingress[0].protocols[0]: found none or several"},
    {"NoPort", PORT("{tcp: {}}"), "protocols[0].tcp.destinationPort: found none or both"},
    {"PortZero", PORT("{tcp: {destinationPort: {number: 0}}}"),
     "protocols[0].tcp.destinationPort.number: found 0, expected 1 to 65535"},
    {"EmptyRange", PORT("{sctp: {destinationPort: {range: {start: 5, end: 5}}}}"),
     "protocols[0].sctp.destinationPort.range.end: found 5, expected more than start 5"},
    {"NamedPortOutside",
     OUT("{action: Deny, to: [{nodes: {}}], protocols: [{destinationNamedPort: a}]}"),
     "spec.egress[0].protocols: found a named port"},
};
#undef IN
#undef OUT
#undef PORT

class ClusterNetworkPolicyRefusal : public testing::TestWithParam<Refused> {};
TEST_P(ClusterNetworkPolicyRefusal, NamesObjectAndField) {
  const auto policy = decode_admin_cluster_network_policy(object_of(GetParam().spec));
  ASSERT_FALSE(policy);
  EXPECT_THAT(policy.error().to_string(), HasSubstr(GetParam().error));
  EXPECT_THAT(policy.error().to_string(), HasSubstr("ClusterNetworkPolicy default: "));
}
INSTANTIATE_TEST_SUITE_P(Cases, ClusterNetworkPolicyRefusal, testing::ValuesIn(kRefused),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(ClusterNetworkPolicyJson, RefusesMoreThan25Rules) {
  std::string rules;
  for (int i = 0; i < 26; ++i) rules += "{action: Deny, from: [{namespaces: {}}]},";
  const auto policy = decode_admin_cluster_network_policy(
      object_of("{tier: Admin, priority: 1, subject: {namespaces: {}}, ingress: [" + rules + "]}"));
  ASSERT_FALSE(policy);
  EXPECT_THAT(policy.error().to_string(),
              HasSubstr("spec.ingress: found 26 entries, expected 0 to 25"));
}

}  // namespace
}  // namespace antrea::api
