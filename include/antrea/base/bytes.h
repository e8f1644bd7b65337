#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "antrea/base/export.h"
#include "antrea/base/result.h"

namespace antrea {

/// A bounded cursor over borrowed bytes in network order. The first read past the end sets
/// `failed()`; it and all later reads return zeros, so that a decoder checks once, at its end.
/// Never reads outside the span.
class ByteReader {
 public:
  constexpr ByteReader() = default;
  constexpr explicit ByteReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  bool failed() const { return failed_; }
  /// Bytes from the start of the span; of the first failed read once `failed()`.
  std::size_t offset() const { return offset_; }
  std::size_t remaining() const { return failed_ ? 0 : bytes_.size() - offset_; }
  bool empty() const { return remaining() == 0; }

  std::uint8_t u8() { return static_cast<std::uint8_t>(integer<1>()); }
  std::uint16_t be16() { return static_cast<std::uint16_t>(integer<2>()); }
  std::uint32_t be32() { return static_cast<std::uint32_t>(integer<4>()); }
  std::uint64_t be64() { return integer<8>(); }
  void skip(std::size_t size) { (void)take(size); }
  /// The next `size` bytes, borrowed; empty on failure.
  std::span<const std::byte> take(std::size_t size) {
    if (size > remaining()) {
      failed_ = true;
      return {};
    }
    const auto part = bytes_.subspan(offset_, size);
    offset_ += size;
    return part;
  }
  /// A reader of the next `size` bytes, which this one steps over. Fails if they are not there.
  ByteReader sub(std::size_t size) {
    ByteReader part{take(size)};
    part.failed_ = failed_;
    return part;
  }
  std::span<const std::byte> rest() { return take(remaining()); }

 private:
  template <std::size_t kSize>
  std::uint64_t integer() {
    if (kSize > remaining()) {
      failed_ = true;
      return 0;
    }
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < kSize; ++i)
      value = value << 8 | std::to_integer<std::uint64_t>(bytes_[offset_ + i]);
    offset_ += kSize;
    return value;
  }

  std::span<const std::byte> bytes_;
  std::size_t offset_ = 0;
  bool failed_ = false;
};

/// Appends integers in network order to a caller's buffer, which must outlive it.
class ByteWriter {
 public:
  explicit ByteWriter(std::vector<std::byte>& out) : out_(out) {}

  std::size_t size() const { return out_.size(); }
  void u8(std::uint8_t value) { out_.push_back(std::byte{value}); }
  void be16(std::uint16_t value) { integer<2>(value); }
  void be32(std::uint32_t value) { integer<4>(value); }
  void be64(std::uint64_t value) { integer<8>(value); }
  void zeros(std::size_t count) { out_.resize(out_.size() + count); }
  void bytes(std::span<const std::byte> data) { out_.insert(out_.end(), data.begin(), data.end()); }
  /// Zeros until the bytes written since `start` are a multiple of `alignment`.
  void pad_from(std::size_t start, std::size_t alignment) {
    zeros((alignment - (out_.size() - start) % alignment) % alignment);
  }
  /// Overwrites two bytes written before, e.g. a length known only now.
  void patch_be16(std::size_t at, std::uint16_t value) {
    out_[at] = std::byte(value >> 8);
    out_[at + 1] = std::byte(value & 0xff);
  }
  void patch_be32(std::size_t at, std::uint32_t value) {
    patch_be16(at, static_cast<std::uint16_t>(value >> 16));
    patch_be16(at + 2, static_cast<std::uint16_t>(value));
  }
  std::vector<std::byte>& buffer() { return out_; }

 private:
  template <std::size_t kSize>
  void integer(std::uint64_t value) {
    std::byte raw[kSize];
    for (std::size_t i = 0; i < kSize; ++i) raw[i] = std::byte(value >> (8 * (kSize - 1 - i)));
    out_.insert(out_.end(), raw, raw + kSize);
  }

  std::vector<std::byte>& out_;
};

/// Lower-case hex digits without separators.
ANTREA_API std::string to_hex(std::span<const std::byte> bytes);
/// Hex digits of either case; blanks between bytes are skipped. Error: kMalformed with the
/// position.
ANTREA_API Result<std::vector<std::byte>> from_hex(std::string_view text);

inline std::span<const std::byte> as_byte_span(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace antrea
