#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "antrea/node/dns_names.h"

namespace antrea::node {

/// What `DnsNames` knows, in a file, over a restart. Times in it are those of the wall clock.
using WallTime = std::chrono::system_clock::time_point;

/// {"names": [{"name": "example.com", "addresses": [{"ip": "192.0.2.1", "until": MILLISECONDS}]}]}
ANTREA_API std::string encode_dns_state(const std::vector<DnsNames::Known>& names, TimePoint now,
                                        WallTime wall_now);
/// Error: kMalformed.
ANTREA_API Result<std::vector<DnsNames::Known>> decode_dns_state(std::string_view text,
                                                                 TimePoint now, WallTime wall_now);

/// Replaces the file in one step. Error: kIo and the like, with the path.
ANTREA_API Result<> write_dns_state(const std::string& path, const std::string& text);
/// Empty if there is no such file.
ANTREA_API Result<std::string> read_dns_state(const std::string& path);

}  // namespace antrea::node
