#include "parse_names.h"

#include "field_table.h"
#include "name_table.h"
#include "text_internal.h"

namespace antrea::openflow::detail {
namespace {

using Kind = FlowWord::Kind;

struct NamedWord {
  std::string_view name;
  FlowWord word;
};
constexpr FlowWord protocol(std::uint32_t eth_type, std::uint32_t ip_proto = 0) {
  return {Kind::kProtocol, eth_type | ip_proto << 16};
}
constexpr NamedWord kWords[] = {
    {"ip", protocol(0x0800)},
    {"ipv4", protocol(0x0800)},
    {"ip4", protocol(0x0800)},
    {"arp", protocol(0x0806)},
    {"icmp", protocol(0x0800, 1)},
    {"tcp", protocol(0x0800, 6)},
    {"udp", protocol(0x0800, 17)},
    {"sctp", protocol(0x0800, 132)},
    {"ipv6", protocol(0x86dd)},
    {"ip6", protocol(0x86dd)},
    {"icmp6", protocol(0x86dd, 58)},
    {"tcp6", protocol(0x86dd, 6)},
    {"udp6", protocol(0x86dd, 17)},
    {"sctp6", protocol(0x86dd, 132)},
    {"rarp", protocol(0x8035)},
    {"mpls", protocol(0x8847)},
    {"mplsm", protocol(0x8848)},
    {"eth", {Kind::kEthernet, 0}},
    {"no_readonly_table", {Kind::kIgnoredFlag, 0}},
    {"allow_hidden_fields", {Kind::kIgnoredFlag, 0}},
    {"dl_vlan", {Kind::kDlVlan, 0}},
    {"dl_vlan_pcp", {Kind::kDlPcp, 0}},
    {"tun_ttl", {Kind::kUnsent, 0}},
    {"tun_tos", {Kind::kUnsent, 0}},
    {"skb_priority", {Kind::kUnsent, 0}},
    // As dumps have them.
    {"gtpu_flags", {Kind::kField, static_cast<std::uint32_t>(FieldId::kTunGtpuFlags)}},
    {"gtpu_msgtype", {Kind::kField, static_cast<std::uint32_t>(FieldId::kTunGtpuMsgType)}},
    {"tp_src", {Kind::kField, static_cast<std::uint32_t>(FieldId::kTcpSrc)}},
    {"tp_dst", {Kind::kField, static_cast<std::uint32_t>(FieldId::kTcpDst)}},
    {"table", {Kind::kTable, 0}},
    {"out_port", {Kind::kOutPort, 0}},
    {"out_group", {Kind::kOutGroup, 0}},
    {"priority", {Kind::kPriority, 0}},
    {"idle_timeout", {Kind::kIdleTimeout, 0}},
    {"hard_timeout", {Kind::kHardTimeout, 0}},
    {"importance", {Kind::kImportance, 0}},
    {"cookie", {Kind::kCookie, 0}},
    {"duration", {Kind::kStatistic, 0}},
    {"n_packets", {Kind::kStatistic, 0}},
    {"n_bytes", {Kind::kStatistic, 0}},
    {"idle_age", {Kind::kStatistic, 0}},
    {"hard_age", {Kind::kStatistic, 0}},
};

struct NamedField {
  std::string_view name;
  FieldId id;
};
/// Numbers that are only read have names too.
constexpr NamedField kMoreOxmNames[] = {
    {"NXOXM_ET_DP_HASH", FieldId::kDpHash},
    {"ONFOXM_ET_TCP_FLAGS", FieldId::kTcpFlags},
    {"ONFOXM_ET_ACTSET_OUTPUT", FieldId::kActsetOutput},
};

struct NamedPort {
  std::string_view name;
  std::uint16_t port;
};
constexpr NamedPort kPorts[] = {
    {"in_port", 0xfff8}, {"table", 0xfff9},      {"normal", 0xfffa}, {"flood", 0xfffb},
    {"all", 0xfffc},     {"controller", 0xfffd}, {"local", 0xfffe},  {"any", 0xffff},
    {"none", 0xffff},    {"unset", 0xfff7},
};

using WordTable = NameTable<FlowWord, 1024>;
const WordTable& words() {
  static const WordTable table = [] {
    WordTable words;
    for (const NamedWord& row : kWords) words.add(row.name, row.word);
    for (const FlagName& flag : kFlowFlagNames) words.add(flag.name, {Kind::kFlag, flag.bit});
    for (const FieldInfo& row : kFields) {
      const FlowWord word{Kind::kField, static_cast<std::uint32_t>(row.id)};
      words.add(row.name, word);
      words.add(row.alias, word);
    }
    return words;
  }();
  return table;
}

using OxmTable = NameTable<FieldId, 1024>;
const OxmTable& oxm_names() {
  static const OxmTable table = [] {
    OxmTable names;
    for (const FieldInfo& row : kFields) {
      names.add(row.nxm_name, row.id);
      names.add(row.oxm_name, row.id);
    }
    for (const NamedField& row : kMoreOxmNames) names.add(row.name, row.id);
    return names;
  }();
  return table;
}

}  // namespace

const FlowWord* flow_word(std::string_view name) { return words().find(name); }

std::optional<FieldId> field_by_match_name(std::string_view name) {
  const FlowWord* const word = flow_word(name);
  if (word == nullptr || word->kind != Kind::kField) return {};
  return static_cast<FieldId>(word->number);
}

std::optional<FieldId> field_by_any_name(std::string_view name) {
  if (const FieldId* const id = oxm_names().find(name)) return *id;
  if (name.ends_with("_W"))
    if (const FieldId* const id = oxm_names().find(name.substr(0, name.size() - 2))) return *id;
  return field_by_match_name(name);
}

bool reserved_port(std::string_view name, std::uint16_t& port) {
  for (const NamedPort& row : kPorts) {
    if (!equals_ignoring_case(name, row.name)) continue;
    port = row.port;
    return true;
  }
  return false;
}

}  // namespace antrea::openflow::detail
