#pragma once

#include <string>
#include <string_view>

#include "antrea/base/ip.h"

/// Addresses as the control plane sends them: 16 bytes, IPv4 as v4-mapped; 4 bytes are understood
/// too. JSON has the bytes in base64 (RFC 4648 section 4).
namespace antrea::api::detail {

std::string to_wire(const IpAddress& address);
Result<IpAddress> address_from_wire(std::string_view bytes);
/// `length` counts in the width of the address' own family.
Result<IpPrefix> prefix_from_wire(std::string_view bytes, std::int64_t length);

std::string to_base64(std::string_view bytes);
Result<std::string> from_base64(std::string_view text);

}  // namespace antrea::api::detail
