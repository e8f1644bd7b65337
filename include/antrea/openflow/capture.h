#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "antrea/base/export.h"
#include "antrea/base/ip.h"
#include "antrea/base/result.h"

// OpenFlow out of packet captures.
namespace antrea::openflow {

/// One end of a TCP connection.
struct CaptureEndpoint {
  IpAddress address;
  std::uint16_t port = 0;
  friend auto operator<=>(const CaptureEndpoint&, const CaptureEndpoint&) = default;
};

/// A message of a captured connection.
struct CapturedMessage {
  std::chrono::nanoseconds time{};  ///< since 1970, of the packet that completed the message
  CaptureEndpoint source, destination;
  std::span<const std::byte> wire;  ///< as long as its header says; valid during the call
  std::size_t lost_before = 0;      ///< bytes of the stream that the capture lacks before it
};

/// What a capture held.
struct CaptureSummary {
  std::size_t packets = 0;
  std::size_t messages = 0;
  std::size_t lost_bytes =
      0;             ///< of OpenFlow streams: what was not captured, and messages cut by it
  bool cut = false;  ///< the file ends inside a packet
  friend bool operator==(const CaptureSummary&, const CaptureSummary&) = default;
};

/// Calls `on_message` for every OpenFlow message of a capture file, in the order in which they were
/// completed. Takes classic pcap files of both byte orders, with micro- and nanoseconds; Ethernet
/// with VLAN tags, Linux cooked captures (v1 and v2), loopback and raw IP; IPv4 and IPv6 without
/// fragments. TCP streams are put in order, each direction for itself: repeated bytes count once,
/// early segments wait, and behind a gap that stays the next message that can be told apart is
/// taken up. A connection is OpenFlow if it starts with a hello or, where its start is missing, if
/// message headers chain through its bytes.
///
/// Error: kMalformed if the file is no such capture. Any bytes behind a sound file header are
/// taken; time and memory are linear in the size of the file.
ANTREA_API Result<CaptureSummary> read_capture(
    std::span<const std::byte> file, const std::function<void(const CapturedMessage&)>& on_message);

}  // namespace antrea::openflow
