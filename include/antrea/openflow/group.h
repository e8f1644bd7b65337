#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "antrea/openflow/action.h"
#include "antrea/openflow/property.h"

namespace antrea::openflow {

inline constexpr GroupId kMaxGroup{0xffffff00};
inline constexpr GroupId kAllGroups{0xfffffffc};
inline constexpr GroupId kAnyGroup{0xffffffff};

/// Bucket ids of insert and remove.
inline constexpr std::uint32_t kBucketFirst = 0xfffffffd, kBucketLast = 0xfffffffe,
                               kBucketAll = 0xffffffff;

enum class GroupType : std::uint8_t { kAll = 0, kSelect = 1, kIndirect = 2, kFastFailover = 3 };

struct Bucket {
  std::uint32_t id = 0;                 ///< unique in its group, up to 0xffffff00
  std::optional<std::uint16_t> weight;  ///< select groups only; absent there: 1
  std::optional<PortNo> watch_port;     ///< fast failover only
  std::optional<GroupId> watch_group;
  Actions actions;
  friend bool operator==(const Bucket&, const Bucket&) = default;
};

/// How a select group chooses (Netronome extension, ovs-ofctl(8) selection_method).
struct SelectionMethod {
  std::string method;       ///< "hash" or "dp_hash"
  std::uint64_t param = 0;  ///< hash basis
  struct HashField {
    FieldId field{};
    FieldValue mask;
    friend bool operator==(const HashField&, const HashField&) = default;
  };
  std::vector<HashField> fields;            ///< only with "hash"
  std::uint32_t experimenter = 0x0000154d;  ///< 0x00001540 from old peers
  friend bool operator==(const SelectionMethod&, const SelectionMethod&) = default;
};

struct Group {
  GroupId id;
  GroupType type = GroupType::kAll;
  std::vector<Bucket> buckets;
  std::optional<SelectionMethod> selection;
  friend bool operator==(const Group&, const Group&) = default;
};

enum class GroupCommand : std::uint16_t {
  kAdd = 0,
  kModify = 1,
  kDelete = 2,
  kInsertBucket = 3,
  kRemoveBucket = 5,
  kAddOrModify = 0x8000,
};

/// OFPT_GROUP_MOD.
struct GroupMod {
  GroupCommand command = GroupCommand::kAdd;
  std::uint32_t command_bucket = kBucketAll;  ///< where to insert or what to remove
  Group group;
  friend bool operator==(const GroupMod&, const GroupMod&) = default;
};

}  // namespace antrea::openflow
