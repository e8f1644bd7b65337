#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "antrea/openflow/changes.h"

namespace antrea::policy::testing {

/// The fields of one packet, by their OpenFlow numbers. A field that the packet does not have
/// matches nothing.
class Packet {
 public:
  void set(openflow::FieldId id, const openflow::FieldValue& value);
  std::optional<openflow::FieldValue> get(openflow::FieldId id) const;

 private:
  std::map<openflow::FieldId, openflow::FieldValue> fields_;
  std::array<std::uint32_t, 16> registers_{};
};

/// Flows as a switch keeps them, and how Open vSwitch looks them up (ovs-fields(7), "Conjunctive
/// Match Fields"). Knows what policy flows use: matches, conjunction, set_field, ct(commit),
/// controller and goto_table.
class FlowTable {
 public:
  /// Complains when something is removed that is not there, or sent that is there already.
  void apply(const openflow::Changes& changes);

  struct Outcome {
    std::uint8_t table = 0;  ///< where the packet left the policy tables
    bool dropped = false;
    std::vector<openflow::FlowKey> path;
    /// Copies to the controller, each with what the packet was then.
    struct Copy {
      std::vector<std::uint8_t> userdata;
      bool pause = false;
      Packet packet;
    };
    std::vector<Copy> copies;
  };
  /// Sends the packet into `table`; without a flow it goes on to the next one of `order`. It leaves
  /// when it reaches a table that is not in `order`.
  Outcome run(Packet& packet, const std::vector<std::uint8_t>& order, std::uint8_t exit) const;

  const std::map<openflow::FlowKey, openflow::Flow>& flows() const { return flows_; }
  friend bool operator==(const FlowTable& a, const FlowTable& b) { return a.flows_ == b.flows_; }

 private:
  const openflow::Flow* look_up(std::uint8_t table, Packet& packet) const;

  std::map<openflow::FlowKey, openflow::Flow> flows_;
};

}  // namespace antrea::policy::testing
