#pragma once

#include <boost/system/result.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "antrea/base/export.h"
#include "antrea/base/result.h"

namespace antrea::openflow {

/// An OpenFlow error as it stands in an ERROR message (OpenFlow 1.5.1 section 7.5.4). An
/// experimenter error has type 0xffff and its number in `code`.
struct OfError {
  std::uint16_t type = 0;
  std::uint16_t code = 0;
  std::uint32_t experimenter = 0;

  friend constexpr auto operator<=>(const OfError&, const OfError&) = default;
};

/// "OFPBMC_BAD_WILDCARDS", "NXBAC_BAD_CONJUNCTION"; "type 4, code 99" for one without a name.
ANTREA_API std::string to_string(const OfError& error);
/// Whether Open vSwitch knows it by a name.
ANTREA_API bool has_name(const OfError& error);
/// The error of that name.
ANTREA_API std::optional<OfError> error_by_name(std::string_view name);

namespace errors {
#define ANTREA_OF_ERROR(name, type, code) \
  inline constexpr OfError name { type, code, 0 }
#define ANTREA_NX_ERROR(name, code) \
  inline constexpr OfError name { 0xffff, code, 0x2320 }
ANTREA_OF_ERROR(kHelloIncompatible, 0, 0);
ANTREA_OF_ERROR(kBadVersion, 1, 0);
ANTREA_OF_ERROR(kBadType, 1, 1);
ANTREA_OF_ERROR(kBadStat, 1, 2);
ANTREA_OF_ERROR(kBadVendor, 1, 3);
ANTREA_OF_ERROR(kBadSubtype, 1, 4);
ANTREA_OF_ERROR(kEperm, 1, 5);
ANTREA_OF_ERROR(kBadLen, 1, 6);
ANTREA_OF_ERROR(kBadTableId, 1, 9);
ANTREA_OF_ERROR(kBadPort, 1, 11);
ANTREA_OF_ERROR(kBadPacket, 1, 12);
ANTREA_OF_ERROR(kPipelineFieldsOnly, 1, 17);
ANTREA_OF_ERROR(kActionBadType, 2, 0);
ANTREA_OF_ERROR(kActionBadLen, 2, 1);
ANTREA_OF_ERROR(kActionBadVendor, 2, 2);
ANTREA_OF_ERROR(kActionBadVendorType, 2, 3);
ANTREA_OF_ERROR(kActionBadOutPort, 2, 4);
ANTREA_OF_ERROR(kActionBadArgument, 2, 5);
ANTREA_OF_ERROR(kActionTooMany, 2, 7);
ANTREA_OF_ERROR(kActionBadQueue, 2, 8);
ANTREA_OF_ERROR(kActionBadOutGroup, 2, 9);
ANTREA_OF_ERROR(kActionMatchInconsistent, 2, 10);
ANTREA_OF_ERROR(kActionUnsupportedOrder, 2, 11);
ANTREA_OF_ERROR(kActionBadTag, 2, 12);
ANTREA_OF_ERROR(kActionBadSetType, 2, 13);
ANTREA_OF_ERROR(kActionBadSetLen, 2, 14);
ANTREA_OF_ERROR(kActionBadSetArgument, 2, 15);
ANTREA_OF_ERROR(kActionBadSetMask, 2, 16);
ANTREA_OF_ERROR(kInstructionUnknown, 3, 0);
ANTREA_OF_ERROR(kInstructionUnsupported, 3, 1);
ANTREA_OF_ERROR(kInstructionBadTableId, 3, 2);
ANTREA_OF_ERROR(kInstructionBadExperimenter, 3, 5);
ANTREA_OF_ERROR(kInstructionBadLen, 3, 7);
ANTREA_OF_ERROR(kInstructionDuplicate, 3, 9);
ANTREA_OF_ERROR(kMatchBadType, 4, 0);
ANTREA_OF_ERROR(kMatchBadLen, 4, 1);
ANTREA_OF_ERROR(kMatchBadWildcards, 4, 5);
ANTREA_OF_ERROR(kMatchBadField, 4, 6);
ANTREA_OF_ERROR(kMatchBadValue, 4, 7);
ANTREA_OF_ERROR(kMatchBadMask, 4, 8);
ANTREA_OF_ERROR(kMatchBadPrereq, 4, 9);
ANTREA_OF_ERROR(kMatchDupField, 4, 10);
ANTREA_OF_ERROR(kFlowModTableFull, 5, 1);
ANTREA_OF_ERROR(kFlowModBadTableId, 5, 2);
ANTREA_OF_ERROR(kFlowModOverlap, 5, 3);
ANTREA_OF_ERROR(kFlowModBadCommand, 5, 6);
ANTREA_OF_ERROR(kFlowModBadFlags, 5, 7);
ANTREA_OF_ERROR(kGroupExists, 6, 0);
ANTREA_OF_ERROR(kGroupInvalid, 6, 1);
ANTREA_OF_ERROR(kGroupUnknown, 6, 8);
ANTREA_OF_ERROR(kGroupWatchUnsupported, 6, 6);
ANTREA_OF_ERROR(kGroupBadType, 6, 10);
ANTREA_OF_ERROR(kGroupBadCommand, 6, 11);
ANTREA_OF_ERROR(kGroupBadBucket, 6, 12);
ANTREA_OF_ERROR(kGroupBadWatch, 6, 13);
ANTREA_OF_ERROR(kGroupUnknownBucket, 6, 15);
ANTREA_OF_ERROR(kGroupBucketExists, 6, 16);
ANTREA_OF_ERROR(kPortModBadHwAddr, 7, 1);
ANTREA_OF_ERROR(kTableModBadConfig, 8, 1);
ANTREA_OF_ERROR(kSwitchConfigBadFlags, 10, 0);
ANTREA_OF_ERROR(kRoleStale, 11, 0);
ANTREA_OF_ERROR(kRoleBadRole, 11, 2);
ANTREA_OF_ERROR(kMeterExists, 12, 1);
ANTREA_OF_ERROR(kMeterInvalid, 12, 2);
ANTREA_OF_ERROR(kMeterUnknown, 12, 3);
ANTREA_OF_ERROR(kMeterBadCommand, 12, 4);
ANTREA_OF_ERROR(kMeterBadFlags, 12, 5);
ANTREA_OF_ERROR(kMeterBadBand, 12, 8);
ANTREA_OF_ERROR(kTableFeaturesBadTable, 13, 0);
ANTREA_OF_ERROR(kTableFeaturesBadFeatures, 13, 8);
ANTREA_OF_ERROR(kTableFeaturesBadCommand, 13, 9);
ANTREA_OF_ERROR(kPropertyBadType, 14, 0);
ANTREA_OF_ERROR(kPropertyBadLen, 14, 1);
ANTREA_OF_ERROR(kPropertyBadValue, 14, 2);
ANTREA_OF_ERROR(kPropertyDuplicate, 14, 4);
ANTREA_OF_ERROR(kPropertyBadExperimenter, 14, 5);
ANTREA_OF_ERROR(kPropertyBadExpType, 14, 6);
ANTREA_OF_ERROR(kAsyncInvalid, 15, 0);
ANTREA_OF_ERROR(kAsyncUnsupported, 15, 1);
ANTREA_OF_ERROR(kMonitorBadCommand, 16, 4);
ANTREA_OF_ERROR(kMonitorBadFlags, 16, 5);
ANTREA_OF_ERROR(kBundleBadId, 17, 2);
ANTREA_OF_ERROR(kBundleBadType, 17, 6);
ANTREA_OF_ERROR(kBundleBadFlags, 17, 7);
ANTREA_OF_ERROR(kBundleBadLen, 17, 8);
ANTREA_OF_ERROR(kBundleBadXid, 17, 9);
ANTREA_OF_ERROR(kBundleUnsupported, 17, 10);
ANTREA_OF_ERROR(kBundleMsgFailed, 17, 13);
ANTREA_OF_ERROR(kBundleTimeout, 17, 14);
ANTREA_NX_ERROR(kNxMustBeZero, 4);
ANTREA_NX_ERROR(kNxBadReason, 5);
ANTREA_NX_ERROR(kNxBadEvent, 9);
ANTREA_NX_ERROR(kNxActionMustBeZero, 11);
ANTREA_NX_ERROR(kNxBadConjunction, 15);
ANTREA_NX_ERROR(kNxTlvBadCommand, 16);
ANTREA_NX_ERROR(kNxTlvBadOptLen, 17);
ANTREA_NX_ERROR(kNxTlvBadFieldIndex, 18);
ANTREA_NX_ERROR(kBundleBadVersion, 22);
ANTREA_NX_ERROR(kNxInvalidTlvField, 37);
ANTREA_NX_ERROR(kNxBadHeaderType, 39);
ANTREA_NX_ERROR(kNxUnknownEdProp, 40);
ANTREA_NX_ERROR(kNxBadEdProp, 41);
#undef ANTREA_OF_ERROR
#undef ANTREA_NX_ERROR
}  // namespace errors

/// Why bytes were refused: the OpenFlow error that names the fault, and where it is.
struct DecodeError {
  OfError error;
  std::size_t offset = 0;  ///< bytes from the start of what was decoded

  /// kMalformed: "OFPBMC_BAD_WILDCARDS at byte 72".
  ANTREA_API Error to_error() const;
  operator Error() const { return to_error(); }
  friend bool operator==(const DecodeError&, const DecodeError&) = default;
};

[[noreturn]] ANTREA_API void throw_exception_from_error(const DecodeError& error,
                                                        const boost::source_location& where);

/// A decoded value, or the reason why there is none.
template <typename T>
using DecodeResult = boost::system::result<T, DecodeError>;

}  // namespace antrea::openflow
