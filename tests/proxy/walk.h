#pragma once

#include <array>
#include <map>
#include <set>

#include "antrea/api/pipeline.h"
#include "antrea/openflow/changes.h"
#include "antrea/proxy/balancer.h"

namespace antrea::proxy {

/// Who sends the first packet of a connection, as the tables before ServiceLB would have marked it.
enum class Client { kPod, kHost, kOutside, kOtherNode };

/// What becomes of a first packet. All empty: it is dropped.
struct Fate {
  bool no_service = false;       ///< no Service's: it goes on as it is
  bool refused = false;          ///< to the controller
  std::set<Backend> endpoints;   ///< translated to one of these
  std::set<Backend> unchanged;   ///< tunnelled as it is to the Node of one of these
  std::uint16_t remembered = 0;  ///< seconds for which the client stays where it is led
  friend bool operator==(const Fate&, const Fate&) = default;
};
inline std::ostream& operator<<(std::ostream& out, const Fate& fate) {
  out << "{" << (fate.no_service ? "no Service" : "") << (fate.refused ? "refused" : "");
  for (const auto& b : fate.endpoints) out << " " << b.ip.to_string() << ":" << b.port;
  for (const auto& b : fate.unchanged) out << " unchanged " << b.ip.to_string() << ":" << b.port;
  return out << " remembered " << fate.remembered << "}";
}

/// Walks a packet through flows and groups as a switch does, all buckets of a group in turn. Knows
/// the actions that Services need.
class Walk {
 public:
  using Flows = std::map<openflow::FlowKey, openflow::Flow>;
  using Groups = std::map<openflow::GroupId, openflow::Group>;
  Walk(const Flows& flows, const Groups& groups) : flows_(flows), groups_(groups) {}

  /// What SessionAffinity has learned before; outlives this.
  Walk& knowing(const Flows& learned) {
    known_ = &learned;
    return *this;
  }

  Fate first_packet(Client client, const IpAddress& source, const Frontend& to, bool dsr) {
    using api::pipeline::Table;
    Packet packet;
    packet.source = source;
    packet.to = to;
    packet.regs[0] = client == Client::kPod ? 3 : client == Client::kOtherNode ? 1 : 2;
    if (client == Client::kPod || client == Client::kHost) packet.regs[4] |= 1U << 28;
    if (client == Client::kOutside) packet.regs[4] |= 1U << 27;
    enter(packet, Table::kNodePortMark);
    if (const auto* const flow = look_up(packet, *known_, Table::kSessionAffinity))
      run(packet, flow->apply_actions);
    else
      packet.regs[4] |= 1U << 16;  // to be selected
    dsr_ = dsr;
    enter(packet, Table::kServiceLb);
    if (!matched_) fate_.no_service = true;
    return fate_;
  }

  /// What SessionAffinity would learn of the client, by the endpoint that is chosen.
  const std::map<Backend, openflow::Flow>& learned() const { return learned_; }
  /// The same of this connection, where its packets go on unchanged.
  const std::map<Backend, openflow::Flow>& connections() const { return connections_; }

 private:
  using Table = api::pipeline::Table;
  struct Packet {
    std::array<std::uint32_t, 16> regs{};
    IpAddress source;
    Frontend to;
  };

  static std::optional<openflow::FieldValue> field(const Packet& packet, openflow::FieldId id) {
    using openflow::FieldId;
    for (unsigned i = 0; i < 8; ++i)
      if (id == openflow::xreg_field(i))
        return openflow::FieldValue(std::uint64_t{packet.regs[2 * i]} << 32 |
                                    packet.regs[2 * i + 1]);
    const bool v4 = packet.to.ip.is_v4();
    switch (id) {
      case FieldId::kEthType:
        return openflow::FieldValue(v4 ? 0x0800 : 0x86dd);
      case FieldId::kIpProto:
        return openflow::FieldValue(static_cast<std::uint64_t>(packet.to.protocol));
      case FieldId::kIpSrc:
      case FieldId::kIpv6Src:
        return openflow::FieldValue(packet.source);
      case FieldId::kIpDst:
      case FieldId::kIpv6Dst:
        return openflow::FieldValue(packet.to.ip);
      case FieldId::kTcpDst:
      case FieldId::kUdpDst:
      case FieldId::kSctpDst:
        return openflow::FieldValue(packet.to.port);
      case FieldId::kTcpSrc:
      case FieldId::kUdpSrc:
      case FieldId::kSctpSrc:
        return openflow::FieldValue(54321);
      case FieldId::kCtState:
        return openflow::FieldValue(openflow::ct_state::kNew | openflow::ct_state::kTrk);
      default:
        ADD_FAILURE() << "a match on a field that is not known here";
        return {};
    }
  }

  static bool matches(const Packet& packet, const openflow::Match& match) {
    for (const auto& wanted : match.fields()) {
      const auto value = field(packet, wanted.id);
      if (!value || (*value & wanted.bits.mask) != wanted.bits.value) return false;
    }
    return true;
  }

  const openflow::Flow* look_up(const Packet& packet, const Flows& flows, Table table) const {
    const openflow::Flow* best = nullptr;
    for (const auto& [key, flow] : flows) {
      if (key.table.value != static_cast<std::uint8_t>(table)) continue;
      if (best != nullptr && key.priority < best->priority) continue;
      if (!matches(packet, key.match)) continue;
      EXPECT_TRUE(best == nullptr || key.priority != best->priority)
          << "two flows of one priority match";
      best = &flow;
    }
    return best;
  }

  void enter(Packet& packet, Table table) {
    const openflow::Flow* const flow = look_up(packet, flows_, table);
    if (table == Table::kServiceLb && flow != nullptr) matched_ = true;
    if (flow == nullptr) {
      // The misses that the Node's pipeline has there.
      if (table == Table::kServiceLb && matched_) enter(packet, behind_service_lb());
      if (table == Table::kDsrServiceMark) enter(packet, Table::kEndpointDnat);
      return;
    }
    run(packet, flow->apply_actions);
    if (flow->goto_table) enter(packet, static_cast<Table>(flow->goto_table->value));
  }

  Table behind_service_lb() const { return dsr_ ? Table::kDsrServiceMark : Table::kEndpointDnat; }

  void run(Packet& packet, const openflow::Actions& actions) {
    for (const auto& action : actions) {
      if (const auto* set = std::get_if<openflow::SetField>(&action)) {
        set_field(packet, *set);
      } else if (const auto* again = std::get_if<openflow::Resubmit>(&action)) {
        if (++depth_ > 20) return void(ADD_FAILURE() << "resubmitted for ever");
        enter(packet, static_cast<Table>(again->table.value));
      } else if (const auto* group = std::get_if<openflow::GroupAction>(&action)) {
        const auto found = groups_.find(group->group);
        if (found == groups_.end()) return void(ADD_FAILURE() << "no such group");
        // A light bucket repeats an endpoint of another one, to make shares even.
        for (const bool light : {false, true})
          for (const auto& bucket : found->second.buckets) {
            if ((*bucket.weight < 100) != light) continue;
            Packet copy = packet;
            depth_ = 0;
            repeats_ = light;
            run(copy, bucket.actions);
          }
      } else if (const auto* learn = std::get_if<openflow::Learn>(&action)) {
        const bool client = learn->hard_timeout != 0;
        if (client) fate_.remembered = learn->hard_timeout;
        (client ? learned_ : connections_).emplace(chosen(packet), learned_flow(packet, *learn));
      } else if (const auto* move = std::get_if<openflow::Move>(&action)) {
        set_field(packet, to_set(move->target, read(packet, move->source)));
      } else if (std::holds_alternative<openflow::Controller>(action)) {
        fate_.refused = true;
      } else if (const auto* ct = std::get_if<openflow::Ct>(&action)) {
        track(packet, *ct);
      } else {
        ADD_FAILURE() << "an action that is not known here";
      }
    }
  }

  static void set_field(Packet& packet, const openflow::SetField& set) {
    for (unsigned reg = 0; reg < 16; ++reg)
      if (set.field == openflow::reg_field(reg)) {
        const auto mask = static_cast<std::uint32_t>(set.mask.lo);
        packet.regs[reg] =
            (packet.regs[reg] & ~mask) | (static_cast<std::uint32_t>(set.value.lo) & mask);
        return;
      }
    if (set.field != openflow::xxreg_field(3)) return void(ADD_FAILURE() << "sets another field");
    for (unsigned i = 0; i < 4; ++i)
      packet.regs[12 + i] = static_cast<std::uint32_t>((i < 2 ? set.value.hi : set.value.lo) >>
                                                       (i % 2 == 0 ? 32 : 0));
  }

  static openflow::SetField to_set(const openflow::Subfield& field, openflow::FieldValue value) {
    openflow::SetField set;
    set.field = field.field;
    set.value = value << field.offset;
    set.mask = field.mask();
    return set;
  }

  static openflow::FieldValue read(const Packet& packet, const openflow::Subfield& from) {
    const auto mask = openflow::FieldValue::ones(from.bits);
    for (unsigned reg = 0; reg < 16; ++reg)
      if (from.field == openflow::reg_field(reg))
        return openflow::FieldValue(packet.regs[reg] >> from.offset) & mask;
    if (from.field == openflow::xxreg_field(3))
      return {std::uint64_t{packet.regs[12]} << 32 | packet.regs[13],
              std::uint64_t{packet.regs[14]} << 32 | packet.regs[15]};
    return field(packet, from.field).value_or(openflow::FieldValue()) & mask;
  }

  static openflow::Flow learned_flow(const Packet& packet, const openflow::Learn& learn) {
    openflow::Flow flow;
    flow.table = learn.table;
    flow.priority = learn.priority;
    flow.cookie = learn.cookie;
    for (const auto& spec : learn.specs) {
      const auto value = spec.source ? read(packet, *spec.source) : spec.value;
      if (spec.target == openflow::LearnSpec::Target::kMatch)
        flow.match.set(spec.destination.field, value);
      else
        flow.apply_actions.emplace_back(to_set(spec.destination, value));
    }
    return flow;
  }

  static Backend chosen(const Packet& packet) {
    const auto port = static_cast<std::uint16_t>(packet.regs[4] & 0xffff);
    if (packet.to.ip.is_v4()) return {IpAddress::v4(packet.regs[3]), port};
    std::array<std::uint8_t, 16> bytes{};
    for (unsigned i = 0; i < 16; ++i)
      bytes[i] = static_cast<std::uint8_t>(packet.regs[12 + i / 4] >> (8 * (3 - i % 4)));
    return {IpAddress::v6(bytes), port};
  }

  void track(const Packet& packet, const openflow::Ct& ct) {
    const Backend backend = chosen(packet);
    EXPECT_TRUE(ct.commit);
    EXPECT_EQ(ct.zone, packet.to.ip.is_v4() ? 65520 : 65510);
    bool translated = false;
    for (const auto& action : ct.actions)
      if (const auto* nat = std::get_if<openflow::Nat>(&action)) {
        EXPECT_TRUE(nat->dst && nat->address_min == backend.ip && nat->port_min == backend.port);
        translated = true;
      }
    EXPECT_EQ((translated ? fate_.endpoints : fate_.unchanged).insert(backend).second, !repeats_)
        << "one endpoint twice, or a light bucket with one of its own";
    EXPECT_EQ(packet.regs[0] >> 9 & 1, 1U) << "the destination's MAC is to be rewritten";
  }

  const Flows& flows_;
  const Groups& groups_;
  Fate fate_;
  inline static const Flows kNothing;
  const Flows* known_ = &kNothing;
  std::map<Backend, openflow::Flow> learned_, connections_;
  bool matched_ = false, dsr_ = false, repeats_ = false;
  int depth_ = 0;
};

}  // namespace antrea::proxy
