#include <deque>

#include "antrea/base/asio.h"
#include "antrea/openflow/connection.h"

namespace antrea::openflow {
namespace asio = boost::asio;
using asio::awaitable;

struct PacketInQueue::Impl {
  Impl(asio::any_io_executor executor, std::size_t room) : arrived(executor), capacity(room) {}
  awaitable<std::optional<PacketIn2>> next([[maybe_unused]] std::shared_ptr<Impl> self) {
    while (packets.empty() && !closed) {
      co_await arrived.wait();
      const bool cancelled = co_await is_cancelled();
      if (cancelled) co_return std::nullopt;
    }
    if (packets.empty()) co_return std::nullopt;
    auto packet = std::move(packets.front());
    packets.pop_front();
    co_return packet;
  }

  Signal arrived;
  std::deque<PacketIn2> packets;
  std::size_t capacity;
  std::uint64_t dropped = 0;
  bool closed = false;
};

PacketInQueue::PacketInQueue(asio::any_io_executor executor, std::size_t capacity)
    : impl_(std::make_shared<Impl>(std::move(executor), capacity)) {}
PacketInQueue::~PacketInQueue() { close(); }
awaitable<std::optional<PacketIn2>> PacketInQueue::next() { return impl_->next(impl_); }
void PacketInQueue::close() {
  impl_->closed = true;
  impl_->arrived.notify();
}
bool PacketInQueue::push(PacketIn2 packet) {
  if (impl_->closed || impl_->packets.size() >= impl_->capacity) {
    ++impl_->dropped;
    return false;
  }
  impl_->packets.push_back(std::move(packet));
  impl_->arrived.notify();
  return true;
}
std::uint64_t PacketInQueue::dropped() const { return impl_->dropped; }

}  // namespace antrea::openflow
