#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace antrea::openflow::detail {

/// Names and what they stand for, found in constant time: open addressing over a hash of a name's
/// ends and length. Built once; of two equal names the first counts.
template <typename Value, std::size_t kSlots>
class NameTable {
  static_assert((kSlots & (kSlots - 1)) == 0);

 public:
  void add(std::string_view name, const Value& value) {
    if (name.empty()) return;
    std::size_t at = slot_of(name);
    for (; !slots_[at].name.empty(); at = (at + 1) % kSlots)
      if (slots_[at].name == name) return;
    slots_[at] = {name, value};
  }
  const Value* find(std::string_view name) const {
    if (name.empty()) return nullptr;
    for (std::size_t at = slot_of(name); !slots_[at].name.empty(); at = (at + 1) % kSlots)
      if (slots_[at].name == name) return &slots_[at].value;
    return nullptr;
  }

 private:
  struct Slot {
    std::string_view name;
    Value value{};
  };

  template <typename Word>
  static std::uint64_t load(const char* at) {
    Word word;
    std::memcpy(&word, at, sizeof(word));
    return word;
  }
  static std::size_t slot_of(std::string_view name) {
    const std::size_t n = name.size();
    const char* const p = name.data();
    std::uint64_t front = 0;
    std::uint64_t back = 0;
    if (n >= 8) {
      front = load<std::uint64_t>(p);
      back = load<std::uint64_t>(p + n - 8);
    } else if (n >= 4) {
      front = load<std::uint32_t>(p);
      back = load<std::uint32_t>(p + n - 4);
    } else {
      front = load<std::uint8_t>(p) | load<std::uint8_t>(p + n / 2) << 8;
      back = load<std::uint8_t>(p + n - 1);
    }
    std::uint64_t hash = (front ^ (back << 21 | back >> 43) ^ n) * 0x9e3779b97f4a7c15ULL;
    hash ^= hash >> 29;
    return (hash * 0xbf58476d1ce4e5b9ULL) >> 40 & (kSlots - 1);
  }

  std::array<Slot, kSlots> slots_{};
};

}  // namespace antrea::openflow::detail
