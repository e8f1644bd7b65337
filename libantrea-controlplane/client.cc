#include "antrea/controlplane/client.h"

#include <algorithm>
#include <deque>
#include <limits>

#include "antrea/base/asio.h"
#include "antrea/controlplane/object_files.h"
#include "antrea/controlplane/server.h"
#include "subscription.h"

namespace antrea::controlplane {

using namespace api::controlplane;
using boost::asio::awaitable;

namespace {

std::string path_of(Resource resource) {
  std::string path(Server::kPath);
  return path.append("/").append(kVersion).append("/").append(to_string(resource));
}

bool carries_rules(Resource resource) {
  return resource != Resource::kEvaluatedPods && resource != Resource::kEgressGroups;
}

/// Which of the formats a stream is in. A frame of Protobuf that began with '{' would be 2 GB long.
Format format_of(std::string_view bytes) {
  return bytes.starts_with('{') ? Format::kJson : Format::kProtobuf;
}

}  // namespace

struct Client::Impl {
  Impl(kube::ApiTransport& way, ClientOptions chosen) : transport(way), options(std::move(chosen)) {
    if (!options.logger) options.logger = null_logger();
    if (!options.directory.empty()) files.emplace(options.directory, options.logger);
  }

  struct Watch {
    explicit Watch(Resource resource) : subscription(resource) {}
    Subscription subscription;
    bool received = false;  ///< a full set was had, from a controller or from the files
    TimePoint heard;        ///< when it was begun, or bytes came last
  };

  kube::ApiTransport& transport;
  ClientOptions options;
  std::optional<ObjectFiles> files;
  std::array<Watch, 5> watches{Watch(Resource::kNetworkPolicies), Watch(Resource::kAddressGroups),
                               Watch(Resource::kAppliedToGroups), Watch(Resource::kEvaluatedPods),
                               Watch(Resource::kEgressGroups)};
  bool synced = false;
  std::vector<policy::RuleInput> held_back;  // until every resource was received once

  /// Evaluated Pods whose policies are still on their way, by revision.
  std::deque<std::pair<std::uint64_t, std::vector<EvaluatedPod>>> evaluated;

  // --- Handing on
  // ----------------------------------------------------------------------------------

  Result<> hand_on(std::vector<policy::RuleInput> batch) {
    if (!synced) {
      held_back.insert(held_back.end(), std::make_move_iterator(batch.begin()),
                       std::make_move_iterator(batch.end()));
      for (const Watch& watch : watches)
        if (carries_rules(watch.subscription.resource()) && !watch.received) return {};
      synced = true;
      batch = std::exchange(held_back, {});
    }
    if (batch.empty() || !options.on_rules) return {};
    return options.on_rules(std::move(batch));
  }

  bool watches_egress() const { return static_cast<bool>(options.on_egress_groups); }

  /// The revision up to which all watches that a Pod waits for have received everything.
  std::uint64_t progress() const {
    std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
    for (const Watch& watch : watches) {
      const Resource resource = watch.subscription.resource();
      if (carries_rules(resource) || (resource == Resource::kEgressGroups && watches_egress()))
        least = std::min(least, watch.subscription.progress());
    }
    return least;
  }

  /// Pods count as evaluated once the other watches got as far as the controller was when it
  /// said so.
  void hand_on_evaluated() {
    if (!synced) return;
    std::optional<std::vector<EvaluatedPod>> ready;
    while (!evaluated.empty() && progress() >= evaluated.front().first) {
      ready = std::move(evaluated.front().second);
      evaluated.pop_front();
    }
    if (ready && options.on_evaluated) options.on_evaluated(std::move(ready));
  }

  // --- Files
  // ---------------------------------------------------------------------------------------

  void keep(const Subscription::Event& event) {
    if (!files) return;
    Result<> kept;
    if (event.is_full_set && !event.rules.empty()) {
      if (const auto* all = std::get_if<policy::PoliciesReplaced>(&event.rules[0]))
        kept = files->replace<NetworkPolicy>(all->objects);
      else if (const auto* all = std::get_if<policy::AddressGroupsReplaced>(&event.rules[0]))
        kept = files->replace<AddressGroup>(all->objects);
      else if (const auto* all = std::get_if<policy::AppliedToGroupsReplaced>(&event.rules[0]))
        kept = files->replace<AppliedToGroup>(all->objects);
    } else if (event.object) {
      const EventType type = event.object->first;
      kept =
          std::visit([&](const auto& object) { return keep(type, object); }, event.object->second);
    }
    if (!kept)
      options.logger->error("what the controller said is not kept: {}", kept.error().to_string());
  }
  template <typename T>
  Result<> keep(EventType type, const T& object) {
    if constexpr (std::is_same_v<T, AddressGroupPatch>)
      return files->patch<AddressGroup>(object);
    else if constexpr (std::is_same_v<T, AppliedToGroupPatch>)
      return files->patch<AppliedToGroup>(object);
    else if constexpr (std::is_same_v<T, NetworkPolicy> || std::is_same_v<T, AddressGroup> ||
                       std::is_same_v<T, AppliedToGroup>)
      return type == EventType::kDeleted ? files->remove<T>(object.metadata) : files->put(object);
    else
      return {};
  }

  template <typename T>
  Result<policy::RuleInput> load() const {
    ANTREA_TRY(auto objects, files->load<T>());
    options.logger->warn("no controller: {} objects are taken from files", objects.size());
    return full_set(std::move(objects));
  }

  /// The last resort of a start without controller.
  void take_from_files(Watch& watch) {
    if (!files || watch.received) return;
    Result<policy::RuleInput> full = make_error(Errc::kNotFound, "no such resource");
    if (watch.subscription.resource() == Resource::kNetworkPolicies) full = load<NetworkPolicy>();
    if (watch.subscription.resource() == Resource::kAddressGroups) full = load<AddressGroup>();
    if (watch.subscription.resource() == Resource::kAppliedToGroups) full = load<AppliedToGroup>();
    if (!full) return;
    watch.received = true;
    std::vector<policy::RuleInput> batch;
    batch.push_back(*std::move(full));
    if (const auto done = hand_on(std::move(batch)); !done)
      options.logger->error("the kept objects are refused: {}", done.error().to_string());
  }

  // --- Watching
  // ------------------------------------------------------------------------------------

  Result<> take(Watch& watch, FrameReader& reader, Format format) {
    std::vector<policy::RuleInput> batch;
    bool egress_groups = false;
    while (true) {
      ANTREA_TRY(auto frame, reader.next());
      if (!frame) break;
      ANTREA_TRY(Subscription::Event event, watch.subscription.take(*frame, format));
      keep(event);
      watch.received = watch.received || event.is_full_set;
      egress_groups = egress_groups || event.egress_groups;
      batch.insert(batch.end(), std::make_move_iterator(event.rules.begin()),
                   std::make_move_iterator(event.rules.end()));
    }
    ANTREA_CHECK(hand_on(std::move(batch)));
    const Subscription& from = watch.subscription;
    if (egress_groups) options.on_egress_groups(from.egress_groups());
    if (from.resource() == Resource::kEvaluatedPods && from.live() &&
        (evaluated.empty() || evaluated.back().first != from.evaluated_revision()))
      evaluated.emplace_back(from.evaluated_revision(), from.evaluated());
    hand_on_evaluated();
    return {};
  }

  awaitable<Result<>> watch_once(Watch& watch) {
    using namespace boost::asio::experimental::awaitable_operators;
    watch.heard = std::chrono::steady_clock::now();
    auto stream = follow(watch);
    auto silence = await_silence(watch);
    auto ended = co_await (std::move(stream) || std::move(silence));
    co_return std::visit([](auto&& result) { return Result<>(std::move(result)); },
                         std::move(ended));
  }

  /// Until the watch has been silent for too long without having told everything.
  awaitable<Result<>> await_silence(const Watch& watch) {
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
    while (!watch.subscription.live()) {
      const TimePoint due = watch.heard + options.patience;
      if (std::chrono::steady_clock::now() >= due)
        co_return make_error(Errc::kTimeout, "watch: no BOOKMARK came behind the objects");
      timer.expires_at(due);
      co_await timer.async_wait(kTuple);
    }
    timer.expires_at(TimePoint::max());
    co_await timer.async_wait(kTuple);
    co_return Result<>();
  }

  awaitable<Result<>> follow(Watch& watch) {
    watch.subscription.begin();
    if (watch.subscription.resource() == Resource::kEvaluatedPods) evaluated.clear();
    kube::ApiRequest request;
    request.target = path_of(watch.subscription.resource()) + "?" +
                     kube::encode_query({{"fieldSelector", "nodeName=" + options.node},
                                         {"watch", "true"},
                                         {"allowWatchBookmarks", "true"}});
    request.accept = content_type(Format::kProtobuf);
    std::optional<FrameReader> reader;
    Format format = Format::kProtobuf;
    auto sink = [&](std::string_view bytes) -> Result<> {
      if (bytes.empty()) return {};
      watch.heard = std::chrono::steady_clock::now();
      if (!reader) reader.emplace(format = format_of(bytes));
      reader->feed(bytes);
      return take(watch, *reader, format);
    };
    const auto ended = co_await transport.stream(std::move(request), sink, options.idle);
    if (ended && reader && !reader->at_boundary())
      co_return make_error(Errc::kUnavailable, "watch: the stream ended inside an event");
    co_return ended;
  }

  /// Until cancelled; leaves by the exception that Asio throws at the next suspension then. (An
  /// outcome instead could be missed: a cancellation between two steps of the transport cancels
  /// neither.)
  awaitable<void> keep_watching(Watch& watch) {
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
    Backoff backoff(options.first_retry, options.most_retry);
    const Resource resource = watch.subscription.resource();
    while (true) {
      const auto ended = co_await watch_once(watch);
      const bool was_live = watch.subscription.live();
      watch.subscription.end();
      Duration pause = backoff.next();
      if (was_live) backoff.reset();
      if (resource == Resource::kEvaluatedPods && !ended && ended.error().code == Errc::kNotFound) {
        if (options.on_evaluated) options.on_evaluated(std::nullopt);
        pause = options.unsupported_retry;
      } else if (!ended) {
        options.logger->warn("watch of {} ended: {}", to_string(resource),
                             ended.error().to_string());
        if (ended.error().code != Errc::kCancelled) take_from_files(watch);
      }
      timer.expires_after(pause);
      co_await timer.async_wait(kTuple);
    }
  }
};

Client::Client(kube::ApiTransport& transport, ClientOptions options)
    : impl_(std::make_unique<Impl>(transport, std::move(options))) {}
Client::~Client() = default;

awaitable<void> Client::run() {
  using namespace boost::asio::experimental::awaitable_operators;
  auto& [policies, address_groups, applied_to_groups, evaluated, egress_groups] = impl_->watches;
  try {
    auto rules = impl_->keep_watching(policies) && impl_->keep_watching(address_groups) &&
                 impl_->keep_watching(applied_to_groups) && impl_->keep_watching(evaluated);
    if (impl_->watches_egress())
      co_await (std::move(rules) && impl_->keep_watching(egress_groups));
    else
      co_await std::move(rules);
  } catch (const std::exception& cancelled) {
    impl_->options.logger->debug("the watches have ended: {}", cancelled.what());
  }
}

bool Client::synced() const { return impl_->synced; }

bool Client::connected() const {
  for (const auto& watch : impl_->watches)
    if (carries_rules(watch.subscription.resource()) && !watch.subscription.live()) return false;
  return true;
}

namespace {

template <typename T>
kube::ApiRequest post(std::string target, const T& object) {
  kube::ApiRequest request;
  request.method = "POST";
  request.target = std::move(target);
  request.body = encode(object, Format::kProtobuf);
  request.content_type = content_type(Format::kProtobuf);
  return request;
}

awaitable<Result<>> send(kube::ApiTransport& transport, kube::ApiRequest request) {
  const auto response = co_await transport.send(std::move(request));
  if (!response) co_return response.error();
  if (response->status / 100 != 2) co_return kube::status_error(*response);
  co_return Result<>();
}

}  // namespace

awaitable<Result<>> Client::report(NetworkPolicyStatus status) {
  const std::string policies = path_of(Resource::kNetworkPolicies);
  return send(impl_->transport, post(policies + "/" + status.metadata.name + "/status", status));
}

awaitable<Result<>> Client::report(NodeStatsSummary summary) {
  return send(impl_->transport,
              post("/apis/controlplane.antrea.io/v1beta2/nodestatssummaries", summary));
}

}  // namespace antrea::controlplane
