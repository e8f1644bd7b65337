#include "action_codec.h"
#include "antrea/openflow/codec.h"
#include "tlv.h"

namespace antrea::openflow::detail {
namespace {

std::uint16_t port16(PortNo port) { return static_cast<std::uint16_t>(port.value); }

/// Appends one action; one overload a kind.
class Writer {
 public:
  explicit Writer(Out& out) : out_(out) {}

  void operator()(const Output& a) {
    std::byte* at = standard<16>(action_type::kOutput);
    store_be(at + 4, a.port.value);
    store_be(at + 8, a.max_len);
  }
  void operator()(const OutputReg& a) {
    const bool extended = a.extended || info(a.source.field).nxm.oxm_class == 0xffff;
    const std::size_t start = nicira(extended ? nx_action::kOutputReg2 : nx_action::kOutputReg);
    out_.be16(pack_bits(a.source));
    if (extended) out_.be16(a.max_len);
    nxm_header(a.source);
    if (!extended) out_.be16(a.max_len);
    finish(start, 24);
  }
  void operator()(const OutputTrunc& a) {
    const std::size_t start = nicira(nx_action::kOutputTrunc);
    out_.be16(port16(a.port));
    out_.be32(a.max_len);
    finish(start);
  }
  void operator()(const GroupAction& a) {
    store_be(standard<8>(action_type::kGroup) + 4, a.group.value);
  }
  void operator()(const SetField& a) {
    const TlvShape& shape = tlv_shape(a.field);
    if (shape.usual && !a.masked && a.mask.within(shape.full)) {
      std::byte* const begin = out_.room(4 + kTlvRoom);
      std::byte* const end = write_usual(begin + 4, shape, {a.value, a.mask});
      store_be(end, std::uint64_t{0});  // padding
      const std::size_t size = pad8(static_cast<std::size_t>(end - begin));
      store_be(begin, static_cast<std::uint32_t>(action_type::kSetField << 16 | size));
      return out_.advance(size);
    }
    const std::size_t start = out_.size();
    out_.be32(action_type::kSetField << 16);
    put_unusual_field(out_, a);
    finish(start);
  }
  void operator()(const Move& a) {
    const std::size_t start = out_.size();
    out_.be32(action_type::kCopyField << 16);
    out_.be16(a.source.bits);
    out_.be16(a.source.offset);
    out_.be16(a.target.offset);
    out_.zeros(2);
    put_field_header(out_, info(a.source.field).oxm, length_of(a.source));
    put_field_header(out_, info(a.target.field).oxm, length_of(a.target));
    finish(start);
  }
  void operator()(const Resubmit& a) {
    if (a.port_only) {
      store_be(nicira_fixed<16>(nx_action::kResubmit) + 10, port16(a.in_port));
      return;
    }
    std::byte* at =
        nicira_fixed<16>(a.ct ? nx_action::kResubmitTableCt : nx_action::kResubmitTable);
    store_be(at + 10, port16(a.in_port));
    at[12] = std::byte{a.table.value};
  }
  void operator()(const Ct& a) {
    const std::size_t start = out_.size();
    std::byte* const at = nicira_fixed<24>(nx_action::kCt);
    store_be(at + 10, static_cast<std::uint16_t>((a.commit ? 1 : 0) | (a.force ? 2 : 0)));
    if (a.zone_source) {
      const OxmType& type = info(a.zone_source->field).nxm;
      store_be(at + 12, static_cast<std::uint32_t>(type.oxm_class << 16 | type.field << 9 |
                                                   length_of(*a.zone_source)));
    }
    store_be(at + 16, a.zone_source ? pack_bits(*a.zone_source) : a.zone);
    at[18] = std::byte{a.table ? a.table->value : std::uint8_t{255}};
    store_be(at + 22, a.alg);
    if (a.actions.empty()) return;
    put_actions(out_, a.actions);
    out_.patch16(start + 2, out_.size() - start);
  }
  void operator()(const Nat& a) {
    const std::size_t start = nicira(nx_action::kNat);
    out_.zeros(2);
    out_.be16(static_cast<std::uint16_t>((a.src ? 1 : 0) | (a.dst ? 2 : 0) |
                                         (a.persistent ? 4 : 0) | (a.hash ? 8 : 0) |
                                         (a.random ? 16 : 0)));
    const bool v6 = a.address_min && a.address_min->is_v6();
    unsigned present = 0;
    if (a.address_min) present |= v6 ? 4 : 1;
    if (a.address_max) present |= v6 ? 8 : 2;
    if (a.port_min) present |= 16;
    if (a.port_max) present |= 32;
    out_.be16(static_cast<std::uint16_t>(present));
    if (a.address_min) out_.bytes(std::as_bytes(a.address_min->bytes()));
    if (a.address_max) out_.bytes(std::as_bytes(a.address_max->bytes()));
    if (a.port_min) out_.be16(*a.port_min);
    if (a.port_max) out_.be16(*a.port_max);
    finish(start);
  }
  void operator()(const Learn& a) {
    const bool learn2 = a.extended || a.limit != 0 || a.result;
    const std::size_t start = nicira(learn2 ? nx_action::kLearn2 : nx_action::kLearn);
    out_.be16(a.idle_timeout);
    out_.be16(a.hard_timeout);
    out_.be16(a.priority);
    out_.be64(a.cookie);
    out_.be16(static_cast<std::uint16_t>((a.send_flow_rem ? 1 : 0) | (a.delete_learned ? 2 : 0) |
                                         (a.result ? 4 : 0)));
    out_.u8(a.table.value);
    out_.zeros(1);
    out_.be16(a.fin_idle_timeout);
    out_.be16(a.fin_hard_timeout);
    if (learn2) {
      out_.be32(a.limit);
      out_.be16(a.result ? a.result->offset : 0);
      out_.zeros(2);
      if (a.result) nxm_header(*a.result);
    }
    for (const LearnSpec& spec : a.specs) put_spec(spec);
    finish(start);
  }
  void operator()(const Conjunction& a) {
    std::byte* at = nicira_fixed<16>(nx_action::kConjunction);
    at[10] = std::byte{a.clause};
    at[11] = std::byte{a.count};
    store_be(at + 12, a.id);
  }
  void operator()(const Controller& a) {
    if (!a.extended && a.userdata.empty() && !a.pause && !a.meter) {
      std::byte* at = nicira_fixed<16>(nx_action::kController);
      store_be(at + 10, a.max_len);
      store_be(at + 12, a.controller_id);
      at[14] = std::byte{a.reason};
      return;
    }
    const std::size_t start = nicira(nx_action::kController2);
    out_.zeros(6);
    if (a.max_len != 0xffff) property16(0, a.max_len);
    if (a.controller_id != 0) property16(1, a.controller_id);
    if (a.reason != 1) {
      std::byte* at = property(2, 8);
      store_be(at + 2, std::uint16_t{5});
      at[4] = std::byte{a.reason};
    }
    if (!a.userdata.empty()) {
      const std::size_t at = out_.size();
      out_.be16(3);
      out_.be16(static_cast<std::uint16_t>(4 + a.userdata.size()));
      out_.bytes(a.userdata);
      out_.pad_from(at);
    }
    if (a.pause) store_be(property(4, 8) + 2, std::uint16_t{4});
    if (a.meter) store_be(property(5, 8) + 4, a.meter->value);
    finish(start);
  }
  void operator()(const DecTtl& a) {
    const bool plain =
        a.controller_ids.empty() || (a.controller_ids.size() == 1 && a.controller_ids[0] == 0);
    if (plain && !a.with_ids) {
      standard<8>(action_type::kDecIpTtl);
      return;
    }
    const std::size_t start = nicira(nx_action::kDecTtlIds);
    out_.be16(static_cast<std::uint16_t>(a.controller_ids.size()));
    out_.zeros(4);
    for (const std::uint16_t id : a.controller_ids) out_.be16(id);
    finish(start);
  }
  void operator()(const SetIpTtl& a) { standard<8>(action_type::kSetIpTtl)[4] = std::byte{a.ttl}; }
  void operator()(const PushVlan& a) {
    store_be(standard<8>(action_type::kPushVlan) + 4, a.eth_type);
  }
  void operator()(const PopVlan&) { standard<8>(action_type::kPopVlan); }
  void operator()(const PushMpls& a) {
    store_be(standard<8>(action_type::kPushMpls) + 4, a.eth_type);
  }
  void operator()(const PopMpls& a) {
    store_be(standard<8>(action_type::kPopMpls) + 4, a.eth_type);
  }
  void operator()(const SetMplsTtl& a) {
    standard<8>(action_type::kSetMplsTtl)[4] = std::byte{a.ttl};
  }
  void operator()(const DecMplsTtl&) { standard<8>(action_type::kDecMplsTtl); }
  void operator()(const SetQueue& a) { store_be(standard<8>(action_type::kSetQueue) + 4, a.queue); }
  void operator()(const PopQueue&) { nicira_fixed<16>(nx_action::kPopQueue); }
  void operator()(const MeterAction& a) {
    store_be(standard<8>(action_type::kMeter) + 4, a.meter.value);
  }
  void operator()(const Note& a) {
    const std::size_t start = nicira(nx_action::kNote);
    out_.bytes(a.bytes);
    finish(start);
  }
  void operator()(const Clone& a) {
    const std::size_t start = nicira(nx_action::kClone);
    out_.zeros(6);
    put_actions(out_, a.actions);
    finish(start);
  }
  void operator()(const CtClear&) { nicira_fixed<16>(nx_action::kCtClear); }
  void operator()(const Exit&) { nicira_fixed<16>(nx_action::kExit); }
  void operator()(const FinTimeout& a) {
    std::byte* at = nicira_fixed<16>(nx_action::kFinTimeout);
    store_be(at + 10, a.idle_timeout);
    store_be(at + 12, a.hard_timeout);
  }
  void operator()(const StackPush& a) { stack(nx_action::kStackPush, a.source); }
  void operator()(const StackPop& a) { stack(nx_action::kStackPop, a.target); }
  void operator()(const Multipath& a) {
    const std::size_t start = nicira(nx_action::kMultipath);
    out_.be16(a.fields);
    out_.be16(a.basis);
    out_.zeros(2);
    out_.be16(a.algorithm);
    out_.be16(a.max_link);
    out_.be32(a.arg);
    out_.zeros(2);
    out_.be16(pack_bits(a.target));
    nxm_header(a.target);
    finish(start);
  }
  void operator()(const BundleLinks& a) {
    const std::size_t start = nicira(a.target ? nx_action::kBundleLoad : nx_action::kBundle);
    out_.be16(a.algorithm);
    out_.be16(a.fields);
    out_.be16(a.basis);
    out_.be32(2);
    out_.be16(static_cast<std::uint16_t>(a.members.size()));
    out_.be16(a.target ? pack_bits(*a.target) : 0);
    if (a.target)
      nxm_header(*a.target);
    else
      out_.be32(0);
    out_.zeros(4);
    for (const PortNo member : a.members) out_.be16(port16(member));
    finish(start);
  }
  void operator()(const Sample& a) {
    const std::size_t start = nicira(static_cast<std::uint16_t>(a.form));
    out_.be16(a.probability);
    out_.be32(a.collector_set_id);
    const auto id_or_source = [&](std::uint32_t number, const std::optional<Subfield>& source) {
      if (a.form == Sample::Form::kSample4) {
        if (source) {
          nxm_header(*source);
          out_.be16(pack_bits(*source));
          out_.zeros(2);
          return;
        }
        out_.be32(0);
      }
      out_.be32(number);
    };
    id_or_source(a.obs_domain_id, a.obs_domain);
    id_or_source(a.obs_point_id, a.obs_point);
    if (a.form != Sample::Form::kSample) {
      out_.be16(port16(a.sampling_port));
      out_.u8(static_cast<std::uint8_t>(a.direction));
    }
    finish(start);
  }
  void operator()(const Encap& a) {
    const std::size_t start = nicira(nx_action::kEncap);
    out_.be16(a.header_size);
    out_.be32(a.packet_type);
    if (a.nsh_md_type) {
      std::byte* at = out_.put(8);
      store_be(at, std::uint16_t{4});
      at[2] = std::byte{1};
      at[3] = std::byte{5};
      at[4] = std::byte{*a.nsh_md_type};
    }
    for (const Encap::Tlv& tlv : a.nsh_tlvs) {
      const std::size_t at = out_.size();
      out_.be16(4);
      out_.u8(2);
      out_.u8(static_cast<std::uint8_t>(pad8(8 + tlv.data.size())));
      out_.be16(tlv.tlv_class);
      out_.u8(tlv.type);
      out_.u8(static_cast<std::uint8_t>(tlv.data.size()));
      out_.bytes(tlv.data);
      out_.pad_from(at);
    }
    finish(start);
  }
  void operator()(const Decap& a) {
    store_be(nicira_fixed<16>(nx_action::kDecap) + 12, a.packet_type);
  }
  void operator()(const DecNshTtl&) { nicira_fixed<16>(nx_action::kDecNshTtl); }
  void operator()(const CheckPktLarger& a) {
    const std::size_t start = nicira(nx_action::kCheckPktLarger);
    out_.be16(a.length);
    out_.be16(a.target.offset);
    nxm_header(a.target);
    finish(start, 24);
  }
  void operator()(const DeleteField& a) {
    const std::size_t start = nicira(nx_action::kDeleteField);
    put_field_header(out_, info(a.field).nxm, a.length != 0 ? a.length : info(a.field).bytes);
    finish(start, 24);
  }
  void operator()(const LegacySet& a) {
    if (const auto set = a.to_set_field()) return (*this)(*set);
    const bool source = a.kind == LegacySet::Kind::kTpSrc;
    std::byte* at = out_.put(8);
    store_be(at,
             static_cast<std::uint16_t>(source ? action_type::kSetTpSrc : action_type::kSetTpDst));
    store_be(at + 2, std::uint16_t{8});
    store_be(at + 4, static_cast<std::uint16_t>(a.value));
  }
  void operator()(const UnknownAction& a) { out_.bytes(a.bytes); }

 private:
  static std::uint8_t length_of(const Subfield& s) {
    return s.length != 0 ? s.length : info(s.field).bytes;
  }
  /// The header that fields inside Nicira actions have.
  void nxm_header(const Subfield& s) { put_field_header(out_, info(s.field).nxm, length_of(s)); }
  template <std::uint16_t kSize>
  std::byte* standard(action_type::Type type) {
    std::byte* at = out_.put<kSize>();
    store_be(at, static_cast<std::uint16_t>(type));
    store_be(at + 2, kSize);
    return at;
  }
  template <std::uint16_t kSize>
  std::byte* nicira_fixed(std::uint16_t subtype) {
    std::byte* at = out_.put<kSize>();
    store_be(at, std::uint16_t{action_type::kExperimenter});
    store_be(at + 2, kSize);
    store_be(at + 4, kNiciraVendor);
    store_be(at + 8, subtype);
    return at;
  }
  std::size_t nicira(std::uint16_t subtype) {
    const std::size_t start = out_.size();
    std::byte* at = out_.put<10>();
    store_be(at, std::uint16_t{action_type::kExperimenter});
    store_be(at + 4, kNiciraVendor);
    store_be(at + 8, subtype);
    return start;
  }
  /// Pads to 8, at least to `size` bytes, and writes the length.
  void finish(std::size_t start, std::size_t size = 0) {
    if (out_.size() - start < size) out_.zeros(size - (out_.size() - start));
    out_.pad_from(start);
    out_.patch16(start + 2, out_.size() - start);
  }
  std::byte* property(std::uint16_t type, std::size_t size) {
    std::byte* at = out_.put(size);
    store_be(at, type);
    store_be(at + 2, static_cast<std::uint16_t>(size));
    return at;
  }
  void property16(std::uint16_t type, std::uint16_t value) {
    std::byte* at = property(type, 8);
    store_be(at + 2, std::uint16_t{8});
    store_be(at + 4, value);
  }
  void stack(nx_action::Subtype subtype, const Subfield& s) {
    const std::size_t start = nicira(subtype);
    out_.be16(s.offset);
    nxm_header(s);
    out_.be16(s.bits);
    finish(start, 24);
  }
  void put_spec(const LearnSpec& spec) {
    const unsigned header =
        (spec.source ? 0U : 1U << 13) | static_cast<unsigned>(spec.target) << 11 | spec.bits;
    out_.be16(static_cast<std::uint16_t>(header));
    if (spec.source) {
      nxm_header(*spec.source);
      out_.be16(spec.source->offset);
    } else {
      const std::size_t size = 2U * ((spec.bits + 15U) / 16U);
      if (spec.wide.size() == size)
        out_.bytes(spec.wide);
      else
        store_value(out_.put(size), spec.value, size);
    }
    if (spec.target == LearnSpec::Target::kOutput) return;
    nxm_header(spec.destination);
    out_.be16(spec.destination.offset);
  }

  Out& out_;
};

}  // namespace

void put_actions(Out& out, const Actions& actions) {
  Writer writer(out);
  for (const Action& action : actions) std::visit(writer, action);
}

}  // namespace antrea::openflow::detail

namespace antrea::openflow {

void encode_actions(const Actions& actions, std::vector<std::byte>& out) {
  detail::Out writer(out);
  detail::put_actions(writer, actions);
}

}  // namespace antrea::openflow
