#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <map>
#include <random>
#include <regex>

#include "antrea/openflow/codec.h"
#include "ofctl.h"
#include "vectors.h"

// Vectors with a byte or two changed, cut or longer: what ovs-ofctl's parser says of them, this one
// says too, by the name of the error.
namespace antrea::openflow::testing {
namespace {

using Wire = std::vector<std::byte>;

void put16(Wire& wire, std::size_t at, std::uint16_t value) {
  wire[at] = std::byte(value >> 8);
  wire[at + 1] = std::byte(value & 0xff);
}

class Mutator {
 public:
  explicit Mutator(std::mt19937 random) : random_(random) {}

  /// A message changed behind its first `kept` bytes; its length says how long it is.
  Wire message(Wire wire, std::size_t kept) {
    for (std::size_t times = 1 + below(2); times > 0; --times) change(wire, kept);
    put16(wire, 2, static_cast<std::uint16_t>(wire.size()));
    return wire;
  }
  std::size_t below(std::size_t limit) { return random_() % limit; }

 private:
  void change(Wire& wire, std::size_t kept) {
    if (wire.size() <= kept + 2) {
      wire.resize(wire.size() + 8);
      return;
    }
    const std::size_t at = kept + below(wire.size() - kept - 1);
    static constexpr std::array<std::uint16_t, 8> kNumbers{0, 1, 3, 4, 7, 8, 16, 0xffff};
    switch (below(8)) {
      case 0:
        wire[at] ^= std::byte(1U << below(8));
        break;
      case 1:
        wire[at] = std::byte(below(256));
        break;
      case 2:
        put16(wire, at, kNumbers[below(kNumbers.size())]);
        break;
      case 3:
        wire[at] = std::byte(std::to_integer<unsigned>(wire[at]) + (below(2) == 0 ? 8 : 248));
        break;
      case 4:
        wire.resize(at);
        break;
      case 5:
        wire.resize(wire.size() + 1 + below(16), std::byte(below(2)));
        break;
      case 6: {  // a few bytes twice, as of an action or field
        const std::size_t size = std::min<std::size_t>(8 * (1 + below(4)), wire.size() - at);
        const Wire part(wire.begin() + static_cast<std::ptrdiff_t>(at),
                        wire.begin() + static_cast<std::ptrdiff_t>(at + size));
        wire.insert(wire.begin() + static_cast<std::ptrdiff_t>(at), part.begin(), part.end());
        break;
      }
      default:
        put16(wire, at & ~std::size_t{1}, kNumbers[below(kNumbers.size())]);
        break;
    }
    if (wire.size() > 60000) wire.resize(60000);
  }

  std::mt19937 random_;
};

/// What `ovs-ofctl ofp-parse` says of each message: the name of the error, or nothing.
std::vector<std::string> ovs_verdicts(const std::vector<Wire>& messages) {
  Wire stream;
  const Wire mark = *from_hex("06020008fedcba98");  // an echo request of this xid
  for (const Wire& wire : messages) {
    stream.insert(stream.end(), wire.begin(), wire.end());
    stream.insert(stream.end(), mark.begin(), mark.end());
  }
  const std::string text = ovs_ofctl("ofp-parse", stream);

  std::vector<std::string> verdicts;
  static const std::string kMark = "OFPT_ECHO_REQUEST (OF1.5) (xid=0xfedcba98): 0 bytes of payload";
  static const std::string kError = "***decode error: ";
  for (std::size_t at = 0;;) {
    const std::size_t end = text.find(kMark, at);
    if (end == std::string::npos) break;
    const std::string part = text.substr(at, end - at);
    std::string verdict;
    if (part.find("***parse error***") != std::string::npos) {
      verdict = "<invalid>";
    } else if (const auto found = part.find(kError); found != std::string::npos) {
      const std::size_t start = found + kError.size();
      verdict = part.substr(start, part.find("***", start) - start);
    }
    verdicts.push_back(verdict);
    at = end + kMark.size();
  }
  return verdicts;
}

/// Not messages that quote others, whose errors stand in the same text; nor what releases of Open
/// vSwitch see in different ways.
bool comparable(const Vector& v) {
  return v.kind == "message" && v.hex.size() >= 16 && v.hex.substr(0, 2) == "06" &&
         !v.releases_differ && v.type != "OFPT_ERROR" && v.type != "OFPT_HELLO" &&
         v.type != "OFPT_REQUESTFORWARD" && v.type != "OFPT_BUNDLE_ADD_MESSAGE";
}

/// The headers that tell what kind of message it is stay as they are.
std::size_t header_size(const Wire& wire) {
  const auto type = std::to_integer<unsigned>(wire[1]);
  constexpr unsigned kExperimenter = 4, kMultipartRequest = 18, kMultipartReply = 19;
  return type == kExperimenter || type == kMultipartRequest || type == kMultipartReply ? 16 : 8;
}

/// Verdicts that differ for a reason.
bool excused(const std::string& theirs, const std::string& ours, const std::string& hex) {
  const auto has = [&](const char* part) { return hex.find(part) != std::string::npos; };
  // No OpenFlow error at all: "Invalid argument" or "parse error" in statistics.
  if (theirs == "<invalid>") return !ours.empty();
  // Which of the two depends on how a hash table of Open vSwitch is laid out.
  const auto set_fault = [](const std::string& error) {
    return error == "OFPBAC_BAD_SET_LEN" || error == "OFPBAC_BAD_SET_TYPE";
  };
  if (set_fault(theirs) && set_fault(ours)) return true;
  // Since 3.4 there is the action sample4, since 3.7 registers 16 to 31.
  if (theirs == "OFPBAC_BAD_VENDOR_TYPE" && has("000023200033")) return true;
  constexpr const char* kLaterRegisters[] = {"800110", "800111", "800112", "800113", "800114",
                                             "800115", "800116", "800117", "800118", "800119",
                                             "80011a", "80011b", "80011c", "80011d", "80011e",
                                             "80011f", "ffff2",  "ffff3",  "ffff4"};
  if (theirs == "OFPBMC_BAD_FIELD" &&
      std::any_of(std::begin(kLaterRegisters), std::end(kLaterRegisters), has))
    return true;
  // Since 3.3 NXT_CT_FLUSH has more properties, and unknown ones are refused.
  if (has("0000232000000020") && (theirs.empty() || ours == "OFPBPC_BAD_TYPE")) return true;
  // A continuation is the switch's own: this library keeps it as it came.
  return ours.empty() && (has("000023200000001e") || has("000023200000001c"));
}

TEST(Differential, RefusesMutatedMessagesAsOvsOfctlDoes) {
  if (!ovs_ofctl_installed()) GTEST_SKIP() << "ovs-ofctl is not installed";
  std::map<std::string, std::vector<Vector>> by_type;
  for (const Vector& v : load_vectors())
    if (comparable(v)) by_type[v.type].push_back(v);
  // So many of each type, but more of flow_mods, which hold matches and actions.
  constexpr std::size_t kEach = 60, kFlowMods = 3000;
  Mutator mutator(differential_random());
  std::vector<Wire> messages;
  for (const auto& [type, vectors] : by_type) {
    for (std::size_t i = 0; i < (type == "OFPT_FLOW_MOD" ? kFlowMods : kEach); ++i) {
      const Wire wire = vectors[mutator.below(vectors.size())].bytes();
      messages.push_back(mutator.message(wire, std::min(wire.size(), header_size(wire))));
    }
  }
  const auto verdicts = ovs_verdicts(messages);
  ASSERT_EQ(verdicts.size(), messages.size());
  std::map<std::string, std::size_t> classes;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const auto decoded = decode_message(messages[i]);
    const std::string ours = decoded.has_error() ? to_string(decoded.error().error) : "";
    if (ours == verdicts[i] || excused(verdicts[i], ours, to_hex(messages[i]))) continue;
    const unsigned type = std::to_integer<unsigned>(messages[i][1]);
    const std::string kind = "type " + std::to_string(type) + ": ovs-ofctl says '" + verdicts[i] +
                             "', this library '" + ours + "'";
    if (++classes[kind] == 1) ADD_FAILURE() << kind << "\n" << to_hex(messages[i]);
  }
  for (const auto& [kind, count] : classes) std::cout << count << " x " << kind << "\n";
}

}  // namespace
}  // namespace antrea::openflow::testing
