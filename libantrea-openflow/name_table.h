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
    const Key key(name);
    std::size_t at = key.slot();
    for (; !slots_[at].name.empty(); at = (at + 1) % kSlots)
      if (slots_[at].is(key, name)) return;
    slots_[at] = {key, name, value};
  }
  const Value* find(std::string_view name) const {
    if (name.empty()) return nullptr;
    const Key key(name);
    for (std::size_t at = key.slot(); !slots_[at].name.empty(); at = (at + 1) % kSlots)
      if (slots_[at].is(key, name)) return &slots_[at].value;
    return nullptr;
  }

 private:
  /// First and last bytes and the length; up to 16 bytes nothing is left out.
  struct Key {
    std::uint64_t front = 0;
    std::uint64_t back = 0;
    std::size_t size = 0;

    Key() = default;
    explicit Key(std::string_view name) : size(name.size()) {
      const char* const p = name.data();
      if (size >= 8) {
        front = load<std::uint64_t>(p);
        back = load<std::uint64_t>(p + size - 8);
      } else if (size >= 4) {
        front = load<std::uint32_t>(p);
        back = load<std::uint32_t>(p + size - 4);
      } else {
        front = load<std::uint8_t>(p) | load<std::uint8_t>(p + size / 2) << 8;
        back = load<std::uint8_t>(p + size - 1);
      }
    }
    std::size_t slot() const {
      std::uint64_t hash = (front ^ (back << 21 | back >> 43) ^ size) * 0x9e3779b97f4a7c15ULL;
      hash ^= hash >> 29;
      return (hash * 0xbf58476d1ce4e5b9ULL) >> 40 & (kSlots - 1);
    }
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct Slot {
    Key key;
    std::string_view name;
    Value value{};

    bool is(const Key& other, std::string_view text) const {
      return key == other && (other.size <= 16 || name == text);
    }
  };

  template <typename Word>
  static std::uint64_t load(const char* at) {
    Word word;
    std::memcpy(&word, at, sizeof(word));
    return word;
  }

  std::array<Slot, kSlots> slots_{};
};

}  // namespace antrea::openflow::detail
