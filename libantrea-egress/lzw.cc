#include "lzw.h"

#include <array>

namespace antrea::egress {
namespace {

constexpr std::uint32_t kClear = 256, kEnd = 257, kMaxCode = 4095;
constexpr unsigned kFirstWidth = 9, kMaxWidth = 12;

class BitWriter {
 public:
  explicit BitWriter(Bytes& out) : out_(out) {}
  void write(std::uint32_t code, unsigned width) {
    bits_ |= code << held_;
    for (held_ += width; held_ >= 8; held_ -= 8, bits_ >>= 8)
      out_.push_back(std::byte(bits_ & 0xff));
  }
  void flush() {
    if (held_ > 0) out_.push_back(std::byte(bits_ & 0xff));
  }

 private:
  Bytes& out_;
  std::uint32_t bits_ = 0;
  unsigned held_ = 0;
};

/// From (code of a prefix, next byte) to the code of both: open addressing, at most a quarter full.
class Dictionary {
 public:
  void clear() { slots_.fill(0); }
  /// 0: not there.
  std::uint32_t find(std::uint32_t prefix, std::uint8_t next) const {
    const auto key = prefix << 8 | next;
    for (auto slot = hash(key); slots_[slot] != 0; slot = (slot + 1) % kSlots)
      if (slots_[slot] >> 12 == key) return slots_[slot] & 0xfff;
    return 0;
  }
  void insert(std::uint32_t prefix, std::uint8_t next, std::uint32_t code) {
    const auto key = prefix << 8 | next;
    auto slot = hash(key);
    while (slots_[slot] != 0) slot = (slot + 1) % kSlots;
    slots_[slot] = key << 12 | code;
  }

 private:
  static constexpr std::uint32_t kSlots = 1U << 14;
  static std::uint32_t hash(std::uint32_t key) { return (key * 2654435761U) >> 18; }
  std::array<std::uint32_t, kSlots> slots_{};
};

}  // namespace

Bytes lzw_compress(std::span<const std::byte> in) {
  Bytes out;
  BitWriter bits(out);
  Dictionary known;
  unsigned width = kFirstWidth;
  std::uint32_t last = kEnd;  // the newest code that has a meaning
  // True: the table was full and has been cleared.
  const auto next_code = [&] {
    ++last;
    if (last == 1U << width) ++width;
    if (last != kMaxCode) return false;
    bits.write(kClear, width);
    known.clear();
    width = kFirstWidth;
    last = kEnd;
    return true;
  };
  bits.write(kClear, width);
  if (!in.empty()) {
    auto prefix = std::to_integer<std::uint32_t>(in[0]);
    for (const auto byte : in.subspan(1)) {
      const auto next = std::to_integer<std::uint8_t>(byte);
      if (const auto longer = known.find(prefix, next)) {
        prefix = longer;
        continue;
      }
      bits.write(prefix, width);
      if (!next_code()) known.insert(prefix, next, last);
      prefix = next;
    }
    bits.write(prefix, width);
    next_code();
  }
  bits.write(kEnd, width);
  bits.flush();
  return out;
}

Result<Bytes> lzw_inflate(std::span<const std::byte> in, std::size_t most) {
  struct Entry {
    std::uint16_t prefix;
    std::uint8_t suffix;
    std::uint16_t size;  // bytes it stands for
  };
  std::array<Entry, kMaxCode + 1> table;
  const auto literal = [](std::uint32_t code) { return code < kClear; };
  constexpr std::uint32_t kNone = 0xffff;
  unsigned width = kFirstWidth;
  std::uint32_t high = kEnd, previous = kNone;
  Bytes out;
  std::uint32_t held = 0;
  unsigned held_bits = 0;
  std::size_t at = 0;
  for (;;) {
    for (; held_bits < width; held_bits += 8) {
      if (at == in.size()) return make_error(Errc::kMalformed, "inflate LZW: no end code");
      held |= std::to_integer<std::uint32_t>(in[at++]) << held_bits;
    }
    const auto code = held & ((1U << width) - 1);
    held >>= width;
    held_bits -= width;
    if (code == kEnd) return out;
    if (code == kClear) {
      width = kFirstWidth;
      high = kEnd;
      previous = kNone;
      continue;
    }
    const bool own_first_byte =
        code == high && previous != kNone;  // a string that begins and ends alike
    if (!literal(code) && code > high)
      return make_error(Errc::kMalformed, "inflate LZW: code that nothing stands for");
    const auto base = own_first_byte ? previous : code;
    const std::size_t base_size = literal(base) ? 1 : table[base].size;
    const std::size_t size = base_size + (own_first_byte ? 1 : 0);
    if (out.size() + size > most)
      return make_error(Errc::kExhausted,
                        "inflate LZW: more than " + std::to_string(most) + " bytes");
    const auto start = out.size();
    out.resize(start + size);
    auto walk = base;
    for (auto i = base_size; i-- > 0;) {
      out[start + i] = std::byte(literal(walk) ? walk : table[walk].suffix);
      if (i > 0) walk = table[walk].prefix;
    }
    if (own_first_byte) out.back() = out[start];
    if (previous != kNone)
      table[high] = {
          static_cast<std::uint16_t>(previous), std::to_integer<std::uint8_t>(out[start]),
          static_cast<std::uint16_t>((literal(previous) ? 1 : table[previous].size) + 1)};
    previous = code;
    ++high;
    if (high < 1U << width) continue;
    if (width < kMaxWidth) {
      ++width;
    } else {  // the table is full; a clear code must follow before anything new is learnt
      previous = kNone;
      --high;
    }
  }
}

}  // namespace antrea::egress
