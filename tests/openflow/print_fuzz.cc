#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "antrea/openflow/capture.h"
#include "antrea/openflow/text.h"

// Any bytes have a text, and any file is a capture or none.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace antrea::openflow;
  const auto bytes = std::as_bytes(std::span(data, size));
  const std::string text = print_message(bytes);
  if (text.empty() || text.back() != '\n') std::abort();
  if (message_name(bytes).empty()) std::abort();
  std::size_t found = 0;
  const auto summary = read_capture(bytes, [&](const CapturedMessage& message) {
    found += message.wire.size();
    (void)print_message(message.wire);
  });
  if (found > size || (summary && summary->messages == 0 && found != 0)) std::abort();
  return 0;
}
