#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>

#include "antrea/base/export.h"
#include "antrea/base/result.h"

namespace antrea::kube {

/// A certificate and its private key (EC P-256), as PEM texts.
struct CertifiedKey {
  std::string certificate;
  std::string private_key;
};

/// A self-signed certificate authority.
ANTREA_API Result<CertifiedKey> make_certificate_authority(
    std::string_view common_name, std::chrono::days validity = std::chrono::days(3650));

/// A certificate for a server (and client) with these DNS names and IP addresses, signed by
/// `authority`. Errors: kInvalidArgument (a name that is none), kMalformed (the authority's PEM).
ANTREA_API Result<CertifiedKey> issue_certificate(
    const CertifiedKey& authority, std::string_view common_name, std::span<const std::string> names,
    std::chrono::days validity = std::chrono::days(365));

}  // namespace antrea::kube
