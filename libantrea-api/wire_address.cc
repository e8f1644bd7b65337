#include "wire_address.h"

#include "antrea/base/bytes.h"

namespace antrea::api::detail {
namespace {

constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string to_wire(const IpAddress& address) {
  const auto bytes = address.mapped_bytes();
  return {bytes.begin(), bytes.end()};
}

Result<IpAddress> address_from_wire(std::string_view bytes) {
  ANTREA_TRY(const IpAddress address, IpAddress::from_bytes(as_byte_span(bytes)));
  return address.unmapped();
}

Result<IpPrefix> prefix_from_wire(std::string_view bytes, std::int64_t length) {
  ANTREA_TRY(const IpAddress address, address_from_wire(bytes));
  if (length < 0 || length > address.width())
    return make_error(Errc::kMalformed, "found a prefix length of " + std::to_string(length) +
                                            ", expected 0 to " + std::to_string(address.width()));
  return IpPrefix(address, static_cast<unsigned>(length));
}

std::string to_base64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::string_view part = bytes.substr(at, 3);
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i)
      bits = bits << 8 | (i < part.size() ? static_cast<unsigned char>(part[i]) : 0U);
    for (std::size_t i = 0; i < 4; ++i)
      text += i <= part.size() ? kDigits[bits >> (18 - 6 * i) & 63] : '=';
  }
  return text;
}

Result<std::string> from_base64(std::string_view text) {
  const auto fault = [&text] {
    return make_error(Errc::kMalformed, "found \"" + std::string(text) + "\", expected base64");
  };
  if (text.size() % 4 != 0) return fault();
  std::string_view digits = text;
  while (!digits.empty() && digits.ends_with('=') && text.size() - digits.size() < 2)
    digits.remove_suffix(1);
  std::string bytes;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char digit : digits) {
    const std::size_t value = kDigits.find(digit);
    if (value == std::string_view::npos) return fault();
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 0xff);
  }
  return bytes;
}

}  // namespace antrea::api::detail
