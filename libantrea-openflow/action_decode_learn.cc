#include "action_codec.h"

namespace antrea::openflow::detail {
namespace {

// The header of a spec, nicira-ext.h: what kind of source and target, and how many bits.
constexpr unsigned kBitsMask = 0x3ff, kTargetShift = 11, kImmediateShift = 13;

std::size_t spec_size(unsigned bits, bool immediate, unsigned target) {
  return (immediate ? 2 * ((bits + 15) / 16) : 6) + (target <= 1 ? 6 : 0);
}

Fault pull_subfield(In& in, std::uint16_t bits, Subfield& s) {
  const Fault fault = pull_short_header(in, s);
  s.offset = in.be16();
  s.bits = bits;
  return fault;
}

Fault pull_specs(In& in, std::vector<LearnSpec>& specs) {
  while (in.remaining() >= 2) {
    const std::uint16_t header = in.be16();
    if (header == 0) break;
    const unsigned target = header >> kTargetShift & 3;
    const bool immediate = (header >> kImmediateShift & 1) != 0;
    if (target > 2 || (immediate && target == 2)) return &errors::kActionBadArgument;
    LearnSpec& spec = specs.emplace_back();
    spec.bits = header & kBitsMask;
    spec.target = static_cast<LearnSpec::Target>(target);
    if (in.remaining() < spec_size(spec.bits, immediate, target)) return &errors::kActionBadLen;
    if (immediate) {
      const std::size_t size = 2U * ((spec.bits + 15U) / 16U);
      const auto raw = in.take(size);
      In number(raw);
      // Bits above those that count are dropped, as Open vSwitch does by whole bytes.
      const std::size_t kept = (spec.bits + 7U) / 8U;
      number.skip(size - kept);
      spec.value = number.value(kept);
      if (kept > sizeof(FieldValue)) {
        spec.wide = to_bytes(raw);
        if (size > kept) spec.wide[0] = std::byte{0};
      }
    } else if (const Fault fault = pull_subfield(in, spec.bits, spec.source.emplace())) {
      return fault;
    }
    if (target <= 1)
      if (const Fault fault = pull_subfield(in, spec.bits, spec.destination)) return fault;
  }
  return in.zeros(in.remaining()) ? nullptr : &errors::kActionBadArgument;
}

Fault pull_common(In& in, std::uint16_t known_flags, Learn& learn, std::uint16_t& flags) {
  learn.idle_timeout = in.be16();
  learn.hard_timeout = in.be16();
  learn.priority = in.be16();
  learn.cookie = in.be64();
  flags = in.be16();
  learn.table = TableId{in.u8()};
  const bool padded = in.zeros(1);
  learn.fin_idle_timeout = in.be16();
  learn.fin_hard_timeout = in.be16();
  if (!padded || learn.table == kAllTables || (flags & ~known_flags) != 0)
    return &errors::kActionBadArgument;
  learn.send_flow_rem = (flags & 1) != 0;
  learn.delete_learned = (flags & 2) != 0;
  return nullptr;
}

}  // namespace

Fault pull_learn(In& in, ActionReader&, Actions& out) {
  Learn& learn = std::get<Learn>(out.emplace_back(std::in_place_type<Learn>));
  std::uint16_t flags = 0;
  if (const Fault fault = pull_common(in, 3, learn, flags)) return fault;
  return pull_specs(in, learn.specs);
}

Fault pull_learn2(In& in, ActionReader&, Actions& out) {
  Learn& learn = std::get<Learn>(out.emplace_back(std::in_place_type<Learn>));
  constexpr std::size_t kPadding = 28;  // bytes from here
  In padding = in;
  padding.skip(kPadding);
  if (!padding.zeros(2)) return &errors::kNxActionMustBeZero;
  std::uint16_t flags = 0;
  if (const Fault fault = pull_common(in, 7, learn, flags)) return fault;
  learn.limit = in.be32();
  const std::uint16_t offset = in.be16();
  in.skip(2);
  if ((flags & 4) != 0) {
    Subfield& result = learn.result.emplace();
    if (const Fault fault = pull_header(in, result)) return fault;
    result.offset = offset;
    result.bits = 1;
    if (!info(result.field).settable) return &errors::kActionBadSetArgument;
  } else if (offset != 0) {
    return &errors::kActionBadArgument;
  }
  learn.extended = learn.limit == 0 && !learn.result;
  return pull_specs(in, learn.specs);
}

}  // namespace antrea::openflow::detail
