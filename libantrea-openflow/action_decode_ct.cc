#include "action_codec.h"

namespace antrea::openflow::detail {

Fault pull_ct(In& in, ActionReader& reader, Actions& out) {
  Ct& ct = std::get<Ct>(out.emplace_back(std::in_place_type<Ct>));
  const std::uint16_t flags = in.be16();
  ct.commit = (flags & 1) != 0;
  ct.force = (flags & 2) != 0;
  if (ct.force && !ct.commit) return &errors::kActionBadArgument;
  if (in.remaining() < 4) return &errors::kActionBadLen;
  In source = in.sub(4);
  const bool from_field = load_be<std::uint32_t>(source.at()) != 0;
  ct.zone = in.be16();
  if (from_field) {
    Subfield& field = ct.zone_source.emplace();
    unpack_bits(ct.zone, field);
    ct.zone = 0;
    if (const Fault fault = pull_short_header(source, field)) return fault;
    if (const Fault fault = check_source(field)) return fault;
    if (field.bits != 16) return &errors::kActionBadSetLen;
  }
  const std::uint8_t table = in.u8();
  if (table != 255) ct.table = TableId{table};
  in.skip(3);
  ct.alg = in.be16();
  ct.actions = std::move(reader.room);
  if (const Fault fault = pull_nested_actions(in, reader, ct.actions, true)) return fault;
  if (ct.commit) return nullptr;
  for (const Action& inner : ct.actions) {
    const Nat* nat = std::get_if<Nat>(&inner);
    const bool bare = nat != nullptr && !nat->src && !nat->dst && !nat->persistent && !nat->hash &&
                      !nat->random && !nat->address_min;
    if (!bare) return &errors::kActionBadArgument;
  }
  return nullptr;
}

Fault pull_nat(In& in, ActionReader&, Actions& out) {
  Nat& nat = std::get<Nat>(out.emplace_back(std::in_place_type<Nat>));
  in.skip(2);
  const std::uint16_t flags = in.be16();
  const std::uint16_t present = in.be16();
  nat.src = (flags & 1) != 0;
  nat.dst = (flags & 2) != 0;
  nat.persistent = (flags & 4) != 0;
  nat.hash = (flags & 8) != 0;
  nat.random = (flags & 16) != 0;
  constexpr Fault kBad = &errors::kActionBadArgument;
  if ((flags & ~0x1f) != 0 || (nat.src && nat.dst) || (nat.hash && nat.random)) return kBad;
  enum : unsigned { kV4Min = 1, kV4Max = 2, kV6Min = 4, kV6Max = 8, kPortMin = 16, kPortMax = 32 };
  const bool v4 = (present & kV4Min) != 0;
  const bool v6 = (present & kV6Min) != 0;
  if (v4 ? (present & (kV6Min | kV6Max)) != 0
         : (present & kV4Max) != 0 || (!v6 && (present & kV6Max) != 0))
    return kBad;
  const auto pull_address = [&](std::optional<IpAddress>& to) {
    const auto address = IpAddress::from_bytes(in.take(v4 ? 4 : 16));
    if (address) to = *address;
    return address.has_value();
  };
  const auto zero = [](const IpAddress& address) { return FieldValue(address).zero(); };
  if (v4 || v6) {
    if (!pull_address(nat.address_min) || zero(*nat.address_min)) return kBad;
    if ((present & (v4 ? kV4Max : kV6Max)) != 0 &&
        (!pull_address(nat.address_max) || *nat.address_max < *nat.address_min))
      return kBad;
  }
  if ((present & kPortMin) == 0) return (present & kPortMax) == 0 ? nullptr : kBad;
  if (!nat.address_min) return kBad;
  nat.port_min = in.be16();
  if (*nat.port_min == 0) return kBad;
  if ((present & kPortMax) != 0) {
    nat.port_max = in.be16();
    if (*nat.port_max < *nat.port_min) return kBad;
  }
  return in.failed() ? kBad : nullptr;
}

Fault pull_clone(In& in, ActionReader& reader, Actions& out) {
  Clone& clone = std::get<Clone>(out.emplace_back(std::in_place_type<Clone>));
  in.skip(6);
  return pull_nested_actions(in, reader, clone.actions, false);
}

}  // namespace antrea::openflow::detail
