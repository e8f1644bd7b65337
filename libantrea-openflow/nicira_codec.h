#pragma once

#include "wire.h"

// Messages of type EXPERIMENTER, behind experimenter and number.
namespace antrea::openflow::detail {

inline constexpr std::uint32_t kOnfVendor = 0x4f4e4600;

/// Numbers of Nicira's messages.
inline constexpr std::uint32_t kNxtRoleRequest = 10, kNxtRoleReply = 11, kNxtFlowMod = 13,
                               kNxtFlowRemoved = 14, kNxtPacketIn = 17, kNxtFlowAge = 18,
                               kNxtFlowModTableId = 15, kNxtSetPacketInFormat = 16,
                               kNxtSetAsyncConfig = 19, kNxtSetControllerId = 20,
                               kNxtTlvTableMod = 24, kNxtTlvTableRequest = 25,
                               kNxtTlvTableReply = 26, kNxtResume = 28, kNxtCtFlushZone = 29,
                               kNxtPacketIn2 = 30, kNxtCtFlush = 32;
/// Numbers of the ONF's.
inline constexpr std::uint32_t kOnfBundleControl = 2300, kOnfBundleAdd = 2301;

void put_nicira(Out& out, const NxRole& m);
void put_nicira(Out& out, const NxFlowModTableId& m);
void put_nicira(Out& out, const NxSetPacketInFormat& m);
void put_nicira(Out& out, const NxSetAsyncConfig& m);
void put_nicira(Out& out, const NxSetControllerId& m);
void put_nicira(Out& out, const NxTlvTableMod& m);
void put_nicira(Out& out, const NxTlvTableReply& m);
void put_nicira(Out& out, const NxCtFlushZone& m);
void put_nicira(Out& out, const NxCtFlush& m);
void put_nicira(Out& out, const NxPacketIn& m);
void put_nicira(Out& out, const NxFlowRemoved& m);
void put_nicira(Out& out, const NxFlowMod& m);

// nicira_flow_mod.cc
DecodeResult<Message> pull_nx_flow_mod(In in);

}  // namespace antrea::openflow::detail
