#include "parse_action.h"
#include "parse_flow.h"
#include "parse_match.h"
#include "parse_names.h"

// Packet-outs of flow syntax, ovs-ofctl(8), "Packet-Out Syntax".
namespace antrea::openflow::detail {
namespace {

constexpr std::size_t kEthernetHeader = 14;

/// Fields of the pipeline, which a packet has before it is parsed.
bool in_pipeline(FieldId id) {
  return id == FieldId::kPacketType || id == FieldId::kMetadata || id == FieldId::kInPort ||
         id == FieldId::kInPortOxm || is_in(id, FieldId::kTunId, FieldId::kTunGtpuMsgType) ||
         is_in(id, FieldId::kReg0, FieldId::kXxreg7);
}

bool read_in_port(Source& source, std::string_view token, MatchBuilder& match) {
  std::uint16_t port = 0;
  if (!source.to_port16(token, port) || (port > 0xff00 && port != 0xfffd && port < 0xfffe))
    return source.fail(token, quoted(token) + " is no port that packets come from");
  return match.add(source, FieldId::kInPort, token, {port, 0xffff});
}

/// "(NAMESPACE,TYPE)", the parentheses being those of the pair.
bool read_packet_type(Source& source, std::string_view token, MatchBuilder& match) {
  const std::size_t comma = token.find(',');
  if (comma == std::string_view::npos) return source.fail(token, "expected NAMESPACE,TYPE");
  std::uint16_t space = 0;
  std::uint16_t type = 0;
  if (!read_u16(source, token.substr(0, comma), "namespace", space) ||
      !read_u16(source, token.substr(comma + 1), "type", type))
    return false;
  return match.add(source, FieldId::kPacketType, token,
                   {std::uint32_t{space} << 16 | type, 0xffffffff});
}

}  // namespace

bool read_packet_out(Source& source, std::string_view text, PacketOut& packet_out) {
  const FlowParts parts = split_flow(text);
  MatchBuilder match;
  (void)match.add(source, FieldId::kInPort, text, {0xfffd, 0xffff});
  std::vector<std::uint8_t> packet;
  Lexer lexer(parts.before);
  Pair pair;
  while (lexer.next(pair)) {
    if (pair.value.empty()) return source.fail(pair.key, quoted(pair.key) + " needs a value");
    bool good = true;
    if (pair.key == "in_port") {
      good = read_in_port(source, pair.value, match);
    } else if (pair.key == "packet_type") {
      good = read_packet_type(source, pair.value, match);
    } else if (pair.key == "packet") {
      packet.clear();
      good = read_bytes(source, pair.value, ' ', packet) &&
             (packet.size() >= kEthernetHeader ||
              source.fail(pair.value, "a packet has 14 bytes at least"));
    } else {
      const auto id = field_by_match_name(pair.key);
      if (!id) return source.fail(pair.key, "unknown keyword " + quoted(pair.key));
      Masked bits;
      if (!in_pipeline(*id))
        return source.fail(pair.key, std::string(pair.key) + " is no field of the pipeline");
      good = is_wide_value(*id, pair.value) ? match.add_wide(source, *id, pair.key, pair.value)
                                            : read_field_value(source, *id, pair.value, bits) &&
                                                  match.add(source, *id, pair.key, bits);
    }
    if (!good) return false;
  }
  if (packet.empty()) return source.fail(text, "expected \"packet=\"");
  if (parts.has_actions && !ActionParser(source, packet_out.actions).parse(parts.actions))
    return false;
  packet_out.match = match.finish();
  const auto bytes = std::as_bytes(std::span(packet));
  packet_out.packet.assign(bytes.begin(), bytes.end());
  return true;
}

}  // namespace antrea::openflow::detail
