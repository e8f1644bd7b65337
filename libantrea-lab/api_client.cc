#include "api_client.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <exception>
#include <optional>
#include <thread>

#include "antrea/kube/informer.h"
#include "antrea/kube/kubeconfig.h"
#include "antrea/kube/rest_client.h"

namespace antrea::lab {

namespace net = boost::asio;
namespace json = boost::json;

struct ApiClient::Impl {
  net::io_context io{1};
  std::unique_ptr<kube::RestClient> rest;

  Result<json::value> call(kube::ApiRequest request) {
    std::optional<Result<json::object>> answer;
    net::co_spawn(io, kube::call(*rest, std::move(request)),
                  [&](const std::exception_ptr& failed, Result<json::object> result) {
                    if (!failed) answer.emplace(std::move(result));
                  });
    io.restart();
    while (!answer && io.run_one() > 0) continue;
    if (!answer) return make_error(Errc::kInternal, "the request ended without a result");
    if (answer->has_error()) return std::move(*answer).error();
    return json::value(std::move(**answer));
  }
};

ApiClient::ApiClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ApiClient::~ApiClient() = default;

Result<std::unique_ptr<ApiClient>> ApiClient::open(const std::string& kubeconfig) {
  ANTREA_TRY(kube::ClientConfig config, kube::load_kubeconfig(kubeconfig));
  auto impl = std::make_unique<Impl>();
  ANTREA_TRY(impl->rest,
             kube::RestClient::create(impl->io.get_executor(), std::move(config), "antrea-lab"));
  return std::unique_ptr<ApiClient>(new ApiClient(std::move(impl)));
}

Result<json::value> ApiClient::get(const std::string& path) {
  return impl_->call({.method = "GET", .target = path});
}

Result<json::value> ApiClient::create(const std::string& path, const json::value& object) {
  return impl_->call({.method = "POST", .target = path, .body = json::serialize(object)});
}

Result<json::value> ApiClient::merge_patch(const std::string& path, const json::value& patch) {
  return impl_->call({.method = "PATCH",
                      .target = path,
                      .body = json::serialize(patch),
                      .content_type = "application/merge-patch+json"});
}

Result<json::value> ApiClient::remove(const std::string& path, int grace_seconds) {
  json::object options{{"apiVersion", "v1"}, {"kind", "DeleteOptions"}};
  if (grace_seconds >= 0) options["gracePeriodSeconds"] = grace_seconds;
  return impl_->call({.method = "DELETE", .target = path, .body = json::serialize(options)});
}

struct ApiWatch::Impl {
  net::io_context io{1};
  std::unique_ptr<kube::RestClient> rest;
  std::optional<kube::Informer> informer;
  net::cancellation_signal stop;
  std::thread thread;
};

ApiWatch::ApiWatch(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<ApiWatch>> ApiWatch::start(const std::string& kubeconfig,
                                                  const std::string& path, Handler handle) {
  ANTREA_TRY(kube::ClientConfig config, kube::load_kubeconfig(kubeconfig));
  auto impl = std::make_unique<Impl>();
  ANTREA_TRY(impl->rest,
             kube::RestClient::create(impl->io.get_executor(), std::move(config), "antrea-lab"));
  auto on_changes = [handle](std::span<const kube::Change> changes) {
    for (const auto& change : changes) {
      handle(
          change.type == kube::Change::Type::kDeleted ? WatchEvent::kDeleted : WatchEvent::kChanged,
          json::value(*change.object));
    }
  };
  impl->informer.emplace(
      *impl->rest,
      kube::InformerOptions{.path = path, .max_backoff = std::chrono::seconds(2), .logger = {}},
      std::move(on_changes), [handle] { handle(WatchEvent::kSynced, nullptr); });
  net::co_spawn(impl->io, impl->informer->run(),
                net::bind_cancellation_slot(impl->stop.slot(), [](const std::exception_ptr&) {}));
  impl->thread = std::thread([io = &impl->io] { io->run(); });
  return std::unique_ptr<ApiWatch>(new ApiWatch(std::move(impl)));
}

ApiWatch::~ApiWatch() {
  net::post(impl_->io, [this] { impl_->stop.emit(net::cancellation_type::terminal); });
  impl_->thread.join();
}

}  // namespace antrea::lab
