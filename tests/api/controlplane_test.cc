#include <gmock/gmock.h>

#include <boost/json.hpp>
#include <fstream>

#include "antrea/api/controlplane_codec.h"
#include "antrea/base/bytes.h"
#include "tests/addresses.h"
#include "tests/api/generate.h"

namespace antrea::api::controlplane {
namespace {

constexpr Format kFormats[] = {Format::kJson, Format::kProtobuf};

std::string file(const std::string& name) {
  std::ifstream in(std::string(ANTREA_SOURCE_DIR) + "/tests/api/vectors/" + name);
  return {std::istreambuf_iterator<char>(in), {}};
}

// A field of wire type 2 whose length fits one byte or two.
std::string field(int number, std::string_view bytes) {
  std::string out(1, static_cast<char>(number << 3 | 2));
  if (bytes.size() > 127) out += static_cast<char>((bytes.size() & 0x7f) | 0x80);
  out += static_cast<char>(bytes.size() > 127 ? bytes.size() >> 7 : bytes.size());
  return out.append(bytes);
}

// "k8s\0" and an Unknown, put together by hand.
std::string enveloped(std::string_view kind, std::string_view message) {
  return std::string("k8s\0", 4) + field(1, field(1, kApiVersion) + field(2, kind)) +
         field(2, message) + field(3, "") + field(4, "");
}

TEST(ControlPlaneProtobuf, ReadsAPolicyOfTheOriginal) {
  const auto policy =
      decode_as<NetworkPolicy>(enveloped("NetworkPolicy", file("policy.bin")), Format::kProtobuf);
  ASSERT_TRUE(policy) << policy.error().to_string();
  NetworkPolicy want;
  want.metadata.name = want.metadata.uid = "u1";
  want.metadata.generation = 7;
  NetworkPolicyRule in;
  in.peers.address_groups = {"g1"};
  in.peers.ip_blocks = {{cidr("10.1.0.0/16"), {cidr("10.1.2.0/24")}}};
  in.services = {{.protocol = ServiceProtocol::kTcp, .port = IntOrString{0, "http"}},
                 {.protocol = ServiceProtocol::kUdp, .port = IntOrString{53, {}}, .end_port = 60}};
  in.action = RuleAction::kAllow;
  NetworkPolicyRule out;
  out.direction = Direction::kOut;
  want.rules = {in, out};
  want.applied_to_groups = {"a1"};
  want.source_ref = {PolicyType::kK8sNetworkPolicy, "default", "web", "u1"};
  EXPECT_EQ(*policy, want);
}

TEST(ControlPlaneProtobuf, ReadsAPatchOfTheOriginal) {
  const std::string body = enveloped("AddressGroupPatch", file("patch.bin"));
  const auto patch = decode_as<AddressGroupPatch>(body, Format::kProtobuf);
  ASSERT_TRUE(patch) << patch.error().to_string();
  AddressGroupPatch want;
  want.metadata.name = want.metadata.uid = "g1";
  want.added = {{.key = {"n", "p"},
                 .ips = {ip("10.0.0.5"), ip("fd00::5")},
                 .ports = {{80, "http", Protocol::kTcp}}}};
  want.removed = {{.kind = MemberKind::kNode, .key = {{}, "n1"}, .ips = {ip("10.0.0.6")}}};
  EXPECT_EQ(*patch, want);
  EXPECT_EQ(decode_as<AppliedToGroupPatch>(body, Format::kProtobuf).error().code,
            Errc::kUnsupported);
}

TEST(ControlPlaneProtobuf, WritesIpv4AsSixteenBytes) {
  AddressGroup group;
  group.metadata.name = "g";
  group.members = {{.kind = MemberKind::kNode, .key = {{}, "n"}, .ips = {ip("10.0.0.5")}}};
  const std::string body = encode(group, Format::kProtobuf);
  EXPECT_THAT(to_hex(as_byte_span(body)), testing::HasSubstr("1a10"
                                                             "00000000000000000000ffff0a000005"));
}

TEST(ControlPlaneJson, ReadsAndWritesTheOriginalsFields) {
  const std::string text =
      R"({"kind":"AddressGroup","apiVersion":"controlplane.antrea.io/v1beta2",)"
      R"("metadata":{"name":"g","uid":"g","creationTimestamp":null},)"
      R"("groupMembers":[{"pod":{"name":"p","namespace":"n"},)"
      R"("ips":["AAAAAAAAAAAAAP//CgAABQ=="],)"
      R"("ports":[{"port":80,"name":"http","protocol":"TCP"}]}]})";
  const auto group = decode_as<AddressGroup>(text, Format::kJson);
  ASSERT_TRUE(group) << group.error().to_string();
  ASSERT_EQ(group->members.size(), 1U);
  EXPECT_THAT(group->members[0].ips, testing::ElementsAre(ip("10.0.0.5")));
  auto want = boost::json::parse(text);
  want.at("metadata").as_object().erase("creationTimestamp");
  EXPECT_EQ(boost::json::parse(encode(*group, Format::kJson)), want);
}

TEST(ControlPlaneJson, ErrorsNameTheField) {
  const auto error = [](std::string_view rest) {
    return decode(R"({"apiVersion":"controlplane.antrea.io/v1beta2",)" + std::string(rest),
                  Format::kJson)
        .error()
        .to_string();
  };
  EXPECT_THAT(
      error(R"("kind":"NetworkPolicy","metadata":{"name":"p"},"rules":[{"direction":"Up"}]})"),
      testing::StartsWith("NetworkPolicy p: rules[0].direction: found \"Up\""));
  EXPECT_THAT(error(R"("kind":"AddressGroup","groupMembers":[{"ips":["AAA="]}]})"),
              testing::StartsWith("AddressGroup: groupMembers[0].ips[0]: "));
  EXPECT_THAT(error(R"("kind":"AddressGroup","groupMembers":[{"ips":["A*A="]}]})"),
              testing::HasSubstr("expected base64"));
  EXPECT_THAT(error(R"("kind":"Pod"})"), testing::HasSubstr("found kind \"Pod\""));
}

template <typename T>
void expect_round_trip(const T& object) {
  for (const Format format : kFormats) {
    const auto back = decode_as<T>(encode(object, format), format);
    ASSERT_TRUE(back) << back.error().to_string();
    ASSERT_EQ(*back, object) << encode(object, Format::kJson);
  }
}

TEST(ControlPlaneCodec, DecodesWhatItEncoded) {
  generate::Generator any(1);
  for (int i = 0; i < 300; ++i) {
    expect_round_trip(any.policy());
    expect_round_trip(AddressGroup{any.meta(), any.members()});
    expect_round_trip(AppliedToGroup{any.meta(), any.members()});
    expect_round_trip(AddressGroupPatch{{any.meta(), any.members(), any.members()}});
    expect_round_trip(AppliedToGroupPatch{{any.meta(), any.members(), any.members()}});
    expect_round_trip(EgressGroup{any.meta(), any.members()});
    expect_round_trip(EgressGroupPatch{{any.meta(), any.members(), any.members()}});
    expect_round_trip(EvaluatedPods{any.meta(), any.evaluated_pods()});
    expect_round_trip(EvaluatedPodsPatch{any.meta(), any.evaluated_pods(), any.evaluated_pods()});
    expect_round_trip(NetworkPolicyStatus{any.meta(), {{"n", 3, any.coin(), any.word()}}});
    const TrafficStats traffic{i, 10 * i, i / 2};
    const NetworkPolicyReference policy{PolicyType::kAntreaNetworkPolicy, any.word(), any.word(),
                                        any.word()};
    expect_round_trip(NodeStatsSummary{
        any.meta(), {{{}, traffic, {}}}, {}, {{policy, {}, {{any.word(), traffic}}}}});
  }
  expect_round_trip(Status{"Failure", "no such thing", "NotFound", 404});
}

TEST(ControlPlaneCodec, SortsMembersThatComeUnsorted) {
  AddressGroup group;
  group.members = {{.kind = MemberKind::kNode, .key = {{}, "b"}},
                   {.kind = MemberKind::kNode, .key = {{}, "a"}},
                   {.kind = MemberKind::kNode, .key = {{}, "b"}}};
  for (const Format format : kFormats)
    EXPECT_EQ(decode_as<AddressGroup>(encode(group, format), format)->members,
              (std::vector<GroupMember>{{.kind = MemberKind::kNode, .key = {{}, "a"}},
                                        {.kind = MemberKind::kNode, .key = {{}, "b"}}}));
}

TEST(ControlPlaneCodec, Lists) {
  generate::Generator any(2);
  std::vector<std::shared_ptr<const NetworkPolicy>> policies;
  for (int i = 0; i < 5; ++i) policies.push_back(std::make_shared<NetworkPolicy>(any.policy()));
  for (const Format format : kFormats) {
    const std::string body = encode_list<NetworkPolicy>(policies, "7", format);
    const auto back = decode_list<NetworkPolicy>(body, format);
    ASSERT_TRUE(back) << back.error().to_string();
    ASSERT_EQ(back->size(), policies.size());
    for (std::size_t i = 0; i < back->size(); ++i) EXPECT_EQ((*back)[i], *policies[i]);
    EXPECT_EQ(decode_list<AddressGroup>(body, format).error().code, Errc::kUnsupported);
  }
}

TEST(ControlPlaneCodec, EveryPrefixIsAnErrorOrAnObject) {
  generate::Generator any(3);
  for (const Format format : kFormats) {
    const std::string body = encode(any.policy(), format);
    for (std::size_t size = 0; size < body.size(); ++size)
      (void)decode(std::string_view(body).substr(0, size), format);
    EXPECT_TRUE(decode(body.substr(0, body.size() / 2), format).has_error());
  }
}

TEST(WatchFrames, AreFoundHoweverTheBytesAreCut) {
  generate::Generator any(4);
  for (const Format format : kFormats) {
    std::vector<WatchFrame> frames;
    std::string stream;
    for (const EventType type : {EventType::kAdded, EventType::kModified, EventType::kDeleted,
                                 EventType::kBookmark, EventType::kError}) {
      frames.push_back({type, encode(AddressGroup{any.meta(), any.members()}, format)});
      stream += encode_frame(type, frames.back().body, format);
    }
    for (std::size_t step = 1; step < 50; step += 7) {
      FrameReader reader(format);
      std::vector<WatchFrame> found;
      for (std::size_t at = 0; at < stream.size(); at += step) {
        reader.feed(std::string_view(stream).substr(at, step));
        while (true) {
          auto frame = reader.next();
          ASSERT_TRUE(frame) << frame.error().to_string();
          if (!*frame) break;
          found.push_back(**std::move(frame));
        }
      }
      EXPECT_EQ(found, frames);
      EXPECT_TRUE(reader.at_boundary());
    }
    FrameReader cut(format);
    cut.feed(std::string_view(stream).substr(0, 20));
    EXPECT_FALSE(cut.next()->has_value());
    EXPECT_FALSE(cut.at_boundary());
  }
}

TEST(WatchFrames, RefuseGarbage) {
  FrameReader huge(Format::kProtobuf);
  huge.feed(std::string_view("\x7f\xff\xff\xff", 4));
  EXPECT_EQ(huge.next().error().code, Errc::kMalformed);
  FrameReader type(Format::kJson);
  type.feed("{\"type\":\"CHANGED\",\"object\":{}}\n");
  EXPECT_THAT(type.next().error().cause, testing::HasSubstr("CHANGED"));
  FrameReader text(Format::kJson);
  text.feed("oops\n");
  EXPECT_TRUE(text.next().has_error());
}

TEST(ControlPlaneNames, Resources) {
  for (const Resource resource : kResources) {
    EXPECT_EQ(parse_resource(to_string(resource)), resource);
    EXPECT_FALSE(kind_of(resource).empty());
  }
  EXPECT_EQ(parse_resource("pods"), std::nullopt);
}

}  // namespace
}  // namespace antrea::api::controlplane
