#include "antrea/kube/store.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <filesystem>
#include <fstream>

namespace antrea::kube {
namespace {
namespace json = boost::json;
using testing::ElementsAre;

json::object object(std::string_view name_space, std::string_view name,
                    std::string_view mark = {}) {
  return {{"metadata", {{"name", name}, {"namespace", name_space}}}, {"mark", mark}};
}

class Folder {
 public:
  Folder() {
    char path[] = "/tmp/antrea-store-XXXXXX";
    path_ = ::mkdtemp(path);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

std::unique_ptr<Store> open_store(StoreOptions options = {.path = ":memory:"}) {
  auto store = Store::open(std::move(options));
  EXPECT_TRUE(store) << store.error().to_string();
  EXPECT_TRUE((*store)->add_resource("things"));
  return *std::move(store);
}

std::vector<std::string> names(const Result<std::vector<ObjectPtr>>& objects) {
  std::vector<std::string> found;
  if (!objects) return {objects.error().to_string()};
  for (const auto& each : *objects) found.push_back(object_key(each->namespace_, each->name));
  return found;
}

TEST(Store, GivesEveryWriteAVersionOfItsOwn) {
  const auto store = open_store();
  const auto a = store->create("things", object("ns", "a"));
  ASSERT_TRUE(a);
  const auto b = store->create("things", object("ns", "b"));
  ASSERT_TRUE(b);
  EXPECT_EQ((*b)->version, (*a)->version + 1);
  const auto gone = store->erase("things", "ns", "a");
  ASSERT_TRUE(gone);
  EXPECT_EQ((*gone)->version, (*b)->version + 1);
  EXPECT_NE((*gone)->json.find("\"resourceVersion\":\"" + std::to_string((*gone)->version) + "\""),
            std::string::npos);
  EXPECT_EQ(store->version(), (*gone)->version);
}

TEST(Store, LocksOptimistically) {
  const auto store = open_store();
  const auto first = *store->create("things", object("ns", "a", "1"));
  EXPECT_EQ(store->create("things", object("ns", "a")).error().code, Errc::kAlreadyExists);
  const auto second = *store->update("things", object("ns", "a", "2"), first->version);
  EXPECT_EQ(store->update("things", object("ns", "a", "3"), first->version).error().code,
            Errc::kConflict);
  EXPECT_EQ(store->erase("things", "ns", "a", first->version).error().code, Errc::kConflict);
  EXPECT_TRUE(store->erase("things", "ns", "a", second->version));
  EXPECT_EQ(store->update("things", object("ns", "a", "4")).error().code, Errc::kNotFound);
}

TEST(Store, ListsByNamespaceAndName) {
  const auto store = open_store();
  for (const auto* name : {"b", "a", "c"})
    ASSERT_TRUE(store->create("things", object("two", name)));
  ASSERT_TRUE(store->create("things", object("one", "z")));
  ASSERT_TRUE(store->create("things", object("two-b", "a")));
  EXPECT_THAT(names(store->list("things", {})),
              ElementsAre("one/z", "two-b/a", "two/a", "two/b", "two/c"));
  EXPECT_THAT(names(store->list("things", "two")), ElementsAre("two/a", "two/b", "two/c"));
  EXPECT_THAT(names(store->list("things", "two", 0, "two/a")), ElementsAre("two/b", "two/c"));
  EXPECT_THAT(names(store->list("things", "none")), ElementsAre());
}

TEST(Store, ListsThePastByUndoingWhatCameAfter) {
  const auto store = open_store();
  std::vector<std::pair<std::uint64_t, std::vector<std::string>>> states;
  const auto note = [&] {
    std::vector<std::string> state;
    for (const auto& each : *store->list("things", {})) state.push_back(each->json);
    states.emplace_back(store->version(), state);
  };
  note();
  ASSERT_TRUE(store->create("things", object("n", "b", "1"))), note();
  ASSERT_TRUE(store->create("things", object("n", "a", "1"))), note();
  ASSERT_TRUE(store->update("things", object("n", "b", "2"))), note();
  ASSERT_TRUE(store->erase("things", "n", "a")), note();
  ASSERT_TRUE(store->create("things", object("n", "c", "1"))), note();
  ASSERT_TRUE(store->create("things", object("n", "a", "2"))), note();
  for (const auto& [version, expected] : states) {
    std::vector<std::string> state;
    const auto listed = store->list("things", {}, version);
    ASSERT_TRUE(listed) << version;
    for (const auto& each : *listed) state.push_back(each->json);
    EXPECT_EQ(state, expected) << "at " << version;
  }
}

TEST(Store, ForgetsOnlyBeyondItsHistory) {
  const auto store = open_store({.path = ":memory:", .history = 3});
  const auto start = store->version();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(store->create("things", object("n", std::to_string(i))));
  EXPECT_EQ(store->events_after("things", start, 10).error().code, Errc::kExhausted);
  EXPECT_EQ(store->list("things", {}, start + 1).error().code, Errc::kExhausted);
  const auto known = store->events_after("things", start + 2, 10);
  ASSERT_TRUE(known);
  ASSERT_EQ(known->size(), 3u);
  EXPECT_EQ(known->front().object->name, "2");
  EXPECT_EQ(store->events_after("things", start + 4, 10)->size(), 1u);
  EXPECT_EQ(store->events_after("things", start + 100, 10)->size(), 0u);
}

TEST(Store, ExtractsLabelsAndFields) {
  auto store = *Store::open({.path = ":memory:"});
  ASSERT_TRUE(store->add_resource("pods", [](const json::object& each) {
    return Store::Fields{{"mark", std::string(each.at("mark").as_string())}};
  }));
  auto pod = object("n", "a", "m");
  pod["metadata"].as_object()["labels"] = {{"app", "web"}};
  const auto stored = *store->create("pods", pod);
  EXPECT_THAT(stored->labels, ElementsAre(testing::Pair("app", "web")));
  EXPECT_THAT(stored->fields, ElementsAre(testing::Pair("mark", "m")));
}

TEST(Store, KeepsEverythingThatWasAnsweredWhenKilled) {
  const Folder folder;
  const StoreOptions options{.path = folder.file("db")};
  int pipe_ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto store = Store::open(options);
    if (!store || !(*store)->add_resource("things")) ::_exit(1);
    for (std::uint32_t i = 0;; ++i) {
      if (!(*store)->create("things", object("n", std::to_string(i)))) ::_exit(1);
      if (::write(pipe_ends[1], &i, sizeof i) != sizeof i) ::_exit(1);
    }
  }
  ::close(pipe_ends[1]);
  std::uint32_t last = 0;
  while (last < 200) ASSERT_EQ(::read(pipe_ends[0], &last, sizeof last), ssize_t{sizeof last});
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  for (std::uint32_t more; ::read(pipe_ends[0], &more, sizeof more) == sizeof more;) last = more;
  ::close(pipe_ends[0]);

  const auto store = open_store(options);
  EXPECT_GE(store->count("things"), last + 1);
  EXPECT_GE(store->version(), last + 2);
  for (std::uint32_t i = 0; i <= last; ++i)
    ASSERT_NE(store->get("things", "n", std::to_string(i)), nullptr) << i;
}

TEST(Store, LetsWatchesResumeAfterARestart) {
  const Folder folder;
  std::uint64_t version = 0;
  {
    const auto store = open_store({.path = folder.file("db")});
    ASSERT_TRUE(store->create("things", object("n", "a")));
    ASSERT_TRUE(store->erase("things", "n", "a"));
    version = store->version();
  }
  const auto store = open_store({.path = folder.file("db")});
  EXPECT_EQ(store->version(), version);
  EXPECT_TRUE(store->events_after("things", version, 1));
  EXPECT_EQ(store->events_after("things", version - 1, 1).error().code, Errc::kExhausted);
  ASSERT_TRUE(store->create("things", object("n", "b")));
  EXPECT_EQ(store->events_after("things", version, 9)->size(), 1u);
}

TEST(Store, RefusesAFileThatIsNotItsOwn) {
  const Folder folder;
  std::ofstream(folder.file("text")) << std::string(4096, 'x');
  EXPECT_EQ(Store::open({.path = folder.file("text")}).error().code, Errc::kMalformed);
  EXPECT_EQ(Store::open({.path = folder.file("no/such/folder")}).error().code, Errc::kIo);
  const auto first = open_store({.path = folder.file("db")});
  const auto second = Store::open({.path = folder.file("db")});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::kAlreadyExists) << second.error().to_string();
}

}  // namespace
}  // namespace antrea::kube
