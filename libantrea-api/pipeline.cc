#include "antrea/api/pipeline.h"

namespace antrea::api::pipeline {
namespace {

// By table ID.
constexpr std::array<std::string_view, kTableCount> kNames{
    "PipelineRootClassifier",
    "ARPSpoofGuard",
    "ARPResponder",
    "Classifier",
    "SpoofGuard",
    "IPv6",
    "PipelineIPClassifier",
    "UnSNAT",
    "ConntrackZone",
    "ConntrackState",
    "PreRoutingClassifier",
    "NodePortMark",
    "SessionAffinity",
    "ServiceLB",
    "DSRServiceMark",
    "EndpointDNAT",
    "DNAT",
    "EgressSecurityClassifier",
    "AntreaPolicyEgressRule",
    "EgressRule",
    "EgressDefaultRule",
    "EgressMetric",
    "L3Forwarding",
    "EgressMark",
    "EgressQoS",
    "L3DecTTL",
    "SNATMark",
    "SNAT",
    "L2ForwardingCalc",
    "TrafficControl",
    "IngressSecurityClassifier",
    "AntreaPolicyIngressRule",
    "IngressRule",
    "IngressDefaultRule",
    "IngressMetric",
    "ConntrackCommit",
    "VLAN",
    "Output",
    "MulticastEgressRule",
    "MulticastEgressMetric",
    "MulticastEgressPodMetric",
    "MulticastRouting",
    "MulticastIngressRule",
    "MulticastIngressMetric",
    "MulticastIngressPodMetric",
    "MulticastOutput",
    "NonIP",
};

}  // namespace

std::string_view name_of(Table table) {
  const auto id = static_cast<std::size_t>(table);
  return id < kNames.size() ? kNames[id] : std::string_view{};
}

std::optional<Table> table_of(std::string_view name) {
  for (std::size_t id = 0; id < kNames.size(); ++id)
    if (kNames[id] == name) return static_cast<Table>(id);
  return std::nullopt;
}

}  // namespace antrea::api::pipeline
