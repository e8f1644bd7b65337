#include <cstddef>
#include <cstdint>

#include "antrea/openflow/text.h"
#include "fuzz_properties.h"

// A stream of messages, one behind the other, and views on each.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace antrea::openflow;
  using Wire = std::vector<std::byte>;
  auto stream = std::as_bytes(std::span(data, size));
  while (const auto header = peek_header(stream)) {
    const auto wire = stream.first(std::min<std::size_t>(header->length, stream.size()));
    for (const bool keep_unknown : {false, true}) {
      const DecodeOptions options{keep_unknown};
      const auto decoded = decode_message(wire, options);
      if (decoded.has_error()) continue;
      testing::expect_stable(
          decoded->message, [](const Message& message, Wire& out) { encode(0, message, out); },
          [&](const Wire& bytes) {
            auto again = decode_message(bytes, options);
            return again.has_error() ? DecodeResult<Message>(again.error())
                                     : DecodeResult<Message>(std::move(again->message));
          });
    }
    FlowStatsReader reader(wire);
    while (const auto flow = reader.next()) (void)flow->decode();
    (void)PacketInView::of(wire);
    if (header->length < kHeaderSize || wire.size() < header->length) break;
    stream = stream.subspan(wire.size());
  }
  return 0;
}
