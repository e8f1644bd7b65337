#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "antrea/base/export.h"
#include "antrea/base/log.h"
#include "antrea/base/result.h"
#include "antrea/kube/http_server.h"
#include "antrea/kube/resource_type.h"
#include "antrea/kube/store.h"

namespace antrea::kube {

/// Which object, or which collection if `name` is empty.
struct ObjectPath {
  const ResourceType* type = nullptr;
  std::string namespace_;  ///< empty: cluster-scoped, or a collection over all namespaces
  std::string name;
  std::string subresource;  ///< "status", ...
};

enum class PatchType : std::uint8_t { kJson, kMerge, kStrategicMerge, kApply };

struct ApiWatchEvent {
  enum class Type : std::uint8_t {
    kAdded,
    kModified,
    kDeleted,
    kSynced  ///< once: what existed at the start was told; `object` is empty
  };
  Type type;
  boost::json::object object;  ///< with kind and apiVersion
};

struct ApiServerOptions {
  std::string address = "127.0.0.1";  ///< "host:port" by which clients reach the server, for /api
  std::string version_suffix = "+antrea";
  /// Returns the user that a bearer token stands for; empty: 401. Unset: everybody is
  /// "system:admin".
  std::function<std::string(std::string_view token)> user_of_token;
  bool anonymous_health = true;  ///< /healthz, /livez, /readyz and /version need no token
  std::function<std::chrono::system_clock::time_point()> now = std::chrono::system_clock::now;
  std::chrono::seconds bookmark_interval{60};
  /// Does what Kubernetes leaves to its controller manager: empties deleted Namespaces, then lets
  /// them go.
  bool finish_namespaces = true;
  Logger logger;
};

/// The REST API of Kubernetes over a set of resource types and a store: what kube-apiserver 1.26
/// answers, without authorization, admission webhooks and Protobuf bodies.
///
/// In-process users call the methods below, which go the way of a request (defaults, validation,
/// events). All calls and callbacks are on the executor given.
class ANTREA_API ApiServer {
 public:
  /// Both must outlive it. Makes every type known to the store. The namespaces default,
  /// kube-system, kube-public and kube-node-lease are created if the type is served. Error: kIo.
  static Result<std::unique_ptr<ApiServer>> create(boost::asio::any_io_executor executor,
                                                   const ResourceTypes& types, Store& store,
                                                   ApiServerOptions options = {});
  ~ApiServer();
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;

  /// For HttpServer: its handler, and its `authenticate`. The HttpServer must go before this.
  void handle(HttpRequest request, HttpExchange exchange);
  std::optional<HttpResponse> authenticate(HttpRequest& head) const;

  /// Hands every request whose path is `prefix` or lies below it to another component, e.g.
  /// "/apis/controlplane.antrea.io/v1beta2". Discovery lists `resources` beside those served here;
  /// their functions and schemas are not asked for.
  void mount(std::string prefix, HttpHandler handler, std::vector<ResourceType> resources = {});

  /// Called for each creation and update (not of status) after the defaults and before validation:
  /// completes the object, e.g. allocates a cluster IP. What it returns refuses the write (422).
  /// `old` is null at a creation. Not called again when the write fails later, so the admitter must
  /// not rely on success: look at the watch for that.
  using Admitter = std::function<std::vector<FieldError>(boost::json::object& object,
                                                         const boost::json::object* old)>;
  void admit(const ResourceType& type, Admitter admitter);
  /// Called for each deletion that a user asks for. A text that is not empty refuses it (403).
  using RemovalAdmitter = std::function<std::string(const boost::json::object& object)>;
  void admit_removal(const ResourceType& type, RemovalAdmitter admitter);

  const ResourceTypes& types() const;

  // ---- in-process access. Errors: kNotFound, kAlreadyExists, kConflict, kInvalidArgument (the
  // text tells the field). Objects come back with kind, apiVersion and metadata complete.

  Result<boost::json::object> get(const ObjectPath& path) const;
  Result<std::vector<boost::json::object>> list(const ObjectPath& path,
                                                std::string_view label_selector = {},
                                                std::string_view field_selector = {}) const;
  /// `path.name` may be empty: metadata.name or metadata.generateName count.
  Result<boost::json::object> post(const ObjectPath& path, boost::json::object object);
  /// Replaces; with metadata.resourceVersion only if that is still current.
  Result<boost::json::object> put(const ObjectPath& path, boost::json::object object);
  Result<boost::json::object> patch(const ObjectPath& path, PatchType type,
                                    const boost::json::value& patch);
  /// `grace_seconds` < 0: the default of the type.
  Result<> remove(const ObjectPath& path, int grace_seconds = -1);

  /// Ends the watch when destroyed: at any time before the ApiServer is, also from inside the
  /// callback.
  class Watch {
   public:
    virtual ~Watch() = default;
  };
  /// Tells what exists, then kSynced, then every change; never called from inside this call or a
  /// write.
  Result<std::unique_ptr<Watch>> watch(const ObjectPath& path,
                                       std::function<void(ApiWatchEvent)> callback,
                                       std::string_view label_selector = {},
                                       std::string_view field_selector = {});

  struct State;

 private:
  explicit ApiServer(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace antrea::kube
