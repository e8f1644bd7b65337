#include "node_port_local_agent.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/json.hpp>

#include "antrea/api/json.h"
#include "api_objects.h"

namespace antrea::agent {

namespace {

namespace json = boost::json;
using boost::asio::awaitable;
using namespace std::chrono_literals;

constexpr Duration kFirstRetry = 1s, kLastRetry = 5s;
/// When those who got no port are looked at again.
constexpr Duration kExhaustedRetry = 30s;

proxy::NodePortLocalConfig engine_config(const Options& options) {
  proxy::NodePortLocalConfig config;
  config.node_name = options.node;
  config.first_port = options.node_port_local_first;
  config.last_port = options.node_port_local_last;
  return config;
}

std::string status_path(const api::ObjectKey& pod) {
  return "/api/v1/namespaces/" + pod.namespace_ + "/pods/" + pod.name + "/status";
}

/// One socket for each port: more than a process may have open unless it says so.
void allow_open_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

std::string annotation_of(const json::object& pod) {
  const auto child = [](const json::object* in, std::string_view key) {
    const auto* const value = in != nullptr ? in->if_contains(key) : nullptr;
    return value != nullptr ? value->if_object() : nullptr;
  };
  const auto* const all = child(child(&pod, "metadata"), "annotations");
  const auto* const said = all != nullptr ? all->if_contains(proxy::kExposuresAnnotation) : nullptr;
  return said != nullptr && said->is_string() ? std::string(said->get_string()) : std::string();
}

}  // namespace

NodePortLocalAgent::NodePortLocalAgent(boost::asio::any_io_executor executor,
                                       const Options& options, kube::ApiTransport& api,
                                       std::function<Result<>()> set_up_host, Logger logger)
    : options_(options),
      logger_(logger),
      engine_(engine_config(options)),
      keeper_(engine_, {.translate =
                            [this, set_up_host = std::move(set_up_host)](const auto& ports) {
                              translations_ = ports;
                              return set_up_host();
                            }}),
      pods_(
          api, pods_of(options, logger),
          [this](std::span<const kube::Change> changes) { take_pods(changes); },
          [this] { begin_if_known(); }),
      patches_(executor, api, std::move(logger)),
      changed_(std::move(executor)),
      backoff_(kFirstRetry, kLastRetry) {
  allow_open_files();
}

void NodePortLocalAgent::take_services(std::span<const kube::Change> changes) {
  each_decoded(changes, api::decode_service, logger_,
               [this](const api::Service& service, bool gone) {
                 follow(gone ? engine_.remove_service(api::key_of(service.metadata))
                             : engine_.apply(service));
               });
}

void NodePortLocalAgent::services_known() {
  services_known_ = true;
  begin_if_known();
}

void NodePortLocalAgent::take_node(const api::Node& node) {
  std::vector<IpAddress> ips = node.external_ips;  // these go before, in each family
  ips.insert(ips.end(), node.internal_ips.begin(), node.internal_ips.end());
  follow(engine_.set_node_ips(ips));
}

void NodePortLocalAgent::take_pods(std::span<const kube::Change> changes) {
  if (!begun_) return;  // begin_if_known() takes all at once
  each_decoded(changes, api::decode_pod, logger_, [this](const api::Pod& pod, bool gone) {
    const auto key = api::key_of(pod.metadata);
    if (gone) {
      patches_.drop(status_path(key));
      return follow(engine_.remove_pod(key));
    }
    // Also of Pods that the engine has nothing to say about: what others wrote is put right.
    auto outcome = engine_.apply(std::span(&pod, 1));
    outcome.annotate.insert(key);
    follow(std::move(outcome));
  });
}

/// Ports of before can be kept only if all Pods are told of at once, behind the Services.
void NodePortLocalAgent::begin_if_known() {
  if (begun_ || !services_known_ || !pods_.cache().synced()) return;
  begun_ = true;
  std::vector<api::Pod> all;
  for (const auto& [name, object] : pods_.cache().objects()) {
    auto pod = decoded(object, api::decode_pod, logger_);
    if (!pod) continue;
    unsettled_.annotate.insert(api::key_of(pod->metadata));
    all.push_back(*std::move(pod));
  }
  follow(engine_.apply(all));
  due_ = TimePoint{};  // also without Pods: what is there of before goes
  changed_.notify();
}

void NodePortLocalAgent::follow(proxy::NodePortLocalOutcome outcome) {
  if (outcome.empty()) return;
  unsettled_.annotate.merge(outcome.annotate);
  unsettled_.exhausted.insert(unsettled_.exhausted.end(), outcome.exhausted.begin(),
                              outcome.exhausted.end());
  due_ = TimePoint{};
  changed_.notify();
}

void NodePortLocalAgent::settle() {
  const auto now = std::chrono::steady_clock::now();
  due_.reset();
  if (const auto done = keeper_.settle(unsettled_); !done) {
    logger_->error("NodePortLocal: {}", done.error().to_string());
    due_ = now + backoff_.next();
    return;
  }
  backoff_.reset();
  const auto settled = std::exchange(unsettled_, {});
  for (const api::ObjectKey& pod : settled.annotate) tell(pod);
  for (const std::string& port : settled.exhausted)
    logger_->warn("NodePortLocal: no port of the Node is left for {}", port);
  if (!settled.exhausted.empty()) due_ = now + kExhaustedRetry;
}

void NodePortLocalAgent::tell(const api::ObjectKey& pod) {
  const auto object = pods_.cache().find(pod.to_string());
  const std::string path = status_path(pod);
  if (!object) return patches_.drop(path);
  const std::string wanted = proxy::to_annotation(engine_.exposures(pod));
  if (annotation_of(*object) == wanted) return patches_.drop(path);
  const json::value value = wanted.empty() ? json::value() : json::value(wanted);
  patches_.patch(path, {{"metadata", {{"annotations", {{proxy::kExposuresAnnotation, value}}}}}});
}

std::string NodePortLocalAgent::port_range() const {
  return fmt::format("{}-{}", options_.node_port_local_first, options_.node_port_local_last);
}

awaitable<void> NodePortLocalAgent::keep() {
  co_await boost::asio::this_coro::throw_if_cancelled(false);
  for (;;) {
    const bool cancelled = co_await is_cancelled();
    if (cancelled) co_return;
    if (!begun_ || !due_) {
      co_await changed_.wait();
    } else if (*due_ > std::chrono::steady_clock::now()) {
      (void)co_await changed_.wait_until(*due_);
    } else {
      follow(engine_.try_again());
      settle();
    }
  }
}

awaitable<void> NodePortLocalAgent::run() {
  using namespace boost::asio::experimental::awaitable_operators;
  co_await (pods_.run() && patches_.run() && keep());
}

}  // namespace antrea::agent
