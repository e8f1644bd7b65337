#include "antrea/api/json.h"

#include <gmock/gmock.h>

#include <boost/json.hpp>
#include <fstream>
#include <functional>
#include <ostream>

#include "tests/addresses.h"

namespace antrea::api {
namespace {

namespace json = boost::json;
using testing::ElementsAre;
using testing::IsEmpty;

json::value recording(const std::string& name) {
  std::ifstream in(std::string(ANTREA_SOURCE_DIR) + "/tests/api/recordings/" + name + ".json");
  return json::parse(std::string(std::istreambuf_iterator<char>(in), {}));
}

TEST(JsonRecording, Pod) {
  const Pod pod = decode_pod(recording("pod")).value();
  EXPECT_EQ(pod.metadata.name, "web-1");
  EXPECT_EQ(pod.metadata.namespace_, "rec-demo");
  EXPECT_EQ(pod.metadata.resource_version, "45671");
  EXPECT_EQ(pod.metadata.labels, (Labels{{"app", "web"}, {"tier", "front"}}));
  EXPECT_EQ(pod.node_name, "rec-node-1");
  EXPECT_EQ(pod.containers,
            (std::vector<Container>{{"main", "registry.example/web:1", {{"http", 8080, 0}}}}));
  EXPECT_THAT(pod.pod_ips, IsEmpty());
  EXPECT_EQ(pod.phase, "Pending");
  EXPECT_EQ(decode_pod(encode(pod)).value(), pod);
}

TEST(JsonRecording, PodsOfAList) {
  std::size_t count = 0, with_address = 0;
  const json::value list = recording("pod-list");
  for (const auto& item : list.at("items").as_array()) {
    const auto pod = decode_pod(item);
    ASSERT_TRUE(pod) << pod.error().to_string();
    EXPECT_EQ(decode_pod(encode(*pod)).value(), *pod);
    ++count;
    with_address += pod->pod_ips.empty() ? 0 : 1;
  }
  EXPECT_GT(count, 1U);
  EXPECT_GT(with_address, 0U);
}

TEST(JsonRecording, Node) {
  const Node node = decode_node(recording("node")).value();
  EXPECT_THAT(node.pod_cidrs, ElementsAre(cidr("10.10.1.0/24")));
  EXPECT_THAT(node.internal_ips, ElementsAre(ip("192.0.2.11")));
  EXPECT_TRUE(node.ready);
  EXPECT_EQ(decode_node(encode(node)).value(), node);
}

TEST(JsonRecording, Namespace) {
  const Namespace object = decode_namespace(recording("namespace")).value();
  EXPECT_EQ(object.phase, "Active");
  EXPECT_EQ(object.metadata.labels.at("team"), "a");
  EXPECT_EQ(decode_namespace(encode(object)).value(), object);
}

TEST(JsonRecording, Services) {
  const auto headless = decode_service(recording("service-headless")).value();
  EXPECT_TRUE(headless.headless);
  EXPECT_THAT(headless.cluster_ips, IsEmpty());
  const auto affine = decode_service(recording("service-nodeport-affinity")).value();
  EXPECT_EQ(affine.type, ServiceType::kNodePort);
  EXPECT_TRUE(affine.session_affinity_client_ip);
  EXPECT_EQ(affine.session_affinity_timeout_seconds, 10800);
  EXPECT_EQ(affine.external_traffic_policy, TrafficPolicy::kLocal);
  ASSERT_EQ(affine.ports.size(), 1U);
  EXPECT_EQ(affine.ports[0].target_port, (IntOrString{0, "http"}));
  EXPECT_EQ(affine.ports[0].node_port, 31884);
  const auto balancer = decode_service(recording("service-loadbalancer-status")).value();
  EXPECT_THAT(balancer.load_balancer_ips, ElementsAre(ip("192.0.2.50")));
  EXPECT_THAT(balancer.load_balancer_source_ranges, ElementsAre(cidr("192.0.2.0/24")));
  EXPECT_THAT(balancer.cluster_ips, ElementsAre(ip("10.96.228.103")));
  EXPECT_EQ(decode_service(recording("service-externalname"))->type, ServiceType::kExternalName);
  for (const auto& service : {headless, affine, balancer})
    EXPECT_EQ(decode_service(encode(service)).value(), service);
}

TEST(Json, TheAddressAskedOfALoadBalancerIsKeptAsWritten) {
  for (const char* const wished : {"192.0.2.50", "2001:db8::1", "anything"}) {
    Service service;
    service.metadata.name = "web";
    service.type = ServiceType::kLoadBalancer;
    service.load_balancer_ip = wished;
    const auto encoded = encode(service);
    EXPECT_EQ(encoded.at("spec").at("loadBalancerIP").as_string(), wished);
    EXPECT_EQ(decode_service(encoded).value(), service);
  }
  const auto without = decode_service(recording("service-loadbalancer")).value();
  EXPECT_EQ(without.load_balancer_ip, "");
  EXPECT_FALSE(encode(without).at("spec").as_object().contains("loadBalancerIP"));
}

TEST(Json, ALoadBalancerKnownByItsNameOnlyHasNoAddress) {
  auto json = encode(decode_service(recording("service-loadbalancer-status")).value()).as_object();
  json["status"] = boost::json::parse(
      R"({"loadBalancer":{"ingress":[{"hostname":"lb.example"},{"ip":"192.0.2.51","ipMode":"Proxy"},
          {"ip":"192.0.2.52","ipMode":"VIP"}]}})");
  EXPECT_THAT(decode_service(json)->load_balancer_ips, ElementsAre(ip("192.0.2.52")));
}

TEST(JsonRecording, EndpointSlice) {
  const EndpointSlice slice = decode_endpoint_slice(recording("endpointslice")).value();
  EXPECT_EQ(slice.service_name, "web");
  ASSERT_EQ(slice.endpoints.size(), 1U);
  EXPECT_THAT(slice.endpoints[0].addresses, ElementsAre(ip("10.10.0.5")));
  EXPECT_EQ(slice.endpoints[0].target_pod, (ObjectKey{"rec-demo", "web-1"}));
  EXPECT_THAT(slice.endpoints[0].hint_zones, ElementsAre("z1"));
  EXPECT_EQ(slice.ports, (std::vector<EndpointPort>{{"http", Protocol::kTcp, 8080}}));
  EXPECT_EQ(decode_endpoint_slice(encode(slice)).value(), slice);
}

TEST(Json, EndpointsHaveHintsForNodesAndZones) {
  EndpointSlice slice;
  slice.metadata.name = "web-1";
  slice.endpoints.push_back({.addresses = {ip("10.10.0.5")}});
  slice.endpoints[0].hint_nodes = {"node-1", "node-2"};
  EXPECT_EQ(decode_endpoint_slice(encode(slice)).value(), slice);
  slice.endpoints[0].hint_zones = {"z1"};
  EXPECT_EQ(decode_endpoint_slice(encode(slice)).value(), slice);
}

TEST(JsonRecording, NetworkPolicies) {
  const NetworkPolicy policy = decode_network_policy(recording("networkpolicy")).value();
  EXPECT_TRUE(policy.policy_ingress);
  EXPECT_TRUE(policy.policy_egress);
  ASSERT_EQ(policy.ingress.size(), 1U);
  ASSERT_EQ(policy.ingress[0].peers.size(), 2U);
  EXPECT_TRUE(policy.ingress[0].peers[0].namespace_selector->empty());
  EXPECT_TRUE(policy.ingress[0].peers[0].pod_selector->matches({{"tier", "mid"}}));
  EXPECT_EQ(policy.ingress[0].peers[1].ip_block,
            (IpBlock{cidr("192.0.2.0/24"), {cidr("192.0.2.128/25")}}));
  EXPECT_EQ(policy.ingress[0].ports[1].end_port, 8010);
  ASSERT_EQ(policy.egress.size(), 2U);
  EXPECT_THAT(policy.egress[1].peers, IsEmpty());
  EXPECT_EQ(decode_network_policy(encode(policy)).value(), policy);

  const auto deny = decode_network_policy(recording("networkpolicy-default-deny")).value();
  EXPECT_TRUE(deny.policy_ingress);
  EXPECT_FALSE(deny.policy_egress);
  EXPECT_THAT(deny.ingress, IsEmpty());
  EXPECT_EQ(decode_network_policy(encode(deny)).value(), deny);
}

TEST(JsonDefaults, PolicyTypesFollowTheRules) {
  const auto decode = [](std::string_view spec) {
    return decode_network_policy(json::object{{"spec", json::parse(spec)}}).value();
  };
  EXPECT_FALSE(decode(R"({"podSelector":{}})").policy_egress);
  EXPECT_TRUE(decode(R"({"podSelector":{}})").policy_ingress);
  EXPECT_TRUE(decode(R"({"podSelector":{},"egress":[{}]})").policy_egress);
  const auto egress_only = decode(R"({"egress":[{}],"policyTypes":["Egress"]})");
  EXPECT_FALSE(egress_only.policy_ingress);
  EXPECT_EQ(decode(R"({"ingress":[{"ports":[{"port":80}]}]})").ingress[0].ports[0].protocol,
            Protocol::kTcp);
}

TEST(JsonDefaults, EndpointConditions) {
  const auto decode = [](std::string_view conditions) {
    json::object endpoint{{"addresses", {"10.0.0.1", "10.0.0.2"}}};
    endpoint["conditions"] = json::parse(conditions);
    return decode_endpoint_slice(json::object{{"endpoints", json::array{endpoint}}})->endpoints[0];
  };
  EXPECT_TRUE(decode("null").ready);
  EXPECT_TRUE(decode("{}").serving);
  EXPECT_FALSE(decode(R"({"ready":false})").serving);
  EXPECT_TRUE(decode(R"({"ready":false,"serving":true,"terminating":true})").serving);
}

TEST(Json, NodesHaveTaints) {
  const auto node = decode_node(
      json::parse(R"({"metadata":{"name":"n"},"spec":{"taints":[{"key":"a/b","value":"c",)"
                  R"("effect":"NoExecute","timeAdded":"2024-01-01T00:00:00Z"},{"key":"d"}]}})"));
  ASSERT_TRUE(node);
  EXPECT_THAT(node->taints, ElementsAre(Taint{"a/b", "c", "NoExecute"}, Taint{"d", "", ""}));
  EXPECT_EQ(decode_node(encode(*node)).value(), *node);
}

TEST(JsonDefaults, OlderSingularFields) {
  const auto pod = decode_pod(json::parse(R"({"status":{"podIP":"10.0.0.1","hostIP":""}})"));
  EXPECT_THAT(pod->pod_ips, ElementsAre(ip("10.0.0.1")));
  EXPECT_THAT(pod->host_ips, IsEmpty());
  const auto node = decode_node(json::parse(R"({"spec":{"podCIDR":"10.1.0.0/24"}})"));
  EXPECT_THAT(node->pod_cidrs, ElementsAre(cidr("10.1.0.0/24")));
  const auto service =
      decode_service(json::parse(R"({"spec":{"clusterIP":"10.96.0.9","ports":[{"port":80}]}})"));
  EXPECT_THAT(service->cluster_ips, ElementsAre(ip("10.96.0.9")));
  EXPECT_EQ(service->ports[0].target_port, (IntOrString{80, {}}));
}

struct Refused {
  std::string_view name;
  std::string_view kind;
  std::string_view text;
  Errc code;
  std::string_view error;
};
void PrintTo(const Refused& c, std::ostream* os) { *os << c.name << ": " << c.text; }

const Refused kRefused[] = {
    {"NotAnObject", "Pod", "[]", Errc::kMalformed, "Pod: found a list, expected an object"},
    {"NameIsANumber", "Pod", R"({"metadata":{"name":7}})", Errc::kMalformed,
     "Pod: metadata.name: found 7, expected text"},
    {"LabelIsABoolean", "Pod", R"({"metadata":{"name":"a","namespace":"n","labels":{"x/y":true}}})",
     Errc::kMalformed, R"(Pod n/a: metadata.labels["x/y"]: found true, expected text)"},
    {"PodAddress", "Pod", R"({"metadata":{"name":"a"},"status":{"podIPs":[{"ip":"10.0.0.256"}]}})",
     Errc::kMalformed, "Pod a: status.podIPs[0].ip: "},
    {"ContainerPort", "Pod", R"({"spec":{"containers":[{"ports":[{"containerPort":65536}]}]}})",
     Errc::kInvalidArgument,
     "Pod: spec.containers[0].ports[0].containerPort: found 65536, expected 0 to 65535"},
    {"ServiceType", "Service", R"({"spec":{"type":"Cluster"}})", Errc::kInvalidArgument,
     R"(Service: spec.type: found "Cluster", expected one of ClusterIP, NodePort, LoadBalancer, )"},
    {"CidrLength", "NetworkPolicy",
     R"({"metadata":{"name":"p","namespace":"d"},"spec":{"ingress":[{},{"from":[{"ipBlock":{"cidr":"10.0.0.0/33"}}]}]}})",
     Errc::kMalformed, "NetworkPolicy d/p: spec.ingress[1].from[0].ipBlock.cidr: "},
    {"CidrMissing", "NetworkPolicy", R"({"spec":{"ingress":[{"from":[{"ipBlock":{}}]}]}})",
     Errc::kMalformed,
     "NetworkPolicy: spec.ingress[0].from[0].ipBlock.cidr: found nothing, expected text"},
    {"ExceptOutside", "NetworkPolicy",
     R"({"spec":{"egress":[{"to":[{"ipBlock":{"cidr":"10.0.0.0/24","except":["10.0.1.0/25"]}}]}]}})",
     Errc::kInvalidArgument,
     "NetworkPolicy: spec.egress[0].to[0].ipBlock.except[0]: found 10.0.1.0/25, expected a part "
     "of 10.0.0.0/24"},
    {"EmptyPeer", "NetworkPolicy", R"({"spec":{"ingress":[{"from":[{}]}]}})",
     Errc::kInvalidArgument, "NetworkPolicy: spec.ingress[0].from[0]: found an empty peer"},
    {"BlockAndSelector", "NetworkPolicy",
     R"({"spec":{"ingress":[{"from":[{"podSelector":{},"ipBlock":{"cidr":"10.0.0.0/24"}}]}]}})",
     Errc::kInvalidArgument, "NetworkPolicy: spec.ingress[0].from[0].ipBlock: "},
    {"EndPortAlone", "NetworkPolicy", R"({"spec":{"ingress":[{"ports":[{"endPort":90}]}]}})",
     Errc::kInvalidArgument, "NetworkPolicy: spec.ingress[0].ports[0].endPort: "},
    {"EndPortOfAName", "NetworkPolicy",
     R"({"spec":{"ingress":[{"ports":[{"port":"http","endPort":90}]}]}})", Errc::kInvalidArgument,
     "NetworkPolicy: spec.ingress[0].ports[0].endPort: "},
    {"EndPortBelow", "NetworkPolicy",
     R"({"spec":{"ingress":[{"ports":[{"port":91,"endPort":90}]}]}})", Errc::kInvalidArgument,
     "NetworkPolicy: spec.ingress[0].ports[0].endPort: found 90, expected at least port 91"},
    {"PortZero", "NetworkPolicy", R"({"spec":{"ingress":[{"ports":[{"port":0}]}]}})",
     Errc::kInvalidArgument,
     "NetworkPolicy: spec.ingress[0].ports[0].port: found 0, expected 1 to 65535"},
    {"PortIsABoolean", "NetworkPolicy", R"({"spec":{"ingress":[{"ports":[{"port":true}]}]}})",
     Errc::kMalformed,
     "NetworkPolicy: spec.ingress[0].ports[0].port: found true, expected an integer or a name"},
    {"Protocol", "NetworkPolicy", R"({"spec":{"ingress":[{"ports":[{"protocol":"tcp"}]}]}})",
     Errc::kInvalidArgument, "NetworkPolicy: spec.ingress[0].ports[0].protocol: "},
    {"PolicyType", "NetworkPolicy", R"({"spec":{"policyTypes":["Ingres"]}})",
     Errc::kInvalidArgument,
     R"(NetworkPolicy: spec.policyTypes[0]: found "Ingres", expected one of Ingress, Egress)"},
    {"InWithoutValues", "NetworkPolicy",
     R"({"spec":{"podSelector":{"matchExpressions":[{"key":"a","operator":"In"}]}}})",
     Errc::kInvalidArgument, "NetworkPolicy: spec.podSelector.matchExpressions[0].values: "},
    {"ExistsWithValues", "NetworkPolicy",
     R"({"spec":{"podSelector":{"matchExpressions":[{"key":"a","operator":"Exists","values":["b"]}]}}})",
     Errc::kInvalidArgument, "NetworkPolicy: spec.podSelector.matchExpressions[0].values: "},
    {"OperatorMissing", "NetworkPolicy",
     R"({"spec":{"podSelector":{"matchExpressions":[{"key":"a"}]}}})", Errc::kInvalidArgument,
     "NetworkPolicy: spec.podSelector.matchExpressions[0].operator: "},
};

class JsonRefusal : public testing::TestWithParam<Refused> {};

TEST_P(JsonRefusal, NamesObjectFieldAndExpectation) {
  const json::value value = json::parse(GetParam().text);
  std::optional<Error> error;
  const auto note = [&error](auto result) {
    if (result.has_error()) error = result.error();
  };
  if (GetParam().kind == "Pod") note(decode_pod(value));
  if (GetParam().kind == "Service") note(decode_service(value));
  if (GetParam().kind == "NetworkPolicy") note(decode_network_policy(value));
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, GetParam().code);
  EXPECT_THAT(error->to_string(), testing::StartsWith(std::string(GetParam().error)));
}

INSTANTIATE_TEST_SUITE_P(Cases, JsonRefusal, testing::ValuesIn(kRefused),
                         [](const auto& info) { return std::string(info.param.name); });

struct Match {
  std::string_view name, selector;
  Labels labels;
  bool matches;
};
void PrintTo(const Match& c, std::ostream* os) { *os << c.name << ": " << c.selector; }

const Match kMatches[] = {
    {"EmptyMatchesAll", "{}", {}, true},
    {"Equal", R"({"matchLabels":{"a":"b"}})", {{"a", "b"}}, true},
    {"OtherValue", R"({"matchLabels":{"a":"b"}})", {{"a", "c"}}, false},
    {"AllMustHold", R"({"matchLabels":{"a":"b","c":"d"}})", {{"a", "b"}}, false},
    {"In",
     R"({"matchExpressions":[{"key":"a","operator":"In","values":["x","b"]}]})",
     {{"a", "b"}},
     true},
    {"InNeedsTheKey",
     R"({"matchExpressions":[{"key":"a","operator":"In","values":["b"]}]})",
     {},
     false},
    {"NotIn",
     R"({"matchExpressions":[{"key":"a","operator":"NotIn","values":["b"]}]})",
     {{"a", "b"}},
     false},
    {"NotInWithoutKey",
     R"({"matchExpressions":[{"key":"a","operator":"NotIn","values":["b"]}]})",
     {},
     true},
    {"Exists", R"({"matchExpressions":[{"key":"a","operator":"Exists"}]})", {{"a", ""}}, true},
    {"DoesNotExist",
     R"({"matchExpressions":[{"key":"a","operator":"DoesNotExist"}]})",
     {{"a", ""}},
     false},
    {"BothKinds",
     R"({"matchLabels":{"a":"b"},"matchExpressions":[{"key":"a","operator":"NotIn","values":["b"]}]})",
     {{"a", "b"}},
     false},
};

class SelectorMatch : public testing::TestWithParam<Match> {};

TEST_P(SelectorMatch, AsTheApiSays) {
  const auto selector = decode_label_selector(json::parse(GetParam().selector)).value();
  EXPECT_EQ(selector.matches(GetParam().labels), GetParam().matches);
  EXPECT_EQ(decode_label_selector(encode(selector)).value(), selector);
}

INSTANTIATE_TEST_SUITE_P(Cases, SelectorMatch, testing::ValuesIn(kMatches),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(JsonMeta, RoundTrip) {
  const ObjectMeta meta{.name = "a",
                        .namespace_ = "n",
                        .uid = "u",
                        .resource_version = "5",
                        .generation = 3,
                        .creation_timestamp = "2026-01-02T03:04:05Z",
                        .deletion_timestamp = "2026-01-02T03:04:06Z",
                        .labels = {{"k", "v"}},
                        .annotations = {{"x", "y\n"}},
                        .owner_references = {{"apps/v1", "ReplicaSet", "r", "ru", true}},
                        .finalizers = {"f"}};
  EXPECT_EQ(decode_object_meta(encode(meta)).value(), meta);
}

}  // namespace
}  // namespace antrea::api
