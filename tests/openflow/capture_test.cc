#include "antrea/openflow/capture.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <sstream>

#include "antrea/base/bytes.h"
#include "antrea/openflow/codec.h"
#include "antrea/openflow/text.h"
#include "ofctl.h"
#include "vectors.h"

namespace antrea::openflow {
namespace {

using Wire = std::vector<std::byte>;

/// How a capture file is written.
struct Format {
  const char* name;
  std::uint32_t link;
  bool little, nanoseconds, v6, vlan;
};
constexpr Format kFormats[] = {{"ethernet", 1, true, false, false, false},
                               {"big endian", 1, false, false, false, false},
                               {"nanoseconds", 1, true, true, false, false},
                               {"big endian nanoseconds", 1, false, true, true, false},
                               {"vlan", 1, true, false, true, true},
                               {"cooked", 113, true, false, false, false},
                               {"cooked 2", 276, true, false, true, false},
                               {"loopback", 0, true, false, false, false},
                               {"raw", 101, true, false, true, false}};

class CaptureWriter {
 public:
  explicit CaptureWriter(const Format& format) : format_(format) {
    file32(format.nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4);
    file32(format.little ? 0x00040002 : 0x00020004);
    file32(0);
    file32(0);
    file32(65535);
    file32(format.link);
  }

  /// A segment from the client, or the server; at second `seconds`.
  void segment(bool from_client, std::uint32_t sequence, std::span<const std::byte> data,
               bool syn = false, std::uint32_t seconds = 5) {
    Wire frame = link_header();
    const std::size_t ip_size = (format_.v6 ? 40 : 20) + 20 + data.size();
    if (format_.v6) {
      put(frame, 0x60000000, 4);
      put(frame, ip_size - 40, 2);
      put(frame, 0x0640, 2);
      for (const bool client : {from_client, !from_client}) {
        put(frame, 0xfd00000000000000, 8);
        put(frame, client ? 1 : 2, 8);
      }
    } else {
      put(frame, 0x4500, 2);
      put(frame, ip_size, 2);
      put(frame, 0, 4);
      put(frame, 0x4006, 2);
      put(frame, 0, 2);
      put(frame, from_client ? 0x0a000001 : 0x0a000002, 4);
      put(frame, from_client ? 0x0a000002 : 0x0a000001, 4);
    }
    put(frame, from_client ? 40000 : 6653, 2);
    put(frame, from_client ? 6653 : 40000, 2);
    put(frame, sequence, 4);
    put(frame, 0, 4);
    put(frame, syn ? 0x5002 : 0x5010, 2);
    put(frame, 0, 6);
    frame.insert(frame.end(), data.begin(), data.end());
    file32(seconds);
    file32(7);
    file32(static_cast<std::uint32_t>(frame.size()));
    file32(static_cast<std::uint32_t>(frame.size()));
    file_.insert(file_.end(), frame.begin(), frame.end());
  }

  const Wire& file() const { return file_; }

 private:
  static void put(Wire& to, std::uint64_t value, std::size_t size) {
    while (size-- > 0) to.push_back(std::byte(value >> (8 * size) & 0xff));
  }
  void file32(std::uint32_t value) {
    put(file_, format_.little ? __builtin_bswap32(value) : value, 4);
  }
  Wire link_header() const {
    Wire header;
    const std::uint64_t type = format_.v6 ? 0x86dd : 0x0800;
    switch (format_.link) {
      case 1:
        header.resize(12);
        if (format_.vlan) put(header, 0x81000005, 4);
        put(header, type, 2);
        break;
      case 113:
        header.resize(14);
        put(header, type, 2);
        break;
      case 276:
        put(header, type, 2);
        header.resize(20);
        break;
      case 0:
        header.resize(4);
        break;
      default:
        break;
    }
    return header;
  }

  Format format_;
  Wire file_;
};

struct Found {
  bool from_client;
  Wire wire;
  std::size_t lost;
  friend bool operator==(const Found&, const Found&) = default;
};
struct Reading {
  std::vector<Found> messages;
  CaptureSummary summary;
};
Reading read(std::span<const std::byte> file) {
  Reading reading;
  const auto summary = read_capture(file, [&](const CapturedMessage& message) {
    reading.messages.push_back({message.source.port == 40000,
                                Wire(message.wire.begin(), message.wire.end()),
                                message.lost_before});
  });
  EXPECT_TRUE(summary.has_value()) << summary.error().to_string();
  if (summary) reading.summary = *summary;
  return reading;
}

Wire encoded(std::uint32_t xid, const Message& message) {
  Wire wire;
  EXPECT_TRUE(encode(xid, message, wire));
  return wire;
}
/// A hello and then echoes of many sizes, as one stream.
std::vector<Wire> sample_messages() {
  std::vector<Wire> messages{encoded(1, Hello{})};
  for (std::uint32_t i = 2; i < 60; ++i)
    messages.push_back(encoded(i, EchoRequest{Bytes(i * i % 700, std::byte{0xee})}));
  return messages;
}
Wire joined(const std::vector<Wire>& messages) {
  Wire all;
  for (const Wire& message : messages) all.insert(all.end(), message.begin(), message.end());
  return all;
}
std::vector<Found> found(const std::vector<Wire>& messages, bool from_client = true) {
  std::vector<Found> all;
  for (const Wire& message : messages) all.push_back({from_client, message, 0});
  return all;
}

struct Piece {
  std::uint32_t sequence;
  std::span<const std::byte> data;
};
/// The stream in pieces of up to `size` bytes, from behind a SYN with this sequence number.
std::vector<Piece> cut(const Wire& stream, std::size_t size, std::uint32_t syn) {
  std::vector<Piece> pieces;
  for (std::size_t at = 0; at < stream.size(); at += size)
    pieces.push_back({syn + 1 + static_cast<std::uint32_t>(at),
                      std::span(stream).subspan(at, std::min(size, stream.size() - at))});
  return pieces;
}

TEST(Capture, EveryFormatGivesBothDirections) {
  const Wire hello = encoded(1, Hello{});
  const Wire features = encoded(2, FeaturesRequest{});
  for (const Format& format : kFormats) {
    CaptureWriter writer(format);
    writer.segment(true, 100, {}, true);
    writer.segment(false, 900, {}, true);
    writer.segment(true, 101, hello);
    writer.segment(false, 901, hello);
    writer.segment(true, 101 + static_cast<std::uint32_t>(hello.size()), features);
    const Reading got = read(writer.file());
    const std::vector<Found> want{{true, hello, 0}, {false, hello, 0}, {true, features, 0}};
    EXPECT_EQ(got.messages, want) << format.name;
    EXPECT_EQ(got.summary, (CaptureSummary{5, 3, 0, false})) << format.name;
  }
}

TEST(Capture, TellsTimeAndEnds) {
  for (const Format& format : {kFormats[0], kFormats[3]}) {
    CaptureWriter writer(format);
    writer.segment(true, 100, {}, true);
    writer.segment(true, 101, encoded(1, Hello{}), false, 77);
    const auto summary = read_capture(writer.file(), [&](const CapturedMessage& message) {
      const std::int64_t fraction = format.nanoseconds ? 7 : 7000;
      EXPECT_EQ(message.time, std::chrono::seconds(77) + std::chrono::nanoseconds(fraction));
      EXPECT_EQ(message.source.address.to_string(), format.v6 ? "fd00::1" : "10.0.0.1");
      EXPECT_EQ(message.destination.port, 6653);
    });
    EXPECT_TRUE(summary.has_value());
  }
}

TEST(Capture, AnyOrderOfSegmentsGivesTheStream) {
  const auto messages = sample_messages();
  const Wire stream = joined(messages);
  std::mt19937 random(1);
  // Sequence numbers wrap in the second.
  for (const std::uint32_t syn : {1000U, 0xffffff00U})
    for (const std::size_t size : {1U, 7U, 100U, 1448U}) {
      auto pieces = cut(stream, size, syn);
      const std::size_t count = pieces.size();
      for (std::size_t i = 0; i < count; i += 3) pieces.push_back(pieces[i]);  // sent again
      // What overlaps the piece before and behind it.
      if (count > 2)
        pieces.push_back(
            {pieces[0].sequence, std::span(stream).first(std::min(3 * size, stream.size()))});
      std::shuffle(pieces.begin(), pieces.end(), random);
      CaptureWriter writer(kFormats[0]);
      writer.segment(true, syn, {}, true);
      for (const Piece& piece : pieces) writer.segment(true, piece.sequence, piece.data);
      const Reading got = read(writer.file());
      EXPECT_EQ(got.messages, found(messages)) << size << " bytes a segment";
      EXPECT_EQ(got.summary.lost_bytes, 0U);
    }
}

TEST(Capture, GoesOnBehindAGap) {
  const auto messages = sample_messages();
  const Wire stream = joined(messages);
  constexpr std::size_t kSize = 100;
  const auto pieces = cut(stream, kSize, 1000);
  for (std::size_t missing = 1; missing + 2 < pieces.size(); missing += 5) {
    CaptureWriter writer(kFormats[0]);
    writer.segment(true, 1000, {}, true);
    for (std::size_t i = 0; i < pieces.size(); ++i)
      if (i != missing) writer.segment(true, pieces[i].sequence, pieces[i].data);
    const Reading got = read(writer.file());
    // Whole messages in front of the gap, and those that start behind it, are found.
    std::vector<Wire> want;
    std::size_t at = 0;
    std::size_t bytes = 0;
    for (const Wire& message : messages) {
      const bool before = at + message.size() <= missing * kSize;
      const bool behind = at >= (missing + 1) * kSize;
      if (before || behind) {
        want.push_back(message);
        bytes += message.size();
      }
      at += message.size();
    }
    std::vector<Wire> have;
    for (const Found& message : got.messages) have.push_back(message.wire);
    EXPECT_EQ(have, want) << "piece " << missing;
    EXPECT_EQ(got.summary.lost_bytes, stream.size() - bytes);
  }
}

TEST(Capture, StartsInsideAConnection) {
  const auto messages = sample_messages();
  const Wire stream = joined(messages);
  const std::size_t first = messages[0].size() + messages[1].size();
  CaptureWriter writer(kFormats[0]);
  // From inside the second message on.
  const std::size_t start = first - 2;
  writer.segment(true, 5000, std::span(stream).subspan(start));
  const Reading got = read(writer.file());
  auto want = found(std::vector<Wire>(messages.begin() + 2, messages.end()));
  want[0].lost = 2;
  EXPECT_EQ(got.messages, want);
}

TEST(Capture, LeavesOtherProtocolsAlone) {
  CaptureWriter writer(kFormats[0]);
  writer.segment(true, 1, {}, true);
  writer.segment(true, 2, as_byte_span("GET / HTTP/1.1\r\nHost: example\r\n\r\n"));
  const Reading got = read(writer.file());
  EXPECT_TRUE(got.messages.empty());
  EXPECT_EQ(got.summary, (CaptureSummary{2, 0, 0, false}));
}

TEST(Capture, SaysWhatIsNoCapture) {
  const auto refused = [](std::string_view bytes) {
    const auto summary = read_capture(as_byte_span(bytes), [](const CapturedMessage&) {});
    return summary ? std::string() : summary.error().cause;
  };
  EXPECT_NE(refused("").find("shorter"), std::string::npos);
  EXPECT_NE(refused(std::string(24, 'x')).find("does not start"), std::string::npos);
  EXPECT_NE(refused("\x0a\x0d\x0d\x0a" + std::string(20, 'x')).find("pcapng"), std::string::npos);
}

TEST(Capture, SurvivesAnyBytes) {
  const Wire stream = joined(sample_messages());
  std::mt19937 random(2);
  for (const Format& format : kFormats) {
    CaptureWriter writer(format);
    writer.segment(true, 1000, {}, true);
    for (const Piece& piece : cut(stream, 300, 1000))
      writer.segment(true, piece.sequence, piece.data);
    for (int round = 0; round < 300; ++round) {
      Wire file = writer.file();
      for (int i = 0; i < 20; ++i) file[24 + random() % (file.size() - 24)] = std::byte(random());
      file.resize(24 + random() % (file.size() - 24));
      const auto summary = read_capture(file, [](const CapturedMessage& message) {
        EXPECT_GE(message.wire.size(), kHeaderSize);
      });
      EXPECT_TRUE(summary.has_value());
    }
  }
}

/// Per message who sent it, and the first line of its text.
std::vector<std::string> as_ovs_ofctl(const std::string& printed) {
  std::vector<std::string> messages;
  std::istringstream lines(printed);
  for (std::string line; std::getline(lines, line);) {
    if (line.find(" > ") == std::string::npos || !line.ends_with(':')) continue;
    std::string text;
    std::getline(lines, text);
    messages.push_back(line + ' ' + text);
  }
  return messages;
}

TEST(Capture, TellsTheMessagesThatOvsOfctlTells) {
  if (!testing::ovs_ofctl_installed()) GTEST_SKIP() << "ovs-ofctl is not installed";
  CaptureWriter writer(kFormats[0]);
  std::array<Wire, 2> streams;  // of the server, of the client
  for (Wire& stream : streams) stream = encoded(1, Hello{});
  std::size_t turn = 0;
  for (const testing::Vector& v : testing::load_vectors()) {
    if (v.kind != "message" || !v.error.empty() || v.hex.substr(0, 2) != "06") continue;
    const Wire wire = v.bytes();
    Wire& stream = streams[turn++ % 2];
    if (peek_header(wire)->length == wire.size())
      stream.insert(stream.end(), wire.begin(), wire.end());
  }
  for (const bool client : {false, true}) {
    writer.segment(client, 1000, {}, true);
    for (const Piece& piece : cut(streams[client ? 1 : 0], 1400, 1000))
      writer.segment(client, piece.sequence, piece.data);
  }
  std::vector<std::string> ours;
  const auto summary = read_capture(writer.file(), [&](const CapturedMessage& message) {
    const auto end = [](const CaptureEndpoint& e) {
      return e.address.to_string() + '.' + std::to_string(e.port);
    };
    const std::string text = print_message(message.wire);
    ours.push_back(end(message.source) + " > " + end(message.destination) + ": " +
                   text.substr(0, text.find('\n')));
  });
  ASSERT_TRUE(summary.has_value());
  const auto theirs = as_ovs_ofctl(testing::ovs_ofctl("ofp-parse-pcap", writer.file()));
  EXPECT_GT(ours.size(), 500U);
  ASSERT_EQ(ours.size(), theirs.size());
  // Texts are the business of another test; here, which message came from whom.
  for (std::size_t i = 0; i < ours.size(); ++i) {
    const auto name = [](const std::string& line) { return line.substr(0, line.find("):")); };
    EXPECT_EQ(name(ours[i]), name(theirs[i])) << i;
  }
}

}  // namespace
}  // namespace antrea::openflow
