#pragma once

#include <string>
#include <string_view>

#include "antrea/openflow/text.h"

// What printing and parsing of flow syntax share.
namespace antrea::openflow::detail {

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

/// A port by name or number.
std::string port_text(std::uint32_t port);
/// As printf's %#x.
std::string hex_text(const FieldValue& value);
/// The value of a field in its format, with the mask unless `exact`.
std::string value_text(FieldId id, const Masked& bits, bool exact);
IpAddress address_of(const FieldValue& value, bool v6);
std::string action_text(const Action& action);

}  // namespace antrea::openflow::detail
