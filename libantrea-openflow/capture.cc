#include "antrea/openflow/capture.h"

#include <map>
#include <optional>

#include "capture_stream.h"
#include "wire.h"

namespace antrea::openflow {
namespace detail {
namespace {

/// Link types of pcap files.
enum : std::uint32_t {
  kNull = 0,
  kEthernet = 1,
  kRawOld = 12,
  kRaw = 101,
  kCooked = 113,
  kCooked2 = 276,
};

/// The file's own integers, which are in the byte order of who wrote it.
class FileReader {
 public:
  FileReader(std::span<const std::byte> bytes, bool little) : bytes_(bytes), little_(little) {}

  std::uint32_t u32(std::size_t at) const {
    const auto value = load_be<std::uint32_t>(bytes_.data() + at);
    return little_ ? __builtin_bswap32(value) : value;
  }

 private:
  std::span<const std::byte> bytes_;
  bool little_;
};

/// A TCP segment as far as it was captured.
struct Segment {
  CaptureEndpoint source, destination;
  std::uint32_t sequence = 0;
  bool syn = false;
  std::span<const std::byte> data;
};

std::optional<IpAddress> take_address(In& in, bool v6) {
  if (!v6) return IpAddress::v4(in.be32());
  std::array<std::uint8_t, 16> bytes{};
  const auto raw = in.take(bytes.size());
  if (raw.size() != bytes.size()) return {};
  std::memcpy(bytes.data(), raw.data(), raw.size());
  return IpAddress::v6(bytes);
}

bool read_tcp(In in, Segment& segment) {
  segment.source.port = in.be16();
  segment.destination.port = in.be16();
  segment.sequence = in.be32();
  in.skip(4);
  const std::uint16_t control = in.be16();
  const std::size_t header = static_cast<std::size_t>(control >> 12) * 4;
  constexpr std::size_t kRead = 14;
  if (header < 20) return false;
  in.skip(header - kRead);
  if (in.failed()) return false;
  segment.syn = (control & 2) != 0;
  segment.data = in.rest();
  return true;
}

/// The rest of a packet, no longer than it says itself: behind it stands padding.
In cut_to(In in, std::size_t size) { return in.sub(std::min(size, in.remaining())); }

bool read_ip(In in, Segment& segment) {
  const auto first = in.peek_rest();
  if (first.empty()) return false;
  const auto version = std::to_integer<std::uint8_t>(first[0]) >> 4;
  std::uint8_t proto = 0;
  if (version == 4) {
    if (first.size() < 20) return false;
    const std::size_t header = std::to_integer<std::size_t>(first[0] & std::byte{15}) * 4;
    const std::size_t total = load_be<std::uint16_t>(first.data() + 2);
    // Big segments that the host's card cuts are captured with length 0.
    if (total != 0) in = cut_to(in, total);
    const auto fragment = load_be<std::uint16_t>(first.data() + 6);
    if (header < 20 || (fragment & 0x3fff) != 0) return false;
    proto = std::to_integer<std::uint8_t>(first[9]);
    in.skip(12);
    segment.source.address = *take_address(in, false);
    segment.destination.address = *take_address(in, false);
    in.skip(header - 20);
  } else if (version == 6) {
    in.skip(4);
    const std::size_t payload = in.be16();
    proto = in.u8();
    in.skip(1);
    const auto source = take_address(in, true);
    const auto destination = take_address(in, true);
    if (!source || !destination) return false;
    segment.source.address = *source;
    segment.destination.address = *destination;
    if (payload != 0) in = cut_to(in, payload);
    constexpr std::uint8_t kHopByHop = 0, kRouting = 43, kDestination = 60;
    while (proto == kHopByHop || proto == kRouting || proto == kDestination) {
      proto = in.u8();
      const std::size_t length = in.u8();
      in.skip(length * 8 + 6);
      if (in.failed()) return false;
    }
  } else {
    return false;
  }
  return !in.failed() && proto == ip_proto::kTcp && read_tcp(in, segment);
}

bool read_ethertype(std::uint16_t type, In in, Segment& segment) {
  while (type == 0x8100 || type == 0x88a8) {
    in.skip(2);
    type = in.be16();
  }
  return (type == eth_type::kIpv4 || type == eth_type::kIpv6) && read_ip(in, segment);
}

bool read_frame(std::uint32_t link, In in, Segment& segment) {
  switch (link) {
    case kEthernet: {
      in.skip(12);
      const std::uint16_t type = in.be16();
      return read_ethertype(type, in, segment);
    }
    case kCooked: {
      in.skip(14);
      const std::uint16_t type = in.be16();
      return read_ethertype(type, in, segment);
    }
    case kCooked2: {
      const std::uint16_t type = in.be16();
      in.skip(18);
      return read_ethertype(type, in, segment);
    }
    case kNull:
      in.skip(4);
      return read_ip(in, segment);
    case kRaw:
    case kRawOld:
      return read_ip(in, segment);
    default:
      return false;
  }
}

class CaptureReader {
 public:
  CaptureReader(std::uint32_t link, const std::function<void(const CapturedMessage&)>& on_message)
      : link_(link), on_message_(on_message) {}

  void packet(std::chrono::nanoseconds time, std::span<const std::byte> frame) {
    ++summary_.packets;
    time_ = time;
    Segment segment;
    if (!read_frame(link_, In(frame), segment)) return;
    const Key key{segment.source, segment.destination};
    CaptureStream& stream = streams_[key];
    if (segment.syn) {
      stream.start(segment.sequence);
      ++segment.sequence;
    }
    stream.add(segment.sequence, segment.data, listener(key));
  }

  CaptureSummary finish() {
    for (auto& [key, stream] : streams_) {
      stream.finish(listener(key));
      summary_.lost_bytes += stream.lost_bytes();
    }
    return summary_;
  }

  CaptureSummary& summary() { return summary_; }

 private:
  struct Key {
    CaptureEndpoint source, destination;
    friend auto operator<=>(const Key&, const Key&) = default;
  };

  CaptureStream::OnMessage listener(const Key& key) {
    return [this, &key](std::span<const std::byte> wire, std::size_t lost_before) {
      ++summary_.messages;
      on_message_({time_, key.source, key.destination, wire, lost_before});
    };
  }

  std::uint32_t link_;
  const std::function<void(const CapturedMessage&)>& on_message_;
  std::chrono::nanoseconds time_{};
  std::map<Key, CaptureStream> streams_;
  CaptureSummary summary_;
};

}  // namespace
}  // namespace detail

Result<CaptureSummary> read_capture(std::span<const std::byte> file,
                                    const std::function<void(const CapturedMessage&)>& on_message) {
  constexpr std::size_t kFileHeader = 24;
  constexpr std::size_t kPacketHeader = 16;
  const auto refuse = [](const char* found) {
    return make_error(Errc::kMalformed, std::string("read a capture: ") + found);
  };
  if (file.size() < kFileHeader) return refuse("the file is shorter than a pcap header");
  bool little = false;
  std::uint32_t fraction = 1000;  // nanoseconds of a unit
  switch (detail::load_be<std::uint32_t>(file.data())) {
    case 0xa1b2c3d4:
      break;
    case 0xd4c3b2a1:
      little = true;
      break;
    case 0xa1b23c4d:
      fraction = 1;
      break;
    case 0x4d3cb2a1:
      little = true;
      fraction = 1;
      break;
    case 0x0a0d0d0a:
      return refuse("the file is pcapng; `tshark -F pcap -r FILE -w NEW` makes it a pcap");
    default:
      return refuse("the file does not start as a pcap");
  }
  const detail::FileReader header(file, little);
  constexpr std::uint32_t kLinkMask = 0x0fffffff;  // above it stand flags
  const std::uint32_t link = header.u32(20) & kLinkMask;
  detail::CaptureReader reader(link, on_message);
  for (auto left = file.subspan(kFileHeader); !left.empty();) {
    if (left.size() < kPacketHeader) {
      reader.summary().cut = true;
      break;
    }
    const detail::FileReader packet(left, little);
    const std::size_t size = packet.u32(8);
    if (size > left.size() - kPacketHeader) {
      reader.summary().cut = true;
      break;
    }
    const auto time = std::chrono::seconds(packet.u32(0)) +
                      std::chrono::nanoseconds(std::int64_t{packet.u32(4)} * fraction);
    reader.packet(time, left.subspan(kPacketHeader, size));
    left = left.subspan(kPacketHeader + size);
  }
  return reader.finish();
}

}  // namespace antrea::openflow
