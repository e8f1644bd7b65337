// antctl proxy explain, from files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "tests/ovs/fixture.h"

namespace antrea {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;

struct Output {
  int status = -1;
  std::string text;
};

Output run(const std::string& arguments) {
  Output out;
  const std::string command = ANTREA_BIN_DIR "/antctl proxy " + arguments + " 2>&1";
  std::FILE* const pipe = ::popen(command.c_str(), "r");
  std::array<char, 4096> buffer{};
  while (const auto size = std::fread(buffer.data(), 1, buffer.size(), pipe))
    out.text.append(buffer.data(), size);
  const int status = ::pclose(pipe);
  out.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return out;
}

constexpr const char* kCluster = R"(
{kind: Node, apiVersion: v1, metadata: {name: one, labels: {topology.kubernetes.io/zone: z1}},
 spec: {podCIDRs: [10.10.1.0/24]}, status: {addresses: [{type: InternalIP, address: 172.18.0.1}]}}
---
{kind: Node, apiVersion: v1, metadata: {name: two},
 spec: {podCIDRs: [10.10.2.0/24]}, status: {addresses: [{type: InternalIP, address: 172.18.0.2}]}}
---
{kind: Pod, apiVersion: v1, metadata: {name: client, namespace: default},
 spec: {nodeName: one, containers: []}, status: {podIPs: [{ip: 10.10.1.9}]}}
---
{kind: Service, apiVersion: v1, metadata: {name: web, namespace: default},
 spec: {type: LoadBalancer, clusterIP: 10.96.0.10, clusterIPs: [10.96.0.10],
        externalTrafficPolicy: Local, loadBalancerSourceRanges: [192.0.2.0/24],
        ports: [{name: http, port: 80, nodePort: 30080}]},
 status: {loadBalancer: {ingress: [{ip: 203.0.113.1}]}}}
---
{kind: EndpointSlice, apiVersion: discovery.k8s.io/v1, addressType: IPv4,
 metadata: {name: web-1, namespace: default, labels: {kubernetes.io/service-name: web}},
 ports: [{name: http, port: 8080, protocol: TCP}],
 endpoints: [{addresses: [10.10.1.2], nodeName: one}, {addresses: [10.10.2.2], nodeName: two},
             {addresses: [10.10.2.3], nodeName: two, conditions: {ready: false}}]}
)";

class ProxyExplain : public ::testing::Test {
 protected:
  ProxyExplain() : file_(dir_ / "cluster.yaml") { std::ofstream(file_) << kCluster; }

  json::value explain(const std::string& arguments) {
    const Output out = run("explain " + arguments + " -o json -f " + file_);
    EXPECT_EQ(out.status, 0) << out.text;
    return out.status == 0 ? json::parse(out.text) : json::value();
  }
  // "10.10.1.2 ready, on this Node" for each endpoint that is chosen at addresses of this kind.
  static std::vector<std::string> chosen(const json::value& answer, std::string_view kind) {
    std::vector<std::string> all;
    for (const auto& frontend : answer.at("frontends").as_array()) {
      if (frontend.at("kind").as_string() != kind) continue;
      for (const auto& each : frontend.at("endpoints").as_array())
        if (each.at("chosen").as_bool())
          all.push_back(std::string(each.at("address").as_string()) + " " +
                        std::string(each.at("why").as_string()));
    }
    return all;
  }

  testing::TempDir dir_;
  std::string file_;
};

TEST_F(ProxyExplain, SaysWhoIsServedByWhomAndWhy) {
  using ::testing::ElementsAre;
  const auto pod = explain("default/web --from default/client");
  EXPECT_EQ(pod.at("node").as_string(), "one");
  EXPECT_THAT(chosen(pod, "ClusterIP"), ElementsAre("10.10.1.2 ready", "10.10.2.2 ready"));
  EXPECT_THAT(chosen(pod, "NodePort"), ElementsAre("10.10.1.2 ready", "10.10.2.2 ready"));
  EXPECT_THAT(chosen(pod, "LoadBalancer"), ElementsAre()) << "not in the source ranges";
  EXPECT_FALSE(pod.at("flows").as_array().empty());
  EXPECT_EQ(pod.at("groups").as_array().size(), 2U);

  const auto outside = explain("default/web:http --from 192.0.2.9 --node two");
  EXPECT_THAT(chosen(outside, "LoadBalancer"), ElementsAre("10.10.2.2 ready, on this Node"));
  const auto node = explain("default/web:30080 --from one");
  EXPECT_EQ(node.at("frontends").as_array().size(), 1U);
  EXPECT_EQ(node.at("frontends").as_array()[0].at("address").as_string(), "172.18.0.1:30080");
}

TEST_F(ProxyExplain, MakesEndpointsOfSelectedPods) {
  const Output out = run("explain default/backendsvc --from default/frontend -f " ANTREA_SOURCE_DIR
                         "/examples/three-pods.yaml");
  EXPECT_EQ(out.status, 0);
  EXPECT_THAT(out.text, HasSubstr("default/backend1   1/2     ready"));
  EXPECT_THAT(out.text, HasSubstr("groups:\n  group_id="));
  EXPECT_THAT(out.text, HasSubstr("antctl proxy: Pods without address, which got made-up ones: 3"));
  EXPECT_THAT(out.text,
              HasSubstr("antctl proxy: Services without cluster IP, which got made-up ones: 1"));
}

TEST_F(ProxyExplain, ReadsFoldersAsThePolicyCommandsDo) {
  const Output out = run("explain default/web --from default/client -f " + (dir_ / "."));
  EXPECT_EQ(out.status, 0) << out.text;
  std::filesystem::create_directory(dir_ / "empty");
  const Output empty = run("explain default/web --from default/client -f " + (dir_ / "empty"));
  EXPECT_EQ(empty.status, 1);
  EXPECT_THAT(empty.text, HasSubstr("read folder: found no *.yaml, *.yml or *.json"));
  std::ofstream(file_) << "kind: Service\nmetadata: {name: \"a\\nb\"}\nspec: {ports: 7}\n";
  const Output broken = run("explain default/web --from default/client -f " + file_);
  EXPECT_EQ(broken.status, 1);
  EXPECT_THAT(broken.text, HasSubstr(file_)) << "names the file";
  EXPECT_EQ(std::ranges::count(broken.text, '\n'), 1) << broken.text;
}

TEST_F(ProxyExplain, SaysWhatIsMissing) {
  const struct {
    const char* arguments;
    int status;
    const char* says;
  } kCases[] = {
      {"explain default/nobody --from one", 1, "default/nobody: there is no such Service"},
      {"explain default/web:81 --from one", 1, "default/web:81: it has no such port"},
      {"explain default/web --from default/nobody", 1,
       "default/nobody: find --from: there is no such Pod"},
      {"explain default/web --from 192.0.2.9", 1, "give --node"},
      {"explain default/web", 2, "--from is missing"},
      {"guess default/web --from one", 2, "\"guess\" is no command"},
      {"explain --from one", 2, "found 0 Services, expected one"},
      {"explain default/web default/more --from one", 2, "found 2 Services, expected one"},
  };
  for (const auto& each : kCases) {
    const Output out = run(std::string(each.arguments) + " -f " + file_);
    EXPECT_EQ(out.status, each.status) << each.arguments;
    EXPECT_THAT(out.text, HasSubstr(each.says)) << each.arguments;
  }
}

}  // namespace
}  // namespace antrea
