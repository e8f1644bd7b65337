#include "antrea/kube/kubeconfig.h"

#include <fmt/format.h>

#include <boost/beast/core/detail/base64.hpp>
#include <boost/json/object.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "../schema/json.h"
#include "../schema/text.h"
#include "antrea/api/json.h"
#include "antrea/api/yaml.h"

namespace antrea::kube {
namespace {

namespace base64 = boost::beast::detail::base64;
using boost::json::object;

constexpr std::uint16_t kHttpsPort = 443, kHttpPort = 80;

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return make_error(errno == ENOENT ? Errc::kNotFound : Errc::kIo,
                      fmt::format("read: {}", std::strerror(errno)), path);
  }
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

Result<std::string> from_base64(std::string_view text, std::string_view field) {
  std::string digits;
  for (const char c : text)
    if (c != '\n' && c != '\r' && c != ' ') digits += c;
  std::string bytes(base64::decoded_size(digits.size()), '\0');
  const auto [written, read] = base64::decode(bytes.data(), digits.data(), digits.size());
  const auto rest = std::string_view(digits).substr(read);
  if (rest.find_first_not_of('=') != std::string_view::npos)
    return make_error(Errc::kMalformed, "decode base64: a character that is none of it",
                      std::string(field));
  bytes.resize(written);
  return bytes;
}

std::string to_base64(std::string_view bytes) {
  std::string text(base64::encoded_size(bytes.size()), '\0');
  text.resize(base64::encode(text.data(), bytes.data(), bytes.size()));
  return text;
}

/// The entry called `name` in the list `list`, whose content is under `key`.
Result<const object*> find_entry(const object& config, std::string_view list, std::string_view key,
                                 std::string_view name) {
  const object* found = nullptr;
  for_each_object(config, list, [&](const object& entry) {
    if (found == nullptr && text_at(entry, "name") == name) found = object_at(entry, key);
  });
  if (found == nullptr)
    return make_error(Errc::kNotFound,
                      fmt::format("find the {} in the kubeconfig: there is none of that name", key),
                      fmt::format("{} \"{}\"", key, name),
                      fmt::format("compare with the list under \"{}\"", list));
  return found;
}

class Loader {
 public:
  explicit Loader(std::string_view folder) : folder_(folder) {}

  /// `key`-data holds the bytes as base64, `key` the name of a file; the first wins.
  Result<std::string> bytes(const object& from, const std::string& key) const {
    const auto data = key + "-data";
    if (const auto text = text_at(from, data); !text.empty()) return from_base64(text, data);
    const auto path = text_at(from, key);
    if (path.empty()) return std::string{};
    return read_file(absolute(path));
  }

  std::string absolute(std::string_view path) const {
    return (std::filesystem::path(folder_) / path).string();
  }

 private:
  std::string_view folder_;
};

}  // namespace

std::string ClientConfig::url() const {
  const bool v6 = host.find(':') != std::string::npos;
  return fmt::format("{}://{}{}{}:{}{}", tls ? "https" : "http", v6 ? "[" : "", host, v6 ? "]" : "",
                     port, base_path);
}

Result<ClientConfig> config_for_url(std::string_view text) {
  const auto bad = [&](std::string_view why) {
    return make_error(Errc::kInvalidArgument, fmt::format("read the server's address: {}", why),
                      std::string(text), "write it as https://HOST:PORT");
  };
  const auto url = boost::urls::parse_uri(text);
  if (!url) return bad(url.error().message());
  ClientConfig config;
  if (url->scheme() != "https" && url->scheme() != "http") return bad("neither https nor http");
  config.tls = url->scheme() == "https";
  config.host = std::string(url->host_address());
  if (config.host.empty()) return bad("no host");
  config.port = config.tls ? kHttpsPort : kHttpPort;
  if (url->has_port()) {
    const std::string_view digits = url->port();
    const auto [end, error] = std::from_chars(digits.begin(), digits.end(), config.port);
    if (error != std::errc{} || end != digits.end() || config.port == 0) return bad("no such port");
  }
  config.base_path = std::string(url->encoded_path());
  while (config.base_path.ends_with('/')) config.base_path.pop_back();
  return config;
}

Result<ClientConfig> parse_kubeconfig(std::string_view text, std::string_view folder,
                                      std::string_view context) {
  ANTREA_TRY(const auto documents, api::decode_manifest(text, "kubeconfig"));
  if (documents.size() != 1 || !documents[0].is_object())
    return make_error(Errc::kMalformed, "read the kubeconfig: not one YAML object", "kubeconfig");
  const auto& config = documents[0].get_object();
  const auto name = context.empty() ? text_at(config, "current-context") : context;
  if (name.empty())
    return make_error(Errc::kNotFound, "read the kubeconfig: no current-context", "kubeconfig",
                      "name a context");
  ANTREA_TRY(const auto* chosen, find_entry(config, "contexts", "context", name));
  ANTREA_TRY(const auto* cluster,
             find_entry(config, "clusters", "cluster", text_at(*chosen, "cluster")));
  ANTREA_TRY(auto result, config_for_url(text_at(*cluster, "server")));
  const Loader load(folder);
  ANTREA_TRY(result.ca, load.bytes(*cluster, "certificate-authority"));
  result.skip_verification = flag_at(*cluster, "insecure-skip-tls-verify");
  result.server_name = text_at(*cluster, "tls-server-name");
  if (const auto own = text_at(*chosen, "namespace"); !own.empty()) result.namespace_ = own;
  const auto user_name = text_at(*chosen, "user");
  if (user_name.empty()) return result;
  ANTREA_TRY(const auto* user, find_entry(config, "users", "user", user_name));
  if (user->contains("exec") || user->contains("auth-provider"))
    return make_error(Errc::kUnsupported, "read the kubeconfig: credentials come from a program",
                      fmt::format("user \"{}\"", user_name), "use a token or a client certificate");
  result.token = text_at(*user, "token");
  if (const auto path = text_at(*user, "tokenFile"); !path.empty())
    result.token_file = load.absolute(path);
  ANTREA_TRY(result.certificate, load.bytes(*user, "client-certificate"));
  ANTREA_TRY(result.key, load.bytes(*user, "client-key"));
  if (result.certificate.empty() != result.key.empty())
    return make_error(Errc::kMalformed,
                      "read the kubeconfig: client certificate and key belong together",
                      fmt::format("user \"{}\"", user_name));
  return result;
}

Result<ClientConfig> load_kubeconfig(const std::string& path, std::string_view context) {
  ANTREA_TRY(const auto text, read_file(path));
  const auto folder = std::filesystem::path(path).parent_path().string();
  auto config = parse_kubeconfig(text, folder, context);
  if (!config) return std::move(config).error().within("load kubeconfig", path);
  return config;
}

Result<ClientConfig> in_cluster_config(const std::string& folder) {
  const char* host = std::getenv("KUBERNETES_SERVICE_HOST");
  const char* port = std::getenv("KUBERNETES_SERVICE_PORT");
  if (host == nullptr || port == nullptr)
    return make_error(Errc::kNotFound, "find the API server: KUBERNETES_SERVICE_HOST is not set",
                      {}, "run in a Pod or name a kubeconfig");
  const bool v6 = std::string_view(host).find(':') != std::string_view::npos;
  ANTREA_TRY(auto config, config_for_url(fmt::format(
                              fmt::runtime(v6 ? "https://[{}]:{}" : "https://{}:{}"), host, port)));
  ANTREA_TRY(config.ca, read_file(folder + "/ca.crt"));
  ANTREA_TRY(config.token, read_file(folder + "/token"));
  config.token_file = folder + "/token";
  if (auto own = read_file(folder + "/namespace")) config.namespace_ = trim(*own);
  return config;
}

Result<ClientConfig> find_client_config(const std::string& path) {
  if (!path.empty()) return load_kubeconfig(path);
  if (const char* paths = std::getenv("KUBECONFIG"); paths != nullptr && *paths != '\0')
    return load_kubeconfig(std::string(split_once(paths, ':').first));
  if (std::getenv("KUBERNETES_SERVICE_HOST") != nullptr) return in_cluster_config();
  const char* home = std::getenv("HOME");
  return load_kubeconfig(fmt::format("{}/.kube/config", home == nullptr ? "" : home));
}

std::string to_kubeconfig(const ClientConfig& config, std::string_view name) {
  const std::string label(name);
  object cluster{{"server", config.url()}}, user;
  if (!config.ca.empty()) cluster["certificate-authority-data"] = to_base64(config.ca);
  if (config.skip_verification) cluster["insecure-skip-tls-verify"] = true;
  if (!config.server_name.empty()) cluster["tls-server-name"] = config.server_name;
  if (!config.token.empty()) user["token"] = config.token;
  if (!config.token_file.empty()) user["tokenFile"] = config.token_file;
  if (!config.certificate.empty()) {
    user["client-certificate-data"] = to_base64(config.certificate);
    user["client-key-data"] = to_base64(config.key);
  }
  const auto list = [&](const char* key, object inside) {
    return boost::json::array{object{{"name", label}, {key, std::move(inside)}}};
  };
  return api::to_yaml(object{
      {"apiVersion", "v1"},
      {"kind", "Config"},
      {"current-context", label},
      {"clusters", list("cluster", std::move(cluster))},
      {"users", list("user", std::move(user))},
      {"contexts",
       list("context",
            object{{"cluster", label}, {"user", label}, {"namespace", config.namespace_}})}});
}

}  // namespace antrea::kube
