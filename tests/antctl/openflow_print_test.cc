#include <gtest/gtest.h>
#include <sys/wait.h>

#include <boost/json.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>

// Every vector through the program, as somebody at a shell would ask.
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

struct Answers {
  std::vector<std::string> lines;
  int exit_code = -1;
};

/// Runs `antctl openflow ARGUMENTS` with these lines on standard input.
Answers antctl(const std::string& arguments, const std::vector<std::string>& input) {
  const fs::path path = fs::path(testing::TempDir()) / ("antctl_input_" + std::to_string(getpid()));
  {
    std::ofstream file(path);
    for (const std::string& line : input) file << line << '\n';
  }
  Answers run;
  const std::string command =
      ANTREA_BIN_DIR "/antctl openflow " + arguments + " <" + path.string() + " 2>&1";
  FILE* const pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return run;
  std::string output;
  std::array<char, 1 << 16> buffer;
  while (const std::size_t size = fread(buffer.data(), 1, buffer.size(), pipe))
    output.append(buffer.data(), size);
  run.exit_code = WEXITSTATUS(pclose(pipe));
  fs::remove(path);
  for (std::size_t at = 0; at < output.size();) {
    const std::size_t end = output.find('\n', at);
    run.lines.push_back(output.substr(at, end - at));
    at = end == std::string::npos ? output.size() : end + 1;
  }
  return run;
}

std::string text_of(const json::object& object, const char* key) {
  const auto* const value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

/// Vectors that are listed with a reason, by whatever check.
std::string known_failures() {
  std::ifstream file(ANTREA_SOURCE_DIR "/tests/openflow/vectors/known_failures.txt");
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<json::object> vectors(const std::string& kind) {
  std::vector<json::object> all;
  const std::string known = known_failures();
  std::ifstream file(ANTREA_SOURCE_DIR "/tests/openflow/vectors/openflow.jsonl");
  for (std::string line; std::getline(file, line);) {
    auto vector = json::parse(line).as_object();
    if (text_of(vector, "kind") != kind) continue;
    if (known.find("\n" + text_of(vector, "id") + "\t") == std::string::npos)
      all.push_back(std::move(vector));
  }
  return all;
}

class Kinds : public testing::TestWithParam<const char*> {};

TEST_P(Kinds, AnswerEveryVectorInOrder) {
  const std::string kind = GetParam();
  const auto wanted = vectors(kind);
  std::vector<std::string> input;
  for (const auto& vector : wanted) input.push_back(text_of(vector, "hex"));
  const Answers data = antctl("print -o json --kind " + kind, input);
  const Answers plain = antctl("print --kind " + kind, input);
  EXPECT_EQ(data.exit_code, 0);
  EXPECT_EQ(plain.exit_code, 0);
  ASSERT_EQ(data.lines.size(), wanted.size());
  ASSERT_EQ(plain.lines.size(), wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto& want = wanted[i];
    const std::string id = text_of(want, "id");
    const auto got = json::parse(data.lines[i]).as_object();
    EXPECT_EQ(text_of(got, "error"), text_of(want, "error")) << id;
    std::string shown = text_of(got, "text");
    for (std::size_t at = 0; (at = shown.find('\n', at)) != std::string::npos; ++at)
      shown.replace(at, 1, "\\n");
    EXPECT_EQ(plain.lines[i], shown) << id;
    if (!text_of(want, "error").empty()) continue;
    if (kind == "message") {
      EXPECT_EQ(text_of(got, "type"), text_of(want, "type")) << id;
    }
    std::string text = text_of(want, kind == "match" ? "flow" : "text");
    while (!text.empty() && text.back() == '\n') text.pop_back();
    if (kind != "match" || want.contains("flow")) {
      EXPECT_EQ(text_of(got, "text"), text) << id;
    }
    const auto* const kept = want.if_contains("reencodes");
    if (kept != nullptr && !kept->as_bool()) continue;
    const std::string canonical = text_of(want, "canonical");
    EXPECT_EQ(text_of(got, "hex"), canonical.empty() ? text_of(want, "hex") : canonical) << id;
  }
}
INSTANTIATE_TEST_SUITE_P(OpenflowPrint, Kinds,
                         testing::Values("message", "match", "actions", "instructions"));

TEST(OpenflowPrint, NeverStopsAtABadLine) {
  const std::string barrier = "OFPT_BARRIER_REQUEST (OF1.5) (xid=0xab):";
  const Answers run = antctl("print", {"06140008000000ab", "", "zz", "061", "06140008000000AB\r",
                                       "0614", "0614ffff000000ab", "06140008000000Ab"});
  EXPECT_EQ(run.exit_code, 0);
  ASSERT_EQ(run.lines.size(), 8U);
  for (const std::size_t good : {0U, 4U, 7U}) EXPECT_EQ(run.lines[good], barrier);
  for (const std::size_t bad : {1U, 2U, 3U})
    EXPECT_TRUE(run.lines[bad].starts_with("***")) << run.lines[bad];
  EXPECT_TRUE(run.lines[5].starts_with("OpenFlow packet too short")) << run.lines[5];
  EXPECT_NE(run.lines[6].find("truncated to 8 bytes from 65535"), std::string::npos);
  const Answers data = antctl("print -o json", {"zz", "0614"});
  for (const std::string& line : data.lines)
    EXPECT_TRUE(json::parse(line).as_object().contains("error")) << line;
}

TEST(OpenflowPrint, SaysWhatIsWrongWithItsArguments) {
  struct Case {
    const char* arguments;
    const char* said;
    int exit_code;
  };
  constexpr Case kCases[] = {{"--help", "Usage: antctl openflow", 0},
                             {"print --help", "Usage: antctl openflow print", 0},
                             {"prnt", "is no command", 2},
                             {"print --kind flow", "there is no kind", 2},
                             {"print -o xml", "no output format", 2},
                             {"print --frob", "frob", 2},
                             {"print word", "one argument too many", 2},
                             {"print --pcap /no/such/file", "cannot read /no/such/file", 1},
                             {"print --pcap /dev/null", "shorter than a pcap header", 1}};
  for (const Case& c : kCases) {
    const Answers run = antctl(c.arguments, {});
    EXPECT_EQ(run.exit_code, c.exit_code) << c.arguments;
    ASSERT_FALSE(run.lines.empty()) << c.arguments;
    EXPECT_NE(run.lines[0].find(c.said), std::string::npos) << c.arguments << ": " << run.lines[0];
  }
}

}  // namespace
