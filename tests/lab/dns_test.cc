#include "antrea/lab/dns.h"

#include <gmock/gmock.h>

#include <thread>

#include "antrea/base/bytes.h"
#include "antrea/lab/process.h"
#include "tests/lab/isolated.h"

namespace antrea::lab {
namespace {

using testing::ElementsAre;

std::vector<IpAddress> zone(const std::string& name) {
  if (name == "web.default.svc.cluster.local") return {IpAddress::v4(0x0a600001)};
  if (name == "six") return {*IpAddress::parse("fd00::1")};
  if (name == "many") return std::vector<IpAddress>(100, IpAddress::v4(0x0a000001));
  return {};
}

TEST(DnsMessage, AnswersWhatWasAsked) {
  const auto query = make_dns_query("Web.Default.svc.cluster.local", Family::kIPv4, 7);
  ASSERT_TRUE(query);
  const auto answer = answer_dns_query(*query, zone, 512);
  ASSERT_TRUE(answer);
  const auto addresses = read_dns_answer(*answer, 7);
  ASSERT_OK(addresses);
  EXPECT_THAT(*addresses, ElementsAre(IpAddress::v4(0x0a600001)));
  EXPECT_EQ(read_dns_answer(*answer, 8).error().code, Errc::kMalformed);
}

// Put together by hand after RFC 1035, section 4.1: one question, one A record that points back to
// its name.
TEST(DnsMessage, ReadsARecordByThePointerToItsName) {
  const auto answer = from_hex(
      "4d3f8580000100010000000007657861 6d706c6504746573740000010001c00c0001000100000000 "
      "0004c0000207");
  ASSERT_TRUE(answer);
  const auto addresses = read_dns_answer(*answer, 0x4d3f);
  ASSERT_OK(addresses);
  EXPECT_THAT(*addresses, ElementsAre(IpAddress::v4(0xc0000207)));
}

TEST(DnsMessage, TellsNoNameFromNoAddress) {
  const auto missing = answer_dns_query(*make_dns_query("nobody", Family::kIPv4, 1), zone, 512);
  EXPECT_EQ(read_dns_answer(*missing, 1).error().code, Errc::kNotFound);
  const auto other = answer_dns_query(*make_dns_query("six", Family::kIPv4, 1), zone, 512);
  const auto addresses = read_dns_answer(*other, 1);
  ASSERT_OK(addresses);
  EXPECT_TRUE(addresses->empty());
}

TEST(DnsMessage, CutsWhatDoesNotFit) {
  const auto answer = answer_dns_query(*make_dns_query("many", Family::kIPv4, 1), zone, 512);
  ASSERT_TRUE(answer);
  EXPECT_LE(answer->size(), 512U);
  EXPECT_NE(std::to_integer<int>((*answer)[2]) & 0x02, 0) << "TC is not set";
  EXPECT_EQ(read_dns_answer(*answer, 1)->size(), 30U);
}

TEST(DnsMessage, SurvivesCutsAndGarbage) {
  const auto query = *make_dns_query("web.default.svc.cluster.local", Family::kIPv4, 1);
  const auto answer = *answer_dns_query(query, zone, 512);
  for (std::size_t i = 0; i < query.size(); ++i) {
    auto broken = query;
    broken[i] ^= std::byte{0xff};
    (void)answer_dns_query(broken, zone, 512);
    (void)answer_dns_query(std::span(query).first(i), zone, 512);
  }
  for (std::size_t i = 0; i < answer.size(); ++i)
    EXPECT_TRUE(read_dns_answer(std::span(answer).first(i), 1).has_error()) << i;
  EXPECT_FALSE(answer_dns_query(answer, zone, 512)) << "an answer is not a query";
  EXPECT_FALSE(make_dns_query("a..b", Family::kIPv4, 1));
  EXPECT_FALSE(make_dns_query(std::string(64, 'a'), Family::kIPv4, 1));
  EXPECT_FALSE(make_dns_query("", Family::kIPv4, 1));
}

TEST(DnsServer, ServesTheNamesOfALab) {
  isolated([] {
    auto ns = NetNamespace::create();
    ASSERT_OK(ns);
    boost::asio::io_context io;
    const auto loopback = IpAddress::v4(0x7f000001);
    auto server = DnsServer::start(io, *ns, loopback, zone);
    ASSERT_OK(server);
    std::thread thread([&] { io.run(); });
    const std::vector<std::string> search{"nowhere", "default.svc.cluster.local"};
    auto found = resolve(*ns, loopback, "web", search);
    EXPECT_OK(found);
    if (found) {
      EXPECT_THAT(*found, ElementsAre(IpAddress::v4(0x0a600001)));
    }
    EXPECT_EQ(resolve(*ns, loopback, "nobody", search).error().code, Errc::kNotFound);
    if (auto dig = find_program("dig")) {
      for (const char* transport : {"+notcp", "+tcp"}) {
        auto got = run_program({.argv = {*dig, "+short", "+time=2", transport, "@127.0.0.1",
                                         "web.default.svc.cluster.local"},
                                .view = HostView{.net = ns->fd()}},
                               std::chrono::milliseconds(10'000));
        ASSERT_OK(got);
        EXPECT_EQ(*got, "10.96.0.1\n") << transport;
      }
    }
    io.stop();
    thread.join();
  });
}

TEST(DnsServer, AwayIsATimeout) {
  isolated([] {
    auto ns = NetNamespace::create();
    ASSERT_OK(ns);
    EXPECT_TRUE(resolve(*ns, IpAddress::v4(0x7f000001), "web", {}).has_error());
  });
}

}  // namespace
}  // namespace antrea::lab
