// What `antctl policy` says of input that is not right.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <fstream>
#include <random>
#include <sstream>

namespace antrea {
namespace {

struct Output {
  int status = -1;
  std::string text;
};

Output run(const std::string& command) {
  Output output;
  FILE* const pipe = ::popen((ANTREA_BIN_DIR "/antctl policy " + command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return output;
  char buffer[4096];
  for (std::size_t size = 0; (size = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;)
    output.text.append(buffer, size);
  const int status = ::pclose(pipe);
  output.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return output;
}

TEST(PolicyInput, ManifestsOfAnyBytesGiveAnAnswerOrOneLine) {
  std::ifstream in(ANTREA_SOURCE_DIR "/tests/policy/corpus/everything.yaml");
  std::stringstream stream;
  stream << in.rdbuf();
  const std::string whole = stream.str();
  ASSERT_FALSE(whole.empty());
  const std::string path = testing::TempDir() + "/antctl-input-" + std::to_string(::getpid());
  std::mt19937 random(7);
  const auto below = [&](std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random);
  };
  std::size_t refused = 0;
  for (int i = 0; i < 150; ++i) {
    std::string text = whole;
    for (std::size_t n = 1 + below(i < 100 ? 3 : 200); n > 0; --n) {
      const std::size_t at = below(text.size());
      switch (below(3)) {
        case 0:
          text[at] = static_cast<char>(below(256));
          break;
        case 1:
          text.erase(at, 1 + below(20));
          break;
        default:
          text.insert(at, text.substr(below(text.size()), below(40)));
      }
    }
    std::ofstream(path, std::ios::binary) << text;
    const Output said = run("check -f " + path + " -o json");
    if (said.status == 0 || said.status == 1) continue;
    ++refused;
    EXPECT_EQ(said.status, 2) << said.text;
    EXPECT_TRUE(said.text.starts_with("antctl policy: ")) << said.text;
    EXPECT_EQ(said.text.find('\n'), said.text.size() - 1) << said.text;
    EXPECT_NE(said.text.find(path), std::string::npos) << said.text;
  }
  EXPECT_GT(refused, 30U);
  ::remove(path.c_str());
}

}  // namespace
}  // namespace antrea
