#include <fmt/format.h>

#include <boost/asio/steady_timer.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <random>

#include "api_state.h"

// GET ...?watch=true
namespace antrea::kube {
namespace json = boost::json;

namespace {
/// What a slow client may leave lying before its watch waits for it.
constexpr std::size_t kMaxPending = 256 << 10;
}  // namespace

/// One watch over HTTP. Kept by the callbacks of its stream, so it goes when the stream does.
class ApiServer::State::HttpWatch final : public WatchSink,
                                          public std::enable_shared_from_this<HttpWatch> {
 public:
  HttpWatch(State& state, Representation representation, HttpStream stream, bool bookmarks,
            bool mark_initial_end)
      : state_(state),
        representation_(std::move(representation)),
        stream_(std::move(stream)),
        bookmarks_(bookmarks),
        mark_initial_end_(mark_initial_end),
        timer_(state.executor) {}

  void start(std::shared_ptr<Watcher> watcher, std::chrono::seconds timeout) {
    watcher_ = std::move(watcher);
    stream_.on_drained([self = shared_from_this()] { self->watcher_->pump(); });
    stream_.on_closed([self = shared_from_this()] { self->timer_.cancel(); });
    timer_.expires_after(timeout);
    timer_.async_wait([weak = weak_from_this()](boost::system::error_code code) {
      const auto self = weak.lock();
      if (code || !self) return;
      self->bookmark();
      self->stream_.close();
    });
    watcher_->pump();
  }

  /// Tells how far the client is, so that it can resume from there.
  void bookmark() {
    const auto version = watcher_->caught_up_to();
    if (bookmarks_ && stream_.pending_size() == 0 && version != last_bookmark_)
      stream_.write(representation_.bookmark(last_bookmark_ = version, false));
  }

  bool ready() const override { return stream_.open() && stream_.pending_size() < kMaxPending; }

  void event(StoreEvent::Type type, const ObjectPtr& object) override {
    const auto& media = representation_.media();
    if (media.form == Media::Form::kPlain) {
      stream_.write(state_.hub.shared_line(
          type, object, [&] { return representation_.event(type, *object, false); }));
      return;
    }
    representation_.set_now(state_.now_seconds());
    stream_.write(representation_.event(type, *object, std::exchange(first_, false)));
  }

  void synced(std::uint64_t version) override {
    if (mark_initial_end_) stream_.write(representation_.bookmark(version, true));
  }

  void expired(const StatusError& status) override {
    const auto self = shared_from_this();  // the stream's callbacks, which own it, go with `close`
    stream_.write(json::serialize(json::object{{"type", "ERROR"}, {"object", status.to_json()}}) +
                  "\n");
    timer_.cancel();
    stream_.close();
  }

 private:
  State& state_;
  Representation representation_;
  HttpStream stream_;
  bool bookmarks_, mark_initial_end_;
  bool first_ = true;
  std::uint64_t last_bookmark_ = 0;
  boost::asio::steady_timer timer_;
  std::shared_ptr<Watcher> watcher_;
};

void ApiServer::State::watch(Call call) {
  auto filter = filter_of(call);
  if (!filter) return refuse(call, filter.error());
  if (!call.path.name.empty()) {
    auto one =
        make_filter(call.path, call.parameter("labelSelector"), "metadata.name=" + call.path.name);
    if (!one) return refuse(call, one.error());
    filter = std::move(one);
  }
  const auto version_text = call.parameter("resourceVersion");
  std::uint64_t version = 0;
  const auto [end, code] =
      std::from_chars(version_text.data(), version_text.data() + version_text.size(), version);
  if (!version_text.empty() &&
      (code != std::errc{} || end != version_text.data() + version_text.size())) {
    StatusError status;
    status.message = fmt::format(
        "resourceVersion: Invalid value: \"{0}\": strconv.ParseUint: parsing \"{0}\": invalid "
        "syntax",
        version_text);
    return refuse(call, status);
  }
  // A watch without end would hide a dead client; without a wish it lasts half an hour to an hour.
  thread_local std::minstd_rand random{std::random_device{}()};
  std::uint32_t timeout = 0;
  const auto timeout_text = call.parameter("timeoutSeconds");
  std::from_chars(timeout_text.data(), timeout_text.data() + timeout_text.size(), timeout);
  if (timeout == 0) timeout = std::uniform_int_distribution<std::uint32_t>(1800, 3600)(random);

  call.media.yaml = false;
  const bool send_initial = call.flag("sendInitialEvents");
  const bool no_initial = call.parameter("sendInitialEvents") == "false";
  const bool bookmarks = call.flag("allowWatchBookmarks");
  const std::string resource = call.path.type->qualified_name();
  auto stream = call.exchange.open_stream(200, {{"Content-Type", "application/json"}});
  auto watch = std::make_shared<HttpWatch>(*this, representation(call), std::move(stream),
                                           bookmarks, send_initial && bookmarks);
  auto watcher = std::make_shared<Watcher>(store, resource, *std::move(filter), *watch);
  if (send_initial || (version == 0 && !no_initial))
    watcher->start_from_present();
  else
    watcher->start_from(version == 0 ? store.version() : version);
  hub.add(resource, watcher);
  std::erase_if(http_watches, [](const auto& each) { return each.expired(); });
  http_watches.push_back(watch);
  watch->start(std::move(watcher), std::chrono::seconds(timeout));
}

void ApiServer::State::tick_bookmarks() {
  auto timer = std::make_shared<boost::asio::steady_timer>(executor, options.bookmark_interval);
  bookmark_timer = timer;
  timer->async_wait([weak = weak_from_this(), timer](boost::system::error_code code) {
    const auto self = weak.lock();
    if (code || !self) return;
    const auto watches = self->http_watches;
    for (const auto& each : watches)
      if (const auto watch = each.lock()) watch->bookmark();
    self->tick_bookmarks();
  });
}

}  // namespace antrea::kube
