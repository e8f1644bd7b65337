#pragma once

#include <cstdint>
#include <vector>

#include "antrea/openflow/action.h"

namespace antrea::openflow {

inline constexpr MeterId kMeterSlowpath{0xfffffffd};
inline constexpr MeterId kMeterController{0xfffffffe};
inline constexpr MeterId kAllMeters{0xffffffff};

/// Exactly one of kKbps and kPktps is set.
namespace meter_flags {
inline constexpr std::uint16_t kKbps = 1, kPktps = 2, kBurst = 4, kStats = 8;
}

struct Band {
  enum class Type : std::uint16_t { kDrop = 1, kDscpRemark = 2 };
  Type type = Type::kDrop;
  std::uint32_t rate = 0;  ///< kbit/s or packets/s; not 0
  std::uint32_t burst = 0;
  std::uint8_t precedence = 0;  ///< dscp_remark
  friend bool operator==(const Band&, const Band&) = default;
};

struct Meter {
  MeterId id;
  std::uint16_t flags = 0;
  std::vector<Band> bands;
  friend bool operator==(const Meter&, const Meter&) = default;
};

enum class MeterCommand : std::uint16_t { kAdd = 0, kModify = 1, kDelete = 2 };

/// OFPT_METER_MOD.
struct MeterMod {
  MeterCommand command = MeterCommand::kAdd;
  Meter meter;
  friend bool operator==(const MeterMod&, const MeterMod&) = default;
};

}  // namespace antrea::openflow
