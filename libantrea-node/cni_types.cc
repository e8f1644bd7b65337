#include "antrea/node/cni_types.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <stdexcept>

namespace antrea::node::cni {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 4> kVersions{"0.3.0", "0.3.1", "0.4.0", "1.0.0"};

Failure failure(Code code, std::string cause, std::string object = {}) {
  return {code, make_error(Errc::kInvalidArgument, std::move(cause), std::move(object))};
}

std::string text_of(const json::object& object, std::string_view key) {
  const auto* const value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

bool is_word(std::string_view text, std::string_view also) {
  return !text.empty() && std::isalnum(static_cast<unsigned char>(text.front())) != 0 &&
         std::ranges::all_of(text, [&](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                  also.find(c) != std::string_view::npos;
         });
}

const json::array& array_of(const json::object& object, std::string_view key) {
  static const json::array kNone;
  const auto* const value = object.if_contains(key);
  return value != nullptr && value->is_array() ? value->get_array() : kNone;
}

/// "10.1.2.3/24" with the host bits kept.
Result<IpConfig> decode_ip(const json::value& value) {
  const auto* const object = value.if_object();
  if (object == nullptr) return make_error(Errc::kMalformed, "prevResult.ips: expected objects");
  const std::string text = text_of(*object, "address");
  ANTREA_TRY(const IpPrefix prefix, IpPrefix::parse(text));
  IpConfig ip;
  ANTREA_TRY(ip.address, IpAddress::parse(text.substr(0, text.find('/'))));
  ip.prefix_length = prefix.length();
  if (const auto gateway = text_of(*object, "gateway"); !gateway.empty()) {
    ANTREA_TRY(ip.gateway, IpAddress::parse(gateway));
  }
  if (const auto* const index = object->if_contains("interface");
      index != nullptr && index->is_int64() && index->get_int64() >= 0)
    ip.interface = static_cast<unsigned>(index->get_int64());
  return ip;
}

Result<CniResult> decode_result(const json::object& object) {
  CniResult result;
  for (const auto& value : array_of(object, "interfaces"))
    if (const auto* const each = value.if_object())
      result.interfaces.push_back(
          {text_of(*each, "name"), text_of(*each, "mac"), text_of(*each, "sandbox")});
  for (const auto& value : array_of(object, "ips")) {
    ANTREA_TRY(auto ip, decode_ip(value));
    result.ips.push_back(std::move(ip));
  }
  for (const auto& value : array_of(object, "routes")) {
    const auto* const each = value.if_object();
    if (each == nullptr) continue;
    RouteConfig route;
    ANTREA_TRY(route.destination, IpPrefix::parse(text_of(*each, "dst")));
    if (const auto gateway = text_of(*each, "gw"); !gateway.empty()) {
      ANTREA_TRY(route.gateway, IpAddress::parse(gateway));
    }
    result.routes.push_back(std::move(route));
  }
  return result;
}

}  // namespace

void throw_exception_from_error(const Failure& failure, const boost::source_location&) {
  throw std::logic_error("an error was used as a value: " + failure.error.to_string());
}

std::span<const std::string_view> supported_versions() { return kVersions; }

Outcome<NetworkConfig> decode_network_config(std::string_view text) {
  boost::system::error_code code;
  const json::value value = json::parse(text, code);
  if (code || !value.is_object())
    return failure(Code::kDecodingFailure,
                   fmt::format("decode network configuration: {}",
                               code ? code.message() : "expected a JSON object"));
  const json::object& object = value.get_object();
  NetworkConfig config;
  config.cni_version = text_of(object, "cniVersion");
  if (std::ranges::find(kVersions, config.cni_version) == kVersions.end())
    return failure(Code::kIncompatibleVersion,
                   fmt::format("network configuration: cniVersion \"{}\", expected one of {}",
                               config.cni_version, fmt::join(kVersions, ", ")));
  config.name = text_of(object, "name");
  if (!is_word(config.name, "_.-"))
    return failure(Code::kInvalidNetworkConfig,
                   fmt::format("network configuration: name \"{}\", expected a letter or digit "
                               "first, then letters, digits, \"_\", \".\" and \"-\"",
                               config.name));
  config.type = text_of(object, "type");
  if (config.type != "antrea")
    return failure(
        Code::kUnsupportedField,
        fmt::format("network configuration: type \"{}\", expected \"antrea\"", config.type));
  if (const auto* const ipam = object.if_contains("ipam"); ipam != nullptr && ipam->is_object())
    config.ipam_type = text_of(ipam->get_object(), "type");
  if (config.ipam_type != "host-local")
    return failure(Code::kUnsupportedField,
                   fmt::format("network configuration: ipam.type \"{}\", expected \"host-local\"",
                               config.ipam_type));
  if (const auto* const mtu = object.if_contains("mtu"); mtu != nullptr) {
    if (!mtu->is_int64() || mtu->get_int64() < 0 || mtu->get_int64() > 65535)
      return failure(
          Code::kInvalidNetworkConfig,
          fmt::format("network configuration: mtu {}, expected 0 to 65535", json::serialize(*mtu)));
    config.mtu = static_cast<std::uint32_t>(mtu->get_int64());
  }
  if (const auto* const previous = object.if_contains("prevResult");
      previous != nullptr && previous->is_object()) {
    auto result = decode_result(previous->get_object());
    if (!result)
      return Failure{Code::kInvalidNetworkConfig,
                     std::move(result).error().within("decode prevResult")};
    config.prev_result = *std::move(result);
  }
  return config;
}

Outcome<api::ObjectKey> pod_of(std::string_view args) {
  api::ObjectKey pod;
  for (std::size_t begin = 0; begin < args.size();) {
    const auto end = std::min(args.find(';', begin), args.size());
    const auto part = args.substr(begin, end - begin);
    begin = end + 1;
    const auto equals = part.find('=');
    if (part.empty()) continue;
    if (equals == std::string_view::npos)
      return failure(Code::kInvalidEnvironment, "read CNI_ARGS: expected KEY=VALUE;…",
                     fmt::format("\"{}\"", part));
    if (part.substr(0, equals) == "K8S_POD_NAMESPACE") pod.namespace_ = part.substr(equals + 1);
    if (part.substr(0, equals) == "K8S_POD_NAME") pod.name = part.substr(equals + 1);
  }
  if (pod.name.empty() || pod.namespace_.empty())
    return failure(Code::kInvalidEnvironment,
                   "read CNI_ARGS: expected K8S_POD_NAMESPACE and K8S_POD_NAME",
                   fmt::format("\"{}\"", args));
  return pod;
}

Outcome<> check_arguments(const Arguments& arguments) {
  if (!is_word(arguments.container_id, "_.-"))
    return failure(Code::kInvalidEnvironment,
                   fmt::format("CNI_CONTAINERID \"{}\", expected a letter or digit first, then "
                               "letters, digits, \"_\", \".\" and \"-\"",
                               arguments.container_id));
  const std::string_view ifname = arguments.ifname;
  const bool good =
      !ifname.empty() && ifname.size() <= 15 && ifname != "." && ifname != ".." &&
      std::ranges::none_of(ifname, [](char c) {
        return c == '/' || c == ':' || std::isspace(static_cast<unsigned char>(c)) != 0;
      });
  if (!good)
    return failure(
        Code::kInvalidEnvironment,
        fmt::format("CNI_IFNAME \"{}\", expected an interface name of 1 to 15 bytes", ifname));
  return {};
}

std::string encode_result(const CniResult& result, std::string_view version) {
  json::array interfaces;
  for (const Interface& each : result.interfaces) {
    json::object object{{"name", each.name}};
    if (!each.mac.empty()) object["mac"] = each.mac;
    if (!each.sandbox.empty()) object["sandbox"] = each.sandbox;
    interfaces.push_back(std::move(object));
  }
  json::array ips;
  for (const IpConfig& each : result.ips) {
    json::object object;
    if (version.starts_with("0.")) object["version"] = each.address.is_v4() ? "4" : "6";
    object["address"] = fmt::format("{}/{}", each.address.to_string(), each.prefix_length);
    if (each.gateway) object["gateway"] = each.gateway->to_string();
    if (each.interface) object["interface"] = *each.interface;
    ips.push_back(std::move(object));
  }
  json::object object{{"cniVersion", version}};
  if (!interfaces.empty()) object["interfaces"] = std::move(interfaces);
  object["ips"] = std::move(ips);
  json::array routes;
  for (const RouteConfig& each : result.routes) {
    json::object route{{"dst", each.destination.to_string()}};
    if (each.gateway) route["gw"] = each.gateway->to_string();
    routes.push_back(std::move(route));
  }
  if (!routes.empty()) object["routes"] = std::move(routes);
  object["dns"] = json::object();
  return json::serialize(object);
}

std::string encode_failure(const Failure& failure, std::string_view version) {
  const json::object object{{"cniVersion", version},
                            {"code", static_cast<std::uint32_t>(failure.code)},
                            {"msg", failure.error.to_string()}};
  return json::serialize(object);
}

}  // namespace antrea::node::cni
