#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "antrea/api/controlplane_codec.h"

// Any bytes: the first says which format. What decodes encodes and decodes to the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace antrea::api::controlplane;
  if (size == 0) return 0;
  const Format format = data[0] % 2 == 0 ? Format::kJson : Format::kProtobuf;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  FrameReader reader(format);
  reader.feed(bytes);
  while (true) {
    const auto frame = reader.next();
    if (frame.has_error() || !*frame) break;
    (void)decode((*frame)->body, format);
  }
  (void)decode_list<NetworkPolicy>(bytes, format);
  const auto object = decode(bytes, format);
  if (object.has_error()) return 0;
  std::visit(
      [format]<typename T>(const T& value) {
        const std::string once = encode(value, format);
        const auto back = decode_as<T>(once, format);
        if (!back || encode(*back, format) != once) std::abort();
      },
      *object);
  return 0;
}
