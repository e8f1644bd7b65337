#pragma once

#include <string_view>

#include "antrea/base/ip.h"

// Addresses in tests, as they are written.
namespace antrea {

inline IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }
inline IpPrefix cidr(std::string_view text) { return IpPrefix::parse(text).value(); }
inline MacAddress mac(std::string_view text) { return MacAddress::parse(text).value(); }

}  // namespace antrea
