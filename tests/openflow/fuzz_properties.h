#pragma once

#include <cstdlib>
#include <span>
#include <vector>

#include "antrea/openflow/codec.h"

// What holds for any bytes: they are refused, or what they mean is written so that it reads the
// same and is written the same again.
namespace antrea::openflow::testing {

template <typename Value, typename Encode, typename Decode>
void expect_stable(const Value& value, Encode encode, Decode decode) {
  std::vector<std::byte> wire;
  encode(value, wire);
  const auto second = decode(wire);
  if (second.has_error()) return;  // e.g. too long once normalised; `encode` refuses that
  std::vector<std::byte> again;
  encode(*second, again);
  if (again != wire) std::abort();
}

}  // namespace antrea::openflow::testing
