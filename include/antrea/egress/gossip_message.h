#pragma once

// The messages of the gossip protocol that hashicorp memberlist 0.1 to 0.6 speaks (protocol
// versions 1 to 5), and how they look on the wire. Values and bytes, no I/O. Source: memberlist
// net.go, util.go, label.go.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "antrea/base/bytes.h"
#include "antrea/base/export.h"
#include "antrea/base/ip.h"
#include "antrea/base/result.h"

namespace antrea::egress {

using Bytes = std::vector<std::byte>;

/// Where a member listens, UDP and TCP alike.
struct GossipEndpoint {
  IpAddress address;
  std::uint16_t port = 0;

  ANTREA_API std::string to_string() const;  ///< "10.0.0.1:10351", "[fd00::1]:10351"
  friend constexpr auto operator<=>(const GossipEndpoint&, const GossipEndpoint&) = default;
};

/// The first byte of every message, packet and stream.
enum class GossipType : std::uint8_t {
  kPing = 0,
  kIndirectPing = 1,
  kAck = 2,
  kSuspect = 3,
  kAlive = 4,
  kDead = 5,
  kPushPull = 6,
  kCompound = 7,
  kUser = 8,
  kCompress = 9,
  kEncrypt = 10,
  kNack = 11,
  kHasCrc = 12,
  kError = 13,
  kHasLabel = 244,
};

/// What a member understands and speaks: `Vsn` of alive and push/pull. All zero: not told.
struct GossipVersions {
  std::uint8_t protocol_min = 0, protocol_max = 0, protocol = 0;
  std::uint8_t delegate_min = 0, delegate_max = 0, delegate = 0;
  friend constexpr bool operator==(const GossipVersions&, const GossipVersions&) = default;
};

enum class MemberState : std::uint8_t { kAlive = 0, kSuspect = 1, kDead = 2, kLeft = 3 };
/// "alive", "suspect", "dead" or "left".
ANTREA_API std::string_view to_string(MemberState state);

namespace gossip {

struct Ping {
  std::uint32_t sequence = 0;
  std::string node;                              ///< whom it is meant for; empty: whoever hears it
  std::optional<IpAddress> source_address = {};  ///< where the ack goes; absent: to the sender
  std::uint16_t source_port = 0;
  std::string source_node = {};
  friend bool operator==(const Ping&, const Ping&) = default;
};
struct IndirectPing {
  std::uint32_t sequence = 0;
  IpAddress target;
  std::uint16_t port = 0;
  std::string node;
  bool nack = false;  ///< the asker wants to hear of a failure, too
  std::optional<IpAddress> source_address = {};
  std::uint16_t source_port = 0;
  std::string source_node = {};
  friend bool operator==(const IndirectPing&, const IndirectPing&) = default;
};
struct Ack {
  std::uint32_t sequence = 0;
  Bytes payload = {};
  friend bool operator==(const Ack&, const Ack&) = default;
};
struct Nack {
  std::uint32_t sequence = 0;
  friend bool operator==(const Nack&, const Nack&) = default;
};
struct Suspect {
  std::uint32_t incarnation = 0;
  std::string node;
  std::string from;
  friend bool operator==(const Suspect&, const Suspect&) = default;
};
/// From the node itself it means that it left.
struct Dead {
  std::uint32_t incarnation = 0;
  std::string node;
  std::string from;
  friend bool operator==(const Dead&, const Dead&) = default;
};
struct Alive {
  std::uint32_t incarnation = 0;
  std::string node;
  GossipEndpoint endpoint;
  Bytes meta = {};  ///< at most 512 bytes by convention
  GossipVersions versions = {};
  friend bool operator==(const Alive&, const Alive&) = default;
};
struct NodeState {
  std::string name;
  GossipEndpoint endpoint;
  Bytes meta = {};
  std::uint32_t incarnation = 0;
  MemberState state = MemberState::kAlive;
  GossipVersions versions = {};
  friend bool operator==(const NodeState&, const NodeState&) = default;
};
/// Everything one side knows. Streams only.
struct PushPull {
  bool join = false;
  std::vector<NodeState> nodes;
  Bytes user_state = {};
  friend bool operator==(const PushPull&, const PushPull&) = default;
};
/// What the application above sends. In a packet the body is bare, in a stream it follows a header.
struct User {
  Bytes body;
  friend bool operator==(const User&, const User&) = default;
};
/// A refusal. Streams only.
struct ErrorReply {
  std::string text;
  friend bool operator==(const ErrorReply&, const ErrorReply&) = default;
};

using Message =
    std::variant<Ping, IndirectPing, Ack, Nack, Suspect, Dead, Alive, PushPull, User, ErrorReply>;

/// What bounds a decoder, whatever the bytes say (memberlist net.go).
inline constexpr std::size_t kMaxPushNodes = 1U << 20;
inline constexpr std::size_t kMaxUserState = 20U << 20;
inline constexpr std::size_t kMaxStreamMessage = 20U << 20;
inline constexpr std::size_t kMaxInflatedStream = 40U << 20;
inline constexpr std::size_t kMaxInflatedPacket = 1U << 20;

/// One message as it stands in a packet: the type byte, then a msgpack map with sorted keys.
ANTREA_API Bytes encode(const Message& message);
/// The same for a stream: differs for `User` only, which has a header with its length there.
ANTREA_API Bytes encode_for_stream(const Message& message);

/// One message of a packet; not a compound, compressed or checksummed one: see `unwrap_packet`.
/// Keys in any order, unknown ones skipped, strings and bytes in any msgpack form. Memory is
/// bounded by the input. Error: kMalformed, with the type of the message.
ANTREA_API Result<Message> decode(std::span<const std::byte> wire);
/// One message of a stream, whole. Error: kMalformed.
ANTREA_API Result<Message> decode_stream(std::span<const std::byte> wire);

/// `07`: up to 255 messages in one packet.
ANTREA_API Bytes encode_compound(std::span<const Bytes> messages);
/// `0c`: CRC-32 (IEEE) of the rest, then the rest.
ANTREA_API Bytes add_crc(std::span<const std::byte> packet);
/// `09`: LZW, when that is shorter than the input; otherwise the input.
ANTREA_API Bytes compress(std::span<const std::byte> message);
/// `f4`: the label, then the rest. An empty label adds nothing.
ANTREA_API Bytes add_label(std::string_view label, std::span<const std::byte> packet);
/// What follows the label. Error: kUnauthenticated when it is not `label` (empty: none may be
/// there), kMalformed.
ANTREA_API Result<std::span<const std::byte>> strip_label(std::string_view label,
                                                          std::span<const std::byte> packet);

/// Takes checksum, compression and compounds off: the single messages in order, each for `decode`.
/// A compound that was cut short yields the messages before the cut. Error: kMalformed.
ANTREA_API Result<std::vector<Bytes>> unwrap_packet(std::span<const std::byte> packet);
/// Takes the compression off a stream's message, if there is one. Error: kMalformed.
ANTREA_API Result<Bytes> unwrap_stream(std::span<const std::byte> message);

/// Tells how much of a stream is one message, as its bytes arrive. Each call looks at what is new.
class ANTREA_API StreamMeter {
 public:
  /// `stream` is all that has been read so far, from the first byte after the label. The size of
  /// the message in bytes once it is known to be there; empty while more must be read. An encrypted
  /// message counts with its header. Error: kMalformed.
  Result<std::optional<std::size_t>> measure(std::span<const std::byte> stream);

 private:
  std::size_t offset_ = 0;  ///< what has been understood
  std::size_t nodes_ = 0;   ///< of a push/pull, still to come
  std::size_t tail_ = 0;    ///< bytes behind the last map
  bool header_read_ = false;
};

}  // namespace gossip
}  // namespace antrea::egress
