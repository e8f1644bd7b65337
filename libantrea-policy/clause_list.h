#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

namespace antrea::policy {

/// One clause of a conjunction.
struct Clause {
  std::uint32_t conjunction;  // index of the record, not the ID
  std::uint8_t clause, count;
  friend bool operator==(const Clause&, const Clause&) = default;
};

/// The clauses that a flow satisfies, in no order, in 16 bytes: mostly there is one.
class ClauseList {
 public:
  ClauseList() = default;
  ClauseList(ClauseList&& other) noexcept { swap(other); }
  ClauseList& operator=(ClauseList&& other) noexcept {
    swap(other);
    return *this;
  }
  ~ClauseList() { delete[] many(); }

  bool empty() const { return size_ == 0; }
  std::span<const Clause> all() const { return {data(), size_}; }
  void add(const Clause& clause) {
    if (size_ == capacity_) grow();
    data()[size_++] = clause;
  }
  /// It must be there.
  void remove(const Clause& clause) {
    *std::find(data(), data() + size_, clause) = data()[size_ - 1];
    --size_;
  }

 private:
  void swap(ClauseList& other) {
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    std::swap(place_, other.place_);
  }
  void grow() {
    const std::uint32_t capacity = 2 * capacity_ + 2;
    auto* const wider = new Clause[capacity];
    std::copy_n(data(), size_, wider);
    delete[] many();
    place_.many = wider;
    capacity_ = capacity;
  }
  Clause* many() const { return capacity_ > 1 ? place_.many : nullptr; }
  Clause* data() { return capacity_ > 1 ? place_.many : &place_.one; }
  const Clause* data() const { return capacity_ > 1 ? place_.many : &place_.one; }

  union Place {
    Clause one;
    Clause* many;
  };
  std::uint32_t size_ = 0, capacity_ = 1;
  Place place_{};
};

}  // namespace antrea::policy
