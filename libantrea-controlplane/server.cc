#include "antrea/controlplane/server.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/json.hpp>
#include <charconv>
#include <map>
#include <optional>
#include <random>

#include "antrea/kube/openapi.h"

namespace antrea::controlplane {

using namespace api::controlplane;
namespace json = boost::json;
using kube::HttpExchange;
using kube::HttpRequest;
using kube::HttpResponse;
using kube::HttpStream;

namespace {

constexpr std::string_view kStatistics = "nodestatssummaries";

/// Bytes that may wait in a connection before we leave the rest in the store, where it is shared.
constexpr std::size_t kHighWater = std::size_t{1} << 20;

HttpResponse answer(int code, std::string body, Format format) {
  return {code, {{"Content-Type", std::string(content_type(format))}}, std::move(body)};
}

HttpResponse refuse(int code, std::string reason, std::string message, Format format) {
  api::Status status{"Failure", std::move(message), std::move(reason), code};
  HttpResponse response = answer(code, encode(status, format), format);
  if (code == 503) response.headers.emplace_back("Retry-After", "1");
  return response;
}

/// The first of the media types asked for that we have; nothing if there is none.
std::optional<Format> accepted_format(std::string_view accept) {
  if (accept.empty()) return Format::kJson;
  while (!accept.empty()) {
    const std::size_t comma = std::min(accept.find(','), accept.size());
    std::string_view type = accept.substr(0, comma);
    accept.remove_prefix(std::min(comma + 1, accept.size()));
    while (type.starts_with(' ')) type.remove_prefix(1);
    type = type.substr(0, type.find(';'));
    while (type.ends_with(' ')) type.remove_suffix(1);
    if (type == content_type(Format::kProtobuf)) return Format::kProtobuf;
    if (type == "application/json" || type == "application/*" || type == "*/*")
      return Format::kJson;
  }
  return std::nullopt;
}

struct FieldSelector {
  std::string node, name;
};

/// "nodeName=n1,metadata.name=x"; nothing if it holds something else.
std::optional<FieldSelector> parse_field_selector(std::string_view text) {
  FieldSelector selector;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string_view term = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    const std::size_t equals = term.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    std::string_view value = term.substr(equals + 1);
    if (value.starts_with('=')) value.remove_prefix(1);
    if (term.substr(0, equals) == "nodeName")
      selector.node = value;
    else if (term.substr(0, equals) == "metadata.name")
      selector.name = value;
    else
      return std::nullopt;
  }
  return selector;
}

bool is_set(const HttpRequest& request, std::string_view parameter) {
  const std::string* value = request.parameter(parameter);
  return value != nullptr && (*value == "true" || *value == "1");
}

/// What it tells of itself.
const kube::ResourceTypes& served_types() {
  static const kube::ResourceTypes kTypes = [] {
    kube::ResourceTypes types;
    for (kube::ResourceType& type : Server::resource_types()) types.add(std::move(type));
    return types;
  }();
  return kTypes;
}

/// Calls `use` with a null pointer of the resource's type.
template <typename Use>
auto with_type(Resource resource, Use use) {
  switch (resource) {
    case Resource::kNetworkPolicies:
      return use(static_cast<NetworkPolicy*>(nullptr));
    case Resource::kAddressGroups:
      return use(static_cast<AddressGroup*>(nullptr));
    case Resource::kAppliedToGroups:
      return use(static_cast<AppliedToGroup*>(nullptr));
    case Resource::kEgressGroups:
      return use(static_cast<EgressGroup*>(nullptr));
    default:
      return use(static_cast<EvaluatedPods*>(nullptr));
  }
}

struct Watch {
  HttpStream stream;
  boost::asio::steady_timer end;
};

}  // namespace

struct Server::Impl : std::enable_shared_from_this<Server::Impl> {
  Impl(boost::asio::any_io_executor given, ServerOptions chosen)
      : executor(std::move(given)),
        options(std::move(chosen)),
        store(options.store),
        random(std::random_device{}()) {
    if (!options.logger) options.logger = null_logger();
  }

  boost::asio::any_io_executor executor;
  ServerOptions options;
  Store store;
  std::map<WatcherId, Watch> watches;
  std::mt19937 random;
  bool ready = false;

  HttpResponse get(Resource resource, const std::string& name, Format format) const {
    return with_type(resource, [&]<typename T>(T*) {
      const auto object = store.find<T>(name);
      if (object) return answer(200, encode(*object, format), format);
      return refuse(404, "NotFound",
                    std::string(to_string(resource)) + "." + std::string(kGroup) + " \"" + name +
                        "\" not found",
                    format);
    });
  }

  HttpResponse list(Resource resource, const FieldSelector& selector, Format format) const {
    return with_type(resource, [&]<typename T>(T*) {
      auto objects = store.list<T>(selector.node);
      if (!selector.name.empty())
        std::erase_if(objects,
                      [&](const auto& each) { return each->metadata.name != selector.name; });
      return answer(200,
                    encode_list<T>(std::span<const std::shared_ptr<const T>>(objects),
                                   std::to_string(store.revision()), format),
                    format);
    });
  }

  static Format format_of_body(const HttpRequest& request) {
    return request.header("Content-Type").starts_with(content_type(Format::kProtobuf))
               ? Format::kProtobuf
               : Format::kJson;
  }

  HttpResponse take_statistics(const HttpRequest& request, Format format) {
    const auto summary = decode_as<NodeStatsSummary>(request.body, format_of_body(request));
    if (!summary) return refuse(400, "BadRequest", summary.error().to_string(), format);
    if (options.on_statistics) options.on_statistics(*summary);
    return answer(201, encode(*summary, format), format);
  }

  HttpResponse take_status(const HttpRequest& request, const std::string& name, Format format) {
    const auto status = decode_as<NetworkPolicyStatus>(request.body, format_of_body(request));
    if (!status) return refuse(400, "BadRequest", status.error().to_string(), format);
    if (status->metadata.name != name)
      return refuse(400, "BadRequest",
                    "metadata.name: found \"" + status->metadata.name + "\", expected \"" + name +
                        "\" as in the path",
                    format);
    if (options.on_status) options.on_status(*status);
    return answer(201, encode(api::Status{"Success", {}, {}, 0}, format), format);
  }

  // --- Watches
  // -------------------------------------------------------------------------------------

  std::chrono::milliseconds lifetime(const HttpRequest& request) {
    const std::string* text = request.parameter("timeoutSeconds");
    int seconds = 0;
    if (text != nullptr) std::from_chars(text->data(), text->data() + text->size(), seconds);
    if (seconds > 0) return std::chrono::seconds(seconds);
    using Milliseconds = std::uniform_int_distribution<std::int64_t>;
    return std::chrono::milliseconds(
        Milliseconds(options.min_watch.count() * 1000, options.max_watch.count() * 1000)(random));
  }

  void start_watch(const HttpRequest& request, HttpExchange& exchange, WatchRequest wanted) {
    const auto life = lifetime(request);
    HttpStream stream = exchange.open_stream(
        200, {{"Content-Type", std::string(watch_content_type(wanted.format))}});
    options.logger->debug("watch {} of Node \"{}\" by \"{}\"", to_string(wanted.resource),
                          wanted.node, request.user);
    const WatcherId id = store.watch(std::move(wanted));
    auto& watch =
        watches.emplace(id, Watch{stream, boost::asio::steady_timer(executor, life)}).first->second;
    watch.end.async_wait([weak = weak_from_this(), id](boost::system::error_code error) {
      const auto self = weak.lock();
      if (!error && self) self->end_watch(id);
    });
    stream.on_drained([this, id] { pump(id); });
    stream.on_closed([this, id] { forget(id); });
    pump(id);
  }

  /// Moves what waits in the store to the connection, as far as that takes it.
  void pump(WatcherId id) {
    const auto found = watches.find(id);
    if (found == watches.end()) return;
    HttpStream stream = found->second.stream;
    while (stream.open() && stream.pending_size() < kHighWater) {
      auto pending = store.take(id, kHighWater);
      for (auto& frame : pending.frames) stream.write(std::move(frame));
      if (pending.dropped) {
        options.logger->warn("a watch was too slow and is ended");
        return end_watch(id);
      }
      if (pending.frames.empty()) return;
    }
  }

  void end_watch(WatcherId id) {
    const auto found = watches.find(id);
    if (found == watches.end()) return;
    HttpStream stream = found->second.stream;
    forget(id);
    stream.close();
  }

  void forget(WatcherId id) {
    store.unwatch(id);
    watches.erase(id);
  }

  // --- Requests
  // ------------------------------------------------------------------------------------

  void handle(HttpRequest request, HttpExchange exchange) {
    std::string_view rest(request.path);
    if (rest.starts_with(kPath)) rest.remove_prefix(kPath.size());
    std::vector<std::string> parts;
    while (!rest.empty()) {
      if (rest.starts_with('/')) rest.remove_prefix(1);
      const std::string_view part = rest.substr(0, rest.find('/'));
      if (!part.empty()) parts.emplace_back(part);
      rest.remove_prefix(part.size());
    }
    const auto format = accepted_format(request.header("Accept"));
    if (!format)
      return exchange.respond(refuse(406, "NotAcceptable",
                                     "only application/json and "
                                     "application/vnd.kubernetes.protobuf are served",
                                     Format::kJson));
    if (parts.empty() && request.method == "GET")
      return exchange.respond(
          HttpResponse::json(200, json::serialize(kube::api_group(served_types(), kGroup))));
    if (parts.size() == 1 && parts[0] == kVersion && request.method == "GET")
      return exchange.respond(HttpResponse::json(
          200, json::serialize(kube::api_resource_list(served_types(), kGroup, kVersion))));
    if (parts == std::vector<std::string>{std::string(kVersion), std::string(kStatistics)})
      return exchange.respond(
          request.method == "POST"
              ? take_statistics(request, *format)
              : refuse(405, "MethodNotAllowed",
                       "the server allows only to create " + std::string(kStatistics), *format));
    const auto resource =
        parts.size() > 1 && parts[0] == kVersion ? parse_resource(parts[1]) : std::nullopt;
    if (!resource || parts.size() > 4)
      return exchange.respond(
          refuse(404, "NotFound", "the server could not find the requested resource", *format));
    if (!ready)
      return exchange.respond(
          refuse(503, "ServiceUnavailable", "the policies have not been computed yet", *format));
    const std::string name = parts.size() > 2 ? parts[2] : std::string();
    if (parts.size() == 4) {
      if (resource != Resource::kNetworkPolicies || parts[3] != "status")
        return exchange.respond(
            refuse(404, "NotFound", "the server could not find the requested resource", *format));
      if (request.method == "POST" || request.method == "PUT")
        return exchange.respond(take_status(request, name, *format));
    } else if (request.method == "GET") {
      return read(request, exchange, *resource, name, *format);
    }
    exchange.respond(refuse(405, "MethodNotAllowed",
                            "the server does not allow this method on the requested resource",
                            *format));
  }

  void read(const HttpRequest& request, HttpExchange& exchange, Resource resource,
            const std::string& name, Format format) {
    const std::string* fields = request.parameter("fieldSelector");
    const auto selector = parse_field_selector(fields != nullptr ? *fields : std::string());
    if (!selector)
      return exchange.respond(refuse(
          400, "BadRequest",
          "fieldSelector: found \"" + *fields + "\", expected nodeName=NAME or metadata.name=NAME",
          format));
    if (is_set(request, "watch")) {
      return start_watch(request, exchange,
                         {.resource = resource,
                          .format = format,
                          .node = selector->node,
                          .name = name.empty() ? selector->name : name,
                          .progress = is_set(request, "allowWatchBookmarks"),
                          .mark_initial_end = is_set(request, "sendInitialEvents") &&
                                              is_set(request, "allowWatchBookmarks")});
    }
    exchange.respond(name.empty() ? list(resource, *selector, format)
                                  : get(resource, name, format));
  }
};

Server::Server(boost::asio::any_io_executor executor, ServerOptions options)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(options))) {}

Server::~Server() {
  while (!impl_->watches.empty()) impl_->end_watch(impl_->watches.begin()->first);
}

void Server::publish(const Changes& changes) {
  impl_->ready = true;
  for (const WatcherId id : impl_->store.apply(changes)) impl_->pump(id);
}

void Server::handle(HttpRequest request, HttpExchange exchange) {
  impl_->handle(std::move(request), std::move(exchange));
}

const Store& Server::store() const { return impl_->store; }

std::vector<kube::ResourceType> Server::resource_types() {
  std::vector<kube::ResourceType> types;
  for (const Resource resource : kResources) {
    kube::ResourceType& type = types.emplace_back();
    type.group = kGroup;
    type.version = kVersion;
    type.kind = kind_of(resource);
    type.plural = to_string(resource);
    type.namespaced = false;
    type.verbs = {"get", "list", "watch"};
    if (resource == Resource::kNetworkPolicies)
      type.subresources = {{"status", "NetworkPolicyStatus", {}, {}, {"create"}}};
  }
  kube::ResourceType& statistics = types.emplace_back();
  statistics.group = kGroup;
  statistics.version = kVersion;
  statistics.kind = "NodeStatsSummary";
  statistics.plural = kStatistics;
  statistics.namespaced = false;
  statistics.verbs = {"create"};
  return types;
}

}  // namespace antrea::controlplane
