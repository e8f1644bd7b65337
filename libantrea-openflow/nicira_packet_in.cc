#include <utility>

#include "nicira_property.h"

// NXT_PACKET_IN2 and NXT_RESUME: the same properties.
namespace antrea::openflow::detail {
namespace {

enum PacketInProperty : unsigned {
  kPacket = 0,
  kFullLen = 1,
  kBufferId = 2,
  kTableId = 3,
  kCookie = 4,
  kReason = 5,
  kMetadata = 6,
  kUserdata = 7,
  kContinuation = 8,
};
constexpr unsigned kPacketInOrder[] = {kPacket, kFullLen,  kBufferId, kTableId,     kCookie,
                                       kReason, kMetadata, kUserdata, kContinuation};

/// Reads one property; unknown ones are kept.
Fault take_property(const Property& property, PacketInProperties& p) {
  In body = property.body;
  switch (property.type) {
    case kPacket:
      p.packet = to_bytes(body.rest());
      return nullptr;
    case kFullLen:
      return take_into(body, p.full_len);
    case kBufferId:
      return take_into(body, p.buffer_id);
    case kTableId:
      p.table = TableId{body.u8()};
      return body.failed() ? &errors::kPropertyBadLen : nullptr;
    case kCookie:
      return take_into(body, p.cookie);
    case kReason:
      return take_into(body, p.reason);
    case kUserdata:
      p.userdata = to_bytes(body.rest());
      return nullptr;
    case kContinuation:
      if (body.remaining() < 4) return &errors::kPropertyBadLen;
      p.continuation = to_bytes(body.rest());
      return nullptr;
    default:
      p.other_properties.insert(p.other_properties.end(), property.raw.begin(), property.raw.end());
      return nullptr;
  }
}

template <typename Properties>
DecodeResult<Message> pull(In in) {
  Properties p;
  PropertyOrder came;
  while (!in.empty()) {
    const std::size_t offset = in.offset();
    Property property;
    if (const Fault fault = pull_property(in, property)) return fail(*fault, offset);
    if (property.type == kMetadata) {
      auto match = pull_kept_fields(property.body, MatchRule::kLoose, p.metadata_fields);
      if (match.has_error()) return match.error();
      p.metadata = std::move(*match);
    } else {
      if (const Fault fault = take_property(property, p)) return fail(*fault, offset);
    }
    if (property.type <= kContinuation && !came.contains(property.type))
      came.push_back(property.type);
  }
  if (p.packet.empty() || (p.full_len.value_or(0) != 0 && *p.full_len < p.packet.size()))
    return fail(errors::kBadLen, in);
  if (!in_usual_order(came, kPacketInOrder)) p.order = came;
  return Message{std::move(p)};
}

void put_metadata(Out& out, const PacketInProperties& p) {
  if (!p.metadata) return;
  const std::size_t start = out.size();
  out.be32(kMetadata << 16);
  put_kept_fields(out, *p.metadata, p.metadata_fields);
  out.patch16(start + 2, out.size() - start);
  out.pad_from(start);
}

}  // namespace

DecodeResult<Message> pull_packet_in2(In in) { return pull<PacketIn2>(in); }
DecodeResult<Message> pull_resume(In in) { return pull<Resume>(in); }

void put_packet_in_properties(Out& out, const PacketInProperties& p) {
  each_in_order(p.order, kPacketInOrder, [&](unsigned type) {
    switch (type) {
      case kPacket:
        if (!p.packet.empty()) put_property(out, type, p.packet);
        return;
      case kFullLen:
        return put_if(out, type, p.full_len);
      case kBufferId:
        return put_if(out, type, p.buffer_id);
      case kTableId:
        if (p.table) put_number(out, type, p.table->value, 1);
        return;
      case kCookie:
        return put_if(out, type, p.cookie);
      case kReason:
        return put_if(out, type, p.reason);
      case kMetadata:
        return put_metadata(out, p);
      case kUserdata:
        if (!p.userdata.empty()) put_property(out, type, p.userdata);
        return;
      case kContinuation:
        if (p.continuation) put_property(out, type, *p.continuation);
        return;
      default:
        return;
    }
  });
  out.bytes(p.other_properties);
}

}  // namespace antrea::openflow::detail
