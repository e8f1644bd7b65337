#include "credentials.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "antrea/base/hash.h"

namespace antrea::controller {
namespace {

/// The file's text, or what `make` makes, which is kept there.
template <typename Make>
Result<std::string> kept(const std::string& dir, std::string_view name, Make make) {
  if (dir.empty()) return make();
  const std::string path = dir + "/" + std::string(name);
  auto text = read_file(path);
  if (text || text.error().code != Errc::kNotFound) return text;
  ANTREA_TRY(std::string fresh, make());
  ANTREA_CHECK(write_private_file(path, fresh));
  return fresh;
}

}  // namespace

Result<std::string> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return errno_error("read", path);
  return std::string{std::istreambuf_iterator<char>(in), {}};
}

Result<> write_private_file(const std::string& path, std::string_view text) {
  const std::string fresh = path + ".new";
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return errno_error("write", path);
  const auto written = ::write(fd, text.data(), text.size());
  ::close(fd);
  if (written != static_cast<ssize_t>(text.size()) || ::rename(fresh.c_str(), path.c_str()) != 0)
    return errno_error("write", path);
  return {};
}

Result<Credentials> load_credentials(const std::string& dir, const std::string& host) {
  if (!dir.empty()) {
    std::error_code error;
    std::filesystem::create_directories(dir, error);
    if (error) return errno_error(error.value(), "create state directory", dir);
    ::chmod(dir.c_str(), 0700);
  }
  Credentials credentials;
  ANTREA_TRY(credentials.token, kept(dir, "token", [] { return Result<std::string>(uuid_v4()); }));

  // Certificate and key are made together and kept in one file, the key behind the certificate.
  const auto split = [](const std::string& pem) {
    const auto end = pem.find("-----BEGIN", 1);
    return kube::CertifiedKey{pem.substr(0, end), end == std::string::npos ? "" : pem.substr(end)};
  };
  ANTREA_TRY(const std::string authority, kept(dir, "ca.pem", []() -> Result<std::string> {
               ANTREA_TRY(const auto made,
                          kube::make_certificate_authority("antrea-standalone-ca"));
               return made.certificate + made.private_key;
             }));
  credentials.authority = split(authority);
  std::vector<std::string> names{"localhost", "kubernetes", "kubernetes.default.svc", "127.0.0.1",
                                 "::1"};
  if (host != "localhost" && host != "127.0.0.1" && host != "::1") names.push_back(host);
  ANTREA_TRY(credentials.server,
             kube::issue_certificate(credentials.authority, "antrea-controller", names));
  return credentials;
}

kube::ClientConfig Credentials::client_config(const Remote& address) const {
  kube::ClientConfig config;
  config.host =
      address.address == "0.0.0.0" || address.address == "::" ? "127.0.0.1" : address.address;
  config.port = address.port;
  config.server_name = "localhost";
  config.ca = authority.certificate;
  config.token = token;
  return config;
}

}  // namespace antrea::controller
