#include "antrea/base/remote.h"

#include <charconv>

namespace antrea {
namespace {

struct Method {
  std::string_view prefix;
  Remote::Kind kind;
  bool passive;
};
constexpr Method kMethods[]{
    {"unix:", Remote::Kind::kUnix, false}, {"tcp:", Remote::Kind::kTcp, false},
    {"ssl:", Remote::Kind::kSsl, false},   {"punix:", Remote::Kind::kUnix, true},
    {"ptcp:", Remote::Kind::kTcp, true},   {"pssl:", Remote::Kind::kSsl, true},
};

/// Takes a host, bare up to the next colon or in brackets, off the front. Null or why not.
const char* take_host(std::string_view& rest, std::string& host) {
  if (!rest.starts_with('[')) {
    host = rest.substr(0, rest.find(':'));
    rest.remove_prefix(host.size());
    return nullptr;
  }
  const auto end = rest.find(']');
  if (end == std::string_view::npos) return "a [ without ]";
  host = rest.substr(1, end - 1);
  rest.remove_prefix(end + 1);
  return nullptr;
}

const char* take_port(std::string_view text, std::uint16_t& port) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), port);
  return code == std::errc() && end == text.data() + text.size()
             ? nullptr
             : "the port is no number up to 65535";
}

/// "HOST[:PORT]"
const char* parse_active(std::string_view rest, Remote& remote) {
  if (const char* why = take_host(rest, remote.address)) return why;
  if (remote.address.empty()) return "empty host";
  if (!rest.empty()) {
    if (rest.front() != ':') return "something between host and port";
    if (const char* why = take_port(rest.substr(1), remote.port)) return why;
  }
  return remote.port == 0 ? "no port" : nullptr;
}

/// "[PORT][:HOST]"
const char* parse_passive(std::string_view rest, Remote& remote) {
  const auto port = rest.substr(0, rest.find(':'));
  rest.remove_prefix(port.size());
  if (!port.empty())
    if (const char* why = take_port(port, remote.port)) return why;
  if (rest.empty()) return nullptr;
  rest.remove_prefix(1);
  if (const char* why = take_host(rest, remote.address)) return why;
  return rest.empty() ? nullptr : "something behind the host";
}

const char* parse_path(std::string_view path, Remote& remote) {
  if (path.empty()) return "empty path";
  if (path.size() > 107) return "path of more than 107 bytes";
  remote.address = path;
  return nullptr;
}

}  // namespace

std::string Remote::to_string() const {
  std::string text;
  for (const auto& method : kMethods)
    if (method.kind == kind && method.passive == passive) text = method.prefix;
  if (kind == Kind::kUnix) return text + address;
  const bool v6 = address.find(':') != std::string::npos;
  const auto host = v6 ? "[" + address + "]" : address;
  const auto number = std::to_string(port);
  if (!passive) return text + host + ":" + number;
  return text + number + (host.empty() ? "" : ":" + host);
}

Result<Remote> parse_remote(std::string_view text, std::uint16_t default_port) {
  for (const auto& method : kMethods) {
    if (!text.starts_with(method.prefix)) continue;
    Remote remote{method.kind, {}, default_port, method.passive};
    const auto rest = text.substr(method.prefix.size());
    if (method.kind == Remote::Kind::kUnix) remote.port = 0;
    const char* const why = method.kind == Remote::Kind::kUnix ? parse_path(rest, remote)
                            : method.passive                   ? parse_passive(rest, remote)
                                                               : parse_active(rest, remote);
    if (why == nullptr) return remote;
    return make_error(Errc::kInvalidArgument, "parse remote: " + std::string(why),
                      std::string(text));
  }
  return make_error(Errc::kInvalidArgument, "parse remote: it starts with no known method",
                    std::string(text),
                    "write unix:PATH, tcp:HOST:PORT or ssl:HOST:PORT, with a p before to listen");
}

}  // namespace antrea
