// The flows of one Pod and of one peer Node.
#include "pipeline_flows.h"

namespace antrea::node {

using namespace openflow;
using namespace api::pipeline;

namespace {

const FieldValue kArpReply{2};

// Turns an ARP request around in place: "the address you ask for is at `mac`".
Actions arp_answer(const IpAddress& address, const MacAddress& mac) {
  return {Move{Subfield(FieldId::kEthSrc), Subfield(FieldId::kEthDst)},
          set_field(FieldId::kEthSrc, mac),
          set_field(FieldId::kArpOp, kArpReply),
          Move{Subfield(FieldId::kArpSha), Subfield(FieldId::kArpTha)},
          set_field(FieldId::kArpSha, mac),
          Move{Subfield(FieldId::kArpSpa), Subfield(FieldId::kArpTpa)},
          set_field(FieldId::kArpSpa, address),
          output_in_port()};
}

}  // namespace

std::vector<Flow> pod_flows(const NodeConfig& config, const PodInterface& pod) {
  std::vector<Flow> flows;
  const PortNo port{pod.ofport};
  flows.push_back(make_flow(Table::kClassifier, kPriorityLow, Match().in_port(port),
                            {load(reg::kPktSource, PktSource::kLocalPod), load(reg::kFromLocal, 1)},
                            Table::kSpoofGuard));
  flows.push_back(make_flow(
      Table::kL2ForwardingCalc, kPriorityNormal, Match().eth_dst(pod.mac),
      {load(reg::kTargetOfPort, pod.ofport), load(reg::kOutputAction, OutputAction::kToPort)},
      Table::kIngressSecurityClassifier));
  for (const auto& ip : pod.ips) {
    if (ip.is_v4())
      flows.push_back(make_flow(Table::kArpSpoofGuard, kPriorityNormal,
                                Match().in_port(port).arp_spa(ip).arp_sha(pod.mac), {},
                                Table::kArpResponder));
    flows.push_back(make_flow(Table::kSpoofGuard, kPriorityNormal,
                              Match().in_port(port).eth_src(pod.mac).ip_src(ip), {},
                              ip.is_v4() ? tracking_table(config) : Table::kIpv6));
    Match to_pod = Match().ip_dst(ip);
    match_reg(to_pod, reg::kRewriteMac, 1);
    flows.push_back(make_flow(
        Table::kL3Forwarding, kPriorityNormal, std::move(to_pod),
        {set_field(FieldId::kEthSrc, config.gateway_mac), set_field(FieldId::kEthDst, pod.mac)},
        Table::kL3DecTtl));
    if (!config.proxy) continue;
    // A Pod that a Service led back to itself: only a translated source makes the answer pass the
    // switch.
    flows.push_back(make_flow(Table::kSnatMark, kPriorityLow,
                              Match().ct_state("+new+trk").ip_src(ip).ip_dst(ip),
                              {commit_to(ct_zone(ip.family()), Table::kSnat,
                                         {set_field(FieldId::kCtMark, kMarkConnSnat | kMarkHairpin,
                                                    kMarkConnSnat | kMarkHairpin),
                                          copy_source()})},
                              {}, CookieCategory::kService));
  }
  return flows;
}

std::vector<Flow> peer_flows(const NodeConfig& config, const PeerNode& peer) {
  std::vector<Flow> flows;
  const auto virtual_mac = MacAddress::from_bits(kGlobalVirtualMac);
  for (const auto& cidr : peer.pod_cidrs) {
    const auto gateway = gateway_ip(cidr);
    if (gateway.is_v4())
      flows.push_back(make_flow(Table::kArpResponder, kPriorityNormal,
                                Match().arp_op(1).arp_tpa(gateway),
                                arp_answer(gateway, virtual_mac)));
    Actions to_peer{
        set_field(FieldId::kEthSrc, config.gateway_mac), set_field(FieldId::kEthDst, virtual_mac),
        set_field(peer.node_ip.is_v4() ? FieldId::kTunDst : FieldId::kTunIpv6Dst, peer.node_ip),
        load(reg::kPktDestination, PktDestination::kTunnel)};
    // In userspace the switch itself routes the outer packet, and by this mark it would find no
    // route.
    if (config.userspace_datapath) to_peer.push_back(set_field(FieldId::kPktMark, 0));
    // Connections that go on as they are go where their endpoint is.
    if (config.dsr && cidr.family() == Family::kIPv4) {
      Match to_endpoint = Match().ip(Family::kIPv4);
      match_reg(to_endpoint, reg::kDsrService, 1);
      to_endpoint.set(reg_field(reg::kEndpointIp.reg), cidr.address(), FieldValue(cidr.mask()));
      flows.push_back(make_flow(Table::kL3Forwarding, kPriorityNormal, std::move(to_endpoint),
                                to_peer, Table::kL3DecTtl, CookieCategory::kService));
    }
    flows.push_back(make_flow(Table::kL3Forwarding, kPriorityNormal, Match().ip_dst(cidr),
                              std::move(to_peer), Table::kL3DecTtl));
  }
  return flows;
}

}  // namespace antrea::node
