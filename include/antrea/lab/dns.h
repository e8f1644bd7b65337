#pragma once

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "antrea/base/export.h"
#include "antrea/base/ip.h"
#include "antrea/lab/namespace.h"

namespace antrea::lab {

/// What a name (lower case, without its last dot) stands for. Empty: there is no such name
/// (NXDOMAIN). A name that exists but has no address of the family asked for gets an empty answer.
using DnsLookup = std::function<std::vector<IpAddress>(const std::string& name)>;

/// Answers one query (RFC 1035, section 4): A and AAAA in class IN from `lookup`, other types with
/// an empty answer, other opcodes with NOTIMP. Nothing for what is not a query, or not a DNS
/// message at all. Answers that exceed `max_size` are cut with TC set.
ANTREA_API std::optional<std::vector<std::byte>> answer_dns_query(std::span<const std::byte> query,
                                                                  const DnsLookup& lookup,
                                                                  std::size_t max_size);

/// A query for the A (or AAAA) records of `name`. Names longer than DNS allows give nothing.
ANTREA_API std::optional<std::vector<std::byte>> make_dns_query(const std::string& name,
                                                                Family family, std::uint16_t id);

/// The addresses in the answer to such a query. Error: kMalformed; kNotFound for NXDOMAIN;
/// kRejected for other codes.
ANTREA_API Result<std::vector<IpAddress>> read_dns_answer(std::span<const std::byte> answer,
                                                          std::uint16_t id);

/// A DNS server on UDP and TCP port 53 of one namespace.
class ANTREA_API DnsServer {
 public:
  static Result<std::unique_ptr<DnsServer>> start(boost::asio::io_context& io,
                                                  const NetNamespace& ns, const IpAddress& address,
                                                  DnsLookup lookup);
  ~DnsServer();
  DnsServer(const DnsServer&) = delete;
  DnsServer& operator=(const DnsServer&) = delete;

 private:
  DnsServer() = default;
  std::function<void()> close_;
};

/// Asks `server` from inside `from` as a resolver does, with three attempts of a second. `search`
/// domains are tried in their order for a name without a dot or with fewer than five. Error:
/// kTimeout (no answer), kNotFound.
ANTREA_API Result<std::vector<IpAddress>> resolve(const NetNamespace& from, const IpAddress& server,
                                                  const std::string& name,
                                                  const std::vector<std::string>& search,
                                                  Family family = Family::kIPv4);

}  // namespace antrea::lab
