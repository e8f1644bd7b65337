#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace antrea::openflow::testing {

/// Writes random flow syntax, the same for the same seed: most of it valid, some of it not.
class FlowGrammar {
 public:
  explicit FlowGrammar(std::uint64_t seed) : random_(seed) {}

  /// "flow add ...", "group modify ...", "packet-out ...": a line of `ovs-ofctl bundle`.
  std::string line() { return expand("<line>"); }
  /// What add-meter takes.
  std::string meter() { return expand("<meter>"); }
  /// Replaces each <NAME> by one of what the grammar has for it, <dN>, <xN> by a decimal or
  /// hexadecimal number of N bits, <mN> by such a number and perhaps a mask.
  std::string expand(std::string_view text);

 private:
  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
  std::string bits(char kind, unsigned width);
  const std::vector<std::string_view>& choices(std::string_view name);

  std::mt19937_64 random_;
  unsigned depth_ = 0;
};

}  // namespace antrea::openflow::testing
