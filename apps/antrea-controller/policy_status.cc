#include "policy_status.h"

#include <fmt/chrono.h>

#include <boost/asio/post.hpp>
#include <boost/json.hpp>
#include <chrono>
#include <utility>

#include "antrea/api/policy_json.h"

namespace antrea::controller {

namespace json = boost::json;

PolicyStatusWriter::PolicyStatusWriter(boost::asio::any_io_executor executor, kube::ApiServer& api,
                                       Logger logger)
    : executor_(std::move(executor)), api_(api), logger_(std::move(logger)) {}

PolicyStatusWriter::~PolicyStatusWriter() { *alive_ = false; }

std::string PolicyStatusWriter::now() {
  return fmt::format(
      "{:%Y-%m-%dT%H:%M:%SZ}",
      fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())));
}

void PolicyStatusWriter::write(std::vector<controlplane::Realization::Change> changes) {
  for (auto& change : changes) {
    const bool cluster =
        change.policy.type == api::controlplane::PolicyType::kAntreaClusterNetworkPolicy;
    api::crd::ClusterNetworkPolicy carrier;
    carrier.status = std::move(change.status);
    json::object status = api::encode(carrier).at("status").as_object();
    if (!status.contains("conditions")) status["conditions"] = json::array();
    write(cluster ? "clusternetworkpolicies" : "networkpolicies",
          {change.policy.namespace_, change.policy.name}, std::move(status));
  }
}

void PolicyStatusWriter::write(std::vector<controlplane::GroupConditions::Change> changes) {
  for (auto& change : changes) {
    api::crd::ClusterGroup carrier;
    carrier.conditions = {std::move(change.condition)};
    write(change.group.namespace_.empty() ? "clustergroups" : "groups", change.group,
          api::encode(carrier).at("status").as_object());
  }
}

void PolicyStatusWriter::write(const char* plural, const api::ObjectKey& key, json::object status) {
  const bool scheduled = !pending_.empty();
  pending_.insert_or_assign({plural, key}, std::move(status));
  if (scheduled) return;
  boost::asio::post(executor_, [this, alive = alive_] {
    if (*alive) flush();
  });
}

void PolicyStatusWriter::flush() {
  for (auto& [object, status] : std::exchange(pending_, {})) {
    const auto& [plural, key] = object;
    kube::ObjectPath path;
    path.type = api_.types().find("crd.antrea.io", "v1beta1", plural);
    path.namespace_ = key.namespace_;
    path.name = key.name;
    path.subresource = "status";
    const auto written =
        api_.patch(path, kube::PatchType::kMerge, json::object{{"status", std::move(status)}});
    if (!written && written.error().code != Errc::kNotFound)
      logger_->warn("status of {} {}: {}", plural, key.to_string(), written.error().to_string());
  }
}

}  // namespace antrea::controller
