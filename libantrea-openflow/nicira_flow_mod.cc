#include <utility>

#include "antrea/openflow/message.h"
#include "facts.h"
#include "nicira_codec.h"
#include "tlv.h"

// NXT_FLOW_MOD, whose match may also choose flows by their cookie.
namespace antrea::openflow::detail {
namespace {

/// NXM_NX_COOKIE, a field of no packet: its header without mask, value of 8 bytes.
constexpr std::uint32_t kCookie = 0x00013c08, kMaskedCookie = 0x00013d10;

/// NXBRC_NXM_INVALID.
constexpr OfError kInvalidMatch{0xffff, 2, kNiciraVendor};

/// The fields of such a match, and the cookie that stands among them.
struct CookieMatch {
  Match match;
  PacketFacts facts;
  std::optional<Masked> cookie;
};

/// Where a TLV with the cookie starts, or the end.
std::size_t find_cookie(std::span<const std::byte> fields) {
  for (std::size_t at = 0; fields.size() - at >= 4;) {
    const auto header = load_be<std::uint32_t>(fields.data() + at);
    const std::size_t end = at + 4 + (header & 0xff);
    if (end > fields.size()) break;
    if (header == kCookie || header == kMaskedCookie) return at;
    at = end;
  }
  return fields.size();
}

std::optional<DecodeError> pull_cookie_match(In& in, CookieMatch& result) {
  const auto came = in.peek_rest();
  const std::size_t place = find_cookie(came);
  if (place == came.size())
    return pull_match_fields(in, result.match, MatchRule::kStrict, &result.facts);
  In tlv = in.part(place, came.size() - place);
  const bool masked = tlv.be32() == kMaskedCookie;
  Masked& cookie = result.cookie.emplace(Masked{tlv.be64(), ~std::uint64_t{0}});
  if (masked) cookie.mask = tlv.be64();
  if (!cookie.value.within(cookie.mask)) {
    // What stands before it is told first.
    In before = in.part(0, place);
    const auto error = pull_match_fields(before, result.match, MatchRule::kStrict);
    return error ? error : fail(errors::kMatchBadWildcards, tlv);
  }
  Bytes others = to_bytes(came.first(place));
  const auto behind = tlv.peek_rest();
  others.insert(others.end(), behind.begin(), behind.end());
  if (find_cookie(others) != others.size()) return fail(errors::kMatchDupField, tlv);
  In fields(others);
  if (const auto error = pull_match_fields(fields, result.match, MatchRule::kStrict, &result.facts))
    return fail(error->error, in);
  return {};
}

void put_cookie_match(Out& out, const NxFlowMod& m) {
  if (!m.match_fields.empty()) {
    CookieMatch said;
    In kept(m.match_fields);
    const bool readable = !pull_cookie_match(kept, said);
    const Masked cookie = said.cookie.value_or(Masked{});
    if (readable && said.match == m.mod.flow.match &&
        cookie == Masked{m.mod.cookie_mask == 0 ? 0 : m.mod.flow.cookie, m.mod.cookie_mask})
      return out.bytes(m.match_fields);
  }
  put_match_fields(out, m.mod.flow.match);
  if (m.mod.cookie_mask == 0) return;
  const bool masked = m.mod.cookie_mask != ~std::uint64_t{0};
  out.be32(masked ? kMaskedCookie : kCookie);
  out.be64(m.mod.flow.cookie);
  if (masked) out.be64(m.mod.cookie_mask);
}

/// Ports of OpenFlow 1.0 have 16 bits; the reserved ones stand at the end of either range.
PortNo wide_port(std::uint16_t port) {
  return PortNo{port >= 0xff00 ? 0xffff0000U | port : std::uint32_t{port}};
}

}  // namespace

DecodeResult<Message> pull_nx_flow_mod(In in) {
  DecodeResult<Message> result = Message(std::in_place_type<NxFlowMod>);
  NxFlowMod& m = std::get<NxFlowMod>(*result);
  FlowMod& mod = m.mod;
  m.new_cookie = in.be64();
  const std::size_t command_at = in.offset();
  mod.flow.table = TableId{in.u8()};
  const std::uint8_t command = in.u8();
  mod.command = static_cast<FlowCommand>(command);
  mod.flow.idle_timeout = in.be16();
  mod.flow.hard_timeout = in.be16();
  mod.flow.priority = in.be16();
  mod.buffer_id = in.be32();
  mod.out_port = wide_port(in.be16());
  const std::size_t flags_at = in.offset();
  mod.flow.flags = in.be16();
  const std::uint16_t size = in.be16();
  in.skip(6);
  if (pad8(size) > in.remaining()) return fail(errors::kMatchBadLen, in);
  In fields = in.sub(size);
  const auto came = fields.peek_rest();
  in.skip(pad8(size) - size);
  CookieMatch match;
  if (const auto error = pull_cookie_match(fields, match)) return *error;
  if (!match.facts.ct_addresses_fit()) return fail(errors::kActionMatchInconsistent, fields);
  if (command > 4) return fail(errors::kFlowModBadCommand, command_at);
  if (match.cookie && mod.command == FlowCommand::kAdd && !match.cookie->mask.zero())
    return fail(kInvalidMatch, fields);
  mod.flow.match = std::move(match.match);
  mod.cookie_mask = match.cookie ? match.cookie->mask.lo : 0;
  mod.flow.cookie = mod.command == FlowCommand::kAdd ? m.new_cookie
                    : match.cookie                   ? match.cookie->value.lo
                                                     : 0;
  if (const auto error = pull_flow_instructions(in, mod.flow, match.facts, flags_at)) return *error;
  m.match_fields = to_bytes(came);
  Bytes usual;
  Out writer(usual);
  NxFlowMod plain = m;
  plain.match_fields.clear();
  put_cookie_match(writer, plain);
  writer.finish();
  if (usual == m.match_fields) m.match_fields.clear();
  return result;
}

void put_nicira(Out& out, const NxFlowMod& m) {
  const Flow& flow = m.mod.flow;
  out.be64(m.new_cookie);
  out.u8(flow.table.value);
  out.u8(static_cast<std::uint8_t>(m.mod.command));
  out.be16(flow.idle_timeout);
  out.be16(flow.hard_timeout);
  out.be16(flow.priority);
  out.be32(m.mod.buffer_id);
  out.be16(static_cast<std::uint16_t>(m.mod.out_port.value));
  out.be16(flow.flags);
  const std::size_t length_at = out.size();
  out.zeros(8);
  const std::size_t start = out.size();
  put_cookie_match(out, m);
  out.patch16(length_at, out.size() - start);
  out.pad_from(start);
  put_instructions(out, flow);
}

}  // namespace antrea::openflow::detail
