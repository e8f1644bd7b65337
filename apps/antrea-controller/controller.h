#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>

#include "antrea/base/log.h"
#include "antrea/controlplane/server.h"
#include "antrea/controlplane/statistics_server.h"
#include "antrea/kube/api_server.h"
#include "antrea/kube/standalone.h"
#include "antrea/policy/admission.h"
#include "credentials.h"
#include "egress_service.h"
#include "options.h"
#include "policy_service.h"

namespace antrea::controller {

/// The parts of a standalone controller and the wires between them: API server, the controllers
/// that a cluster would run beside it, the policy computation, and the allocation of Egress IPs.
class Controller {
 public:
  Controller(boost::asio::io_context& io, Options options, Logger logger);
  ~Controller();

  /// Serves when it returns. Errors name the file, address or object at fault.
  Result<> start();

 private:
  Result<> open_store();
  Result<> listen(const Credentials& credentials);
  Result<> announce(const Credentials& credentials);

  boost::asio::io_context& io_;
  Options options_;
  Logger logger_;
  kube::ResourceTypes types_;
  std::unique_ptr<kube::Store> store_;
  std::unique_ptr<kube::ApiServer> api_;
  std::unique_ptr<kube::HttpServer> http_;
  std::optional<controlplane::Server> controlplane_;
  std::unique_ptr<kube::StandaloneControllers> controllers_;
  std::optional<PolicyService> policies_;
  std::optional<EgressService> egresses_;
  policy::Reviewer reviewer_;
  std::optional<controlplane::StatisticsServer> statistics_;
};

}  // namespace antrea::controller
