#include <limits>

#include "antrea/egress/gossip_message.h"
#include "gossip_fields.h"
#include "msgpack.h"

namespace antrea::egress::gossip {
namespace {

constexpr std::uint64_t kMax32 = std::numeric_limits<std::uint32_t>::max();

std::uint32_t number32(MsgpackReader& in) { return static_cast<std::uint32_t>(in.number(kMax32)); }
std::uint16_t number16(MsgpackReader& in) { return static_cast<std::uint16_t>(in.number(0xffff)); }

GossipVersions read_versions(MsgpackReader& in) {
  auto raw = in.bytes();
  raw.resize(6);
  const auto at = [&](std::size_t i) { return std::to_integer<std::uint8_t>(raw[i]); };
  return {at(0), at(1), at(2), at(3), at(4), at(5)};
}

/// Reads a map: `field(key)` reads the value of a key it knows and returns true, or returns false.
template <typename Field>
void read_map(MsgpackReader& in, Field&& field) {
  for (auto pairs = in.map(); pairs > 0 && !in.failed(); --pairs) {
    const auto key = in.text();
    if (!field(key)) in.skip();
  }
}

template <typename PingLike>
bool read_source(MsgpackReader& in, std::string_view key, PingLike& m) {
  if (key == "SourceAddr") return m.source_address = in.address(), true;
  if (key == "SourcePort") return m.source_port = number16(in), true;
  if (key == "SourceNode") return m.source_node = in.text(), true;
  return false;
}

Ping read_ping(MsgpackReader& in) {
  Ping m;
  read_map(in, [&](std::string_view key) {
    if (key == "SeqNo") return m.sequence = number32(in), true;
    if (key == "Node") return m.node = in.text(), true;
    return read_source(in, key, m);
  });
  return m;
}

IndirectPing read_indirect_ping(MsgpackReader& in) {
  IndirectPing m;
  bool has_target = false;
  read_map(in, [&](std::string_view key) {
    if (key == "SeqNo") return m.sequence = number32(in), true;
    if (key == "Node") return m.node = in.text(), true;
    if (key == "Port") return m.port = number16(in), true;
    if (key == "Nack") return m.nack = in.boolean(), true;
    if (key == "Target") {
      const auto target = in.address();
      has_target = target.has_value();
      m.target = target.value_or(IpAddress{});
      return true;
    }
    return read_source(in, key, m);
  });
  if (!has_target) in.fail();
  return m;
}

Ack read_ack(MsgpackReader& in) {
  Ack m;
  read_map(in, [&](std::string_view key) {
    if (key == "SeqNo") return m.sequence = number32(in), true;
    if (key == "Payload") return m.payload = in.bytes(), true;
    return false;
  });
  return m;
}

Nack read_nack(MsgpackReader& in) {
  Nack m;
  read_map(in, [&](std::string_view key) {
    return key == "SeqNo" ? (m.sequence = number32(in), true) : false;
  });
  return m;
}

template <typename Accusation>
Accusation read_accusation(MsgpackReader& in) {
  Accusation m;
  read_map(in, [&](std::string_view key) {
    if (key == "Incarnation") return m.incarnation = number32(in), true;
    if (key == "Node") return m.node = in.text(), true;
    if (key == "From") return m.from = in.text(), true;
    return false;
  });
  return m;
}

Alive read_alive(MsgpackReader& in) {
  Alive m;
  bool has_address = false;
  read_map(in, [&](std::string_view key) {
    if (key == "Incarnation") return m.incarnation = number32(in), true;
    if (key == "Node") return m.node = in.text(), true;
    if (key == "Port") return m.endpoint.port = number16(in), true;
    if (key == "Meta") return m.meta = in.bytes(), true;
    if (key == "Vsn") return m.versions = read_versions(in), true;
    if (key == "Addr") {
      const auto address = in.address();
      has_address = address.has_value();
      m.endpoint.address = address.value_or(IpAddress{});
      return true;
    }
    return false;
  });
  if (!has_address) in.fail();
  return m;
}

NodeState read_node_state(MsgpackReader& in) {
  NodeState m;
  bool has_address = false;
  read_map(in, [&](std::string_view key) {
    if (key == "Incarnation") return m.incarnation = number32(in), true;
    if (key == "Name") return m.name = in.text(), true;
    if (key == "Port") return m.endpoint.port = number16(in), true;
    if (key == "Meta") return m.meta = in.bytes(), true;
    if (key == "Vsn") return m.versions = read_versions(in), true;
    if (key == "State") return m.state = MemberState(in.number(3)), true;
    if (key == "Addr") {
      const auto address = in.address();
      has_address = address.has_value();
      m.endpoint.address = address.value_or(IpAddress{});
      return true;
    }
    return false;
  });
  if (!has_address) in.fail();
  return m;
}

PushPull read_push_pull(MsgpackReader& in) {
  const auto header = read_push_pull_header(in);
  PushPull m{.join = header.join};
  for (std::size_t i = 0; i < header.nodes && !in.failed(); ++i)
    m.nodes.push_back(read_node_state(in));
  const auto state = in.take(header.user_state_size);
  m.user_state.assign(state.begin(), state.end());
  return m;
}

ErrorReply read_error(MsgpackReader& in) {
  ErrorReply m;
  read_map(in, [&](std::string_view key) {
    return key == "Error" ? (m.text = in.text(), true) : false;
  });
  return m;
}

Error malformed(std::string_view what) {
  return make_error(Errc::kMalformed, "decode gossip message: " + std::string(what));
}

Result<Message> read(std::span<const std::byte> wire, bool stream) {
  if (wire.empty()) return malformed("no bytes");
  const auto type = std::to_integer<std::uint8_t>(wire[0]);
  MsgpackReader in(wire.subspan(1));
  Message out;
  switch (GossipType{type}) {
    case GossipType::kPing:
      out = read_ping(in);
      break;
    case GossipType::kIndirectPing:
      out = read_indirect_ping(in);
      break;
    case GossipType::kAck:
      out = read_ack(in);
      break;
    case GossipType::kNack:
      out = read_nack(in);
      break;
    case GossipType::kSuspect:
      out = read_accusation<Suspect>(in);
      break;
    case GossipType::kDead:
      out = read_accusation<Dead>(in);
      break;
    case GossipType::kAlive:
      out = read_alive(in);
      break;
    case GossipType::kPushPull:
      out = read_push_pull(in);
      break;
    case GossipType::kError:
      out = read_error(in);
      break;
    case GossipType::kUser: {
      const auto body = stream ? in.take(read_user_header(in)) : in.rest();
      out = User{{body.begin(), body.end()}};
      break;
    }
    default:
      return malformed("type " + std::to_string(type) + ", expected one of a single message");
  }
  if (in.failed())
    return malformed("type " + std::to_string(type) +
                     (in.truncated() ? " is cut off" : " has a wrong field") + " near byte " +
                     std::to_string(in.offset() + 1));
  return out;
}

}  // namespace

PushPullHeader read_push_pull_header(MsgpackReader& in) {
  PushPullHeader m;
  read_map(in, [&](std::string_view key) {
    if (key == "Join") return m.join = in.boolean(), true;
    if (key == "Nodes") return m.nodes = in.number(kMaxPushNodes), true;
    if (key == "UserStateLen") return m.user_state_size = in.number(kMaxUserState), true;
    return false;
  });
  return m;
}

std::size_t read_user_header(MsgpackReader& in) {
  std::size_t size = 0;
  read_map(in, [&](std::string_view key) {
    return key == "UserMsgLen" ? (size = in.number(kMaxStreamMessage), true) : false;
  });
  return size;
}

Result<Message> decode(std::span<const std::byte> wire) { return read(wire, false); }
Result<Message> decode_stream(std::span<const std::byte> wire) { return read(wire, true); }

}  // namespace antrea::egress::gossip
