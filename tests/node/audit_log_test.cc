// The lines of np.log, when they are written, and the files that hold them.
#include "antrea/node/audit_log.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <ostream>
#include <sstream>

#include "antrea/node/rotating_file.h"
#include "pipeline_flows.h"
#include "tests/addresses.h"
#include "tests/node/packets.h"
#include "tests/ovs/fixture.h"

namespace antrea::node {
namespace {

namespace cp = api::controlplane;
namespace fs = std::filesystem;
using api::pipeline::Disposition;
using frames::frame;
using frames::FrameSpec;
using namespace std::chrono_literals;

// --- a line ---

struct LineCase {
  std::string name;
  Table table;
  Disposition disposition;
  cp::PolicyType policy;
  std::optional<std::uint16_t> priority;  ///< absent: isolation, by no rule
  FrameSpec packet;
  std::string line;
};
void PrintTo(const LineCase& c, std::ostream* os) { *os << c.name; }

class AuditLine : public ::testing::TestWithParam<LineCase> {};
TEST_P(AuditLine, IsThatOfTheOriginal) {
  const LineCase& c = GetParam();
  InterfaceStore interfaces;
  for (const char* const name : {"client", "web"}) {
    Interface pod;
    pod.name = pod.container_id = name;
    pod.pod = {"shop", name};
    pod.ips = {ip(name[0] == 'c' ? "10.0.0.1" : "10.0.0.2"),
               ip(name[0] == 'c' ? "fd00::1" : "fd00::2")};
    interfaces.add(pod);
  }
  policy::RuleIdentity rule;
  const bool cluster = c.policy == cp::PolicyType::kAntreaClusterNetworkPolicy;
  rule.policy = {c.policy, cluster ? "" : "shop", "guard", "uid"};
  if (c.policy != cp::PolicyType::kK8sNetworkPolicy) {
    rule.name = "no-telnet";
    rule.log_label = cluster ? "watch-this" : "";
  }
  const auto bytes = frame(c.packet);
  PolicyPacketIn in;
  in.table = c.table;
  in.disposition = c.disposition;
  in.packet = *PacketView::of(bytes);
  EXPECT_EQ(audit_line(in, c.priority ? &rule : nullptr, c.priority, interfaces), c.line);
}
const FrameSpec kTcpV6{.src = ip("fd00::1"), .dst = ip("fd00::2"), .protocol = 6, .tcp_flags = 2};
const FrameSpec kTcp{.src = ip("10.0.0.1"), .dst = ip("10.0.0.2"), .protocol = 6, .tcp_flags = 2};
INSTANTIATE_TEST_SUITE_P(
    Rules, AuditLine,
    ::testing::Values(
        LineCase{"Ingress", Table::kAntreaPolicyIngressRule, Disposition::kDrop,
                 cp::PolicyType::kAntreaClusterNetworkPolicy, 44900, kTcp,
                 "AntreaPolicyIngressRule AntreaClusterNetworkPolicy:guard no-telnet Ingress Drop "
                 "44900 shop/web 10.0.0.1 40000 10.0.0.2 80 TCP 40 watch-this"},
        LineCase{"EgressWithoutLabel", Table::kAntreaPolicyEgressRule, Disposition::kReject,
                 cp::PolicyType::kAntreaNetworkPolicy, 14500, kTcp,
                 "AntreaPolicyEgressRule AntreaNetworkPolicy:shop/guard no-telnet Egress Reject "
                 "14500 shop/client 10.0.0.1 40000 10.0.0.2 80 TCP 40 <nil>"},
        LineCase{"Pass", Table::kAntreaPolicyEgressRule, Disposition::kPass,
                 cp::PolicyType::kAntreaNetworkPolicy, 14500, kTcp,
                 "AntreaPolicyEgressRule AntreaNetworkPolicy:shop/guard no-telnet Egress Pass "
                 "14500 shop/client 10.0.0.1 40000 10.0.0.2 80 TCP 40 <nil>"},
        LineCase{"IngressV6", Table::kAntreaPolicyIngressRule, Disposition::kDrop,
                 cp::PolicyType::kAntreaClusterNetworkPolicy, 44900, kTcpV6,
                 "AntreaPolicyIngressRule AntreaClusterNetworkPolicy:guard no-telnet Ingress Drop "
                 "44900 shop/web fd00::1 40000 fd00::2 80 TCP 60 watch-this"},
        LineCase{"EgressV6", Table::kAntreaPolicyEgressRule, Disposition::kReject,
                 cp::PolicyType::kAntreaNetworkPolicy, 14500, kTcpV6,
                 "AntreaPolicyEgressRule AntreaNetworkPolicy:shop/guard no-telnet Egress Reject "
                 "14500 shop/client fd00::1 40000 fd00::2 80 TCP 60 <nil>"},
        LineCase{"UdpV6OfNobodyHere",
                 Table::kEgressRule,
                 Disposition::kAllow,
                 cp::PolicyType::kK8sNetworkPolicy,
                 190,
                 {.src = ip("2001:db8::9"), .dst = ip("fd00::2"), .protocol = 17, .payload = 5},
                 "EgressRule K8sNetworkPolicy:shop/guard <nil> Egress Allow 190 <nil> "
                 "2001:db8::9 40000 fd00::2 80 UDP 53 <nil>"},
        LineCase{"KubernetesAllows", Table::kIngressRule, Disposition::kAllow,
                 cp::PolicyType::kK8sNetworkPolicy, 190, kTcp,
                 "IngressRule K8sNetworkPolicy:shop/guard <nil> Ingress Allow 190 shop/web "
                 "10.0.0.1 40000 10.0.0.2 80 TCP 40 <nil>"},
        LineCase{"KubernetesIsolates", Table::kIngressDefaultRule, Disposition::kDrop,
                 cp::PolicyType::kK8sNetworkPolicy, std::nullopt, kTcp,
                 "IngressDefaultRule K8sNetworkPolicy <nil> Ingress Drop <nil> shop/web 10.0.0.1 "
                 "40000 10.0.0.2 80 TCP 40 <nil>"},
        LineCase{"Ping",
                 Table::kIngressDefaultRule,
                 Disposition::kDrop,
                 cp::PolicyType::kK8sNetworkPolicy,
                 std::nullopt,
                 {.src = ip("192.0.2.1"), .dst = ip("10.0.0.2"), .protocol = 1, .payload = 56},
                 "IngressDefaultRule K8sNetworkPolicy <nil> Ingress Drop <nil> shop/web 192.0.2.1 "
                 "<nil> 10.0.0.2 <nil> ICMP 84 <nil>"},
        LineCase{"PingV6",
                 Table::kIngressDefaultRule,
                 Disposition::kDrop,
                 cp::PolicyType::kK8sNetworkPolicy,
                 std::nullopt,
                 {.src = ip("fd00::1"), .dst = ip("fd00::2"), .protocol = 58, .payload = 56},
                 "IngressDefaultRule K8sNetworkPolicy <nil> Ingress Drop <nil> shop/web fd00::1 "
                 "<nil> fd00::2 <nil> IPv6-ICMP 104 <nil>"},
        LineCase{"SctpHasNoPorts",
                 Table::kEgressDefaultRule,
                 Disposition::kDrop,
                 cp::PolicyType::kK8sNetworkPolicy,
                 std::nullopt,
                 {.src = ip("10.0.0.9"), .dst = ip("10.0.0.2"), .protocol = 132, .payload = 4},
                 "EgressDefaultRule K8sNetworkPolicy <nil> Egress Drop <nil> <nil> 10.0.0.9 <nil> "
                 "10.0.0.2 <nil> SCTP 32 <nil>"}),
    [](const auto& info) { return info.param.name; });

// --- when lines are written ---

using Lines = std::vector<std::string>;
constexpr TimePoint kStart{1000s};

TEST(AuditLog, WhatWasAllowedIsTheLineAtOnce) {
  AuditLog log;
  EXPECT_EQ(log.add("a", true, kStart), Lines{"a"});
  EXPECT_EQ(log.add("a", true, kStart), Lines{"a"});
  EXPECT_EQ(log.next_due(), std::nullopt);
}

TEST(AuditLog, TheRestWaitsASecondAndIsCounted) {
  AuditLog log;
  EXPECT_EQ(log.add("a", false, kStart), Lines{});
  EXPECT_EQ(log.add("b", false, kStart + 200ms), Lines{});
  EXPECT_EQ(log.add("a", false, kStart + 400ms), Lines{});
  EXPECT_EQ(log.add("a", false, kStart + 999ms), Lines{});
  EXPECT_EQ(log.next_due(), kStart + 1s);
  EXPECT_EQ(log.due(kStart + 999ms), Lines{});
  EXPECT_EQ(log.due(kStart + 1s), Lines{"a [3 packets in 1s]"});
  EXPECT_EQ(log.next_due(), kStart + 1200ms);
  EXPECT_EQ(log.due(kStart + 1300ms), Lines{"b"});
  EXPECT_EQ(log.next_due(), std::nullopt);
  // A new second; and what is due comes with the next one's arrival too.
  EXPECT_EQ(log.add("a", false, kStart + 2s), Lines{});
  EXPECT_EQ(log.add("a", false, kStart + 2s), Lines{});
  EXPECT_EQ(log.add("c", true, kStart + 3s + 217us), (Lines{"a [2 packets in 1.000217s]", "c"}));
}

TEST(AuditLog, EndsWithWhatWaits) {
  AuditLog log;
  for (const char* const line : {"a", "b", "a"}) EXPECT_EQ(log.add(line, false, kStart), Lines{});
  EXPECT_EQ(log.flush(kStart + 250ms), (Lines{"a [2 packets in 0.25s]", "b"}));
}

TEST(AuditLog, HoldsABoundedNumberOfLines) {
  AuditLog log({.most_waiting = 2});
  EXPECT_EQ(log.add("a", false, kStart), Lines{});
  EXPECT_EQ(log.add("b", false, kStart), Lines{});
  EXPECT_EQ(log.add("c", false, kStart), Lines{"a"});
  EXPECT_EQ(log.flush(kStart), (Lines{"b", "c"}));
}

// --- the files ---

class RotatingFileTest : public ::testing::Test {
 protected:
  std::string content(const std::string& name) {
    std::ifstream in(dir_ / ("log/" + name));
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }
  std::vector<std::string> names() {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(dir_ / "log"))
      names.push_back(entry.path().filename().string());
    std::ranges::sort(names);
    return names;
  }
  antrea::testing::TempDir dir_;
  const std::string path_ = dir_ / "log/np.log";
  // 2026-01-31 12:00:00.25 UTC
  const RotatingFile::Time noon_ = RotatingFile::Time(1769860800s) + 250ms;
};

TEST_F(RotatingFileTest, AppendsLinesBehindTheirTime) {
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  {
    RotatingFile file(path_, {});
    EXPECT_FALSE(fs::exists(dir_ / "log"));
    ASSERT_TRUE(file.write_line("one", noon_));
  }
  RotatingFile file(path_, {});
  ASSERT_TRUE(file.write_line("two", noon_ + 7us));
  EXPECT_EQ(content("np.log"), "2026/01/31 12:00:00.250000 one\n2026/01/31 12:00:00.250007 two\n");
}

TEST_F(RotatingFileTest, SetsFullFilesAsideAndKeepsSome) {
  RotatingFile file(path_, {.size = 70, .backups = 2, .compress = false});
  // Two lines of 32 bytes fit.
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(file.write_line("line" + std::to_string(i), noon_ + i * 1s));
  EXPECT_EQ(names(),
            (Lines{"np-2026-01-31T12-00-06.250.log", "np-2026-01-31T12-00-08.250.log", "np.log"}));
  EXPECT_NE(content("np.log").find("line9"), std::string::npos);
  EXPECT_NE(content("np-2026-01-31T12-00-08.250.log").find("line7"), std::string::npos);
}

TEST_F(RotatingFileTest, ForgetsOldFilesAndLeavesOthers) {
  RotatingFile file(path_,
                    {.size = 1, .backups = 0, .age = std::chrono::hours(24), .compress = false});
  ASSERT_TRUE(file.write_line("one", noon_));
  std::ofstream(dir_ / "log/np-by-hand.log") << "mine";
  ASSERT_TRUE(file.write_line("two", noon_ + 1s));
  ASSERT_TRUE(file.write_line("three", noon_ + 2s));
  ASSERT_TRUE(file.write_line("four", noon_ + 24h + 2s));
  EXPECT_EQ(names(), (Lines{"np-2026-01-31T12-00-02.250.log", "np-2026-02-01T12-00-02.250.log",
                            "np-by-hand.log", "np.log"}));
}

TEST_F(RotatingFileTest, CompressesWhatItSetsAside) {
  fs::create_directories(dir_ / "log");
  // Left by a life that ended before it was done.
  std::ofstream(dir_ / "log/np-2026-01-30T12-00-00.000.log") << "earlier\n";
  std::ofstream(dir_ / "log/np-2026-01-30T12-00-00.000.log.gz.part") << "half";
  {
    RotatingFile file(path_, {.size = 1, .backups = 2});
    for (int i = 0; i < 2; ++i)
      ASSERT_TRUE(file.write_line("line" + std::to_string(i), noon_ + i * 1s));
  }
  EXPECT_EQ(names(), (Lines{"np-2026-01-30T12-00-00.000.log.gz",
                            "np-2026-01-31T12-00-01.250.log.gz", "np.log"}));
  {
    RotatingFile file(path_, {.size = 1, .backups = 2});
    ASSERT_TRUE(file.write_line("line2", noon_ + 2s));
  }
  EXPECT_EQ(names(), (Lines{"np-2026-01-31T12-00-01.250.log.gz",
                            "np-2026-01-31T12-00-02.250.log.gz", "np.log"}));
  FILE* text = ::popen(("gzip -dc " + dir_ / "log/np-2026-01-31T12-00-01.250.log.gz").c_str(), "r");
  char line[100] = "";
  ASSERT_NE(std::fgets(line, sizeof line, text), nullptr);
  EXPECT_EQ(::pclose(text), 0);
  EXPECT_TRUE(std::string_view(line).ends_with(" line0\n")) << line;
}

TEST_F(RotatingFileTest, SaysWhatIsWrongAndTriesAgain) {
  fs::create_directories(path_);  // a directory in its place
  RotatingFile file(path_, {});
  const auto refused = file.write_line("lost", noon_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().object, path_);
  fs::remove(path_);
  ASSERT_TRUE(file.write_line("kept", noon_));
  EXPECT_NE(content("np.log").find("kept"), std::string::npos);
}

}  // namespace
}  // namespace antrea::node
