#include "antrea/egress/gossip_message.h"
#include "msgpack.h"

namespace antrea::egress {

std::string GossipEndpoint::to_string() const {
  const auto host = address.to_string();
  return (address.is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string_view to_string(MemberState state) {
  switch (state) {
    case MemberState::kAlive:
      return "alive";
    case MemberState::kSuspect:
      return "suspect";
    case MemberState::kDead:
      return "dead";
    case MemberState::kLeft:
      return "left";
  }
  return "unknown";
}

namespace gossip {
namespace {

Bytes start(GossipType type) { return {std::byte(type)}; }

/// The three fields of pings that are left out where they say nothing.
template <typename PingLike>
std::size_t source_fields(const PingLike& m) {
  return (m.source_address ? 1U : 0U) + (m.source_node.empty() ? 0U : 1U) +
         (m.source_port == 0 ? 0U : 1U);
}
template <typename PingLike>
void write_source(MsgpackWriter& out, const PingLike& m) {
  if (m.source_address) out.key("SourceAddr"), out.address(*m.source_address);
  if (!m.source_node.empty()) out.key("SourceNode"), out.text(m.source_node);
  if (m.source_port != 0) out.key("SourcePort"), out.number(m.source_port);
}

void write_versions(MsgpackWriter& out, const GossipVersions& v) {
  const std::array raw{std::byte{v.protocol_min}, std::byte{v.protocol_max}, std::byte{v.protocol},
                       std::byte{v.delegate_min}, std::byte{v.delegate_max}, std::byte{v.delegate}};
  out.key("Vsn");
  out.bytes(raw);
}

Bytes write(const Ping& m) {
  auto bytes = start(GossipType::kPing);
  MsgpackWriter out(bytes);
  out.map(2 + source_fields(m));
  out.key("Node"), out.text(m.node);
  out.key("SeqNo"), out.number(m.sequence);
  write_source(out, m);
  return bytes;
}

Bytes write(const IndirectPing& m) {
  auto bytes = start(GossipType::kIndirectPing);
  MsgpackWriter out(bytes);
  out.map(5 + source_fields(m));
  out.key("Nack"), out.boolean(m.nack);
  out.key("Node"), out.text(m.node);
  out.key("Port"), out.number(m.port);
  out.key("SeqNo"), out.number(m.sequence);
  write_source(out, m);
  out.key("Target"), out.address(m.target);
  return bytes;
}

Bytes write(const Ack& m) {
  auto bytes = start(GossipType::kAck);
  MsgpackWriter out(bytes);
  out.map(2);
  out.key("Payload"), out.bytes(m.payload);
  out.key("SeqNo"), out.number(m.sequence);
  return bytes;
}

Bytes write(const Nack& m) {
  auto bytes = start(GossipType::kNack);
  MsgpackWriter out(bytes);
  out.map(1);
  out.key("SeqNo"), out.number(m.sequence);
  return bytes;
}

template <typename Accusation>
Bytes write_accusation(GossipType type, const Accusation& m) {
  auto bytes = start(type);
  MsgpackWriter out(bytes);
  out.map(3);
  out.key("From"), out.text(m.from);
  out.key("Incarnation"), out.number(m.incarnation);
  out.key("Node"), out.text(m.node);
  return bytes;
}
Bytes write(const Suspect& m) { return write_accusation(GossipType::kSuspect, m); }
Bytes write(const Dead& m) { return write_accusation(GossipType::kDead, m); }

Bytes write(const Alive& m) {
  auto bytes = start(GossipType::kAlive);
  MsgpackWriter out(bytes);
  out.map(6);
  out.key("Addr"), out.address(m.endpoint.address);
  out.key("Incarnation"), out.number(m.incarnation);
  out.key("Meta"), out.bytes(m.meta);
  out.key("Node"), out.text(m.node);
  out.key("Port"), out.number(m.endpoint.port);
  write_versions(out, m.versions);
  return bytes;
}

Bytes write(const PushPull& m) {
  auto bytes = start(GossipType::kPushPull);
  MsgpackWriter out(bytes);
  out.map(3);
  out.key("Join"), out.boolean(m.join);
  out.key("Nodes"), out.number(m.nodes.size());
  out.key("UserStateLen"), out.number(m.user_state.size());
  for (const auto& node : m.nodes) {
    out.map(7);
    out.key("Addr"), out.address(node.endpoint.address);
    out.key("Incarnation"), out.number(node.incarnation);
    out.key("Meta"), out.bytes(node.meta);
    out.key("Name"), out.text(node.name);
    out.key("Port"), out.number(node.endpoint.port);
    out.key("State"), out.number(static_cast<std::uint8_t>(node.state));
    write_versions(out, node.versions);
  }
  bytes.insert(bytes.end(), m.user_state.begin(), m.user_state.end());
  return bytes;
}

Bytes write(const User& m) {
  auto bytes = start(GossipType::kUser);
  bytes.insert(bytes.end(), m.body.begin(), m.body.end());
  return bytes;
}

Bytes write(const ErrorReply& m) {
  auto bytes = start(GossipType::kError);
  MsgpackWriter out(bytes);
  out.map(1);
  out.key("Error"), out.text(m.text);
  return bytes;
}

}  // namespace

Bytes encode(const Message& message) {
  return std::visit([](const auto& m) { return write(m); }, message);
}

Bytes encode_for_stream(const Message& message) {
  const auto* user = std::get_if<User>(&message);
  if (user == nullptr) return encode(message);
  auto bytes = start(GossipType::kUser);
  MsgpackWriter out(bytes);
  out.map(1);
  out.key("UserMsgLen"), out.number(user->body.size());
  bytes.insert(bytes.end(), user->body.begin(), user->body.end());
  return bytes;
}

}  // namespace gossip
}  // namespace antrea::egress
