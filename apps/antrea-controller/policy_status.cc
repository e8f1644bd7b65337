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
  const bool scheduled = !pending_.empty();
  for (auto& change : changes) pending_.insert_or_assign(change.policy, std::move(change.status));
  if (scheduled || pending_.empty()) return;
  boost::asio::post(executor_, [this, alive = alive_] {
    if (*alive) flush();
  });
}

void PolicyStatusWriter::flush() {
  for (auto& [policy, status] : std::exchange(pending_, {})) {
    const bool cluster = policy.type == api::controlplane::PolicyType::kAntreaClusterNetworkPolicy;
    kube::ObjectPath path;
    path.type = api_.types().find("crd.antrea.io", "v1beta1",
                                  cluster ? "clusternetworkpolicies" : "networkpolicies");
    path.namespace_ = policy.namespace_;
    path.name = policy.name;
    path.subresource = "status";
    api::crd::ClusterNetworkPolicy carrier;
    carrier.status = status;
    json::object encoded = api::encode(carrier).at("status").as_object();
    if (!encoded.contains("conditions")) encoded["conditions"] = json::array();
    const auto written =
        api_.patch(path, kube::PatchType::kMerge, json::object{{"status", std::move(encoded)}});
    if (!written && written.error().code != Errc::kNotFound)
      logger_->warn("status of {}: {}", policy.to_string(), written.error().to_string());
  }
}

}  // namespace antrea::controller
