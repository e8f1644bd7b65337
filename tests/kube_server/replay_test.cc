#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>

#include "test_server.h"

// Sends what was once sent to a kube-apiserver 1.26 (recordings/) and compares the answers: status,
// reason, message and content. What differs from run to run (uids, versions, times) is matched up:
// the server's own value takes the place of the recorded one in the requests that follow.
namespace antrea::kube {
namespace {
namespace json = boost::json;
namespace fs = std::filesystem;
using test::TestServer;

const fs::path kRecordings = fs::path(ANTREA_SOURCE_DIR) / "tests/kube_server/recordings";

struct Exchange {
  std::string name, method, target, body;
  HttpFields headers;
  int status = 0;
  HttpFields answer_headers;
  std::string answer;  ///< of a watch: all that came
};

Exchange load(const fs::path& path) {
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const json::value recorded = json::parse(text);
  const auto& request = recorded.at("request");
  const auto& response = recorded.at("response");
  Exchange exchange;
  exchange.name = path.parent_path().filename().string() + "/" + path.stem().string();
  exchange.method = request.at("method").as_string();
  exchange.target = request.at("path").as_string();
  if (const auto* body = request.as_object().if_contains("body"); body && body->is_string())
    exchange.body = body->as_string();
  for (const auto& [name, value] : request.at("headers").as_object())
    exchange.headers.emplace_back(name, value.as_string());
  exchange.status = static_cast<int>(response.at("status").as_int64());
  for (const auto& field : response.at("headers").as_array())
    exchange.answer_headers.emplace_back(field.at(0).as_string(), field.at(1).as_string());
  if (const auto* body = response.as_object().if_contains("body"); body && body->is_string())
    exchange.answer = body->as_string();
  if (const auto* chunks = response.as_object().if_contains("chunks"))
    for (const auto& chunk : chunks->as_array())
      if (const auto* data = chunk.as_object().if_contains("data"))
        exchange.answer += data->as_string();
  return exchange;
}

std::vector<Exchange> load_folder(std::string_view folder) {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(kRecordings / folder)) paths.push_back(entry);
  std::ranges::sort(paths);
  std::vector<Exchange> exchanges;
  for (const auto& path : paths) exchanges.push_back(load(path));
  return exchanges;
}

/// What a cluster's admission adds: the token of a Pod's ServiceAccount, taints of Nodes. What docs
/// and hashes say is free.
const std::set<std::string, std::less<>> kIgnored{
    "managedFields", "volumes", "volumeMounts", "taints", "description", "storageVersionHash"};
const std::regex kTime(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z)");
const std::regex kUid("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}");

class Replay {
 public:
  explicit Replay(const TestServer& server) : server_(server) {}

  void run(const Exchange& exchange) {
    SCOPED_TRACE(exchange.name + ": " + exchange.method + " " + exchange.target);
    const auto answer =
        server_.request(exchange.method, substitute(exchange.target),
                        without_admission(substitute(exchange.body)), exchange.headers);
    EXPECT_EQ(answer.status, exchange.status) << answer.body;
    for (const auto& [name, value] : exchange.answer_headers)
      EXPECT_EQ(answer.header(name), value) << name;
    boost::system::error_code ours_bad, recorded_bad;
    const json::value ours = json::parse(answer.body, ours_bad);
    const json::value recorded = json::parse(exchange.answer, recorded_bad);
    if (recorded_bad || ours_bad) {
      EXPECT_EQ(substitute(exchange.answer), answer.body);
      return;
    }
    learn(recorded, ours);
    std::string differences;
    compare("", normal(recorded), normal(ours), differences);
    EXPECT_EQ(differences, "");
  }

 private:
  /// Pairs of a recorded and an own value that stand at the same place.
  void learn(const json::value& recorded, const json::value& ours) {
    if (recorded.is_object() && ours.is_object()) {
      for (const auto& [key, value] : recorded.get_object()) {
        const auto* own = ours.get_object().if_contains(key);
        if (!own) continue;
        const bool varies =
            key == "uid" || key == "resourceVersion" || key == "continue" || key == "clusterIP";
        if (varies && value.is_string() && own->is_string())
          known_[std::string(value.get_string())] = own->get_string();
        learn(value, *own);
      }
    } else if (recorded.is_array() && ours.is_array()) {
      const auto& list = ours.get_array();
      for (std::size_t i = 0; i < std::min(list.size(), recorded.get_array().size()); ++i)
        learn(recorded.get_array()[i], list[i]);
    }
  }

  /// A Pod's spec as it was before a cluster's admission added to it.
  static std::string without_admission(const std::string& body) {
    boost::system::error_code code;
    json::value value = json::parse(body, code);
    auto* spec = code || !value.is_object() ? nullptr : value.get_object().if_contains("spec");
    if (!spec || !spec->is_object() || !spec->get_object().contains("containers")) return body;
    for (const auto& key : kIgnored) spec->get_object().erase(key);
    for (auto& container : spec->at("containers").as_array())
      for (const auto& key : kIgnored) container.as_object().erase(key);
    return json::serialize(value);
  }

  /// One line for each place where they differ.
  static void compare(const std::string& at, const json::value& recorded, const json::value& ours,
                      std::string& differences) {
    if (recorded.is_object() && ours.is_object()) {
      for (const auto& [key, value] : recorded.get_object()) {
        const auto* own = ours.get_object().if_contains(key);
        compare(at + "." + std::string(key), value, own ? *own : json::value("(absent)"),
                differences);
      }
      for (const auto& [key, value] : ours.get_object())
        if (!recorded.get_object().contains(key))
          compare(at + "." + std::string(key), "(absent)", value, differences);
    } else if (recorded.is_array() && ours.is_array() &&
               recorded.get_array().size() == ours.get_array().size()) {
      for (std::size_t i = 0; i < ours.get_array().size(); ++i)
        compare(at + "[" + std::to_string(i) + "]", recorded.get_array()[i], ours.get_array()[i],
                differences);
    } else if (recorded != ours) {
      differences +=
          at + ": recorded " + json::serialize(recorded) + ", got " + json::serialize(ours) + "\n";
    }
  }

  std::string substitute(std::string text) const {
    for (const auto& [recorded, own] : known_)
      for (auto at = text.find(recorded); at != text.npos;
           at = text.find(recorded, at + own.size())) {
        const auto end = at + recorded.size();
        const auto digit = [&](std::size_t i) { return i < text.size() && std::isdigit(text[i]); };
        if ((at > 0 && digit(at - 1)) || digit(end)) {
          at = end - own.size();
          continue;
        }
        text.replace(at, recorded.size(), own);
      }
    return text;
  }

  /// Without what varies, members sorted.
  json::value normal(const json::value& value, std::string_view key = {}) const {
    if (const auto* object = value.if_object()) {
      std::map<std::string, json::value> sorted;
      for (const auto& [name, member] : *object) {
        const bool empty = member.is_null() || (member.is_array() && member.get_array().empty());
        if (kIgnored.contains(std::string_view(name)) || empty) continue;
        const bool random = name == "name" && object->contains("generateName");
        const bool group = name == "group" && member == "extensions";
        sorted[name] = random  ? json::value("RANDOM")
                       : group ? json::value("networking.k8s.io")
                               : normal(member, name);
      }
      json::object result;
      for (auto& [name, member] : sorted) result[name] = std::move(member);
      return result;
    }
    if (const auto* array = value.if_array()) {
      json::array result;
      for (const auto& element : *array) result.push_back(normal(element, key));
      return result;
    }
    if (!value.is_string()) return value;
    if (key == "uid" || key == "resourceVersion" || key == "continue") return "*";
    std::string text(value.get_string());
    text = std::regex_replace(text, kUid, "UID");
    if (key == "message") text = without_detail(text);
    return json::value(std::regex_replace(text, kTime, "TIME"));
  }

  /// What libraries say about bad bytes, a dump of Go values, and versions differ; so do the
  /// formats that are offered.
  static std::string without_detail(std::string text) {
    for (const std::string_view end :
         {"json parse error", "continue key is not valid", "\n", "media types", "Not Acceptable"})
      if (const auto at = text.find(end); at != text.npos) text.resize(at);
    if (text == "406: " || text == "only the following ") return "";
    text = std::regex_replace(text, std::regex(R"(current: \d+|\(\d+\))"), "VERSION");
    // The API server 1.26 still calls the group of NetworkPolicies by its first name here.
    return std::regex_replace(text, std::regex("NetworkPolicy.extensions"),
                              "NetworkPolicy.networking.k8s.io");
  }

  const TestServer& server_;
  std::map<std::string, std::string> known_;
};

ApiServerOptions with_token() {
  ApiServerOptions options;
  options.user_of_token = [](std::string_view token) { return token == "good" ? "admin" : ""; };
  return options;
}

/// A server as that of the recordings was: without controllers, at a later version; and at a
/// standstill of time.
class Recorded : public testing::Test {
 protected:
  static StoreOptions store_options() {
    StoreOptions options;
    options.first_version = 45'000;
    return options;
  }
  static ApiServerOptions api_options() {
    ApiServerOptions options;
    options.finish_namespaces = false;
    options.now = [start = std::chrono::system_clock::now()] { return start; };
    return options;
  }
  Recorded() { make(server, "/api/v1/namespaces", "rec-demo"); }

  void replay_folder(std::string_view folder, const std::set<std::string>& left_out = {}) {
    Replay replay(server);
    for (const auto& exchange : load_folder(folder))
      if (!left_out.contains(exchange.name)) replay.run(exchange);
  }
  static void make(const TestServer& server, const std::string& target, std::string_view name) {
    const auto made = server.request("POST", target,
                                     json::serialize(json::object{{"metadata", {{"name", name}}}}),
                                     {{"Content-Type", "application/json"}});
    ASSERT_EQ(made.status, 201) << made.body;
  }

  TestServer server{store_options(), api_options()};
};

TEST_F(Recorded, Namespaces) { replay_folder("namespace"); }
TEST_F(Recorded, Nodes) {
  const auto made = server.request(
      "POST", "/api/v1/nodes",
      R"({"metadata":{"name":"rec-node-2","labels":{"rec":"1","kubernetes.io/hostname":"rec-node-2"}},
          "spec":{"podCIDR":"10.10.2.0/24"}})",
      {{"Content-Type", "application/json"}});
  ASSERT_EQ(made.status, 201) << made.body;
  replay_folder("node");
}
TEST_F(Recorded, Pods) {
  // Its watch cache was behind.
  replay_folder("pod", {"pod/24-list-cache"});
}
TEST_F(Recorded, NetworkPolicies) { replay_folder("networkpolicy"); }
TEST_F(Recorded, EndpointSlices) { replay_folder("endpointslice"); }
TEST_F(Recorded, Services) {
  server.loop.run([&] {
    server.api->admit(*server.types.find("", "v1", "services"),
                      [](json::object& service, const json::object* old) {
                        auto& spec = service["spec"].as_object();
                        if (!old && !spec.contains("clusterIP")) {
                          spec["clusterIP"] = "10.96.192.213";
                          spec["clusterIPs"] = json::array{"10.96.192.213"};
                        }
                        return std::vector<FieldError>{};
                      });
  });
  replay_folder("service");
}
TEST_F(Recorded, Miscellany) { replay_folder("misc"); }
TEST_F(Recorded, Watches) { replay_folder("watch"); }
TEST_F(Recorded, Discovery) { replay_folder("discovery"); }

TEST(RecordedWithToken, Unauthenticated) {
  const TestServer server({}, with_token());
  Replay replay(server);
  for (const auto& exchange : load_folder("auth")) replay.run(exchange);
}

}  // namespace
}  // namespace antrea::kube
