#include <string>

#include "action_codec.h"
#include "field_table.h"
#include "tlv.h"

namespace antrea::openflow {
namespace detail {
namespace {

using P = Prerequisite;
using F = FieldFormat;

constexpr OxmType of(std::uint8_t n) { return {0x0000, n, 0}; }       // NXM_OF
constexpr OxmType nx(std::uint8_t n) { return {0x0001, n, 0}; }       // NXM_NX
constexpr OxmType oxm(std::uint8_t n) { return {0x8000, n, 0}; }      // OpenFlow basic
constexpr OxmType pkt_reg(std::uint8_t n) { return {0x8001, n, 0}; }  // packet registers
constexpr OxmType eric(std::uint8_t n) { return {0x1000, n, 0}; }     // Ericsson
constexpr OxmType nxet(std::uint8_t n) { return {0xffff, n, 0x00002320}; }
constexpr OxmType onf(std::uint8_t n) { return {0xffff, n, 0x4f4e4600}; }
constexpr OxmType nsh(std::uint8_t n) { return {0xffff, n, 0x005ad650}; }

}  // namespace

// clang-format off
// id, name, alias, NXM name, OXM name, bytes, bits, maskable, settable, prerequisite, format, numbers: oxm, nxm, other
constexpr std::array<FieldInfo, kFieldCount> kRows{{
    {FieldId::kPacketType, "packet_type", "", "OXM_OF_PACKET_TYPE", "OXM_OF_PACKET_TYPE", 4, 32, false, false, P::kNone, F::kPacketType, oxm(44), oxm(44), {}},
    {FieldId::kDpHash, "dp_hash", "", "NXM_NX_DP_HASH", "NXM_NX_DP_HASH", 4, 32, true, false, P::kNone, F::kHex, nx(35), nx(35), nxet(0)},
    {FieldId::kRecircId, "recirc_id", "", "NXM_NX_RECIRC_ID", "NXM_NX_RECIRC_ID", 4, 32, false, false, P::kNone, F::kDecimal, nx(36), nx(36), {}},
    {FieldId::kConjId, "conj_id", "", "NXM_NX_CONJ_ID", "NXM_NX_CONJ_ID", 4, 32, false, false, P::kNone, F::kDecimal, nx(37), nx(37), {}},
    {FieldId::kInPortOxm, "in_port_oxm", "", "OXM_OF_IN_PORT", "OXM_OF_IN_PORT", 4, 32, false, true, P::kNone, F::kPort32, oxm(0), oxm(0), {}},
    {FieldId::kInPort, "in_port", "", "NXM_OF_IN_PORT", "NXM_OF_IN_PORT", 2, 16, false, true, P::kNone, F::kPort16, of(0), of(0), {}},
    {FieldId::kActsetOutput, "actset_output", "", "OXM_OF_ACTSET_OUTPUT", "OXM_OF_ACTSET_OUTPUT", 4, 32, false, false, P::kNone, F::kPort32, oxm(43), oxm(43), onf(43)},
    {FieldId::kEthSrc, "eth_src", "dl_src", "NXM_OF_ETH_SRC", "OXM_OF_ETH_SRC", 6, 48, true, true, P::kEthernet, F::kEthernet, oxm(4), of(2), {}},
    {FieldId::kEthDst, "eth_dst", "dl_dst", "NXM_OF_ETH_DST", "OXM_OF_ETH_DST", 6, 48, true, true, P::kEthernet, F::kEthernet, oxm(3), of(1), {}},
    {FieldId::kEthType, "eth_type", "dl_type", "NXM_OF_ETH_TYPE", "OXM_OF_ETH_TYPE", 2, 16, false, false, P::kEthernet, F::kHex, oxm(5), of(3), {}},
    {FieldId::kVlanTci, "vlan_tci", "", "NXM_OF_VLAN_TCI", "NXM_OF_VLAN_TCI", 2, 16, true, true, P::kEthernet, F::kHex, of(4), of(4), {}},
    {FieldId::kVlanVid, "vlan_vid", "", "OXM_OF_VLAN_VID", "OXM_OF_VLAN_VID", 2, 13, true, true, P::kEthernet, F::kDecimal, oxm(6), oxm(6), {}},
    {FieldId::kVlanPcp, "vlan_pcp", "dl_vlan_pcp", "OXM_OF_VLAN_PCP", "OXM_OF_VLAN_PCP", 1, 3, false, true, P::kVlan, F::kDecimal, oxm(7), oxm(7), {}},
    {FieldId::kMplsTc, "mpls_tc", "", "OXM_OF_MPLS_TC", "OXM_OF_MPLS_TC", 1, 3, false, true, P::kMpls, F::kDecimal, oxm(35), oxm(35), {}},
    {FieldId::kMplsBos, "mpls_bos", "", "OXM_OF_MPLS_BOS", "OXM_OF_MPLS_BOS", 1, 1, false, false, P::kMpls, F::kDecimal, oxm(36), oxm(36), {}},
    {FieldId::kMplsTtl, "mpls_ttl", "", "NXM_NX_MPLS_TTL", "NXM_NX_MPLS_TTL", 1, 8, false, true, P::kMpls, F::kDecimal, nx(30), nx(30), {}},
    {FieldId::kMplsLabel, "mpls_label", "", "OXM_OF_MPLS_LABEL", "OXM_OF_MPLS_LABEL", 4, 20, false, true, P::kMpls, F::kDecimal, oxm(34), oxm(34), {}},
    {FieldId::kIpSrc, "ip_src", "nw_src", "NXM_OF_IP_SRC", "OXM_OF_IPV4_SRC", 4, 32, true, true, P::kIpv4, F::kIpv4, oxm(11), of(7), {}},
    {FieldId::kIpDst, "ip_dst", "nw_dst", "NXM_OF_IP_DST", "OXM_OF_IPV4_DST", 4, 32, true, true, P::kIpv4, F::kIpv4, oxm(12), of(8), {}},
    {FieldId::kIpv6Src, "ipv6_src", "", "NXM_NX_IPV6_SRC", "OXM_OF_IPV6_SRC", 16, 128, true, true, P::kIpv6, F::kIpv6, oxm(26), nx(19), {}},
    {FieldId::kIpv6Dst, "ipv6_dst", "", "NXM_NX_IPV6_DST", "OXM_OF_IPV6_DST", 16, 128, true, true, P::kIpv6, F::kIpv6, oxm(27), nx(20), {}},
    {FieldId::kIpFrag, "ip_frag", "nw_frag", "NXM_NX_IP_FRAG", "NXM_NX_IP_FRAG", 1, 2, true, false, P::kIp, F::kFrag, nx(26), nx(26), {}},
    {FieldId::kIpTos, "nw_tos", "", "NXM_OF_IP_TOS", "NXM_OF_IP_TOS", 1, 8, false, true, P::kIp, F::kDecimal, of(5), of(5), {}},
    {FieldId::kIpDscp, "ip_dscp", "", "OXM_OF_IP_DSCP", "OXM_OF_IP_DSCP", 1, 6, false, true, P::kIp, F::kDecimal, oxm(8), oxm(8), {}},
    {FieldId::kIpEcn, "nw_ecn", "ip_ecn", "NXM_NX_IP_ECN", "OXM_OF_IP_ECN", 1, 2, false, true, P::kIp, F::kDecimal, oxm(9), nx(28), {}},
    {FieldId::kIpTtl, "nw_ttl", "", "NXM_NX_IP_TTL", "NXM_NX_IP_TTL", 1, 8, false, true, P::kIp, F::kDecimal, nx(29), nx(29), {}},
    {FieldId::kIpv6Label, "ipv6_label", "", "NXM_NX_IPV6_LABEL", "OXM_OF_IPV6_FLABEL", 4, 20, true, true, P::kIpv6, F::kHex, oxm(28), nx(27), {}},
    {FieldId::kIpProto, "nw_proto", "ip_proto", "NXM_OF_IP_PROTO", "OXM_OF_IP_PROTO", 1, 8, false, false, P::kIp, F::kDecimal, oxm(10), of(6), {}},
    {FieldId::kTcpSrc, "tcp_src", "", "NXM_OF_TCP_SRC", "OXM_OF_TCP_SRC", 2, 16, true, true, P::kTcp, F::kDecimal, oxm(13), of(9), {}},
    {FieldId::kTcpDst, "tcp_dst", "", "NXM_OF_TCP_DST", "OXM_OF_TCP_DST", 2, 16, true, true, P::kTcp, F::kDecimal, oxm(14), of(10), {}},
    {FieldId::kTcpFlags, "tcp_flags", "", "NXM_NX_TCP_FLAGS", "OXM_OF_TCP_FLAGS", 2, 12, true, false, P::kTcp, F::kTcpFlags, oxm(42), nx(34), onf(42)},
    {FieldId::kUdpSrc, "udp_src", "", "NXM_OF_UDP_SRC", "OXM_OF_UDP_SRC", 2, 16, true, true, P::kUdp, F::kDecimal, oxm(15), of(11), {}},
    {FieldId::kUdpDst, "udp_dst", "", "NXM_OF_UDP_DST", "OXM_OF_UDP_DST", 2, 16, true, true, P::kUdp, F::kDecimal, oxm(16), of(12), {}},
    {FieldId::kSctpSrc, "sctp_src", "", "OXM_OF_SCTP_SRC", "OXM_OF_SCTP_SRC", 2, 16, true, true, P::kSctp, F::kDecimal, oxm(17), oxm(17), {}},
    {FieldId::kSctpDst, "sctp_dst", "", "OXM_OF_SCTP_DST", "OXM_OF_SCTP_DST", 2, 16, true, true, P::kSctp, F::kDecimal, oxm(18), oxm(18), {}},
    {FieldId::kIcmpType, "icmp_type", "", "NXM_OF_ICMP_TYPE", "OXM_OF_ICMPV4_TYPE", 1, 8, false, true, P::kIcmpv4, F::kDecimal, oxm(19), of(13), {}},
    {FieldId::kIcmpCode, "icmp_code", "", "NXM_OF_ICMP_CODE", "OXM_OF_ICMPV4_CODE", 1, 8, false, true, P::kIcmpv4, F::kDecimal, oxm(20), of(14), {}},
    {FieldId::kIcmpv6Type, "icmpv6_type", "", "NXM_NX_ICMPV6_TYPE", "OXM_OF_ICMPV6_TYPE", 1, 8, false, true, P::kIcmpv6, F::kDecimal, oxm(29), nx(21), {}},
    {FieldId::kIcmpv6Code, "icmpv6_code", "", "NXM_NX_ICMPV6_CODE", "OXM_OF_ICMPV6_CODE", 1, 8, false, true, P::kIcmpv6, F::kDecimal, oxm(30), nx(22), {}},
    {FieldId::kNdReserved, "nd_reserved", "", "ERICOXM_OF_ICMPV6_ND_RESERVED", "ERICOXM_OF_ICMPV6_ND_RESERVED", 4, 32, false, true, P::kNd, F::kDecimal, eric(1), eric(1), {}},
    {FieldId::kNdTarget, "nd_target", "", "NXM_NX_ND_TARGET", "OXM_OF_IPV6_ND_TARGET", 16, 128, true, true, P::kNd, F::kIpv6, oxm(31), nx(23), {}},
    {FieldId::kNdOptionsType, "nd_options_type", "", "ERICOXM_OF_ICMPV6_ND_OPTIONS_TYPE", "ERICOXM_OF_ICMPV6_ND_OPTIONS_TYPE", 1, 8, false, true, P::kNd, F::kDecimal, eric(2), eric(2), {}},
    {FieldId::kNdSll, "nd_sll", "", "NXM_NX_ND_SLL", "OXM_OF_IPV6_ND_SLL", 6, 48, true, true, P::kNdSolicit, F::kEthernet, oxm(32), nx(24), {}},
    {FieldId::kNdTll, "nd_tll", "", "NXM_NX_ND_TLL", "OXM_OF_IPV6_ND_TLL", 6, 48, true, true, P::kNdAdvert, F::kEthernet, oxm(33), nx(25), {}},
    {FieldId::kArpOp, "arp_op", "", "NXM_OF_ARP_OP", "OXM_OF_ARP_OP", 2, 16, false, true, P::kArp, F::kDecimal, oxm(21), of(15), {}},
    {FieldId::kArpSpa, "arp_spa", "", "NXM_OF_ARP_SPA", "OXM_OF_ARP_SPA", 4, 32, true, true, P::kArp, F::kIpv4, oxm(22), of(16), {}},
    {FieldId::kArpTpa, "arp_tpa", "", "NXM_OF_ARP_TPA", "OXM_OF_ARP_TPA", 4, 32, true, true, P::kArp, F::kIpv4, oxm(23), of(17), {}},
    {FieldId::kArpSha, "arp_sha", "", "NXM_NX_ARP_SHA", "OXM_OF_ARP_SHA", 6, 48, true, true, P::kArp, F::kEthernet, oxm(24), nx(17), {}},
    {FieldId::kArpTha, "arp_tha", "", "NXM_NX_ARP_THA", "OXM_OF_ARP_THA", 6, 48, true, true, P::kArp, F::kEthernet, oxm(25), nx(18), {}},
    {FieldId::kTunId, "tun_id", "tunnel_id", "NXM_NX_TUN_ID", "OXM_OF_TUNNEL_ID", 8, 64, true, true, P::kNone, F::kHex, oxm(38), nx(16), {}},
    {FieldId::kTunFlags, "tun_flags", "", "NXM_NX_TUN_FLAGS", "NXM_NX_TUN_FLAGS", 2, 1, true, true, P::kNone, F::kTunFlags, nx(104), nx(104), {}},
    {FieldId::kTunSrc, "tun_src", "", "NXM_NX_TUN_IPV4_SRC", "NXM_NX_TUN_IPV4_SRC", 4, 32, true, true, P::kNone, F::kIpv4, nx(31), nx(31), {}},
    {FieldId::kTunDst, "tun_dst", "", "NXM_NX_TUN_IPV4_DST", "NXM_NX_TUN_IPV4_DST", 4, 32, true, true, P::kNone, F::kIpv4, nx(32), nx(32), {}},
    {FieldId::kTunIpv6Src, "tun_ipv6_src", "", "NXM_NX_TUN_IPV6_SRC", "NXM_NX_TUN_IPV6_SRC", 16, 128, true, true, P::kNone, F::kIpv6, nx(109), nx(109), {}},
    {FieldId::kTunIpv6Dst, "tun_ipv6_dst", "", "NXM_NX_TUN_IPV6_DST", "NXM_NX_TUN_IPV6_DST", 16, 128, true, true, P::kNone, F::kIpv6, nx(110), nx(110), {}},
    {FieldId::kTunGbpId, "tun_gbp_id", "", "NXM_NX_TUN_GBP_ID", "NXM_NX_TUN_GBP_ID", 2, 16, true, true, P::kNone, F::kDecimal, nx(38), nx(38), {}},
    {FieldId::kTunGbpFlags, "tun_gbp_flags", "", "NXM_NX_TUN_GBP_FLAGS", "NXM_NX_TUN_GBP_FLAGS", 1, 8, true, true, P::kNone, F::kHex, nx(39), nx(39), {}},
    {field_at(FieldId::kTunMetadata0, 0), "tun_metadata0", "", "NXM_NX_TUN_METADATA0", "NXM_NX_TUN_METADATA0", 124, 128, true, true, P::kNone, F::kHex, nx(40), nx(40), {}},
    {field_at(FieldId::kTunMetadata0, 1), "tun_metadata1", "", "NXM_NX_TUN_METADATA1", "NXM_NX_TUN_METADATA1", 124, 128, true, true, P::kNone, F::kHex, nx(41), nx(41), {}},
    {field_at(FieldId::kTunMetadata0, 2), "tun_metadata2", "", "NXM_NX_TUN_METADATA2", "NXM_NX_TUN_METADATA2", 124, 128, true, true, P::kNone, F::kHex, nx(42), nx(42), {}},
    {field_at(FieldId::kTunMetadata0, 3), "tun_metadata3", "", "NXM_NX_TUN_METADATA3", "NXM_NX_TUN_METADATA3", 124, 128, true, true, P::kNone, F::kHex, nx(43), nx(43), {}},
    {field_at(FieldId::kTunMetadata0, 4), "tun_metadata4", "", "NXM_NX_TUN_METADATA4", "NXM_NX_TUN_METADATA4", 124, 128, true, true, P::kNone, F::kHex, nx(44), nx(44), {}},
    {field_at(FieldId::kTunMetadata0, 5), "tun_metadata5", "", "NXM_NX_TUN_METADATA5", "NXM_NX_TUN_METADATA5", 124, 128, true, true, P::kNone, F::kHex, nx(45), nx(45), {}},
    {field_at(FieldId::kTunMetadata0, 6), "tun_metadata6", "", "NXM_NX_TUN_METADATA6", "NXM_NX_TUN_METADATA6", 124, 128, true, true, P::kNone, F::kHex, nx(46), nx(46), {}},
    {field_at(FieldId::kTunMetadata0, 7), "tun_metadata7", "", "NXM_NX_TUN_METADATA7", "NXM_NX_TUN_METADATA7", 124, 128, true, true, P::kNone, F::kHex, nx(47), nx(47), {}},
    {field_at(FieldId::kTunMetadata0, 8), "tun_metadata8", "", "NXM_NX_TUN_METADATA8", "NXM_NX_TUN_METADATA8", 124, 128, true, true, P::kNone, F::kHex, nx(48), nx(48), {}},
    {field_at(FieldId::kTunMetadata0, 9), "tun_metadata9", "", "NXM_NX_TUN_METADATA9", "NXM_NX_TUN_METADATA9", 124, 128, true, true, P::kNone, F::kHex, nx(49), nx(49), {}},
    {field_at(FieldId::kTunMetadata0, 10), "tun_metadata10", "", "NXM_NX_TUN_METADATA10", "NXM_NX_TUN_METADATA10", 124, 128, true, true, P::kNone, F::kHex, nx(50), nx(50), {}},
    {field_at(FieldId::kTunMetadata0, 11), "tun_metadata11", "", "NXM_NX_TUN_METADATA11", "NXM_NX_TUN_METADATA11", 124, 128, true, true, P::kNone, F::kHex, nx(51), nx(51), {}},
    {field_at(FieldId::kTunMetadata0, 12), "tun_metadata12", "", "NXM_NX_TUN_METADATA12", "NXM_NX_TUN_METADATA12", 124, 128, true, true, P::kNone, F::kHex, nx(52), nx(52), {}},
    {field_at(FieldId::kTunMetadata0, 13), "tun_metadata13", "", "NXM_NX_TUN_METADATA13", "NXM_NX_TUN_METADATA13", 124, 128, true, true, P::kNone, F::kHex, nx(53), nx(53), {}},
    {field_at(FieldId::kTunMetadata0, 14), "tun_metadata14", "", "NXM_NX_TUN_METADATA14", "NXM_NX_TUN_METADATA14", 124, 128, true, true, P::kNone, F::kHex, nx(54), nx(54), {}},
    {field_at(FieldId::kTunMetadata0, 15), "tun_metadata15", "", "NXM_NX_TUN_METADATA15", "NXM_NX_TUN_METADATA15", 124, 128, true, true, P::kNone, F::kHex, nx(55), nx(55), {}},
    {field_at(FieldId::kTunMetadata0, 16), "tun_metadata16", "", "NXM_NX_TUN_METADATA16", "NXM_NX_TUN_METADATA16", 124, 128, true, true, P::kNone, F::kHex, nx(56), nx(56), {}},
    {field_at(FieldId::kTunMetadata0, 17), "tun_metadata17", "", "NXM_NX_TUN_METADATA17", "NXM_NX_TUN_METADATA17", 124, 128, true, true, P::kNone, F::kHex, nx(57), nx(57), {}},
    {field_at(FieldId::kTunMetadata0, 18), "tun_metadata18", "", "NXM_NX_TUN_METADATA18", "NXM_NX_TUN_METADATA18", 124, 128, true, true, P::kNone, F::kHex, nx(58), nx(58), {}},
    {field_at(FieldId::kTunMetadata0, 19), "tun_metadata19", "", "NXM_NX_TUN_METADATA19", "NXM_NX_TUN_METADATA19", 124, 128, true, true, P::kNone, F::kHex, nx(59), nx(59), {}},
    {field_at(FieldId::kTunMetadata0, 20), "tun_metadata20", "", "NXM_NX_TUN_METADATA20", "NXM_NX_TUN_METADATA20", 124, 128, true, true, P::kNone, F::kHex, nx(60), nx(60), {}},
    {field_at(FieldId::kTunMetadata0, 21), "tun_metadata21", "", "NXM_NX_TUN_METADATA21", "NXM_NX_TUN_METADATA21", 124, 128, true, true, P::kNone, F::kHex, nx(61), nx(61), {}},
    {field_at(FieldId::kTunMetadata0, 22), "tun_metadata22", "", "NXM_NX_TUN_METADATA22", "NXM_NX_TUN_METADATA22", 124, 128, true, true, P::kNone, F::kHex, nx(62), nx(62), {}},
    {field_at(FieldId::kTunMetadata0, 23), "tun_metadata23", "", "NXM_NX_TUN_METADATA23", "NXM_NX_TUN_METADATA23", 124, 128, true, true, P::kNone, F::kHex, nx(63), nx(63), {}},
    {field_at(FieldId::kTunMetadata0, 24), "tun_metadata24", "", "NXM_NX_TUN_METADATA24", "NXM_NX_TUN_METADATA24", 124, 128, true, true, P::kNone, F::kHex, nx(64), nx(64), {}},
    {field_at(FieldId::kTunMetadata0, 25), "tun_metadata25", "", "NXM_NX_TUN_METADATA25", "NXM_NX_TUN_METADATA25", 124, 128, true, true, P::kNone, F::kHex, nx(65), nx(65), {}},
    {field_at(FieldId::kTunMetadata0, 26), "tun_metadata26", "", "NXM_NX_TUN_METADATA26", "NXM_NX_TUN_METADATA26", 124, 128, true, true, P::kNone, F::kHex, nx(66), nx(66), {}},
    {field_at(FieldId::kTunMetadata0, 27), "tun_metadata27", "", "NXM_NX_TUN_METADATA27", "NXM_NX_TUN_METADATA27", 124, 128, true, true, P::kNone, F::kHex, nx(67), nx(67), {}},
    {field_at(FieldId::kTunMetadata0, 28), "tun_metadata28", "", "NXM_NX_TUN_METADATA28", "NXM_NX_TUN_METADATA28", 124, 128, true, true, P::kNone, F::kHex, nx(68), nx(68), {}},
    {field_at(FieldId::kTunMetadata0, 29), "tun_metadata29", "", "NXM_NX_TUN_METADATA29", "NXM_NX_TUN_METADATA29", 124, 128, true, true, P::kNone, F::kHex, nx(69), nx(69), {}},
    {field_at(FieldId::kTunMetadata0, 30), "tun_metadata30", "", "NXM_NX_TUN_METADATA30", "NXM_NX_TUN_METADATA30", 124, 128, true, true, P::kNone, F::kHex, nx(70), nx(70), {}},
    {field_at(FieldId::kTunMetadata0, 31), "tun_metadata31", "", "NXM_NX_TUN_METADATA31", "NXM_NX_TUN_METADATA31", 124, 128, true, true, P::kNone, F::kHex, nx(71), nx(71), {}},
    {field_at(FieldId::kTunMetadata0, 32), "tun_metadata32", "", "NXM_NX_TUN_METADATA32", "NXM_NX_TUN_METADATA32", 124, 128, true, true, P::kNone, F::kHex, nx(72), nx(72), {}},
    {field_at(FieldId::kTunMetadata0, 33), "tun_metadata33", "", "NXM_NX_TUN_METADATA33", "NXM_NX_TUN_METADATA33", 124, 128, true, true, P::kNone, F::kHex, nx(73), nx(73), {}},
    {field_at(FieldId::kTunMetadata0, 34), "tun_metadata34", "", "NXM_NX_TUN_METADATA34", "NXM_NX_TUN_METADATA34", 124, 128, true, true, P::kNone, F::kHex, nx(74), nx(74), {}},
    {field_at(FieldId::kTunMetadata0, 35), "tun_metadata35", "", "NXM_NX_TUN_METADATA35", "NXM_NX_TUN_METADATA35", 124, 128, true, true, P::kNone, F::kHex, nx(75), nx(75), {}},
    {field_at(FieldId::kTunMetadata0, 36), "tun_metadata36", "", "NXM_NX_TUN_METADATA36", "NXM_NX_TUN_METADATA36", 124, 128, true, true, P::kNone, F::kHex, nx(76), nx(76), {}},
    {field_at(FieldId::kTunMetadata0, 37), "tun_metadata37", "", "NXM_NX_TUN_METADATA37", "NXM_NX_TUN_METADATA37", 124, 128, true, true, P::kNone, F::kHex, nx(77), nx(77), {}},
    {field_at(FieldId::kTunMetadata0, 38), "tun_metadata38", "", "NXM_NX_TUN_METADATA38", "NXM_NX_TUN_METADATA38", 124, 128, true, true, P::kNone, F::kHex, nx(78), nx(78), {}},
    {field_at(FieldId::kTunMetadata0, 39), "tun_metadata39", "", "NXM_NX_TUN_METADATA39", "NXM_NX_TUN_METADATA39", 124, 128, true, true, P::kNone, F::kHex, nx(79), nx(79), {}},
    {field_at(FieldId::kTunMetadata0, 40), "tun_metadata40", "", "NXM_NX_TUN_METADATA40", "NXM_NX_TUN_METADATA40", 124, 128, true, true, P::kNone, F::kHex, nx(80), nx(80), {}},
    {field_at(FieldId::kTunMetadata0, 41), "tun_metadata41", "", "NXM_NX_TUN_METADATA41", "NXM_NX_TUN_METADATA41", 124, 128, true, true, P::kNone, F::kHex, nx(81), nx(81), {}},
    {field_at(FieldId::kTunMetadata0, 42), "tun_metadata42", "", "NXM_NX_TUN_METADATA42", "NXM_NX_TUN_METADATA42", 124, 128, true, true, P::kNone, F::kHex, nx(82), nx(82), {}},
    {field_at(FieldId::kTunMetadata0, 43), "tun_metadata43", "", "NXM_NX_TUN_METADATA43", "NXM_NX_TUN_METADATA43", 124, 128, true, true, P::kNone, F::kHex, nx(83), nx(83), {}},
    {field_at(FieldId::kTunMetadata0, 44), "tun_metadata44", "", "NXM_NX_TUN_METADATA44", "NXM_NX_TUN_METADATA44", 124, 128, true, true, P::kNone, F::kHex, nx(84), nx(84), {}},
    {field_at(FieldId::kTunMetadata0, 45), "tun_metadata45", "", "NXM_NX_TUN_METADATA45", "NXM_NX_TUN_METADATA45", 124, 128, true, true, P::kNone, F::kHex, nx(85), nx(85), {}},
    {field_at(FieldId::kTunMetadata0, 46), "tun_metadata46", "", "NXM_NX_TUN_METADATA46", "NXM_NX_TUN_METADATA46", 124, 128, true, true, P::kNone, F::kHex, nx(86), nx(86), {}},
    {field_at(FieldId::kTunMetadata0, 47), "tun_metadata47", "", "NXM_NX_TUN_METADATA47", "NXM_NX_TUN_METADATA47", 124, 128, true, true, P::kNone, F::kHex, nx(87), nx(87), {}},
    {field_at(FieldId::kTunMetadata0, 48), "tun_metadata48", "", "NXM_NX_TUN_METADATA48", "NXM_NX_TUN_METADATA48", 124, 128, true, true, P::kNone, F::kHex, nx(88), nx(88), {}},
    {field_at(FieldId::kTunMetadata0, 49), "tun_metadata49", "", "NXM_NX_TUN_METADATA49", "NXM_NX_TUN_METADATA49", 124, 128, true, true, P::kNone, F::kHex, nx(89), nx(89), {}},
    {field_at(FieldId::kTunMetadata0, 50), "tun_metadata50", "", "NXM_NX_TUN_METADATA50", "NXM_NX_TUN_METADATA50", 124, 128, true, true, P::kNone, F::kHex, nx(90), nx(90), {}},
    {field_at(FieldId::kTunMetadata0, 51), "tun_metadata51", "", "NXM_NX_TUN_METADATA51", "NXM_NX_TUN_METADATA51", 124, 128, true, true, P::kNone, F::kHex, nx(91), nx(91), {}},
    {field_at(FieldId::kTunMetadata0, 52), "tun_metadata52", "", "NXM_NX_TUN_METADATA52", "NXM_NX_TUN_METADATA52", 124, 128, true, true, P::kNone, F::kHex, nx(92), nx(92), {}},
    {field_at(FieldId::kTunMetadata0, 53), "tun_metadata53", "", "NXM_NX_TUN_METADATA53", "NXM_NX_TUN_METADATA53", 124, 128, true, true, P::kNone, F::kHex, nx(93), nx(93), {}},
    {field_at(FieldId::kTunMetadata0, 54), "tun_metadata54", "", "NXM_NX_TUN_METADATA54", "NXM_NX_TUN_METADATA54", 124, 128, true, true, P::kNone, F::kHex, nx(94), nx(94), {}},
    {field_at(FieldId::kTunMetadata0, 55), "tun_metadata55", "", "NXM_NX_TUN_METADATA55", "NXM_NX_TUN_METADATA55", 124, 128, true, true, P::kNone, F::kHex, nx(95), nx(95), {}},
    {field_at(FieldId::kTunMetadata0, 56), "tun_metadata56", "", "NXM_NX_TUN_METADATA56", "NXM_NX_TUN_METADATA56", 124, 128, true, true, P::kNone, F::kHex, nx(96), nx(96), {}},
    {field_at(FieldId::kTunMetadata0, 57), "tun_metadata57", "", "NXM_NX_TUN_METADATA57", "NXM_NX_TUN_METADATA57", 124, 128, true, true, P::kNone, F::kHex, nx(97), nx(97), {}},
    {field_at(FieldId::kTunMetadata0, 58), "tun_metadata58", "", "NXM_NX_TUN_METADATA58", "NXM_NX_TUN_METADATA58", 124, 128, true, true, P::kNone, F::kHex, nx(98), nx(98), {}},
    {field_at(FieldId::kTunMetadata0, 59), "tun_metadata59", "", "NXM_NX_TUN_METADATA59", "NXM_NX_TUN_METADATA59", 124, 128, true, true, P::kNone, F::kHex, nx(99), nx(99), {}},
    {field_at(FieldId::kTunMetadata0, 60), "tun_metadata60", "", "NXM_NX_TUN_METADATA60", "NXM_NX_TUN_METADATA60", 124, 128, true, true, P::kNone, F::kHex, nx(100), nx(100), {}},
    {field_at(FieldId::kTunMetadata0, 61), "tun_metadata61", "", "NXM_NX_TUN_METADATA61", "NXM_NX_TUN_METADATA61", 124, 128, true, true, P::kNone, F::kHex, nx(101), nx(101), {}},
    {field_at(FieldId::kTunMetadata0, 62), "tun_metadata62", "", "NXM_NX_TUN_METADATA62", "NXM_NX_TUN_METADATA62", 124, 128, true, true, P::kNone, F::kHex, nx(102), nx(102), {}},
    {field_at(FieldId::kTunMetadata0, 63), "tun_metadata63", "", "NXM_NX_TUN_METADATA63", "NXM_NX_TUN_METADATA63", 124, 128, true, true, P::kNone, F::kHex, nx(103), nx(103), {}},
    {FieldId::kTunErspanIdx, "tun_erspan_idx", "", "NXOXM_ET_ERSPAN_IDX", "NXOXM_ET_ERSPAN_IDX", 4, 20, true, true, P::kNone, F::kHex, nxet(11), nxet(11), {}},
    {FieldId::kTunErspanVer, "tun_erspan_ver", "", "NXOXM_ET_ERSPAN_VER", "NXOXM_ET_ERSPAN_VER", 1, 4, true, true, P::kNone, F::kDecimal, nxet(12), nxet(12), {}},
    {FieldId::kTunErspanDir, "tun_erspan_dir", "", "NXOXM_ET_ERSPAN_DIR", "NXOXM_ET_ERSPAN_DIR", 1, 1, true, true, P::kNone, F::kDecimal, nxet(13), nxet(13), {}},
    {FieldId::kTunErspanHwid, "tun_erspan_hwid", "", "NXOXM_ET_ERSPAN_HWID", "NXOXM_ET_ERSPAN_HWID", 1, 6, true, true, P::kNone, F::kHex, nxet(14), nxet(14), {}},
    {FieldId::kTunGtpuFlags, "tun_gtpu_flags", "", "NXOXM_ET_GTPU_FLAGS", "NXOXM_ET_GTPU_FLAGS", 1, 8, true, false, P::kNone, F::kHex, nxet(15), nxet(15), {}},
    {FieldId::kTunGtpuMsgType, "tun_gtpu_msgtype", "", "NXOXM_ET_GTPU_MSGTYPE", "NXOXM_ET_GTPU_MSGTYPE", 1, 8, true, false, P::kNone, F::kDecimal, nxet(16), nxet(16), {}},
    {FieldId::kNshFlags, "nsh_flags", "", "NXOXM_NSH_FLAGS", "NXOXM_NSH_FLAGS", 1, 8, true, true, P::kNsh, F::kDecimal, nsh(1), nsh(1), {}},
    {FieldId::kNshTtl, "nsh_ttl", "", "NXOXM_NSH_TTL", "NXOXM_NSH_TTL", 1, 6, false, true, P::kNsh, F::kDecimal, nsh(10), nsh(10), {}},
    {FieldId::kNshMdtype, "nsh_mdtype", "", "NXOXM_NSH_MDTYPE", "NXOXM_NSH_MDTYPE", 1, 8, false, false, P::kNsh, F::kDecimal, nsh(2), nsh(2), {}},
    {FieldId::kNshNp, "nsh_np", "", "NXOXM_NSH_NP", "NXOXM_NSH_NP", 1, 8, false, false, P::kNsh, F::kDecimal, nsh(3), nsh(3), {}},
    {FieldId::kNshSpi, "nsh_spi", "nsp", "NXOXM_NSH_SPI", "NXOXM_NSH_SPI", 4, 24, false, true, P::kNsh, F::kHex, nsh(4), nsh(4), {}},
    {FieldId::kNshSi, "nsh_si", "nsi", "NXOXM_NSH_SI", "NXOXM_NSH_SI", 1, 8, false, true, P::kNsh, F::kDecimal, nsh(5), nsh(5), {}},
    {FieldId::kNshC1, "nsh_c1", "nshc1", "NXOXM_NSH_C1", "NXOXM_NSH_C1", 4, 32, true, true, P::kNsh, F::kHex, nsh(6), nsh(6), {}},
    {FieldId::kNshC2, "nsh_c2", "nshc2", "NXOXM_NSH_C2", "NXOXM_NSH_C2", 4, 32, true, true, P::kNsh, F::kHex, nsh(7), nsh(7), {}},
    {FieldId::kNshC3, "nsh_c3", "nshc3", "NXOXM_NSH_C3", "NXOXM_NSH_C3", 4, 32, true, true, P::kNsh, F::kHex, nsh(8), nsh(8), {}},
    {FieldId::kNshC4, "nsh_c4", "nshc4", "NXOXM_NSH_C4", "NXOXM_NSH_C4", 4, 32, true, true, P::kNsh, F::kHex, nsh(9), nsh(9), {}},
    {field_at(FieldId::kReg0, 0), "reg0", "", "NXM_NX_REG0", "NXM_NX_REG0", 4, 32, true, true, P::kNone, F::kHex, nx(0), nx(0), {}},
    {field_at(FieldId::kReg0, 1), "reg1", "", "NXM_NX_REG1", "NXM_NX_REG1", 4, 32, true, true, P::kNone, F::kHex, nx(1), nx(1), {}},
    {field_at(FieldId::kReg0, 2), "reg2", "", "NXM_NX_REG2", "NXM_NX_REG2", 4, 32, true, true, P::kNone, F::kHex, nx(2), nx(2), {}},
    {field_at(FieldId::kReg0, 3), "reg3", "", "NXM_NX_REG3", "NXM_NX_REG3", 4, 32, true, true, P::kNone, F::kHex, nx(3), nx(3), {}},
    {field_at(FieldId::kReg0, 4), "reg4", "", "NXM_NX_REG4", "NXM_NX_REG4", 4, 32, true, true, P::kNone, F::kHex, nx(4), nx(4), {}},
    {field_at(FieldId::kReg0, 5), "reg5", "", "NXM_NX_REG5", "NXM_NX_REG5", 4, 32, true, true, P::kNone, F::kHex, nx(5), nx(5), {}},
    {field_at(FieldId::kReg0, 6), "reg6", "", "NXM_NX_REG6", "NXM_NX_REG6", 4, 32, true, true, P::kNone, F::kHex, nx(6), nx(6), {}},
    {field_at(FieldId::kReg0, 7), "reg7", "", "NXM_NX_REG7", "NXM_NX_REG7", 4, 32, true, true, P::kNone, F::kHex, nx(7), nx(7), {}},
    {field_at(FieldId::kReg0, 8), "reg8", "", "NXM_NX_REG8", "NXM_NX_REG8", 4, 32, true, true, P::kNone, F::kHex, nx(8), nx(8), {}},
    {field_at(FieldId::kReg0, 9), "reg9", "", "NXM_NX_REG9", "NXM_NX_REG9", 4, 32, true, true, P::kNone, F::kHex, nx(9), nx(9), {}},
    {field_at(FieldId::kReg0, 10), "reg10", "", "NXM_NX_REG10", "NXM_NX_REG10", 4, 32, true, true, P::kNone, F::kHex, nx(10), nx(10), {}},
    {field_at(FieldId::kReg0, 11), "reg11", "", "NXM_NX_REG11", "NXM_NX_REG11", 4, 32, true, true, P::kNone, F::kHex, nx(11), nx(11), {}},
    {field_at(FieldId::kReg0, 12), "reg12", "", "NXM_NX_REG12", "NXM_NX_REG12", 4, 32, true, true, P::kNone, F::kHex, nx(12), nx(12), {}},
    {field_at(FieldId::kReg0, 13), "reg13", "", "NXM_NX_REG13", "NXM_NX_REG13", 4, 32, true, true, P::kNone, F::kHex, nx(13), nx(13), {}},
    {field_at(FieldId::kReg0, 14), "reg14", "", "NXM_NX_REG14", "NXM_NX_REG14", 4, 32, true, true, P::kNone, F::kHex, nx(14), nx(14), {}},
    {field_at(FieldId::kReg0, 15), "reg15", "", "NXM_NX_REG15", "NXM_NX_REG15", 4, 32, true, true, P::kNone, F::kHex, nx(15), nx(15), {}},
    {field_at(FieldId::kReg0, 16), "reg16", "", "NXOXM_ET_REG16", "NXOXM_ET_REG16", 4, 32, true, true, P::kNone, F::kHex, nxet(17), nxet(17), {}},
    {field_at(FieldId::kReg0, 17), "reg17", "", "NXOXM_ET_REG17", "NXOXM_ET_REG17", 4, 32, true, true, P::kNone, F::kHex, nxet(18), nxet(18), {}},
    {field_at(FieldId::kReg0, 18), "reg18", "", "NXOXM_ET_REG18", "NXOXM_ET_REG18", 4, 32, true, true, P::kNone, F::kHex, nxet(19), nxet(19), {}},
    {field_at(FieldId::kReg0, 19), "reg19", "", "NXOXM_ET_REG19", "NXOXM_ET_REG19", 4, 32, true, true, P::kNone, F::kHex, nxet(20), nxet(20), {}},
    {field_at(FieldId::kReg0, 20), "reg20", "", "NXOXM_ET_REG20", "NXOXM_ET_REG20", 4, 32, true, true, P::kNone, F::kHex, nxet(21), nxet(21), {}},
    {field_at(FieldId::kReg0, 21), "reg21", "", "NXOXM_ET_REG21", "NXOXM_ET_REG21", 4, 32, true, true, P::kNone, F::kHex, nxet(22), nxet(22), {}},
    {field_at(FieldId::kReg0, 22), "reg22", "", "NXOXM_ET_REG22", "NXOXM_ET_REG22", 4, 32, true, true, P::kNone, F::kHex, nxet(23), nxet(23), {}},
    {field_at(FieldId::kReg0, 23), "reg23", "", "NXOXM_ET_REG23", "NXOXM_ET_REG23", 4, 32, true, true, P::kNone, F::kHex, nxet(24), nxet(24), {}},
    {field_at(FieldId::kReg0, 24), "reg24", "", "NXOXM_ET_REG24", "NXOXM_ET_REG24", 4, 32, true, true, P::kNone, F::kHex, nxet(25), nxet(25), {}},
    {field_at(FieldId::kReg0, 25), "reg25", "", "NXOXM_ET_REG25", "NXOXM_ET_REG25", 4, 32, true, true, P::kNone, F::kHex, nxet(26), nxet(26), {}},
    {field_at(FieldId::kReg0, 26), "reg26", "", "NXOXM_ET_REG26", "NXOXM_ET_REG26", 4, 32, true, true, P::kNone, F::kHex, nxet(27), nxet(27), {}},
    {field_at(FieldId::kReg0, 27), "reg27", "", "NXOXM_ET_REG27", "NXOXM_ET_REG27", 4, 32, true, true, P::kNone, F::kHex, nxet(28), nxet(28), {}},
    {field_at(FieldId::kReg0, 28), "reg28", "", "NXOXM_ET_REG28", "NXOXM_ET_REG28", 4, 32, true, true, P::kNone, F::kHex, nxet(29), nxet(29), {}},
    {field_at(FieldId::kReg0, 29), "reg29", "", "NXOXM_ET_REG29", "NXOXM_ET_REG29", 4, 32, true, true, P::kNone, F::kHex, nxet(30), nxet(30), {}},
    {field_at(FieldId::kReg0, 30), "reg30", "", "NXOXM_ET_REG30", "NXOXM_ET_REG30", 4, 32, true, true, P::kNone, F::kHex, nxet(31), nxet(31), {}},
    {field_at(FieldId::kReg0, 31), "reg31", "", "NXOXM_ET_REG31", "NXOXM_ET_REG31", 4, 32, true, true, P::kNone, F::kHex, nxet(32), nxet(32), {}},
    {field_at(FieldId::kXreg0, 0), "xreg0", "", "OXM_OF_PKT_REG0", "OXM_OF_PKT_REG0", 8, 64, true, true, P::kNone, F::kHex, pkt_reg(0), pkt_reg(0), {}},
    {field_at(FieldId::kXreg0, 1), "xreg1", "", "OXM_OF_PKT_REG1", "OXM_OF_PKT_REG1", 8, 64, true, true, P::kNone, F::kHex, pkt_reg(1), pkt_reg(1), {}},
    {field_at(FieldId::kXreg0, 2), "xreg2", "", "OXM_OF_PKT_REG2", "OXM_OF_PKT_REG2", 8, 64, true, true, P::kNone, F::kHex, pkt_reg(2), pkt_reg(2), {}},
    {field_at(FieldId::kXreg0, 3), "xreg3", "", "OXM_OF_PKT_REG3", "OXM_OF_PKT_REG3", 8, 64, true, true, P::kNone, F::kHex, pkt_reg(3), pkt_reg(3), {}},
    {field_at(FieldId::kXreg0, 4), "xreg4", "", "OXM_OF_PKT_REG4", "OXM_OF_PKT_REG4", 8, 64, true, true, P::kNone, F::kHex, pkt_reg(4), pkt_reg(4), {}},
    {field_at(FieldId::kXreg0, 5), "xreg5", "", "OXM_OF_PKT_REG5", "OXM_OF_PKT_REG5", 8, 64, true, true, P::kNone, F::kHex, pkt_reg(5), pkt_reg(5), {}},
    {field_at(FieldId::kXreg0, 6), "xreg6", "", "OXM_OF_PKT_REG6", "OXM_OF_PKT_REG6", 8, 64, true, true, P::kNone, F::kHex, pkt_reg(6), pkt_reg(6), {}},
    {field_at(FieldId::kXreg0, 7), "xreg7", "", "OXM_OF_PKT_REG7", "OXM_OF_PKT_REG7", 8, 64, true, true, P::kNone, F::kHex, pkt_reg(7), pkt_reg(7), {}},
    {field_at(FieldId::kXreg0, 8), "xreg8", "", "OXM_OF_PKT_REG8", "OXM_OF_PKT_REG8", 8, 64, true, true, P::kNone, F::kHex, pkt_reg(8), pkt_reg(8), {}},
    {field_at(FieldId::kXreg0, 9), "xreg9", "", "OXM_OF_PKT_REG9", "OXM_OF_PKT_REG9", 8, 64, true, true, P::kNone, F::kHex, pkt_reg(9), pkt_reg(9), {}},
    {field_at(FieldId::kXreg0, 10), "xreg10", "", "OXM_OF_PKT_REG10", "OXM_OF_PKT_REG10", 8, 64, true, true, P::kNone, F::kHex, pkt_reg(10), pkt_reg(10), {}},
    {field_at(FieldId::kXreg0, 11), "xreg11", "", "OXM_OF_PKT_REG11", "OXM_OF_PKT_REG11", 8, 64, true, true, P::kNone, F::kHex, pkt_reg(11), pkt_reg(11), {}},
    {field_at(FieldId::kXreg0, 12), "xreg12", "", "OXM_OF_PKT_REG12", "OXM_OF_PKT_REG12", 8, 64, true, true, P::kNone, F::kHex, pkt_reg(12), pkt_reg(12), {}},
    {field_at(FieldId::kXreg0, 13), "xreg13", "", "OXM_OF_PKT_REG13", "OXM_OF_PKT_REG13", 8, 64, true, true, P::kNone, F::kHex, pkt_reg(13), pkt_reg(13), {}},
    {field_at(FieldId::kXreg0, 14), "xreg14", "", "OXM_OF_PKT_REG14", "OXM_OF_PKT_REG14", 8, 64, true, true, P::kNone, F::kHex, pkt_reg(14), pkt_reg(14), {}},
    {field_at(FieldId::kXreg0, 15), "xreg15", "", "OXM_OF_PKT_REG15", "OXM_OF_PKT_REG15", 8, 64, true, true, P::kNone, F::kHex, pkt_reg(15), pkt_reg(15), {}},
    {field_at(FieldId::kXxreg0, 0), "xxreg0", "", "NXM_NX_XXREG0", "NXM_NX_XXREG0", 16, 128, true, true, P::kNone, F::kHex, nx(111), nx(111), {}},
    {field_at(FieldId::kXxreg0, 1), "xxreg1", "", "NXM_NX_XXREG1", "NXM_NX_XXREG1", 16, 128, true, true, P::kNone, F::kHex, nx(112), nx(112), {}},
    {field_at(FieldId::kXxreg0, 2), "xxreg2", "", "NXM_NX_XXREG2", "NXM_NX_XXREG2", 16, 128, true, true, P::kNone, F::kHex, nx(113), nx(113), {}},
    {field_at(FieldId::kXxreg0, 3), "xxreg3", "", "NXM_NX_XXREG3", "NXM_NX_XXREG3", 16, 128, true, true, P::kNone, F::kHex, nx(114), nx(114), {}},
    {field_at(FieldId::kXxreg0, 4), "xxreg4", "", "NXOXM_ET_XXREG4", "NXOXM_ET_XXREG4", 16, 128, true, true, P::kNone, F::kHex, nxet(33), nxet(33), {}},
    {field_at(FieldId::kXxreg0, 5), "xxreg5", "", "NXOXM_ET_XXREG5", "NXOXM_ET_XXREG5", 16, 128, true, true, P::kNone, F::kHex, nxet(34), nxet(34), {}},
    {field_at(FieldId::kXxreg0, 6), "xxreg6", "", "NXOXM_ET_XXREG6", "NXOXM_ET_XXREG6", 16, 128, true, true, P::kNone, F::kHex, nxet(35), nxet(35), {}},
    {field_at(FieldId::kXxreg0, 7), "xxreg7", "", "NXOXM_ET_XXREG7", "NXOXM_ET_XXREG7", 16, 128, true, true, P::kNone, F::kHex, nxet(36), nxet(36), {}},
    {FieldId::kPktMark, "pkt_mark", "", "NXM_NX_PKT_MARK", "NXM_NX_PKT_MARK", 4, 32, true, true, P::kNone, F::kHex, nx(33), nx(33), {}},
    {FieldId::kCtState, "ct_state", "", "NXM_NX_CT_STATE", "NXM_NX_CT_STATE", 4, 32, true, false, P::kNone, F::kCtState, nx(105), nx(105), {}},
    {FieldId::kCtZone, "ct_zone", "", "NXM_NX_CT_ZONE", "NXM_NX_CT_ZONE", 2, 16, false, false, P::kNone, F::kHex, nx(106), nx(106), {}},
    {FieldId::kCtMark, "ct_mark", "", "NXM_NX_CT_MARK", "NXM_NX_CT_MARK", 4, 32, true, true, P::kNone, F::kHex, nx(107), nx(107), {}},
    {FieldId::kCtLabel, "ct_label", "", "NXM_NX_CT_LABEL", "NXM_NX_CT_LABEL", 16, 128, true, true, P::kNone, F::kHex, nx(108), nx(108), {}},
    {FieldId::kCtNwSrc, "ct_nw_src", "", "NXM_NX_CT_NW_SRC", "NXM_NX_CT_NW_SRC", 4, 32, true, false, P::kCt, F::kIpv4, nx(120), nx(120), {}},
    {FieldId::kCtNwDst, "ct_nw_dst", "", "NXM_NX_CT_NW_DST", "NXM_NX_CT_NW_DST", 4, 32, true, false, P::kCt, F::kIpv4, nx(121), nx(121), {}},
    {FieldId::kCtIpv6Src, "ct_ipv6_src", "", "NXM_NX_CT_IPV6_SRC", "NXM_NX_CT_IPV6_SRC", 16, 128, true, false, P::kCt, F::kIpv6, nx(122), nx(122), {}},
    {FieldId::kCtIpv6Dst, "ct_ipv6_dst", "", "NXM_NX_CT_IPV6_DST", "NXM_NX_CT_IPV6_DST", 16, 128, true, false, P::kCt, F::kIpv6, nx(123), nx(123), {}},
    {FieldId::kCtNwProto, "ct_nw_proto", "", "NXM_NX_CT_NW_PROTO", "NXM_NX_CT_NW_PROTO", 1, 8, false, false, P::kCt, F::kDecimal, nx(119), nx(119), {}},
    {FieldId::kCtTpSrc, "ct_tp_src", "", "NXM_NX_CT_TP_SRC", "NXM_NX_CT_TP_SRC", 2, 16, true, false, P::kCt, F::kDecimal, nx(124), nx(124), {}},
    {FieldId::kCtTpDst, "ct_tp_dst", "", "NXM_NX_CT_TP_DST", "NXM_NX_CT_TP_DST", 2, 16, true, false, P::kCt, F::kDecimal, nx(125), nx(125), {}},
    {FieldId::kMetadata, "metadata", "", "OXM_OF_METADATA", "OXM_OF_METADATA", 8, 64, true, true, P::kNone, F::kHex, oxm(2), oxm(2), {}},
}};
// clang-format on
static_assert(
    [] {
      for (std::size_t i = 0; i < kRows.size(); ++i)
        if (static_cast<std::size_t>(kRows[i].id) != i) return false;
      return true;
    }(),
    "rows stand in the order of FieldId");

constexpr std::array<FieldInfo, kFieldCount> kFields = kRows;

constexpr std::array<std::array<std::uint8_t, 128>, kSpaceCount> kFieldByNumber = [] {
  std::array<std::array<std::uint8_t, 128>, kSpaceCount> table{};
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    const auto add = [&](const OxmType& type) {
      table[static_cast<std::size_t>(oxm_space(type.oxm_class, type.experimenter))][type.field] =
          static_cast<std::uint8_t>(i + 1);
    };
    add(kRows[i].oxm);
    add(kRows[i].nxm);
    if (kRows[i].other.valid()) add(kRows[i].other);
  }
  return table;
}();

namespace {

constexpr bool one_of(FieldId id, auto... ids) { return ((id == ids) || ...); }

}  // namespace

constexpr std::array<TlvShape, kFieldCount> kTlvShapes = [] {
  using enum FieldId;
  std::array<TlvShape, kFieldCount> shapes{};
  for (const FieldInfo& row : kRows) {
    const FieldId id = row.id;
    TlvShape& shape = shapes[static_cast<std::size_t>(id)];
    const bool experimenter = row.oxm.oxm_class == 0xffff;
    const auto byte = [](auto number, unsigned shift) {
      return static_cast<std::uint8_t>(number >> shift);
    };
    shape.header = {byte(row.oxm.oxm_class, 8),     byte(row.oxm.oxm_class, 0),
                    byte(row.oxm.field << 1, 0),    row.bytes,
                    byte(row.oxm.experimenter, 24), byte(row.oxm.experimenter, 16),
                    byte(row.oxm.experimenter, 8),  byte(row.oxm.experimenter, 0)};
    shape.header_size = experimenter ? 8 : 4;
    shape.bytes = row.bytes;
    shape.always_masked = one_of(id, kTunFlags, kTunErspanVer, kTunErspanDir, kTunErspanHwid);
    shape.usual = !experimenter && (row.bytes <= 8 || row.bytes == 16) && !shape.always_masked &&
                  !is_tun_metadata(id) &&
                  !one_of(id, kTunErspanIdx, kActsetOutput, kArpOp, kIpTos, kNshMdtype, kVlanPcp);
    shape.in_match = !is_tun_metadata(id) && !is_in(id, kReg0, kReg31) &&
                     !is_in(id, kXxreg0, kXxreg7) &&
                     !one_of(id, kVlanTci, kInPort, kIpTos, kVlanPcp);
    shape.full = FieldValue::ones(id == kTunErspanIdx ? 8U * row.bytes : row.bits);
  }
  return shapes;
}();

constexpr std::array<UsualRow, kUsualRows> kUsual = [] {
  using enum FieldId;
  std::array<UsualRow, kUsualRows> rows{};
  for (const FieldInfo& field : kRows) {
    const FieldId id = field.id;
    const TlvShape& shape = kTlvShapes[static_cast<std::size_t>(id)];
    if (!shape.usual) continue;
    for (const OxmType& type : {field.oxm, field.nxm, field.other})
      for (const bool masked : {false, true}) {
        if (!type.valid() || (type.oxm_class & 0x7ffe) != 0 || (masked && !field.maskable))
          continue;
        const auto length = static_cast<std::uint8_t>((masked ? 2 : 1) * field.bytes);
        const std::uint32_t header = std::uint32_t{length} << 24 |
                                     (std::uint32_t{type.field} << 1 | (masked ? 1U : 0U)) << 16 |
                                     (type.oxm_class & 0xffU) << 8 |
                                     std::uint32_t{type.oxm_class} >> 8;
        UsualRow& row = rows[usual_row(header)];
        row.header = header;
        row.length = length;
        row.id = id;
        row.bytes = field.bytes;
        row.prerequisite = field.prerequisite;
        const auto trait = [&](bool has, UsualRow::Trait which) {
          if (has) row.traits |= which;
        };
        trait(masked, UsualRow::kMasked);
        trait(id == kInPortOxm, UsualRow::kPort);
        trait(field.bytes > 8, UsualRow::kWide);
        trait(one_of(id, kPacketType, kEthType, kVlanTci, kVlanVid, kIpProto, kIpFrag, kIcmpv6Type,
                     kIcmpv6Code, kCtState, kCtNwSrc, kCtNwDst, kCtIpv6Src, kCtIpv6Dst),
              UsualRow::kTells);
        trait(field.bits != 8U * field.bytes, UsualRow::kPartial);
        if (shape.in_match) row.order = static_cast<std::uint16_t>(static_cast<unsigned>(id) + 1);
        if (field.settable && !one_of(id, kInPortOxm, kVlanVid))
          row.set_field = std::uint32_t{action_type::kSetField} << 16 | (8U + length + 7) / 8 * 8;
        row.low = FieldValue::ones(8U * field.bytes).lo;
        row.valid = id == kCtState ? 0xff : shape.full.lo;
      }
  }
  return rows;
}();
static_assert(kUsual[usual_row(UsualRow::kNone)].header != UsualRow::kNone);

}  // namespace detail

const FieldInfo& field_info(FieldId id) { return detail::info(id); }

std::optional<FieldId> field_by_oxm(const OxmType& type) {
  const int space = detail::oxm_space(type.oxm_class, type.experimenter);
  if (space < 0 || type.field >= 128) return {};
  const auto found = detail::kFieldByNumber[static_cast<std::size_t>(space)][type.field];
  if (found == 0) return {};
  return static_cast<FieldId>(found - 1);
}

std::optional<FieldId> field_by_name(std::string_view name) {
  if (name.empty()) return {};
  for (const FieldInfo& row : detail::kFields)
    if (name == row.name || name == row.alias || name == row.nxm_name || name == row.oxm_name)
      return row.id;
  return {};
}

Subfield::Subfield(FieldId whole) : field(whole), bits(detail::info(whole).bits) {}

}  // namespace antrea::openflow
