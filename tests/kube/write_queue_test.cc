#include "antrea/kube/write_queue.h"

#include <boost/json/parse.hpp>
#include <set>
#include <vector>

#include "tests/kube/running.h"

namespace antrea::kube {
namespace {

namespace asio = boost::asio;
using boost::json::object;

/// Objects that remember the last patch, and faults at chosen requests.
class Objects final : public ApiTransport {
 public:
  asio::awaitable<Result<ApiResponse>> send(ApiRequest request) override {
    ++requests;
    if (during) std::exchange(during, nullptr)();
    const bool creation = request.method == "POST";
    if (!creation) {
      EXPECT_EQ(request.method, "PATCH");
      EXPECT_EQ(request.content_type, "application/merge-patch+json");
    }
    if (requests == fail_at) co_return make_error(Errc::kUnavailable, "scripted");
    if (absent.contains(request.target)) co_return ApiResponse{404, "application/json", "{}"};
    if (refused.contains(request.target)) co_return ApiResponse{422, "application/json", "{}"};
    auto body = boost::json::parse(request.body).as_object();
    if (creation)
      created.push_back(static_cast<int>(body.at("value").as_int64()));
    else
      patches[request.target] = std::move(body);
    co_return ApiResponse{200, "application/json", "{}"};
  }
  asio::awaitable<Result<>> stream(ApiRequest, StreamSink, Duration) override {
    co_return make_error(Errc::kUnsupported, "not scripted");
  }

  int fail_at = 0, requests = 0;
  std::set<std::string> absent, refused;
  std::function<void()> during;
  std::map<std::string, object> patches;
  std::vector<int> created;
};

class WriteQueueTest : public Running {
 protected:
  WriteQueueTest() { run(queue.run()); }
  static object patch(int value) { return {{"value", value}}; }

  Objects objects;
  WriteQueue queue{io.get_executor(), objects, null_logger(), std::chrono::milliseconds(1)};
};

TEST_F(WriteQueueTest, WhicheverRequestFailsIsRepeated) {
  for (int fail_at = 0; fail_at <= 4; ++fail_at) {
    objects.patches.clear();
    objects.requests = 0;
    objects.fail_at = fail_at;
    for (int i = 1; i <= 3; ++i) queue.patch("/" + std::to_string(i), patch(i));
    run_until([&] { return queue.size() == 0; });
    EXPECT_EQ(objects.patches, (std::map<std::string, object>{
                                   {"/1", patch(1)}, {"/2", patch(2)}, {"/3", patch(3)}}));
    EXPECT_EQ(objects.requests, fail_at >= 1 && fail_at <= 3 ? 4 : 3);
  }
}

TEST_F(WriteQueueTest, WhatIsWantedLastIsWritten) {
  objects.during = [&] { queue.patch("/1", patch(2)); };  // while the first is under way
  queue.patch("/1", patch(1));
  run_until([&] { return queue.size() == 0; });
  EXPECT_EQ(objects.patches["/1"], patch(2));
  EXPECT_EQ(objects.requests, 2);
  // Back to what is under way: once more, as nobody knows which of them came last.
  queue.patch("/1", patch(3));
  queue.drop("/1");
  queue.patch("/2", patch(4));
  run_until([&] { return queue.size() == 0; });
  EXPECT_EQ(objects.patches["/1"], patch(2));
}

TEST_F(WriteQueueTest, NobodyWaitsForAnotherObject) {
  objects.absent = {"/gone"};
  objects.refused = {"/bad"};
  queue.patch("/bad", patch(1));
  queue.patch("/gone", patch(1));
  queue.patch("/well", patch(1));
  run_until([&] { return objects.patches.contains("/well") && queue.size() == 1; });
  const int before = objects.requests;
  run_until([&] { return objects.requests > before + 1; });  // it goes on trying
  objects.refused.clear();
  run_until([&] { return queue.size() == 0; });
  EXPECT_TRUE(objects.patches.contains("/bad"));
}

TEST_F(WriteQueueTest, WhatIsMadeIsMadeOnceAndInOrder) {
  for (int i = 1; i <= 3; ++i) queue.create("/events", patch(i));
  queue.patch("/1", patch(4));
  run_until([&] { return queue.size() == 0; });
  EXPECT_EQ(objects.created, (std::vector{1, 2, 3}));
  EXPECT_EQ(objects.patches.size(), 1U);
}

TEST_F(WriteQueueTest, WhatIsMadeIsRepeatedWhileNobodyAnswersAndGivenUpWhenRefused) {
  for (int fail_at = 1; fail_at <= 2; ++fail_at) {
    objects.created.clear();
    objects.requests = 0;
    objects.fail_at = fail_at;
    queue.create("/events", patch(1));
    queue.create("/events", patch(2));
    run_until([&] { return queue.size() == 0; });
    EXPECT_EQ(std::set(objects.created.begin(), objects.created.end()), (std::set{1, 2}));
    EXPECT_EQ(objects.created.size(), 2U);
  }
  objects.refused = {"/events"};
  const int before = objects.requests;
  queue.create("/events", patch(3));
  run_until([&] { return queue.size() == 0; });
  EXPECT_EQ(objects.requests, before + 1);
}

TEST_F(WriteQueueTest, OfTooMuchThatIsToBeMadeTheOldestIsGivenUp) {
  for (int i = 0; i < 1005; ++i) queue.create("/events", patch(i));
  EXPECT_EQ(queue.size(), WriteQueue::kMostCreations);
  run_until([&] { return queue.size() == 0; });
  EXPECT_EQ(objects.created.front(), 5);
  EXPECT_EQ(objects.created.back(), 1004);
}

}  // namespace
}  // namespace antrea::kube
