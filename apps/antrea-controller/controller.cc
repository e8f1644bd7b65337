#include "controller.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <utility>

#include "antrea/kube/antrea_types.h"
#include "antrea/kube/builtin_types.h"
#include "policy_admission.h"

namespace antrea::controller {

Controller::Controller(boost::asio::io_context& io, Options options, Logger logger)
    : io_(io),
      options_(std::move(options)),
      logger_(std::move(logger)),
      types_(kube::make_builtin_types()),
      reviewer_(kControllerUser) {
  kube::add_antrea_types(types_);
}

Controller::~Controller() = default;

Result<> Controller::start() {
  ANTREA_TRY(const Credentials credentials,
             load_credentials(options_.state_dir, options_.listen.address));
  ANTREA_CHECK(open_store());

  kube::ApiServerOptions api;
  api.user_of_token = [token = credentials.token](std::string_view given) {
    return given == token ? std::string("system:admin") : std::string();
  };
  api.logger = logger_;
  ANTREA_TRY(api_, kube::ApiServer::create(io_.get_executor(), types_, *store_, std::move(api)));

  kube::StandaloneOptions standalone;
  standalone.services.ranges = {options_.service_cidr};
  standalone.pod_cidrs.front() = {options_.cluster_cidr, options_.node_mask_size};
  standalone.logger = logger_;
  ANTREA_TRY(controllers_,
             kube::StandaloneControllers::start(io_.get_executor(), *api_, standalone));

  controlplane::ServerOptions server;
  server.logger = logger_;
  server.on_status = [this](const api::controlplane::NetworkPolicyStatus& report) {
    if (policies_) policies_->take(report);
  };
  server.on_statistics = [this](const api::controlplane::NodeStatsSummary& summary) {
    if (policies_) policies_->take(summary);
  };
  // Revisions of a new process must be higher than those that its predecessor told.
  server.store.first_revision =
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                     std::chrono::system_clock::now().time_since_epoch())
                                     .count());
  controlplane_.emplace(io_.get_executor(), server);
  api_->mount(
      std::string(controlplane::Server::kPath),
      [this](kube::HttpRequest request, kube::HttpExchange exchange) {
        controlplane_->handle(std::move(request), std::move(exchange));
      },
      controlplane::Server::resource_types());
  for (const char* const prefix : {"/validate", "/mutate"})
    api_->mount(prefix, [this](kube::HttpRequest request, kube::HttpExchange exchange) {
      const auto validate = [this](const api::AdmissionRequest& review) {
        const auto of_egress = egresses_->validate(review);
        return of_egress ? *of_egress
                         : reviewer_.validate(review, ServedView(*api_),
                                              std::chrono::steady_clock::now());
      };
      answer_review(validate, std::move(request), std::move(exchange));
    });
  policies_.emplace(io_.get_executor(), *api_, *controlplane_, logger_);
  ANTREA_CHECK(policies_->start());
  egresses_.emplace(io_.get_executor(), *api_, logger_);
  ANTREA_CHECK(egresses_->start());
  statistics_.emplace(policies_->statistics());
  api_->mount(
      std::string(controlplane::StatisticsServer::kPath),
      [this](const kube::HttpRequest& request, kube::HttpExchange exchange) {
        statistics_->handle(request, std::move(exchange));
      },
      controlplane::StatisticsServer::resource_types());
  ANTREA_CHECK(listen(credentials));
  return announce(credentials);
}

Result<> Controller::open_store() {
  kube::StoreOptions options;
  options.path = options_.state_dir.empty() ? ":memory:" : options_.state_dir + "/objects.db";
  if (options_.state_dir.empty())
    options.first_version =
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                       std::chrono::system_clock::now().time_since_epoch())
                                       .count());
  ANTREA_TRY(store_, kube::Store::open(options));
  return {};
}

// A free port is taken once and kept: kubeconfigs in use stay good over a restart.
Result<> Controller::listen(const Credentials& credentials) {
  kube::HttpServerOptions options;
  options.listen = options_.listen;
  options.tls = {credentials.server.certificate, credentials.server.private_key, {}};
  options.authenticate = [this](kube::HttpRequest& head) -> std::optional<kube::HttpResponse> {
    if (is_webhook(head.path)) return std::nullopt;
    return api_->authenticate(head);
  };
  options.logger = logger_;
  const auto handler = [this](kube::HttpRequest request, kube::HttpExchange exchange) {
    api_->handle(std::move(request), std::move(exchange));
  };
  const std::string memory = options_.state_dir.empty() ? "" : options_.state_dir + "/port";
  if (options_.listen.port == 0 && !memory.empty()) {
    if (const auto text = read_file(memory)) {
      std::from_chars(text->data(), text->data() + text->size(), options.listen.port);
      if (auto again = kube::HttpServer::start(io_.get_executor(), options, handler)) {
        http_ = *std::move(again);
        return {};
      }
      options.listen.port = 0;
    }
  }
  ANTREA_TRY(http_, kube::HttpServer::start(io_.get_executor(), options, handler));
  if (memory.empty()) return {};
  return write_private_file(memory, std::to_string(http_->address().port));
}

Result<> Controller::announce(const Credentials& credentials) {
  const auto config = credentials.client_config(http_->address());
  const std::string text = kube::to_kubeconfig(config, "antrea-standalone");
  if (!options_.state_dir.empty())
    ANTREA_CHECK(write_private_file(options_.state_dir + "/kubeconfig", text));
  if (!options_.kubeconfig_out.empty())
    ANTREA_CHECK(write_private_file(options_.kubeconfig_out, text));
  logger_->info("serving {}", config.url());
  return {};
}

}  // namespace antrea::controller
