#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <map>
#include <random>
#include <regex>

#include "antrea/base/bytes.h"
#include "antrea/openflow/codec.h"
#include "antrea/openflow/text.h"
#include "ofctl.h"

// Texts of changed messages beside those of the ovs-ofctl that is installed (3.1 in Debian 12).
namespace antrea::openflow {
namespace {

constexpr std::size_t kMessages = 6000;
constexpr std::uint32_t kMarkerXid = 0x7eed0000;

std::vector<std::vector<std::byte>> seeds() {
  std::vector<std::vector<std::byte>> seeds;
  std::ifstream file(ANTREA_SOURCE_DIR "/tests/openflow/vectors/openflow.jsonl");
  for (std::string line; std::getline(file, line);) {
    const auto object = boost::json::parse(line).as_object();
    auto bytes = *from_hex(object.at("hex").as_string());
    const bool message = object.at("kind").as_string() == "message";
    const auto header = message ? peek_header(bytes) : std::nullopt;
    constexpr std::size_t kTooLong = 2000;  // nothing new stands in the long dumps
    if (header && header->version == kOpenFlow15 && header->length == bytes.size() &&
        bytes.size() < kTooLong)
      seeds.push_back(std::move(bytes));
  }
  return seeds;
}

/// A message with some bytes or bits behind its header changed.
std::vector<std::byte> changed(std::vector<std::byte> message, std::mt19937& random) {
  const auto below = [&](std::size_t limit) { return random() % limit; };
  const std::size_t size = message.size();
  if (size <= kHeaderSize) return message;
  for (std::size_t i = 0, count = 1 + below(3); i < count; ++i) {
    std::byte& at = message[kHeaderSize + below(size - kHeaderSize)];
    switch (below(3)) {
      case 0:
        at ^= std::byte{1} << below(8);
        break;
      case 1:
        at = std::byte(below(256));
        break;
      default:
        at = below(2) == 0 ? std::byte{0} : std::byte{0xff};
    }
  }
  return message;
}

std::vector<std::byte> marker(std::uint32_t number) {
  std::vector<std::byte> wire;
  encode(kMarkerXid + number, EchoRequest{}, wire);
  return wire;
}

/// What `ovs-ofctl ofp-parse` says of each message.
std::vector<std::string> ask_ovs_ofctl(const std::vector<std::vector<std::byte>>& messages) {
  std::vector<std::byte> stream;
  for (std::size_t i = 0; i < messages.size(); ++i)
    for (const auto& bytes : {messages[i], marker(static_cast<std::uint32_t>(i))})
      stream.insert(stream.end(), bytes.begin(), bytes.end());
  const std::string output = testing::ovs_ofctl("ofp-parse", stream);
  std::vector<std::string> texts;
  std::size_t at = 0;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const std::string end = print_message(marker(static_cast<std::uint32_t>(i)));
    const std::size_t found = output.find(end, at);
    if (found == std::string::npos) break;
    texts.push_back(output.substr(at, found - at));
    at = found + end.size();
  }
  return texts;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// Without what only later releases print: the mark and the labels of a ct flush (3.3), GTP-U
/// messages of type 0 or without flags, registers 16 to 31 (3.7).
std::string as_release_3_1(std::string text) {
  static const std::regex kLater(
      ",gtpu_msgtype=0(?=,| )|gtpu_flags=0,|reg(1[6-9]|2[0-9]|3[01])=0x[0-9a-f]+,");
  text = std::regex_replace(text, kLater, "");
  const std::size_t zone = text.find(": zone=");
  if (!text.starts_with("NXT_CT_FLUSH ") || zone == std::string::npos) return text;
  const std::size_t from = text.find(' ', zone + 2) + 1;
  const std::size_t to = text.find('\'', from);
  return to == std::string::npos ? text : text.erase(from, to - from);
}

/// What the value of a match cannot hold.
std::string_view kept_otherwise(const std::string& theirs) {
  if (contains(theirs, "vlan_tci=0x0000/0xe000") ||
      (contains(theirs, "NXT_FLOW_REMOVED") && contains(theirs, "vlan_tci=0x0000,")))
    return "a match on the priority of packets without a VLAN tag";
  static const std::regex kLabel("ipv6_label=0x[0-9a-f]{5}/0x[0-9a-f]{6,}");
  if (std::regex_search(theirs, kLabel)) return "mask bits above a field's own";
  static const std::regex kTci("vlan_tci=0x1[0-9a-f]{3}/0x[1-9a-d][0-9a-f]{3}");
  if (std::regex_search(theirs, kTci)) return "a mask on some bits of a priority";
  if (contains(theirs, "PACKET_IN") && contains(theirs, "tun_metadata"))
    return "a mask on the tunnel metadata of a packet";
  if (contains(theirs, "set_tunnel:")) return "a setter of OpenFlow 1.0";
  return {};
}

/// Why texts are not compared, or nothing.
std::string_view difference(const std::string& ours, const std::string& theirs) {
  static const std::regex kOther("\\n[A-Z0-9_]+ [a-z]*.?\\(OF ?(1\\.[0-46]|0x)");
  if (contains(theirs, "OFPT_ERROR") && std::regex_search(ours + theirs, kOther))
    return "an error quotes a message of another version";
  if (contains(ours, "decode error") || contains(theirs, "decode error"))
    return "one of them cannot decode it";
  return kept_otherwise(theirs);
}

TEST(TextDifferential, EqualsTheInstalledOvsOfctl) {
  if (!testing::ovs_ofctl_installed()) GTEST_SKIP() << "ovs-ofctl is not installed";
  const auto unchanged = seeds();
  ASSERT_FALSE(unchanged.empty());
  std::mt19937 random = testing::differential_random();
  std::vector<std::vector<std::byte>> messages = unchanged;
  while (messages.size() < kMessages)
    messages.push_back(changed(unchanged[random() % unchanged.size()], random));
  const auto theirs = ask_ovs_ofctl(messages);
  ASSERT_EQ(theirs.size(), messages.size());
  std::size_t equal = 0;
  std::map<std::string, std::size_t> differences;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const std::string ours = as_release_3_1(print_message(messages[i]));
    if (ours == theirs[i]) {
      ++equal;
      continue;
    }
    const std::string_view why = difference(ours, theirs[i]);
    if (!why.empty()) {
      ++differences[std::string(why)];
      continue;
    }
    ADD_FAILURE() << to_hex(messages[i]) << ": printed " << ours << ", expected " << theirs[i];
  }
  std::cout << equal << " of " << messages.size() << " texts are equal\n";
  for (const auto& [why, count] : differences) std::cout << count << ": " << why << '\n';
}

}  // namespace
}  // namespace antrea::openflow
