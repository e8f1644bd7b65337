#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <filesystem>

#include "tests/kube_server/test_server.h"

// Over HTTP on the loopback, client and server sharing the machine. The peer is kube-apiserver 1.26
// with etcd, measured on two cores: 5,000 Pods created at 1,180/s; listed as JSON from its watch
// cache in 166 ms (26 MB with managedFields); a watch from version 0 at 17,200 events/s.
namespace antrea::kube {
namespace {
namespace json = boost::json;
using test::Client;
using test::TestServer;

constexpr int kPodCount = 5000;
const std::string kPods = "/api/v1/namespaces/default/pods";
const HttpFields kJson{{"Content-Type", "application/json"}};

/// One container with a probe and resources, an owner, and the status of a running Pod: about 2.5
/// kB.
std::string pod(int number) {
  const std::string name = fmt::format("web-{:05}", number);
  json::object container{
      {"name", "main"},
      {"image", "registry.example.com/team/web:v1.2.3"},
      {"args", {"--listen=:8080", "--verbose"}},
      {"env", {{{"name", "POD"}, {"value", name}}, {{"name", "REGION"}, {"value", "eu-west-1"}}}},
      {"ports", {{{"name", "http"}, {"containerPort", 8080}, {"protocol", "TCP"}}}},
      {"readinessProbe",
       {{"httpGet", {{"path", "/healthz"}, {"port", 8080}}}, {"periodSeconds", 5}}},
      {"resources",
       {{"requests", {{"cpu", "100m"}, {"memory", "128Mi"}}}, {"limits", {{"memory", "256Mi"}}}}}};
  const json::object object{
      {"apiVersion", "v1"},
      {"kind", "Pod"},
      {"metadata",
       {{"name", name},
        {"labels", {{"app", "web"}, {"tier", "front"}, {"pod-template-hash", "6d4cf56db6"}}},
        {"ownerReferences",
         {{{"apiVersion", "apps/v1"},
           {"kind", "ReplicaSet"},
           {"name", "web-6d4cf56db6"},
           {"uid", "e0d5c1a2-8f34-4e0a-9a55-0f1c2d3e4f50"},
           {"controller", true}}}}}},
      {"spec",
       {{"nodeName", fmt::format("worker-{:02}", number % 50)},
        {"serviceAccountName", "web"},
        {"containers", {container}}}}};
  return json::serialize(object);
}

void fill(const TestServer& server, int count) {
  Client client(server.address());
  for (int i = 0; i < count; ++i) {
    client.send("POST", kPods, pod(i), kJson);
    const auto answer = client.receive();
    if (answer.status != 201) throw std::runtime_error(answer.body);
  }
}

/// The argument: 0 in memory, 1 in a file.
void create_pods(benchmark::State& state) {
  char folder[] = "/tmp/antrea-bench-XXXXXX";
  if (!::mkdtemp(folder)) return state.SkipWithError("no temporary folder");
  {
    StoreOptions options;
    options.path = state.range(0) == 0 ? ":memory:" : std::string(folder) + "/db";
    const TestServer server(options);
    Client client(server.address());
    int number = 0;
    for (auto _ : state) {
      client.send("POST", kPods, pod(number++), kJson);
      if (client.receive().status != 201) return state.SkipWithError("refused");
    }
    state.SetItemsProcessed(state.iterations());
  }
  std::filesystem::remove_all(folder);
}
BENCHMARK(create_pods)->Arg(0)->Arg(1)->UseRealTime()->Unit(benchmark::kMicrosecond);

void patch_status(benchmark::State& state) {
  const TestServer server;
  fill(server, 100);
  Client client(server.address());
  int number = 0;
  for (auto _ : state) {
    client.send("PATCH", fmt::format("{}/web-{:05}/status", kPods, number % 100),
                fmt::format(R"({{"status":{{"phase":"Running","podIP":"10.0.{}.{}"}}}})",
                            number / 250 % 250, number % 250),
                {{"Content-Type", "application/strategic-merge-patch+json"}});
    if (client.receive().status != 200) return state.SkipWithError("refused");
    ++number;
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(patch_status)->UseRealTime()->Unit(benchmark::kMicrosecond);

void list_pods(benchmark::State& state, std::string_view accept, std::string_view query) {
  const TestServer server;
  fill(server, kPodCount);
  Client client(server.address());
  std::size_t size = 0;
  for (auto _ : state) {
    client.send("GET", kPods + std::string(query), {}, {{"Accept", std::string(accept)}});
    size = client.receive().body.size();
  }
  state.counters["bytes"] = static_cast<double>(size);
  state.SetBytesProcessed(static_cast<std::int64_t>(size) * state.iterations());
}
BENCHMARK_CAPTURE(list_pods, json, "application/json", "")
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(list_pods, json_of_one_node, "application/json",
                  "?fieldSelector=spec.nodeName%3Dworker-01")
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(list_pods, table, "application/json;as=Table;v=v1;g=meta.k8s.io", "")
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

void watch_from_the_start(benchmark::State& state) {
  const TestServer server;
  fill(server, kPodCount);
  for (auto _ : state) {
    Client client(server.address());
    client.send("GET", kPods + "?watch=1&resourceVersion=0");
    client.receive_head();
    for (int i = 0; i < kPodCount; ++i)
      if (!client.receive_line()) return state.SkipWithError("ended early");
  }
  state.SetItemsProcessed(state.iterations() * kPodCount);
}
BENCHMARK(watch_from_the_start)->UseRealTime()->Unit(benchmark::kMillisecond);

/// From the request that changes an object to the event, with so many watches open.
void watch_live(benchmark::State& state) {
  const TestServer server;
  fill(server, 1);
  std::vector<std::unique_ptr<Client>> watches;
  for (int i = 0; i < state.range(0); ++i) {
    watches.push_back(std::make_unique<Client>(server.address()));
    watches.back()->send("GET", kPods + "?watch=1&resourceVersion=0");
    watches.back()->receive_head();
    watches.back()->receive_line();
  }
  Client client(server.address());
  int number = 0;
  for (auto _ : state) {
    client.send("PATCH", kPods + "/web-00000",
                fmt::format(R"({{"metadata":{{"labels":{{"n":"{}"}}}}}})", number++),
                {{"Content-Type", "application/merge-patch+json"}});
    for (auto& watch : watches) watch->receive_line();
    client.receive();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(watch_live)->Arg(1)->Arg(100)->UseRealTime()->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace antrea::kube
