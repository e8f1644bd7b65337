// DNS answers as bytes, the names that rules are about, and what is kept of them.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "antrea/base/bytes.h"
#include "antrea/node/dns_interception.h"
#include "antrea/node/dns_state.h"
#include "antrea/policy/name_pattern.h"
#include "tests/addresses.h"
#include "tests/node/packets.h"

namespace antrea::node {
namespace {

using namespace std::chrono_literals;

std::vector<std::byte> bytes(std::string_view hex) { return *from_hex(hex); }

// --- messages ---

constexpr std::string_view kHeader = "0007 8180 0001 ";  // id 7, an answer, one question
// 0c: www.example.com, 10: example.com, 18: com
constexpr std::string_view kQuestion = "03777777 07 6578616d706c65 03636f6d 00 0001 0001 ";

std::string message(std::string_view count, std::string_view records) {
  return fmt::format("{}{} 0000 0000 {}{}", kHeader, count, kQuestion, records);
}

struct AnswerCase {
  std::string name;
  std::string hex;
  std::string says;  ///< "name address/ttl…"; or the error's code
};
void PrintTo(const AnswerCase& c, std::ostream* os) { *os << c.name; }

class DnsMessage : public ::testing::TestWithParam<AnswerCase> {};
TEST_P(DnsMessage, IsReadAsFarAsItGoes) {
  const auto answer = decode_dns_answer(bytes(GetParam().hex));
  std::string says = answer ? answer->name : std::string(to_string(answer.error().code));
  if (answer) {
    for (const auto& [address, ttl] : answer->addresses)
      says += fmt::format(" {}/{}", address.to_string(), ttl);
    if (answer->truncated) says += " truncated";
    EXPECT_EQ(answer->id, 7);
  }
  EXPECT_EQ(says, GetParam().says);
}
INSTANTIATE_TEST_SUITE_P(
    Answers, DnsMessage,
    ::testing::Values(
        AnswerCase{"OneAddress", message("0001", "c00c 0001 0001 0000003c 0004 c0000201"),
                   "www.example.com 192.0.2.1/60"},
        AnswerCase{"BothFamilies",
                   message("0002",
                           "c00c 0001 0001 0000003c 0004 c0000201"
                           "c00c 001c 0001 00000005 0010 fd000000000000000000000000000001"),
                   "www.example.com 192.0.2.1/60 fd00::1/5"},
        AnswerCase{"AliasesGiveTheLeastTtl",
                   message("0003",
                           "c00c 0005 0001 00000014 0006 0363646e c010"
                           "0363646e c010 0005 0001 0000000a 0002 c018"
                           "c018 0001 0001 00000064 0004 c0000201"),
                   "www.example.com 192.0.2.1/10"},
        AnswerCase{"OthersDoNotCount", message("0001", "c010 0001 0001 0000003c 0004 c0000201"),
                   "www.example.com"},
        AnswerCase{"OtherTypesAreSteppedOver",
                   message("0002",
                           "c00c 0010 0001 0000003c 0003 026869"
                           "c00c 0001 0001 0000003c 0004 c0000201"),
                   "www.example.com 192.0.2.1/60"},
        AnswerCase{"CutInARecord",
                   message("0002", "c00c 0001 0001 0000003c 0004 c0000201 c00c 0001 0001"),
                   "www.example.com 192.0.2.1/60 truncated"},
        AnswerCase{"UpperCase",
                   "0007 8180 0001 0001 0000 0000 03575757 00 0001 0001"
                   "03577757 00 0001 0001 00000001 0004 c0000201",
                   "www 192.0.2.1/1"},
        AnswerCase{"ANameWithADotInsideALabel",
                   "0007 8180 0001 0001 0000 0000 03612e62 00 0001 0001"
                   "c00c 0001 0001 00000001 0004 c0000201",
                   ""},
        AnswerCase{"NegativeTtlIsZero", message("0001", "c00c 0001 0001 ffffffff 0004 c0000201"),
                   "www.example.com 192.0.2.1/0"},
        AnswerCase{"PointerToItself", message("0001", "c021 0001 0001 0000003c 0004 c0000201"),
                   "www.example.com truncated"},
        AnswerCase{"AddressOfWrongSize", message("0001", "c00c 0001 0001 0000003c 0003 c00002"),
                   "www.example.com"},
        AnswerCase{"AQuery", "0007 0100 0001 0000 0000 0000 03777777 00 0001 0001", "Malformed"},
        AnswerCase{"NoQuestion", "0007 8180 0000 0000 0000 0000", "Unsupported"},
        AnswerCase{"AnUpdate", "0007 a980 0001 0000 0000 0000 03777777 00 0001 0001",
                   "Unsupported"},
        AnswerCase{"CutInTheQuestion", "0007 8180 0001 0001 0000 0000 037777", "Malformed"},
        AnswerCase{"Empty", "", "Malformed"}),
    [](const auto& info) { return info.param.name; });

TEST(DnsMessage, AQueryIsOneOfTheStandards) {
  const auto query = make_dns_query("www.example.com", Family::kIPv6, 7);
  ASSERT_TRUE(query);
  EXPECT_EQ(*query, bytes("0007 0100 0001 0000 0000 0000 03777777 07 6578616d706c65 03636f6d 00 "
                          "001c 0001"));
  for (const std::string& name :
       {std::string(), std::string("a..b"), std::string(64, 'a'), std::string(".")})
    EXPECT_FALSE(make_dns_query(name, Family::kIPv4, 7)) << name;
}

TEST(DnsMessage, IsFoundInPackets) {
  const auto answer = bytes(message("0001", "c00c 0001 0001 0000003c 0004 c0000201"));
  frames::FrameSpec spec{.src = ip("10.0.0.9"), .dst = ip("10.0.0.2"), .src_port = 53};
  auto udp = frames::frame(spec);
  udp.insert(udp.end(), answer.begin(), answer.end());
  udp[17] = std::byte(28 + answer.size());  // the length of the IP packet
  ASSERT_TRUE(dns_answer_in(udp));
  EXPECT_EQ(dns_answer_in(udp)->name, "www.example.com");

  spec.protocol = 6;
  spec.tcp_options = 12;
  auto tcp = frames::frame(spec);
  ByteWriter out(tcp);
  out.be16(static_cast<std::uint16_t>(answer.size()));
  out.bytes(answer);
  tcp[17] = std::byte(20 + 32 + 2 + answer.size());
  ASSERT_TRUE(dns_answer_in(tcp));
  EXPECT_EQ(dns_answer_in(tcp)->addresses.size(), 1U);
  // The first segment of a longer message.
  tcp[17] = std::byte(20 + 32 + 2 + answer.size() - 6);
  ASSERT_TRUE(dns_answer_in(tcp));
  EXPECT_TRUE(dns_answer_in(tcp)->truncated);
  spec.src_port = 54;
  EXPECT_FALSE(dns_answer_in(frames::frame(spec)));
}

TEST(DnsServerAddress, IsReadInItsForms) {
  const auto says = [](std::string_view text) {
    const auto server = DnsServerAddress::parse(text);
    return server ? fmt::format("{} {}", server->address.to_string(), server->port) : "wrong";
  };
  EXPECT_EQ(says("10.96.0.10"), "10.96.0.10 53");
  EXPECT_EQ(says("10.96.0.10:5353"), "10.96.0.10 5353");
  EXPECT_EQ(says("fd00::10"), "fd00::10 53");
  EXPECT_EQ(says("[fd00::10]"), "fd00::10 53");
  EXPECT_EQ(says("[fd00::10]:5353"), "fd00::10 5353");
  for (const char* const text : {"", "dns", "10.0.0.1:", "10.0.0.1:0", "10.0.0.1:99999",
                                 "[fd00::10]5353", "[fd00::10", "10.0.0.1:5x"})
    EXPECT_EQ(says(text), "wrong") << text;
}

// --- names ---

constexpr TimePoint kStart{1000s};

DnsAnswer answer(const std::string& name, std::vector<std::pair<std::string, std::uint32_t>> list) {
  DnsAnswer answer{.name = name};
  for (const auto& [address, ttl] : list) answer.addresses.push_back({ip(address), ttl});
  return answer;
}
std::string text(const DnsNames::Changes& changes) {
  std::string text;
  for (const auto& each : changes) {
    text += each.name + "=";
    for (const IpAddress& address : each.ips) text += address.to_string() + ",";
    text += ";";
  }
  return text;
}

TEST(DnsNames, EachAddressHasItsOwnTime) {
  DnsNames names;
  EXPECT_EQ(text(names.set_patterns({"*.example.com"}, kStart)), "");
  EXPECT_FALSE(names.wants("example.com"));
  EXPECT_EQ(text(names.learn(answer("example.com", {{"10.0.0.1", 60}}), true, kStart)), "");
  const std::string name = "www.example.com";
  ASSERT_TRUE(names.wants(name));
  EXPECT_EQ(text(names.learn(answer(name, {{"10.0.0.1", 20}, {"10.0.0.2", 60}}), true, kStart)),
            name + "=10.0.0.1,10.0.0.2,;");
  // One that is missing in a later answer stays; a shorter time takes nothing away.
  EXPECT_EQ(text(names.learn(answer(name, {{"10.0.0.2", 5}}), true, kStart + 10s)), "");
  EXPECT_EQ(text(names.expire(kStart + 19s)), "");
  EXPECT_EQ(text(names.expire(kStart + 20s)), name + "=10.0.0.2,;");
  EXPECT_EQ(text(names.learn(answer(name, {{"10.0.0.2", 60}}), true, kStart + 50s)), "");
  EXPECT_EQ(text(names.expire(kStart + 60s)), "");
  EXPECT_EQ(text(names.expire(kStart + 110s)), name + "=;");
  EXPECT_EQ(names.counts().names, 0U);
  EXPECT_EQ(names.next_event(), std::nullopt);
}

TEST(DnsNames, TheLeastLifeIsKept) {
  DnsNames names({.min_ttl = 20s});
  names.set_patterns({"a", "b"}, kStart);
  names.learn(answer("a", {{"10.0.0.1", 0}}), true, kStart);
  EXPECT_EQ(text(names.expire(kStart + 19s)), "");
  EXPECT_EQ(text(names.expire(kStart + 20s)), "a=;");
  EXPECT_EQ(names.counts().names, 2U) << "a rule names them";
}

TEST(DnsNames, AreAskedForInTime) {
  using Names = std::vector<std::string>;
  DnsNames names;
  names.set_patterns({"*.b", "a"}, kStart);
  EXPECT_EQ(names.next_event(), kStart);
  EXPECT_EQ(names.take_queries(kStart), Names{"a"});
  EXPECT_EQ(names.take_queries(kStart), Names{}) << "it is being asked for";
  names.failed("a", kStart);
  EXPECT_EQ(names.next_event(), kStart + 5s);
  EXPECT_EQ(names.take_queries(kStart + 5s), Names{"a"});
  names.learn(answer("a", {}), false, kStart + 5s);  // it has no address
  EXPECT_EQ(names.next_event(), kStart + 15s);
  EXPECT_EQ(names.take_queries(kStart + 15s), Names{"a"});
  EXPECT_EQ(text(names.learn(answer("a", {{"10.0.0.1", 50}}), false, kStart + 15s)),
            "a=10.0.0.1,;");
  EXPECT_EQ(names.next_event(), kStart + 60s) << "a tenth before its end";
  // What nobody asked for is not learned from the agent's own questions.
  EXPECT_EQ(text(names.learn(answer("x.b", {{"10.0.0.1", 50}}), false, kStart + 16s)), "");
  names.learn(answer("x.b", {{"10.0.0.9", 1000}}), true, kStart + 20s);
  EXPECT_EQ(names.take_queries(kStart + 60s), Names{"a"});
  for (int i = 0; i < 20; ++i) names.failed("a", kStart + 60s);
  names.expire(kStart + 65s);
  EXPECT_EQ(names.take_queries(kStart + 359s), Names{});
  EXPECT_EQ(names.take_queries(kStart + 360s), Names{"a"}) << "at most five minutes";
  EXPECT_EQ(names.take_queries(kStart + 1010s), Names{"x.b"}) << "ten seconds before its end";
}

TEST(DnsNames, RulesDecideWhatIsKept) {
  DnsNames names;
  names.set_patterns({"*.b", "*.c"}, kStart);
  names.learn(answer("x.b", {{"10.0.0.1", 50}}), true, kStart);
  names.learn(answer("x.c", {{"10.0.0.2", 50}}), true, kStart);
  EXPECT_EQ(text(names.set_patterns({"*.c", "x.*"}, kStart)), "");
  EXPECT_EQ(text(names.set_patterns({"*.c"}, kStart)), "x.b=;");
  EXPECT_EQ(text(names.set_patterns({}, kStart)), "x.c=;");
}

TEST(DnsNames, TheLeastUsedGoes) {
  DnsNames names({.most_names = 3, .most_names_of_pattern = 2});
  names.set_patterns({"*.a", "*.b", "*.c", "kept.a"}, kStart);
  const auto learn = [&](const std::string& name) {
    return text(names.learn(answer(name, {{"10.0.0.1", 50}}), true, kStart));
  };
  EXPECT_EQ(learn("kept.a"), "kept.a=10.0.0.1,;") << "counts for no pattern";
  EXPECT_EQ(learn("1.a"), "1.a=10.0.0.1,;");
  EXPECT_EQ(learn("2.a"), "2.a=10.0.0.1,;");
  EXPECT_EQ(learn("1.a"), "");
  EXPECT_EQ(learn("3.a"), "3.a=10.0.0.1,;2.a=;");
  EXPECT_EQ(learn("1.b"), "1.b=10.0.0.1,;");
  EXPECT_EQ(learn("1.c"), "1.c=10.0.0.1,;1.a=;");
  EXPECT_EQ(names.counts().names, 4U);
  EXPECT_EQ(names.counts().evicted_of_pattern, 1U);
  EXPECT_EQ(names.counts().evicted_of_all, 1U);
}

TEST(DnsNames, OutliveARestart) {
  DnsNames before;
  before.set_patterns({"*.a"}, kStart);
  before.learn(answer("1.a", {{"10.0.0.1", 30}, {"fd00::1", 300}}), true, kStart);
  before.learn(answer("2.a", {{"10.0.0.2", 10}}), true, kStart);
  const WallTime wall{std::chrono::seconds(1'700'000'000)};
  const std::string state = encode_dns_state(before.all(), kStart, wall);
  // Another process, whose steady clock began elsewhere, 40 s later.
  const TimePoint now{5s};
  const auto known = decode_dns_state(state, now, wall + 40s);
  ASSERT_TRUE(known) << known.error().to_string();
  DnsNames after;
  EXPECT_EQ(text(after.restore(*known, now)), "1.a=10.0.0.1,fd00::1,;2.a=10.0.0.2,;");
  EXPECT_GT(*after.next_event(), now) << "nobody is asked before the rules are known";
  EXPECT_EQ(text(after.set_patterns({"1.*"}, now)), "2.a=;");
  EXPECT_EQ(after.take_queries(now), std::vector<std::string>{"1.a"});
  EXPECT_EQ(text(after.expire(now + 10s)), "1.a=fd00::1,;");
  EXPECT_EQ(text(after.expire(now + 260s)), "1.a=;");
  // A state of another day says nothing any more.
  DnsNames much_later;
  EXPECT_EQ(text(much_later.restore(*decode_dns_state(state, now, wall + 24h), now)), "");
  for (const char* const wrong : {"", "[]", "{}", R"({"names": [{"name": 1}]})",
                                  R"({"names": [{"name": "a", "addresses": [{"ip": "x"}]}]})"})
    EXPECT_FALSE(decode_dns_state(wrong, now, wall)) << wrong;
}

/// What RuleCache would know after these changes.
struct View {
  std::map<std::string, std::vector<IpAddress>> names;
  void apply(const DnsNames::Changes& changes) {
    for (const auto& each : changes) {
      if (each.ips.empty())
        names.erase(each.name);
      else
        names[each.name] = each.ips;
    }
  }
};

TEST(DnsNames, ChangesAddUpToTheStateAndTimeAlwaysMovesOn) {
  std::mt19937 random(11);
  const std::vector<std::string> all_patterns{"*.a", "1.*", "2.b", "*", "3.a"};
  for (int round = 0; round < 200; ++round) {
    DnsNames names({.most_names = 4, .most_names_of_pattern = 3});
    View view;
    TimePoint now = kStart;
    std::vector<std::string> asked;
    for (int step = 0; step < 100; ++step) {
      now += std::chrono::milliseconds(random() % 4000);
      switch (random() % 4) {
        case 0: {
          std::vector<std::string> patterns;
          for (const std::string& each : all_patterns)
            if (random() % 2 == 0) patterns.push_back(each);
          view.apply(names.set_patterns(patterns, now));
          for (const auto& [name, ips] : view.names) ASSERT_TRUE(names.wants(name)) << name;
          break;
        }
        case 1: {
          const std::string name =
              std::to_string(1 + random() % 5) + (random() % 2 == 0 ? ".a" : ".b");
          auto said = answer(name, {});
          for (unsigned i = random() % 3; i > 0; --i)
            said.addresses.push_back(
                {IpAddress::v4(random() % 4), static_cast<std::uint32_t>(random() % 20)});
          view.apply(names.learn(said, true, now));
          break;
        }
        case 2:
          if (asked.empty()) break;
          if (random() % 2 == 0)
            names.failed(asked.back(), now);
          else
            view.apply(names.learn(answer(asked.back(), {{"10.0.0.1", 9}}), false, now));
          asked.pop_back();
          break;
        default:
          view.apply(names.expire(now));
          for (std::string& name : names.take_queries(now)) asked.push_back(std::move(name));
          ASSERT_GT(names.next_event().value_or(TimePoint::max()), now);
      }
      View expected;
      std::size_t by_patterns = 0;
      for (const auto& known : names.all()) {
        for (const auto& [address, end] : known.addresses)
          expected.names[known.name].push_back(address);
        by_patterns += known.name != "2.b" && known.name != "3.a" ? 1 : 0;
      }
      ASSERT_EQ(view.names, expected.names);
      ASSERT_LE(by_patterns, 4U + 2U);
    }
  }
}

}  // namespace
}  // namespace antrea::node
