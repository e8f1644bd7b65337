// Serves the builtin resources until it is told to end, for tests and for trying the server by
// hand:
//
//   kube_serve FOLDER [DATABASE]
//
// writes FOLDER/kubeconfig when it listens (127.0.0.1, any free port, TLS, token "test-token").
#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "antrea/kube/api_server.h"
#include "antrea/kube/builtin_types.h"
#include "antrea/kube/certificate.h"

namespace {
using namespace antrea;
using namespace antrea::kube;

constexpr std::string_view kToken = "test-token";

Result<> write_file(const std::filesystem::path& path, std::string_view text) {
  const auto temporary = path.string() + ".new";
  std::ofstream(temporary) << text;
  std::error_code code;
  std::filesystem::rename(temporary, path, code);
  if (code) return make_error(Errc::kIo, "write: " + code.message(), path.string());
  return {};
}

std::string kubeconfig(const std::filesystem::path& folder, std::uint16_t port) {
  return fmt::format(R"(apiVersion: v1
kind: Config
current-context: test
clusters:
- name: test
  cluster:
    certificate-authority: {}
    server: https://127.0.0.1:{}
users:
- name: test
  user:
    token: {}
contexts:
- name: test
  context:
    cluster: test
    user: test
)",
                     (folder / "ca.crt").string(), port, kToken);
}

Result<> serve(const std::filesystem::path& folder, const std::string& database) {
  boost::asio::io_context io(1);
  const ResourceTypes types = make_builtin_types();
  StoreOptions store_options;
  store_options.path = database;
  ANTREA_TRY(const auto store, Store::open(store_options));
  ApiServerOptions options;
  options.user_of_token = [](std::string_view token) {
    return token == kToken ? "system:admin" : "";
  };
  ANTREA_TRY(const auto api, ApiServer::create(io.get_executor(), types, *store, options));

  ANTREA_TRY(const auto authority, make_certificate_authority("test"));
  const std::vector<std::string> names{"127.0.0.1", "localhost"};
  ANTREA_TRY(const auto identity, issue_certificate(authority, "kube-apiserver", names));
  HttpServerOptions http;
  http.listen = {Remote::Kind::kTcp, "127.0.0.1", 0};
  http.tls = TlsIdentity{identity.certificate, identity.private_key, {}};
  http.authenticate = [&](HttpRequest& head) { return api->authenticate(head); };
  ANTREA_TRY(
      const auto server,
      HttpServer::start(io.get_executor(), http, [&](HttpRequest request, HttpExchange exchange) {
        api->handle(std::move(request), std::move(exchange));
      }));
  ANTREA_CHECK(write_file(folder / "ca.crt", authority.certificate));
  ANTREA_CHECK(write_file(folder / "kubeconfig", kubeconfig(folder, server->address().port)));
  boost::asio::signal_set signals(io, SIGINT, SIGTERM);
  signals.async_wait([&](auto, int) { io.stop(); });
  io.run();
  return {};
}
}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::fprintf(stderr, "usage: kube_serve FOLDER [DATABASE]\n");
    return 2;
  }
  const auto done = serve(argv[1], argc == 3 ? argv[2] : ":memory:");
  if (!done) fmt::print(stderr, "kube_serve: {}\n", done.error().to_string());
  return done ? 0 : 1;
}
