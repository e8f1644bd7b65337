#include "egress_service.h"

#include <boost/asio/post.hpp>
#include <boost/json.hpp>
#include <utility>

#include "antrea/api/egress_json.h"
#include "antrea/api/json.h"
#include "antrea/egress/admission.h"
#include "policy_status.h"

namespace antrea::controller {
namespace {

namespace json = boost::json;

kube::ObjectPath path_of(const kube::ResourceType* type, const std::string& name,
                         std::string subresource = {}) {
  kube::ObjectPath path;
  path.type = type;
  path.name = name;
  path.subresource = std::move(subresource);
  return path;
}

std::vector<api::crd::ExternalIPPool> list_pools(const kube::ApiServer& api,
                                                 const kube::ResourceType* type) {
  std::vector<api::crd::ExternalIPPool> pools;
  if (const auto objects = api.list(path_of(type, {})))
    for (const auto& object : *objects)
      if (auto pool = api::decode_external_ip_pool(json::value(object)))
        pools.push_back(*std::move(pool));
  return pools;
}

/// "spec.egressIP: what is wrong" as the API server tells it.
std::vector<kube::FieldError> to_field_errors(const Result<>& judged) {
  if (judged) return {};
  const std::string& cause = judged.error().cause;
  const auto colon = cause.find(": ");
  return {
      {"FieldValueInvalid", cause.substr(0, colon), "Invalid value: " + cause.substr(colon + 2)}};
}

/// The conditions of an Egress with this one in the place of that of its type.
json::array with_condition(std::vector<api::crd::Condition> conditions,
                           api::crd::Condition condition) {
  condition.last_transition_time = PolicyStatusWriter::now();
  std::erase_if(conditions, [&](const auto& each) {
    if (each.type != egress::kIpAllocated) return false;
    if (each.status == condition.status && !each.last_transition_time.empty())
      condition.last_transition_time = each.last_transition_time;
    return true;
  });
  if (!condition.type.empty()) conditions.push_back(std::move(condition));
  api::crd::Egress carrier;
  carrier.status.conditions = std::move(conditions);
  const json::value encoded = api::encode(carrier);
  const auto* status = encoded.as_object().if_contains("status");
  return status != nullptr ? status->at("conditions").as_array() : json::array();
}

}  // namespace

EgressService::EgressService(boost::asio::any_io_executor executor, kube::ApiServer& api,
                             Logger logger)
    : executor_(std::move(executor)), api_(api), logger_(std::move(logger)) {}

EgressService::~EgressService() { *alive_ = false; }

std::optional<api::AdmissionResponse> EgressService::validate(
    const api::AdmissionRequest& request) const {
  return egress::validate(request, list_pools(api_, pools_));
}

Result<> EgressService::start() {
  egresses_ = api_.types().find("crd.antrea.io", "v1beta1", "egresses");
  pools_ = api_.types().find("crd.antrea.io", "v1beta1", "externalippools");
  services_ = api_.types().find("", "v1", "services");
  if (egresses_ == nullptr || pools_ == nullptr || services_ == nullptr)
    return make_error(Errc::kNotFound, "follow: the API server does not serve this type",
                      "egresses, externalippools, services");
  admit();
  ANTREA_CHECK(follow(pools_, &EgressService::take_pool));
  ANTREA_CHECK(follow(egresses_, &EgressService::take_egress));
  return follow(services_, &EgressService::take_service);
}

void EgressService::admit() {
  api_.admit(*egresses_, [this](json::object& object, const json::object* old) {
    const auto wanted = api::decode_egress(json::value(object));
    if (!wanted) return std::vector<kube::FieldError>();  // validation tells
    const auto before = old != nullptr ? api::decode_egress(json::value(*old)) : wanted;
    return to_field_errors(egress::admit(*wanted, old != nullptr && before ? &*before : nullptr,
                                         list_pools(api_, pools_)));
  });
  api_.admit(*pools_, [this](json::object& object, const json::object* old) {
    const auto wanted = api::decode_external_ip_pool(json::value(object));
    if (!wanted) return std::vector<kube::FieldError>();
    const auto before = old != nullptr ? api::decode_external_ip_pool(json::value(*old)) : wanted;
    return to_field_errors(egress::admit(*wanted, old != nullptr && before ? &*before : nullptr,
                                         list_pools(api_, pools_)));
  });
}

Result<> EgressService::follow(const kube::ResourceType* type, Take take) {
  ++unsynced_;
  auto on_event = [this, take](kube::ApiWatchEvent event) {
    using Type = kube::ApiWatchEvent::Type;
    if (event.type == Type::kSynced)
      --unsynced_;
    else
      (this->*take)(json::value(std::move(event.object)), event.type == Type::kDeleted);
    schedule();
  };
  ANTREA_TRY(auto watch, api_.watch(path_of(type, {}), std::move(on_event)));
  watches_.push_back(std::move(watch));
  return {};
}

void EgressService::take_egress(const json::value& object, bool deleted) {
  auto egress = api::decode_egress(object);
  if (!egress) return logger_->error("allocation: {}", egress.error().to_string());
  const std::string name = egress->metadata.name;
  std::erase_if(batch_.egresses, [&](const auto& each) { return each.metadata.name == name; });
  if (deleted)
    batch_.removed_egresses.push_back(name);
  else
    batch_.egresses.push_back(*std::move(egress));
}

void EgressService::take_pool(const json::value& object, bool deleted) {
  auto pool = api::decode_external_ip_pool(object);
  if (!pool) return logger_->error("allocation: {}", pool.error().to_string());
  const std::string name = pool->metadata.name;
  std::erase_if(batch_.pools, [&](const auto& each) { return each.metadata.name == name; });
  if (deleted)
    batch_.removed_pools.push_back(name);
  else
    batch_.pools.push_back(*std::move(pool));
}

void EgressService::take_service(const json::value& object, bool deleted) {
  const auto service = api::decode_service(object);
  if (!service) return logger_->error("allocation: {}", service.error().to_string());
  const auto key = api::key_of(service->metadata);
  std::erase_if(batch_.services, [&](const auto& each) { return each.service == key; });
  if (deleted) {
    batch_.removed_services.push_back(key);
    return;
  }
  batch_.services.push_back(egress::read_service_request(*service));
}

void EgressService::schedule() {
  if (std::exchange(scheduled_, true)) return;
  boost::asio::post(executor_, [this, alive = alive_] {
    if (!*alive) return;
    scheduled_ = false;
    run();
  });
}

// What is there must be known as a whole before any address is given out.
void EgressService::run() {
  if (unsynced_ != 0) return;
  const auto output = allocator_.apply(std::exchange(batch_, {}));
  for (const auto& update : output.egresses) write(update);
  for (const auto& update : output.services) write(update);
  for (const auto& update : output.pools) write(update);
}

void EgressService::write(const egress::EgressUpdate& update) {
  const auto current = api_.get(path_of(egresses_, update.egress));
  if (!current) return;  // it has gone meanwhile, which its watch will tell
  const auto object = api::decode_egress(json::value(*current));
  if (!object) return;
  if (update.addresses) {
    api::crd::Egress carrier;
    carrier.spec.several = object->spec.several;
    carrier.spec.addresses = *update.addresses;
    const json::value encoded = api::encode(carrier);
    const std::string_view key = carrier.spec.several ? "egressIPs" : "egressIP";
    const auto* value = encoded.at("spec").as_object().if_contains(key);
    const auto written = api_.patch(path_of(egresses_, update.egress), kube::PatchType::kMerge,
                                    {{"spec", {{key, value != nullptr ? *value : json::value()}}}});
    if (!written) logger_->warn("Egress {}: {}", update.egress, written.error().to_string());
  }
  if (update.condition) {
    const auto written = api_.patch(
        path_of(egresses_, update.egress, "status"), kube::PatchType::kMerge,
        {{"status",
          {{"conditions", with_condition(object->status.conditions, *update.condition)}}}});
    if (!written) logger_->warn("Egress {}: {}", update.egress, written.error().to_string());
  }
}

void EgressService::write(const egress::ServiceUpdate& update) {
  const std::string name = update.service.to_string();
  if (!update.why.empty()) logger_->warn("Service {}: no address: {}", name, update.why);
  kube::ObjectPath path = path_of(services_, update.service.name, "status");
  path.namespace_ = update.service.namespace_;
  json::value ingress;  // null takes it away
  if (update.ip) {
    json::object address{{"ip", update.ip->to_string()}};
    ingress = json::array{std::move(address)};
  }
  const auto written =
      api_.patch(path, kube::PatchType::kMerge,
                 {{"status", {{"loadBalancer", json::object{{"ingress", std::move(ingress)}}}}}});
  if (!written && written.error().code != Errc::kNotFound)
    logger_->warn("Service {}: {}", name, written.error().to_string());
}

void EgressService::write(const egress::PoolUpdate& update) {
  const auto written = api_.patch(
      path_of(pools_, update.pool, "status"), kube::PatchType::kMerge,
      {{"status", {{"usage", {{"total", update.usage.total}, {"used", update.usage.used}}}}}});
  if (!written && written.error().code != Errc::kNotFound)
    logger_->warn("ExternalIPPool {}: {}", update.pool, written.error().to_string());
}

}  // namespace antrea::controller
