#pragma once

#include <concepts>

#include "message_codec.h"

// Properties of Nicira's messages: a number right behind the header, of 8 bytes behind padding.
namespace antrea::openflow::detail {

void put_property(Out& out, unsigned type, std::span<const std::byte> value);
void put_number(Out& out, unsigned type, const FieldValue& value, std::size_t size);
/// A number of 1 or 2 bytes may stand in a longer property, as Open vSwitch takes it.
std::optional<FieldValue> take_number(In body, std::size_t size);

template <typename Number>
void put_if(Out& out, unsigned type, const std::optional<Number>& number) {
  if (number) put_number(out, type, *number, sizeof(Number));
}
inline Fault take_into(const In& body, std::optional<FieldValue>& to) {
  to = take_number(body, sizeof(FieldValue));
  return to ? nullptr : &errors::kPropertyBadLen;
}
template <std::unsigned_integral Number>
Fault take_into(const In& body, std::optional<Number>& to) {
  const auto value = take_number(body, sizeof(Number));
  if (!value) return &errors::kPropertyBadLen;
  to = static_cast<Number>(value->lo);
  return nullptr;
}

// nicira_packet_in.cc
DecodeResult<Message> pull_packet_in2(In in);
DecodeResult<Message> pull_resume(In in);
// nicira_ct_flush.cc
DecodeResult<Message> pull_ct_flush(In in);

}  // namespace antrea::openflow::detail
