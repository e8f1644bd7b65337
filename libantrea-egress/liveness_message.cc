#include "liveness_message.h"

#include <algorithm>

namespace antrea::egress::liveness {
namespace {

constexpr std::string_view kMagic = "AL1";
constexpr std::uint8_t kHello = 1, kQuestion = 2, kAnswer = 3;
constexpr std::uint8_t kHearsYou = 1, kAnswerAtOnce = 2, kWatchesYou = 4;

void write_name(ByteWriter& out, std::string_view name) {
  name = name.substr(0, 255);
  out.u8(static_cast<std::uint8_t>(name.size()));
  out.bytes(as_byte_span(name));
}
std::string read_name(ByteReader& in) {
  const auto part = in.take(in.u8());
  return {reinterpret_cast<const char*>(part.data()), part.size()};
}

void write(ByteWriter& out, const Hello& m) {
  out.be32(m.epoch);
  out.be32(m.sequence);
  out.be32(m.echo_epoch);
  out.be32(m.echo_sequence);
  out.be16(m.interval_ms);
  out.be16(m.detection_ms);
  out.u8(static_cast<std::uint8_t>((m.hears_you ? kHearsYou : 0) |
                                   (m.answer_at_once ? kAnswerAtOnce : 0) |
                                   (m.watches_you ? kWatchesYou : 0)));
}
void write(ByteWriter& out, const Question& m) {
  out.be32(m.number);
  write_name(out, m.about);
}
void write(ByteWriter& out, const Answer& m) {
  out.be32(m.number);
  write_name(out, m.about);
  out.u8(m.heard ? 1 : 0);
}

}  // namespace

Bytes encode(const Message& message) {
  Bytes bytes;
  ByteWriter out(bytes);
  out.bytes(as_byte_span(kMagic));
  out.u8(static_cast<std::uint8_t>(message.index() + 1));
  std::visit(
      [&](const auto& m) {
        write_name(out, m.from);
        write(out, m);
      },
      message);
  return bytes;
}

std::optional<Message> decode(std::span<const std::byte> body) {
  ByteReader in(body);
  if (!std::ranges::equal(in.take(kMagic.size()), as_byte_span(kMagic))) return std::nullopt;
  const auto kind = in.u8();
  auto from = read_name(in);
  Message out;
  if (kind == kHello) {
    Hello m{.from = std::move(from)};
    m.epoch = in.be32();
    m.sequence = in.be32();
    m.echo_epoch = in.be32();
    m.echo_sequence = in.be32();
    m.interval_ms = in.be16();
    m.detection_ms = in.be16();
    const auto flags = in.u8();
    m.hears_you = (flags & kHearsYou) != 0;
    m.answer_at_once = (flags & kAnswerAtOnce) != 0;
    m.watches_you = (flags & kWatchesYou) != 0;
    out = std::move(m);
  } else if (kind == kQuestion) {
    Question m{.from = std::move(from)};
    m.number = in.be32();
    m.about = read_name(in);
    out = std::move(m);
  } else if (kind == kAnswer) {
    Answer m{.from = std::move(from)};
    m.number = in.be32();
    m.about = read_name(in);
    m.heard = in.u8() == 1;
    out = std::move(m);
  } else {
    return std::nullopt;
  }
  if (in.failed()) return std::nullopt;
  return out;
}

}  // namespace antrea::egress::liveness
