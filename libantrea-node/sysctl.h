#pragma once

#include <optional>
#include <string>

#include "antrea/base/result.h"

namespace antrea::node {

/// A setting of the kernel, "net/ipv4/ip_forward", in the calling thread's network namespace;
/// nothing if there is no such one.
std::optional<std::string> read_sysctl(const std::string& path);
Result<> write_sysctl(const std::string& path, const std::string& value);

}  // namespace antrea::node
