#include "antrea/node/cni_types.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <ostream>

namespace antrea::node::cni {
namespace {

struct BadConfig {
  std::string_view name, json;
  Code code;
  std::string_view found;
};
void PrintTo(const BadConfig& c, std::ostream* os) { *os << c.json; }

class BadConfigs : public testing::TestWithParam<BadConfig> {};
TEST_P(BadConfigs, AreRefusedWithTheirCode) {
  const auto config = decode_network_config(GetParam().json);
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code, GetParam().code);
  EXPECT_NE(config.error().error.cause.find(GetParam().found), std::string::npos)
      << config.error().error.cause;
}
INSTANTIATE_TEST_SUITE_P(
    Cni, BadConfigs,
    testing::Values(
        BadConfig{"NoJson", "{", Code::kDecodingFailure, "decode network configuration"},
        BadConfig{"Array", "[]", Code::kDecodingFailure, "expected a JSON object"},
        BadConfig{"NoVersion", R"({"name":"a","type":"antrea"})", Code::kIncompatibleVersion,
                  "expected one of 0.3.0, 0.3.1, 0.4.0, 1.0.0"},
        BadConfig{"OldVersion", R"({"cniVersion":"0.2.0","name":"a"})", Code::kIncompatibleVersion,
                  "\"0.2.0\""},
        BadConfig{"NoName", R"({"cniVersion":"1.0.0","type":"antrea"})",
                  Code::kInvalidNetworkConfig, "name \"\""},
        BadConfig{"BadName", R"({"cniVersion":"1.0.0","name":"_a","type":"antrea"})",
                  Code::kInvalidNetworkConfig, "name \"_a\""},
        BadConfig{"OtherType", R"({"cniVersion":"1.0.0","name":"a","type":"bridge"})",
                  Code::kUnsupportedField, "type \"bridge\""},
        BadConfig{"OtherIpam",
                  R"({"cniVersion":"1.0.0","name":"a","type":"antrea","ipam":{"type":"dhcp"}})",
                  Code::kUnsupportedField, "ipam.type \"dhcp\""},
        BadConfig{"BadMtu",
                  R"({"cniVersion":"1.0.0","name":"a","type":"antrea","mtu":"x",
                      "ipam":{"type":"host-local"}})",
                  Code::kInvalidNetworkConfig, "mtu \"x\""},
        BadConfig{"BadPrevResult",
                  R"({"cniVersion":"1.0.0","name":"a","type":"antrea","ipam":{"type":"host-local"},
                      "prevResult":{"ips":[{"address":"10.0.0.1"}]}})",
                  Code::kInvalidNetworkConfig, "decode prevResult"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(NetworkConfig, ReadsWhatARuntimeSends) {
  const auto config = decode_network_config(R"({
    "cniVersion": "0.4.0", "name": "antrea", "type": "antrea", "mtu": 1400,
    "ipam": {"type": "host-local"}, "capabilities": {"portMappings": true},
    "prevResult": {"cniVersion": "0.4.0",
      "interfaces": [{"name": "web-1"}, {"name": "eth0", "sandbox": "/x", "mac": "02:00:00:00:00:01"}],
      "ips": [{"version": "4", "interface": 1, "address": "10.1.2.3/24", "gateway": "10.1.2.1"}],
      "routes": [{"dst": "0.0.0.0/0", "gw": "10.1.2.1"}], "dns": {}}})");
  ASSERT_TRUE(config) << config.error().error.to_string();
  EXPECT_EQ(config->mtu, 1400U);
  ASSERT_TRUE(config->prev_result);
  ASSERT_EQ(config->prev_result->ips.size(), 1U);
  EXPECT_EQ(config->prev_result->ips[0].address.to_string(), "10.1.2.3");
  EXPECT_EQ(config->prev_result->interfaces[1].sandbox, "/x");
}

CniResult sample() {
  CniResult result;
  result.interfaces = {{"web-fbd015", "02:00:00:00:00:02", ""},
                       {"eth0", "02:00:00:00:00:01", "/x"}};
  const auto gateway = IpAddress::parse("10.1.2.1").value();
  result.ips = {{IpAddress::parse("10.1.2.3").value(), 24, gateway, 1}};
  result.routes = {{IpPrefix(IpAddress(), 0), gateway}};
  return result;
}

TEST(CniResult, HasTheShapeOfEachVersion) {
  for (const std::string_view version : supported_versions()) {
    const auto json = boost::json::parse(encode_result(sample(), version));
    EXPECT_EQ(json.at("cniVersion").as_string(), version);
    const auto& ip = json.at("ips").at(0).as_object();
    EXPECT_EQ(ip.contains("version"), version.starts_with("0.")) << version;
    EXPECT_EQ(ip.at("address").as_string(), "10.1.2.3/24");
    EXPECT_EQ(ip.at("interface").as_int64(), 1);
    EXPECT_FALSE(json.at("interfaces").at(0).as_object().contains("sandbox"));
    EXPECT_EQ(json.at("routes").at(0).at("dst").as_string(), "0.0.0.0/0");
  }
}

TEST(CniResult, ComesBackAsPrevResult) {
  const std::string config = R"({"cniVersion":"1.0.0","name":"antrea","type":"antrea",
    "ipam":{"type":"host-local"},"prevResult":)" +
                             encode_result(sample(), "1.0.0") + "}";
  const auto decoded = decode_network_config(config);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->prev_result, sample());
}

TEST(CniArgs, NameThePod) {
  const auto pod = pod_of("IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web-0;X=y=z");
  ASSERT_TRUE(pod);
  EXPECT_EQ(pod->to_string(), "default/web-0");
  EXPECT_EQ(pod_of("").error().code, Code::kInvalidEnvironment);
  EXPECT_EQ(pod_of("K8S_POD_NAME=web-0").error().code, Code::kInvalidEnvironment);
  EXPECT_EQ(pod_of("nonsense").error().code, Code::kInvalidEnvironment);
}

TEST(CheckArguments, KnowsTheSpecificationsNames) {
  EXPECT_TRUE(check_arguments({"0a1b", "", "eth0", "", ""}));
  for (const auto* id : {"", "-x", "a b", "a/b", "\xc3\xa4"})
    EXPECT_FALSE(check_arguments({id, "", "eth0", "", ""})) << id;
  for (const auto* name : {"", ".", "..", "a/b", "a:b", "a b", "sixteen-letters-"})
    EXPECT_FALSE(check_arguments({"x", "", name, "", ""})) << name;
}

TEST(EncodeFailure, IsWhatTheSpecificationSays) {
  const auto json = boost::json::parse(encode_failure(
      {Code::kIpamFailure, make_error(Errc::kExhausted, "no address left", "Pod a/b")}, "1.0.0"));
  EXPECT_EQ(json.at("code").as_int64(), 101);
  EXPECT_EQ(json.at("msg").as_string(), "Pod a/b: no address left");
}

}  // namespace
}  // namespace antrea::node::cni
