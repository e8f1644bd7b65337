#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <span>
#include <string>

#include "antrea/base/clock.h"
#include "antrea/node/dns_message.h"

namespace antrea::node {

/// Where a DNS server listens.
struct DnsServerAddress {
  IpAddress address;
  std::uint16_t port = 53;

  /// "10.96.0.10", "10.96.0.10:53", "[fd00::10]:53". Error: kMalformed.
  ANTREA_API static Result<DnsServerAddress> parse(std::string_view text);
  /// That of $KUBE_DNS_SERVICE_HOST and _PORT, else the first one of resolv.conf. Error: kNotFound.
  ANTREA_API static Result<DnsServerAddress> find(const std::string& resolv_conf);
};

/// Asks a server for all addresses of a name: one query a family by UDP, again where it stays
/// unanswered, and by TCP where the answer was cut. The answer of all families is one. Errors:
/// kTimeout; kIo, kUnavailable (the server's host refused); kInvalidArgument.
ANTREA_API boost::asio::awaitable<Result<DnsAnswer>> resolve_dns_name(
    DnsServerAddress server, std::string name, std::span<const Family> families,
    Duration timeout = std::chrono::seconds(10));

}  // namespace antrea::node
