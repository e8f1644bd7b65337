#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <cstring>
#include <filesystem>
#include <utility>

#include "antrea/node/cni_service.h"
#include "cni.grpc.pb.h"

namespace antrea::node {
namespace {

namespace asio = boost::asio;
namespace proto = antrea_io::antrea::pkg::apis::cni::v1beta1;

cni::Arguments arguments_of(const proto::CniCmdArgs& args) {
  return {args.container_id(), args.netns(), args.ifname(), args.args(), args.path()};
}

void set_error(proto::CniCmdResponse& response, const cni::Failure& failure) {
  response.mutable_error()->set_code(static_cast<proto::ErrorCode>(failure.code));
  response.mutable_error()->set_message(failure.error.to_string());
}

void fill(proto::CniCmdResponse& response, const cni::Outcome<std::string>& outcome) {
  if (outcome)
    response.set_cni_result(*outcome);
  else
    set_error(response, outcome.error());
}

void fill(proto::CniCmdResponse& response, const cni::Outcome<>& outcome) {
  if (!outcome) set_error(response, outcome.error());
}

/// A socket file that nobody listens on is a leftover; one that answers belongs to another agent.
Result<> clear_way(const std::string& path) {
  sockaddr_un address{};
  if (path.size() >= sizeof address.sun_path)
    return make_error(
        Errc::kInvalidArgument,
        fmt::format("listen for CNI calls: path longer than {} bytes", sizeof address.sun_path - 1),
        path);
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (probe < 0) return errno_error("open socket", path);
  const bool answered =
      ::connect(probe, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  ::close(probe);
  if (answered)
    return make_error(Errc::kAlreadyExists,
                      "listen for CNI calls: another agent serves this socket", path);
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  const auto folder = std::filesystem::path(path).parent_path();
  if (!std::filesystem::exists(folder, ignored)) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) return errno_error(error.value(), "make folder", folder.native());
    ::chmod(folder.c_str(), 0750);
  }
  return {};
}

class Server final : public CniServer, public proto::Cni::CallbackService {
 public:
  Server(asio::any_io_executor executor, CniService& service)
      : executor_(std::move(executor)), service_(service) {}
  ~Server() override { stop(); }

  Result<> listen(const std::string& path) {
    ANTREA_CHECK(clear_way(path));
    grpc::ServerBuilder builder;
    builder.AddListeningPort("unix:" + path, grpc::InsecureServerCredentials());
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    if (server_ == nullptr) return make_error(Errc::kIo, "listen for CNI calls", path);
    ::chmod(path.c_str(), 0600);
    return {};
  }

  void stop() override {
    if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now());
    server_.reset();
  }

  grpc::ServerUnaryReactor* CmdAdd(grpc::CallbackServerContext* context,
                                   const proto::CniCmdRequest* request,
                                   proto::CniCmdResponse* response) override {
    return serve(context, request, response, &CniService::add);
  }
  grpc::ServerUnaryReactor* CmdCheck(grpc::CallbackServerContext* context,
                                     const proto::CniCmdRequest* request,
                                     proto::CniCmdResponse* response) override {
    return serve(context, request, response, &CniService::check);
  }
  grpc::ServerUnaryReactor* CmdDel(grpc::CallbackServerContext* context,
                                   const proto::CniCmdRequest* request,
                                   proto::CniCmdResponse* response) override {
    return serve(context, request, response, &CniService::del);
  }

 private:
  template <typename Outcome>
  using Method = asio::awaitable<Outcome> (CniService::*)(cni::Arguments, std::string);

  /// Request, response and reactor live until Finish is called.
  template <typename Outcome>
  grpc::ServerUnaryReactor* serve(grpc::CallbackServerContext* context,
                                  const proto::CniCmdRequest* request,
                                  proto::CniCmdResponse* response, Method<Outcome> method) {
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    const auto& args = request->cni_args();
    asio::co_spawn(executor_, (service_.*method)(arguments_of(args), args.network_configuration()),
                   [reactor, response](std::exception_ptr failure, Outcome outcome) {
                     if (failure) {
                       reactor->Finish({grpc::StatusCode::INTERNAL, "the agent failed"});
                       return;
                     }
                     fill(*response, outcome);
                     reactor->Finish(grpc::Status::OK);
                   });
    return reactor;
  }

  asio::any_io_executor executor_;
  CniService& service_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace

Result<std::unique_ptr<CniServer>> CniServer::start(asio::any_io_executor executor,
                                                    CniService& service,
                                                    const std::string& socket) {
  auto server = std::make_unique<Server>(std::move(executor), service);
  ANTREA_CHECK(server->listen(socket));
  return std::unique_ptr<CniServer>(std::move(server));
}

}  // namespace antrea::node
