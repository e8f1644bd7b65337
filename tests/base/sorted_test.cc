#include "antrea/base/sorted.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>
#include <utility>

namespace antrea {
namespace {

TEST(Sorted, AVectorIsTheSetOfItsElements) {
  std::mt19937 random(1);
  for (std::size_t size = 0; size < 40; ++size) {
    std::vector<unsigned> all(size);
    for (unsigned& each : all) each = random() % 20;
    const std::set<unsigned> expected(all.begin(), all.end());
    sort_unique(all);
    EXPECT_EQ(all, std::vector(expected.begin(), expected.end()));
  }
}

TEST(Sorted, TheFirstOfEachKeyIsKept) {
  std::vector<std::pair<int, std::string>> all{{1, "a"}, {1, "b"}, {2, "c"}, {1, "d"}};
  keep_first(all, &std::pair<int, std::string>::first);
  EXPECT_EQ(all, (std::vector<std::pair<int, std::string>>{{1, "a"}, {2, "c"}, {1, "d"}}));
}

TEST(Sorted, AKeyHasItsSpan) {
  const std::vector<std::pair<int, char>> all{{1, 'a'}, {3, 'b'}, {3, 'c'}, {5, 'd'}};
  const auto of = [&](int key) {
    std::string found;
    for (const auto& [number, letter] : equal_span(all, key, &std::pair<int, char>::first))
      found += letter;
    return found;
  };
  EXPECT_EQ(of(1), "a");
  EXPECT_EQ(of(3), "bc");
  EXPECT_EQ(of(4), "");
  EXPECT_EQ(of(9), "");
}

}  // namespace
}  // namespace antrea
