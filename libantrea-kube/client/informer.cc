#include "antrea/kube/informer.h"

#include <fmt/format.h>

#include <boost/asio/steady_timer.hpp>

#include "antrea/base/asio.h"

namespace antrea::kube {
namespace asio = boost::asio;

Informer::Informer(ApiTransport& transport, InformerOptions options, Handler on_changes,
                   SyncedHandler on_synced)
    : transport_(transport),
      options_(std::move(options)),
      on_changes_(std::move(on_changes)),
      on_synced_(std::move(on_synced)),
      cache_(options_.transform),
      random_(std::random_device{}()) {
  if (!options_.logger) options_.logger = null_logger();
}

asio::awaitable<void> Informer::run() {
  co_await asio::this_coro::throw_if_cancelled(false);
  asio::steady_timer timer(co_await asio::this_coro::executor);
  Backoff backoff(options_.first_backoff, options_.max_backoff);
  while (!co_await is_cancelled()) {
    progressed_ = false;
    Result<> done;  // no ?: around co_await, which gcc 12 gets wrong
    if (cache_.resource_version().empty()) {
      done = co_await list();
    } else {
      done = co_await watch();
    }
    connected_ = done.has_value();
    if (progressed_) backoff.reset();
    if (done && progressed_) continue;
    if (co_await is_cancelled()) break;
    if (done.has_error()) {
      last_error_ = std::move(done).error();
      if (last_error_.code == Errc::kExhausted) {
        options_.logger->info("{}: the version is too old, listing again", options_.path);
        cache_.forget_resource_version();
      } else {
        options_.logger->warn("{}: {}", options_.path, last_error_.to_string());
      }
    }
    timer.expires_after(backoff.next());
    co_await timer.async_wait(kTuple);
  }
  connected_ = false;
}

asio::awaitable<Result<>> Informer::list() {
  cache_.begin_list();
  auto limit = fmt::to_string(options_.page_size);
  for (;;) {
    auto page = co_await call(transport_, list_request(limit));
    if (page.has_error() && page.error().code == Errc::kExhausted && !cache_.next_page().empty()) {
      // The pages are older than the server remembers: all at once, then.
      limit.clear();
      cache_.begin_list();
      continue;
    }
    if (page.has_error()) co_return std::move(page).error();
    ANTREA_CO_CHECK(cache_.add_page(*std::move(page)));
    if (cache_.next_page().empty()) break;
  }
  progressed_ = true;
  last_error_ = {};
  const bool first = !cache_.synced();
  const auto changes = cache_.finish_list();
  if (first || !changes.empty()) deliver(changes);
  if (first && on_synced_) on_synced_();
  co_return Result<>{};
}

asio::awaitable<Result<>> Informer::watch() {
  WatchDecoder decoder;
  const auto take = [&](std::string_view bytes) -> Result<> {
    ANTREA_TRY(auto events, decoder.feed(bytes));
    std::vector<Change> changes;
    Result<> outcome;
    for (auto& event : events) {
      auto applied = cache_.apply(std::move(event));
      if (applied.has_error()) {
        outcome = std::move(applied).error();
        break;
      }
      progressed_ = connected_ = true;
      changes.insert(changes.end(), applied->begin(), applied->end());
    }
    if (!changes.empty()) deliver(changes);
    return outcome;
  };
  const auto begin = std::chrono::steady_clock::now();
  auto done = co_await transport_.stream(watch_request(), take, options_.idle_timeout);
  // A watch without events that the server ended in good time is fine; one that it ends at once is
  // not.
  if (done && std::chrono::steady_clock::now() - begin > options_.max_backoff) progressed_ = true;
  co_return done;
}

// No coroutines: gcc 12 destroys the temporaries of an initializer list twice in those.

ApiRequest Informer::list_request(std::string_view limit) const {
  // The first list may be as old as what the server has at hand: when all agents start at once,
  // this spares etcd. A list that follows must not be older than what is known.
  const bool any_version = !cache_.synced() && cache_.next_page().empty();
  ApiRequest request;
  request.timeout = options_.list_timeout;
  request.target = options_.path + "?" +
                   encode_query({{"labelSelector", options_.label_selector},
                                 {"fieldSelector", options_.field_selector},
                                 {"limit", limit},
                                 {"resourceVersion", any_version ? "0" : ""},
                                 {"continue", cache_.next_page()}});
  return request;
}

ApiRequest Informer::watch_request() {
  const auto length = std::chrono::duration_cast<std::chrono::seconds>(options_.watch_length);
  const auto most = std::max<std::int64_t>(length.count(), 1);
  std::uniform_int_distribution<std::int64_t> spread(std::max<std::int64_t>(most / 2, 1), most);
  const auto seconds = fmt::to_string(spread(random_));
  ApiRequest request;
  request.target = options_.path + "?" +
                   encode_query({{"watch", "1"},
                                 {"allowWatchBookmarks", "true"},
                                 {"resourceVersion", cache_.resource_version()},
                                 {"timeoutSeconds", seconds},
                                 {"labelSelector", options_.label_selector},
                                 {"fieldSelector", options_.field_selector}});
  return request;
}

void Informer::deliver(std::span<const Change> changes) const {
  if (on_changes_) on_changes_(changes);
}

}  // namespace antrea::kube
