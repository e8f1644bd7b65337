#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "antrea/base/export.h"
#include "antrea/base/ip.h"
#include "antrea/base/result.h"

namespace antrea::node {

/// What an answer of a DNS server says of the name that was asked for (RFC 1035, section 4; RFC
/// 3596).
struct DnsAnswer {
  struct Address {
    IpAddress address;
    std::uint32_t ttl = 0;  ///< seconds
    friend bool operator==(const Address&, const Address&) = default;
  };
  std::uint16_t id = 0;
  std::string name;  ///< in lower case, without the last dot
  /// Those of the name itself, and of the names that it is an alias of. The TTL of an address
  /// behind aliases is the least of the chain.
  std::vector<Address> addresses;
  bool truncated = false;  ///< the server had more to say (TC), or the bytes end before it said all
  friend bool operator==(const DnsAnswer&, const DnsAnswer&) = default;
};

/// Reads one message, as far as it goes: of a message whose end is missing the records that are
/// whole count. Names are of letters, digits, '-' and '_' only; records of other names are stepped
/// over. Work and memory are bounded by the size of the message.
///
/// Errors: kMalformed, no answer or not a DNS message, or its question is cut; kUnsupported,
/// another operation than QUERY, or other than one question.
ANTREA_API Result<DnsAnswer> decode_dns_answer(std::span<const std::byte> message);

/// A query for the A or AAAA records of a name, recursion desired. Error: kInvalidArgument, a name
/// that DNS cannot carry.
ANTREA_API Result<std::vector<std::byte>> make_dns_query(const std::string& name, Family family,
                                                         std::uint16_t id);

}  // namespace antrea::node
