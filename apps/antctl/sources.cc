#include "sources.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/json.hpp>
#include <optional>

#include "antrea/kube/kubeconfig.h"
#include "antrea/kube/rest_client.h"
#include "antrea/lab/lab_dir.h"

namespace antrea::antctl {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace json = boost::json;

constexpr const char* kAgentSocket = "/var/run/antrea/api.sock";

Result<json::value> parse(const std::string& body, const std::string& source) {
  boost::system::error_code code;
  json::value value = json::parse(body, code);
  if (code) return make_error(Errc::kMalformed, "read the answer: " + code.message(), source);
  return value;
}

asio::awaitable<Result<json::object>> get(asio::io_context& io, kube::ClientConfig config,
                                          std::string target) {
  ANTREA_CO_TRY(const auto client,
                kube::RestClient::create(io.get_executor(), std::move(config), "antctl"));
  kube::ApiRequest request;
  request.target = std::move(target);
  co_return co_await kube::call(*client, std::move(request));
}

}  // namespace

Result<json::value> Sources::from_api(const std::string& target) const {
  std::string path = kubeconfig;
  if (path.empty() && !lab.empty()) {
    ANTREA_TRY(const auto dir, lab::LabDir::locate(lab));
    path = dir.kubeconfig();
  }
  ANTREA_TRY(auto config, kube::find_client_config(path));
  asio::io_context io;
  std::optional<Result<json::object>> result;
  asio::co_spawn(
      io, get(io, std::move(config), target),
      [&](std::exception_ptr, Result<json::object> value) { result.emplace(std::move(value)); });
  io.run();
  if (!result->has_value()) return std::move(*result).error();
  return json::value(**std::move(result));
}

Result<std::string> Sources::agent_socket() const {
  if (!agent.empty()) return agent;
  if (lab.empty()) return std::string(kAgentSocket);
  if (node.empty())
    return make_error(Errc::kInvalidArgument, "choose the agent: --lab needs --node NAME here",
                      lab);
  ANTREA_TRY(const auto dir, lab::LabDir::locate(lab));
  return dir.path() + "/hosts/" + node + "/run/antrea/api.sock";
}

Result<json::value> Sources::from_agent(const std::string& target) const {
  ANTREA_TRY(const std::string path, agent_socket());
  asio::io_context io;
  asio::local::stream_protocol::socket socket(io);
  beast::error_code code;
  socket.connect(asio::local::stream_protocol::endpoint(path), code);
  if (code)
    return make_error(Errc::kUnavailable, "connect to the agent: " + code.message(), path,
                      "is antrea-agent running there? see --agent, or --lab and --node");
  http::request<http::empty_body> request{http::verb::get, target, 11};
  request.set(http::field::host, "localhost");
  http::write(socket, request, code);
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> response;
  response.body_limit(256U << 20);
  if (!code) http::read(socket, buffer, response, code);
  if (code) return make_error(Errc::kIo, "ask the agent: " + code.message(), path);
  ANTREA_TRY(json::value value, parse(response.get().body(), path));
  if (response.get().result() == http::status::ok) return value;
  const auto* const message =
      value.is_object() ? value.get_object().if_contains("message") : nullptr;
  return make_error(Errc::kRejected,
                    message != nullptr && message->is_string() ? std::string(message->get_string())
                                                               : response.get().body(),
                    "the agent");
}

}  // namespace antrea::antctl
