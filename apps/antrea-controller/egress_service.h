#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <optional>
#include <vector>

#include "antrea/api/admission_review.h"
#include "antrea/base/log.h"
#include "antrea/egress/allocator.h"
#include "antrea/kube/api_server.h"

namespace antrea::controller {

/// Feeds the allocator with the Egresses, Services and ExternalIPPools that the API server has, and
/// writes what it says into them; has the API server refuse what `egress::admit` refuses. Changes
/// that come in one turn of the event loop are one batch.
class EgressService {
 public:
  /// The API server must outlive it.
  EgressService(boost::asio::any_io_executor executor, kube::ApiServer& api, Logger logger);
  ~EgressService();
  EgressService(const EgressService&) = delete;
  EgressService& operator=(const EgressService&) = delete;

  /// The webhook's answer about an Egress or ExternalIPPool; nothing about other kinds.
  std::optional<api::AdmissionResponse> validate(const api::AdmissionRequest& request) const;

  /// Begins. Error: kNotFound (a type that is not served).
  Result<> start();

 private:
  using Take = void (EgressService::*)(const boost::json::value& object, bool deleted);
  Result<> follow(const kube::ResourceType* type, Take take);
  void take_egress(const boost::json::value& object, bool deleted);
  void take_pool(const boost::json::value& object, bool deleted);
  void take_service(const boost::json::value& object, bool deleted);
  void admit();
  void schedule();
  void run();
  void write(const egress::EgressUpdate& update);
  void write(const egress::ServiceUpdate& update);
  void write(const egress::PoolUpdate& update);

  boost::asio::any_io_executor executor_;
  kube::ApiServer& api_;
  Logger logger_;
  const kube::ResourceType* egresses_ = nullptr;
  const kube::ResourceType* pools_ = nullptr;
  const kube::ResourceType* services_ = nullptr;
  egress::Allocator allocator_;
  egress::AllocatorInput batch_;
  std::size_t unsynced_ = 0;  // watches that have not told all yet
  bool scheduled_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::vector<std::unique_ptr<kube::ApiServer::Watch>> watches_;
};

}  // namespace antrea::controller
