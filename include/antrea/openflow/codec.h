#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "antrea/base/export.h"
#include "antrea/openflow/error.h"
#include "antrea/openflow/message.h"

namespace antrea::openflow {

/// The first eight bytes of every message.
struct Header {
  std::uint8_t version = 0;
  std::uint8_t type = 0;
  std::uint16_t length = 0;  ///< bytes of the whole message, header included
  std::uint32_t xid = 0;
};

/// The header of what arrived so far; absent if less than eight bytes did. A length below 8 means
/// the stream is lost.
ANTREA_API std::optional<Header> peek_header(std::span<const std::byte> stream);

struct Decoded {
  std::uint32_t xid = 0;
  Message message;
};

struct DecodeOptions {
  /// Messages, multiparts, actions and errors of experimenters and numbers that Open vSwitch does
  /// not know are kept as bytes (Experimenter, UnknownMessage, UnknownMultipart, UnknownAction).
  /// Otherwise they are refused, as it does.
  bool keep_unknown = false;
};

/// Decodes one whole message; `wire` is exactly as long as its header says (else OFPBRC_BAD_LEN).
/// The result owns what it holds. Refuses what Open vSwitch's parser refuses, with the same error.
/// Survives any bytes; cost and allocation are linear in the size.
ANTREA_API DecodeResult<Decoded> decode_message(std::span<const std::byte> wire,
                                                DecodeOptions options = {});
/// The same in place of what `decoded` holds: a flow-mod takes over the memory of the one before,
/// and so a stream of them costs next to no allocation. After an error it holds any message.
ANTREA_API DecodeResult<void> decode_into(std::span<const std::byte> wire, Decoded& decoded,
                                          DecodeOptions options = {});

/// Appends a whole message. Deterministic: equal messages give equal bytes. The caller splits what
/// would exceed kMaxMessageSize; a longer message is not appended and false is returned.
ANTREA_API bool encode(std::uint32_t xid, const Message& message, std::vector<std::byte>& out);
/// Writes it into a caller's room; the bytes used, or nothing if the room is too small. Allocates
/// nothing where it fits with 600 bytes to spare.
ANTREA_API std::optional<std::size_t> encode(std::uint32_t xid, const Message& message,
                                             std::span<std::byte> room);

/// The hot path of `encode`: appends a flow_mod of the command with all other members at their
/// defaults. Allocates only to grow `out`.
ANTREA_API bool encode_flow_mod(const Flow& flow, FlowCommand command, std::uint32_t xid,
                                std::vector<std::byte>& out);
ANTREA_API std::optional<std::size_t> encode_flow_mod(const Flow& flow, FlowCommand command,
                                                      std::uint32_t xid, std::span<std::byte> room);
/// The same inside an OFPT_BUNDLE_ADD_MESSAGE.
ANTREA_API bool encode_bundle_add_flow_mod(std::uint32_t bundle, std::uint16_t bundle_flags,
                                           const Flow& flow, FlowCommand command, std::uint32_t xid,
                                           std::vector<std::byte>& out);
/// Any message inside an OFPT_BUNDLE_ADD_MESSAGE.
ANTREA_API bool encode_bundle_add(std::uint32_t bundle, std::uint16_t bundle_flags,
                                  std::uint32_t xid, const Message& message,
                                  std::vector<std::byte>& out);

/// Parts of messages. A match stands with its 4-byte header and padding to 8; actions and
/// instructions stand bare.
ANTREA_API void encode_match(const Match& match, std::vector<std::byte>& out);
ANTREA_API DecodeResult<Match> decode_match(std::span<const std::byte> wire);
ANTREA_API void encode_actions(const Actions& actions, std::vector<std::byte>& out);
ANTREA_API DecodeResult<Actions> decode_actions(std::span<const std::byte> wire);
ANTREA_API void encode_instructions(const Instructions& instructions, std::vector<std::byte>& out);
ANTREA_API DecodeResult<Instructions> decode_instructions(std::span<const std::byte> wire);

/// A packet-in of any form (OFPT_PACKET_IN, NXT_PACKET_IN, NXT_PACKET_IN2), borrowed from the
/// message: read in place, without copying or allocating.
struct PacketInView {
  std::uint32_t buffer_id = 0xffffffff;
  std::uint32_t total_len = 0;  ///< bytes of the packet before it was cut
  std::uint8_t reason = 0;
  TableId table;
  std::uint64_t cookie = ~std::uint64_t{0};
  std::span<const std::byte> metadata;  ///< fields, without header and padding
  std::span<const std::byte> packet;
  std::span<const std::byte> userdata;      ///< NXT_PACKET_IN2: of the controller action
  std::span<const std::byte> continuation;  ///< the same: what a resume sends back

  /// Errors as `decode_message`, but for those in the fields. OFPBRC_BAD_TYPE: not a packet-in.
  ANTREA_API static DecodeResult<PacketInView> of(std::span<const std::byte> wire);
  /// The fields as a value.
  ANTREA_API DecodeResult<Match> decode_metadata() const;
};

/// One flow of a flow stats reply, borrowed from the message.
struct FlowStatsView {
  TableId table;
  std::uint16_t priority = 0;
  std::uint16_t idle_timeout = 0;
  std::uint16_t hard_timeout = 0;
  std::uint16_t flags = 0;
  std::uint16_t importance = 0;
  std::uint64_t cookie = 0;
  std::span<const std::byte> match;       ///< header and padding included
  std::span<const std::byte> statistics;  ///< OXS block, header and padding included
  std::span<const std::byte> instructions;

  /// The flow as a value. Errors as `decode_message`.
  ANTREA_API DecodeResult<FlowStats> decode() const;
};

/// Walks the flows of a multipart flow reply in place, without copying or allocating:
///
///   FlowStatsReader reader(wire);
///   while (auto flow = reader.next()) use(*flow);
///   if (reader.error()) ...
class ANTREA_API FlowStatsReader {
 public:
  /// `wire` is one whole multipart reply of type flow, which must outlive reader and views.
  explicit FlowStatsReader(std::span<const std::byte> wire);

  std::optional<FlowStatsView> next();
  const std::optional<DecodeError>& error() const { return error_; }
  /// Another part follows.
  bool more() const { return more_; }

 private:
  std::span<const std::byte> wire_;
  std::size_t offset_ = 0;
  bool more_ = false;
  std::optional<DecodeError> error_;
};

}  // namespace antrea::openflow
