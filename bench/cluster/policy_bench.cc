#include "policy_bench.h"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/json.hpp>

#include "antrea/kube/kubeconfig.h"
#include "antrea/kube/rest_client.h"
#include "measure.h"

namespace antrea::bench {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace json = boost::json;

constexpr int kRounds = 200;
constexpr const char* kPolicies = "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies";

/// The bundles that the agent's switch has acknowledged so far. Throws when the agent is away.
std::int64_t bundles(const std::string& socket) {
  asio::io_context io;
  asio::local::stream_protocol::socket stream(io);
  stream.connect(socket);
  http::request<http::empty_body> request(http::verb::get, "/agentinfo", 11);
  request.set(http::field::host, "localhost");
  http::write(stream, request);
  boost::beast::flat_buffer buffer;
  http::response<http::string_body> response;
  http::read(stream, buffer, response);
  return json::parse(response.body()).at("openflow").at("bundles").to_number<std::int64_t>();
}

std::string policy(int number) {
  const json::value object{
      {"apiVersion", "networking.k8s.io/v1"},
      {"kind", "NetworkPolicy"},
      {"metadata", {{"name", fmt::format("bench-{}", number)}}},
      {"spec",
       {{"podSelector", {{"matchLabels", {{"role", "frontend"}}}}},
        {"policyTypes", json::array{"Ingress"}},
        {"ingress", json::array{json::object{
                        {"ports", json::array{json::object{{"protocol", "TCP"},
                                                           {"port", 1000 + number}}}}}}}}}};
  return json::serialize(object);
}

asio::awaitable<Result<>> change_policies(kube::RestClient& api, const std::string& agent_socket,
                                          Times& answered, Times& realised) {
  for (int i = 0; i < kRounds; ++i) {
    kube::ApiRequest create{.method = "POST", .target = kPolicies, .body = policy(i)};
    kube::ApiRequest remove{.method = "DELETE", .target = fmt::format("{}/bench-{}", kPolicies, i)};
    for (const kube::ApiRequest& request : {create, remove}) {
      const std::int64_t before = bundles(agent_socket);
      const auto begin = Clock::now();
      auto done = co_await kube::call(api, request);
      if (!done) co_return Error(done.error());
      answered.add(ms_since(begin));
      while (bundles(agent_socket) == before)
        if (ms_since(begin) > 10'000)
          co_return make_error(Errc::kTimeout, "wait for the policy's flows", request.target);
      realised.add(ms_since(begin));
    }
  }
  co_return Result<>();
}

}  // namespace

Result<> measure_policy_latency(const std::string& kubeconfig, const std::string& agent_socket) {
  ANTREA_TRY(auto config, kube::load_kubeconfig(kubeconfig));
  asio::io_context io;
  ANTREA_TRY(const auto api, kube::RestClient::create(io.get_executor(), config, "bench"));
  Result<> outcome;
  Times answered, realised;
  asio::co_spawn(io, change_policies(*api, agent_socket, answered, realised),
                 [&](std::exception_ptr failure, Result<> result) {
                   if (failure) std::rethrow_exception(failure);
                   outcome = std::move(result);
                   io.stop();
                 });
  io.run();
  if (!outcome) return outcome;
  fmt::print("NetworkPolicy created or deleted, {} changes, from the request on\n",
             realised.size());
  fmt::print("  answered                p50 {:6.2f} ms  p99 {:6.2f} ms\n", answered.at(.5),
             answered.at(.99));
  fmt::print("  acknowledged by switch  p50 {:6.2f} ms  p99 {:6.2f} ms\n", realised.at(.5),
             realised.at(.99));
  return {};
}

}  // namespace antrea::bench
