#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <map>

#include "antrea/base/bytes.h"
#include "antrea/openflow/codec.h"
#include "antrea/openflow/text.h"
#include "flow_grammar.h"

// Flow syntax to bytes, compared with those of ovs-ofctl (vectors/README.md).
namespace antrea::openflow {
namespace {

const std::string kVectors = ANTREA_SOURCE_DIR "/tests/openflow/vectors/flow-syntax.jsonl";

struct Vector {
  std::string id, flow, hex;
};

std::vector<Vector> load_vectors() {
  std::vector<Vector> vectors;
  std::ifstream file(kVectors);
  for (std::string line; std::getline(file, line);) {
    const auto object = boost::json::parse(line).as_object();
    const auto& hex = object.at("hex");
    vectors.push_back({std::string(object.at("id").as_string()),
                       std::string(object.at("flow").as_string()),
                       hex.is_string() ? std::string(hex.as_string()) : std::string()});
  }
  return vectors;
}

std::string hex_of(const Message& message) {
  std::vector<std::byte> out;
  return encode(0, message, out) ? to_hex(out) : "too long";
}

/// The later of two releases that differ takes it.
const std::map<std::string, std::string> kTakenByLaterReleases = {
    {"flow-syntax:bad:400", "register 16 exists since 3.7"},
};

TEST(FlowSyntax, EncodesToTheBytesOfOvsOfctl) {
  const auto vectors = load_vectors();
  ASSERT_GE(vectors.size(), 200U);
  for (const Vector& v : vectors) {
    const auto mod = parse_flow_mod(v.flow);
    if (v.hex.empty()) {
      EXPECT_EQ(mod.has_value(), kTakenByLaterReleases.contains(v.id)) << v.id << ": " << v.flow;
      if (mod.has_error()) {
        EXPECT_LE(mod.error().offset, v.flow.size()) << v.id;
        EXPECT_EQ(mod.error().cause.find('\n'), std::string::npos) << v.id;
      }
      continue;
    }
    ASSERT_TRUE(mod.has_value()) << v.id << ": " << v.flow << ": "
                                 << mod.error().to_error().to_string();
    EXPECT_EQ(hex_of(*mod), v.hex) << v.id << ": " << v.flow;
  }
}

/// ovs-ofctl shows these without their mask, length, ports or flags, or not at all.
bool loses(const std::string& text) {
  constexpr std::string_view kShort[] = {"pop_queue", "nat(src)", "nat(dst)", "set_field:ANY->"};
  return std::any_of(std::begin(kShort), std::end(kShort),
                     [&](std::string_view part) { return text.find(part) != std::string::npos; });
}
bool loses(const Flow& flow) {
  for (const MatchField& field : flow.match.fields())
    if (is_in(field.id, FieldId::kTunGbpId, FieldId::kTunGbpFlags) ||
        is_in(field.id, FieldId::kTunErspanIdx, FieldId::kNshC4))
      return true;
  return loses(to_string(flow));
}

TEST(FlowSyntax, ParsesWhatItPrints) {
  testing::FlowGrammar grammar(22);
  std::vector<Flow> flows;
  for (const Vector& v : load_vectors())
    if (auto flow = parse_flow(v.flow)) flows.push_back(std::move(*flow));
  for (int i = 0; i < 3000; ++i)
    if (auto flow = parse_flow(grammar.expand("<head><flow>"))) flows.push_back(std::move(*flow));
  ASSERT_GE(flows.size(), 1000U);
  for (const Flow& flow : flows) {
    const std::string text = to_string(flow);
    // A tag in what is no Ethernet packet is not taken. The data of NSH are shown without the zeros
    // in front of each byte.
    if (text.find("tlv(") != std::string::npos || flow.match.has(FieldId::kPacketType)) continue;
    const auto again = parse_flow(text);
    ASSERT_TRUE(again.has_value()) << text << ": " << again.error().to_error().to_string();
    EXPECT_EQ(to_string(*again), text);
    if (loses(flow)) continue;
    FlowMod first;
    FlowMod second;
    first.flow = flow;
    second.flow = *again;
    EXPECT_EQ(hex_of(second), hex_of(first)) << text;
  }
}

/// What is built of values is sent as what is parsed, of options of tunnels too, which have a mask
/// even where it covers the bytes that are written.
TEST(FlowSyntax, ValuesAndLinesOfOneMeaningAreSentAlike) {
  const Subfield low{FieldId::kTunMetadata0, 0, 8}, middle{FieldId::kTunMetadata0, 4, 12};
  const struct {
    const char* actions;
    SetField value;
  } kRows[] = {
      {"load:0x70->tun_metadata0[0..7]", load(low, 0x70)},
      {"load:0->tun_metadata0[0..7]", load(low, 0)},
      {"load:0x70->tun_metadata0[4..15]", load(middle, 0x70)},
      {"set_field:0x70->tun_metadata0", set_field(FieldId::kTunMetadata0, 0x70)},
      {"set_field:0->tun_metadata0", set_field(FieldId::kTunMetadata0, 0)},
      {"set_field:0x70/0xff->tun_metadata0", set_field(FieldId::kTunMetadata0, 0x70, 0xff)},
      {"load:0x70->reg3[0..7]", load(reg_bits(3, 0, 7), 0x70)},
      {"set_field:0x70->reg3", set_field(FieldId::kReg3, 0x70)},
  };
  for (const auto& row : kRows) {
    const auto parsed = parse_flow(std::string("actions=") + row.actions);
    ASSERT_TRUE(parsed.has_value()) << row.actions;
    FlowMod line;
    FlowMod value;
    line.flow = *parsed;
    value.flow.apply_actions = {row.value};
    EXPECT_EQ(hex_of(value), hex_of(line)) << row.actions;
    EXPECT_EQ(to_string(value.flow), to_string(line.flow)) << row.actions;
    std::vector<std::byte> wire;
    encode_actions(line.flow.apply_actions, wire);
    const auto decoded = decode_actions(wire);
    ASSERT_TRUE(decoded.has_value()) << row.actions;
    EXPECT_EQ(*decoded, line.flow.apply_actions) << row.actions;
  }
}

TEST(FlowSyntax, ParsesGroupsAndMetersItPrints) {
  testing::FlowGrammar grammar(23);
  for (int i = 0; i < 500; ++i) {
    if (const auto mod = parse_group_mod(grammar.expand("group_id=<d16>,type=select,<weighted>"))) {
      const std::string text = to_string(mod->group);
      if (text.find("tlv(") != std::string::npos) continue;  // as above
      const auto again = parse_group_mod(text);
      ASSERT_TRUE(again.has_value()) << text << ": " << again.error().to_error().to_string();
      EXPECT_EQ(to_string(again->group), text);
      if (!loses(text)) {
        EXPECT_EQ(hex_of(*again), hex_of(*mod)) << text;
      }
    }
    if (const auto mod = parse_meter_mod(grammar.meter())) {
      const std::string text = to_string(mod->meter);
      const auto again = parse_meter_mod(text);
      ASSERT_TRUE(again.has_value()) << text << ": " << again.error().to_error().to_string();
      EXPECT_EQ(hex_of(*again), hex_of(*mod)) << text;
    }
  }
}

TEST(FlowSyntax, KeepsAMaskThatCoversTheField) {
  const std::pair<const char*, const char*> cases[] = {
      {"mpls,actions=load:5->OXM_OF_MPLS_LABEL[]", "001900108000450800000005000fffff"},
      {"ip,actions=load:3->OXM_OF_IP_DSCP[]", "0019001080001102033f000000000000"},
      {"ip,actions=load:3->NXM_NX_IP_ECN[]", "00190010800013020303000000000000"},
      {"dl_vlan=1,actions=set_field:0x1064/0x1fff->vlan_vid", "0019001080000d0410641fff00000000"},
      {"ip,actions=set_field:3->ip_dscp", "00190010800010010300000000000000"},
  };
  for (const auto& [text, action] : cases) {
    const auto mod = parse_flow_mod(text);
    ASSERT_TRUE(mod.has_value()) << text;
    EXPECT_TRUE(hex_of(*mod).ends_with(action)) << text << ": " << hex_of(*mod);
  }
}

struct Refused {
  std::string_view text;
  std::string_view at;  ///< where the fault's offset points
};

TEST(FlowSyntax, TakesNamesThatItIsTold) {
  const Names names{{{"web-1", PortNo{7}}, {"eth0", PortNo{8}}}, {{"Classifier", TableId{2}}}};
  const struct {
    std::string named, numbered;
  } cases[] = {
      {"in_port=eth0,actions=drop", "in_port=8,actions=drop"},
      {"in_port=\"web-1\",actions=eth0", "in_port=7,actions=output:8"},
      {"actions=output:\"web-1\",goto_table:Classifier", "actions=output:7,goto_table:2"},
      {"table=Classifier,actions=resubmit(eth0,Classifier)", "table=2,actions=resubmit(8,2)"},
      {"table=2,in_port=LOCAL,actions=output:8", "table=2,in_port=LOCAL,actions=output:8"},
      {"actions=set_field:eth0->in_port", "actions=set_field:8->in_port"},
      {"actions=bundle(eth_src,0,hrw,ofport,members:eth0,9)",
       "actions=bundle(eth_src,0,hrw,ofport,members:8,9)"},
  };
  for (const auto& c : cases) {
    const auto named = parse_flow(c.named, &names);
    ASSERT_TRUE(named.has_value()) << c.named << ": " << named.error().to_error().to_string();
    EXPECT_EQ(*named, *parse_flow(c.numbered)) << c.named;
  }
  const auto unknown = parse_flow("in_port=eth1,actions=drop", &names);
  ASSERT_TRUE(unknown.has_error());
  EXPECT_EQ(unknown.error().offset, 8U);
}

TEST(FlowSyntax, PointsAtWhatIsWrong) {
  const Refused cases[] = {
      {"table=1,nosuch=2,actions=drop", "nosuch"},
      {"table=256,actions=drop", "256"},
      {"ip,nw_src=10.0.0.0/33,actions=drop", "33"},
      {"ip,nw_dst=10.0.0.256 actions=drop", "10.0.0.256"},
      {"dl_src=00:11:22:33:44,actions=drop", "00:11"},
      {"ct_state=+new+bogus,actions=drop", "bogus"},
      {"priority=1 actions=output:1,bogus:2", "bogus"},
      {"actions=set_field:1->ct_state", "ct_state"},
      {"actions=set_field:5->tcp_dst", "set_field"},
      {"actions=load:0x1ff->NXM_NX_REG0[0..7]", "0x1ff"},
      {"actions=load:1->NXM_NX_REG0[0..32]", "0..32"},
      {"ip,actions=ct(commit,nat(src=1.2.3.4,foo))", "foo"},
      {"ip,actions=ct(commit,exec(set_field:1->reg0))", "set_field"},
      {"ip,actions=clone(output:1,dec_ttl,learn(table=3,nope=1))", "nope"},
      {"actions=goto_table:3,output:1", "output"},
      {"table=5,actions=goto_table:4", "4"},
      {"actions=conjunction(1,2/2),output:3", "output:3"},
      {"actions=output:1,drop", "drop"},
      {"ip,dl_dst=1:2:3:4:5:6", "ip,"},
  };
  for (const Refused& c : cases) {
    const auto flow = parse_flow(c.text);
    ASSERT_TRUE(flow.has_error()) << c.text;
    EXPECT_TRUE(c.text.substr(flow.error().offset).starts_with(c.at))
        << c.text << ": " << flow.error().to_error().to_string();
  }
}

TEST(FlowSyntax, ReadsFilesLineByLine) {
  const auto flows = parse_flow_file(
      "# what stands behind a hash is no flow\n\nip,actions=drop # nor is this\n"
      "delete_strict priority=3,arp\n  modify_strict table=2,tcp actions=1\n");
  ASSERT_TRUE(flows.has_value());
  ASSERT_EQ(flows->size(), 3U);
  EXPECT_EQ(flows->at(0).command, FlowCommand::kAdd);
  EXPECT_EQ(flows->at(1).command, FlowCommand::kDeleteStrict);
  EXPECT_EQ(flows->at(2).command, FlowCommand::kModifyStrict);
  const auto wrong = parse_flow_file("ip,actions=drop\n\nip,bad=1,actions=drop\n");
  ASSERT_TRUE(wrong.has_error());
  EXPECT_EQ(wrong.error().line, 3U);
  EXPECT_EQ(wrong.error().offset, 3U);
  const auto messages = parse_bundle_file("flow ip,actions=drop\ngroup delete group_id=4\n");
  ASSERT_TRUE(messages.has_value());
  EXPECT_TRUE(std::holds_alternative<FlowMod>(messages->at(0)));
  EXPECT_TRUE(std::holds_alternative<GroupMod>(messages->at(1)));
}

}  // namespace
}  // namespace antrea::openflow
