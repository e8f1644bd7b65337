#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "antrea/openflow/field.h"

// The words of flow syntax.
namespace antrea::openflow::detail {

/// A word that may stand before "actions=".
struct FlowWord {
  enum class Kind : std::uint8_t {
    kField,     ///< number: FieldId
    kDlVlan,    ///< VLAN ID without the bit for "present"
    kDlPcp,     ///< vlan_pcp under its old name, which is not settable
    kUnsent,    ///< a field without number on the wire
    kProtocol,  ///< number: eth_type, above it ip_proto
    kEthernet,
    kFlag,  ///< number: flow_flags
    kIgnoredFlag,
    kTable,
    kOutPort,
    kOutGroup,
    kPriority,
    kIdleTimeout,
    kHardTimeout,
    kImportance,
    kCookie,
    kStatistic,  ///< printed in dumps, of no effect
  };
  Kind kind{};
  std::uint32_t number = 0;
};

/// Null if it is none.
const FlowWord* flow_word(std::string_view name);
/// A field by the names that stand in matches ("nw_src", "reg0").
std::optional<FieldId> field_by_match_name(std::string_view name);
/// A field by those, or by its NXM or OXM name ("NXM_NX_REG0", "OXM_OF_ETH_SRC").
std::optional<FieldId> field_by_any_name(std::string_view name);
/// Upper or lower case: "LOCAL", "in_port", "NONE"; its 16-bit number.
bool reserved_port(std::string_view name, std::uint16_t& port);

constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
/// `lower` is in lower case.
constexpr bool equals_ignoring_case(std::string_view token, std::string_view lower) {
  if (token.size() != lower.size()) return false;
  for (std::size_t i = 0; i < token.size(); ++i)
    if (to_lower(token[i]) != lower[i]) return false;
  return true;
}

}  // namespace antrea::openflow::detail
