#pragma once

#include <algorithm>
#include <boost/json/value.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "antrea/api/controlplane_codec.h"

/// The two forms of each object of the control plane, without what says which kind it is.
namespace antrea::api::controlplane::detail {

template <typename T>
inline constexpr std::string_view kKind{};
template <>
inline constexpr std::string_view kKind<NetworkPolicy> = "NetworkPolicy";
template <>
inline constexpr std::string_view kKind<AddressGroup> = "AddressGroup";
template <>
inline constexpr std::string_view kKind<AppliedToGroup> = "AppliedToGroup";
template <>
inline constexpr std::string_view kKind<EvaluatedPods> = "EvaluatedPods";
template <>
inline constexpr std::string_view kKind<EgressGroup> = "EgressGroup";
template <>
inline constexpr std::string_view kKind<EgressGroupPatch> = "EgressGroupPatch";
template <>
inline constexpr std::string_view kKind<AddressGroupPatch> = "AddressGroupPatch";
template <>
inline constexpr std::string_view kKind<AppliedToGroupPatch> = "AppliedToGroupPatch";
template <>
inline constexpr std::string_view kKind<EvaluatedPodsPatch> = "EvaluatedPodsPatch";
template <>
inline constexpr std::string_view kKind<NetworkPolicyStatus> = "NetworkPolicyStatus";
template <>
inline constexpr std::string_view kKind<NodeStatsSummary> = "NodeStatsSummary";
template <>
inline constexpr std::string_view kKind<Status> = "Status";

template <typename T>
inline constexpr std::string_view kApiVersionOf = std::is_same_v<T, Status> ? "v1" : kApiVersion;

/// With apiVersion and kind.
template <typename T>
boost::json::object to_json(const T& object);
template <typename T>
Result<T> from_json(const boost::json::value& json);

/// The bare Protobuf message.
template <typename T>
std::string to_message(const T& object);
template <typename T>
Result<T> from_message(std::string_view bytes);

inline constexpr std::string_view kInitialEventsEnd = "k8s.io/initial-events-end";

/// How enumerators are written.
template <typename Enum>
using Names = std::pair<std::string_view, Enum>;
inline constexpr Names<PolicyType> kPolicyTypes[] = {
    {"K8sNetworkPolicy", PolicyType::kK8sNetworkPolicy},
    {"AntreaClusterNetworkPolicy", PolicyType::kAntreaClusterNetworkPolicy},
    {"AntreaNetworkPolicy", PolicyType::kAntreaNetworkPolicy},
    {"AdminNetworkPolicy", PolicyType::kAdminNetworkPolicy},
    {"BaselineAdminNetworkPolicy", PolicyType::kBaselineAdminNetworkPolicy},
    {"ClusterNetworkPolicy", PolicyType::kClusterNetworkPolicy},
};
inline constexpr Names<Direction> kDirections[] = {{"In", Direction::kIn},
                                                   {"Out", Direction::kOut}};
inline constexpr Names<RuleAction> kActions[] = {{"Allow", RuleAction::kAllow},
                                                 {"Drop", RuleAction::kDrop},
                                                 {"Reject", RuleAction::kReject},
                                                 {"Pass", RuleAction::kPass}};
inline constexpr Names<ServiceProtocol> kServiceProtocols[] = {{"TCP", ServiceProtocol::kTcp},
                                                               {"UDP", ServiceProtocol::kUdp},
                                                               {"SCTP", ServiceProtocol::kSctp},
                                                               {"ICMP", ServiceProtocol::kIcmp},
                                                               {"IGMP", ServiceProtocol::kIgmp}};
inline constexpr Names<MemberKind> kMemberKinds[] = {
    {"pod", MemberKind::kPod},
    {"externalEntity", MemberKind::kExternalEntity},
    {"node", MemberKind::kNode},
    {"service", MemberKind::kService},
};
inline constexpr Names<Protocol> kProtocols[] = {
    {"TCP", Protocol::kTcp}, {"UDP", Protocol::kUdp}, {"SCTP", Protocol::kSctp}};
inline constexpr Names<EventType> kEventTypes[] = {{"ADDED", EventType::kAdded},
                                                   {"MODIFIED", EventType::kModified},
                                                   {"DELETED", EventType::kDeleted},
                                                   {"BOOKMARK", EventType::kBookmark},
                                                   {"ERROR", EventType::kError}};
template <typename Enum, std::size_t kCount>
std::string_view name_in(const Names<Enum> (&names)[kCount], Enum value) {
  for (const auto& [name, each] : names)
    if (each == value) return name;
  return {};
}

}  // namespace antrea::api::controlplane::detail
