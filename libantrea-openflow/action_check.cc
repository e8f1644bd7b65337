#include "action_codec.h"

namespace antrea::openflow::detail {

Fault check_bundle(const BundleLinks& bundle) {
  if (bundle.target)
    if (const Fault fault = check_target(*bundle.target)) return fault;
  for (const PortNo member : bundle.members)
    if ((member != kPortAny && !output_port_valid(member)) || member == kPortController)
      return &errors::kActionBadOutPort;
  return nullptr;
}

namespace {

/// Walks the actions in order and keeps what they make of the packet. Faults are told at once; an
/// action that only makes no sense for the packet is told when all is walked, as Open vSwitch does.
class Checker {
 public:
  explicit Checker(const PacketFacts& facts) : facts_(facts) {}

  bool inconsistent() const { return inconsistent_; }

  Fault list(Actions& actions) {
    for (Action& action : actions) {
      SetField* const set = std::get_if<SetField>(&action);  // most are
      if (const Fault fault = set != nullptr ? (*this)(*set) : std::visit(*this, action))
        return fault;
    }
    return nullptr;
  }

  template <typename T>
  Fault operator()(T&) {
    return nullptr;
  }
  Fault operator()(OutputReg& a) { return source(a.source); }
  Fault operator()(OutputTrunc& a) {
    return output_port_valid(a.port) ? nullptr : &errors::kActionBadOutPort;
  }
  Fault operator()(BundleLinks& a) {
    if (a.target && !facts_.met(a.target->field)) return &errors::kActionMatchInconsistent;
    return nullptr;
  }
  Fault operator()(PopVlan&) {
    note(facts_.vlan);
    facts_.vlan = facts_.inner_vlan;
    facts_.inner_vlan = false;
    return nullptr;
  }
  Fault operator()(PushVlan&) {
    if (facts_.inner_vlan) return &errors::kActionBadTag;
    facts_.inner_vlan = facts_.vlan;
    facts_.vlan = true;
    return nullptr;
  }
  Fault operator()(SetField& a) {
    if (!facts_.met(a.field) || (a.field == FieldId::kVlanVid && !facts_.vlan))
      return &errors::kActionMatchInconsistent;
    if (a.field == FieldId::kVlanTci) facts_.vlan = (a.value.lo & 0x1000) != 0;
    return nullptr;
  }
  Fault operator()(LegacySet& a) {
    using Kind = LegacySet::Kind;
    switch (a.kind) {
      case Kind::kVlanVid:
      case Kind::kVlanPcp:
        note(facts_.vlan);
        facts_.vlan = true;
        return nullptr;
      case Kind::kIpSrc:
      case Kind::kIpDst:
        note(facts_.met(Prerequisite::kIpv4));
        return nullptr;
      case Kind::kIpTos:
      case Kind::kIpEcn:
        note(facts_.ip());
        return nullptr;
      case Kind::kMplsLabel:
      case Kind::kMplsTc:
        note(facts_.mpls());
        return nullptr;
      case Kind::kTpSrc:
      case Kind::kTpDst:
        note(facts_.met(Prerequisite::kTcp) || facts_.met(Prerequisite::kUdp) ||
             facts_.met(Prerequisite::kSctp));
        a.ip_proto = facts_.ip_proto;
        return nullptr;
      default:
        return nullptr;
    }
  }
  Fault operator()(Move& a) {
    if (const Fault fault = source(a.source)) return fault;
    return facts_.met(a.target.field) ? nullptr : &errors::kActionMatchInconsistent;
  }
  Fault operator()(StackPush& a) { return source(a.source); }
  Fault operator()(StackPop& a) { return source(a.target); }
  Fault operator()(Multipath& a) { return source(a.target); }
  Fault operator()(SetMplsTtl&) { return note(facts_.mpls()); }
  Fault operator()(DecMplsTtl&) { return note(facts_.mpls()); }
  Fault operator()(PushMpls& a) {
    note(facts_.ethernet());
    facts_.eth_type = a.eth_type;
    facts_.ip_proto = 0;
    return nullptr;
  }
  Fault operator()(PopMpls& a) {
    note(facts_.ethernet() && facts_.mpls());
    facts_.eth_type = a.eth_type;
    return nullptr;
  }
  Fault operator()(SetIpTtl&) { return note(facts_.ip()); }
  Fault operator()(DecTtl&) { return note(facts_.ip()); }
  Fault operator()(FinTimeout&) { return note(facts_.ip_proto == ip_proto::kTcp); }
  Fault operator()(Resubmit& a) {
    return !a.ct || facts_.ct_valid() ? nullptr : &errors::kActionMatchInconsistent;
  }
  Fault operator()(MeterAction& a) {
    constexpr std::uint32_t kMaxMeter = 0xffff0000;
    return a.meter.value != 0 && a.meter.value <= kMaxMeter ? nullptr : &errors::kMeterInvalid;
  }
  Fault operator()(Clone& a) { return nested(a.actions); }
  Fault operator()(Ct& a) {
    constexpr std::uint16_t kFtp = 21, kTftp = 69;
    if (!facts_.ip() || (a.commit && (facts_.ct_state & ct_state::kInv) != 0) ||
        (a.alg == kFtp && facts_.ip_proto != ip_proto::kTcp) ||
        (a.alg == kTftp && facts_.ip_proto != ip_proto::kUdp))
      return &errors::kActionMatchInconsistent;
    if (a.zone_source) return source(*a.zone_source);
    return nested(a.actions);
  }
  Fault operator()(Nat& a) {
    const bool v4 = facts_.met(Prerequisite::kIpv4);
    if (!facts_.ip() || (a.address_min && a.address_min->is_v4() != v4))
      return &errors::kActionMatchInconsistent;
    return nullptr;
  }
  Fault operator()(Learn& a) {
    PacketFacts learned;
    for (const LearnSpec& spec : a.specs) {
      if (spec.source)
        if (const Fault fault = source(*spec.source)) return fault;
      if (spec.target == LearnSpec::Target::kOutput) continue;
      const bool match = spec.target == LearnSpec::Target::kMatch;
      if (const Fault fault =
              match ? check_source(spec.destination) : check_target(spec.destination))
        return fault;
      if (!learned.met(spec.destination.field)) return &errors::kActionMatchInconsistent;
      if (match && !spec.source)
        learned.learn(spec.destination.field,
                      {spec.value << spec.destination.offset, spec.destination.mask()});
    }
    return nullptr;
  }
  Fault operator()(Encap& a) {
    facts_.packet_type = a.packet_type;
    if (a.packet_type >> 16 == 1) facts_.eth_type = static_cast<std::uint16_t>(a.packet_type);
    if (!facts_.ip()) facts_.ip_proto = 0;
    return nullptr;
  }
  Fault operator()(Decap&) {
    if (facts_.ethernet()) {
      facts_.packet_type = 1U << 16 | facts_.eth_type;
    } else {
      facts_.packet_type = 0xffffffff;  // known only once it is taken off
      facts_.eth_type = 0xffff;
    }
    return nullptr;
  }
  Fault operator()(DecNshTtl&) { return note(facts_.met(Prerequisite::kNsh)); }
  Fault operator()(DeleteField& a) {
    return is_tun_metadata(a.field) ? nullptr : &errors::kActionBadArgument;
  }

 private:
  /// What the actions of a list inside an action put on or take off is forgotten behind it.
  Fault nested(Actions& actions) {
    const std::uint32_t packet_type = facts_.packet_type;
    const std::uint16_t eth_type = facts_.eth_type;
    const std::uint8_t ip_proto = facts_.ip_proto;
    const bool vlan = facts_.vlan;
    const bool inner_vlan = facts_.inner_vlan;
    const Fault fault = list(actions);
    facts_.packet_type = packet_type;
    facts_.eth_type = eth_type;
    facts_.ip_proto = ip_proto;
    facts_.vlan = vlan;
    facts_.inner_vlan = inner_vlan;
    return fault;
  }
  Fault source(const Subfield& s) const {
    if (const Fault fault = check_source(s)) return fault;
    return facts_.met(s.field) ? nullptr : &errors::kActionMatchInconsistent;
  }
  Fault note(bool consistent) {
    inconsistent_ |= !consistent;
    return nullptr;
  }

  PacketFacts facts_;
  bool inconsistent_ = false;
};

}  // namespace

Fault check_instructions(const PacketFacts& facts, TableId table, Instructions& instructions) {
  Checker checker(facts);
  if (const Fault fault = checker.list(instructions.apply_actions)) return fault;
  // Whether an action set makes sense is known only when it is executed.
  if (!instructions.write_actions.empty())
    if (const Fault fault = Checker(facts).list(instructions.write_actions)) return fault;
  if (instructions.goto_table && table != kAllTables && *instructions.goto_table <= table)
    return &errors::kInstructionBadTableId;
  return checker.inconsistent() ? &errors::kActionMatchInconsistent : nullptr;
}

}  // namespace antrea::openflow::detail
