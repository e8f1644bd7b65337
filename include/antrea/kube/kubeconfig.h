#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "antrea/base/export.h"
#include "antrea/base/result.h"

namespace antrea::kube {

/// How to reach an API server, and who we are there. Certificates and keys are PEM texts.
struct ClientConfig {
  std::string host;  ///< name or address, IPv6 without brackets
  std::uint16_t port = 443;
  bool tls = true;
  std::string base_path;    ///< in front of every path, e.g. "/k8s/clusters/c1"; mostly empty
  std::string server_name;  ///< expected in the server's certificate; the host if empty
  std::string ca;           ///< trust anchors; those of the system if empty
  bool skip_verification = false;
  std::string token;
  std::string token_file;  ///< read again for every connection, as tokens rotate; precedes `token`
  std::string certificate, key;
  std::string namespace_ = "default";

  /// "https://10.0.0.1:6443"
  ANTREA_API std::string url() const;
  friend bool operator==(const ClientConfig&, const ClientConfig&) = default;
};

/// The address in `url` ("https://host:port/path"). Error: kInvalidArgument.
ANTREA_API Result<ClientConfig> config_for_url(std::string_view url);

/// Reads the text of a kubeconfig file (YAML or JSON). Files that it names are read relative to
/// `folder`. `context` picks one; empty: the current one. Errors: kMalformed (not a kubeconfig),
/// kNotFound (no such context, cluster, user or file), kUnsupported (credentials from a program).
ANTREA_API Result<ClientConfig> parse_kubeconfig(std::string_view text, std::string_view folder,
                                                 std::string_view context = {});
/// The same from a file. Further error: kIo.
ANTREA_API Result<ClientConfig> load_kubeconfig(const std::string& path,
                                                std::string_view context = {});

/// What a Pod finds: a service account's files in `folder`, the API server's address in the
/// environment. Error: kNotFound if this is no Pod.
ANTREA_API Result<ClientConfig> in_cluster_config(
    const std::string& folder = "/var/run/secrets/kubernetes.io/serviceaccount");

/// As kubectl looks for it: `path` if not empty, $KUBECONFIG (its first file), the Pod's service
/// account, ~/.kube/config.
ANTREA_API Result<ClientConfig> find_client_config(const std::string& path = {});

/// A kubeconfig with one context called `name`, as YAML. What is in files is put inline, but for a
/// token file.
ANTREA_API std::string to_kubeconfig(const ClientConfig& config, std::string_view name);

}  // namespace antrea::kube
