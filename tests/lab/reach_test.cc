#include "antrea/lab/reach.h"

#include <gmock/gmock.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fstream>
#include <iterator>

#include "libantrea-lab/kubelet.h"
#include "tests/lab/isolated.h"

namespace antrea::lab {
namespace {

namespace json = boost::json;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

json::object status() {
  return json::parse(R"({
    "outside": "172.18.1.10",
    "nodes": [{"name": "worker-01", "address": "172.18.0.2"}],
    "pods": [
      {"namespace": "default", "name": "web", "node": "worker-01", "phase": "Running",
       "address": "10.10.0.2", "ports": [{"port": 80, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}]},
      {"namespace": "default", "name": "late", "node": "worker-01", "phase": "Pending"}],
    "services": [{"namespace": "default", "name": "front", "address": "10.96.0.9",
                  "ports": [{"port": 8000, "protocol": "TCP"}]}]})")
      .as_object();
}

std::vector<std::string> lines(const std::vector<Reach>& probes) {
  std::vector<std::string> out;
  for (const auto& r : probes)
    out.push_back(r.from + " > " + r.address + ":" + std::to_string(r.port) + "/" +
                  std::string(to_string(r.protocol)));
  return out;
}

TEST(ReachPlan, AsksFromEveryoneToEveryoneThatCouldBeRouted) {
  EXPECT_THAT(
      lines(plan_reach(take_inventory(status()), {})),
      ElementsAre("default/web > 10.96.0.9:8000/TCP", "default/web > front.default:8000/TCP",
                  "default/web > 172.18.0.2:80/TCP", "default/web > 172.18.1.10:80/TCP",
                  "node/worker-01 > 10.10.0.2:53/UDP", "node/worker-01 > 10.10.0.2:80/TCP",
                  "node/worker-01 > 10.96.0.9:8000/TCP", "node/worker-01 > 172.18.1.10:80/TCP",
                  "outside > 172.18.0.2:80/TCP"));
}

TEST(ReachPlan, FiltersByNamePortAndProtocol) {
  const Inventory inventory = take_inventory(status());
  EXPECT_THAT(
      lines(plan_reach(inventory,
                       {.from = {"worker-01"}, .to = {"web"}, .protocols = {Protocol::kUdp}})),
      ElementsAre("node/worker-01 > 10.10.0.2:53/UDP"));
  EXPECT_THAT(lines(plan_reach(inventory, {.from = {"outside"}, .ports = {443}})),
              ElementsAre("outside > 172.18.0.2:443/TCP"));
  EXPECT_THAT(plan_reach(inventory, {.from = {"eb"}}), IsEmpty()) << "parts of a name are no name";
}

TEST(ReachJson, ComesBackAsItWent) {
  std::vector<Reach> probes = plan_reach(take_inventory(status()), {});
  probes[0].result = Outcome::kAllowed;
  probes[0].answered_by = {"default/web"};
  probes[1].result = Outcome::kDropped;
  probes[1].reason = "no answer";
  const auto decoded = decode_reach(encode_reach(probes));
  ASSERT_OK(decoded);
  EXPECT_EQ(encode_reach(*decoded), encode_reach(probes));
}

TEST(ReachJson, TakesWhatAntctlForetells) {
  const auto probes = decode_reach(json::parse(
      R"({"probes":[{"from":"default/web","to":"outside/192.0.2.1","address":"192.0.2.1","port":80,
          "protocol":"TCP","result":"dropped","rule":{"egress":{"kind":"K8sNetworkPolicy",
          "namespace":"default","name":"web"},"ingress":null}}]})"));
  ASSERT_OK(probes);
  EXPECT_EQ(probes->at(0).result, Outcome::kDropped);
  Inventory inventory;
  inventory.places = {{"default/web", "10.1.0.2", {}, "pod/default/web", "default"},
                      {"outside", "192.0.2.1", {}, "outside", {}}};
  ASSERT_OK(questions_of(*probes, inventory));
  inventory.places[1].address = "192.0.2.2";
  EXPECT_TRUE(questions_of(*probes, inventory).has_error());
}

struct BadJson {
  const char* name;
  const char* text;
  const char* error;
};
void PrintTo(const BadJson& c, std::ostream* os) { *os << c.name; }
constexpr BadJson kBadJson[] = {
    {"NoList", R"({"probe": []})", "probes: no list"},
    {"NoFrom", R"({"probes": [{"to": "b", "result": "allowed"}]})", "probes[0].from: missing"},
    {"BadPort", R"({"probes": [{"from": "a", "to": "b", "port": 70000, "result": "allowed"}]})",
     "probes[0].port"},
    {"BadProtocol",
     R"({"probes": [{"from": "a", "to": "b", "protocol": "ICMP", "result": "allowed"}]})",
     "probes[0].protocol"},
    {"NoResult", R"({"probes": [{"from": "a", "to": "b"}]})", "probes[0].result"},
    {"BadAnswerers",
     R"({"probes": [{"from": "a", "to": "b", "result": "allowed", "answeredBy": "c"}]})",
     "probes[0].answeredBy"},
    {"UnknownKey", R"({"probes": [{"from": "a", "to": "b", "result": "allowed", "prot": "UDP"}]})",
     "probes[0].prot: no such key"},
};
class ReachJsonBad : public testing::TestWithParam<BadJson> {};
TEST_P(ReachJsonBad, NamesWhatIsWrong) {
  const auto got = decode_reach(json::parse(GetParam().text));
  ASSERT_TRUE(got.has_error());
  EXPECT_THAT(got.error().to_string(), HasSubstr(GetParam().error));
}
INSTANTIATE_TEST_SUITE_P(Malformed, ReachJsonBad, testing::ValuesIn(kBadJson),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(ReachExpectation, GetsItsAddressesFromTheLab) {
  const Inventory inventory = take_inventory(status());
  const std::vector<Reach> expected{
      {.from = "default/web", .to = "service/default/front", .address = "front", .port = 8000},
      {.from = "default/web", .to = "service/default/front", .address = "10.9.9.9", .port = 8000}};
  const auto questions = questions_of(expected, inventory);
  ASSERT_OK(questions);
  EXPECT_EQ((*questions)[0].address, "front") << "a name is what is asked for";
  EXPECT_EQ((*questions)[1].address, "10.96.0.9") << "an address of another run is not";
  const std::vector<Reach> gone{{.from = "default/late", .to = "outside"}};
  EXPECT_EQ(questions_of(gone, inventory).error().code, Errc::kNotFound);
}

TEST(ReachComparison, TellsEachDifference) {
  const Reach want{.from = "a",
                   .to = "b",
                   .address = "10.0.0.1",
                   .result = Outcome::kAllowed,
                   .answered_by = {"x", "y"}};
  Reach got = want;
  got.answered_by = {"y", "x"};
  EXPECT_THAT(compare_reach({want}, {got}), IsEmpty());
  got.answered_by = {"x"};
  EXPECT_THAT(compare_reach({want}, {got}),
              ElementsAre("a -> b 80/TCP: expected allowed by x and y, found allowed by x"));
  got.result = Outcome::kDropped;
  got.answered_by.clear();
  EXPECT_THAT(compare_reach({want}, {got}),
              ElementsAre("a -> b 80/TCP: expected allowed by x and y, found dropped"));
  EXPECT_THAT(compare_reach({want}, {}), ElementsAre(HasSubstr("not probed")));
  EXPECT_THAT(print_comparison({want}, {got}), HasSubstr("1 probes, 1 not as expected"));
}

TEST(ReachMatrix, SaysWhyAProbeCouldNotTell) {
  const std::vector<Reach> probes{
      {.from = "a", .to = "b", .result = Outcome::kAllowed},
      {.from = "c", .to = "b", .result = Outcome::kError, .reason = "no route to 10.0.0.1"}};
  const std::string matrix = print_matrix(probes);
  EXPECT_THAT(matrix, HasSubstr("FROM   b 80/TCP\na      allowed\nc      error\n"));
  EXPECT_THAT(matrix, HasSubstr("c -> b 80/TCP: no route to 10.0.0.1"));
}

TEST(ReachExamples, AreWellFormed) {
  for (const char* file : {"three-pods-open.json", "three-pods-isolated.json"}) {
    std::ifstream in(std::string(ANTREA_SOURCE_DIR "/examples/") + file);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    const auto probes = decode_reach(json::parse(text));
    ASSERT_OK(probes);
    EXPECT_EQ(probes->size(), 16U);
  }
}

TEST(Placement, TakesTheLeastLoadedNode) {
  EXPECT_EQ(choose_node({}), "");
  EXPECT_EQ(choose_node({{"a", 0}, {"b", 0}}), "a");
  EXPECT_EQ(choose_node({{"a", 2}, {"b", 1}, {"c", 1}}), "b");
}

TEST(PodSpec, HasAPortToAnswerOn) {
  const auto declared = decode_pod_spec(json::parse(R"({
    "apiVersion": "v1", "kind": "Pod",
    "metadata": {"name": "p", "namespace": "n", "uid": "u", "deletionTimestamp": "2026-01-01T00:00:00Z"},
    "spec": {"nodeName": "worker-01", "containers": [
      {"name": "c", "image": "i", "ports": [{"containerPort": 5000, "protocol": "UDP"}]}]}})"));
  ASSERT_OK(declared);
  EXPECT_EQ(declared->key(), "n/p");
  EXPECT_EQ(declared->node, "worker-01");
  EXPECT_TRUE(declared->deleting);
  EXPECT_THAT(declared->ports, ElementsAre(ResponderPort{5000, Protocol::kUdp}));
  const auto silent = decode_pod_spec(json::parse(R"({
    "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n"},
    "spec": {"containers": [{"name": "c", "image": "i"}]}})"));
  ASSERT_OK(silent);
  EXPECT_FALSE(silent->deleting);
  EXPECT_THAT(silent->ports, ElementsAre(ResponderPort{80, Protocol::kTcp}));
}

}  // namespace
}  // namespace antrea::lab
