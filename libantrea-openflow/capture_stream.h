#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <vector>

// One direction of a captured TCP connection, cut into OpenFlow messages.
namespace antrea::openflow::detail {

class CaptureStream {
 public:
  /// A whole message, and the bytes lost before it.
  using OnMessage = std::function<void(std::span<const std::byte> wire, std::size_t lost_before)>;

  /// The direction starts anew behind this sequence number, unless it started with it already.
  void start(std::uint32_t sequence);
  /// Bytes at a sequence number.
  void add(std::uint32_t sequence, std::span<const std::byte> data, const OnMessage& on_message);
  /// No more bytes come: what waits behind gaps is taken.
  void finish(const OnMessage& on_message);

  std::size_t lost_bytes() const { return lost_bytes_; }

 private:
  void append(std::span<const std::byte> data, const OnMessage& on_message);
  void take_waiting(const OnMessage& on_message);
  void skip_gap(const OnMessage& on_message);
  void cut_messages(const OnMessage& on_message);
  void lose(std::size_t bytes);

  enum class State : std::uint8_t {
    kUnknown,  ///< nothing came yet
    kStarted,  ///< from the beginning: the first message must be a hello
    kInside,   ///< at the start of a message
    kLost,     ///< somewhere: the next message has to be found
    kForeign,  ///< not OpenFlow
  };
  State state_ = State::kUnknown;
  std::optional<std::uint32_t> first_;  ///< the sequence number it started with
  std::uint64_t next_ = 0;  ///< of the stream, from its first byte on, wide enough not to wrap
  std::map<std::uint64_t, std::vector<std::byte>> waiting_;  ///< behind a gap, by position
  std::size_t waiting_bytes_ = 0;
  std::vector<std::byte> bytes_;  ///< in order, not yet whole messages
  std::size_t lost_before_ = 0;   ///< before bytes_
  std::size_t lost_bytes_ = 0;
};

}  // namespace antrea::openflow::detail
