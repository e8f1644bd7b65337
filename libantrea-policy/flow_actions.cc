#include "flow_actions.h"

namespace antrea::policy {
namespace {

namespace pipeline = api::pipeline;
using pipeline::Disposition;
using pipeline::Table;

constexpr Stage kEgress{Table::kAntreaPolicyEgressRule, Table::kEgressRule,
                        Table::kEgressDefaultRule,      Table::kEgressMetric,
                        Table::kL3Forwarding,           pipeline::reg::kEgressConjId.reg,
                        pipeline::kCtLabelEgressOffset};
constexpr Stage kIngress{Table::kAntreaPolicyIngressRule, Table::kIngressRule,
                         Table::kIngressDefaultRule,      Table::kIngressMetric,
                         Table::kConntrackCommit,         pipeline::reg::kIngressConjId.reg,
                         pipeline::kCtLabelIngressOffset};

openflow::TableId table_id(Table table) {
  return openflow::TableId{static_cast<std::uint8_t>(table)};
}

openflow::SetField load(const pipeline::RegField& field, std::uint32_t value) {
  return openflow::load(openflow::reg_bits(field.reg, field.offset, field.offset + field.bits - 1U),
                        value);
}

openflow::Controller controller(pipeline::PacketInCategory category,
                                std::optional<openflow::MeterId> meter) {
  openflow::Controller action;
  action.userdata = {static_cast<std::uint8_t>(category)};
  action.meter = meter;
  return action;
}

/// A copy to the controller, with what it asks from registers: what was decided and where.
void tell(openflow::Actions& actions, const FlowSpec& spec, Disposition disposition,
          std::uint8_t operation, std::optional<openflow::MeterId> meter) {
  namespace reg = pipeline::reg;
  actions.emplace_back(load(reg::kApDisposition, static_cast<std::uint32_t>(disposition)));
  actions.emplace_back(load(reg::kPacketInOperation, operation));
  actions.emplace_back(load(reg::kPacketInTable, static_cast<std::uint32_t>(spec.table)));
  openflow::Controller copy = controller(pipeline::PacketInCategory::kNetworkPolicy, meter);
  copy.userdata.push_back(operation);
  actions.emplace_back(std::move(copy));
}

}  // namespace

const Stage& stage_of(api::controlplane::Direction direction) {
  return direction == api::controlplane::Direction::kOut ? kEgress : kIngress;
}

const Stage& stage_of(Table table) {
  const bool egress = table == kEgress.antrea || table == kEgress.rules ||
                      table == kEgress.defaults || table == kEgress.metrics;
  return egress ? kEgress : kIngress;
}

openflow::Actions actions_of(const FlowSpec& spec, const Program& program,
                             const FlowCompiler::Options& options,
                             std::optional<openflow::TableId>& goto_table) {
  const auto& meter = options.packet_in_meter;
  namespace operation = pipeline::packet_in_operation;
  const Stage& stage = stage_of(spec.table);
  const auto id = static_cast<std::uint32_t>(spec.lo);
  const auto load_id = [&] {
    return openflow::load(openflow::reg_bits(stage.id_register, 0, 31), id);
  };
  openflow::Actions actions;
  switch (program.kind) {
    case Program::Kind::kAllow: {
      openflow::Ct ct;
      ct.commit = true;
      ct.zone = spec.family == 4 ? pipeline::kCtZone : pipeline::kCtZoneV6;
      ct.table = table_id(stage.metrics);
      ct.actions.push_back(openflow::load(
          {openflow::FieldId::kCtLabel, static_cast<std::uint16_t>(stage.label_offset), 32}, id));
      actions.emplace_back(load_id());
      actions.emplace_back(std::move(ct));  // what follows does not touch the tracked packet
      if (program.log) tell(actions, spec, Disposition::kAllow, operation::kLog, meter);
      break;
    }
    case Program::Kind::kAllowAsIs:
      actions.emplace_back(load_id());
      if (program.log) tell(actions, spec, Disposition::kAllow, operation::kLog, meter);
      goto_table = table_id(stage.metrics);
      break;
    case Program::Kind::kDeny: {
      actions.emplace_back(load(pipeline::reg::kApConjId, id));
      actions.emplace_back(load(pipeline::reg::kApDeny, 1));
      const auto wanted = static_cast<std::uint8_t>((program.log ? operation::kLog : 0) |
                                                    (program.reject ? operation::kReject : 0));
      if (wanted != 0)
        tell(actions, spec, program.reject ? Disposition::kReject : Disposition::kDrop, wanted,
             meter);
      goto_table = table_id(stage.metrics);
      break;
    }
    case Program::Kind::kPass:
      actions.emplace_back(load_id());
      if (program.log) tell(actions, spec, Disposition::kPass, operation::kLog, meter);
      goto_table = table_id(stage.rules);
      break;
    case Program::Kind::kIsolate:
      if (program.log) tell(actions, spec, Disposition::kDrop, operation::kLog, meter);
      break;
    case Program::Kind::kCount:
      goto_table = table_id(stage.next);
      break;
    case Program::Kind::kDnsTarget:
    case Program::Kind::kDnsAnswer: {
      const bool target = program.kind == Program::Kind::kDnsTarget;
      actions.emplace_back(openflow::Conjunction{pipeline::kDnsConjunctionId,
                                                 static_cast<std::uint8_t>(target ? 1 : 0), 2});
      break;
    }
    case Program::Kind::kInterceptDns: {
      openflow::Controller hold = controller(pipeline::PacketInCategory::kDns, options.dns_meter);
      hold.pause = true;
      actions.emplace_back(std::move(hold));
      goto_table = table_id(stage.metrics);
      break;
    }
    case Program::Kind::kConjoin:
    case Program::Kind::kCountDenied:
      break;
  }
  return actions;
}

}  // namespace antrea::policy
