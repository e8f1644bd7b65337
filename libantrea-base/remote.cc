#include "antrea/base/remote.h"

#include <charconv>

namespace antrea {

std::string Remote::to_string() const {
  if (kind == Kind::kUnix) return "unix:" + address;
  const bool v6 = address.find(':') != std::string::npos;
  return "tcp:" + (v6 ? "[" + address + "]" : address) + ":" + std::to_string(port);
}

Result<Remote> parse_remote(std::string_view text, std::uint16_t default_port) {
  const auto bad = [&](std::string_view why) {
    return make_error(Errc::kInvalidArgument, "parse remote: " + std::string(why),
                      std::string(text), "write unix:PATH or tcp:HOST:PORT");
  };
  if (text.starts_with("unix:")) {
    const auto path = text.substr(5);
    if (path.empty()) return bad("empty path");
    if (path.size() > 107) return bad("path of more than 107 bytes");
    return Remote{Remote::Kind::kUnix, std::string(path), 0};
  }
  if (!text.starts_with("tcp:")) return bad("neither unix: nor tcp:");
  auto rest = text.substr(4);
  std::string_view host;
  if (rest.starts_with('[')) {
    const auto end = rest.find(']');
    if (end == std::string_view::npos) return bad("a [ without ]");
    host = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
  } else {
    host = rest.substr(0, rest.find(':'));
    rest.remove_prefix(host.size());
  }
  if (host.empty()) return bad("empty host");
  Remote remote{Remote::Kind::kTcp, std::string(host), default_port};
  if (!rest.empty()) {
    if (rest.front() != ':') return bad("something between host and port");
    rest.remove_prefix(1);
    const auto [end, code] = std::from_chars(rest.begin(), rest.end(), remote.port);
    if (code != std::errc() || end != rest.end()) return bad("the port is no number up to 65535");
  }
  if (remote.port == 0) return bad("no port");
  return remote;
}

}  // namespace antrea
