#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <cstring>
#include <filesystem>
#include <utility>

#include "antrea/node/cni_service.h"
#include "cni.pb.h"
#include "grpc_server.h"

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

class Server final : public CniServer {
 public:
  Server(asio::any_io_executor executor, CniService& service)
      : acceptor_(std::make_shared<Acceptor>(std::move(executor))), service_(service) {}
  ~Server() override { stop(); }

  Result<> listen(const std::string& path) {
    ANTREA_CHECK(clear_way(path));
    boost::system::error_code code;
    acceptor_->open({}, code);
    if (!code) acceptor_->bind(path, code);
    if (!code) ::chmod(path.c_str(), 0600);
    if (!code) acceptor_->listen(asio::socket_base::max_listen_connections, code);
    if (code) return errno_error(code.value(), "listen for CNI calls", path);
    path_ = path;
    auto methods = std::make_shared<GrpcMethods>();
    add(*methods, "CmdAdd", &CniService::add);
    add(*methods, "CmdCheck", &CniService::check);
    add(*methods, "CmdDel", &CniService::del);
    asio::co_spawn(acceptor_->get_executor(), serve_grpc(acceptor_, std::move(methods)),
                   asio::detached);
    return {};
  }

  void stop() override {
    if (!acceptor_->is_open()) return;
    boost::system::error_code ignored;
    acceptor_->close(ignored);
    std::error_code gone_already;
    std::filesystem::remove(path_, gone_already);
  }

 private:
  using Acceptor = asio::local::stream_protocol::acceptor;
  template <typename Outcome>
  using Method = asio::awaitable<Outcome> (CniService::*)(cni::Arguments, std::string);

  template <typename Outcome>
  void add(GrpcMethods& methods, std::string_view name, Method<Outcome> method) {
    methods.emplace("/antrea_io.antrea.pkg.apis.cni.v1beta1.Cni/" + std::string(name),
                    [&service = service_, method](std::string request) {
                      return serve(service, method, std::move(request));
                    });
  }

  template <typename Outcome>
  static asio::awaitable<Result<std::string>> serve(CniService& service, Method<Outcome> method,
                                                    std::string bytes) {
    proto::CniCmdRequest request;
    if (!request.ParseFromString(bytes))
      co_return make_error(Errc::kMalformed, "read the CNI call: no CniCmdRequest", "");
    auto& args = *request.mutable_cni_args();
    auto arguments = arguments_of(args);
    auto work = (service.*method)(std::move(arguments), args.network_configuration());
    const Outcome outcome = co_await std::move(work);
    proto::CniCmdResponse response;
    fill(response, outcome);
    co_return response.SerializeAsString();
  }

  std::shared_ptr<Acceptor> acceptor_;
  CniService& service_;
  std::string path_;
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
