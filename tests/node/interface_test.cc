#include <gtest/gtest.h>

#include "antrea/node/interface_name.h"
#include "antrea/node/interface_store.h"

namespace antrea::node {
namespace {

TEST(HostInterfaceName, IsPodNameAndDigest) {
  // printf %s CONTAINER | sha1sum
  const std::string container = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
  EXPECT_EQ(host_interface_name("frontend", container), "frontend-" + std::string("244f42"));
  EXPECT_EQ(host_interface_name("frontend-7d5b9", container).substr(0, 9), "frontend-");
  EXPECT_EQ(host_interface_name("db", container).substr(0, 3), "db-");
  EXPECT_NE(host_interface_name("db", container, "eth1"), host_interface_name("db", container));
  EXPECT_EQ(host_interface_name("db", container, "eth0"), host_interface_name("db", container));
  EXPECT_LE(host_interface_name(std::string(253, 'a'), container).size(), 15U);
}

Interface pod_interface(std::string name, std::string container, std::uint32_t ofport) {
  Interface out;
  out.name = std::move(name);
  out.ofport = ofport;
  out.mac = *MacAddress::parse("0a:00:00:00:00:05");
  out.ips = {*IpAddress::parse("10.10.1.5"), *IpAddress::parse("fd00:10::5")};
  out.container_id = std::move(container);
  out.pod = {"default", "web"};
  return out;
}

TEST(ExternalIds, AreThoseOfAntrea) {
  auto interface = pod_interface("web-123456", "c1", 5);
  interface.net_ns = "/var/run/netns/x";
  const ExternalIds expected{{"antrea-type", "container"},
                             {"attached-mac", "0a:00:00:00:00:05"},
                             {"ip-address", "10.10.1.5,fd00:10::5"},
                             {"container-id", "c1"},
                             {"pod-name", "web"},
                             {"pod-namespace", "default"},
                             {"net-ns", "/var/run/netns/x"}};
  EXPECT_EQ(external_ids_of(interface), expected);
  const auto back = interface_from("web-123456", 5, expected);
  ASSERT_TRUE(back) << back.error().to_string();
  EXPECT_EQ(*back, interface);
  interface.if_dev = "eth1";
  EXPECT_EQ(external_ids_of(interface).at("if-dev"), "eth1");
  EXPECT_EQ(external_ids_of({.name = "antrea-gw0", .type = InterfaceType::kGateway}),
            (ExternalIds{{"antrea-type", "gateway"}}));
}

TEST(ExternalIds, OfOthersAreToldApart) {
  EXPECT_EQ(interface_from("eth9", 1, {}).error().code, Errc::kNotFound);
  EXPECT_EQ(interface_from("eth9", 1, {{"antrea-type", "wormhole"}}).error().code,
            Errc::kUnsupported);
  EXPECT_EQ(interface_from("eth9", 1, {{"antrea-type", "container"}}).error().code,
            Errc::kMalformed);
  EXPECT_EQ(interface_from("eth9", 1,
                           {{"antrea-type", "container"},
                            {"attached-mac", "0a:00:00:00:00:05"},
                            {"ip-address", "x"}})
                .error()
                .code,
            Errc::kMalformed);
}

TEST(InterfaceStore, FindsByEveryKey) {
  InterfaceStore store;
  store.add(pod_interface("web-1", "c1", 5));
  store.add({.name = "antrea-gw0", .type = InterfaceType::kGateway, .ofport = 32769});
  ASSERT_NE(store.find("web-1"), nullptr);
  EXPECT_EQ(store.find_container("c1"), store.find("web-1"));
  EXPECT_EQ(store.find_container("c1", "eth1"), nullptr);
  EXPECT_EQ(store.find_by_ofport(5), store.find("web-1"));
  EXPECT_EQ(store.find_by_ip(*IpAddress::parse("fd00:10::5")), store.find("web-1"));
  EXPECT_EQ(store.find_by_pod({"default", "web"}), std::vector{store.find("web-1")});
  EXPECT_EQ(store.all(InterfaceType::kGateway).size(), 1U);
  EXPECT_EQ(store.find_by_ofport(32769)->name, "antrea-gw0");
}

TEST(InterfaceStore, AReplacedSandboxDoesNotLoseTheNewOne) {
  InterfaceStore store;
  store.add(pod_interface("web-1", "c1", 5));
  store.add(pod_interface("web-2", "c2", 6));
  EXPECT_EQ(store.find_by_pod({"default", "web"}).size(), 2U);
  EXPECT_TRUE(store.remove("web-1"));
  EXPECT_FALSE(store.remove("web-1"));
  EXPECT_EQ(store.find_by_ip(*IpAddress::parse("10.10.1.5")), store.find("web-2"));
  EXPECT_EQ(store.find_container("c1"), nullptr);
  auto moved = pod_interface("web-2", "c2", 7);
  moved.ips = {*IpAddress::parse("10.10.1.9")};
  store.add(moved);
  EXPECT_EQ(store.find_by_ofport(6), nullptr);
  EXPECT_EQ(store.find_by_ip(*IpAddress::parse("10.10.1.5")), nullptr);
  EXPECT_EQ(store.size(), 1U);
}

}  // namespace
}  // namespace antrea::node
