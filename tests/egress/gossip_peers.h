#pragma once

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "antrea/egress/gossip.h"

namespace antrea::egress {

/// Members on real sockets, all in one thread of the test.
class GossipPeers {
 public:
  struct Peer {
    std::unique_ptr<Gossip> gossip;
    std::vector<GossipEvent> events;

    bool saw(GossipEvent::Kind kind, const std::string& name) const {
      return std::ranges::any_of(events, [&](const GossipEvent& event) {
        return event.kind == kind && event.member.name == name;
      });
    }
    std::optional<MemberState> state(const std::string& name) const {
      for (const auto& member : gossip->members())
        if (member.name == name) return member.state;
      return std::nullopt;
    }
    bool counts(const std::string& name) const {
      const auto found = state(name);
      return found == MemberState::kAlive || found == MemberState::kSuspect;
    }
  };

  static GossipOptions options(const std::string& name) {
    return {.name = name, .bind = {IpAddress::v4(0x7f000001), 0}};
  }
  Peer& add(GossipOptions options) {
    auto& peer = *peers_.emplace_back(std::make_unique<Peer>());
    peer.gossip = std::make_unique<Gossip>(io_.get_executor(), std::move(options));
    peer.gossip->on_event([&peer](const GossipEvent& event) { peer.events.push_back(event); });
    started_ = peer.gossip->start();
    return peer;
  }
  /// What came of the last `add`.
  const Result<>& started() const { return started_; }

  bool eventually(const std::function<bool()>& condition,
                  std::chrono::milliseconds patience = std::chrono::seconds(20)) {
    const auto until = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
      if (std::chrono::steady_clock::now() >= until) return false;
      io_.restart();
      io_.run_for(std::chrono::milliseconds(10));
    }
    return true;
  }
  template <typename T>
  T wait_for(boost::asio::awaitable<T> work) {
    std::optional<T> result;
    boost::asio::co_spawn(io_, std::move(work),
                          [&](const std::exception_ptr&, T value) { result = std::move(value); });
    eventually([&] { return result.has_value(); });
    return std::move(result).value();
  }
  Result<std::size_t> join(Peer& who, const GossipEndpoint& whom) {
    return wait_for(who.gossip->join({whom}));
  }
  void leave(Peer& who) {
    bool done = false;
    boost::asio::co_spawn(io_, who.gossip->leave(),
                          [&](const std::exception_ptr&) { done = true; });
    eventually([&] { return done; });
  }

 private:
  boost::asio::io_context io_;
  std::vector<std::unique_ptr<Peer>> peers_;
  Result<> started_;
};

}  // namespace antrea::egress
