#pragma once

#include <map>
#include <set>
#include <string>

#include "antrea/egress/gossip_message.h"

namespace antrea::egress {

/// What is to be told to everybody, each a limited number of times: what was told least often comes
/// first, of those the newest (memberlist queue.go).
class BroadcastQueue {
 public:
  /// Replaces what is queued about the same member.
  void add(const std::string& about, Bytes message);
  /// Takes messages that fit into `room` bytes, each with `overhead` on top, and counts one
  /// transmission for each. One that reaches `limit` transmissions goes.
  std::vector<Bytes> take(std::size_t overhead, std::size_t room, unsigned limit);
  /// What `take` would take, without counting it.
  std::vector<Bytes> next(std::size_t overhead, std::size_t room) const;
  bool empty() const { return queue_.empty(); }
  bool holds(const std::string& about) const { return by_member_.contains(about); }

 private:
  struct Order {
    unsigned transmits;
    std::uint64_t newest_first;  ///< counts down
    friend auto operator<=>(const Order&, const Order&) = default;
  };
  struct Entry {
    std::string about;
    Bytes message;
  };
  using Queue = std::map<Order, Entry>;
  std::vector<Queue::const_iterator> fitting(std::size_t overhead, std::size_t room) const;
  Queue queue_;
  std::map<std::string, Order, std::less<>> by_member_;
  std::uint64_t next_ = ~std::uint64_t{0};
};

/// How often each broadcast is sent by each member of `count`.
unsigned retransmit_limit(unsigned multiplier, std::size_t count);

}  // namespace antrea::egress
