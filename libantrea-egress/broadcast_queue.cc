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

std::vector<Bytes> BroadcastQueue::take(std::size_t overhead, std::size_t room, unsigned limit) {
  constexpr unsigned kMostMisfits = 32;  // do not walk a long queue for the last few bytes
  std::vector<Bytes> out;
  std::vector<std::pair<Order, Entry>> again;
  unsigned misfits = 0;
  for (auto i = queue_.begin(); i != queue_.end() && out.size() < 255 && misfits < kMostMisfits;) {
    const auto size = i->second.message.size() + overhead;
    if (size > room) {
      ++misfits;
      ++i;
      continue;
    }
    room -= size;
    out.push_back(i->second.message);
    auto order = i->first;
    if (++order.transmits < limit) {
      again.emplace_back(order, std::move(i->second));
    } else {
      by_member_.erase(i->second.about);
    }
    i = queue_.erase(i);
  }
  for (auto& [order, entry] : again) {
    by_member_[entry.about] = order;
    queue_.emplace(order, std::move(entry));
  }
  return out;
}

unsigned retransmit_limit(unsigned multiplier, std::size_t count) {
  return multiplier * static_cast<unsigned>(std::ceil(std::log10(static_cast<double>(count + 1))));
}

}  // namespace antrea::egress
