#include "antrea/openflow/codec.h"
#include "message_codec.h"
#include "nicira_codec.h"
#include "nicira_property.h"

namespace antrea::openflow {
namespace detail {
namespace {

Fault view_standard(In in, PacketInView& view) {
  pull_packet_head(in, view);
  const std::uint16_t type = in.be16();
  const std::uint16_t length = in.be16();
  if (in.failed()) return &errors::kBadLen;
  if (length < 4) return &errors::kMatchBadLen;
  if (type != 1) return &errors::kMatchBadType;
  view.metadata = in.take(length - 4U);
  in.skip(pad8(length) - length);
  if (in.failed()) return &errors::kMatchBadLen;
  in.skip(2);
  if (in.failed()) return &errors::kBadLen;
  view.packet = in.rest();
  return nullptr;
}

Fault view_nicira(In in, PacketInView& view) {
  pull_packet_head(in, view);
  const std::uint16_t length = in.be16();
  in.skip(6);
  if (in.failed()) return &errors::kBadLen;
  view.metadata = in.take(length);
  in.skip(pad8(length) - length);
  if (in.failed()) return &errors::kMatchBadLen;
  in.skip(2);
  if (in.failed()) return &errors::kBadLen;
  view.packet = in.rest();
  return nullptr;
}

Fault view_property(const Property& property, PacketInView& view) {
  In body = property.body;
  const auto number = [&](auto& to, std::size_t size) {
    const auto value = take_number(body, size);
    if (!value) return &errors::kPropertyBadLen;
    to = static_cast<std::remove_reference_t<decltype(to)>>(value->lo);
    return Fault{};
  };
  switch (property.type) {
    case 0:
      view.packet = body.rest();
      return nullptr;
    case 1:
      return number(view.total_len, 4);
    case 2:
      return number(view.buffer_id, 4);
    case 3:
      return number(view.table.value, 1);
    case 4:
      return number(view.cookie, 8);
    case 5:
      return number(view.reason, 1);
    case 6:
      view.metadata = body.rest();
      return nullptr;
    case 7:
      view.userdata = body.rest();
      return nullptr;
    case 8:
      view.continuation = body.rest();
      return view.continuation.size() < 4 ? &errors::kPropertyBadLen : nullptr;
    default:
      return nullptr;
  }
}

Fault view_properties(In in, PacketInView& view) {
  while (!in.empty()) {
    Property property;
    if (const Fault fault = pull_property(in, property)) return fault;
    if (const Fault fault = view_property(property, view)) return fault;
  }
  if (view.total_len == 0) view.total_len = static_cast<std::uint32_t>(view.packet.size());
  return view.packet.empty() || view.total_len < view.packet.size() ? &errors::kBadLen : nullptr;
}

Fault view_any(std::span<const std::byte> wire, PacketInView& view) {
  In in(wire);
  const std::uint8_t version = in.u8();
  const std::uint8_t type = in.u8();
  const std::uint16_t length = in.be16();
  in.skip(4);
  if (in.failed() || length != wire.size()) return &errors::kBadLen;
  if (version != kOpenFlow15) return &errors::kBadVersion;
  if (type == message_type::kPacketIn) return view_standard(in, view);
  if (type != message_type::kExperimenter) return &errors::kBadType;
  const std::uint32_t experimenter = in.be32();
  const std::uint32_t number = in.be32();
  if (in.failed() || experimenter != kNiciraVendor) return &errors::kBadType;
  if (number == kNxtPacketIn) return view_nicira(in, view);
  return number == kNxtPacketIn2 ? view_properties(in, view) : &errors::kBadType;
}

}  // namespace
}  // namespace detail

DecodeResult<PacketInView> PacketInView::of(std::span<const std::byte> wire) {
  DecodeResult<PacketInView> view = PacketInView();
  if (const detail::Fault fault = detail::view_any(wire, *view)) return detail::fail(*fault, 0);
  return view;
}

DecodeResult<Match> PacketInView::decode_metadata() const {
  DecodeResult<Match> match = Match();
  detail::In fields(metadata);
  if (const auto error = detail::pull_match_fields(fields, *match, detail::MatchRule::kLoose))
    return *error;
  return match;
}

}  // namespace antrea::openflow
