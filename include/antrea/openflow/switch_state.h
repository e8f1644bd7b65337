#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "antrea/openflow/changes.h"
#include "antrea/openflow/codec.h"

namespace antrea::openflow {

/// What tells a flow's match and instructions in bytes of the wire; borrowed. Headers and padding
/// that follow from the rest are left out, as there may be hundreds of thousands of flows.
struct ANTREA_API FlowBytes {
  std::span<const std::byte> fields;        ///< of the match, without header and padding
  std::span<const std::byte> instructions;  ///< or, with `only_actions`, the actions to apply
  bool only_actions = false;                ///< the only instruction is to apply actions

  /// From both as they stand in a message.
  static FlowBytes of(std::span<const std::byte> match, std::span<const std::byte> instructions);
  /// The fields of a match as it stands in a message.
  static std::span<const std::byte> fields_of(std::span<const std::byte> match);
};

/// A flow, with its match and instructions as bytes of the wire, in one allocation; immutable and
/// shared, on one thread.
class ANTREA_API FlowRecord {
 public:
  /// Null for a flow that does not fit into a message.
  static boost::intrusive_ptr<FlowRecord> make(const Flow& flow);
  /// From a dump, with the match as the switch wrote it.
  static boost::intrusive_ptr<FlowRecord> make(const FlowStatsView& view);

  TableId table() const { return table_; }
  std::uint16_t priority() const { return priority_; }
  std::uint64_t cookie() const { return cookie_; }
  std::uint16_t idle_timeout() const { return idle_timeout_; }
  std::uint16_t hard_timeout() const { return hard_timeout_; }
  std::uint16_t flags() const { return flags_; }
  std::uint16_t importance() const { return importance_; }
  /// Of the match, without header and padding.
  std::span<const std::byte> fields() const { return {room(), fields_size_}; }
  FlowBytes bytes() const {
    return {fields(), {room() + fields_size_, instructions_size_}, only_actions_};
  }

  /// The size of the OFPT_FLOW_MOD that does this with the flow.
  std::size_t message_size(FlowCommand command) const;
  /// Appends it. One that deletes has no instructions.
  void append_message(FlowCommand command, std::uint32_t xid, std::vector<std::byte>& out) const;
  Result<Flow> decode() const;
  /// Bytes on the heap.
  std::size_t footprint() const;
  /// "table 10, priority 200, tcp,nw_dst=10.0.0.1": for people.
  std::string describe() const;

 private:
  friend class SwitchState;
  static boost::intrusive_ptr<FlowRecord> make(const Flow& flow, std::vector<std::byte>& scratch);
  friend void intrusive_ptr_add_ref(FlowRecord* record) { ++record->references_; }
  friend void intrusive_ptr_release(FlowRecord* record) {
    if (--record->references_ == 0) destroy(record);
  }
  static boost::intrusive_ptr<FlowRecord> with_bytes(const FlowBytes& bytes);
  /// `facts`: a Flow or FlowStatsView.
  template <typename Facts>
  static boost::intrusive_ptr<FlowRecord> with_facts(const Facts& facts, const FlowBytes& bytes);
  static ANTREA_API void destroy(FlowRecord* record);
  static std::uint32_t hash_key(TableId table, std::uint16_t priority,
                                std::span<const std::byte> fields);
  const std::byte* room() const { return reinterpret_cast<const std::byte*>(this + 1); }
  /// With header and padding.
  std::size_t match_size() const;
  /// Into zeroed room of that size.
  void write_match(std::byte* room) const;

  std::uint64_t cookie_ = 0;
  std::uint32_t references_ = 0;
  std::uint32_t hash_ = 0;  ///< of table, priority and fields
  std::uint16_t fields_size_ = 0, instructions_size_ = 0;
  std::uint16_t priority_ = 0, idle_timeout_ = 0, hard_timeout_ = 0, flags_ = 0, importance_ = 0;
  TableId table_;
  bool only_actions_ : 1 = false;
  std::uint8_t seen_ : 7 = 0;  ///< the readback that found it in the switch
};
static_assert(sizeof(FlowRecord) == 32);
using FlowRecordPtr = boost::intrusive_ptr<FlowRecord>;
using GroupPtr = std::shared_ptr<const Group>;
using MeterPtr = std::shared_ptr<const Meter>;
using TlvMapPtr = std::shared_ptr<const TlvMap>;

/// What became of one flow, group or meter; null: not there.
template <typename Pointer>
struct Step {
  Pointer before;
  Pointer after;
};

/// An exact difference between two contents of a switch: at most one step a key, none without
/// effect.
struct ANTREA_API Delta {
  std::vector<Step<FlowRecordPtr>> flows;
  std::vector<Step<GroupPtr>> groups;
  std::vector<Step<MeterPtr>> meters;
  std::vector<Step<TlvMapPtr>> tlv_maps;

  bool empty() const { return size() == 0; }
  std::size_t size() const {
    return flows.size() + groups.size() + meters.size() + tlv_maps.size();
  }
  /// This and then `later`, as one.
  void append(const Delta& later);
};

/// One message of a plan.
struct PlannedMessage {
  enum class Kind : std::uint8_t {
    kUnmapTlv,
    kMapTlv,
    kSetMeter,
    kAddMeter,
    kSetGroup,
    kInsertBuckets,
    kAddFlow,
    kDeleteFlow,
    kDeleteGroup,
    kDeleteMeter,
  };
  Kind kind = Kind::kAddFlow;
  std::variant<FlowRecordPtr, GroupPtr, MeterPtr, TlvMapPtr> what;  ///< as `kind` says
  std::uint32_t first_bucket = 0;  ///< of the group's buckets, those that this message carries
  std::uint32_t bucket_count = 0;

  const FlowRecordPtr& flow() const { return std::get<FlowRecordPtr>(what); }
  const GroupPtr& group() const { return std::get<GroupPtr>(what); }
  const MeterPtr& meter() const { return std::get<MeterPtr>(what); }
  const TlvMapPtr& tlv_map() const { return std::get<TlvMapPtr>(what); }

  /// Appends it with this xid; inside an OFPT_BUNDLE_ADD_MESSAGE where `bundle` is given.
  ANTREA_API bool encode(std::uint32_t xid, std::optional<std::uint32_t> bundle,
                         std::vector<std::byte>& out) const;
  /// Which thing it is about and what becomes of it: "add flow: table 10, priority 200, ..."
  ANTREA_API std::string describe() const;
  /// The message with 0 for its xid as ovs-ofctl prints it: "OFPT_FLOW_MOD (OF1.5) (xid=0x0): ADD
  /// table:10 priority=200,... actions=...".
  ANTREA_API std::string text() const;
};

/// Messages that take a switch over a delta, in the order it accepts: TLV maps and meters cannot be
/// bundled and come before the flows that use them, and go after; inside the bundle groups come
/// before flows and go after them, and a group comes after those that its buckets name and goes
/// before them.
struct ANTREA_API Plan {
  std::vector<PlannedMessage> before;
  std::vector<PlannedMessage> bundle;
  std::vector<PlannedMessage> after;

  /// Error kInvalidArgument: a bucket or meter that does not fit into a message.
  static Result<Plan> make(Delta delta);
  std::size_t size() const { return before.size() + bundle.size() + after.size(); }
  bool empty() const { return size() == 0; }
  /// Each message in the order of sending.
  template <typename Visitor>
  void for_each(Visitor visit) const {
    for (const auto* part : {&before, &bundle, &after})
      for (const auto& message : *part) visit(message);
  }
};

/// Which contents of the switch are ours to remove.
struct Ownership {
  /// Flows whose cookie agrees with `cookie` in these bits; no bits: all.
  std::uint64_t cookie_mask = 0;
  std::uint64_t cookie = 0;
  /// Leave flows with a timeout that nobody desires: learned ones, which go by themselves.
  bool keep_expiring = true;
  bool groups = true;
  bool meters = true;
  bool tlv_maps = false;
};

/// An engine: what a switch shall hold, keyed as the switch keys it, and how what it does hold
/// differs.
class ANTREA_API SwitchState {
 public:
  explicit SwitchState(Ownership ownership = {}) : ownership_(ownership) {}
  SwitchState(SwitchState&&) = default;
  SwitchState& operator=(SwitchState&&) = default;

  /// Changes what is desired; returns what really changed. Error kInvalidArgument: a flow that does
  /// not fit into a message, or a group of more than 4000 buckets; nothing has changed then.
  Result<Delta> apply(const Changes& changes);
  /// Takes a delta back that `apply` returned, newest first.
  void revert(const Delta& delta);
  /// Takes a flow, group or meter out of what is desired.
  void forget(const PlannedMessage& message);

  /// TLV maps to have, all of them, one an index.
  void desire_tlv_maps(const std::vector<TlvMap>& maps);

  std::size_t flow_count() const { return flows_.size(); }
  std::size_t group_count() const { return groups_.size(); }
  std::size_t meter_count() const { return meters_.size(); }
  /// Bytes on the heap for the flows.
  std::size_t flow_bytes() const;
  std::vector<Flow> flows() const;
  std::vector<Group> groups() const;
  std::vector<Meter> meters() const;

  // Comparing with the switch, in the order begin, see..., finish; `apply` and `revert` wait
  // meanwhile.
  void begin_readback();
  /// One multipart flow reply.
  Result<> see_flows(std::span<const std::byte> wire);
  void see_groups(const std::vector<Group>& groups);
  /// A group that is there, but too large for the switch to tell. `known`: it is as desired.
  void see_large_group(GroupId id, bool known);
  /// The desired group; null if there is none.
  GroupPtr group(GroupId id) const;
  void see_meters(const std::vector<Meter>& meters);
  void see_tlv_maps(const std::vector<TlvMap>& maps);
  /// Whether there can be a difference in what these are about: without, nobody need read them.
  bool minds_groups() const { return ownership_.groups || !groups_.empty(); }
  bool minds_meters() const { return ownership_.meters || !meters_.empty(); }
  bool minds_tlv_maps() const { return ownership_.tlv_maps || !tlv_maps_.empty(); }
  /// From what was seen to what is desired.
  Delta finish_readback();
  /// Flows of the last readback that compared equal only after decoding: a hint that the encoding
  /// is not the switch's.
  std::size_t reencoded() const { return reencoded_; }

 private:
  struct KeyView {
    KeyView(TableId table, std::uint16_t priority, std::span<const std::byte> fields);
    explicit KeyView(const FlowRecordPtr& record)
        : table(record->table()),
          priority(record->priority()),
          hash(record->hash_),
          fields(record->fields()) {}
    TableId table;
    std::uint16_t priority;
    std::uint32_t hash;
    std::span<const std::byte> fields;
  };
  struct KeyHash {
    using is_transparent = void;
    using is_avalanching = void;
    static std::size_t widen(std::uint32_t hash) { return hash * 0x9e3779b97f4a7c15U; }
    std::size_t operator()(const KeyView& key) const { return widen(key.hash); }
    std::size_t operator()(const FlowRecordPtr& record) const { return widen(record->hash_); }
  };
  struct KeyEqual {
    using is_transparent = void;
    bool operator()(const FlowRecordPtr& a, const FlowRecordPtr& b) const;
    bool operator()(const KeyView& a, const FlowRecordPtr& b) const;
    bool operator()(const FlowRecordPtr& a, const KeyView& b) const { return (*this)(b, a); }
  };
  void add_flow(FlowRecordPtr after, Delta& delta);
  void remove_flow(const KeyView& key, Delta& delta);
  void see_flow(const FlowStatsView& view);

  Ownership ownership_;
  boost::unordered_flat_set<FlowRecordPtr, KeyHash, KeyEqual> flows_;
  std::map<GroupId, GroupPtr> groups_;
  std::map<MeterId, MeterPtr> meters_;
  std::map<std::uint16_t, TlvMapPtr> tlv_maps_;

  std::uint8_t readback_ = 0;  ///< as `FlowRecord::seen_`; 0 is none
  std::size_t seen_count_ = 0;
  std::size_t reencoded_ = 0;
  Delta differences_;
  std::vector<GroupId> seen_groups_;
  std::vector<MeterId> seen_meters_;
  std::vector<std::uint16_t> seen_tlv_maps_;
};

}  // namespace antrea::openflow
