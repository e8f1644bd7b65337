#pragma once

#include <cstdint>
#include <optional>

#include "antrea/api/pipeline.h"
#include "antrea/node/interface_store.h"
#include "antrea/node/node_config.h"
#include "antrea/node/packet.h"
#include "antrea/openflow/message.h"

namespace antrea::node {

/// What the switch says of a packet that a rule decided and that it copied to the controller
/// (userdata {1, operations}; antrea: pkg/agent/controller/networkpolicy/packetin.go). The packet
/// itself has gone on by then.
struct PolicyPacketIn {
  std::uint8_t operations = 0;   ///< bits of api::pipeline::packet_in_operation
  api::pipeline::Table table{};  ///< where it was decided
  api::pipeline::Disposition disposition{};
  /// The conjunction of the rule; absent: a Pod's isolation by Kubernetes' policies.
  std::optional<std::uint32_t> conjunction;
  std::uint32_t in_port = 0;
  std::uint32_t out_port = 0;  ///< as far as known at that table; else 0
  bool to_service = false;     ///< its destination was a Service, and is an endpoint now
  bool generated = false;      ///< it is itself an answer of `answer_rejected`
  bool leaves_by_tunnel = false;
  PacketView packet;  ///< borrows from the packet-in

  /// Error kMalformed: not such a packet-in, or not an IP packet.
  ANTREA_API static Result<PolicyPacketIn> of(const openflow::PacketInProperties& properties);
};

/// The answer to a rejected packet and the way it takes, or nothing where there must be none (see
/// `make_rejection`; antrea: pkg/agent/controller/networkpolicy/reject.go).
///
/// - Between two local Pods, or from afar to a local Pod, it goes straight to the Pod's port.
/// - From a local Pod to afar it enters the pipeline behind conntrack and egress rules, at
///   L3Forwarding, and is routed.
/// - What was sent to a Service has to come from the Service: the answer goes through the whole
///   pipeline, where conntrack knows the connection and translates back, and the bypass of
///   established connections lets it pass all rules.
///
/// So no answer is judged by a rule again; each carries the register mark GeneratedReject, and
/// what carries it is never answered.
ANTREA_API std::optional<openflow::PacketOut> answer_rejected(const PolicyPacketIn& rejected,
                                                              const InterfaceStore& interfaces,
                                                              const NodeConfig& config);

/// The answer to a packet for a Service that has no endpoint (userdata {4}): back to where it came
/// in. Nothing where there must be none, or for what is no such packet-in.
ANTREA_API std::optional<openflow::PacketOut> answer_unserved(
    const openflow::PacketInProperties& properties);

}  // namespace antrea::node
