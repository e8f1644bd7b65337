#include "antrea/node/dns_client.h"

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>

#include "antrea/base/asio.h"
#include "antrea/base/bytes.h"

namespace antrea::node {

namespace asio = boost::asio;
using asio::awaitable;
using asio::ip::tcp;
using asio::ip::udp;
using namespace asio::experimental::awaitable_operators;

namespace {

asio::ip::address address_of(const IpAddress& address) {
  return asio::ip::make_address(address.to_string());
}

/// Whether it answers this query: the source port was random too.
bool answers(const Result<DnsAnswer>& answer, std::uint16_t id, const std::string& name) {
  return answer && answer->id == id && answer->name == name;
}

awaitable<Result<DnsAnswer>> ask_udp(DnsServerAddress server, std::vector<std::byte> query,
                                     std::uint16_t id, std::string name) {
  udp::socket socket(co_await asio::this_coro::executor);
  boost::system::error_code failed;
  const udp::endpoint endpoint(address_of(server.address), server.port);
  socket.open(endpoint.protocol(), failed);
  if (!failed) socket.connect(endpoint, failed);
  if (failed) co_return errno_error(failed.value(), "ask a DNS server", name);
  const auto [unsent, sent] = co_await socket.async_send(asio::buffer(query), kTuple);
  if (unsent) co_return errno_error(unsent.value(), "ask a DNS server", name);
  std::array<std::byte, 4096> buffer;
  for (;;) {
    const auto [code, size] = co_await socket.async_receive(asio::buffer(buffer), kTuple);
    if (code) co_return errno_error(code.value(), "ask a DNS server", name);
    auto answer = decode_dns_answer(std::span(buffer).first(size));
    if (answers(answer, id, name)) co_return answer;
  }
}

awaitable<Result<DnsAnswer>> ask_tcp(DnsServerAddress server, std::vector<std::byte> query,
                                     std::uint16_t id, std::string name) {
  tcp::socket socket(co_await asio::this_coro::executor);
  const tcp::endpoint endpoint(address_of(server.address), server.port);
  const auto [refused] = co_await socket.async_connect(endpoint, kTuple);
  if (refused) co_return errno_error(refused.value(), "ask a DNS server by TCP", name);
  std::vector<std::byte> framed;
  ByteWriter(framed).be16(static_cast<std::uint16_t>(query.size()));
  framed.insert(framed.end(), query.begin(), query.end());
  const auto [unsent, sent] = co_await asio::async_write(socket, asio::buffer(framed), kTuple);
  if (unsent) co_return errno_error(unsent.value(), "ask a DNS server by TCP", name);
  std::vector<std::byte> head(2);
  const auto [cut, got] = co_await asio::async_read(socket, asio::buffer(head), kTuple);
  if (cut) co_return errno_error(cut.value(), "ask a DNS server by TCP", name);
  std::vector<std::byte> body(ByteReader(head).be16());
  const auto [short_body, all] = co_await asio::async_read(socket, asio::buffer(body), kTuple);
  if (short_body) co_return errno_error(short_body.value(), "ask a DNS server by TCP", name);
  auto answer = decode_dns_answer(body);
  if (answer && !answers(answer, id, name))
    co_return make_error(Errc::kMalformed, "ask a DNS server by TCP: it answered something else",
                         name);
  co_return answer;
}

/// Within the time; else kTimeout.
awaitable<Result<DnsAnswer>> limited(awaitable<Result<DnsAnswer>> asking, Duration time,
                                     std::string name) {
  asio::steady_timer timer(co_await asio::this_coro::executor, time);
  auto first = co_await (std::move(asking) || timer.async_wait(kTuple));
  if (first.index() == 0) co_return std::get<0>(std::move(first));
  co_return make_error(Errc::kTimeout, "ask a DNS server: no answer in time", name);
}

}  // namespace

Result<DnsServerAddress> DnsServerAddress::parse(std::string_view text) {
  DnsServerAddress server;
  std::string_view host = text, port;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    host = text.substr(1, end == text.npos ? text.npos : end - 1);
    if (end != text.npos && end + 1 < text.size())
      port = text.substr(text[end + 1] == ':' ? end + 2 : text.size());
  } else if (const auto colon = text.find(':');
             colon != text.npos && text.find(':', colon + 1) == text.npos) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
  }
  const auto address = IpAddress::parse(host);
  if (!address) return Error(address.error()).within("read a DNS server", text);
  server.address = *address;
  if (host.size() == text.size()) return server;
  unsigned number = 0;
  const auto [rest, failed] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (text.starts_with('[') && text.ends_with(']')) return server;
  if (failed != std::errc() || rest != port.data() + port.size() || number == 0 || number > 65535)
    return make_error(Errc::kMalformed, "read a DNS server", std::string(text),
                      "ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT");
  server.port = static_cast<std::uint16_t>(number);
  return server;
}

Result<DnsServerAddress> DnsServerAddress::find(const std::string& resolv_conf) {
  const char* const host = std::getenv("KUBE_DNS_SERVICE_HOST");
  const char* const port = std::getenv("KUBE_DNS_SERVICE_PORT");
  if (host != nullptr && *host != '\0') {
    const bool v6 = std::string_view(host).find(':') != std::string_view::npos;
    return parse((v6 ? "[" + std::string(host) + "]" : std::string(host)) + ":" +
                 (port != nullptr && *port != '\0' ? port : "53"));
  }
  std::ifstream file(resolv_conf);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string word, server;
    words >> word >> server;
    if (word != "nameserver") continue;
    if (const auto found = parse(server)) return *found;
  }
  return make_error(Errc::kNotFound, "find a DNS server: no nameserver", resolv_conf);
}

awaitable<Result<DnsAnswer>> resolve_dns_name(DnsServerAddress server, std::string name,
                                              std::span<const Family> families, Duration timeout) {
  constexpr int kAttempts = 2;
  const std::vector<Family> wanted(families.begin(), families.end());
  DnsAnswer all;
  all.name = name;
  for (const Family family : wanted) {
    const auto id = static_cast<std::uint16_t>(std::random_device{}());
    ANTREA_CO_TRY(const auto query, make_dns_query(name, family, id));
    Result<DnsAnswer> answer = make_error(Errc::kTimeout, "ask a DNS server", name);
    for (int attempt = 0; attempt < kAttempts && !answer; ++attempt)
      answer = co_await limited(ask_udp(server, query, id, name), timeout / kAttempts, name);
    if (answer && answer->truncated) {
      auto whole = co_await limited(ask_tcp(server, query, id, name), timeout, name);
      if (whole) answer = std::move(whole);
    }
    if (!answer) co_return answer;
    all.truncated = all.truncated || answer->truncated;
    all.addresses.insert(all.addresses.end(), answer->addresses.begin(), answer->addresses.end());
  }
  co_return all;
}

}  // namespace antrea::node
