// Whatever somebody sends from port 53: what is read of it is a name and addresses.
#include <cstdlib>
#include <span>

#include "antrea/node/dns_message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto message = std::as_bytes(std::span(data, size));
  const auto answer = antrea::node::decode_dns_answer(message);
  if (!answer) return 0;
  if (answer->name.size() > 253 || answer->addresses.size() > size / 12) std::abort();
  for (const char c : answer->name) {
    const bool usual =
        (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    if (!usual) std::abort();
  }
  return 0;
}
