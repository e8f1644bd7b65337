#pragma once

#include <cstdint>

#include "antrea/base/strong_id.h"

namespace antrea::openflow {

/// A flow table, 0 to 253; 255 stands for all tables.
using TableId = StrongId<struct TableIdTag, std::uint8_t>;
inline constexpr TableId kAllTables{255};

/// A port number in its 32-bit form.
using PortNo = StrongId<struct PortNoTag, std::uint32_t>;

/// Reserved ports, OpenFlow 1.5.1 section 7.2.1.
inline constexpr PortNo kPortUnset{0xfffffff7};
inline constexpr PortNo kPortInPort{0xfffffff8};
inline constexpr PortNo kPortTable{0xfffffff9};
inline constexpr PortNo kPortNormal{0xfffffffa};
inline constexpr PortNo kPortFlood{0xfffffffb};
inline constexpr PortNo kPortAll{0xfffffffc};
inline constexpr PortNo kPortController{0xfffffffd};
inline constexpr PortNo kPortLocal{0xfffffffe};
inline constexpr PortNo kPortAny{0xffffffff};

/// The 32-bit form of a 16-bit port number: 0xfff8 is IN_PORT.
constexpr PortNo port_from16(std::uint16_t port) {
  return PortNo{port >= 0xff00 ? 0xffff0000U | port : port};
}

}  // namespace antrea::openflow
