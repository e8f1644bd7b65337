#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "antrea/base/export.h"
#include "antrea/openflow/action.h"
#include "antrea/openflow/match.h"
#include "antrea/openflow/property.h"

namespace antrea::openflow {

/// Flow_mod flags, OpenFlow 1.5.1 section 7.3.4.3.
namespace flow_flags {
inline constexpr std::uint16_t kSendFlowRemoved = 1, kCheckOverlap = 2, kResetCounts = 4,
                               kNoPacketCounts = 8, kNoByteCounts = 16;
/// Those that the flow keeps; the others only tell how to add it.
inline constexpr std::uint16_t kKept = kSendFlowRemoved | kNoPacketCounts | kNoByteCounts;
}  // namespace flow_flags

/// The instruction write_metadata.
struct WriteMetadata {
  std::uint64_t value = 0;
  std::uint64_t mask = ~std::uint64_t{0};
  friend bool operator==(const WriteMetadata&, const WriteMetadata&) = default;
};

/// The instructions of a flow, executed in the order of the members.
struct Instructions {
  Actions apply_actions;
  bool clear_actions = false;
  Actions write_actions;
  std::optional<WriteMetadata> write_metadata;
  std::optional<TableId> goto_table;
  bool write_nothing = false;  ///< write_actions(drop): the instruction, without actions

  /// None at all: the packet is dropped.
  bool empty() const {
    return apply_actions.empty() && !clear_actions && write_actions.empty() && !write_metadata &&
           !goto_table && !write_nothing;
  }
  friend bool operator==(const Instructions&, const Instructions&) = default;
};

/// What the switch tells flows apart by.
struct FlowKey {
  TableId table;
  std::uint16_t priority = 0x8000;
  Match match;
  friend auto operator<=>(const FlowKey&, const FlowKey&) = default;
  friend bool operator==(const FlowKey&, const FlowKey&) = default;
};

/// A flow as one wants it. Decoded from a switch's dump it equals the flow that was sent.
struct Flow : Instructions {
  TableId table;
  std::uint16_t priority = 0x8000;
  std::uint64_t cookie = 0;
  Match match;
  std::uint16_t idle_timeout = 0;  ///< seconds without a packet; 0: none
  std::uint16_t hard_timeout = 0;  ///< seconds; 0: none
  std::uint16_t flags = 0;         ///< flow_flags
  std::uint16_t importance = 0;

  FlowKey key() const { return {table, priority, match}; }
  friend bool operator==(const Flow&, const Flow&) = default;
};

enum class FlowCommand : std::uint8_t {
  kAdd = 0,
  kModify = 1,
  kModifyStrict = 2,
  kDelete = 3,
  kDeleteStrict = 4
};

/// OFPT_FLOW_MOD.
struct FlowMod {
  FlowCommand command = FlowCommand::kAdd;
  std::uint64_t cookie_mask =
      0;  ///< modify and delete: only flows whose cookie agrees in these bits
  std::uint32_t buffer_id = 0xffffffff;
  PortNo out_port = kPortAny;     ///< delete: only flows that output to it
  GroupId out_group{0xffffffff};  ///< delete: only flows that use it
  Flow flow;
  friend bool operator==(const FlowMod&, const FlowMod&) = default;
};

/// Statistics of a flow, OpenFlow 1.5.1 section 7.2.4; absent: the switch does not know.
struct FlowStatistics {
  struct Duration {
    std::uint32_t seconds = 0;
    std::uint32_t nanoseconds = 0;
    friend bool operator==(const Duration&, const Duration&) = default;
  };
  std::optional<Duration> duration;
  std::optional<Duration> idle;
  std::optional<std::uint32_t> flows;
  std::optional<std::uint64_t> packets;
  std::optional<std::uint64_t> bytes;
  PropertyOrder order;  ///< of the numbers of OXS fields, where a peer's is not the usual one
  friend bool operator==(const FlowStatistics&, const FlowStatistics&) = default;
};

}  // namespace antrea::openflow

template <>
struct std::hash<antrea::openflow::FlowKey> {
  std::size_t operator()(const antrea::openflow::FlowKey& key) const noexcept {
    return std::hash<antrea::openflow::Match>{}(key.match) * 31 +
           (std::size_t{key.priority} << 8 | key.table.value);
  }
};
