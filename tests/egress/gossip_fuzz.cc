// Any bytes as a packet and as a stream: decoded without a fault, and what was understood is
// written and read again without a change.
#include <algorithm>
#include <cstdlib>

#include "antrea/egress/gossip_message.h"
#include "libantrea-egress/lzw.h"

using namespace antrea;
using namespace antrea::egress;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto again = [](const gossip::Message& message) {
    const auto twice = gossip::decode(gossip::encode(message));
    if (!twice || !(*twice == message)) std::abort();
  };
  if (const auto parts = gossip::unwrap_packet(bytes))
    for (const auto& part : *parts)
      if (const auto message = gossip::decode(part)) again(*message);
  if (const auto message = gossip::decode_stream(bytes)) again(*message);
  (void)gossip::unwrap_stream(bytes);
  (void)gossip::strip_label("blue", bytes);

  gossip::StreamMeter piecewise, at_once;
  const auto whole = at_once.measure(bytes);
  const auto half = piecewise.measure(bytes.first(size / 2));
  if (half.has_value()) {
    const auto later = piecewise.measure(bytes);
    if (later.has_value() != whole.has_value() || (whole.has_value() && *later != *whole))
      std::abort();
  }
  if (whole.has_value() && whole->has_value() && **whole > size) std::abort();

  (void)lzw_inflate(bytes, 1 << 20);
  const auto back = lzw_inflate(lzw_compress(bytes), size);
  if (!back || !std::ranges::equal(*back, bytes)) std::abort();
  return 0;
}
