#include "antrea/kube/patch_queue.h"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <utility>

namespace antrea::kube {

using boost::asio::awaitable;

PatchQueue::PatchQueue(boost::asio::any_io_executor executor, ApiTransport& transport,
                       Logger logger, Duration first_pause)
    : transport_(transport),
      logger_(std::move(logger)),
      first_pause_(first_pause),
      changed_(std::move(executor)) {}

void PatchQueue::set(const std::string& path, boost::json::object patch) {
  const auto found = pending_.find(path);
  if (found != pending_.end() && found->second.patch == patch) return;
  pending_.insert_or_assign(path, Pending{std::move(patch), {}, Backoff(first_pause_, kMostPause)});
  changed_.notify();
}

void PatchQueue::drop(const std::string& path) { pending_.erase(path); }

awaitable<Result<>> PatchQueue::send(std::string path, boost::json::object patch) {
  ApiRequest request;
  request.method = "PATCH";
  request.target = std::move(path);
  request.content_type = "application/merge-patch+json";
  request.body = boost::json::serialize(patch);
  ANTREA_CO_CHECK(co_await call(transport_, std::move(request)));
  co_return Result<>();
}

awaitable<void> PatchQueue::write(std::string path) {
  const boost::json::object patch = pending_.at(path).patch;
  const auto written = co_await send(path, patch);
  const auto found = pending_.find(path);
  // Whether something else is wanted by now: that is yet to be written.
  if (found == pending_.end() || found->second.patch != patch) co_return;
  if (written || written.error().code == Errc::kNotFound) {
    pending_.erase(found);
    co_return;
  }
  logger_->warn("{}", Error(written.error()).within("write", path).to_string());
  found->second.due = std::chrono::steady_clock::now() + found->second.backoff.next();
}

awaitable<void> PatchQueue::run() {
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
