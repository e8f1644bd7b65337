#pragma once

// What the shells share on top of Boost.Asio. Header only: a library that does no I/O never
// includes it.

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <memory>
#include <random>
#include <vector>

#include "antrea/base/clock.h"
#include "antrea/base/remote.h"
#include "antrea/base/result.h"

namespace antrea {

/// A connected socket, Unix or TCP.
using Stream = boost::asio::generic::stream_protocol::socket;

/// Completes with a tuple that starts with the error code; never throws.
inline constexpr auto kTuple = boost::asio::as_tuple(boost::asio::use_awaitable);

/// Whether the coroutine that asks was cancelled. Only useful after `throw_if_cancelled(false)`. To
/// be asked before each operation that may take for ever: one that begins after the cancellation,
/// as its predecessor was just completing, does not hear of it.
inline boost::asio::awaitable<bool> is_cancelled() {
  const auto state = co_await boost::asio::this_coro::cancellation_state;
  co_return state.cancelled() != boost::asio::cancellation_type::none;
}

/// Wakes everybody who waits. It keeps no memory of a notification: a waiter checks its condition
/// before it waits, on the same strand as the notifier.
class Signal {
 public:
  explicit Signal(boost::asio::any_io_executor executor)
      : executor_(std::move(executor)), waiters_(std::make_shared<Waiters>()) {}

  void notify() {
    for (auto* timer : *waiters_) timer->cancel();
  }
  /// False when the deadline passed.
  boost::asio::awaitable<bool> wait_until(TimePoint deadline) {
    boost::asio::steady_timer timer(executor_, deadline);
    const Registration registration(waiters_, timer);
    const auto [code] = co_await timer.async_wait(kTuple);
    co_return static_cast<bool>(code);
  }
  boost::asio::awaitable<void> wait() { co_await wait_until(TimePoint::max()); }

 private:
  using Waiters = std::vector<boost::asio::steady_timer*>;
  struct Registration {
    Registration(std::shared_ptr<Waiters> waiters, boost::asio::steady_timer& timer)
        : all(std::move(waiters)), own(&timer) {
      all->push_back(own);
    }
    ~Registration() { std::erase(*all, own); }
    Registration(const Registration&) = delete;
    Registration& operator=(const Registration&) = delete;
    std::shared_ptr<Waiters> all;
    boost::asio::steady_timer* own;
  };

  boost::asio::any_io_executor executor_;
  std::shared_ptr<Waiters> waiters_;  ///< outlives the signal where a waiter's frame does
};

/// A TCP peer that has gone without a word (its machine died, a cable was pulled) is noticed within
/// half a minute, whether or not something is being sent (tcp(7)).
inline void watch_for_silence(int tcp_socket) {
  const auto set = [&](int level, int option, int value) {
    ::setsockopt(tcp_socket, level, option, &value, sizeof value);
  };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 15);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 5);
  set(IPPROTO_TCP, TCP_KEEPCNT, 3);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, 30'000);
}

/// How long to wait before the next attempt: doubles from `first` to `most`, each between half and
/// all of it at random.
class Backoff {
 public:
  /// The same seed gives the same pauses; 0: another one each time.
  Backoff(Duration first, Duration most, std::uint32_t seed = 0)
      : first_(first),
        most_(most),
        next_(first),
        random_(seed != 0 ? seed : std::random_device{}()) {}
  void reset() { next_ = first_; }
  Duration next() {
    const auto ticks = std::max<Duration::rep>(next_.count(), 2);
    next_ = std::min(next_ * 2, most_);
    return Duration(std::uniform_int_distribution<Duration::rep>(ticks / 2, ticks)(random_));
  }

 private:
  Duration first_, most_, next_;
  std::minstd_rand random_;
};

/// Makes attempts until `stopped` (told by `stopping`) or cancelled, with a pause behind each.
/// `attempt` returns whether it came far enough for the next pause to be short again.
inline boost::asio::awaitable<void> keep_trying(
    Backoff backoff, Signal& stopping, const bool& stopped,
    std::function<boost::asio::awaitable<bool>()> attempt,
    std::function<void(std::chrono::milliseconds)> before_pause) {
  co_await boost::asio::this_coro::throw_if_cancelled(false);
  while (!stopped) {
    const bool got_somewhere = co_await attempt();
    if (got_somewhere) backoff.reset();
    const bool cancelled = co_await is_cancelled();
    if (stopped || cancelled) co_return;
    const auto pause = backoff.next();
    before_pause(std::chrono::duration_cast<std::chrono::milliseconds>(pause));
    co_await stopping.wait_until(std::chrono::steady_clock::now() + pause);
  }
}

/// Ends when a peer has said nothing for two intervals, though `probe` asked it after the first:
/// true. False when cancelled.
inline boost::asio::awaitable<bool> peer_fell_silent(const TimePoint& last_received,
                                                     Duration interval,
                                                     std::function<void()> probe) {
  co_await boost::asio::this_coro::throw_if_cancelled(false);
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
  TimePoint probed{};
  for (;;) {
    const bool cancelled = co_await is_cancelled();
    if (cancelled) co_return false;
    timer.expires_at(std::max(last_received, probed) + interval);
    const auto [code] = co_await timer.async_wait(kTuple);
    if (code) co_return false;
    const auto now = std::chrono::steady_clock::now();
    if (probed > last_received && now >= probed + interval) co_return true;
    if (now >= last_received + interval && probed <= last_received) {
      probed = now;
      probe();
    }
  }
}

/// A plain connection, also where `remote` is for TLS. Errors: kUnavailable, kNotFound (no such
/// socket or host), kPermissionDenied, kTimeout, kIo.
inline boost::asio::awaitable<Result<Stream>> connect_stream(Remote remote, Duration timeout) {
  namespace asio = boost::asio;
  using namespace asio::experimental::awaitable_operators;
  const auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor, timeout);
  std::vector<asio::generic::stream_protocol::endpoint> endpoints;
  if (remote.kind == Remote::Kind::kUnix) {
    endpoints.emplace_back(asio::local::stream_protocol::endpoint(remote.address));
  } else {
    boost::system::error_code code;
    const auto address = asio::ip::make_address(remote.address, code);
    if (!code) {
      endpoints.emplace_back(asio::ip::tcp::endpoint(address, remote.port));
    } else {
      asio::ip::tcp::resolver resolver(executor);
      auto resolved =
          co_await (resolver.async_resolve(remote.address, std::to_string(remote.port), kTuple) ||
                    timer.async_wait(kTuple));
      if (resolved.index() == 1)
        co_return make_error(Errc::kTimeout, "resolve: no answer in time", remote.to_string());
      auto [failure, found] = std::get<0>(std::move(resolved));
      if (failure)
        co_return make_error(Errc::kNotFound, "resolve: " + failure.message(), remote.to_string());
      for (const auto& entry : found) endpoints.emplace_back(entry.endpoint());
    }
  }
  Error last = make_error(Errc::kNotFound, "resolve: no address", remote.to_string());
  for (const auto& endpoint : endpoints) {
    Stream stream(executor);
    auto connected = co_await (stream.async_connect(endpoint, kTuple) || timer.async_wait(kTuple));
    if (connected.index() == 1)
      co_return make_error(Errc::kTimeout, "connect: no answer in time", remote.to_string());
    const auto [code] = std::get<0>(connected);
    if (!code) {
      if (remote.kind != Remote::Kind::kUnix) {
        boost::system::error_code ignored;
        stream.set_option(asio::ip::tcp::no_delay(true), ignored);
        watch_for_silence(stream.native_handle());
      }
      co_return stream;
    }
    last = errno_error(code.value(), "connect", remote.to_string());
  }
  co_return last;
}

}  // namespace antrea
