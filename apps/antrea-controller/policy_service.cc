#include "policy_service.h"

#include <boost/asio/post.hpp>
#include <boost/json.hpp>

#include "antrea/api/json.h"

namespace antrea::controller {

PolicyService::PolicyService(boost::asio::any_io_executor executor, kube::ApiServer& api,
                             controlplane::Server& server, Logger logger)
    : executor_(std::move(executor)), api_(api), server_(server), logger_(std::move(logger)) {}

PolicyService::~PolicyService() { *alive_ = false; }

Result<> PolicyService::start() {
  ANTREA_CHECK(follow("", "namespaces", policy::ObjectKind::kNamespace, api::decode_namespace));
  ANTREA_CHECK(follow("networking.k8s.io", "networkpolicies", policy::ObjectKind::kNetworkPolicy,
                      api::decode_network_policy));
  return follow("", "pods", policy::ObjectKind::kPod, api::decode_pod);
}

template <typename T>
Result<> PolicyService::follow(std::string_view group, std::string_view plural,
                               policy::ObjectKind kind,
                               Result<T> (*decode)(const boost::json::value&)) {
  kube::ObjectPath path;
  path.type = api_.types().find(group, "v1", plural);
  if (path.type == nullptr)
    return make_error(Errc::kNotFound, "follow: the API server does not serve this type",
                      std::string(plural));
  ++unsynced_;
  ANTREA_TRY(auto watch, api_.watch(path, [this, kind, decode](kube::ApiWatchEvent event) {
    using Type = kube::ApiWatchEvent::Type;
    if (event.type == Type::kSynced) {
      --unsynced_;
      compile();
      return;
    }
    auto object = decode(boost::json::value(std::move(event.object)));
    if (!object) {
      logger_->error("policy computation: {}", object.error().to_string());
      return;
    }
    if (event.type == Type::kDeleted)
      add(policy::ObjectDeleted{kind, api::key_of(object->metadata)});
    else
      add(std::make_shared<const T>(*std::move(object)));
  }));
  watches_.push_back(std::move(watch));
  return {};
}

void PolicyService::add(policy::ObjectChange change) {
  batch_.push_back(std::move(change));
  if (scheduled_) return;
  scheduled_ = true;
  boost::asio::post(executor_, [this, alive = alive_] {
    if (!*alive) return;
    scheduled_ = false;
    compile();
  });
}

// Until everything that existed is known, a partial view would tell agents that policies are gone.
// The first result is told even if it is empty: from then on the server answers.
void PolicyService::compile() {
  if (unsynced_ != 0 || (published_ && batch_.empty())) return;
  const auto changes = compiler_.apply(batch_);
  batch_.clear();
  if (!published_ || !changes.empty()) server_.publish(changes);
  published_ = true;
}

}  // namespace antrea::controller
