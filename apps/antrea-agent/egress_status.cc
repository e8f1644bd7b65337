#include "egress_status.h"

#include <fmt/chrono.h>

#include <boost/json.hpp>

#include "antrea/api/egress_json.h"

namespace antrea::agent {

namespace asio = boost::asio;
using asio::awaitable;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kAssigned = "IPAssigned";
constexpr Duration kRetry = 1s;

std::string timestamp() {
  return fmt::format(
      "{:%Y-%m-%dT%H:%M:%SZ}",
      fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())));
}

/// Sets the condition; its time changes only where the status does. Others stay.
void set_condition(api::crd::EgressStatus& status, bool assigned, std::string message) {
  const std::string value = assigned ? "True" : "False";
  const std::string reason = assigned ? "Assigned" : "AssignmentError";
  for (auto& condition : status.conditions) {
    if (condition.type != kAssigned) continue;
    if (condition.status != value) condition.last_transition_time = timestamp();
    condition.status = value;
    condition.reason = reason;
    condition.message = std::move(message);
    return;
  }
  status.conditions.push_back(
      {std::string(kAssigned), value, reason, std::move(message), timestamp()});
}

}  // namespace

EgressStatusWriter::EgressStatusWriter(asio::any_io_executor executor, kube::RestClient& api,
                                       std::string node, Logger logger)
    : api_(api),
      node_(std::move(node)),
      logger_(std::move(logger)),
      changed_(std::move(executor)) {}

api::crd::EgressStatus EgressStatusWriter::wanted(const api::crd::Egress& egress,
                                                  const egress::Scheduler& scheduler,
                                                  const std::set<IpAddress>& owned) const {
  api::crd::EgressStatus status = egress.status;
  std::optional<IpAddress> first;
  std::string why;
  bool someone = false;
  for (const auto& address : egress.spec.addresses) {
    if (!address.ip) continue;
    if (!first) first = address.ip;
    if (owned.contains(*address.ip)) {
      status.egress_node = node_;
      status.egress_ip = address.ip->to_string();
      set_condition(status, true, "EgressIP is successfully assigned to EgressNode");
      return status;
    }
    const auto placed = scheduler.placements().find({egress.metadata.name, *address.ip});
    if (placed == scheduler.placements().end()) {
      someone = true;  // its user's business
      if (status.egress_node != node_) continue;
      status.egress_node.clear();  // it is not here any more
      status.egress_ip.clear();
    } else if (placed->second.owner.empty()) {
      why = egress::to_string(placed->second.unowned);
    } else {
      someone = true;
    }
  }
  if (!first || someone || scheduler.reporter(first->to_string()) != node_) return status;
  status.egress_node.clear();
  status.egress_ip.clear();
  set_condition(status, false, why);
  return status;
}

void EgressStatusWriter::set(const std::map<std::string, api::crd::Egress>& egresses,
                             const egress::Scheduler& scheduler, const std::set<IpAddress>& owned) {
  pending_.clear();
  for (const auto& [name, egress] : egresses) {
    auto status = wanted(egress, scheduler, owned);
    if (status != egress.status) pending_.emplace(name, std::move(status));
  }
  if (!pending_.empty()) changed_.notify();
}

awaitable<Result<>> EgressStatusWriter::write(std::string name, api::crd::EgressStatus status) {
  api::crd::Egress carrier;
  carrier.status = std::move(status);
  boost::json::object encoded;
  encoded["egressNode"] = carrier.status.egress_node;
  encoded["egressIP"] = carrier.status.egress_ip;
  boost::json::value whole = api::encode(carrier);
  if (const auto* const found = whole.as_object().if_contains("status"); found != nullptr)
    if (const auto* const conditions = found->as_object().if_contains("conditions");
        conditions != nullptr)
      encoded["conditions"] = *conditions;
  kube::ApiRequest request;
  request.method = "PATCH";
  request.target = "/apis/crd.antrea.io/v1beta1/egresses/" + name + "/status";
  request.content_type = "application/merge-patch+json";
  request.body = boost::json::serialize(boost::json::object{{"status", std::move(encoded)}});
  ANTREA_CO_CHECK(co_await kube::call(api_, std::move(request)));
  co_return Result<>();
}

awaitable<void> EgressStatusWriter::run() {
  co_await asio::this_coro::throw_if_cancelled(false);
  TimePoint retry = TimePoint::max();
  for (;;) {
    const bool cancelled = co_await is_cancelled();
    if (cancelled) co_return;
    if (pending_.empty() || retry != TimePoint::max()) (void)co_await changed_.wait_until(retry);
    retry = TimePoint::max();
    while (!pending_.empty()) {
      const auto [name, status] = *pending_.begin();
      const auto written = co_await write(name, status);
      if (written || written.error().code == Errc::kNotFound) {
        // What came of it arrives by the watch; unless it was decided otherwise meanwhile.
        const auto found = pending_.find(name);
        if (found != pending_.end() && found->second == status) pending_.erase(found);
        continue;
      }
      logger_->warn("status of Egress {}: {}", name, written.error().to_string());
      retry = std::chrono::steady_clock::now() + kRetry;
      break;
    }
  }
}

}  // namespace antrea::agent
