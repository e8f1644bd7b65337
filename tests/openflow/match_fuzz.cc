#include <cstddef>
#include <cstdint>

#include "antrea/openflow/text.h"
#include "fuzz_properties.h"

// Bytes of a match, header and padding included.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace antrea::openflow;
  const auto match = decode_match(std::as_bytes(std::span(data, size)));
  if (match.has_error()) return 0;
  testing::expect_stable(*match, encode_match,
                         [](const std::vector<std::byte>& wire) { return decode_match(wire); });
  (void)to_string(*match);
  return 0;
}
