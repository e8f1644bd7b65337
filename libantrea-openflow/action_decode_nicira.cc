#include <algorithm>

#include "action_codec.h"

namespace antrea::openflow::detail {
namespace {

template <typename T>
T& append(Actions& out) {
  return std::get<T>(out.emplace_back(std::in_place_type<T>));
}

std::vector<std::uint8_t> octets(std::span<const std::byte> bytes) {
  const auto* first = reinterpret_cast<const std::uint8_t*>(bytes.data());
  return {first, first + bytes.size()};
}

Fault pull_resubmit_in(In& in, bool ct, Actions& out) {
  Resubmit& resubmit = append<Resubmit>(out);
  resubmit.in_port = port_from16(in.be16());
  resubmit.table = TableId{in.u8()};
  resubmit.ct = ct;
  return in.zeros(3) ? nullptr : &errors::kActionBadArgument;
}

/// The members that every form of bundle has.
Fault pull_bundle_common(In& in, bool load, Actions& out) {
  BundleLinks& bundle = append<BundleLinks>(out);
  bundle.algorithm = in.be16();
  bundle.fields = in.be16();
  bundle.basis = in.be16();
  const std::uint32_t member_type = in.be32();
  const std::uint16_t count = in.be16();
  const std::uint16_t packed = in.be16();
  constexpr std::uint32_t kInPort = 2;  // the NXM header of in_port
  constexpr unsigned kMaxMembers = 2048;
  bool good =
      bundle.fields <= 6 && bundle.algorithm <= 1 && member_type == kInPort && count <= kMaxMembers;
  if (load) {
    Subfield& target = bundle.target.emplace();
    unpack_bits(packed, target);
    if (const Fault fault = pull_short_header(in, target)) return fault;
    good = target.bits >= 16;  // what was wrong before is forgotten, as in Open vSwitch
    in.skip(4);
  } else {
    good = (in.be32() | packed) == 0 && good;
    good = in.zeros(4) && good;
  }
  if (in.remaining() < 2U * count) return &errors::kActionBadLen;
  bundle.members.reserve(count);
  for (unsigned i = 0; i < count; ++i) bundle.members.push_back(port_from16(in.be16()));
  if (!good) return &errors::kActionBadArgument;
  return check_bundle(bundle);
}

Fault pull_sample_common(In& in, Sample::Form form, Actions& out) {
  Sample& sample = append<Sample>(out);
  sample.form = form;
  sample.probability = in.be16();
  sample.collector_set_id = in.be32();
  sample.obs_domain_id = in.be32();
  sample.obs_point_id = in.be32();
  return nullptr;
}
/// Port, direction and padding of the later forms.
Fault pull_sample_end(In& in, Sample& sample, bool directed) {
  sample.sampling_port = port_from16(in.be16());
  const std::uint8_t direction = in.u8();
  if (!directed) return nullptr;
  if (!in.zeros(5)) return &errors::kNxMustBeZero;
  if (direction > 2) return &errors::kActionBadArgument;
  sample.direction = static_cast<Sample::Direction>(direction);
  return nullptr;
}
Fault check_probability(const Sample& sample) {
  return sample.probability != 0 ? nullptr : &errors::kActionBadArgument;
}
/// An observation id: a number, or the field it comes from.
Fault pull_observation(In& in, std::uint32_t& number, std::optional<Subfield>& source) {
  In header = in;
  const bool immediate = in.be32() == 0;
  In packed = in;
  number = in.be32();
  if (immediate) return nullptr;
  number = 0;
  Subfield& field = source.emplace();
  unpack_bits(packed.be16(), field);
  if (const Fault fault = pull_short_header(header, field)) return fault;
  if (const Fault fault = check_source(field)) return fault;
  return field.bits <= 32 ? nullptr : &errors::kActionBadArgument;
}

Fault pull_stack(In& in, Subfield& s) {
  s.offset = in.be16();
  if (const Fault fault = pull_header(in, s)) return fault;
  s.bits = in.be16();
  return in.zeros(in.remaining()) ? nullptr : &errors::kNxMustBeZero;
}

/// One NSH property of encap.
Fault pull_nsh_property(In& in, Encap& encap) {
  const In start = in;
  const std::uint16_t property_class = in.be16();
  const std::uint8_t type = in.u8();
  const std::uint8_t length = in.u8();
  if (in.failed() || length < 4 || pad8(length) > start.remaining()) return &errors::kActionBadLen;
  constexpr std::uint16_t kNshClass = 4;
  enum : std::uint8_t { kMdType = 1, kTlv = 2 };
  if (property_class != kNshClass || (type != kMdType && type != kTlv))
    return &errors::kNxUnknownEdProp;
  In body = in.sub(pad8(length) - 4);
  if (type == kMdType) {
    if (length > 8) return &errors::kNxBadEdProp;
    encap.nsh_md_type = body.u8();
    return nullptr;
  }
  Encap::Tlv tlv;
  tlv.tlv_class = body.be16();
  tlv.type = body.u8();
  const std::uint8_t size = body.u8();
  if (length != 8 + pad8(size)) return &errors::kNxBadEdProp;
  tlv.data = octets(body.take(size));
  encap.nsh_tlvs.push_back(std::move(tlv));
  return nullptr;
}

}  // namespace

Fault pull_resubmit(In& in, ActionReader&, Actions& out) {
  Resubmit& resubmit = append<Resubmit>(out);
  resubmit.in_port = port_from16(in.be16());
  resubmit.port_only = true;
  return nullptr;
}
Fault pull_resubmit_table(In& in, ActionReader&, Actions& out) {
  return pull_resubmit_in(in, false, out);
}
Fault pull_resubmit_table_ct(In& in, ActionReader&, Actions& out) {
  return pull_resubmit_in(in, true, out);
}

Fault pull_note(In& in, ActionReader&, Actions& out) {
  append<Note>(out).bytes = octets(in.rest());
  return nullptr;
}

Fault pull_multipath(In& in, ActionReader&, Actions& out) {
  Multipath& multipath = append<Multipath>(out);
  multipath.fields = in.be16();
  multipath.basis = in.be16();
  in.skip(2);
  multipath.algorithm = in.be16();
  multipath.max_link = in.be16();
  multipath.arg = in.be32();
  in.skip(2);
  unpack_bits(in.be16(), multipath.target);
  if (const Fault fault = pull_short_header(in, multipath.target)) return fault;
  const bool holds_links =
      multipath.target.bits >= 16 || multipath.max_link + 1U <= 1U << multipath.target.bits;
  if (multipath.fields > 6 || multipath.algorithm > 3 || !holds_links)
    return &errors::kActionBadArgument;
  return check_target(multipath.target);
}

Fault pull_bundle(In& in, ActionReader&, Actions& out) {
  return pull_bundle_common(in, false, out);
}
Fault pull_bundle_load(In& in, ActionReader&, Actions& out) {
  return pull_bundle_common(in, true, out);
}

Fault pull_output_reg(In& in, ActionReader&, Actions& out) {
  OutputReg& output = append<OutputReg>(out);
  unpack_bits(in.be16(), output.source);
  In header = in;
  in.skip(4);
  output.max_len = in.be16();
  if (!in.zeros(6)) return &errors::kActionBadArgument;
  if (const Fault fault = pull_short_header(header, output.source)) return fault;
  return check_source(output.source);
}
Fault pull_output_reg2(In& in, ActionReader&, Actions& out) {
  OutputReg& output = append<OutputReg>(out);
  unpack_bits(in.be16(), output.source);
  output.max_len = in.be16();
  if (const Fault fault = pull_header(in, output.source)) return fault;
  if (!in.zeros(in.remaining())) return &errors::kNxMustBeZero;
  output.extended = info(output.source.field).nxm.oxm_class != 0xffff;
  return check_source(output.source);
}

Fault pull_output_trunc(In& in, ActionReader&, Actions& out) {
  OutputTrunc& output = append<OutputTrunc>(out);
  output.port = port_from16(in.be16());
  output.max_len = in.be32();
  constexpr std::uint32_t kEthernetHeader = 14;
  return output.max_len >= kEthernetHeader ? nullptr : &errors::kActionBadArgument;
}

Fault pull_dec_ttl_ids(In& in, ActionReader&, Actions& out) {
  DecTtl& dec = append<DecTtl>(out);
  dec.with_ids = true;
  const std::uint16_t count = in.be16();
  if (!in.zeros(4)) return &errors::kNxMustBeZero;
  if (in.remaining() < 2U * count) return &errors::kActionBadLen;
  dec.controller_ids.reserve(count);
  for (unsigned i = 0; i < count; ++i) dec.controller_ids.push_back(in.be16());
  return nullptr;
}

Fault pull_fin_timeout(In& in, ActionReader&, Actions& out) {
  FinTimeout& timeout = append<FinTimeout>(out);
  timeout.idle_timeout = in.be16();
  timeout.hard_timeout = in.be16();
  return nullptr;
}

Fault pull_controller(In& in, ActionReader&, Actions& out) {
  Controller& controller = append<Controller>(out);
  controller.max_len = in.be16();
  controller.controller_id = in.be16();
  controller.reason = in.u8();
  return nullptr;
}
Fault pull_controller2(In& in, ActionReader&, Actions& out) {
  Controller& controller = append<Controller>(out);
  if (!in.zeros(6)) return &errors::kNxMustBeZero;
  while (!in.empty()) {
    Property property;
    if (const Fault fault = pull_property(in, property)) return fault;
    In& body = property.body;
    switch (property.type) {
      case 0:
        controller.max_len = body.be16();
        break;
      case 1:
        controller.controller_id = body.be16();
        break;
      case 2:
        controller.reason = body.u8();
        break;
      case 3:
        controller.userdata = octets(body.rest());
        break;
      case 4:
        controller.pause = true;
        body.rest();
        break;
      case 5:
        controller.meter = MeterId{body.be32()};
        if (!body.failed() && !body.empty()) return &errors::kPropertyBadLen;
        break;
      default:
        return property.unknown();
    }
    if (body.failed()) return &errors::kPropertyBadLen;
  }
  if (controller.meter == MeterId{0}) controller.meter.reset();
  controller.extended = controller.userdata.empty() && !controller.pause && !controller.meter;
  return nullptr;
}

Fault pull_write_metadata(In& in, ActionReader& reader, Actions&) {
  if (!in.zeros(6)) return &errors::kNxMustBeZero;
  if (reader.metadata == nullptr) return &errors::kInstructionUnsupported;
  // An instruction in disguise: only once, and behind all actions.
  if (reader.metadata->has_value()) return &errors::kActionUnsupportedOrder;
  const std::uint64_t value = in.be64();
  *reader.metadata = WriteMetadata{value, in.be64()};
  return nullptr;
}

Fault pull_stack_push(In& in, ActionReader&, Actions& out) {
  Subfield& source = append<StackPush>(out).source;
  if (const Fault fault = pull_stack(in, source)) return fault;
  return check_source(source);
}
Fault pull_stack_pop(In& in, ActionReader&, Actions& out) {
  Subfield& target = append<StackPop>(out).target;
  if (const Fault fault = pull_stack(in, target)) return fault;
  return check_target(target);
}

Fault pull_sample(In& in, ActionReader&, Actions& out) {
  pull_sample_common(in, Sample::Form::kSample, out);
  return check_probability(std::get<Sample>(out.back()));
}
Fault pull_sample2(In& in, ActionReader&, Actions& out) {
  pull_sample_common(in, Sample::Form::kSample2, out);
  Sample& sample = std::get<Sample>(out.back());
  pull_sample_end(in, sample, false);
  return check_probability(sample);
}
Fault pull_sample3(In& in, ActionReader&, Actions& out) {
  pull_sample_common(in, Sample::Form::kSample3, out);
  Sample& sample = std::get<Sample>(out.back());
  if (const Fault fault = pull_sample_end(in, sample, true)) return fault;
  return check_probability(sample);
}
Fault pull_sample4(In& in, ActionReader&, Actions& out) {
  Sample& sample = append<Sample>(out);
  sample.form = Sample::Form::kSample4;
  sample.probability = in.be16();
  sample.collector_set_id = in.be32();
  constexpr std::size_t kObservations = 16;  // two of 8 bytes
  In end = in;
  end.skip(kObservations);
  if (const Fault fault = pull_sample_end(end, sample, true)) return fault;
  if (const Fault fault = check_probability(sample)) return fault;
  if (const Fault fault = pull_observation(in, sample.obs_domain_id, sample.obs_domain))
    return fault;
  return pull_observation(in, sample.obs_point_id, sample.obs_point);
}

Fault pull_conjunction(In& in, ActionReader&, Actions& out) {
  Conjunction& conjunction = append<Conjunction>(out);
  conjunction.clause = in.u8();
  conjunction.count = in.u8();
  conjunction.id = in.be32();
  const bool good =
      conjunction.count >= 2 && conjunction.count <= 64 && conjunction.clause < conjunction.count;
  return good ? nullptr : &errors::kNxBadConjunction;
}

Fault pull_encap(In& in, ActionReader&, Actions& out) {
  Encap& encap = append<Encap>(out);
  encap.header_size = in.be16();
  encap.packet_type = in.be32();
  constexpr std::uint32_t kTypes[] = {0, 0x1894f, 0x18847, 0x18848};
  if (std::find(std::begin(kTypes), std::end(kTypes), encap.packet_type) == std::end(kTypes))
    return &errors::kNxBadHeaderType;
  while (!in.empty())
    if (const Fault fault = pull_nsh_property(in, encap)) return fault;
  return nullptr;
}
Fault pull_decap(In& in, ActionReader&, Actions& out) {
  in.skip(2);
  append<Decap>(out).packet_type = in.be32();
  return in.empty() ? nullptr : &errors::kNxUnknownEdProp;
}

Fault pull_check_pkt_larger(In& in, ActionReader&, Actions& out) {
  CheckPktLarger& check = append<CheckPktLarger>(out);
  check.length = in.be16();
  check.target.offset = in.be16();
  check.target.bits = 1;
  if (const Fault fault = pull_header(in, check.target)) return fault;
  if (!in.zeros(in.remaining())) return &errors::kNxMustBeZero;
  return check_target(check.target);
}

Fault pull_delete_field(In& in, ActionReader&, Actions& out) {
  Subfield field;
  if (const Fault fault = pull_header(in, field)) return fault;
  out.emplace_back(DeleteField{field.field, field.length});
  return nullptr;
}

}  // namespace antrea::openflow::detail
