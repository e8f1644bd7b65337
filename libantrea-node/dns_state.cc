#include "antrea/node/dns_state.h"

#include <boost/json.hpp>
#include <cstdio>
#include <fstream>
#include <sstream>

namespace antrea::node {

namespace json = boost::json;
using std::chrono::milliseconds;

std::string encode_dns_state(const std::vector<DnsNames::Known>& names, TimePoint now,
                             WallTime wall_now) {
  json::array list;
  for (const DnsNames::Known& each : names) {
    json::array addresses;
    for (const auto& [ip, end] : each.addresses) {
      const WallTime until = wall_now + std::chrono::duration_cast<WallTime::duration>(end - now);
      addresses.push_back(json::object{
          {"ip", ip.to_string()},
          {"until", std::chrono::duration_cast<milliseconds>(until.time_since_epoch()).count()}});
    }
    list.push_back(json::object{{"name", each.name}, {"addresses", std::move(addresses)}});
  }
  return json::serialize(json::object{{"names", std::move(list)}});
}

Result<std::vector<DnsNames::Known>> decode_dns_state(std::string_view text, TimePoint now,
                                                      WallTime wall_now) {
  const auto malformed = [](const char* expected) {
    return make_error(Errc::kMalformed, "read the DNS names of an earlier life", {}, expected);
  };
  boost::system::error_code failed;
  const json::value document = json::parse(text, failed);
  if (failed) return malformed("JSON");
  const auto* const list = document.find_pointer("/names", failed);
  if (failed || !list->is_array()) return malformed("a list of names");
  std::vector<DnsNames::Known> names;
  for (const json::value& entry : list->get_array()) {
    const auto* const name = entry.find_pointer("/name", failed);
    if (failed || !name->is_string()) return malformed("a name");
    const auto* const addresses = entry.find_pointer("/addresses", failed);
    if (failed || !addresses->is_array()) return malformed("addresses");
    DnsNames::Known& known = names.emplace_back();
    known.name = name->get_string();
    for (const json::value& each : addresses->get_array()) {
      const auto* const ip = each.find_pointer("/ip", failed);
      if (failed || !ip->is_string()) return malformed("an address");
      const auto* const until = each.find_pointer("/until", failed);
      if (failed || !until->is_int64()) return malformed("a time");
      const auto address = IpAddress::parse(ip->get_string());
      if (!address) return malformed("an address");
      const WallTime end{std::chrono::duration_cast<WallTime::duration>(
          milliseconds(std::min<std::int64_t>(until->get_int64(), 1LL << 50)))};
      known.addresses.emplace(*address, now + std::chrono::duration_cast<Duration>(end - wall_now));
    }
  }
  return names;
}

Result<> write_dns_state(const std::string& path, const std::string& text) {
  const std::string fresh = path + ".new";
  {
    std::ofstream file(fresh, std::ios::trunc);
    file << text;
    file.flush();
    if (!file) return errno_error("write", fresh);
  }
  if (std::rename(fresh.c_str(), path.c_str()) != 0) return errno_error("write", path);
  return {};
}

Result<std::string> read_dns_state(const std::string& path) {
  std::ifstream file(path);
  if (!file && errno == ENOENT) return std::string();
  std::stringstream text;
  text << file.rdbuf();
  if (!file) return errno_error("read", path);
  return text.str();
}

}  // namespace antrea::node
