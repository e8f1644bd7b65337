#pragma once

#include <fmt/format.h>

#include <iterator>
#include <span>
#include <string>
#include <string_view>

#include "antrea/openflow/text.h"

// What printing and parsing of flow syntax share.
namespace antrea::openflow::detail {

/// What a table can do, and what its configuration has it do (OpenFlow 1.5.1 section 7.3.4.1).
inline constexpr std::uint32_t kTableEviction = 4, kTableVacancyEvents = 8;

struct FlagName {
  std::string_view name;
  std::uint32_t bit;
};
inline constexpr FlagName kCtStateNames[] = {{"new", 1},     {"est", 2},    {"rel", 4},
                                             {"rpl", 8},     {"inv", 0x10}, {"trk", 0x20},
                                             {"snat", 0x40}, {"dnat", 0x80}};
inline constexpr FlagName kTcpFlagNames[] = {{"fin", 1},       {"syn", 2},       {"rst", 4},
                                             {"psh", 8},       {"ack", 0x10},    {"urg", 0x20},
                                             {"ece", 0x40},    {"cwr", 0x80},    {"ns", 0x100},
                                             {"[200]", 0x200}, {"[400]", 0x400}, {"[800]", 0x800}};
inline constexpr FlagName kTunFlagNames[] = {{"oam", 1}};
inline constexpr FlagName kFlowFlagNames[] = {{"send_flow_rem", 1},
                                              {"check_overlap", 2},
                                              {"reset_counts", 4},
                                              {"no_packet_counts", 8},
                                              {"no_byte_counts", 16}};
inline constexpr std::string_view kControllerReasons[] = {"no_match",   "action", "invalid_ttl",
                                                          "action_set", "group",  "packet_out"};
inline constexpr std::string_view kHashFields[] = {
    "eth_src", "symmetric_l4", "symmetric_l3l4", "symmetric_l3l4+udp",
    "nw_src",  "nw_dst",       "symmetric_l3"};
inline constexpr std::string_view kMultipathAlgorithms[] = {"modulo_n", "hash_threshold", "hrw",
                                                            "iter_hash"};
inline constexpr std::string_view kBundleAlgorithms[] = {"active_backup", "hrw"};
inline constexpr std::string_view kGroupTypes[] = {"all", "select", "indirect", "ff"};

// Printers append to `out`.

template <typename... Arguments>
void print(std::string& out, fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Arguments>(arguments)...);
}

/// Digits, much faster than by a format.
void print_number(std::string& out, std::uint64_t value);
/// At least `width` hex digits, without 0x.
void print_hex_digits(std::string& out, std::uint64_t value, unsigned width = 1);
/// A port by name or number.
void print_port(std::string& out, std::uint32_t port);
/// Why a packet goes to the controller; two reasons are Open vSwitch's own and have no text.
void print_packet_in_reason(std::string& out, unsigned reason);
/// As printf's %#x.
void print_hex(std::string& out, const FieldValue& value);
/// Bytes as one number: 0x and digits without leading zeros, "0" for zero.
void print_hex(std::string& out, std::span<const std::byte> bytes);
/// "01.02.ff"
void print_dotted(std::string& out, std::span<const std::byte> bytes);
/// Sixteen bytes a line: offset, hex digits, characters.
void print_hex_dump(std::string& out, std::span<const std::byte> bytes);
/// Bytes that are no printable ASCII characters, and backslash and quote, as \ooo.
void print_quoted(std::string& out, std::span<const std::byte> bytes);
/// "12.345s"
void print_duration(std::string& out, const FlowStatistics::Duration& duration);
/// Names of the bits that have one, the others as one number; "0" for none.
void print_bits(std::string& out, std::uint32_t bits, std::span<const FlagName> names,
                char separator);
/// "+new-est"; "new|trk" if the whole of `full` counts.
void print_flags(std::string& out, const Masked& bits, std::uint64_t full,
                 std::span<const FlagName> names);
/// The value of a field as actions show it, with the mask unless `exact`.
void print_value(std::string& out, FieldId id, const Masked& bits, bool exact);
void print_subfield(std::string& out, const Subfield& subfield);

/// Flow syntax of a match. The priority stands in front unless it is the usual one.
void print_match(std::string& out, const Match& match, std::uint16_t priority = 0x8000);
/// "drop" for none.
void print_actions(std::string& out, const Actions& actions);
void print_instructions(std::string& out, const Instructions& instructions);
/// Each flag with a blank behind it.
void print_flow_flags(std::string& out, std::uint16_t flags);

void print_address(std::string& out, const IpAddress& address);
void print_mac(std::string& out, const MacAddress& mac);
IpAddress address_of(const FieldValue& value, bool v6);

// Bodies of messages, from what stands behind the header's colon on.
void print_body(std::string& out, const FlowMod& mod);
void print_body(std::string& out, const FlowFilter& filter);
void print_body(std::string& out, const FlowStatsReply& reply);
void print_body(std::string& out, const AggregateReply& reply);
void print_body(std::string& out, const FlowRemoved& removed);
void print_body(std::string& out, const NxFlowRemoved& removed);
void print_body(std::string& out, const NxFlowMod& mod);
void print_body(std::string& out, const FlowMonitorRequest& request);
void print_body(std::string& out, const FlowMonitorReply& reply);

void print_group(std::string& out, const Group& group);
void print_body(std::string& out, const GroupMod& mod);
void print_body(std::string& out, const GroupDescReply& reply);
void print_body(std::string& out, const GroupStatsReply& reply);
void print_body(std::string& out, const GroupFeaturesReply& reply);
void print_group_id(std::string& out, GroupId group);

void print_meter(std::string& out, const Meter& meter);
void print_meter_id(std::string& out, MeterId meter, char separator);
void print_body(std::string& out, const MeterMod& mod);
void print_body(std::string& out, const MeterConfigReply& reply);
void print_body(std::string& out, const MeterStatsReply& reply);
void print_body(std::string& out, const MeterFeaturesReply& reply);

void print_body(std::string& out, const PortStatus& status);
void print_body(std::string& out, const PortMod& mod);
void print_body(std::string& out, const PortDescReply& reply);
void print_body(std::string& out, const PortStatsReply& reply);
void print_body(std::string& out, const QueueStatsRequest& request);
void print_body(std::string& out, const QueueDescRequest& request);
void print_body(std::string& out, const QueueStatsReply& reply);
void print_body(std::string& out, const QueueDescReply& reply);

void print_body(std::string& out, const TableMod& mod);
void print_body(std::string& out, const TableStatus& status);
void print_body(std::string& out, const TableDescReply& reply);
void print_body(std::string& out, const TableStatsReply& reply);
void print_table_features(std::string& out, std::span<const TableFeatures> tables);
/// Tables that are like the one before, said in one line when another comes.
class Dittos {
 public:
  void add(std::uint8_t table);
  void finish(std::string& out);

 private:
  int first_ = -1;
  int last_ = -1;
};
/// Names of the actions with the bits of these OpenFlow types; "<none>" for none.
void print_action_names(std::string& out, std::uint32_t types);

/// The flow that a packet is, and its checksum; a newline behind. `packet_type` as in the field.
void print_packet(std::string& out, std::span<const std::byte> packet, std::uint32_t packet_type);
void print_body(std::string& out, const PacketIn& packet);
void print_body(std::string& out, const NxPacketIn& packet);
void print_body(std::string& out, const PacketInProperties& packet);
void print_body(std::string& out, const PacketOut& packet);

}  // namespace antrea::openflow::detail
