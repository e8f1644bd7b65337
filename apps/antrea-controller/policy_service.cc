#include "policy_service.h"

#include <boost/asio/post.hpp>
#include <boost/json.hpp>

#include "antrea/api/egress_json.h"
#include "antrea/api/json.h"
#include "antrea/api/policy_json.h"
#include "policy_admission.h"

namespace antrea::controller {

PolicyService::PolicyService(boost::asio::any_io_executor executor, kube::ApiServer& api,
                             controlplane::Server& server, Logger logger)
    : executor_(std::move(executor)),
      api_(api),
      server_(server),
      logger_(std::move(logger)),
      statuses_(executor_, api, logger_) {}

PolicyService::~PolicyService() { *alive_ = false; }

Result<> PolicyService::start() {
  using Kind = policy::ObjectKind;
  constexpr const char* kCrd = "crd.antrea.io";
  constexpr const char* kAdmin = "policy.networking.k8s.io";
  ANTREA_CHECK(create_static_tiers());
  admit_policies(api_);
  ANTREA_CHECK(follow("", "v1", "namespaces", Kind::kNamespace, api::decode_namespace));
  ANTREA_CHECK(follow("", "v1", "nodes", Kind::kNode, api::decode_node));
  ANTREA_CHECK(follow("", "v1", "services", Kind::kService, api::decode_service));
  ANTREA_CHECK(follow("networking.k8s.io", "v1", "networkpolicies", Kind::kNetworkPolicy,
                      api::decode_network_policy));
  ANTREA_CHECK(follow(kCrd, "v1beta1", "tiers", Kind::kTier, api::decode_tier));
  ANTREA_CHECK(
      follow(kCrd, "v1beta1", "clustergroups", Kind::kClusterGroup, api::decode_cluster_group));
  ANTREA_CHECK(follow(kCrd, "v1beta1", "groups", Kind::kGroup, api::decode_group));
  ANTREA_CHECK(follow(kCrd, "v1alpha2", "externalentities", Kind::kExternalEntity,
                      api::decode_external_entity));
  ANTREA_CHECK(follow(kCrd, "v1beta1", "clusternetworkpolicies", Kind::kAntreaClusterNetworkPolicy,
                      api::decode_cluster_network_policy));
  ANTREA_CHECK(follow(kCrd, "v1beta1", "networkpolicies", Kind::kAntreaNetworkPolicy,
                      api::decode_antrea_network_policy));
  ANTREA_CHECK(follow(kAdmin, "v1alpha1", "adminnetworkpolicies", Kind::kAdminNetworkPolicy,
                      api::decode_admin_network_policy));
  ANTREA_CHECK(follow(kAdmin, "v1alpha1", "baselineadminnetworkpolicies",
                      Kind::kBaselineAdminNetworkPolicy,
                      api::decode_baseline_admin_network_policy));
  ANTREA_CHECK(follow(kAdmin, "v1alpha2", "clusternetworkpolicies", Kind::kClusterNetworkPolicy,
                      api::decode_admin_cluster_network_policy));
  ANTREA_CHECK(follow(kCrd, "v1beta1", "egresses", Kind::kEgress, api::decode_egress));
  return follow("", "v1", "pods", Kind::kPod, api::decode_pod);
}

Result<> PolicyService::create_static_tiers() {
  kube::ObjectPath path;
  path.type = api_.types().find("crd.antrea.io", "v1beta1", "tiers");
  for (const auto& [name, priority] : api::crd::kStaticTiers) {
    api::crd::Tier tier;
    tier.metadata.name = name;
    tier.priority = priority;
    const auto created = api_.post(path, api::encode(tier).as_object());
    if (created) continue;
    if (created.error().code != Errc::kAlreadyExists) return created.error();
    // Whatever it was changed to: the priority of a static Tier is not a user's to choose.
    path.name = name;
    ANTREA_CHECK(api_.patch(path, kube::PatchType::kMerge,
                            boost::json::object{{"spec", {{"priority", priority}}}}));
    path.name.clear();
  }
  return {};
}

template <typename T>
Result<> PolicyService::follow(std::string_view group, std::string_view version,
                               std::string_view plural, policy::ObjectKind kind,
                               Result<T> (*decode)(const boost::json::value&)) {
  kube::ObjectPath path;
  path.type = api_.types().find(group, version, plural);
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
  const auto batch = std::exchange(batch_, {});
  if (!published_ || !changes.empty()) server_.publish(changes);
  published_ = true;
  const std::string now = PolicyStatusWriter::now();
  statistics_.apply(changes, now);
  statuses_.write(realization_.apply(changes, now));
  for (const policy::ObjectChange& change : batch) judge_groups(change, now);
}

void PolicyService::judge_groups(const policy::ObjectChange& change, std::string_view now) {
  const auto judge = [&](const auto& group) {
    statuses_.write(group_conditions_.set(api::key_of(group->metadata), group->spec.child_groups,
                                          group->conditions, now));
  };
  if (const auto* group = std::get_if<std::shared_ptr<const api::crd::Group>>(&change))
    judge(*group);
  if (const auto* group = std::get_if<std::shared_ptr<const api::crd::ClusterGroup>>(&change))
    judge(*group);
  const auto* gone = std::get_if<policy::ObjectDeleted>(&change);
  if (gone != nullptr &&
      (gone->kind == policy::ObjectKind::kGroup || gone->kind == policy::ObjectKind::kClusterGroup))
    statuses_.write(group_conditions_.remove(gone->key, now));
}

void PolicyService::take(const api::controlplane::NetworkPolicyStatus& report) {
  statuses_.write(realization_.apply(report, PolicyStatusWriter::now()));
}

}  // namespace antrea::controller
