#include <fmt/format.h>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "../schema/json.h"
#include "antrea/kube/api_server.h"
#include "antrea/kube/standalone.h"

namespace antrea::kube {
namespace {

using boost::json::object;

constexpr auto kRetry = std::chrono::seconds(1);

struct Watched {
  std::string_view group, version, plural;
};
constexpr Watched kWatched[] = {{"", "v1", "services"},
                                {"", "v1", "pods"},
                                {"", "v1", "nodes"},
                                {"", "v1", "namespaces"},
                                {"", "v1", "serviceaccounts"},
                                {"", "v1", "endpoints"},
                                {"discovery.k8s.io", "v1", "endpointslices"}};

}  // namespace

struct StandaloneControllers::State : std::enable_shared_from_this<State> {
  State(boost::asio::any_io_executor executor, ApiServer& server, StandaloneOptions options)
      : executor(executor),
        server(server),
        services(std::move(options.services)),
        nodes(std::move(options.pod_cidrs)),
        logger(options.logger ? std::move(options.logger) : null_logger()),
        retry(executor) {}

  const ResourceType* type(std::string_view kind) const {
    return server.types().find_kind(kind == "EndpointSlice" ? "discovery.k8s.io" : "", "v1", kind);
  }

  Result<> start() {
    // The allocators must know what is taken before they give anything.
    for (const auto* kind : {"Service", "Node"}) {
      ANTREA_TRY(const auto objects, server.list({type(kind), {}, {}, {}}));
      for (const auto& object : objects) observe(kind, object, false);
    }
    server.admit(*type("Service"), [weak = weak_from_this()](object& service, const object* old) {
      const auto self = weak.lock();
      return self ? self->services.admit(service, old, std::chrono::steady_clock::now())
                  : std::vector<FieldError>{};
    });
    server.admit(*type("Node"), [weak = weak_from_this()](object& node, const object*) {
      const auto self = weak.lock();
      return self ? self->nodes.admit(node, std::chrono::steady_clock::now())
                  : std::vector<FieldError>{};
    });
    for (const auto& each : kWatched) {
      const auto* watched = server.types().find(each.group, each.version, each.plural);
      if (watched == nullptr) continue;
      ++unsynced;
      ANTREA_TRY(
          auto watch, server.watch({watched, {}, {}, {}}, [this, watched](ApiWatchEvent event) {
            if (event.type == ApiWatchEvent::Type::kSynced)
              --unsynced;
            else
              observe(watched->kind, event.object, event.type == ApiWatchEvent::Type::kDeleted);
            schedule();
          }));
      watches.push_back(std::move(watch));
    }
    return {};
  }

  void observe(std::string_view kind, const object& object, bool deleted) {
    const std::string name(text_at(object, "metadata.name"));
    if (kind == "Service") {
      services.observe(object, deleted);
    } else if (kind == "Node") {
      nodes.observe(object, deleted);
      if (!deleted && text_at(object, "spec.podCIDR").empty())
        nodes_without_cidr.insert(name);
      else
        nodes_without_cidr.erase(name);
    } else if (kind == "Namespace") {
      const bool active = !deleted && text_at(object, "metadata.deletionTimestamp").empty();
      if (active)
        namespaces.insert(name);
      else
        namespaces.erase(name);
    } else if (kind == "ServiceAccount" && name == "default") {
      const std::string space(text_at(object, "metadata.namespace"));
      if (deleted)
        with_account.erase(space);
      else
        with_account.insert(space);
    }
    endpoint_slices.observe(kind, object, deleted);
  }

  /// One pass after a burst of events, once all that exists is known.
  void schedule() {
    if (scheduled || unsynced > 0) return;
    scheduled = true;
    boost::asio::post(executor, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->flush();
    });
  }

  void flush() {
    scheduled = false;
    bool failed = false;
    for (const auto& write : endpoint_slices.take_writes()) {
      const auto done = perform(write);
      // Somebody was faster: the watch will tell, and what is still wrong is asked for again.
      if (!done.has_error()) continue;
      logger->warn("{} {}/{}: {}", write.kind, write.namespace_, write.name,
                   done.error().to_string());
      endpoint_slices.failed(write);
      failed = true;
    }
    for (const auto& space : namespaces) {
      if (with_account.contains(space)) continue;
      const auto made =
          server.post({type("ServiceAccount"), space, {}, {}},
                      {{"kind", "ServiceAccount"},
                       {"apiVersion", "v1"},
                       {"metadata", object{{"name", "default"}, {"namespace", space}}}});
      if (made || made.error().code == Errc::kAlreadyExists)
        with_account.insert(space);
      else
        failed = true;
    }
    for (const auto& name : std::exchange(nodes_without_cidr, {})) {
      // The allocator completes whatever is written.
      const auto done =
          server.patch({type("Node"), {}, name, {}}, PatchType::kMerge, object{{"spec", object{}}});
      if (done.has_error() && done.error().code != Errc::kNotFound) {
        logger->warn("Node {}: {}", name, done.error().to_string());
        nodes_without_cidr.insert(name);
        failed = true;
      }
    }
    if (!failed) return;
    retry.expires_after(kRetry);
    retry.async_wait([weak = weak_from_this()](const boost::system::error_code& code) {
      if (const auto self = weak.lock(); self && !code) self->schedule();
    });
  }

  Result<> perform(const ObjectWrite& write) {
    const ObjectPath path{type(write.kind), write.namespace_, write.name, {}};
    if (write.type == ObjectWrite::Type::kDelete) {
      auto done = server.remove(path);
      if (done.has_error() && done.error().code == Errc::kNotFound) return {};
      return done;
    }
    // An object of that name that is not as we know it is replaced: it is derived state.
    auto done = server.put(path, write.object);
    if (done.has_error() && done.error().code == Errc::kNotFound)
      done = server.post({path.type, write.namespace_, {}, {}}, write.object);
    if (done.has_error()) return std::move(done).error();
    return {};
  }

  boost::asio::any_io_executor executor;
  ApiServer& server;
  ServiceAllocator services;
  NodeCidrAllocator nodes;
  EndpointSliceEngine endpoint_slices;
  Logger logger;
  boost::asio::steady_timer retry;
  std::set<std::string> namespaces, with_account, nodes_without_cidr;
  int unsynced = 0;
  bool scheduled = false;
  std::vector<std::unique_ptr<ApiServer::Watch>>
      watches;  // last: their callbacks use all of the above
};

StandaloneControllers::StandaloneControllers(std::shared_ptr<State> state)
    : state_(std::move(state)) {}
StandaloneControllers::~StandaloneControllers() { state_->watches.clear(); }

Result<std::unique_ptr<StandaloneControllers>> StandaloneControllers::start(
    boost::asio::any_io_executor executor, ApiServer& server, StandaloneOptions options) {
  auto state = std::make_shared<State>(std::move(executor), server, std::move(options));
  ANTREA_CHECK(state->start());
  return std::unique_ptr<StandaloneControllers>(new StandaloneControllers(std::move(state)));
}

}  // namespace antrea::kube
