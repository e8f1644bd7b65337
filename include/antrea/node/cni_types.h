#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "antrea/api/meta.h"
#include "antrea/base/ip.h"

/// The Container Network Interface (cni: SPEC.md), versions 0.3.0 to 1.0.0: what a runtime sends
/// and expects back.
namespace antrea::node::cni {

/// Error codes of the specification (below 100) and Antrea's own (antrea:
/// pkg/apis/cni/v1beta1/cni.proto).
enum class Code : std::uint32_t {
  kUnknown = 0,
  kIncompatibleVersion = 1,
  kUnsupportedField = 2,
  kUnknownContainer = 3,
  kInvalidEnvironment = 4,
  kIoFailure = 5,
  kDecodingFailure = 6,
  kInvalidNetworkConfig = 7,
  kTryAgainLater = 11,
  kIpamFailure = 101,
  kConfigInterfaceFailure = 102,
  kCheckInterfaceFailure = 103,
  kUnknownRpcError = 201,
  kIncompatibleApiVersion = 202,
};

/// Why a command failed: the code for the runtime, the error for people.
struct Failure {
  Code code = Code::kUnknown;
  Error error;
};
[[noreturn]] ANTREA_API void throw_exception_from_error(const Failure&,
                                                        const boost::source_location&);
template <typename T = void>
using Outcome = boost::system::result<T, Failure>;

/// Oldest first: "0.3.0", "0.3.1", "0.4.0", "1.0.0".
ANTREA_API std::span<const std::string_view> supported_versions();

/// What a runtime hands over beside standard input.
struct Arguments {
  std::string container_id;
  std::string netns;
  std::string ifname;
  std::string args;  ///< CNI_ARGS: "KEY=VALUE;…"
  std::string path;
};

struct Interface {
  std::string name;
  std::string mac;
  std::string sandbox;  ///< path of the network namespace; empty on the host
  friend bool operator==(const Interface&, const Interface&) = default;
};
struct IpConfig {
  IpAddress address;
  unsigned prefix_length = 0;
  std::optional<IpAddress> gateway;
  std::optional<unsigned> interface;  ///< index in `interfaces`
  friend bool operator==(const IpConfig&, const IpConfig&) = default;
};
struct RouteConfig {
  IpPrefix destination;
  std::optional<IpAddress> gateway;
  friend bool operator==(const RouteConfig&, const RouteConfig&) = default;
};

/// The result of an ADD.
struct CniResult {
  std::vector<Interface> interfaces;
  std::vector<IpConfig> ips;
  std::vector<RouteConfig> routes;
  friend bool operator==(const CniResult&, const CniResult&) = default;
};

/// The network configuration on standard input, as far as Antrea reads it.
struct NetworkConfig {
  std::string cni_version;
  std::string name;
  std::string type;
  std::string ipam_type;
  std::uint32_t mtu = 0;  ///< 0: the agent's
  std::optional<CniResult> prev_result;
};

/// Errors: kDecodingFailure (no JSON), kIncompatibleVersion, kInvalidNetworkConfig (name, type),
/// kUnsupportedField.
ANTREA_API Outcome<NetworkConfig> decode_network_config(std::string_view json);

/// The Pod that CNI_ARGS names: K8S_POD_NAMESPACE and K8S_POD_NAME. Error: kInvalidEnvironment.
ANTREA_API Outcome<api::ObjectKey> pod_of(std::string_view cni_args);

/// Container ID and interface name as the specification allows them. Error: kInvalidEnvironment.
ANTREA_API Outcome<> check_arguments(const Arguments& arguments);

/// The result in the form of a supported version.
ANTREA_API std::string encode_result(const CniResult& result, std::string_view version);

/// `{"cniVersion":…,"code":…,"msg":…}` as a plugin prints it on standard output.
ANTREA_API std::string encode_failure(const Failure& failure, std::string_view version);

}  // namespace antrea::node::cni
