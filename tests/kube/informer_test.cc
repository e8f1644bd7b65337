#include "antrea/kube/informer.h"

#include <gmock/gmock.h>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/serialize.hpp>

#include "antrea/base/asio.h"
#include "tests/kube/running.h"

namespace antrea::kube {
namespace {

namespace asio = boost::asio;
using boost::json::object;
using testing::ElementsAre;

/// A small API server in memory: objects, a history of events, and faults at chosen operations.
class ScriptedServer final : public ApiTransport {
 public:
  explicit ScriptedServer(asio::any_io_executor executor) : changed_(std::move(executor)) {}

  void put(const std::string& name) {
    const bool known = objects_.contains(name);
    objects_[name] = ++version_;
    events_.push_back({version_, known ? "MODIFIED" : "ADDED", name});
    changed_.notify();
  }
  void remove(const std::string& name) {
    objects_.erase(name);
    events_.push_back({++version_, "DELETED", name});
    changed_.notify();
  }
  /// Forgets its history: watches from before are too old.
  void compact() {
    oldest_ = version_;
    events_.clear();
  }
  void end_watches() {
    ++epoch_;
    changed_.notify();
  }

  /// The operation (counted from 1 over lists, watches and their events) that fails; 0: none.
  int fail_at = 0;
  int operations = 0, lists = 0, watches = 0;
  std::vector<std::string> listed;  ///< what was asked for
  std::size_t page_size = 2;

  asio::awaitable<Result<ApiResponse>> send(ApiRequest request) override {
    ++lists;
    listed.push_back(request.target);
    if (fails()) co_return make_error(Errc::kUnavailable, "scripted");
    co_return page(request.target);
  }

  asio::awaitable<Result<>> stream(ApiRequest request, StreamSink sink, Duration) override {
    ++watches;
    if (fails()) co_return make_error(Errc::kUnavailable, "scripted");
    const auto at = request.target.find("resourceVersion=");
    auto from = std::stoull(request.target.substr(at + 16));
    if (from < oldest_) {
      ANTREA_CO_CHECK(
          sink(R"({"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}})"
               "\n"));
    }
    const auto epoch = epoch_;
    while (epoch == epoch_) {
      for (const auto& event : std::vector(events_)) {
        if (event.version <= from) continue;
        if (fails()) co_return make_error(Errc::kUnavailable, "scripted");
        ANTREA_CO_CHECK(sink(line(event.type, make(event.name, event.version))));
        from = event.version;
      }
      co_await changed_.wait();
      if (co_await is_cancelled()) co_return make_error(Errc::kCancelled, "stopped");
    }
    co_return Result<>{};
  }

  const std::map<std::string, std::uint64_t>& objects() const { return objects_; }

 private:
  // No coroutines: gcc 12 destroys the temporaries of an initializer list twice in those.
  Result<ApiResponse> page(const std::string& target) {
    boost::json::array items;
    const auto at = target.find("continue=");
    const auto after = at == std::string::npos ? "" : target.substr(at + 9);
    std::string next;
    for (const auto& [name, version] : objects_) {
      if (name <= after) continue;
      if (items.size() == page_size) {
        next = last_;
        break;
      }
      items.push_back(make(name, version));
      last_ = name;
    }
    const object list{
        {"kind", "PodList"},
        {"apiVersion", "v1"},
        {"metadata", object{{"resourceVersion", std::to_string(version_)}, {"continue", next}}},
        {"items", items}};
    return ApiResponse{200, "application/json", boost::json::serialize(list)};
  }
  static std::string line(const std::string& type, object inner) {
    return boost::json::serialize(object{{"type", type}, {"object", std::move(inner)}}) + "\n";
  }

  struct Event {
    std::uint64_t version;
    std::string type, name;
  };
  static object make(const std::string& name, std::uint64_t version) {
    return {{"metadata",
             object{{"name", name}, {"uid", name}, {"resourceVersion", std::to_string(version)}}}};
  }
  bool fails() { return ++operations == fail_at; }

  Signal changed_;
  std::map<std::string, std::uint64_t> objects_;
  std::vector<Event> events_;
  std::string last_;
  std::uint64_t version_ = 100, oldest_ = 0;
  int epoch_ = 0;
};

class InformerTest : public Running {
 protected:
  InformerTest() : server(io.get_executor()) {
    options.path = "/api/v1/pods";
    options.first_backoff = options.max_backoff = std::chrono::milliseconds(1);
  }

  void start() {
    informer = std::make_unique<Informer>(
        server, options,
        [this](std::span<const Change> changes) {
          for (const auto& change : changes) {
            const std::string name(change.object->at("metadata").at("name").as_string());
            // Each change fits what was told before: no second addition, no spurious deletion.
            EXPECT_EQ(change.type != Change::Type::kAdded, told.contains(name)) << name;
            if (change.type == Change::Type::kDeleted)
              told.erase(name);
            else
              told[name] = std::stoull(
                  std::string(change.object->at("metadata").at("resourceVersion").as_string()));
          }
        },
        [this] { ++synced; });
    run(informer->run());
  }

  ScriptedServer server;
  InformerOptions options;
  std::unique_ptr<Informer> informer;
  std::map<std::string, std::uint64_t> told;
  int synced = 0;
};

TEST_F(InformerTest, ListsInPagesThenFollows) {
  for (const auto* name : {"a", "b", "c", "d", "e"}) server.put(name);
  start();
  run_until([&] { return synced == 1 && server.watches == 1; });
  EXPECT_EQ(server.lists, 3);
  EXPECT_EQ(told, server.objects());
  // antrea #1045: served from memory, where a list of the newest would be read from etcd.
  EXPECT_NE(server.listed[0].find("resourceVersion=0"), std::string::npos);
  EXPECT_EQ(server.listed[1].find("resourceVersion"), std::string::npos) << "refused there";
  server.put("f");
  server.put("a");
  server.remove("b");
  run_until([&] { return told == server.objects(); });
  EXPECT_TRUE(informer->connected());
  EXPECT_EQ(informer->cache().size(), 5U);
}

TEST_F(InformerTest, SaysSyncedOfAnEmptyCollection) {
  start();
  run_until([&] { return synced == 1; });
  EXPECT_TRUE(told.empty());
}

TEST_F(InformerTest, ResumesAWatchThatEndedWithoutListing) {
  server.put("a");
  start();
  run_until([&] { return server.watches == 1; });
  server.put("b");
  run_until([&] { return told == server.objects(); });
  server.end_watches();
  server.remove("a");
  run_until([&] { return server.watches >= 2 && told == server.objects(); });
  EXPECT_EQ(server.lists, 1);
}

TEST_F(InformerTest, ListsAgainWhenItsVersionIsTooOld) {
  server.put("a");
  server.put("b");
  start();
  run_until([&] { return server.watches == 1; });
  server.end_watches();
  server.remove("a");
  server.put("c");
  server.compact();
  run_until([&] { return told == server.objects(); });
  EXPECT_GE(server.lists, 2);
  EXPECT_EQ(server.listed.back().find("resourceVersion"), std::string::npos)
      << "what is at hand may be older than what is known";
  EXPECT_EQ(synced, 1);
}

TEST_F(InformerTest, SurvivesAFaultAtEachOperation) {
  for (int operation = 1; operation <= 9; ++operation) {
    SCOPED_TRACE(operation);
    ScriptedServer flaky(io.get_executor());
    flaky.fail_at = operation;
    for (const auto* name : {"a", "b", "c"}) flaky.put(name);
    std::map<std::string, std::uint64_t> seen;
    Informer other(flaky, options, [&](std::span<const Change> changes) {
      for (const auto& change : changes) {
        const std::string name(change.object->at("metadata").at("name").as_string());
        if (change.type == Change::Type::kDeleted)
          seen.erase(name);
        else
          seen[name] = std::stoull(
              std::string(change.object->at("metadata").at("resourceVersion").as_string()));
      }
    });
    run(other.run());
    run_until([&] { return seen == flaky.objects() && flaky.watches > 0; });
    flaky.put("d");
    flaky.remove("b");
    flaky.end_watches();
    flaky.put("a");
    run_until([&] { return seen == flaky.objects(); });
    stop();
  }
}

}  // namespace
}  // namespace antrea::kube
