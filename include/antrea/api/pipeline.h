#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "antrea/base/export.h"

/// The contract of Antrea's OpenFlow pipeline: tables, registers, conntrack zones and marks
/// (antrea: docs/design/ovs-pipeline.md, pkg/agent/openflow/fields.go). The engines that write
/// flows (policy, proxy, egress) and the Node's data plane that owns the tables share it. Numbers
/// are constants: a table has one ID whatever features are on, so that a restarted or upgraded
/// agent finds its own flows where it left them.
namespace antrea::api::pipeline {

enum class Table : std::uint8_t {
  kPipelineRootClassifier = 0,
  kArpSpoofGuard = 1,
  kArpResponder = 2,
  kClassifier = 3,
  kSpoofGuard = 4,
  kIpv6 = 5,
  kPipelineIpClassifier = 6,
  kUnSnat = 7,
  kConntrackZone = 8,
  kConntrackState = 9,
  kPreRoutingClassifier = 10,
  kNodePortMark = 11,
  kSessionAffinity = 12,
  kServiceLb = 13,
  kDsrServiceMark = 14,
  kEndpointDnat = 15,
  kDnat = 16,
  kEgressSecurityClassifier = 17,
  kAntreaPolicyEgressRule = 18,
  kEgressRule = 19,
  kEgressDefaultRule = 20,
  kEgressMetric = 21,
  kL3Forwarding = 22,
  kEgressMark = 23,
  kEgressQos = 24,
  kL3DecTtl = 25,
  kSnatMark = 26,
  kSnat = 27,
  kL2ForwardingCalc = 28,
  kTrafficControl = 29,
  kIngressSecurityClassifier = 30,
  kAntreaPolicyIngressRule = 31,
  kIngressRule = 32,
  kIngressDefaultRule = 33,
  kIngressMetric = 34,
  kConntrackCommit = 35,
  kVlan = 36,
  kOutput = 37,
  kMulticastEgressRule = 38,
  kMulticastEgressMetric = 39,
  kMulticastEgressPodMetric = 40,
  kMulticastRouting = 41,
  kMulticastIngressRule = 42,
  kMulticastIngressMetric = 43,
  kMulticastIngressPodMetric = 44,
  kMulticastOutput = 45,
  kNonIp = 46,
};
inline constexpr std::size_t kTableCount = 47;

/// The name that `ovs-ofctl dump-flows --names` shows, e.g. "AntreaPolicyIngressRule".
ANTREA_API std::string_view name_of(Table table);
/// The table of that name.
ANTREA_API std::optional<Table> table_of(std::string_view name);

/// A range of bits in a register (`reg`), or in ct_mark or pkt_mark.
struct RegField {
  std::uint8_t reg;
  std::uint8_t offset;
  std::uint8_t bits;
};

namespace reg {
inline constexpr RegField kPktSource{0, 0, 4};
inline constexpr RegField kPktDestination{0, 4, 4};
inline constexpr RegField kRewriteMac{0, 9, 1};
inline constexpr RegField kApDeny{0, 10, 1};
inline constexpr RegField kApDisposition{0, 11, 2};
inline constexpr RegField kGeneratedReject{0, 13, 1};
inline constexpr RegField kSvcNoEp{0, 14, 1};
inline constexpr RegField kRemoteSnat{0, 19, 1};
inline constexpr RegField kOutputAction{0, 21, 2};
inline constexpr RegField kPacketInOperation{0, 25, 7};
inline constexpr RegField kTargetOfPort{1, 0, 32};
inline constexpr RegField kPacketInTable{2, 0, 8};
inline constexpr RegField kEndpointIp{3, 0, 32};
inline constexpr RegField kApConjId{3, 0, 32};
inline constexpr RegField kEndpointPort{4, 0, 16};
inline constexpr RegField kServiceEpState{4, 16, 3};
inline constexpr RegField kEpUnion{4, 0, 19};
inline constexpr RegField kToNodePortAddress{4, 19, 1};
inline constexpr RegField kToExternalAddress{4, 21, 1};
inline constexpr RegField kNestedService{4, 24, 1};
inline constexpr RegField kDsrService{4, 25, 1};
inline constexpr RegField kRemoteEndpoint{4, 26, 1};
inline constexpr RegField kFromExternal{4, 27, 1};
inline constexpr RegField kFromLocal{4, 28, 1};
inline constexpr RegField kEgressConjId{5, 0, 32};
inline constexpr RegField kIngressConjId{6, 0, 32};
inline constexpr RegField kServiceGroupId{7, 0, 32};
// EndpointIP6 is xxreg3 (reg12 to reg15), 128 bits.
}  // namespace reg

enum class PktSource : std::uint8_t { kTunnel = 1, kGateway = 2, kLocalPod = 3, kUplink = 4 };
enum class PktDestination : std::uint8_t { kTunnel = 1, kGateway = 2, kUplink = 4 };
enum class OutputAction : std::uint8_t { kToPort = 1, kToController = 2 };
/// Remembered for a client by session affinity, or kept for a connection: neither leaves ServiceLB.
enum class EpState : std::uint8_t {
  kToSelect = 1,
  kSelected = 2,
  kToLearn = 3,
  kRemembered = 4,
  kKept = 5
};
enum class Disposition : std::uint8_t { kAllow = 0, kDrop = 1, kReject = 2, kPass = 3 };

namespace ct_mark {
inline constexpr RegField kConnSource{0, 0, 4};
inline constexpr RegField kService{0, 4, 1};
inline constexpr RegField kConnSnat{0, 5, 1};
inline constexpr RegField kHairpin{0, 6, 1};
}  // namespace ct_mark

/// ct_label bits 0 to 31 hold the ingress rule's conjunction ID, 32 to 63 the egress rule's.
inline constexpr unsigned kCtLabelIngressOffset = 0;
inline constexpr unsigned kCtLabelEgressOffset = 32;

inline constexpr std::uint16_t kCtZone = 65520;
inline constexpr std::uint16_t kCtZoneV6 = 65510;
inline constexpr std::uint16_t kSnatCtZone = 65521;
inline constexpr std::uint16_t kSnatCtZoneV6 = 65511;

inline constexpr std::uint32_t kHostLocalSourceMark = 0x80000000;  ///< pkt_mark bit 31

inline constexpr std::uint16_t kPriorityHigh = 210;
inline constexpr std::uint16_t kPriorityNormal = 200;
inline constexpr std::uint16_t kPriorityLow = 190;
inline constexpr std::uint16_t kPriorityMiss = 0;
// Rules with tiers lie below the bypass of established connections; those of the baseline below the
// isolation by Kubernetes' policies.
inline constexpr std::uint16_t kPriorityAntreaPolicyLow = 100, kPriorityAntreaPolicyHigh = 64989;
inline constexpr std::uint16_t kPriorityBaselineLow = 10, kPriorityBaselineHigh = 180;
inline constexpr std::uint16_t kPriorityTopAntreaPolicy = 64990;
inline constexpr std::uint16_t kPriorityDnsIntercept = 64991;

/// Conjunction IDs start above this one; it is reserved for DNS interception.
inline constexpr std::uint32_t kDnsConjunctionId = 1;

/// Who wrote a flow: cookie bits 40 to 47. Bits 48 to 63 hold `kCookieOwner`, the same in every
/// process, so that equal desired state makes equal flows; bits 0 to 31 an object's ID where
/// delete_learned needs one.
enum class CookieCategory : std::uint8_t {
  kDefault = 0,
  kPodConnectivity = 1,
  kNetworkPolicy = 2,
  kService = 3,
  kEgress = 4,
  kMulticast = 5,
  kMulticluster = 6,
  kTraceflow = 7,
};
inline constexpr std::uint64_t kCookieOwner = 0x0a17ULL << 48;
constexpr std::uint64_t cookie(CookieCategory category, std::uint32_t object = 0) {
  return kCookieOwner | static_cast<std::uint64_t>(category) << 40 | object;
}

/// Byte 0 of the userdata of controller actions.
enum class PacketInCategory : std::uint8_t {
  kTraceflow = 0,
  kNetworkPolicy = 1,
  kDns = 2,
  kIgmp = 3,
  kServiceReject = 4,
};

/// Byte 1 of the userdata of kNetworkPolicy, and the register field kPacketInOperation.
namespace packet_in_operation {
inline constexpr std::uint8_t kLog = 1, kReject = 2, kStoreDeny = 4;
}

inline constexpr std::uint64_t kGlobalVirtualMac = 0xaabbccddeeff;
inline constexpr std::uint32_t kServiceVirtualIp = 0xa9fe00fd;    ///< 169.254.0.253
inline constexpr std::uint32_t kNodePortDnatIp = 0xa9fe00fc;      ///< 169.254.0.252
inline constexpr std::uint32_t kEgressReplyNextHop = 0xa9fe00fb;  ///< 169.254.0.251

inline constexpr std::uint32_t kTunnelOfPort = 32768;   ///< ofport_request of antrea-tun0
inline constexpr std::uint32_t kGatewayOfPort = 32769;  ///< ofport_request of antrea-gw0

}  // namespace antrea::api::pipeline
