#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>

#include "antrea/base/bytes.h"
#include "antrea/openflow/codec.h"
#include "antrea/openflow/text.h"
#include "vectors.h"

// Bytes of real peers (vectors/README.md). Every vector must pass, but for those that
// vectors/known_failures.txt names with a reason; one that is named and passes is a failure too.
namespace antrea::openflow {
namespace {

using testing::kVectorFolder;
using testing::load_vectors;
using testing::Vector;

/// ID to reason: lines of "id<TAB>check<TAB>reason".
std::map<std::string, std::string> load_known(const std::string& check) {
  std::map<std::string, std::string> known;
  std::ifstream file(kVectorFolder + "known_failures.txt");
  for (std::string line; std::getline(file, line);) {
    const auto first = line.find('\t');
    const auto second = line.find('\t', first + 1);
    if (line.empty() || line[0] == '#' || second == std::string::npos) continue;
    if (line.substr(first + 1, second - first - 1) == check)
      known[line.substr(0, first)] = line.substr(second + 1);
  }
  return known;
}

std::string without_end(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

struct Outcome {
  std::string error;
  std::string again;
  std::string text;
};

template <typename Decoded, typename Encode>
Outcome outcome_of(const Decoded& decoded, Encode encode_again) {
  Outcome outcome;
  if (decoded.has_error()) {
    outcome.error = to_string(decoded.error().error);
    return outcome;
  }
  std::vector<std::byte> out;
  encode_again(*decoded, out, outcome.text);
  outcome.again = to_hex(out);
  return outcome;
}

Outcome run(const Vector& v) {
  const auto bytes = *from_hex(v.hex);
  if (v.kind == "match")
    return outcome_of(decode_match(bytes), [](const Match& m, auto& out, auto& text) {
      encode_match(m, out);
      text = to_string(m);
    });
  if (v.kind == "actions")
    return outcome_of(decode_actions(bytes), [](const Actions& a, auto& out, auto& text) {
      encode_actions(a, out);
      text = "actions=" + to_string(a);
    });
  if (v.kind == "instructions")
    return outcome_of(decode_instructions(bytes), [](const Instructions& i, auto& out, auto& text) {
      encode_instructions(i, out);
      text = "actions=" + to_string(i);
    });
  Outcome outcome = outcome_of(decode_message(bytes), [](const Decoded& d, auto& out, auto&) {
    EXPECT_TRUE(encode(d.xid, d.message, out));
  });
  outcome.text = print_message(bytes);
  return outcome;
}

void check_all(
    const std::string& check,
    const std::function<std::optional<std::string>(const Vector&, const Outcome&)>& fault) {
  auto known = load_known(check);
  std::map<std::string, std::pair<int, int>> classes;
  std::ofstream found_file;
  if (const char* path = getenv("ANTREA_VECTOR_FAULTS")) found_file.open(path, std::ios::app);
  for (const Vector& v : load_vectors()) {
    const auto found = fault(v, run(v));
    auto& counts = classes[v.kind == "message" ? v.type : v.kind];
    ++(found ? counts.second : counts.first);
    const bool listed = known.erase(v.id) > 0;
    if (found && found_file) found_file << v.id << '\t' << check << '\t' << *found << '\n';
    if (found && !listed) ADD_FAILURE() << v.id << ": " << *found;
    if (!found && listed) ADD_FAILURE() << v.id << " passes now: take it off the list";
  }
  for (const auto& [id, reason] : known) ADD_FAILURE() << id << " is listed and does not exist";
  for (const auto& [name, counts] : classes)
    if (counts.second > 0)
      std::cout << name << ": " << counts.first << " pass, " << counts.second << " listed\n";
}

TEST(Vectors, DecodeRefuseAndEncodeBack) {
  check_all("codec", [](const Vector& v, const Outcome& got) -> std::optional<std::string> {
    if (!v.error.empty()) {
      if (got.error == v.error) return {};
      return "expected " + v.error + ", got " + (got.error.empty() ? "a value" : got.error);
    }
    if (!got.error.empty()) return "refused with " + got.error;
    const std::string& want = v.canonical.empty() ? v.hex : v.canonical;
    if (v.reencodes && got.again != want) return "encoded " + got.again + ", expected " + want;
    return {};
  });
}

TEST(Vectors, DecodeInPlaceOfAnotherLeavesNothingOfIt) {
  Decoded reused;
  std::size_t count = 0;
  for (const Vector& v : load_vectors()) {
    if (v.kind != "message") continue;
    const auto wire = v.bytes();
    const auto anew = decode_message(wire);
    const auto done = decode_into(wire, reused);
    ASSERT_EQ(done.has_value(), anew.has_value()) << v.id;
    if (!anew) continue;
    EXPECT_EQ(reused.xid, anew->xid) << v.id;
    EXPECT_EQ(reused.message, anew->message) << v.id;
    ++count;
  }
  EXPECT_GT(count, 1000U);
}

TEST(Vectors, PrintAsOvsOfctlDoes) {
  const auto not_decoded = load_known("codec");
  check_all("text", [&](const Vector& v, const Outcome& got) -> std::optional<std::string> {
    // What cannot be decoded has a text as a message, with the error in it.
    if (v.kind != "message" && (!v.error.empty() || !got.error.empty())) return {};
    const std::string& want = v.kind == "match" ? v.flow : v.text;
    if (want.empty() || without_end(got.text) == without_end(want)) return {};
    // Texts of captured answers are cut.
    constexpr std::size_t kCut = 200;
    if (want.size() == kCut && got.text.starts_with(want)) return {};
    // Other bytes, or another error, cannot have the same text.
    if (not_decoded.contains(v.id)) return {};
    return "printed " + got.text + ", expected " + want;
  });
}

TEST(Vectors, NameMessages) {
  for (const Vector& v : load_vectors()) {
    // Messages whose headers were changed are named after what they were before.
    const bool renamed = v.id.starts_with("malformed:") && v.error.starts_with("OFPBRC_");
    if (v.kind != "message" || renamed) continue;
    EXPECT_EQ(message_name(*from_hex(v.hex)), v.type) << v.id;
  }
}

}  // namespace
}  // namespace antrea::openflow
