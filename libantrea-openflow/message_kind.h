#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "antrea/openflow/error.h"

// What a message is by its headers alone, before its body is read.
namespace antrea::openflow::detail {

/// A row per message that Open vSwitch knows in OpenFlow 1.5.
struct MessageKind {
  std::string_view name;     ///< without " request" and " reply" of multiparts
  std::uint8_t type = 0;     ///< of the message header
  std::uint32_t number = 0;  ///< of a multipart or experimenter message
  std::uint32_t experimenter = 0;
  std::uint16_t size = 0;  ///< of the fixed part of the body, in bytes
  std::uint16_t step = 0;  ///< what follows has a multiple of it; 0: nothing follows
};

/// The kind of a message, whole and with the length its header says. Errors: those of unknown
/// types (BAD_TYPE, BAD_STAT, BAD_VENDOR, BAD_SUBTYPE) and of a size that the kind cannot have
/// (BAD_LEN).
DecodeResult<const MessageKind*> find_kind(std::span<const std::byte> wire);

/// Whether the headers are of a kind that has a row, whatever the size is.
bool kind_known(std::span<const std::byte> wire);

/// "OFPST_FLOW reply", "NXT_RESUME", "type 35".
std::string kind_name(std::span<const std::byte> wire);

}  // namespace antrea::openflow::detail
