#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "antrea/base/ip.h"
#include "antrea/egress/gossip_message.h"

namespace antrea::egress {

/// Writes the msgpack that memberlist writes: the old form, in which strings and bytes are one
/// "raw" type, and integers take the smallest unsigned form.
class MsgpackWriter {
 public:
  explicit MsgpackWriter(Bytes& out) : out_(out) {}

  void map(std::size_t fields);
  void key(std::string_view name) { raw(as_byte_span(name)); }
  void number(std::uint64_t value);
  void boolean(bool value) { out_.u8(value ? 0xc3 : 0xc2); }
  void text(std::string_view value) { raw(as_byte_span(value)); }
  /// Nothing at all is nil.
  void bytes(std::span<const std::byte> value);
  void address(const IpAddress& value) { raw(std::as_bytes(value.bytes())); }

 private:
  void raw(std::span<const std::byte> value);
  ByteWriter out_;
};

/// Reads any msgpack, old and new. The first thing that does not fit sets `failed()`; all later
/// reads return nothing. `truncated()` tells that more bytes might have helped.
class MsgpackReader {
 public:
  explicit MsgpackReader(std::span<const std::byte> in) : in_(in) {}

  bool failed() const { return malformed_ || in_.failed(); }
  bool truncated() const { return !malformed_ && in_.failed(); }
  std::size_t offset() const { return in_.offset(); }
  std::span<const std::byte> take(std::size_t size) { return in_.take(size); }
  std::span<const std::byte> rest() { return in_.rest(); }
  void fail() { malformed_ = true; }

  /// The number of pairs that follow.
  std::size_t map();
  /// At most `most`; anything else fails. Nil is 0.
  std::uint64_t number(std::uint64_t most);
  bool boolean();
  /// Strings, binaries, nil and arrays of bytes.
  Bytes bytes();
  std::string text();
  /// 4 or 16 bytes; nothing when empty.
  std::optional<IpAddress> address();
  /// Steps over a value of any kind.
  void skip();

 private:
  /// The length of a string or binary whose first byte is `tag`; empty if it is neither.
  std::optional<std::size_t> raw_size(std::uint8_t tag);
  std::size_t array_or_map_size(std::uint8_t tag);
  bool has_room(std::size_t values);

  ByteReader in_;
  bool malformed_ = false;
};

}  // namespace antrea::egress
