#include "antrea/kube/builtin_types.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

#include "libantrea-kube/schema/json.h"
#include "libantrea-kube/schema/rules.h"
#include "libantrea-kube/schema/time.h"
#include "tests/kube/recording.h"

namespace antrea::kube {
namespace {

using boost::json::array;
using boost::json::object;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const ResourceTypes& types() {
  static const auto kTypes = make_builtin_types();
  return kTypes;
}

const ResourceType& type_of(std::string_view kind) {
  for (const auto& type : types().all())
    if (type->kind == kind) return *type;
  throw std::logic_error("no such kind");
}

object parse(std::string_view text) { return boost::json::parse(text).as_object(); }

object defaulted(const ResourceType& type, object object,
                 const boost::json::object* old = nullptr) {
  prune_fields(*type.schema, object);
  type.set_defaults(object, old);
  return object;
}

// ---- defaults: a request of the recordings becomes what the real server answered

struct Created {
  std::string_view name, file, kind;
};
void PrintTo(const Created& c, std::ostream* os) { *os << c.file; }
constexpr Created kCreated[] = {
    {"Namespace", "namespace/01-create", "Namespace"},
    {"Node", "node/01-create", "Node"},
    {"Pod", "pod/01-create", "Pod"},
    {"ClusterIpService", "service/01-create-clusterip", "Service"},
    {"HeadlessService", "service/02-create-headless", "Service"},
    {"NodePortService", "service/03-create-nodeport-affinity", "Service"},
    {"LoadBalancerService", "service/04-create-loadbalancer", "Service"},
    {"ExternalNameService", "service/05-create-externalname", "Service"},
    {"EndpointSlice", "endpointslice/01-create", "EndpointSlice"},
    {"NetworkPolicy", "networkpolicy/01-create", "NetworkPolicy"},
    {"DefaultDenyPolicy", "networkpolicy/02-create-default-deny", "NetworkPolicy"},
    {"Lease", "misc/01-lease-create", "Lease"},
    {"ConfigMap", "misc/04-configmap-create", "ConfigMap"},
    {"Event", "misc/07-event-create", "Event"},
};

/// What the server's allocators and admission plugins add, which are not part of a type.
void drop_allocated(std::string_view kind, object& made) {
  for (const auto* key : {"kind", "apiVersion"}) made.erase(key);
  if (auto* metadata = object_if(made, "metadata")) {
    for (const auto* key : {"uid", "resourceVersion", "creationTimestamp", "managedFields",
                            "generation", "namespace"})
      metadata->erase(key);
  }
  auto* spec = object_if(made, "spec");
  if (kind == "Service") {
    if (text_at(*spec, "clusterIP") != "None") {
      spec->erase("clusterIP");
      spec->erase("clusterIPs");
    }
    for_each_object(*spec, "ports", [](object& port) { port.erase("nodePort"); });
  }
  if (kind == "Node") spec->erase("taints");  // not-ready
  if (kind == "Pod") {                        // the token's volume
    spec->erase("volumes");
    for_each_object(*spec, "containers",
                    [](object& container) { container.erase("volumeMounts"); });
  }
}

class Defaults : public testing::TestWithParam<Created> {};
TEST_P(Defaults, AreThoseOfTheRealServer) {
  const Recording recording{std::string(GetParam().file)};
  const auto& type = type_of(GetParam().kind);
  auto want = recording.response_body();
  EXPECT_THAT(check_fields(*type.schema, want), IsEmpty());
  auto request = recording.request_body();
  if (type.namespaced) ensure_object(request, "metadata")["namespace"] = "rec-demo";  // as the path
  auto got = defaulted(type, std::move(request));
  EXPECT_THAT(type.validate(got, nullptr), IsEmpty());
  drop_allocated(type.kind, want);
  drop_allocated(type.kind, got);
  EXPECT_EQ(got, want) << "got  " << boost::json::serialize(got) << "\nwant "
                       << boost::json::serialize(want);
  // A second pass, as at an update, changes nothing.
  const auto old = recording.response_body();
  auto again = old;
  type.set_defaults(again, &old);
  EXPECT_EQ(again, old) << boost::json::serialize(again);
  EXPECT_THAT(type.validate(again, &old), IsEmpty());
}
INSTANTIATE_TEST_SUITE_P(Recorded, Defaults, testing::ValuesIn(kCreated),
                         [](const auto& info) { return std::string(info.param.name); });

// ---- validation: the causes of a recorded 422

struct Refused {
  std::string_view name, file, kind, old_file;
};
void PrintTo(const Refused& c, std::ostream* os) { *os << c.file; }
constexpr Refused kRefused[] = {
    {"PodNameAndContainers", "pod/15-create-invalid-422", "Pod", ""},
    {"ServiceClusterIp", "service/16-update-clusterip-422", "Service",
     "service/01-create-clusterip"},
    {"EndpointSliceAddress", "endpointslice/02-create-invalid-422", "EndpointSlice", ""},
    {"NetworkPolicy", "networkpolicy/03-create-invalid-422", "NetworkPolicy", ""},
};

class Validation : public testing::TestWithParam<Refused> {};
TEST_P(Validation, FindsTheCausesThatTheRealServerFinds) {
  const Recording recording{std::string(GetParam().file)};
  const auto& type = type_of(GetParam().kind);
  object old;
  const bool update = !GetParam().old_file.empty();
  if (update) old = Recording(std::string(GetParam().old_file)).response_body();
  const auto got = defaulted(type, recording.request_body(), update ? &old : nullptr);
  std::vector<FieldError> want;
  const auto status = recording.response_body();
  for (const auto& cause : status.at("details").at("causes").as_array()) {
    want.push_back({std::string(cause.at("reason").as_string()),
                    std::string(cause.at("field").as_string()),
                    std::string(cause.at("message").as_string())});
  }
  const auto causes = type.validate(got, update ? &old : nullptr);
  ASSERT_EQ(causes.size(), want.size());
  for (std::size_t i = 0; i < want.size(); ++i) {
    EXPECT_EQ(causes[i].type, want[i].type);
    EXPECT_EQ(causes[i].field, want[i].field);
    EXPECT_EQ(causes[i].message, want[i].message);
  }
}
INSTANTIATE_TEST_SUITE_P(Recorded, Validation, testing::ValuesIn(kRefused),
                         [](const auto& info) { return std::string(info.param.name); });

struct Bad {
  std::string_view name, kind, body, field, message;
};
void PrintTo(const Bad& c, std::ostream* os) { *os << c.name; }
constexpr Bad kBad[] = {
    {"NoName", "ConfigMap", "{}", "metadata.name",
     "Required value: name or generateName is required"},
    {"NamespaceWithDots", "Namespace", R"({"metadata":{"name":"a.b"}})", "metadata.name",
     "Invalid value: \"a.b\": a lowercase RFC 1123 label must consist of"},
    {"ServiceNameStartsWithDigit", "Service",
     R"({"metadata":{"name":"1a"},"spec":{"ports":[{"port":80}]}})", "metadata.name",
     "Invalid value: \"1a\": a DNS-1035 label must consist of"},
    {"LabelValue", "ConfigMap", R"({"metadata":{"name":"a","labels":{"k":"a b"}}})",
     "metadata.labels", "Invalid value: \"a b\": a valid label must be an empty string or"},
    {"AnnotationKey", "ConfigMap", R"({"metadata":{"name":"a","annotations":{"/x":""}}})",
     "metadata.annotations", "Invalid value: \"/x\": prefix part must be non-empty"},
    {"OwnerWithoutUid", "ConfigMap",
     R"({"metadata":{"name":"a","ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"x"}]}})",
     "metadata.ownerReferences[0].uid", "Invalid value: \"\": uid must not be empty"},
    {"ServiceWithoutPorts", "Service", R"({"metadata":{"name":"a"}})", "spec.ports",
     "Required value"},
    {"ServicePortNames", "Service",
     R"({"metadata":{"name":"a"},"spec":{"ports":[{"port":1},{"name":"b","port":2}]}})",
     "spec.ports[0].name", "Required value"},
    {"ServicePortZero", "Service",
     R"({"metadata":{"name":"a"},"spec":{"ports":[{"port":0,"targetPort":80}]}})",
     "spec.ports[0].port", "Invalid value: 0: must be between 1 and 65535, inclusive"},
    {"ServiceType", "Service",
     R"({"metadata":{"name":"a"},"spec":{"type":"Magic","ports":[{"port":1}]}})", "spec.type",
     "Unsupported value: \"Magic\": supported values: \"ClusterIP\", \"ExternalName\", "
     "\"LoadBalancer\", \"NodePort\""},
    {"ServiceNodePort", "Service",
     R"({"metadata":{"name":"a"},"spec":{"ports":[{"port":1,"nodePort":30000}]}})",
     "spec.ports[0].nodePort", "Forbidden: may not be used when `type` is 'ClusterIP'"},
    {"PodProtocol", "Pod",
     R"({"metadata":{"name":"a"},"spec":{"containers":[{"name":"c","image":"i",
         "ports":[{"containerPort":80,"protocol":"QUIC"}]}]}})",
     "spec.containers[0].ports[0].protocol",
     "Unsupported value: \"QUIC\": supported values: \"SCTP\", \"TCP\", \"UDP\""},
    {"PodDuplicateContainer", "Pod",
     R"({"metadata":{"name":"a"},"spec":{"containers":[{"name":"c","image":"i"},{"name":"c","image":"i"}]}})",
     "spec.containers[1].name", "Duplicate value: \"c\""},
    {"PodUnknownVolume", "Pod",
     R"({"metadata":{"name":"a"},"spec":{"containers":[{"name":"c","image":"i",
         "volumeMounts":[{"name":"v","mountPath":"/v"}]}]}})",
     "spec.containers[0].volumeMounts[0].name", "Not found: \"v\""},
    {"PolicyExcept", "NetworkPolicy",
     R"({"metadata":{"name":"a"},"spec":{"podSelector":{},"ingress":[{"from":[{"ipBlock":
         {"cidr":"10.0.0.0/24","except":["10.0.1.0/25"]}}]}]}})",
     "spec.ingress[0].from[0].ipBlock.except[0]",
     "Invalid value: \"10.0.1.0/25\": must be a strict subset of `cidr`"},
    {"PolicyExceptWhole", "NetworkPolicy",
     R"({"metadata":{"name":"a"},"spec":{"podSelector":{},"egress":[{"to":[{"ipBlock":
         {"cidr":"10.0.0.0/24","except":["10.0.0.0/24"]}}]}]}})",
     "spec.egress[0].to[0].ipBlock.except[0]",
     "Invalid value: \"10.0.0.0/24\": must be a strict subset of `cidr`"},
    {"PolicyBlockAndSelector", "NetworkPolicy",
     R"({"metadata":{"name":"a"},"spec":{"podSelector":{},"ingress":[{"from":[{"podSelector":{},
         "ipBlock":{"cidr":"10.0.0.0/24"}}]}]}})",
     "spec.ingress[0].from[0]", "Forbidden: may not specify both ipBlock and another peer"},
    {"PolicyEmptyPeer", "NetworkPolicy",
     R"({"metadata":{"name":"a"},"spec":{"podSelector":{},"ingress":[{"from":[{}]}]}})",
     "spec.ingress[0].from[0]", "Required value: must specify a peer"},
    {"PolicyEndPortAlone", "NetworkPolicy",
     R"({"metadata":{"name":"a"},"spec":{"podSelector":{},"ingress":[{"ports":[{"endPort":80}]}]}})",
     "spec.ingress[0].ports[0].endPort",
     "Invalid value: 80: may not be specified when `port` is not specified"},
    {"PolicyEndPortBefore", "NetworkPolicy",
     R"({"metadata":{"name":"a"},"spec":{"podSelector":{},"ingress":[{"ports":[{"port":90,"endPort":80}]}]}})",
     "spec.ingress[0].ports[0].endPort",
     "Invalid value: 80: must be greater than or equal to `port`"},
    {"PolicyType", "NetworkPolicy",
     R"({"metadata":{"name":"a"},"spec":{"podSelector":{},"policyTypes":["Both"]}})",
     "spec.policyTypes[0]",
     "Unsupported value: \"Both\": supported values: \"Egress\", \"Ingress\""},
    {"SelectorOperator", "NetworkPolicy",
     R"({"metadata":{"name":"a"},"spec":{"podSelector":{"matchExpressions":[{"key":"a","operator":"Is"}]}}})",
     "spec.podSelector.matchExpressions[0].operator",
     "Invalid value: \"Is\": not a valid selector operator"},
    {"ConfigMapKey", "ConfigMap", R"({"metadata":{"name":"a"},"data":{"a b":""}})", "data[a b]",
     "Invalid value: \"a b\": a valid config key must consist of"},
    {"NodeCidr", "Node", R"({"metadata":{"name":"a"},"spec":{"podCIDR":"10.0.0.0/40"}})",
     "spec.podCIDRs[0]", "Invalid value: \"10.0.0.0/40\": must be a valid CIDR block"},
    {"LeaseDuration", "Lease", R"({"metadata":{"name":"a"},"spec":{"leaseDurationSeconds":0}})",
     "spec.leaseDurationSeconds", "Invalid value: 0: must be greater than 0"},
    {"EventNamespace", "Event",
     R"({"metadata":{"name":"a","namespace":"x"},"involvedObject":{"namespace":"y"}})",
     "involvedObject.namespace", "Invalid value: \"y\": does not match event.namespace"},
};

class Rules : public testing::TestWithParam<Bad> {};
TEST_P(Rules, RefuseWithOneCause) {
  const auto& type = type_of(GetParam().kind);
  const auto causes = type.validate(defaulted(type, parse(GetParam().body)), nullptr);
  ASSERT_THAT(causes, SizeIs(1)) << causes.front().field << " " << causes.front().message;
  EXPECT_EQ(causes[0].field, GetParam().field);
  EXPECT_THAT(causes[0].message, testing::StartsWith(std::string(GetParam().message)));
}
INSTANTIATE_TEST_SUITE_P(Refused, Rules, testing::ValuesIn(kBad),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(NodeRules, KeepThePodCidr) {
  const auto& type = type_of("Node");
  const auto old = Recording("node/01-create").response_body();
  auto node = old;
  node["spec"].as_object()["podCIDR"] = "10.99.0.0/24";
  node["spec"].as_object()["podCIDRs"] = array{"10.99.0.0/24"};
  const auto causes = type.validate(defaulted(type, node, &old), &old);
  const auto recorded =
      Recording("node/10-patch-podcidr-422").response_body().at("details").at("causes").at(0);
  ASSERT_THAT(causes, SizeIs(1));
  EXPECT_EQ(causes[0].message, std::string(recorded.at("message").as_string()));
  EXPECT_EQ(causes[0].field, std::string(recorded.at("field").as_string()));
}

TEST(PodRules, FreezeTheSpecButForImagesAndTheBinding) {
  const auto& type = type_of("Pod");
  const auto old = Recording("pod/01-create").response_body();
  auto pod = old;
  auto& spec = pod["spec"].as_object();
  spec["containers"].as_array()[0].as_object()["image"] = "other:2";
  spec["nodeName"] = "n1";
  EXPECT_THAT(type.validate(pod, &old), IsEmpty());
  const auto bound = pod;
  spec["nodeName"] = "n2";
  auto causes = type.validate(pod, &bound);
  ASSERT_THAT(causes, SizeIs(1));
  EXPECT_EQ(causes[0].field, "spec");
  pod = old;
  pod["spec"].as_object()["containers"].as_array()[0].as_object()["name"] = "other";
  causes = type.validate(pod, &old);
  ASSERT_THAT(causes, SizeIs(1));
  EXPECT_EQ(causes[0].type, "FieldValueForbidden");
  EXPECT_THAT(causes[0].message,
              testing::StartsWith("Forbidden: pod updates may not change fields"));
}

TEST(ServiceDefaults, KeepWhatWasAllocated) {
  const auto& type = type_of("Service");
  const auto old = Recording("service/03-create-nodeport-affinity").response_body();
  const auto got =
      defaulted(type, Recording("service/03-create-nodeport-affinity").request_body(), &old);
  EXPECT_EQ(got.at("spec"), old.at("spec"));
  EXPECT_THAT(type.validate(got, &old), IsEmpty());
}

struct TypeChange {
  std::string_view name, patch;
  bool node_port, health_check;  ///< stay
};
void PrintTo(const TypeChange& c, std::ostream* os) { *os << c.patch; }
class ServiceTypeChange : public testing::TestWithParam<TypeChange> {};
TEST_P(ServiceTypeChange, DropsWhatTheNewTypeHasNoUseFor) {
  const auto& type = type_of("Service");
  const auto old = parse(
      R"({"metadata":{"name":"web"},"spec":{"type":"LoadBalancer","loadBalancerClass":"x/y",
          "clusterIP":"10.96.0.10","clusterIPs":["10.96.0.10"],"ipFamilies":["IPv4"],
          "ipFamilyPolicy":"SingleStack","externalTrafficPolicy":"Local",
          "internalTrafficPolicy":"Cluster","sessionAffinity":"None",
          "allocateLoadBalancerNodePorts":true,"healthCheckNodePort":32000,
          "ports":[{"port":80,"protocol":"TCP","targetPort":80,"nodePort":30080}]}})");
  object patched = old;
  for (const auto& [key, value] : parse(std::string(GetParam().patch))) {
    auto& spec = patched["spec"].as_object();
    value.is_null() ? static_cast<void>(spec.erase(key)) : static_cast<void>(spec[key] = value);
  }
  const auto got = defaulted(type, patched, &old);
  EXPECT_THAT(type.validate(got, &old), IsEmpty());
  const auto& spec = got.at("spec").as_object();
  EXPECT_EQ(spec.at("ports").at(0).as_object().contains("nodePort"), GetParam().node_port);
  EXPECT_EQ(spec.contains("healthCheckNodePort"), GetParam().health_check);
  EXPECT_EQ(spec.contains("loadBalancerClass"), spec.at("type") == "LoadBalancer");
  EXPECT_EQ(spec.contains("clusterIP"), spec.at("type") != "ExternalName");
}
INSTANTIATE_TEST_SUITE_P(
    Service, ServiceTypeChange,
    testing::ValuesIn(std::vector<TypeChange>{
        {"ToClusterIp", R"({"type":"ClusterIP"})", false, false},
        {"ToNodePort", R"({"type":"NodePort"})", true, false},
        {"ToExternalName", R"({"type":"ExternalName","externalName":"a.example"})", false, false},
        {"ToPolicyCluster", R"({"externalTrafficPolicy":"Cluster"})", true, false},
        {"NotAtAll", R"({"healthCheckNodePort":null})", true, true}}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(ServiceDefaults, RefuseANodePortThatComesWithATypeThatHasNone) {
  const auto& type = type_of("Service");
  const auto old = Recording("service/03-create-nodeport-affinity").response_body();
  object patched = old;
  auto& spec = patched["spec"].as_object();
  spec["type"] = "ClusterIP";
  spec["ports"].at(0).as_object()["nodePort"] = 30999;
  const auto causes = type.validate(defaulted(type, patched, &old), &old);
  ASSERT_THAT(causes, SizeIs(1));
  EXPECT_EQ(causes[0].field, "spec.ports[0].nodePort");
}

TEST(SecretDefaults, MoveStringsIntoData) {
  const auto got = defaulted(type_of("Secret"),
                             parse(R"({"metadata":{"name":"s"},"stringData":{"a":"hello"}})"));
  EXPECT_EQ(got.at("data").at("a").as_string(), "aGVsbG8=");
  EXPECT_FALSE(got.contains("stringData"));
  EXPECT_EQ(got.at("type").as_string(), "Opaque");
}

TEST(ConfigMapRules, KeepImmutableData) {
  const auto& type = type_of("ConfigMap");
  const auto old = parse(R"({"metadata":{"name":"s"},"immutable":true,"data":{"a":"1"}})");
  auto changed = old;
  changed["data"] = object{{"a", "2"}};
  const auto causes = type.validate(changed, &old);
  ASSERT_THAT(causes, SizeIs(1));
  EXPECT_EQ(causes[0].field, "data");
}

// ---- Tables

TEST(Tables, ShowPodsAsTheRealServerDoes) {
  const auto table = Recording("pod/31-table-object").response_body();
  const auto& type = type_of("Pod");
  const auto& columns = table.at("columnDefinitions").as_array();
  ASSERT_EQ(type.columns.size(), columns.size());
  for (std::size_t i = 0; i < columns.size(); ++i) {
    EXPECT_EQ(type.columns[i].name, columns[i].at("name").as_string());
    EXPECT_EQ(type.columns[i].priority, columns[i].at("priority").as_int64());
  }
  for (const auto& row : table.at("rows").as_array()) {
    const auto& pod = row.at("object").as_object();
    const auto created = parse_time(pod.at("metadata").at("creationTimestamp").as_string());
    ASSERT_TRUE(created);
    EXPECT_EQ(boost::json::value(type.cells(pod, *created)), row.at("cells"));
  }
}

struct TableCase {
  std::string_view name, table, kind;
  std::initializer_list<std::string_view> objects;
};
void PrintTo(const TableCase& c, std::ostream* os) { *os << c.table; }
const TableCase kTables[] = {
    {"Services",
     "service/11-table",
     "Service",
     {"service/02-create-headless", "service/03-create-nodeport-affinity",
      "service/04-create-loadbalancer", "service/05-create-externalname"}},
    {"NetworkPolicies",
     "networkpolicy/09-table",
     "NetworkPolicy",
     {"networkpolicy/01-create", "networkpolicy/02-create-default-deny"}},
    {"EndpointSlices", "endpointslice/13-table", "EndpointSlice", {}},
    {"Nodes", "node/07-table", "Node", {}},
};
class TableOf : public testing::TestWithParam<TableCase> {};
TEST_P(TableOf, HasTheRealServersColumnsAndCells) {
  const auto table = Recording(std::string(GetParam().table)).response_body();
  const auto& type = type_of(GetParam().kind);
  const auto& columns = table.at("columnDefinitions").as_array();
  ASSERT_EQ(type.columns.size(), columns.size());
  for (std::size_t i = 0; i < columns.size(); ++i) {
    EXPECT_EQ(type.columns[i].name, columns[i].at("name").as_string());
    EXPECT_EQ(type.columns[i].type, columns[i].at("type").as_string());
    EXPECT_EQ(type.columns[i].format, columns[i].at("format").as_string());
    EXPECT_EQ(type.columns[i].priority, columns[i].at("priority").as_int64());
  }
  for (const auto file : GetParam().objects) {
    const auto made = Recording(std::string(file)).response_body();
    const auto created = parse_time(made.at("metadata").at("creationTimestamp").as_string());
    bool found = false;
    for (const auto& row : table.at("rows").as_array()) {
      if (row.at("object").at("metadata").at("name") != made.at("metadata").at("name")) continue;
      found = true;
      EXPECT_EQ(boost::json::value(type.cells(made, *created)), row.at("cells"))
          << boost::json::serialize(type.cells(made, *created));
    }
    EXPECT_TRUE(found) << file;
  }
}
INSTANTIATE_TEST_SUITE_P(Recorded, TableOf, testing::ValuesIn(kTables),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Tables, HaveACellForEachColumnOfEachKind) {
  for (const auto& type : types().all()) {
    EXPECT_EQ(type->cells({}, 0).size(), type->columns.size()) << type->kind;
    EXPECT_NE(type->schema, nullptr) << type->kind;
    object empty;
    type->set_defaults(empty, nullptr);
    EXPECT_FALSE(type->validate(empty, nullptr).empty()) << type->kind;
  }
}

TEST(Tables, TellWhyAPodDoesNotRun) {
  const auto status = [](std::string_view text) {
    return std::string(type_of("Pod").cells(parse(text), 0)[2].as_string());
  };
  EXPECT_EQ(status(R"({"status":{"phase":"Pending","containerStatuses":[
      {"state":{"waiting":{"reason":"ImagePullBackOff"}}}]}})"),
            "ImagePullBackOff");
  EXPECT_EQ(status(R"({"status":{"phase":"Failed","containerStatuses":[
      {"state":{"terminated":{"exitCode":3}}}]}})"),
            "ExitCode:3");
  EXPECT_EQ(status(R"({"spec":{"initContainers":[{},{}]},"status":{"phase":"Pending",
      "initContainerStatuses":[{"state":{"terminated":{"exitCode":0}}},{"state":{"running":{}}}]}})"),
            "Init:1/2");
  EXPECT_EQ(status(R"({"metadata":{"deletionTimestamp":"2026-01-01T00:00:00Z"},
      "status":{"phase":"Running"}})"),
            "Terminating");
}

struct Age {
  std::int64_t seconds;
  std::string_view text;
};
TEST(HumanDuration, GetsCoarserWithTime) {
  constexpr Age kAges[] = {{-5, "<invalid>"},
                           {0, "0s"},
                           {119, "119s"},
                           {120, "2m"},
                           {310, "5m10s"},
                           {600, "10m"},
                           {10799, "179m"},
                           {10800, "3h"},
                           {11100, "3h5m"},
                           {86400, "24h"},
                           {183600, "2d3h"},
                           {700000, "8d"},
                           {63072000 + 86400, "2y1d"},
                           {400000000, "12y"}};
  for (const auto& age : kAges) EXPECT_EQ(human_duration(age.seconds), age.text) << age.seconds;
}

TEST(ParseTime, ReadsRfc3339) {
  EXPECT_EQ(parse_time("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(parse_time("2026-11-21T10:37:26Z"), 1795257446);
  EXPECT_EQ(parse_time("2026-11-21T10:37:26.123456Z"), 1795257446);
  EXPECT_EQ(parse_time("2026-11-21T11:37:26+01:00"), 1795257446);
  for (const auto* bad : {"", "2026-11-21", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z",
                          "2026-11-21T10:37:26", "2026-11-21T25:37:26Z", "x026-11-21T10:37:26Z"})
    EXPECT_FALSE(parse_time(bad)) << bad;
}

}  // namespace
}  // namespace antrea::kube
