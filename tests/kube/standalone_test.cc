#include "antrea/kube/standalone.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>
#include <random>

#include "antrea/kube/builtin_types.h"
#include "libantrea-kube/schema/json.h"
#include "tests/kube/recording.h"

namespace antrea::kube {
namespace {

using boost::json::array;
using boost::json::object;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

object parse(std::string_view text) { return boost::json::parse(text).as_object(); }

object service(std::string_view name, std::string_view spec) {
  auto made = parse(R"({"metadata":{"namespace":"n","uid":"s1","labels":{"team":"x"}}})");
  made["metadata"].as_object()["name"] = std::string(name);
  made["spec"] = parse(spec);
  return made;
}

object pod(std::string_view name, std::string_view ip, bool ready = true,
           std::string_view port = "8080", std::string_view extra = "") {
  return parse("{\"metadata\":{\"namespace\":\"n\",\"name\":\"" + std::string(name) +
               "\",\"uid\":\"u-" + std::string(name) + "\",\"labels\":{\"app\":\"web\"}" +
               std::string(extra) +
               "},\"spec\":{\"nodeName\":\"n1\",\"containers\":[{\"ports\":[{\"name\":\"http\","
               "\"containerPort\":" +
               std::string(port) + "}]}]},\"status\":{\"phase\":\"Running\",\"podIP\":\"" +
               std::string(ip) + "\",\"conditions\":[{\"type\":\"Ready\",\"status\":\"" +
               (ready ? "True" : "False") + "\"}]}}");
}

constexpr std::string_view kSpec =
    R"({"selector":{"app":"web"},"ipFamilies":["IPv4"],"ports":[{"name":"p","protocol":"TCP","port":80,"targetPort":"http"}]})";

/// Stores what the engine asks for, as an API server would, and tells the engine.
struct FakeStore {
  EndpointSliceEngine engine;
  std::map<std::string, object> objects;  // "kind/namespace/name"
  int writes = 0;

  void settle() {
    for (int round = 0; round < 10; ++round) {
      const auto asked = engine.take_writes();
      if (asked.empty()) return;
      for (const auto& write : asked) {
        ++writes;
        const auto key = write.kind + "/" + write.namespace_ + "/" + write.name;
        if (write.type == ObjectWrite::Type::kDelete) {
          engine.observe(write.kind, objects.at(key), true);
          objects.erase(key);
        } else {
          EXPECT_EQ(write.type == ObjectWrite::Type::kCreate, !objects.contains(key));
          objects[key] = write.object;
          engine.observe(write.kind, write.object, false);
        }
      }
    }
    ADD_FAILURE() << "the engine does not come to rest";
  }

  std::vector<object> slices() const {
    std::vector<object> found;
    for (const auto& [key, object] : objects)
      if (key.starts_with("EndpointSlice/")) found.push_back(object);
    return found;
  }
};

TEST(EndpointSliceEngine, MakesASliceAndEndpointsOfReadyPods) {
  FakeStore store;
  store.engine.observe(
      "Node", parse(R"({"metadata":{"name":"n1","labels":{"topology.kubernetes.io/zone":"z"}}})"),
      false);
  store.engine.observe("Service", service("web", kSpec), false);
  store.engine.observe("Pod", pod("a", "10.0.0.1"), false);
  store.engine.observe("Pod", pod("b", "10.0.0.2", false), false);
  store.settle();
  const auto slices = store.slices();
  ASSERT_THAT(slices, SizeIs(1));
  EXPECT_EQ(slices[0].at("endpoints"), boost::json::parse(R"([
      {"addresses":["10.0.0.1"],"conditions":{"ready":true,"serving":true,"terminating":false},
       "targetRef":{"kind":"Pod","namespace":"n","name":"a","uid":"u-a"},"nodeName":"n1","zone":"z"},
      {"addresses":["10.0.0.2"],"conditions":{"ready":false,"serving":false,"terminating":false},
       "targetRef":{"kind":"Pod","namespace":"n","name":"b","uid":"u-b"},"nodeName":"n1","zone":"z"}])"));
  EXPECT_EQ(slices[0].at("ports"),
            boost::json::parse(R"([{"name":"p","protocol":"TCP","port":8080}])"));
  EXPECT_EQ(slices[0].at("metadata").at("labels"),
            boost::json::parse(R"({"team":"x","kubernetes.io/service-name":"web",
                "endpointslice.kubernetes.io/managed-by":"endpointslice-controller.k8s.io"})"));
  const auto& subset = store.objects.at("Endpoints/n/web").at("subsets").at(0);
  EXPECT_EQ(subset.at("addresses").at(0).at("ip").as_string(), "10.0.0.1");
  EXPECT_EQ(subset.at("notReadyAddresses").at(0).at("ip").as_string(), "10.0.0.2");
}

TEST(EndpointSliceEngine, WritesAreValidAndStayAsTheyAreStored) {
  FakeStore store;
  const auto types = make_builtin_types();
  store.engine.observe("Service", service("web", kSpec), false);
  store.engine.observe("Pod", pod("a", "10.0.0.1"), false);
  for (auto& write : store.engine.take_writes()) {
    const auto* type =
        types.find_kind(write.kind == "Endpoints" ? "" : "discovery.k8s.io", "v1", write.kind);
    auto stored = write.object;
    EXPECT_THAT(check_fields(*type->schema, stored), IsEmpty());
    prune_fields(*type->schema, stored);
    type->set_defaults(stored, nullptr);
    EXPECT_THAT(type->validate(stored, nullptr), IsEmpty());
    store.engine.observe(write.kind, stored, false);
  }
  EXPECT_THAT(store.engine.take_writes(), IsEmpty());
}

TEST(EndpointSliceEngine, AsksOnlyOnceAndAgainAfterAFailure) {
  EndpointSliceEngine engine;
  engine.observe("Service", service("web", kSpec), false);
  const auto first = engine.take_writes();
  ASSERT_THAT(first, SizeIs(2));
  EXPECT_THAT(engine.take_writes(), IsEmpty());
  engine.observe("Pod", pod("other", "", true), false);
  EXPECT_THAT(engine.take_writes(), IsEmpty());
  engine.failed(first[0]);
  EXPECT_THAT(engine.take_writes(), SizeIs(1));
}

TEST(EndpointSliceEngine, SplitsByPortsAndByCount) {
  FakeStore store;
  store.engine.observe("Service", service("web", kSpec), false);
  store.engine.observe("Pod", pod("other", "10.1.0.1", true, "9090"), false);
  for (int i = 0; i < 150; ++i) {
    const auto name = "p" + std::to_string(1000 + i);
    store.engine.observe("Pod", pod(name, "10.0.0." + std::to_string(i + 1)), false);
  }
  store.settle();
  EXPECT_THAT(store.slices(), SizeIs(3));
  for (int i = 0; i < 150; ++i)
    store.engine.observe("Pod", pod("p" + std::to_string(1000 + i), "10.0.0.1"), true);
  store.settle();
  const auto slices = store.slices();
  ASSERT_THAT(slices, SizeIs(1));
  EXPECT_EQ(slices[0].at("ports").at(0).at("port").as_int64(), 9090);
}

TEST(EndpointSliceEngine, TellsTerminatingPodsApart) {
  FakeStore store;
  store.engine.observe("Service", service("web", kSpec), false);
  store.engine.observe(
      "Pod", pod("a", "10.0.0.1", true, "8080", R"(,"deletionTimestamp":"2026-01-01T00:00:00Z")"),
      false);
  store.settle();
  EXPECT_EQ(store.slices()[0].at("endpoints").at(0).at("conditions"),
            boost::json::parse(R"({"ready":false,"serving":true,"terminating":true})"));
  EXPECT_THAT(store.objects.at("Endpoints/n/web").at("subsets").as_array(), IsEmpty());
}

TEST(EndpointSliceEngine, HintsFollowTheTrafficDistribution) {
  const std::string zone = R"("forZones":[{"name":"z"}])", node = R"("forNodes":[{"name":"n1"}])";
  const std::map<std::string, std::string> hints{{"", ""},
                                                 {"PreferClose", "{" + zone + "}"},
                                                 {"PreferSameZone", "{" + zone + "}"},
                                                 {"PreferSameNode", "{" + node + "," + zone + "}"},
                                                 {"example.com/other", ""}};
  FakeStore store;
  store.engine.observe(
      "Node", parse(R"({"metadata":{"name":"n1","labels":{"topology.kubernetes.io/zone":"z"}}})"),
      false);
  store.engine.observe("Pod", pod("a", "10.0.0.1"), false);
  for (const auto& [distribution, expected] : hints) {
    auto spec = service("web", kSpec);
    if (!distribution.empty()) spec["spec"].as_object()["trafficDistribution"] = distribution;
    store.engine.observe("Service", spec, false);
    store.settle();
    const auto slices = store.slices();
    const auto& endpoint = slices[0].at("endpoints").at(0).as_object();
    const auto* const found = endpoint.if_contains("hints");
    EXPECT_EQ(found != nullptr, !expected.empty()) << distribution;
    if (found != nullptr) {
      EXPECT_EQ(*found, boost::json::parse(expected)) << distribution;
    }
  }
  // A Node without a zone: only itself can be preferred.
  store.engine.observe("Node", parse(R"({"metadata":{"name":"n1"}})"), false);
  auto spec = service("web", kSpec);
  spec["spec"].as_object()["trafficDistribution"] = "PreferSameNode";
  store.engine.observe("Service", spec, false);
  store.settle();
  EXPECT_EQ(store.slices()[0].at("endpoints").at(0).at("hints"),
            boost::json::parse("{" + node + "}"));
}

TEST(EndpointSliceEngine, LeavesNothingOfAServiceThatGoes) {
  FakeStore store;
  store.engine.observe("Service", service("web", kSpec), false);
  store.engine.observe("Pod", pod("a", "10.0.0.1"), false);
  store.settle();
  // A restart: the new engine learns what is stored, and that the Service is gone.
  FakeStore later;
  for (const auto& [key, object] : store.objects) {
    later.objects[key] = object;
    later.engine.observe(text_at(object, "kind"), object, false);
  }
  later.settle();
  EXPECT_THAT(later.objects, IsEmpty());
}

TEST(EndpointSliceEngine, LeavesAloneWhatOthersMade) {
  FakeStore store;
  const auto foreign = parse(
      R"({"metadata":{"namespace":"n","name":"web-x","labels":{"kubernetes.io/service-name":"web",
      "endpointslice.kubernetes.io/managed-by":"me"}},"addressType":"IPv4","endpoints":[]})");
  const auto manual = parse(R"({"metadata":{"namespace":"n","name":"external"},"subsets":[]})");
  store.engine.observe("EndpointSlice", foreign, false);
  store.engine.observe("Endpoints", manual, false);
  store.engine.observe("Service", service("external", R"({"ports":[{"port":80}]})"), false);
  EXPECT_THAT(store.engine.take_writes(), IsEmpty());
}

TEST(EndpointSliceEngine, EndStateDependsOnlyOnTheInput) {
  std::vector<std::pair<std::string, object>> inputs = {
      {"Service", service("web", kSpec)},
      {"Service",
       service("both",
               R"({"selector":{"app":"web"},"ipFamilies":["IPv4","IPv6"],"clusterIP":"None"})")},
      {"Node", parse(R"({"metadata":{"name":"n1","labels":{"topology.kubernetes.io/zone":"z"}}})")},
      {"Pod", pod("a", "10.0.0.1")},
      {"Pod", pod("b", "fd00::2")},
      {"Pod", pod("c", "10.0.0.3", false, "9090")}};
  std::map<std::string, object> want;
  std::minstd_rand random(7);
  for (int walk = 0; walk < 30; ++walk) {
    FakeStore store;
    std::shuffle(inputs.begin(), inputs.end(), random);
    for (const auto& [kind, object] : inputs) {
      store.engine.observe(kind, object, false);
      if (random() % 2) store.settle();
      if (random() % 3 == 0) {
        store.engine.observe(kind, object, true);
        if (random() % 2) store.settle();
        store.engine.observe(kind, object, false);
      }
    }
    store.settle();
    if (walk == 0) want = store.objects;
    EXPECT_EQ(store.objects, want);
    EXPECT_EQ(store.slices().size(), 4U);
  }
}

// ---- cluster IPs and node ports

const TimePoint kNow{};

object defaulted_service(std::string_view name, std::string_view spec) {
  auto made = service(name, spec);
  static const auto kTypes = make_builtin_types();
  kTypes.find("", "v1", "services")->set_defaults(made, nullptr);
  return made;
}

TEST(ServiceAllocator, GivesAServiceTheSameAddressAgain) {
  ServiceAllocator allocator;
  auto first = defaulted_service("web", R"({"ports":[{"port":80}]})");
  EXPECT_THAT(allocator.admit(first, nullptr, kNow), IsEmpty());
  const std::string ip(text_at(first, "spec.clusterIP"));
  EXPECT_TRUE(IpPrefix::parse("10.96.0.0/16")->contains(*IpAddress::parse(ip)));
  EXPECT_EQ(first.at("spec").at("clusterIPs"), boost::json::value(array{boost::json::value(ip)}));
  allocator.observe(first, false);
  allocator.observe(first, true);
  auto again = defaulted_service("web", R"({"ports":[{"port":80}]})");
  EXPECT_THAT(allocator.admit(again, nullptr, kNow), IsEmpty());
  EXPECT_EQ(text_at(again, "spec.clusterIP"), ip);
}

TEST(ServiceAllocator, GivesNoAddressTwiceUntilTheRangeIsFull) {
  ServiceAllocator allocator({.ranges = {*IpPrefix::parse("10.96.0.0/28")}});
  std::set<std::string> given;
  for (int i = 0; i < 13; ++i) {  // 16, without network, broadcast and the first
    auto made = defaulted_service("s" + std::to_string(i), R"({"ports":[{"port":80}]})");
    ASSERT_THAT(allocator.admit(made, nullptr, kNow), IsEmpty()) << i;
    EXPECT_TRUE(given.emplace(text_at(made, "spec.clusterIP")).second);
    allocator.observe(made, false);
  }
  auto last = defaulted_service("last", R"({"ports":[{"port":80}]})");
  const auto causes = allocator.admit(last, nullptr, kNow);
  ASSERT_THAT(causes, SizeIs(1));
  EXPECT_THAT(causes[0].message, testing::HasSubstr("range is full"));
}

TEST(ServiceAllocator, RefusesInTheWordsOfTheRealServer) {
  ServiceAllocator allocator;
  const Recording recording{"service/06-create-invalid-422"};
  auto body = recording.request_body();
  static const auto kTypes = make_builtin_types();
  kTypes.find("", "v1", "services")->set_defaults(body, nullptr);
  const auto causes = allocator.admit(body, nullptr, kNow);
  ASSERT_THAT(causes, SizeIs(1));
  const auto want = recording.response_body().at("details").at("causes").at(0);
  EXPECT_EQ(causes[0].field, std::string(want.at("field").as_string()));
  EXPECT_EQ(causes[0].message, std::string(want.at("message").as_string()));
}

TEST(ServiceAllocator, HonoursARequestOnce) {
  ServiceAllocator allocator;
  auto first = defaulted_service("a", R"({"clusterIP":"10.96.0.99","ports":[{"port":80}]})");
  EXPECT_THAT(allocator.admit(first, nullptr, kNow), IsEmpty());
  auto second = defaulted_service("b", R"({"clusterIP":"10.96.0.99","ports":[{"port":80}]})");
  const auto causes = allocator.admit(second, nullptr, kNow);
  ASSERT_THAT(causes, SizeIs(1));
  EXPECT_THAT(causes[0].message, testing::HasSubstr("provided IP is already allocated"));
  // The first write came to nothing: a minute later the address is free.
  EXPECT_THAT(allocator.admit(second, nullptr, kNow + std::chrono::minutes(2)), IsEmpty());
}

TEST(ServiceAllocator, GivesNodePorts) {
  ServiceAllocator allocator;
  auto made =
      defaulted_service("np", R"({"type":"LoadBalancer","externalTrafficPolicy":"Local","ports":[
      {"name":"t","port":53},{"name":"u","port":53,"protocol":"UDP"},{"name":"x","port":80,"nodePort":30080}]})");
  EXPECT_THAT(allocator.admit(made, nullptr, kNow), IsEmpty());
  const auto& ports = made.at("spec").at("ports").as_array();
  const auto number = integer_of(ports[0].at("nodePort"));
  EXPECT_GE(number, 30000);
  EXPECT_LE(number, 32767);
  EXPECT_EQ(number, integer_of(ports[1].at("nodePort")));
  EXPECT_NE(integer_at(made, "spec.healthCheckNodePort"), 0);
  allocator.observe(made, false);
  auto other =
      defaulted_service("other", R"({"type":"NodePort","ports":[{"port":80,"nodePort":30080}]})");
  EXPECT_THAT(allocator.admit(other, nullptr, kNow), SizeIs(1));
  auto again = made;  // an update keeps its own
  EXPECT_THAT(allocator.admit(again, &made, kNow), IsEmpty());
  EXPECT_EQ(again, made);
}

TEST(ServiceAllocator, LeavesHeadlessAndExternalNamesAlone) {
  ServiceAllocator allocator;
  for (const auto* spec : {R"({"clusterIP":"None","ports":[{"port":80}]})",
                           R"({"type":"ExternalName","externalName":"a.b"})"}) {
    auto made = defaulted_service("x", spec);
    const auto before = made;
    EXPECT_THAT(allocator.admit(made, nullptr, kNow), IsEmpty());
    EXPECT_EQ(made, before);
  }
}

TEST(ServiceAllocator, GivesBothFamilies) {
  ServiceAllocator allocator(
      {.ranges = {*IpPrefix::parse("10.96.0.0/16"), *IpPrefix::parse("fd00:96::/112")}});
  auto made =
      defaulted_service("x", R"({"ipFamilyPolicy":"PreferDualStack","ports":[{"port":80}]})");
  EXPECT_THAT(allocator.admit(made, nullptr, kNow), IsEmpty());
  EXPECT_EQ(made.at("spec").at("ipFamilies"), boost::json::parse(R"(["IPv4","IPv6"])"));
  EXPECT_THAT(made.at("spec").at("clusterIPs").as_array(), SizeIs(2));
}

// ---- Pod CIDRs

object node(std::string_view name, std::string_view cidr = "") {
  object made{{"metadata", object{{"name", std::string(name)}}}, {"spec", object{}}};
  if (!cidr.empty()) {
    made["spec"].as_object()["podCIDR"] = std::string(cidr);
    made["spec"].as_object()["podCIDRs"] = array{boost::json::value(std::string(cidr))};
  }
  return made;
}

TEST(NodeCidrAllocator, GivesTheLowestFreeSubnet) {
  NodeCidrAllocator allocator;
  allocator.observe(node("old", "10.10.1.0/24"), false);
  const auto admit = [&](std::string_view name) {
    auto made = node(name);
    EXPECT_THAT(allocator.admit(made, kNow), IsEmpty());
    return std::string(text_at(made, "spec.podCIDR"));
  };
  EXPECT_EQ(admit("a"), "10.10.0.0/24");
  EXPECT_EQ(admit("b"), "10.10.2.0/24");
  EXPECT_EQ(admit("a"), "10.10.0.0/24");  // asked again before it was stored
  allocator.observe(node("old"), true);
  EXPECT_EQ(admit("c"), "10.10.1.0/24");
  auto kept = node("d", "10.10.77.0/24");
  EXPECT_THAT(allocator.admit(kept, kNow), IsEmpty());
  EXPECT_EQ(text_at(kept, "spec.podCIDR"), "10.10.77.0/24");
}

TEST(NodeCidrAllocator, NamesTheExhaustedRange) {
  NodeCidrAllocator allocator({{*IpPrefix::parse("10.10.0.0/23"), 24}});
  for (const auto* name : {"a", "b"}) {
    auto made = node(name);
    EXPECT_THAT(allocator.admit(made, kNow), IsEmpty());
    allocator.observe(made, false);
  }
  auto made = node("c");
  const auto causes = allocator.admit(made, kNow);
  ASSERT_THAT(causes, SizeIs(1));
  EXPECT_THAT(causes[0].message, testing::HasSubstr("10.10.0.0/23"));
}

}  // namespace
}  // namespace antrea::kube
