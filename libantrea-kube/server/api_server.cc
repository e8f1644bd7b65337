#include "antrea/kube/api_server.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/serialize.hpp>

#include "../schema/json.h"
#include "antrea/api/yaml.h"
#include "antrea/base/hash.h"
#include "api_state.h"

namespace antrea::kube {
namespace json = boost::json;

namespace {
constexpr auto kPatienceForVersion = std::chrono::seconds(3);

/// What field selectors may ask of a type; metadata.name and metadata.namespace are in the object's
/// key.
Store::FieldsOf fields_of(const ResourceType& type) {
  if (type.selectable_fields.empty()) return nullptr;
  return [&type](const json::object& object) {
    Store::Fields fields;
    for (const auto& field : type.selectable_fields) {
      std::string value;
      if (type.field_value) {
        value = type.field_value(object, field);
      } else if (const auto* found = value_at(object, field)) {
        value = found->is_string() ? std::string(found->get_string()) : json::serialize(*found);
      }
      if (!value.empty()) fields.emplace_back(field, std::move(value));
    }
    return fields;
  };
}

std::vector<std::string_view> path_parts(std::string_view path) {
  std::vector<std::string_view> parts;
  for (std::size_t at = 0; at < path.size();) {
    const auto end = std::min(path.find('/', at), path.size());
    if (end > at) parts.push_back(path.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

bool below(std::string_view path, std::string_view prefix) {
  return path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
}

bool is_health(std::string_view path) {
  return below(path, "/healthz") || below(path, "/livez") || below(path, "/readyz") ||
         path == "/version";
}
}  // namespace

ParsedPath parse_path(const ResourceTypes& types, std::string_view text) {
  ParsedPath parsed;
  auto parts = path_parts(text);
  const auto take = [&parts] {
    const auto part = parts.empty() ? std::string_view{} : parts.front();
    if (!parts.empty()) parts.erase(parts.begin());
    return part;
  };
  const auto root = take();
  if (root != "api" && root != "apis") return parsed;
  const auto group = root == "apis" ? take() : std::string_view{};
  const auto version = take();
  parsed.served = std::ranges::any_of(types.all(), [&](const auto& type) {
    return type->group == group && type->version == version;
  });
  if (!parts.empty() && parts[0] == "watch") parsed.watch = true, take();
  auto& path = parsed.path;
  const bool own_subresource =
      parts.size() >= 3 && (parts[2] == "status" || parts[2] == "finalize") && group.empty();
  if (parts.size() >= 3 && parts[0] == "namespaces" && !own_subresource) {
    take();
    path.namespace_ = take();
  }
  path.type = types.find(group, version, take());
  path.name = take();
  path.subresource = take();
  if (!path.type) return parsed;
  const bool misplaced = path.type->namespaced ? path.namespace_.empty() && !path.name.empty()
                                               : !path.namespace_.empty();
  if (misplaced || !parts.empty()) path.type = nullptr;
  return parsed;
}

Outcome<ObjectFilter> make_filter(const ObjectPath& path, std::string_view labels,
                                  std::string_view fields) {
  ObjectFilter filter;
  filter.namespace_ = path.namespace_;
  auto label_query = LabelQuery::parse(labels);
  if (!label_query) return bad_request(label_query.error().cause);
  filter.labels = *std::move(label_query);
  auto field_query = FieldQuery::parse(fields);
  if (!field_query) return bad_request(field_query.error().cause);
  for (const auto& term : field_query->terms())
    if (term.field != "metadata.name" && term.field != "metadata.namespace" &&
        std::ranges::find(path.type->selectable_fields, term.field) ==
            path.type->selectable_fields.end())
      return bad_request("field label not supported: " + term.field);
  filter.fields = *std::move(field_query);
  return filter;
}

bool Call::flag(std::string_view name) const {
  const auto* value = request.parameter(name);
  return value && (value->empty() || *value == "1" || *value == "true" || *value == "True");
}

std::string_view Call::parameter(std::string_view name) const {
  const auto* value = request.parameter(name);
  return value ? std::string_view(*value) : std::string_view{};
}

// ---- the server's state -------------------------------------------------------------------------

/// Somebody who asked for a version that is not reached yet.
struct ApiServer::State::Waiter {
  std::uint64_t version;
  std::function<void()> then;
  boost::asio::steady_timer timer;
};

ApiServer::State::State(boost::asio::any_io_executor on, const ResourceTypes& of, Store& in,
                        ApiServerOptions with)
    : executor(std::move(on)),
      types(of),
      store(in),
      options(std::move(with)),
      rest(types, store, options.now),
      hub(executor, store),
      documents(types, options.address, options.version_suffix) {
  if (!options.logger) options.logger = null_logger();
  hub.on_round([this] { after_round(); });
}

std::int64_t ApiServer::State::now_seconds() const {
  return std::chrono::system_clock::to_time_t(options.now());
}

void ApiServer::State::after_round() {
  if (options.finish_namespaces) rest.finish_namespaces();
  std::vector<std::shared_ptr<Waiter>> reached;
  for (const auto& waiter : waiters)
    if (store.version() >= waiter->version) reached.push_back(waiter);
  for (const auto& waiter : reached) {
    waiters.remove(waiter);
    waiter->timer.cancel();
    waiter->then();
  }
}

void ApiServer::State::when_reached(std::uint64_t version, std::function<void()> then) {
  if (store.version() >= version) return then();
  auto waiter = std::make_shared<Waiter>(
      Waiter{version, std::move(then), boost::asio::steady_timer(executor, kPatienceForVersion)});
  waiters.push_back(waiter);
  waiter->timer.async_wait([weak = weak_from_this(), waiter](boost::system::error_code code) {
    const auto self = weak.lock();
    if (code || !self) return;
    self->waiters.remove(waiter);
    waiter->then();
  });
}

// ---- answers ------------------------------------------------------------------------------------

void ApiServer::State::answer(Call& call, int code, const std::string& text) {
  HttpResponse response = HttpResponse::json(code, {});
  const bool pretty = call.flag("pretty");
  if (call.media.yaml || pretty) {
    const auto parsed = parse_json(text);
    response.body = call.media.yaml ? api::to_yaml(*parsed) : to_pretty_json(*parsed);
    if (call.media.yaml) response.headers[0].second = "application/yaml";
  } else {
    response.body.reserve(text.size() + 1);
    response.body.append(text).append("\n");
  }
  for (const auto& warning : call.warnings)
    response.headers.emplace_back("Warning",
                                  "299 - " + std::string(json::serialize(json::string(warning))));
  call.exchange.respond(std::move(response));
}

void ApiServer::State::refuse(Call& call, const StatusError& status) {
  call.media = {};
  HttpResponse response = HttpResponse::json(status.code, json::serialize(status.to_json()) + "\n");
  if (status.retry_after_seconds != 0)
    response.headers.emplace_back("Retry-After", std::to_string(status.retry_after_seconds));
  call.exchange.respond(std::move(response));
}

Representation ApiServer::State::representation(const Call& call) const {
  const auto included = call.parameter("includeObject");
  const RowObject row = included == "Object" ? RowObject::kObject
                        : included == "None" ? RowObject::kNone
                                             : RowObject::kMetadata;
  return {*call.path.type, call.media, row, now_seconds()};
}

void ApiServer::State::answer_object(Call& call, int code, const StoredObject& object) {
  answer(call, code, representation(call).object(object));
}

// ---- routing ------------------------------------------------------------------------------------

void ApiServer::State::handle(HttpRequest request, HttpExchange exchange) {
  for (const auto& [prefix, handler] : mounts)
    if (below(request.path, prefix)) return handler(std::move(request), std::move(exchange));

  if (request.method == "GET") {
    if (below(request.path, "/healthz") || below(request.path, "/livez") ||
        below(request.path, "/readyz")) {
      const bool verbose = request.parameter("verbose") != nullptr;
      const auto name = std::string_view(request.path).substr(1, request.path.find('/', 1) - 1);
      return exchange.respond(HttpResponse::text(
          200, verbose ? fmt::format("[+]ping ok\n[+]store ok\n{} check passed\n", name) : "ok"));
    }
    if (auto document = documents.answer(request)) return exchange.respond(*std::move(document));
    if (request.path == "/") {
      json::array paths{"/api",        "/apis",       "/healthz", "/livez",
                        "/openapi/v2", "/openapi/v3", "/readyz",  "/version"};
      return exchange.respond(
          HttpResponse::json(200, to_pretty_json(json::object{{"paths", paths}})));
    }
  }
  ParsedPath parsed = parse_path(types, request.path);
  Call call{std::move(request), std::move(exchange), std::move(parsed.path), parsed.watch, {}, {}};
  if (call.request.method == "POST" && review(call)) return;
  if (!parsed.served) {
    return call.exchange.respond(HttpResponse::text(404, "404 page not found\n"));
  }
  if (!call.path.type) return refuse(call, no_such_resource());

  auto media = negotiate(call.request.header("Accept"));
  if (!media) return refuse(call, media.error());
  call.media = *std::move(media);

  const ObjectPath& path = call.path;
  const ResourceType& type = *path.type;
  const std::string_view method = call.request.method;
  const bool named = !path.name.empty();
  const bool watching = method == "GET" && (call.watch_path || call.flag("watch"));
  const std::string_view verb = watching             ? "watch"
                                : method == "GET"    ? (named ? "get" : "list")
                                : method == "POST"   ? "create"
                                : method == "PUT"    ? "update"
                                : method == "PATCH"  ? "patch"
                                : method == "DELETE" ? (named ? "delete" : "deletecollection")
                                                     : "";
  const std::vector<std::string>* verbs = &type.verbs;
  if (!path.subresource.empty()) {
    const auto it = std::ranges::find(type.subresources, path.subresource, &Subresource::name);
    if (it == type.subresources.end()) return refuse(call, no_such_resource());
    verbs = &it->verbs;
  }
  const bool named_verb = verb == "get" || verb == "update" || verb == "patch" || verb == "delete";
  if (std::ranges::find(*verbs, verb) == verbs->end() || (named_verb && !named) ||
      (verb == "create" && named && path.subresource.empty()) ||
      (verb == "create" && type.namespaced && path.namespace_.empty()))
    return refuse(call, method_not_allowed());

  if (verb == "watch") return watch(std::move(call));
  if (verb == "get") return get(std::move(call));
  if (verb == "list") return list(std::move(call));
  if (verb == "create") return create(std::move(call));
  if (verb == "update") return update(std::move(call));
  if (verb == "patch") return patch(std::move(call));
  if (verb == "delete") return remove(std::move(call));
  remove_collection(std::move(call));
}

/// Whoever is let in may do everything: the answer to every SelfSubjectAccessReview is yes.
bool ApiServer::State::review(Call& call) {
  const std::string_view path = call.request.path;
  const bool access = path == "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
  const bool rules = path == "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";
  const bool self = path == "/apis/authentication.k8s.io/v1/selfsubjectreviews";
  if (!access && !rules && !self) return false;
  auto body = decode_body(call.request, "SelfSubjectAccessReview");
  if (!body) return refuse(call, body.error()), true;
  if (!body->is_object()) return refuse(call, bad_request("expected an object")), true;
  json::object& object = body->get_object();
  ensure_object(object, "metadata")["creationTimestamp"] = nullptr;
  const json::array all{"*"};
  if (access)
    object["status"] = {{"allowed", true}, {"reason", "there is no authorization"}};
  else if (self)
    object["status"] = {{"userInfo",
                         {{"username", call.request.user},
                          {"groups", {"system:masters", "system:authenticated"}}}}};
  else
    object["status"] = {
        {"resourceRules", {{{"verbs", all}, {"apiGroups", all}, {"resources", all}}}},
        {"nonResourceRules", {{{"verbs", all}, {"nonResourceURLs", all}}}},
        {"incomplete", false}};
  answer(call, 201, json::serialize(object));
  return true;
}

// ---- the public face ----------------------------------------------------------------------------

ApiServer::ApiServer(std::shared_ptr<State> state) : state_(std::move(state)) {}
ApiServer::~ApiServer() = default;

Result<std::unique_ptr<ApiServer>> ApiServer::create(boost::asio::any_io_executor executor,
                                                     const ResourceTypes& types, Store& store,
                                                     ApiServerOptions options) {
  for (const auto& type : types.all())
    ANTREA_CHECK(store.add_resource(type->qualified_name(), fields_of(*type)));
  auto state = std::make_shared<State>(std::move(executor), types, store, std::move(options));
  if (const auto* namespaces = types.find("", "v1", "namespaces")) {
    for (const auto* name : {"default", "kube-system", "kube-public", "kube-node-lease"}) {
      if (store.get(namespaces->qualified_name(), {}, name)) continue;
      Rest::Warnings warnings;
      const auto made = state->rest.create({namespaces, {}, {}, {}},
                                           {{"metadata", {{"name", name}}}}, {}, warnings);
      if (!made) return to_error(made.error(), std::string("Namespace ") + name);
    }
    // Namespaces whose deletion a restart interrupted.
    boost::asio::post(state->executor, [weak = std::weak_ptr(state)] {
      if (const auto self = weak.lock()) self->after_round();
    });
  }
  state->tick_bookmarks();
  return std::unique_ptr<ApiServer>(new ApiServer(std::move(state)));
}

void ApiServer::handle(HttpRequest request, HttpExchange exchange) {
  state_->handle(std::move(request), std::move(exchange));
}

std::optional<HttpResponse> ApiServer::authenticate(HttpRequest& head) const {
  const auto& options = state_->options;
  head.user = "system:admin";
  if (!options.user_of_token) return std::nullopt;
  const auto token = head.bearer_token();
  head.user = token.empty() ? std::string() : options.user_of_token(token);
  if (!head.user.empty()) return std::nullopt;
  if (token.empty() && options.anonymous_health && is_health(head.path)) {
    head.user = "system:anonymous";
    return std::nullopt;
  }
  return HttpResponse::json(401, json::serialize(unauthorized().to_json()) + "\n");
}

void ApiServer::mount(std::string prefix, HttpHandler handler,
                      std::vector<ResourceType> resources) {
  state_->mounts.emplace_back(std::move(prefix), std::move(handler));
  state_->documents.list_too(std::move(resources));
}

void ApiServer::admit(const ResourceType& type, Admitter admitter) {
  state_->rest.admit(type, std::move(admitter));
}

void ApiServer::admit_removal(const ResourceType& type, RemovalAdmitter admitter) {
  state_->rest.admit_removal(type, std::move(admitter));
}

const ResourceTypes& ApiServer::types() const { return state_->types; }

namespace {
std::string describe(const ObjectPath& path) {
  return path.type->kind + " " + object_key(path.namespace_, path.name);
}

json::object whole(const ResourceType& type, const StoredObject& object) {
  return parse_json(with_kind(type, object)).value().get_object();
}

Result<json::object> in_process(const ObjectPath& path, const Outcome<ObjectPtr>& outcome) {
  if (!outcome) return to_error(outcome.error(), describe(path));
  return whole(*path.type, **outcome);
}
}  // namespace

Result<json::object> ApiServer::get(const ObjectPath& path) const {
  return in_process(path, state_->rest.get(path));
}

Result<std::vector<json::object>> ApiServer::list(const ObjectPath& path,
                                                  std::string_view label_selector,
                                                  std::string_view field_selector) const {
  const auto filter = make_filter(path, label_selector, field_selector);
  if (!filter) return to_error(filter.error(), describe(path));
  ANTREA_TRY(const auto objects, state_->store.list(path.type->qualified_name(), path.namespace_));
  std::vector<json::object> found;
  for (const auto& each : objects)
    if (filter->matches(*each)) found.push_back(whole(*path.type, *each));
  return found;
}

Result<json::object> ApiServer::post(const ObjectPath& path, json::object object) {
  Rest::Warnings warnings;
  return in_process(path, state_->rest.create(path, std::move(object), {}, warnings));
}

Result<json::object> ApiServer::put(const ObjectPath& path, json::object object) {
  Rest::Warnings warnings;
  return in_process(path, state_->rest.update(path, std::move(object), {}, warnings));
}

Result<json::object> ApiServer::patch(const ObjectPath& path, PatchType type,
                                      const json::value& patch) {
  Rest::Warnings warnings;
  WriteOptions options;
  if (type == PatchType::kApply) options.field_manager = "in-process", options.force = true;
  auto outcome = state_->rest.patch(path, type, patch, options, warnings);
  if (!outcome) return to_error(outcome.error(), describe(path));
  return whole(*path.type, *outcome->object);
}

Result<> ApiServer::remove(const ObjectPath& path, int grace_seconds) {
  DeleteOptions options;
  if (grace_seconds >= 0) options.grace_seconds = grace_seconds;
  const auto outcome = state_->rest.remove(path, options);
  if (!outcome) return to_error(outcome.error(), describe(path));
  return {};
}

namespace {
/// Tells a watch's events to a function.
class CallbackWatch final : public ApiServer::Watch, public WatchSink {
 public:
  CallbackWatch(const ResourceType& type, std::function<void(ApiWatchEvent)> callback)
      : type_(type), callback_(std::make_shared<Callback>(std::move(callback))) {}
  ~CallbackWatch() override {
    if (watcher) watcher->end();
  }

  bool ready() const override { return true; }
  void event(StoreEvent::Type type, const ObjectPtr& object) override {
    const auto shown = type == StoreEvent::Type::kAdded      ? ApiWatchEvent::Type::kAdded
                       : type == StoreEvent::Type::kModified ? ApiWatchEvent::Type::kModified
                                                             : ApiWatchEvent::Type::kDeleted;
    tell({shown, whole(type_, *object)});
  }
  void synced(std::uint64_t) override { tell({ApiWatchEvent::Type::kSynced, {}}); }
  /// Cannot happen to a reader that never waits.
  void expired(const StatusError&) override {}

  std::shared_ptr<Watcher> watcher;

 private:
  using Callback = std::function<void(ApiWatchEvent)>;
  void tell(ApiWatchEvent event) const {
    const auto callback = callback_;  // it may end this watch
    (*callback)(std::move(event));
  }

  const ResourceType& type_;
  std::shared_ptr<Callback> callback_;
};
}  // namespace

Result<std::unique_ptr<ApiServer::Watch>> ApiServer::watch(
    const ObjectPath& path, std::function<void(ApiWatchEvent)> callback,
    std::string_view label_selector, std::string_view field_selector) {
  auto filter = make_filter(path, label_selector, field_selector);
  if (!filter) return to_error(filter.error(), describe(path));
  const std::string resource = path.type->qualified_name();
  auto watch = std::make_unique<CallbackWatch>(*path.type, std::move(callback));
  watch->watcher = std::make_shared<Watcher>(state_->store, resource, *std::move(filter), *watch);
  watch->watcher->start_from_present();
  state_->hub.add(resource, watch->watcher);
  boost::asio::post(state_->executor, [weak = std::weak_ptr(watch->watcher)] {
    if (const auto watcher = weak.lock()) watcher->pump();
  });
  return std::unique_ptr<Watch>(std::move(watch));
}

}  // namespace antrea::kube
