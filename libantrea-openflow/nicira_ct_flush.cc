#include <utility>

#include "nicira_codec.h"
#include "nicira_property.h"

// NXT_CT_FLUSH: properties, of which two are tuples with properties of their own.
namespace antrea::openflow::detail {
namespace {

enum CtFlushProperty : unsigned {
  kOriginal = 0,
  kReply = 1,
  kZone = 2,
  kMark = 3,
  kMarkMask = 4,
  kLabels = 5,
  kLabelsMask = 6,
};
constexpr unsigned kCtFlushOrder[] = {kOriginal, kReply,  kZone,      kMark,
                                      kMarkMask, kLabels, kLabelsMask};

enum TupleType : unsigned {
  kSrc = 0,
  kDst = 1,
  kSrcPort = 2,
  kDstPort = 3,
  kIcmpId = 4,
  kIcmpType = 5,
  kIcmpCode = 6,
};
constexpr unsigned kUsualTupleOrder[] = {kSrc,    kDst,      kSrcPort, kDstPort,
                                         kIcmpId, kIcmpType, kIcmpCode};

void put_address(Out& out, unsigned type, const std::optional<IpAddress>& value) {
  if (!value) return;
  const auto bytes = value->mapped_bytes();
  put_property(out, type, std::as_bytes(std::span(bytes)));
}

void put_tuple(Out& out, unsigned type, const std::optional<CtTuple>& tuple) {
  if (!tuple) return;
  const std::size_t start = out.size();
  out.be32(type << 16);
  out.zeros(4);
  each_in_order(tuple->order, kUsualTupleOrder, [&](unsigned nested) {
    switch (nested) {
      case kSrc:
        return put_address(out, nested, tuple->src);
      case kDst:
        return put_address(out, nested, tuple->dst);
      case kSrcPort:
        return put_if(out, nested, tuple->src_port);
      case kDstPort:
        return put_if(out, nested, tuple->dst_port);
      case kIcmpId:
        return put_if(out, nested, tuple->icmp_id);
      case kIcmpType:
        return put_if(out, nested, tuple->icmp_type);
      case kIcmpCode:
        return put_if(out, nested, tuple->icmp_code);
      default:
        return;
    }
  });
  out.patch16(start + 2, out.size() - start);
}

/// Addresses of one IP version only; the unspecified one belongs to both.
Fault take_address(In body, std::optional<IpAddress>& to, std::optional<Family>& family) {
  const auto value = IpAddress::from_bytes(body.take(16));
  if (!value) return &errors::kPropertyBadLen;
  to = value->unmapped();
  std::optional<Family> its;
  if (!FieldValue(*to).zero()) its = to->is_v4() ? Family::kIPv4 : Family::kIPv6;
  if (family && its && family != its) return &errors::kPropertyBadValue;
  family = its;
  return nullptr;
}

Fault take_tuple_property(const Property& property, CtTuple& tuple, std::optional<Family>& family) {
  const In& body = property.body;
  switch (property.type) {
    case kSrc:
      return take_address(body, tuple.src, family);
    case kDst:
      return take_address(body, tuple.dst, family);
    case kSrcPort:
      return take_into(body, tuple.src_port);
    case kDstPort:
      return take_into(body, tuple.dst_port);
    case kIcmpId:
      return take_into(body, tuple.icmp_id);
    case kIcmpType:
      return take_into(body, tuple.icmp_type);
    case kIcmpCode:
      return take_into(body, tuple.icmp_code);
    default:
      return property.unknown();
  }
}

Fault pull_tuple(In in, std::optional<CtTuple>& to, std::optional<Family>& family) {
  CtTuple& tuple = to ? *to : to.emplace();
  PropertyOrder came;
  in.skip(4);
  if (in.failed()) return &errors::kPropertyBadLen;
  while (!in.empty()) {
    Property property;
    if (const Fault fault = pull_property(in, property)) return fault;
    if (const Fault fault = take_tuple_property(property, tuple, family)) return fault;
    if (!came.contains(property.type)) came.push_back(property.type);
  }
  if (!in_usual_order(came, kUsualTupleOrder)) tuple.order = came;
  return nullptr;
}

Fault take_property(const Property& property, NxCtFlush& flush, std::optional<Family>& family) {
  const In& body = property.body;
  switch (property.type) {
    case kOriginal:
      return pull_tuple(body, flush.original, family);
    case kReply:
      return pull_tuple(body, flush.reply, family);
    case kZone:
      return take_into(body, flush.zone);
    case kMark:
      return take_into(body, flush.mark);
    case kMarkMask:
      return take_into(body, flush.mark_mask);
    case kLabels:
      return take_into(body, flush.labels);
    case kLabelsMask:
      return take_into(body, flush.labels_mask);
    default:
      return property.unknown();
  }
}

}  // namespace

DecodeResult<Message> pull_ct_flush(In in) {
  NxCtFlush flush;
  flush.ip_proto = in.u8();
  if (!in.zeros(7)) return fail(errors::kNxMustBeZero, in);
  PropertyOrder came;
  std::optional<Family> family;
  while (!in.empty()) {
    const std::size_t offset = in.offset();
    Property property;
    if (const Fault fault = pull_property(in, property)) return fail(*fault, offset);
    if (const Fault fault = take_property(property, flush, family)) return fail(*fault, offset);
    if (!came.contains(property.type)) came.push_back(property.type);
  }
  if (!in_usual_order(came, kCtFlushOrder)) flush.order = came;
  return Message{std::move(flush)};
}

void put_nicira(Out& out, const NxCtFlush& m) {
  out.u8(m.ip_proto);
  out.zeros(7);
  each_in_order(m.order, kCtFlushOrder, [&](unsigned type) {
    switch (type) {
      case kOriginal:
        return put_tuple(out, type, m.original);
      case kReply:
        return put_tuple(out, type, m.reply);
      case kZone:
        return put_if(out, type, m.zone);
      case kMark:
        return put_if(out, type, m.mark);
      case kMarkMask:
        return put_if(out, type, m.mark_mask);
      case kLabels:
        return put_if(out, type, m.labels);
      case kLabelsMask:
        return put_if(out, type, m.labels_mask);
      default:
        return;
    }
  });
}

}  // namespace antrea::openflow::detail
