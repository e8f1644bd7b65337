#include "antrea/kube/api_server.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <mutex>
#include <thread>

#include "test_server.h"

// What the recordings do not show: sequences, watches, deletion in steps, in-process use.
namespace antrea::kube {
namespace {
namespace json = boost::json;
using test::Answer;
using test::Client;
using test::TestServer;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string kPods = "/api/v1/namespaces/default/pods";
const std::string kConfigMaps = "/api/v1/namespaces/default/configmaps";

std::string pod(std::string_view name, std::string_view node = {}, std::string_view labels = "{}") {
  return fmt::format(
      R"({{"metadata":{{"name":"{}","labels":{}}},"spec":{{"nodeName":"{}","containers":[{{"name":"c","image":"i"}}]}}}})",
      name, labels, node);
}
std::string config_map(std::string_view name, std::string_view labels = "{}") {
  return fmt::format(R"({{"metadata":{{"name":"{}","labels":{}}}}})", name, labels);
}

class Api : public testing::Test {
 protected:
  explicit Api(StoreOptions store = {}) : server(std::move(store)) {}

  Answer post(const std::string& target, std::string_view body, int status = 201) {
    return expect("POST", target, body, status, "application/json");
  }
  Answer get(const std::string& target, int status = 200) {
    return expect("GET", target, {}, status);
  }
  Answer merge(const std::string& target, std::string_view body, int status = 200) {
    return expect("PATCH", target, body, status, "application/merge-patch+json");
  }
  Answer remove(const std::string& target, std::string_view body = {}, int status = 200) {
    return expect("DELETE", target, body, status, "application/json");
  }
  Answer expect(std::string_view method, const std::string& target, std::string_view body,
                int status, std::string_view type = {}) {
    HttpFields headers;
    if (!type.empty()) headers.emplace_back("Content-Type", type);
    auto answer = server.request(method, target, body, headers);
    EXPECT_EQ(answer.status, status) << method << " " << target << "\n" << answer.body;
    return answer;
  }
  static std::string version_of(const Answer& answer) {
    return std::string(answer.json().at("metadata").at("resourceVersion").as_string());
  }

  TestServer server;
};

/// An open watch, read event by event.
class Watch {
 public:
  Watch(const TestServer& server, const std::string& target, HttpFields headers = {})
      : client_(server.address()) {
    client_.send("GET", target, {}, headers);
    head = client_.receive_head();
    EXPECT_EQ(head.status, 200) << target;
  }
  /// "ADDED name", "BOOKMARK version", "ERROR code"; "" at the end.
  std::string next() {
    const auto line = client_.receive_line();
    if (!line) return {};
    event = json::parse(*line);
    const std::string type(event.at("type").as_string());
    const auto& object = event.at("object");
    if (type == "ERROR") return fmt::format("ERROR {}", object.at("code").as_int64());
    const auto& metadata = object.at("metadata").as_object();
    if (type == "BOOKMARK") return type;
    return type + " " + std::string(metadata.at("name").as_string());
  }
  json::value event;
  Answer head;

 private:
  Client client_;
};

TEST_F(Api, WatchTellsWhatExistsThenWhatChanges) {
  post(kConfigMaps, config_map("a"));
  Watch watch(server, kConfigMaps + "?watch=1");
  EXPECT_EQ(watch.next(), "ADDED a");
  post(kConfigMaps, config_map("b"));
  EXPECT_EQ(watch.next(), "ADDED b");
  merge(kConfigMaps + "/a", R"({"data":{"k":"v"}})");
  EXPECT_EQ(watch.next(), "MODIFIED a");
  EXPECT_EQ(watch.event.at("object").at("data"), json::parse(R"({"k":"v"})"));
  EXPECT_EQ(watch.event.at("object").at("kind"), "ConfigMap");
  const auto deleted = remove(kConfigMaps + "/a");
  EXPECT_EQ(watch.next(), "DELETED a");
}

TEST_F(Api, WatchResumesFromAVersion) {
  const auto start = version_of(get(kConfigMaps));
  post(kConfigMaps, config_map("a"));
  const auto middle = version_of(get(kConfigMaps));
  post(kConfigMaps, config_map("b"));
  Watch watch(server, kConfigMaps + "?watch=true&resourceVersion=" + middle);
  EXPECT_EQ(watch.next(), "ADDED b");
  Watch whole(server, kConfigMaps + "?watch=true&resourceVersion=" + start);
  EXPECT_EQ(whole.next(), "ADDED a");
  EXPECT_EQ(whole.next(), "ADDED b");
}

TEST_F(Api, WatchShowsObjectsThatEnterAndLeaveASelector) {
  const auto start = version_of(post(kConfigMaps, config_map("a")));
  Watch watch(server, kConfigMaps + "?watch=1&labelSelector=in%3Dyes&resourceVersion=" + start);
  merge(kConfigMaps + "/a", R"({"metadata":{"labels":{"in":"yes"}}})");
  EXPECT_EQ(watch.next(), "ADDED a");
  merge(kConfigMaps + "/a", R"({"data":{"k":"v"}})");
  EXPECT_EQ(watch.next(), "MODIFIED a");
  merge(kConfigMaps + "/a", R"({"metadata":{"labels":{"in":"no"}}})");
  EXPECT_EQ(watch.next(), "DELETED a");
  merge(kConfigMaps + "/a", R"({"metadata":{"labels":{"in":"yes"}}})");
  EXPECT_EQ(watch.next(), "ADDED a");
}

TEST_F(Api, WatchOfANodesPods) {
  Watch watch(server, "/api/v1/pods?watch=1&fieldSelector=spec.nodeName%3Dn1");
  post(kPods, pod("other", "n2"));
  post(kPods, pod("unbound"));
  post(kPods + "/unbound/binding", R"({"target":{"kind":"Node","name":"n1"}})");
  EXPECT_EQ(watch.next(), "ADDED unbound");
  post(kPods + "/unbound/binding", R"({"target":{"kind":"Node","name":"n1"}})", 409);
}

TEST_F(Api, WatchMarksTheEndOfTheInitialEvents) {
  post(kConfigMaps, config_map("a"));
  Watch watch(server, kConfigMaps +
                          "?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&"
                          "allowWatchBookmarks=true");
  EXPECT_EQ(watch.next(), "ADDED a");
  EXPECT_EQ(watch.next(), "BOOKMARK");
  EXPECT_EQ(
      watch.event.at("object").at("metadata").at("annotations").at("k8s.io/initial-events-end"),
      "true");
}

TEST_F(Api, WatchEndsAtItsTimeoutWithABookmark) {
  const auto start = version_of(get(kConfigMaps));
  Watch watch(
      server,
      kConfigMaps + "?watch=1&allowWatchBookmarks=true&timeoutSeconds=1&resourceVersion=" + start);
  post("/api/v1/namespaces", config_map("elsewhere"));
  const auto now = version_of(get(kConfigMaps));
  EXPECT_EQ(watch.next(), "BOOKMARK");
  EXPECT_EQ(watch.event.at("object").at("metadata").at("resourceVersion").as_string(), now);
  EXPECT_EQ(watch.next(), "");
}

TEST_F(Api, WatchOfATable) {
  Watch watch(server, kConfigMaps + "?watch=1",
              {{"Accept", "application/json;as=Table;v=v1;g=meta.k8s.io"}});
  const auto next = [&] {
    try {
      watch.next();
    } catch (const std::exception&) {  // a Table has no name
    }
    return watch.event.at("object");
  };
  post(kConfigMaps, config_map("a"));
  const auto first = next();
  EXPECT_EQ(first.at("kind"), "Table");
  EXPECT_TRUE(first.at("columnDefinitions").is_array());
  EXPECT_EQ(first.at("rows").at(0).at("cells").at(0), "a");
  post(kConfigMaps, config_map("b"));
  EXPECT_TRUE(next().at("columnDefinitions").is_null());
}

class ApiWithShortHistory : public Api {
 protected:
  ApiWithShortHistory() : Api({.path = ":memory:", .history = 4}) {}
};

TEST_F(ApiWithShortHistory, TellsThatAVersionIsTooOld) {
  const auto start = version_of(get(kConfigMaps));
  for (int i = 0; i < 8; ++i) post(kConfigMaps, config_map(fmt::format("c{}", i)));
  Watch watch(server, kConfigMaps + "?watch=1&resourceVersion=" + start);
  EXPECT_EQ(watch.head.status, 200);
  EXPECT_EQ(watch.next(), "ERROR 410");
  EXPECT_EQ(watch.next(), "");
  const auto page = get(kConfigMaps + "?limit=2");
  for (int i = 0; i < 8; ++i)
    merge(kConfigMaps + "/c1", fmt::format(R"({{"data":{{"k":"{}"}}}})", i));
  const std::string token(page.json().at("metadata").at("continue").as_string());
  const auto gone = get(kConfigMaps + "?limit=2&continue=" + token, 410);
  EXPECT_EQ(gone.json().at("reason"), "Expired");
  const std::string fresh(gone.json().at("metadata").at("continue").as_string());
  const auto rest = get(kConfigMaps + "?limit=2&continue=" + fresh);
  EXPECT_EQ(rest.json().at("items").at(0).at("metadata").at("name"), "c2");
}

TEST_F(Api, PagesShowOneMomentInTime) {
  for (const auto* name : {"a", "b", "c", "d"}) post(kConfigMaps, config_map(name));
  auto page = get(kConfigMaps + "?limit=3").json();
  EXPECT_EQ(page.at("items").as_array().size(), 3u);
  EXPECT_EQ(page.at("metadata").at("remainingItemCount"), 1);
  post(kConfigMaps, config_map("bb"));
  post(kConfigMaps, config_map("cc"));
  remove(kConfigMaps + "/d");
  const auto rest = get(kConfigMaps + "?limit=3&continue=" +
                        std::string(page.at("metadata").at("continue").as_string()))
                        .json();
  EXPECT_EQ(rest.at("items").as_array().size(), 1u);
  EXPECT_EQ(rest.at("items").at(0).at("metadata").at("name"), "d");
  EXPECT_EQ(rest.at("metadata").at("resourceVersion"), page.at("metadata").at("resourceVersion"));
}

TEST_F(Api, DryRunsChangeNothing) {
  post(kConfigMaps + "?dryRun=All", config_map("a"));
  get(kConfigMaps + "/a", 404);
  post(kConfigMaps, config_map("a"));
  const auto before = get(kConfigMaps + "/a").body;
  EXPECT_THAT(merge(kConfigMaps + "/a?dryRun=All", R"({"data":{"k":"v"}})").body,
              HasSubstr("\"k\""));
  remove(kConfigMaps + "/a?dryRun=All");
  EXPECT_EQ(get(kConfigMaps + "/a").body, before);
  post(kConfigMaps + "?dryRun=Some", config_map("b"), 400);
}

TEST_F(Api, UpdatesTakeTheVersionAsACondition) {
  auto object = post(kConfigMaps, config_map("a")).json();
  const auto stale = json::serialize(object);
  object.as_object()["data"] = {{"k", "1"}};
  expect("PUT", kConfigMaps + "/a", json::serialize(object), 200, "application/json");
  expect("PUT", kConfigMaps + "/a", stale, 409, "application/json");
  expect("PUT", kConfigMaps + "/a", config_map("a"), 200, "application/json");
  expect("PUT", kConfigMaps + "/a", config_map("b"), 400, "application/json");
  expect("PUT", kConfigMaps + "/none", config_map("none"), 404, "application/json");
}

TEST_F(Api, BodiesMayBeYaml) {
  const auto made =
      expect("POST", kConfigMaps,
             "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: from-yaml\ndata:\n  k: \"1\"\n",
             201, "application/yaml");
  EXPECT_EQ(made.json().at("data").at("k"), "1");
  const auto shown =
      server.request("GET", kConfigMaps + "/from-yaml", {}, {{"Accept", "application/yaml"}});
  EXPECT_EQ(shown.header("Content-Type"), "application/yaml");
  EXPECT_THAT(shown.body, HasSubstr("\nkind: ConfigMap\n"));
}

TEST_F(Api, BodiesMayBeProtobuf) {
  // The recorded bytes of namespace/11-create-protobuf.
  constexpr std::string_view kNamespace(
      "k8s\0\x0a\x0f\x0a\x02v1\x12\x09Namespace\x12\x0a\x0a\x08\x0a\x06rec-pb", 35);
  const std::string type = "application/vnd.kubernetes.protobuf";
  const auto made = expect("POST", "/api/v1/namespaces", kNamespace, 201, type);
  EXPECT_EQ(made.json().at("metadata").at("name"), "rec-pb");
  EXPECT_EQ(made.json().at("status").at("phase"), "Active");
  for (std::size_t size = 4; size < kNamespace.size(); ++size)
    EXPECT_GE(server
                  .request("POST", "/api/v1/namespaces", kNamespace.substr(0, size),
                           {{"Content-Type", type}})
                  .status,
              400)
        << "cut at " << size;
  std::string pod(kNamespace);
  pod.replace(pod.find("Namespace"), 9, "Podcastss");
  expect("POST", "/api/v1/namespaces", pod, 415, type);
}

TEST_F(Api, UnknownFieldsAreWarnedOfRefusedOrIgnored) {
  const std::string body = R"({"metadata":{"name":"a"},"bo\"gus":1})";
  const auto warned = post(kConfigMaps, body);
  EXPECT_THAT(warned.header("Warning"), HasSubstr("299 - \"unknown field"));
  EXPECT_EQ(warned.json().as_object().if_contains("bo\"gus"), nullptr);
  const auto refused = post(kConfigMaps + "?fieldValidation=Strict", body, 400);
  EXPECT_THAT(refused.body, HasSubstr("strict decoding error"));
  remove(kConfigMaps + "/a");
  EXPECT_EQ(post(kConfigMaps + "?fieldValidation=Ignore", body).header("Warning"), "");
}

TEST_F(Api, BoundPodsGetTimeToEnd) {
  Watch watch(server, kPods + "?watch=1");
  post(kPods, pod("bound", "n1"));
  EXPECT_EQ(watch.next(), "ADDED bound");
  const auto first = remove(kPods + "/bound").json();
  EXPECT_EQ(first.at("metadata").at("deletionGracePeriodSeconds"), 30);
  EXPECT_TRUE(first.at("metadata").at("deletionTimestamp").is_string());
  EXPECT_EQ(watch.next(), "MODIFIED bound");
  remove(kPods + "/bound", R"({"gracePeriodSeconds":5})");
  EXPECT_EQ(watch.next(), "MODIFIED bound");
  remove(kPods + "/bound", R"({"gracePeriodSeconds":60})");
  remove(kPods + "/bound", R"({"gracePeriodSeconds":0})");
  EXPECT_EQ(watch.next(), "MODIFIED bound");
  EXPECT_EQ(watch.event.at("object").at("metadata").at("deletionGracePeriodSeconds"), 0);
  EXPECT_EQ(watch.next(), "DELETED bound");
  get(kPods + "/bound", 404);
  post(kPods, pod("unbound"));
  remove(kPods + "/unbound");
  get(kPods + "/unbound", 404);
}

TEST_F(Api, FinalizersHoldADeletionBack) {
  post(kConfigMaps, R"({"metadata":{"name":"a","finalizers":["example.com/x"]}})");
  const auto marked = remove(kConfigMaps + "/a").json();
  EXPECT_EQ(marked.at("kind"), "ConfigMap");
  EXPECT_TRUE(marked.at("metadata").at("deletionTimestamp").is_string());
  merge(kConfigMaps + "/a", R"({"data":{"still":"here"}})");
  merge(kConfigMaps + "/a", R"({"metadata":{"finalizers":null}})");
  get(kConfigMaps + "/a", 404);
}

TEST_F(Api, DeletingANamespaceDeletesItsContentFirst) {
  post("/api/v1/namespaces", config_map("prod"));
  post("/api/v1/namespaces/prod/configmaps", config_map("a"));
  post("/api/v1/namespaces/prod/pods", pod("running", "n1"));
  Watch watch(server, "/api/v1/namespaces?watch=1&fieldSelector=metadata.name%3Dprod");
  EXPECT_EQ(watch.next(), "ADDED prod");
  const auto marked = remove("/api/v1/namespaces/prod").json();
  EXPECT_EQ(marked.at("status").at("phase"), "Terminating");
  EXPECT_EQ(watch.next(), "MODIFIED prod");
  const auto refused = post("/api/v1/namespaces/prod/configmaps", config_map("b"), 403);
  EXPECT_THAT(refused.body, HasSubstr("because it is being terminated"));
  // The Pod's kubelet has the last word.
  const auto pods = get("/api/v1/namespaces/prod/pods").json();
  ASSERT_EQ(pods.at("items").as_array().size(), 1u);
  EXPECT_TRUE(pods.at("items").at(0).at("metadata").at("deletionTimestamp").is_string());
  EXPECT_EQ(get("/api/v1/namespaces/prod/configmaps").json().at("items").as_array().size(), 0u);
  remove("/api/v1/namespaces/prod/pods/running", R"({"gracePeriodSeconds":0})");
  EXPECT_EQ(watch.next(), "DELETED prod");
  get("/api/v1/namespaces/prod", 404);
  remove("/api/v1/namespaces/default", {}, 403);
}

TEST_F(Api, DeletesCollectionsBySelector) {
  post(kConfigMaps, config_map("a", R"({"x":"1"})"));
  post(kConfigMaps, config_map("b", R"({"x":"2"})"));
  const auto deleted = remove(kConfigMaps + "?labelSelector=x%3D1").json();
  EXPECT_EQ(deleted.at("kind"), "ConfigMapList");
  ASSERT_EQ(deleted.at("items").as_array().size(), 1u);
  get(kConfigMaps + "/a", 404);
  get(kConfigMaps + "/b");
}

TEST_F(Api, StatusAndSpecAreWrittenApart) {
  post(kPods, pod("a", "n1"));
  const auto path = kPods + "/a";
  merge(path + "/status", R"({"status":{"phase":"Running"},"spec":{"nodeName":"x"}})");
  merge(path, R"({"status":{"phase":"Failed"},"metadata":{"labels":{"l":"1"}}})");
  const auto pod = get(path).json();
  EXPECT_EQ(pod.at("status").at("phase"), "Running");
  EXPECT_EQ(pod.at("spec").at("nodeName"), "n1");
  EXPECT_EQ(pod.at("metadata").at("labels").at("l"), "1");
}

TEST_F(Api, GenerationsCountChangesOfTheSpec) {
  const std::string policies = "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies";
  post(policies, R"({"metadata":{"name":"p"},"spec":{"podSelector":{}}})");
  const auto generation = [&] {
    return get(policies + "/p").json().at("metadata").at("generation");
  };
  EXPECT_EQ(generation(), 1);
  merge(policies + "/p", R"({"metadata":{"labels":{"a":"b"}}})");
  EXPECT_EQ(generation(), 1);
  const auto version = version_of(get(policies + "/p"));
  merge(policies + "/p", R"({"metadata":{"labels":{"a":"b"}}})");
  EXPECT_EQ(version_of(get(policies + "/p")), version) << "written without need";
  merge(policies + "/p", R"({"spec":{"policyTypes":["Egress"]}})");
  EXPECT_EQ(generation(), 2);
}

TEST_F(Api, WaitsForAVersionThatComes) {
  const auto now = std::stoull(version_of(get(kConfigMaps)));
  Client client(server.address());
  client.send("GET", fmt::format("{}?resourceVersion={}", kConfigMaps, now + 1));
  post(kConfigMaps, config_map("a"));
  EXPECT_EQ(client.receive().status, 200);
}

TEST_F(Api, AnswersForMountedComponents) {
  get("/apis");  // what was told before does not stay
  ResourceType listed;
  listed.group = "controlplane.antrea.io";
  listed.version = "v1beta2";
  listed.kind = "NetworkPolicy";
  listed.plural = "networkpolicies";
  listed.namespaced = false;
  listed.verbs = {"get"};
  server.loop.run([&] {
    server.api->mount("/apis/controlplane.antrea.io/v1beta2",
                      [](HttpRequest request, HttpExchange exchange) {
                        exchange.respond(HttpResponse::text(200, "mounted " + request.path));
                      },
                      {listed});
  });
  EXPECT_EQ(get("/apis/controlplane.antrea.io/v1beta2/networkpolicies").body,
            "mounted /apis/controlplane.antrea.io/v1beta2/networkpolicies");
  get("/apis/controlplane.antrea.io/v1beta22", 404);
  EXPECT_THAT(get("/apis").body, testing::HasSubstr(R"("name":"controlplane.antrea.io")"));
  const auto aggregated = server.request(
      "GET", "/apis", "",
      {{"Accept", "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList"}});
  EXPECT_THAT(aggregated.body, testing::HasSubstr(R"("metadata":{"creationTimestamp":null,)"
                                                  R"("name":"controlplane.antrea.io"})"));
  EXPECT_THAT(aggregated.body, testing::HasSubstr(R"("resource":"networkpolicies",)"
                                                  R"("responseKind":{"group":"controlplane.an)"));
}

TEST_F(Api, ServesControllersInTheSameProcess) {
  auto& api = *server.api;
  const auto* type = server.types.find("", "v1", "configmaps");
  const ObjectPath all{type, "default", {}, {}}, one{type, "default", "a", {}};
  std::vector<std::string> events;
  std::unique_ptr<ApiServer::Watch> watch;
  server.loop.run([&] {
    ASSERT_TRUE(api.post(all, json::parse(config_map("a")).as_object()));
    auto started = api.watch(all, [&](ApiWatchEvent event) {
      const auto* metadata = event.object.if_contains("metadata");
      events.push_back(fmt::format("{} {}", static_cast<int>(event.type),
                                   metadata ? metadata->at("name").as_string().c_str() : "-"));
    });
    ASSERT_TRUE(started);
    watch = *std::move(started);
    EXPECT_TRUE(events.empty()) << "called from inside watch()";
    const auto patched = api.patch(one, PatchType::kMerge, json::parse(R"({"data":{"k":"v"}})"));
    ASSERT_TRUE(patched);
    EXPECT_EQ(patched->at("kind"), "ConfigMap");
    EXPECT_TRUE(events.empty()) << "called from inside a write";
    EXPECT_EQ(api.post(all, json::parse(config_map("a")).as_object()).error().code,
              Errc::kAlreadyExists);
    EXPECT_EQ(api.list(all, "x=y")->size(), 0u);
    EXPECT_EQ(api.list(all)->size(), 1u);
    EXPECT_TRUE(api.remove(one));
    EXPECT_EQ(api.get(one).error().code, Errc::kNotFound);
  });
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (server.loop.run([&] { return events.size(); }) < 4 &&
         std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  server.loop.run([&] { watch.reset(); });
  EXPECT_THAT(events, ElementsAre("0 a", "3 -", "1 a", "2 a"));
}

TEST_F(Api, AWatchMayEndFromInsideItsCallback) {
  auto& api = *server.api;
  const ObjectPath all{server.types.find("", "v1", "configmaps"), "default", {}, {}};
  std::unique_ptr<ApiServer::Watch> watch;
  std::promise<std::string> told;
  int calls = 0;
  server.loop.run([&] {
    for (const auto* name : {"a", "b"})
      ASSERT_TRUE(api.post(all, json::parse(config_map(name)).as_object()));
    watch = *api.watch(all, [&, mark = std::string(100, 'm')](ApiWatchEvent) {
      ++calls;
      watch.reset();
      told.set_value(mark);
    });
  });
  EXPECT_EQ(told.get_future().get(), std::string(100, 'm'));
  post(kConfigMaps, config_map("c"));
  EXPECT_EQ(server.loop.run([&] { return calls; }), 1);
}

TEST_F(Api, AdmittersCompleteAndRefuse) {
  server.loop.run([&] {
    server.api->admit(*server.types.find("", "v1", "configmaps"),
                      [](json::object& object, const json::object*) {
                        std::vector<FieldError> errors;
                        if (object.contains("data"))
                          errors.push_back({"FieldValueForbidden", "data", "Forbidden: no data"});
                        object["immutable"] = false;
                        return errors;
                      });
  });
  EXPECT_EQ(post(kConfigMaps, config_map("a")).json().at("immutable"), false);
  const auto refused = merge(kConfigMaps + "/a", R"({"data":{"k":"v"}})", 422);
  EXPECT_EQ(refused.json().at("message"), "ConfigMap \"a\" is invalid: data: Forbidden: no data");
}

TEST_F(Api, RemovalsCanBeRefused) {
  post(kConfigMaps, config_map("a"));
  bool refuse = true;
  server.loop.run([&] {
    server.api->admit_removal(*server.types.find("", "v1", "configmaps"),
                              [&](const json::object& object) {
                                EXPECT_EQ(object.at("metadata").at("name"), "a");
                                return refuse ? std::string("found a use of it") : std::string();
                              });
  });
  const auto refused = server.request("DELETE", kConfigMaps + "/a", "");
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.json().at("message"), "configmaps \"a\" is forbidden: found a use of it");
  get(kConfigMaps + "/a", 200);
  server.loop.run([&] { refuse = false; });
  EXPECT_EQ(server.request("DELETE", kConfigMaps + "/a", "").status, 200);
}

TEST_F(Api, SurvivesNonsense) {
  const std::string deep(5000, '[');
  for (const std::string& body :
       {std::string("[]"), std::string("1"), deep, std::string("{\"metadata\":7}"),
        std::string("{\"metadata\":{\"name\":{}}}"), std::string("\xff\xfe")})
    EXPECT_GE(
        server.request("POST", kConfigMaps, body, {{"Content-Type", "application/json"}}).status,
        400)
        << body.substr(0, 40);
  get("/api/v1/namespaces/default/pods/a/b/c/d", 404);
  get("/api/v1//pods/", 200);
  get("/apis", 200);
  get("/apis/", 200);
  get("/nothing", 404);
}

}  // namespace
}  // namespace antrea::kube
