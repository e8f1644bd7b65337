#include "antrea/kube/write_queue.h"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <utility>

namespace antrea::kube {

using boost::asio::awaitable;

WriteQueue::WriteQueue(boost::asio::any_io_executor executor, ApiTransport& transport,
                       Logger logger, Duration first_pause)
    : transport_(transport),
      logger_(std::move(logger)),
      first_pause_(first_pause),
      changed_(std::move(executor)) {}

void WriteQueue::put(Key key, boost::json::object body) {
  pending_.insert_or_assign(std::move(key),
                            Pending{std::move(body), {}, Backoff(first_pause_, kMostPause)});
  changed_.notify();
}

void WriteQueue::patch(const std::string& path, boost::json::object patch) {
  const auto found = pending_.find({0, path});
  if (found == pending_.end() || found->second.body != patch) put({0, path}, std::move(patch));
}

void WriteQueue::drop(const std::string& path) { pending_.erase({0, path}); }

void WriteQueue::create(const std::string& path, boost::json::object object) {
  const auto first = pending_.lower_bound({1, ""});
  if (static_cast<std::size_t>(std::distance(first, pending_.end())) == kMostCreations)
    pending_.erase(first);
  put({++creations_, path}, std::move(object));
}

awaitable<Result<>> WriteQueue::send(Key key, boost::json::object body) {
  ApiRequest request;
  request.method = key.creation == 0 ? "PATCH" : "POST";
  if (key.creation == 0) request.content_type = "application/merge-patch+json";
  request.target = std::move(key.path);
  request.body = boost::json::serialize(body);
  ANTREA_CO_CHECK(co_await call(transport_, std::move(request)));
  co_return Result<>();
}

/// Nothing more can come of it.
bool WriteQueue::is_settled(const Key& key, const Result<>& written) {
  if (written) return true;
  const Errc code = written.error().code;
  if (key.creation == 0) return code == Errc::kNotFound;
  return code != Errc::kUnavailable && code != Errc::kTimeout && code != Errc::kIo;
}

awaitable<void> WriteQueue::write(Key key) {
  const boost::json::object body = pending_.at(key).body;
  const auto written = co_await send(key, body);
  if (!written) logger_->warn("{}", Error(written.error()).within("write", key.path).to_string());
  const auto found = pending_.find(key);
  // Whether something else is wanted by now: that is yet to be written.
  if (found == pending_.end() || found->second.body != body) co_return;
  if (is_settled(key, written))
    pending_.erase(found);
  else
    found->second.due = std::chrono::steady_clock::now() + found->second.backoff.next();
}

awaitable<void> WriteQueue::run() {
  co_await boost::asio::this_coro::throw_if_cancelled(false);
  for (;;) {
    const bool cancelled = co_await is_cancelled();
    if (cancelled) co_return;
    const auto next =
        std::ranges::min_element(pending_, {}, [](const auto& each) { return each.second.due; });
    if (next == pending_.end()) {
      co_await changed_.wait();
    } else if (next->second.due > std::chrono::steady_clock::now()) {
      (void)co_await changed_.wait_until(next->second.due);
    } else {
      co_await write(next->first);
    }
  }
}

}  // namespace antrea::kube
