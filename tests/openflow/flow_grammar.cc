#include "flow_grammar.h"

#include <fmt/format.h>

#include <map>
#include <stdexcept>

namespace antrea::openflow::testing {
namespace {

using Choices = std::vector<std::string_view>;
/// What stands often is written often.
const std::map<std::string_view, Choices>& grammar() {
  static const std::map<std::string_view, Choices> rules{
      {"line",
       {"flow <mod>", "flow <mod>", "flow <mod>", "flow <mod>", "group <group>", "group <group>",
        "packet-out <packet>"}},
      {"mod",
       {"add <head><flow>", "add <head><flow>", "add <head><flow>", "<head><flow>",
        "modify <head><flow>", "modify_strict <head><flow>", "delete <gone><match>",
        "delete_strict priority=<d16>,<gone><match>", "modify cookie=<x64>/<x64>,<flow>"}},
      {"head", {"", "", "<option>,", "<option>,<option>, ", "<option> <option>,<option> "}},
      {"option",
       {"table=<d5>", "priority=<d16>", "cookie=<x64>", "idle_timeout=<d16>", "hard_timeout=<d16>",
        "importance=<d16>", "send_flow_rem", "check_overlap", "reset_counts", "no_packet_counts",
        "no_byte_counts", "duration=1.5s, n_packets=<d8>, n_bytes=0", "idle_age=3", "out_port=1"}},
      {"gone", {"", "table=<d5>,", "cookie=<x64>/-1,", "out_port=<port>,", "out_group=<d8>,"}},
      {"match", {"", "<any>", "<any>,<any>", "ip,<ip>", "tcp,<ip>,<l4>", "ipv6,<ip6>"}},
      {"flow",
       {"<any>,actions=<act>",
        "<any>,<any> actions=<act>,<act>",
        "actions=<act>,<act>,<act>",
        "ip,<ip>,<any> actions=<act>,<ipact>",
        "ip,<ip>,actions=<ipact>,<ct>",
        "tcp,<ip>,<l4>,actions=<ipact>,<act>,<l4act>",
        "udp,<ip>,<l4>,<any> actions=<l4act>,<act>",
        "sctp,<l4>,actions=<l4act>",
        "<l4>,tcp6,<ip6>,<any> actions=<ct>,<act>",
        "ipv6,<ip6>,<any> actions=<ip6act>,<act>",
        "icmp,<icmp>,<any> actions=<act>",
        "icmp6,<nd>,<any> actions=<act>",
        "arp,<arp>,<any> actions=<arpact>,<act>",
        "mpls,<mpls>,<any> actions=<mplsact>,<act>",
        "dl_type=0x894f,<nsh>,actions=<act>",
        "<vlan>,<any> actions=<vlanact>,<act>",
        "ct_state=<ctstate>,ip,<ctmatch> actions=<ct>",
        "<any> actions=learn(<learn>)",
        "ip,<ip> actions=learn(<learn>),<act>",
        "<any>,actions=conjunction(<d32>,1/2),conjunction(<d16>,2/3),note:01",
        "<any>,actions=meter:<d8>,<act>,write_metadata:<m64>,goto_table:<d8>",
        "<any>,actions=<act>,clear_actions,write_actions(<act>,<act>),goto_table:100",
        "<any> actions=drop",
        "<wrong>,actions=<act>",
        "<any> actions=<act>,<wrongact>"}},
      {"any",
       {"in_port=<port>",
        "reg<r>=<m32>",
        "reg<r>=<m32>",
        "reg<r>[3..10]=<d8>",
        "xreg<q>=<m64>",
        "xxreg3=<x120>",
        "metadata=<m64>",
        "tun_id=<m64>",
        "tun_src=<v4m>",
        "tun_dst=<v4m>",
        "tun_ipv6_src=<v6m>",
        "tun_gbp_id=<m16>",
        "tun_gbp_flags=<m8>",
        "tun_flags=<tunflag>",
        "pkt_mark=<m32>",
        "ct_state=<ctstate>",
        "ct_zone=<d16>",
        "ct_mark=<m32>",
        "ct_label=<x100>",
        "conj_id=<d32>",
        "dp_hash=<m32>",
        "actset_output=<port>",
        "tun_metadata<d6>=1<d20>",
        "tun_metadata<d6>",
        "tun_metadata<d6>=0x1f<d60><d60><d20>",
        "tun_metadata<d6>=0x<d60><d60>/0xf0<d60><d60><d60>",
        "tun_erspan_idx=<d16>",
        "tun_gtpu_flags=<m8>",
        "eth_src=<macm>",
        "dl_dst=<macm>",
        "vlan_tci=<m16>",
        "vlan_vid=<m13>",
        "dl_vlan=<d12>",
        "dl_vlan_pcp=<d3>",
        "packet_type=(1,0x800)",
        "eth",
        "dl_type=0x<hh><hh>",
        "nw_proto=6",
        "ipv6_src=<v6>"}},
      {"ip",
       {"nw_src=<v4m>", "ip_dst=<v4m>", "nw_tos=<tos>", "ip_dscp=<d6>", "nw_ecn=<d2>",
        "nw_ttl=<d8>", "ip_frag=<frag>", "nw_src=<v4m>,nw_dst=<v4m>"}},
      {"ip6", {"ipv6_src=<v6m>", "ipv6_dst=<v6m>", "ipv6_label=<x20>", "nw_ttl=<d8>"}},
      {"l4",
       {"tp_src=<m16>", "tp_dst=<m16>", "tcp_dst=<m16>", "udp_src=<m16>", "tcp_flags=<tcpflags>"}},
      {"icmp", {"icmp_type=<d8>", "icmp_type=8,icmp_code=<d8>", "tp_src=3"}},
      {"nd",
       {"icmpv6_type=135,icmpv6_code=0,nd_target=<v6m>,nd_sll=<macm>", "icmp_type=136,nd_tll=<mac>",
        "icmpv6_type=135,nd_reserved=<d32>,nd_options_type=1", "icmpv6_type=<d8>"}},
      {"arp",
       {"arp_op=<d8>", "arp_spa=<v4m>,arp_tpa=<v4>", "arp_sha=<macm>", "arp_tha=<mac>",
        "nw_src=<v4>"}},
      {"mpls", {"mpls_label=<d20>", "mpls_tc=<d3>,mpls_bos=<d1>", "mpls_ttl=<d8>"}},
      {"nsh",
       {"nsh_flags=<m8>", "nsh_ttl=<d6>", "nsh_spi=<x24>,nsh_si=<d8>", "nsh_c1=<m32>", "nsh_np=1"}},
      {"vlan",
       {"dl_vlan=<d12>", "vlan_vid=0x1<hh>0/0x1ff0", "dl_vlan=<d12>,dl_vlan_pcp=<d3>",
        "vlan_tci=0x1000/0x1000"}},
      {"ctmatch",
       {"ct_nw_src=<v4m>,ct_nw_proto=6,ct_tp_dst=<m16>", "ct_nw_dst=<v4>", "ct_nw_proto=<d8>"}},
      {"ctstate", {"+trk+est", "-new+trk-inv", "+trk+rpl", "trk|new", "0x<hh>/0x<hh>"}},
      {"tcpflags", {"+syn-ack", "+fin+urg", "0x<hh>", "syn|ack", "0x<hh>/0x0ff"}},
      {"tunflag", {"+oam", "-oam", "oam", "0"}},
      {"frag", {"no", "yes", "first", "later", "not_later"}},
      {"tos", {"0", "4", "40", "252"}},
      {"r", {"0", "1", "2", "5", "9", "15"}},
      {"q", {"0", "3", "7"}},
      {"port",
       {"1", "2", "7", "65279", "LOCAL", "in_port", "4294967294", "65534", "none", "70000"}},
      {"v4", {"10.<d8>.<d8>.<d8>", "192.168.0.<d8>", "0.0.0.0"}},
      {"v4m", {"<v4>", "<v4>/<d5>", "<v4>/24", "<v4>/255.0.<d8>.255"}},
      {"v6", {"fd00:<hh>::<hh>", "::1", "fe80::<hh><hh>:<hh>", "::"}},
      {"v6m", {"<v6>", "<v6>/64", "<v6>/<d7>", "<v6>/ffff::<hh>"}},
      {"mac", {"<hh>:<hh>:<hh>:<hh>:<hh>:<hh>", "0a:58:0a:0a:00:<hh>"}},
      {"macm", {"<mac>", "<mac>", "<mac>/ff:ff:ff:00:00:00", "<mac>/<mac>"}},
      {"sub",
       {"NXM_NX_REG<r>[]", "reg<r>[0..15]", "NXM_NX_REG<r>[4..19]", "NXM_OF_ETH_SRC[]",
        "OXM_OF_METADATA[0..31]", "xreg<q>[32..63]", "NXM_NX_XXREG0[96..127]", "NXM_OF_IN_PORT[]",
        "NXM_NX_TUN_ID[0..15]", "NXM_NX_PKT_MARK[]", "NXM_OF_IP_SRC[]", "reg0[40]"}},
      {"act",
       {"output:<port>",
        "<port>",
        "output:<sub>",
        "group:<d32>",
        "resubmit(,<d8>)",
        "resubmit(<port>,<d5>)",
        "resubmit:<port>",
        "set_field:<m32>->reg<r>",
        "set_field:<x32>->reg<r>",
        "load:<x16>->NXM_NX_REG<r>[8..23]",
        "load:<x8>->xreg<q>[3..10]",
        "set_field:<m64>->xreg<q>",
        "set_field:<x120>->xxreg1",
        "set_field:<macm>->eth_src",
        "set_field:<mac>->eth_dst",
        "set_field:<m64>->metadata",
        "set_field:<x64>->tun_id",
        "set_field:<v4>->tun_dst",
        "set_field:<v6>->tun_ipv6_dst",
        "set_field:<m32>->pkt_mark",
        "set_field:1<d8>->tun_metadata<d6>",
        "set_field:0x2<d60><d60><d30>->tun_metadata<d6>",
        "set_field:0x<d60>/0x10<d60><d60><d60>->tun_metadata<d6>",
        "set_field:<port>->in_port",
        "move:<sub>-><sub>",
        "move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[]",
        "move:NXM_NX_REG<r>[0..7]->NXM_NX_REG<r>[8..15]",
        "push:<sub>",
        "pop:<sub>",
        "mod_dl_src:<mac>",
        "mod_dl_dst:<mac>",
        "mod_vlan_vid:<d12>",
        "mod_vlan_pcp:<d3>",
        "push_vlan:0x8100",
        "set_tunnel:<x24>",
        "set_tunnel64:<x64>",
        "set_queue:<d8>",
        "pop_queue",
        "enqueue(<port>,<d8>)",
        "enqueue:1:<d8>",
        "exit",
        "ct_clear",
        "note:<hh>.<hh>.<hh>",
        "note:<hh><hh><hh><hh><hh><hh><hh><hh>",
        "controller",
        "controller:<d16>",
        "controller(<ctl>)",
        "controller(<ctl>,<ctl>,pause)",
        "multipath(<hash>,<d16>,<mpalg>,<d4>,<d8>,NXM_NX_REG<r>[])",
        "bundle(<hash>,<d16>,<balg>,ofport,members:<port>,2,3)",
        "bundle_load(<hash>,<d16>,<balg>,ofport,reg<r>[],members:1,2)",
        "sample(probability=<d16>,collector_set_id=<d32>,obs_domain_id=<d32>,obs_point_id=<d8>)",
        "sample(probability=9,sampling_port=<port>)",
        "sample(probability=9,egress)",
        "clone(<act>,<act>)",
        "check_pkt_larger(<d12>)->NXM_NX_REG<r>[<d4>]",
        "delete_field:tun_metadata<d6>",
        "output(port=<port>,max_len=100)",
        "learn(<learn>)",
        "encap(nsh(md_type=1,tlv(0x<hh><hh>,<d8>,0x<hh><hh><hh>)))",
        "encap(ethernet)",
        "decap",
        "decap(packet_type(ns=1,type=0x<hh><hh>))",
        "write_metadata:<m64>",
        "goto_table:<d8>"}},
      {"ipact",
       {"dec_ttl", "dec_ttl(<d8>,<d8>)", "mod_nw_ttl:<d8>", "set_field:<v4m>->ip_dst",
        "mod_nw_src:<v4>", "mod_nw_tos:<tos>", "mod_nw_ecn:<d2>", "set_field:<d6>->ip_dscp",
        "set_field:<d2>->nw_ecn", "set_field:<d8>->nw_ttl", "push_mpls:0x8847", "<ct>"}},
      {"ip6act",
       {"set_field:<v6m>->ipv6_dst", "set_field:<x20>->ipv6_label", "dec_ttl", "<ct>",
        "ct(commit,nat(src=fd00::1-fd00::<hh><hh>))"}},
      {"l4act",
       {"mod_tp_dst:<d16>", "mod_tp_src:<d16>", "set_field:<m16>->tcp_dst",
        "set_field:<d16>->udp_src", "fin_timeout(idle_timeout=<d8>)", "ct(commit,alg=ftp)"}},
      {"arpact",
       {"set_field:<d1>->arp_op", "move:NXM_NX_ARP_SHA[]->NXM_NX_ARP_THA[]",
        "set_field:<v4>->arp_spa", "set_field:<mac>->arp_sha"}},
      {"mplsact",
       {"set_mpls_label:<d20>", "set_mpls_tc(<d3>)", "set_mpls_ttl(<d8>)", "dec_mpls_ttl",
        "pop_mpls:0x0800", "set_field:<d20>->mpls_label"}},
      {"vlanact",
       {"pop_vlan", "strip_vlan", "set_field:4<d8>->vlan_vid", "set_vlan_vid:<d12>",
        "set_vlan_pcp:<d3>", "mod_vlan_vid:<d12>", "set_field:<d3>->vlan_pcp"}},
      {"ct",
       {"ct(<ctopt>)", "ct(<ctopt>,<ctopt>)", "ct(commit,<ctopt>,nat(<nat>))",
        "ct(commit,zone=<d16>,exec(<ctset>),table=<d5>)",
        "ct(commit,force,exec(<ctset>,<ctset>))"}},
      {"ctopt",
       {"commit", "table=<d8>", "zone=<d16>", "zone=NXM_NX_REG<r>[0..15]", "nat", "commit,force"}},
      {"ctset",
       {"set_field:<m32>->ct_mark", "set_field:<x100>->ct_label",
        "load:<x8>->NXM_NX_CT_MARK[4..11]", "move:NXM_NX_REG<r>[]->NXM_NX_CT_LABEL[32..63]"}},
      {"nat",
       {"src=<v4>", "dst=<v4>:<d16>", "src=10.0.0.1-10.0.1.<d8>", "src=10.0.0.1:4000-5<d8>,random",
        "dst", "src,hash,persistent", "src=10.0.0.9-10.0.0.1"}},
      {"learn",
       {"<learnopt>,<spec>", "<spec>,<spec>",
        "<learnopt>,<learnopt>,eth_type=0x800,<ipspec>,<spec>",
        "table=<d5>,eth_type=0x800,nw_proto=6,tcp_dst=NXM_OF_TCP_SRC[],<spec>", ""}},
      {"learnopt",
       {"table=<d7>", "priority=<d16>", "idle_timeout=<d8>", "hard_timeout=<d8>", "cookie=<x64>",
        "send_flow_rem", "delete_learned", "limit=<d8>", "result_dst=reg<r>[<d4>]"}},
      {"spec",
       {"NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[]", "reg<r>=<x32>", "NXM_NX_REG<r>[0..7]=<x8>",
        "NXM_OF_VLAN_TCI[0..11]", "load:<x8>->NXM_NX_REG<r>[8..15]", "output:NXM_OF_IN_PORT[]",
        "load:NXM_NX_REG<r>[]->NXM_NX_REG<r>[]", "load:<x90>->NXM_NX_XXREG0[0..95]",
        "metadata=<x64>", "<sub>=<sub>", "output:reg<r>[0..15]"}},
      {"ipspec", {"NXM_OF_IP_DST[]=NXM_OF_IP_SRC[]", "ip_src=<v4>", "nw_proto=17"}},
      {"ctl",
       {"reason=no_match", "max_len=<d16>", "id=<d16>", "userdata=<hh>.<hh>.<hh>",
        "meter_id=<d8>"}},
      {"hash",
       {"eth_src", "symmetric_l4", "symmetric_l3l4", "symmetric_l3l4+udp", "nw_src",
        "symmetric_l3"}},
      {"mpalg", {"modulo_n", "hash_threshold", "hrw", "iter_hash"}},
      {"balg", {"active_backup", "hrw"}},
      {"wrong",
       {"table=256", "priority=70000", "nosuch=1", "dl_src=1:2:3:4:5", "nw_src=1.2.3", "tun_ttl=5",
        "ct_state=+bogus", "reg0", "nw_ttl=1/3", "reg0[0..40]=1", "ipv6_dst=fd00::/129"}},
      {"wrongact",
       {"bogus", "set_field:1->nosuch", "set_field:1->ct_state", "load:0x1ff->NXM_NX_REG0[0..7]",
        "output:none", "ct(nat(src=10.0.0.9-10.0.0.1))", "conjunction(1,1/1)", "drop",
        "resubmit(,)", "set_field:1->ct_mark", "nat", "encap(x)", "controller(reason=x)",
        "push_vlan:0x800"}},
      {"group",
       {"add group_id=<d16>,type=all,<bucket>",
        "add group_id=<d16>,type=select,<selection><weighted>",
        "group_id=<d8>,type=indirect,bucket=actions=<act>",
        "modify group_id=<d8>,type=select,<weighted>",
        "add "
        "group_id=<d8>,type=ff,bucket=watch_port:1,actions=<act>,bucket=watch_group=<d8>,group:<"
        "d8>",
        "add_or_mod group_id=<d32>,type=all,<bucket>,<bucket>", "delete group_id=all",
        "delete group_id=<d16>", "insert_bucket group_id=<d8>,command_bucket_id=last,<bucket>",
        "remove_bucket group_id=<d8>,command_bucket_id=<d16>", "add group_id=<d8>,type=select",
        "add group_id=<d8>,<bucket>", "add group_id=all,type=ff,<bucket>"}},
      {"selection",
       {"", "selection_method=dp_hash,selection_method_param=<d32>,",
        "selection_method=hash,fields(ip_src,nw_dst=255.255.0.0,tcp_dst,eth_src,reg3=0xff,in_port)"
        ",",
        "selection_method=hash,selection_method_param=<x64>,fields=metadata,"}},
      {"bucket",
       {"bucket=actions=<act>", "bucket=bucket_id:<d8>,actions=<act>,<act>", "bucket=output:<port>",
        "bucket=actions=drop"}},
      {"weighted",
       {"bucket=weight:<d16>,actions=<act>",
        "bucket=<port>,weight=<d8>,bucket=bucket_id=0,resubmit(,<d8>)", "<bucket>,<bucket>"}},
      {"packet",
       {"in_port=<port> packet=<frame> actions=<act>", "packet=<frame>,actions=<act>,<act>",
        "in_port=1,metadata=<x64>,reg<r>=<m32>,packet=<frame> actions=<act>",
        "tun_id=<x24>,packet=<frame> actions=", "in_port=LOCAL actions=<act>", "packet=<hh>.<hh>"}},
      {"frame", {"<hh><hh><hh><hh><hh><hh>0a580a0a00010800<hh><hh>"}},
      {"meter",
       {"meter=<d16>,kbps,bands=type=drop,rate=1<d16>",
        "meter=1<d8> pktps burst stats bands=type=drop,rate=1<d8>,burst_size=1<d8>",
        "meter=2,kbps,band=type=dscp_remark,rate=1<d8>,prec_level=1,type=drop rate=<d8>",
        "meter=controller,pktps,bands=type=drop,rate=<d4>", "meter=3,bands=type=drop,rate=1"}},
  };
  return rules;
}

}  // namespace

const std::vector<std::string_view>& FlowGrammar::choices(std::string_view name) {
  const auto found = grammar().find(name);
  if (found == grammar().end()) throw std::logic_error("no rule " + std::string(name));
  return found->second;
}

std::string FlowGrammar::bits(char kind, unsigned width) {
  const std::uint64_t low = random_() >> (width < 64 ? 64 - width : 0);
  const auto hex = [&](std::uint64_t number) {
    return width > 64 ? fmt::format("{:#x}{:016x}", 1 + (random_() >> (128 - width)), number)
                      : fmt::format("{:#x}", number);
  };
  if (kind == 'd') return std::to_string(low);
  if (kind == 'x' || below(2) == 0) return hex(low);
  const std::uint64_t mask = random_() >> (64 - width);
  return fmt::format("{:#x}/{:#x}", low & mask, mask);
}

std::string FlowGrammar::expand(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t open = text.find('<');
    const std::size_t close = text.find('>', open == std::string_view::npos ? open : open + 1);
    if (open == std::string_view::npos) break;
    out += text.substr(0, open);
    const std::string_view name = text.substr(open + 1, close - open - 1);
    text.remove_prefix(close + 1);
    const bool number = name.size() > 1 && (name[0] == 'd' || name[0] == 'x' || name[0] == 'm') &&
                        name[1] >= '0' && name[1] <= '9';
    if (name == "hh") {
      out += fmt::format("{:02x}", below(256));
    } else if (number) {
      out += bits(name[0], static_cast<unsigned>(std::stoi(std::string(name.substr(1)))));
    } else {
      const auto& rule = choices(name);
      // Deep down the first, shortest choice ends what nests.
      const std::string_view chosen = ++depth_ > 12 ? rule.front() : rule[below(rule.size())];
      out += expand(chosen);
      --depth_;
    }
  }
  return out + std::string(text);
}

}  // namespace antrea::openflow::testing
