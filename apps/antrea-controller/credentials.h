#pragma once

#include <string>

#include "antrea/base/remote.h"
#include "antrea/base/result.h"
#include "antrea/kube/certificate.h"
#include "antrea/kube/kubeconfig.h"

namespace antrea::controller {

/// Who may talk to the standalone API server, and how it proves itself. Kept in files (mode 0600),
/// so that a kubeconfig outlives a restart.
struct Credentials {
  std::string token;
  kube::CertifiedKey authority;
  kube::CertifiedKey server;

  /// For a server that listens at `address`.
  kube::ClientConfig client_config(const Remote& address) const;
};

/// Reads what `dir` has and makes what it lacks; with an empty `dir` everything is made anew.
/// `host` goes into the server's certificate, beside localhost. Errors: kIo, kPermissionDenied,
/// naming the file.
Result<Credentials> load_credentials(const std::string& dir, const std::string& host);

/// Replaces the file in one step, with mode 0600. Error: kIo.
Result<> write_private_file(const std::string& path, std::string_view text);
/// Error: kNotFound, kIo.
Result<std::string> read_file(const std::string& path);

}  // namespace antrea::controller
