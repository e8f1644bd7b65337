#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>
#include <utility>

namespace antrea::policy {

/// A rule that asks for a flow.
struct FlowUser {
  std::uint32_t rule = 0;   ///< index of its record
  std::uint8_t clause = 0;  ///< of its conjunction, from 1; 0: for what the flow does by itself
  friend bool operator==(const FlowUser&, const FlowUser&) = default;
};

/// The users of a flow, in no order: mostly there is one. 12 bytes, and the 4 that make them 16 are
/// free for what follows with [[no_unique_address]].
class FlowUsers {
 public:
  FlowUsers() = default;
  FlowUsers(FlowUsers&& other) noexcept { swap(other); }
  FlowUsers& operator=(FlowUsers&& other) noexcept {
    swap(other);
    return *this;
  }
  ~FlowUsers() {
    if (count_ > 1) delete[] place_.many;
  }

  bool empty() const { return count_ == 0; }
  std::span<const FlowUser> all() const { return {count_ > 1 ? place_.many : &place_.one, count_}; }

  void add(const FlowUser& user) {
    if (count_ == 0) {
      place_.one = user;
    } else {
      if (std::has_single_bit(count_)) move_into(2 * count_);
      place_.many[count_] = user;
    }
    ++count_;
  }
  /// It must be there.
  void remove(const FlowUser& user) {
    FlowUser* const users = count_ > 1 ? place_.many : &place_.one;
    *std::find(users, users + count_, user) = users[count_ - 1];
    --count_;
    if (count_ == 1) {
      const FlowUser last = users[0];
      delete[] users;
      place_.one = last;
    } else if (std::has_single_bit(count_)) {
      move_into(count_);
    }
  }

 private:
  void swap(FlowUsers& other) {
    std::swap(place_, other.place_);
    std::swap(count_, other.count_);
  }
  void move_into(std::uint32_t room) {
    auto* const users = new FlowUser[room];
    std::ranges::copy(all(), users);
    if (count_ > 1) delete[] place_.many;
    place_.many = users;
  }

  // Beyond one there is room for the next power of two.
  union Place {
    FlowUser one{};
    FlowUser* many;
  };
  Place place_;
  std::uint32_t count_ = 0;
};

}  // namespace antrea::policy
