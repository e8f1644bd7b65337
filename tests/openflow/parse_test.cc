#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <map>

#include "antrea/base/bytes.h"
#include "antrea/openflow/codec.h"
#include "antrea/openflow/text.h"

// Flow syntax to bytes, compared with those of ovs-ofctl (vectors/README.md).
namespace antrea::openflow {
namespace {

const std::string kVectors = ANTREA_SOURCE_DIR "/tests/openflow/vectors/flow-syntax.jsonl";

struct Vector {
  std::string id, flow, hex;
};

std::vector<Vector> load_vectors() {
  std::vector<Vector> vectors;
  std::ifstream file(kVectors);
  for (std::string line; std::getline(file, line);) {
    const auto object = boost::json::parse(line).as_object();
    const auto& hex = object.at("hex");
    vectors.push_back({std::string(object.at("id").as_string()),
                       std::string(object.at("flow").as_string()),
                       hex.is_string() ? std::string(hex.as_string()) : std::string()});
  }
  return vectors;
}

std::string hex_of(const Message& message) {
  std::vector<std::byte> out;
  return encode(0, message, out) ? to_hex(out) : "too long";
}

/// The later of two releases that differ takes it.
const std::map<std::string, std::string> kTakenByLaterReleases = {
    {"flow-syntax:bad:400", "register 16 exists since 3.7"},
};

TEST(FlowSyntax, EncodesToTheBytesOfOvsOfctl) {
  const auto vectors = load_vectors();
  ASSERT_GE(vectors.size(), 200U);
  for (const Vector& v : vectors) {
    const auto mod = parse_flow_mod(v.flow);
    if (v.hex.empty()) {
      EXPECT_EQ(mod.has_value(), kTakenByLaterReleases.contains(v.id)) << v.id << ": " << v.flow;
      if (mod.has_error()) {
        EXPECT_LE(mod.error().offset, v.flow.size()) << v.id;
        EXPECT_EQ(mod.error().cause.find('\n'), std::string::npos) << v.id;
      }
      continue;
    }
    ASSERT_TRUE(mod.has_value()) << v.id << ": " << v.flow << ": "
                                 << mod.error().to_error().to_string();
    EXPECT_EQ(hex_of(*mod), v.hex) << v.id << ": " << v.flow;
  }
}

}  // namespace
}  // namespace antrea::openflow
