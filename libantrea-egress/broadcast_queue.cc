#include "broadcast_queue.h"

#include <cmath>

namespace antrea::egress {

void BroadcastQueue::add(const std::string& about, Bytes message) {
  const Order order{0, next_--};
  if (const auto old = by_member_.find(about); old != by_member_.end()) {
    queue_.erase(old->second);
    old->second = order;
  } else {
    by_member_.emplace(about, order);
  }
  queue_.emplace(order, Entry{about, std::move(message)});
}

std::vector<BroadcastQueue::Queue::const_iterator> BroadcastQueue::fitting(
    std::size_t overhead, std::size_t room) const {
  constexpr unsigned kMostMisfits = 32;  // do not walk a long queue for the last few bytes
  std::vector<Queue::const_iterator> out;
  unsigned misfits = 0;
  for (auto i = queue_.begin(); i != queue_.end() && out.size() < 255 && misfits < kMostMisfits;
       ++i) {
    const auto size = i->second.message.size() + overhead;
    if (size > room) {
      ++misfits;
      continue;
    }
    room -= size;
    out.push_back(i);
  }
  return out;
}

std::vector<Bytes> BroadcastQueue::next(std::size_t overhead, std::size_t room) const {
  std::vector<Bytes> out;
  for (const auto& each : fitting(overhead, room)) out.push_back(each->second.message);
  return out;
}

std::vector<Bytes> BroadcastQueue::take(std::size_t overhead, std::size_t room, unsigned limit) {
  std::vector<Bytes> out;
  for (const auto& each : fitting(overhead, room)) {
    out.push_back(each->second.message);
    auto node = queue_.extract(each);
    if (++node.key().transmits < limit) {
      by_member_[node.mapped().about] = node.key();
      queue_.insert(std::move(node));
    } else {
      by_member_.erase(node.mapped().about);
    }
  }
  return out;
}

unsigned retransmit_limit(unsigned multiplier, std::size_t count) {
  return multiplier * static_cast<unsigned>(std::ceil(std::log10(static_cast<double>(count + 1))));
}

}  // namespace antrea::egress
