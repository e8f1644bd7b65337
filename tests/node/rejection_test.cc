// Which packets are rejected, how, and which way the answer takes.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "antrea/base/bytes.h"
#include "antrea/node/policy_packet_in.h"
#include "antrea/openflow/text.h"
#include "pipeline_flows.h"
#include "tests/addresses.h"
#include "tests/node/packets.h"

namespace antrea::node {
namespace {

namespace reg = api::pipeline::reg;
using frames::frame;
using frames::FrameSpec;
using openflow::ip_proto::kIcmp;
using openflow::ip_proto::kIcmpv6;
using openflow::ip_proto::kTcp;
using openflow::ip_proto::kUdp;

constexpr std::string_view kFromMac = "0a:00:00:00:00:01", kToMac = "0a:00:00:00:00:02";

/// What a receiver makes of an answer: its checksums hold, and what it says.
struct Answer {
  PacketView packet;
  std::string says;
};
Answer read(const std::vector<std::byte>& bytes) {
  const auto packet = PacketView::of(bytes);
  EXPECT_TRUE(packet) << packet.error().to_string();
  if (!packet) return {};
  EXPECT_TRUE(frames::checksums_hold(bytes));
  EXPECT_EQ(packet->ip.size() + 14, bytes.size());
  EXPECT_EQ(packet->ip_length, packet->ip.size());
  ByteReader in(packet->transport);
  if (packet->protocol != kTcp) {
    const unsigned type = in.u8();
    const unsigned code = in.u8();
    in.skip(6);
    return {*packet, fmt::format("{}/{} {}", type, code, to_hex(in.rest()).size() / 2)};
  }
  in.skip(4);
  const std::uint32_t sequence = in.be32();
  const std::uint32_t acknowledged = in.be32();
  in.skip(1);
  const unsigned flags = in.u8();
  return {*packet, fmt::format("flags={:#x} seq={} ack={} {}>{}", flags, sequence, acknowledged,
                               *packet->src_port, *packet->dst_port)};
}

struct RejectionCase {
  std::string name;
  FrameSpec spec;
  std::string says;  ///< empty: no answer
};
void PrintTo(const RejectionCase& c, std::ostream* os) { *os << c.name; }

FrameSpec tcp(std::uint8_t flags, std::string_view src = "10.0.0.1",
              std::string_view dst = "10.0.0.2") {
  FrameSpec spec{.src = ip(src), .dst = ip(dst), .protocol = kTcp};
  spec.tcp_flags = flags;
  return spec;
}
FrameSpec udp(std::string_view src = "10.0.0.1", std::string_view dst = "10.0.0.2") {
  return {.src = ip(src), .dst = ip(dst), .protocol = kUdp, .payload = 100};
}
FrameSpec icmp(std::uint8_t type, std::string_view src = "10.0.0.1",
               std::string_view dst = "10.0.0.2") {
  FrameSpec spec{.src = ip(src), .dst = ip(dst), .payload = 56};
  spec.protocol = spec.src.is_v4() ? kIcmp : kIcmpv6;
  spec.icmp_type = type;
  return spec;
}
FrameSpec with(FrameSpec spec, auto change) {
  change(spec);
  return spec;
}

constexpr std::uint8_t kSyn = 0x02, kFinAck = 0x11, kRst = 0x04, kRstAck = 0x14, kPushAck = 0x18;

class Rejection : public testing::TestWithParam<RejectionCase> {};
TEST_P(Rejection, SaysWhatTheStandardsAskFor) {
  const auto bytes = frame(GetParam().spec);
  const auto packet = PacketView::of(bytes);
  ASSERT_TRUE(packet) << packet.error().to_string();
  const auto answer = make_rejection(*packet, mac(kToMac), mac(kFromMac));
  ASSERT_EQ(answer.has_value(), !GetParam().says.empty());
  if (!answer) return;
  const Answer found = read(*answer);
  EXPECT_EQ(found.says, GetParam().says);
  EXPECT_EQ(found.packet.src, packet->dst);
  EXPECT_EQ(found.packet.dst, packet->src);
  EXPECT_EQ(found.packet.eth_src, mac(kToMac));
  EXPECT_EQ(found.packet.eth_dst, mac(kFromMac));
  EXPECT_FALSE(make_rejection(found.packet, mac(kFromMac), mac(kToMac)))
      << "an answer must not be answered";
}
// Numbers of the frames: sequence 1000, acknowledged 5000, ports 40000 and 80.
INSTANTIATE_TEST_SUITE_P(
    Packets, Rejection,
    testing::Values(
        RejectionCase{"Syn", tcp(kSyn), "flags=0x14 seq=0 ack=1001 80>40000"},
        RejectionCase{"SynV6", tcp(kSyn, "fd00::1", "fd00::2"),
                      "flags=0x14 seq=0 ack=1001 80>40000"},
        RejectionCase{"SynWithOptions", with(tcp(kSyn), [](auto& s) { s.tcp_options = 20; }),
                      "flags=0x14 seq=0 ack=1001 80>40000"},
        RejectionCase{"SynWithData", with(tcp(kSyn), [](auto& s) { s.payload = 7; }),
                      "flags=0x14 seq=0 ack=1008 80>40000"},
        RejectionCase{"DataTakesItsNumber", with(tcp(kPushAck), [](auto& s) { s.payload = 7; }),
                      "flags=0x4 seq=5000 ack=0 80>40000"},
        RejectionCase{"FinTakesItsNumber", tcp(kFinAck), "flags=0x4 seq=5000 ack=0 80>40000"},
        RejectionCase{"Rst", tcp(kRst), ""}, RejectionCase{"RstAck", tcp(kRstAck), ""},
        RejectionCase{"Udp", udp(), "3/10 28"},
        RejectionCase{"UdpWithIpOptions", with(udp(), [](auto& s) { s.ip_options = 8; }),
                      "3/10 36"},
        RejectionCase{"UdpV6", udp("fd00::1", "fd00::2"), "1/1 48"},
        RejectionCase{"UdpV6BehindOptions",
                      with(udp("fd00::1", "fd00::2"), [](auto& s) { s.ip_options = 16; }),
                      "1/1 64"},
        RejectionCase{"UdpShorterThanTheQuote", with(udp(), [](auto& s) { s.payload = -4; }),
                      "3/10 24"},
        RejectionCase{"Ping", icmp(8), "3/10 28"},
        RejectionCase{"PingV6", icmp(128, "fd00::1", "fd00::2"), "1/1 48"},
        RejectionCase{"Unreachable", icmp(3), ""}, RejectionCase{"TimeExceeded", icmp(11), ""},
        RejectionCase{"Redirect", icmp(5), ""},
        RejectionCase{"UnreachableV6", icmp(1, "fd00::1", "fd00::2"), ""},
        RejectionCase{"PacketTooBigV6", icmp(2, "fd00::1", "fd00::2"), ""},
        RejectionCase{"Broadcast", udp("10.0.0.1", "255.255.255.255"), ""},
        RejectionCase{"Multicast", udp("10.0.0.1", "224.0.0.251"), ""},
        RejectionCase{"MulticastV6", udp("fd00::1", "ff02::fb"), ""},
        RejectionCase{"BroadcastFrame",
                      with(udp(), [](auto& s) { s.eth_dst = mac("ff:ff:ff:ff:ff:ff"); }), ""},
        RejectionCase{"FromNobody", udp("0.0.0.0", "10.0.0.2"), ""},
        RejectionCase{"FromMulticast", udp("224.0.0.1", "10.0.0.2"), ""},
        RejectionCase{"FromLoopback", tcp(kSyn, "127.0.0.1", "10.0.0.2"), ""},
        RejectionCase{"LaterFragment", with(udp(), [](auto& s) { s.fragment_offset = 100; }), ""},
        RejectionCase{"LaterFragmentV6",
                      with(udp("fd00::1", "fd00::2"), [](auto& s) { s.fragment_offset = 100; }),
                      ""},
        RejectionCase{"Gre", with(udp(), [](auto& s) { s.protocol = 47; }), "3/10 28"}),
    [](const auto& info) { return info.param.name; });

TEST(PacketView, NeverReadsPastACutFrame) {
  const FrameSpec specs[] = {tcp(kSyn), tcp(kSyn, "fd00::1", "fd00::2"),
                             with(udp("fd00::1", "fd00::2"), [](auto& s) { s.ip_options = 16; }),
                             icmp(8)};
  for (const FrameSpec& spec : specs) {
    const auto whole = frame(spec);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      // Its own allocation, so that a sanitizer sees a read behind its end.
      const std::vector<std::byte> part(whole.begin(),
                                        whole.begin() + static_cast<std::ptrdiff_t>(size));
      const auto packet = PacketView::of(part);
      if (packet) (void)make_rejection(*packet, mac(kToMac), mac(kFromMac));
    }
  }
}

TEST(PacketView, LeavesOtherProtocolsAlone) {
  auto bytes = frame(udp());
  bytes[12] = std::byte{0x08}, bytes[13] = std::byte{0x06};
  EXPECT_EQ(PacketView::of(bytes).error().code, Errc::kUnsupported);
}

// --- the way of an answer ---

struct PathCase {
  std::string name;
  std::string src, dst;  ///< of the rejected packet
  std::uint32_t in_port = 0;
  bool to_service = false;
  bool leaves_by_tunnel = false;
  bool generated = false;
  std::string goes;  ///< empty: no answer
};
void PrintTo(const PathCase& c, std::ostream* os) { *os << c.name; }

// Pods a (port 11) and b (port 12) are here, 10.0.1.x elsewhere.
constexpr std::uint32_t kPortA = 11, kPortB = 12, kGateway = 32769, kTunnel = 32768;

class RejectionPath : public testing::TestWithParam<PathCase> {};
TEST_P(RejectionPath, LeadsBackToTheSender) {
  const PathCase& c = GetParam();
  InterfaceStore interfaces;
  for (const auto& [name, port, number] :
       {std::tuple("a", kPortA, 1U), std::tuple("b", kPortB, 2U)}) {
    Interface pod;
    pod.name = name;
    pod.ofport = port;
    pod.mac = MacAddress::from_bits(0x0a0000000000ULL + number);
    pod.ips = {ip("10.0.0.0").plus(number), ip("fd00::").plus(number)};
    pod.container_id = name;
    interfaces.add(pod);
  }
  NodeConfig config;
  config.gateway_mac = mac("0a:ff:ff:ff:ff:ff");

  openflow::PacketInProperties in;
  in.userdata = {std::byte{1}, std::byte{2}};
  in.metadata.emplace();
  in.metadata->in_port(openflow::PortNo{c.in_port});
  match_reg(*in.metadata, reg::kApDeny, 1);
  match_reg(*in.metadata, reg::kApDisposition, api::pipeline::Disposition::kReject);
  match_reg(*in.metadata, reg::kApConjId, 77);
  match_reg(*in.metadata, reg::kPacketInTable, Table::kAntreaPolicyIngressRule);
  if (c.to_service)
    match_reg(*in.metadata, reg::kServiceEpState, api::pipeline::EpState::kSelected);
  if (c.generated) match_reg(*in.metadata, reg::kGeneratedReject, 1);
  match_reg(*in.metadata, reg::kPktDestination,
            c.leaves_by_tunnel ? api::pipeline::PktDestination::kTunnel
                               : api::pipeline::PktDestination::kGateway);
  in.packet = frame(tcp(kSyn, c.src, c.dst));
  const auto rejected = PolicyPacketIn::of(in);
  ASSERT_TRUE(rejected) << rejected.error().to_string();
  EXPECT_EQ(rejected->conjunction, 77U);
  EXPECT_EQ(rejected->table, Table::kAntreaPolicyIngressRule);
  EXPECT_EQ(rejected->disposition, api::pipeline::Disposition::kReject);

  const auto answer = answer_rejected(*rejected, interfaces, config);
  ASSERT_EQ(answer.has_value(), !c.goes.empty());
  if (!answer) return;
  const auto packet = PacketView::of(answer->packet);
  ASSERT_TRUE(packet);
  const auto port = answer->match.get(openflow::FieldId::kInPortOxm);
  EXPECT_EQ(
      fmt::format("{} {}>{} {}", port->value.lo, packet->eth_src.to_string().substr(0, 8),
                  packet->eth_dst.to_string().substr(0, 8) + packet->eth_dst.to_string().substr(14),
                  openflow::to_string(answer->actions)),
      c.goes);
}
INSTANTIATE_TEST_SUITE_P(
    Ways, RejectionPath,
    testing::Values(
        PathCase{"LocalToLocal", "10.0.0.1", "10.0.0.2", kPortA, false, false, false,
                 "12 0a:00:00>0a:00:00:01 output:11"},
        PathCase{"LocalToLocalV6", "fd00::1", "fd00::2", kPortA, false, false, false,
                 "12 0a:00:00>0a:00:00:01 output:11"},
        PathCase{"LocalToRemote", "10.0.0.1", "10.0.1.5", kPortA, false, false, false,
                 "32769 0a:ff:ff>0a:00:00:01 output:11"},
        PathCase{"LocalToOutside", "10.0.0.1", "8.8.8.8", kPortA, false, false, false,
                 "32769 0a:ff:ff>0a:00:00:01 output:11"},
        PathCase{"RemoteToLocal", "10.0.1.5", "10.0.0.2", kTunnel, false, false, false,
                 "12 0a:00:00>0a:ff:ff:ff set_field:0x2000/0x2000->reg0,resubmit(,22)"},
        PathCase{"OutsideToLocal", "8.8.8.8", "10.0.0.2", kGateway, false, false, false,
                 "12 0a:00:00>0a:ff:ff:ff set_field:0x2000/0x2000->reg0,resubmit(,22)"},
        PathCase{"LocalThroughTheHost", "10.0.0.1", "10.0.0.2", kGateway, false, false, false,
                 "12 0a:00:00>0a:ff:ff:ff set_field:0x2000/0x2000->reg0,resubmit(,22)"},
        PathCase{"LocalThroughTheHostToRemote", "10.0.0.1", "10.0.1.5", kGateway, false, false,
                 false, "32768 aa:bb:cc>0a:ff:ff:ff output:32769"},
        PathCase{"RemoteToRemote", "10.0.1.5", "8.8.8.8", kTunnel, false, false, false, ""},
        PathCase{"ServiceLocal", "10.0.0.1", "10.0.0.2", kPortA, true, false, false,
                 "12 0a:00:00>0a:ff:ff:ff set_field:0x2000/0x2000->reg0,resubmit(,0)"},
        PathCase{"ServiceEndpointRemote", "10.0.0.1", "10.0.1.5", kPortA, true, false, false,
                 "32769 aa:bb:cc>0a:ff:ff:ff set_field:0x2000/0x2000->reg0,resubmit(,0)"},
        PathCase{"ServiceClientRemote", "8.8.8.8", "10.0.0.2", kGateway, true, false, false,
                 "12 0a:00:00>0a:ff:ff:ff set_field:0x2000/0x2000->reg0,resubmit(,0)"},
        PathCase{"ServiceOfItself", "10.0.0.1", "10.0.0.1", kPortA, true, false, false,
                 "32769 aa:bb:cc>0a:ff:ff:ff set_field:0x2000/0x2000->reg0,resubmit(,0)"},
        PathCase{"ServiceByTunnel", "8.8.8.8", "10.0.1.5", kGateway, true, true, false,
                 "32768 0a:ff:ff>aa:bb:cc:ff set_field:0x2000/0x2000->reg0,resubmit(,0)"},
        PathCase{"ServiceByGateway", "8.8.8.8", "9.9.9.9", kGateway, true, false, false,
                 "32769 aa:bb:cc>0a:ff:ff:ff set_field:0x2000/0x2000->reg0,resubmit(,0)"},
        PathCase{"AnAnswerOfOurs", "10.0.0.1", "10.0.0.2", kPortA, false, false, true, ""}),
    [](const auto& info) { return info.param.name; });

TEST(Unserved, IsAnsweredWhereItCameIn) {
  openflow::PacketInProperties in;
  in.userdata = {std::byte{4}};
  EXPECT_FALSE(answer_unserved(in));
  in.metadata.emplace().in_port(openflow::PortNo{kPortA});
  for (const auto& [spec, says] :
       {std::pair(tcp(kSyn), "flags=0x14 seq=0 ack=1001 80>40000"), std::pair(udp(), "3/3 28"),
        std::pair(udp("fd00::1", "fd00::2"), "1/4 48")}) {
    in.packet = frame(spec);
    const auto answer = answer_unserved(in);
    ASSERT_TRUE(answer);
    EXPECT_EQ(read(answer->packet).says, says);
    EXPECT_EQ(read(answer->packet).packet.eth_dst, spec.eth_src);
    EXPECT_EQ(openflow::to_string(answer->actions), "output:11");
    EXPECT_EQ(answer->match.get(openflow::FieldId::kInPortOxm)->value.lo,
              openflow::kPortController.value);
    in.packet = answer->packet;
    EXPECT_FALSE(answer_unserved(in)) << "an answer must not be answered";
  }
}

TEST(PolicyPacketIn, IsolationHasNoConjunction) {
  openflow::PacketInProperties in;
  in.userdata = {std::byte{1}, std::byte{1}};
  in.metadata.emplace();
  match_reg(*in.metadata, reg::kApDisposition, api::pipeline::Disposition::kDrop);
  match_reg(*in.metadata, reg::kEndpointIp, 0x0a000002);  // the same register as the conjunction
  in.packet = frame(tcp(kSyn));
  const auto isolated = PolicyPacketIn::of(in);
  ASSERT_TRUE(isolated);
  EXPECT_EQ(isolated->conjunction, std::nullopt);
  in.userdata = {std::byte{1}};
  EXPECT_EQ(PolicyPacketIn::of(in).error().code, Errc::kMalformed);
}

}  // namespace
}  // namespace antrea::node
