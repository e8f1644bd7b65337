#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "antrea/openflow/match.h"
#include "parse_field.h"
#include "parse_names.h"

// Matches in the making.
namespace antrea::openflow::detail {

/// What actions may rely on: the packet as the match, and the actions so far, leave it.
struct Premises {
  std::uint32_t packet_type = 0;
  std::uint16_t eth_type = 0;
  std::uint8_t ip_proto = 0;
  bool later_fragment = false;
  std::uint16_t tp_src = 0;  ///< or ICMP type
  std::uint16_t tp_dst = 0;  ///< or ICMP code
  std::array<bool, 2> tagged{};
  Masked ct_state;

  /// eth_type, also if the packet type tells it; 0 if it is no Ethernet packet otherwise.
  std::uint16_t protocol() const;
  bool ip() const;
  bool meets(FieldId id) const;
  /// Takes over that `bits` of the field are matched.
  void learn(FieldId id, const Masked& bits);
  void push_tag() { tagged = {true, tagged[0]}; }
  void pop_tag() { tagged = {tagged[1], false}; }
};

/// Collects the fields of a match in any order. Fields that are kept in the same place of a packet
/// share one entry (tcp_src, udp_src, icmp_type), and only those whose prerequisites are matched
/// come out, as Open vSwitch's tools have it.
class MatchBuilder {
 public:
  MatchBuilder() {}  // NOLINT: entries count only where `present_` says so

  void add_protocol(std::uint16_t eth_type, std::uint8_t ip_proto);
  void add_ethernet();
  /// `bits` as `read_field_value` gives them. False, with the fault, for tun_metadata that stands
  /// twice.
  bool add(Source& source, FieldId id, std::string_view token, const Masked& bits);
  /// A tun_metadata whose value is as `is_wide_value` tells.
  bool add_wide(Source& source, FieldId id, std::string_view token, std::string_view value);
  void add_dl_vlan(const Masked& bits);
  /// More bits of a field, of which others may be matched already.
  bool add(Source& source, const Subfield& part, std::string_view token, const FieldValue& value);

  Premises premises() const;
  Match finish() const;

 private:
  bool has(FieldId slot) const {
    const auto bit = static_cast<std::size_t>(slot);
    return (present_[bit / 64] >> bit % 64 & 1) != 0;
  }
  Masked get(FieldId slot) const {
    return has(slot) ? values_[static_cast<std::size_t>(slot)] : Masked{};
  }
  /// Tun_metadata counts even where no bit of it does.
  void put(FieldId slot, const Masked& bits) {
    const auto bit = static_cast<std::size_t>(slot);
    if (bits.mask.zero() && !is_tun_metadata(slot)) {
      present_[bit / 64] &= ~(std::uint64_t{1} << bit % 64);
      return;
    }
    present_[bit / 64] |= std::uint64_t{1} << bit % 64;
    values_[bit] = {bits.value & bits.mask, bits.mask};
  }
  bool put_tun_metadata(Source& source, FieldId id, std::string_view token, const Masked& bits);
  void put_register(FieldId slot, const Masked& bits, unsigned shift, const FieldValue& part);
  void put_vlan(FieldId id, const Masked& bits);
  void imply_ethernet(FieldId id);
  Masked current(FieldId id) const;

  std::array<std::uint64_t, (kFieldCount + 63) / 64> present_{};
  union {
    std::array<Masked, kFieldCount> values_;
  };
  std::vector<std::pair<FieldId, WideBits>> wide_;  ///< of those that `values_` cannot hold
};

}  // namespace antrea::openflow::detail
