#pragma once

#include "antrea/egress/gossip.h"

namespace antrea::egress {

/// The outer layers, label and encryption, of packets and streams (memberlist net.go, label.go).
struct GossipWire {
  std::string label;
  Keyring keys;
  bool verify_incoming = true, verify_outgoing = true, compression = true;

  bool encrypts() const { return !keys.empty() && verify_outgoing; }
  /// Bytes that `wrap` adds to a packet.
  std::size_t overhead() const;
  Result<Bytes> wrap_packet(std::span<const std::byte> packet) const;
  Result<Bytes> unwrap_packet(std::span<const std::byte> wire) const;
  /// `opening`: the label stands before the first message of whoever opened the stream.
  Result<Bytes> wrap_stream(std::span<const std::byte> message, bool opening) const;
  /// One whole message, without the label. Error: kUnauthenticated, kMalformed.
  Result<Bytes> unwrap_stream(std::span<const std::byte> wire) const;
};

}  // namespace antrea::egress
