#include "antrea/node/policy_packet_in.h"

#include "pipeline_flows.h"

namespace antrea::node {
namespace {

namespace pipeline = api::pipeline;
using pipeline::Table;

/// Bits of a register of the packet; 0 where none are told.
std::uint32_t bits(const openflow::Match& metadata, const RegField& field) {
  const auto value = metadata.get(openflow::reg_field(field.reg));
  if (!value) return 0;
  const auto shifted = static_cast<std::uint32_t>(value->value.lo) >> field.offset;
  return field.bits == 32 ? shifted : shifted & ((1U << field.bits) - 1);
}

const Interface* local_pod(const InterfaceStore& interfaces, const IpAddress& address) {
  const Interface* const found = interfaces.find_by_ip(address);
  return found != nullptr && found->type == InterfaceType::kContainer && found->ofport != 0
             ? found
             : nullptr;
}

/// Where an answer comes into the switch, and how it goes on.
struct Path {
  std::uint32_t in_port = 0;
  MacAddress eth_src, eth_dst;
  std::optional<std::uint32_t> out_port;  ///< absent: from `table` on through the pipeline
  Table table = Table::kPipelineRootClassifier;
};

std::optional<Path> path_of(const PolicyPacketIn& rejected, const InterfaceStore& interfaces,
                            const NodeConfig& config) {
  // Of the answer, not of the packet.
  const Interface* const source = local_pod(interfaces, rejected.packet.dst);
  const Interface* destination = local_pod(interfaces, rejected.packet.src);
  // A Pod whose packet came another way (it was translated, or forwarded by the host) must get the
  // answer that way.
  if (destination != nullptr && destination->ofport != rejected.in_port) destination = nullptr;
  const MacAddress elsewhere = MacAddress::from_bits(pipeline::kGlobalVirtualMac);
  const MacAddress& gateway = config.gateway_mac;
  if (!rejected.to_service) {
    if (destination != nullptr)
      return Path{source != nullptr ? source->ofport : config.gateway_ofport,
                  source != nullptr ? source->mac : gateway, destination->mac, destination->ofport};
    if (source != nullptr)
      return Path{source->ofport, source->mac, gateway, {}, Table::kL3Forwarding};
    // A Pod whose packet kube-proxy has sent on to another Node: the host knows whom to answer.
    if (local_pod(interfaces, rejected.packet.src) != nullptr &&
        rejected.in_port == config.gateway_ofport)
      return Path{config.tunnel_ofport, elsewhere, gateway, config.gateway_ofport};
    return {};
  }
  // A Pod that was led to itself cannot be sent anything from its own port.
  if (source != nullptr && source != destination)
    return Path{source->ofport, source->mac, gateway, {}};
  if (destination == nullptr && rejected.leaves_by_tunnel)
    return Path{config.tunnel_ofport, gateway, elsewhere, {}};
  return Path{config.gateway_ofport, elsewhere, gateway, {}};
}

}  // namespace

Result<PolicyPacketIn> PolicyPacketIn::of(const openflow::PacketInProperties& properties) {
  namespace reg = pipeline::reg;
  const auto& userdata = properties.userdata;
  if (userdata.size() < 2 ||
      userdata[0] !=
          std::byte{static_cast<std::uint8_t>(pipeline::PacketInCategory::kNetworkPolicy)} ||
      !properties.metadata)
    return make_error(Errc::kMalformed, "read a packet-in of a rule: no operations or no metadata");
  const openflow::Match& metadata = *properties.metadata;
  PolicyPacketIn in;
  in.operations = std::to_integer<std::uint8_t>(userdata[1]);
  in.table = Table{static_cast<std::uint8_t>(bits(metadata, reg::kPacketInTable))};
  in.disposition =
      pipeline::Disposition{static_cast<std::uint8_t>(bits(metadata, reg::kApDisposition))};
  if (in.disposition == pipeline::Disposition::kAllow ||
      in.disposition == pipeline::Disposition::kPass)
    in.conjunction =
        bits(metadata, is_egress_rule_table(in.table) ? reg::kEgressConjId : reg::kIngressConjId);
  else if (bits(metadata, reg::kApDeny) != 0)
    in.conjunction = bits(metadata, reg::kApConjId);
  if (const auto port = metadata.get(openflow::FieldId::kInPortOxm))
    in.in_port = static_cast<std::uint32_t>(port->value.lo);
  in.out_port = bits(metadata, reg::kTargetOfPort);
  in.to_service = (bits(metadata, reg::kServiceEpState) &
                   static_cast<std::uint32_t>(pipeline::EpState::kSelected)) != 0;
  in.generated = bits(metadata, reg::kGeneratedReject) != 0;
  in.leaves_by_tunnel = bits(metadata, reg::kPktDestination) ==
                        static_cast<std::uint32_t>(pipeline::PktDestination::kTunnel);
  ANTREA_TRY(in.packet, PacketView::of(properties.packet));
  return in;
}

std::optional<openflow::PacketOut> answer_rejected(const PolicyPacketIn& rejected,
                                                   const InterfaceStore& interfaces,
                                                   const NodeConfig& config) {
  if (rejected.generated) return {};
  const auto path = path_of(rejected, interfaces, config);
  if (!path) return {};
  auto frame = make_rejection(rejected.packet, path->eth_src, path->eth_dst);
  if (!frame) return {};
  openflow::PacketOut out;
  out.match.in_port(openflow::PortNo{path->in_port});
  out.packet = *std::move(frame);
  if (path->out_port) {
    out.actions = {openflow::output(openflow::PortNo{*path->out_port})};
  } else {
    out.actions = {load(pipeline::reg::kGeneratedReject, 1),
                   openflow::resubmit(table_id(path->table))};
  }
  return out;
}

std::optional<openflow::PacketOut> answer_unserved(const openflow::PacketInProperties& properties) {
  if (!properties.metadata) return {};
  const auto in_port = properties.metadata->get(openflow::FieldId::kInPortOxm);
  const auto packet = PacketView::of(properties.packet);
  if (!in_port || !packet) return {};
  auto frame = make_rejection(*packet, packet->eth_dst, packet->eth_src, Refusal::kNobody);
  if (!frame) return {};
  openflow::PacketOut out;
  out.match.in_port(openflow::kPortController);  // a packet does not leave where it came in
  out.actions = {openflow::output(openflow::PortNo{static_cast<std::uint32_t>(in_port->value.lo)})};
  out.packet = *std::move(frame);
  return out;
}

}  // namespace antrea::node
