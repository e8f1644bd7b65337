#pragma once

#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace antrea::policy {

/// A string held by a StringPool; equal strings have equal IDs as long as somebody holds them.
using StringId = std::uint32_t;

/// Strings that many objects share, told apart by a number. Each `acquire` is paired with a
/// `release`; the last one frees the string and its number, so that a long life with ever new
/// labels does not grow.
class StringPool {
 public:
  StringPool() = default;
  StringPool(const StringPool&) = delete;
  StringPool& operator=(const StringPool&) = delete;

  static constexpr StringId kNone = 0xffffffff;

  StringId acquire(std::string_view text) {
    if (const auto found = ids_.find(text); found != ids_.end()) {
      ++entries_[*found].references;
      return *found;
    }
    StringId id = 0;
    if (free_.empty()) {
      id = static_cast<StringId>(entries_.size());
      entries_.emplace_back();
    } else {
      id = free_.back();
      free_.pop_back();
    }
    entries_[id] = {std::string(text), 1, Hash::of(text)};
    ids_.insert(id);
    return id;
  }

  void acquire(StringId id) { ++entries_[id].references; }

  void release(StringId id) {
    Entry& entry = entries_[id];
    if (--entry.references > 0) return;
    ids_.erase(id);
    entry.text = std::string();
    free_.push_back(id);
  }

  /// There will be about so many.
  void expect(std::size_t count) {
    if (count > ids_.max_load()) ids_.reserve(count);
  }

  /// kNone if nobody holds the string.
  StringId find(std::string_view text) const {
    const auto found = ids_.find(text);
    return found == ids_.end() ? kNone : *found;
  }

  const std::string& operator[](StringId id) const { return entries_[id].text; }
  std::size_t count() const { return ids_.size(); }

 private:
  struct Entry {
    std::string text;
    std::uint32_t references = 0;
    std::uint32_t hash = 0;  // of the text, so that a growing table need not read it again
  };
  struct Hash {
    using is_transparent = void;
    using is_avalanching = void;
    const StringPool* pool;
    static std::uint32_t of(std::string_view text) {
      return static_cast<std::uint32_t>(std::hash<std::string_view>()(text));
    }
    static std::size_t widen(std::uint32_t hash) { return hash * 0x9e3779b97f4a7c15U; }
    std::size_t operator()(StringId id) const { return widen(pool->entries_[id].hash); }
    std::size_t operator()(std::string_view text) const { return widen(of(text)); }
  };
  struct Equal {
    using is_transparent = void;
    const StringPool* pool;
    bool operator()(StringId a, StringId b) const { return a == b; }
    bool operator()(std::string_view a, StringId b) const { return a == (*pool)[b]; }
    bool operator()(StringId a, std::string_view b) const { return (*this)(b, a); }
  };
  std::deque<Entry> entries_;
  boost::unordered_flat_set<StringId, Hash, Equal> ids_{0, Hash{this}, Equal{this}};
  std::vector<StringId> free_;
};

}  // namespace antrea::policy
