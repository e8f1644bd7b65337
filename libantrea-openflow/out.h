#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "antrea/openflow/field.h"

// Writing network order, shared by all encoders of this library.
namespace antrea::openflow::detail {

template <typename Integer>
inline void store_be(std::byte* at, Integer value) {
  if constexpr (sizeof(Integer) == 2) value = __builtin_bswap16(value);
  if constexpr (sizeof(Integer) == 4) value = __builtin_bswap32(value);
  if constexpr (sizeof(Integer) == 8) value = __builtin_bswap64(value);
  std::memcpy(at, &value, sizeof(value));
}
static_assert(std::endian::native == std::endian::little);

constexpr std::size_t pad8(std::size_t size) { return (size + 7) & ~std::size_t{7}; }

/// Stores the low `size` bytes of a number; what is longer than 16 bytes begins with zeros.
inline void store_value(std::byte* at, const FieldValue& value, std::size_t size) {
  switch (size) {
    case 1:
      *at = std::byte(value.lo & 0xff);
      return;
    case 2:
      store_be(at, static_cast<std::uint16_t>(value.lo));
      return;
    case 4:
      store_be(at, static_cast<std::uint32_t>(value.lo));
      return;
    case 6:
      store_be(at, static_cast<std::uint16_t>(value.lo >> 32));
      store_be(at + 2, static_cast<std::uint32_t>(value.lo));
      return;
    case 8:
      store_be(at, value.lo);
      return;
    case 16:
      store_be(at, value.hi);
      store_be(at + 8, value.lo);
      return;
    default:
      for (std::size_t i = 0; i < size; ++i) {
        const std::size_t shift = 8 * (size - 1 - i);
        at[i] = shift >= 128 ? std::byte{0}
                             : std::byte((value >> static_cast<unsigned>(shift)).lo & 0xff);
      }
  }
}

/// Appends to a caller's vector, or fills a caller's span. `put` hands out zeroed room, so that
/// padding needs no code. The vector has its final size once the writer is gone, or `finish` was
/// called. A span that is too small makes `overflowed()` true; what it holds is then undefined.
class Out {
 public:
  explicit Out(std::vector<std::byte>& bytes)
      : owner_(&bytes), begin_(bytes.data()), at_(begin_ + bytes.size()), end_(at_) {}
  explicit Out(std::span<std::byte> room)
      : begin_(room.data()), at_(begin_), end_(begin_ + room.size()) {}
  Out(const Out&) = delete;
  Out& operator=(const Out&) = delete;
  ~Out() { finish(); }

  void finish() {
    if (owner_ == nullptr) return;
    owner_->resize(size());
    end_ = at_;
  }
  bool overflowed() const { return overflowed_; }
  std::size_t size() const { return static_cast<std::size_t>(at_ - begin_); }
  /// What was written from `start` on; borrowed until something is written.
  std::span<const std::byte> since(std::size_t start) const { return {begin_ + start, at_}; }

  /// Room for `size` bytes, not zeroed; `advance` tells how many were used.
  std::byte* room(std::size_t size) {
    if (static_cast<std::size_t>(end_ - at_) < size) grow(size);
    return at_;
  }
  void advance(std::size_t size) { at_ += size; }
  std::byte* put(std::size_t size) {
    std::byte* const at = room(size);
    std::memset(at, 0, size);
    at_ += size;
    return at;
  }
  template <std::size_t kSize>
  std::byte* put() {
    std::byte* const at = room(kSize);
    std::memset(at, 0, kSize);
    at_ += kSize;
    return at;
  }
  void u8(std::uint8_t value) {
    *room(1) = std::byte{value};
    ++at_;
  }
  void be16(std::uint16_t value) { integer(value); }
  void be32(std::uint32_t value) { integer(value); }
  void be64(std::uint64_t value) { integer(value); }
  void zeros(std::size_t size) { put(size); }
  void bytes(std::span<const std::byte> data) {
    if (data.empty()) return;
    std::memcpy(room(data.size()), data.data(), data.size());
    at_ += data.size();
  }
  void bytes(const std::vector<std::uint8_t>& data) { bytes(std::as_bytes(std::span(data))); }
  /// Text in a field of fixed size, cut to fit with a terminating zero.
  void text(std::string_view text, std::size_t size) {
    std::byte* at = put(size);
    std::memcpy(at, text.data(), text.size() < size ? text.size() : size - 1);
  }
  void mac(const MacAddress& mac) { bytes(std::as_bytes(std::span(mac.bytes))); }
  void pad_from(std::size_t start) {
    const std::size_t padding = pad8(size() - start) - (size() - start);
    if (end_ - at_ < 8) {
      put(padding);
      return;
    }
    std::memset(at_, 0, 8);
    at_ += padding;
  }
  void patch16(std::size_t at, std::size_t value) {
    store_be(begin_ + at, static_cast<std::uint16_t>(value));
  }
  void patch8(std::size_t at, std::uint8_t value) { begin_[at] = std::byte{value}; }
  void truncate(std::size_t size) { at_ = begin_ + size; }

 private:
  template <typename Integer>
  void integer(Integer value) {
    store_be(room(sizeof(value)), value);
    at_ += sizeof(value);
  }
  void grow(std::size_t size);

  std::vector<std::byte>* owner_ = nullptr;
  std::vector<std::byte> spill_;  ///< takes what a too small span cannot
  std::byte* begin_;
  std::byte* at_;
  std::byte* end_;
  bool overflowed_ = false;
};

}  // namespace antrea::openflow::detail
