#include <google/protobuf/arena.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "antrea/base/sorted.h"
#include "controlplane.pb.h"
#include "controlplane_forms.h"
#include "wire_address.h"

namespace antrea::api::controlplane::detail {
namespace {

/// Keeps the first thing that was wrong with a message.
class Faults {
 public:
  void note(Errc code, std::string_view field, std::string found_and_expected) {
    if (!error_) error_ = make_error(code, std::string(field) + ": " + found_and_expected);
  }
  /// The value of a Result, or its default.
  template <typename T>
  T take(Result<T> result, std::string_view field) {
    if (result) return *std::move(result);
    note(result.error().code, field, std::move(result.error().cause));
    return T{};
  }
  /// The enumerator of that name.
  template <typename Enum, std::size_t kCount>
  Enum choose(const Names<Enum> (&names)[kCount], std::string_view text, std::string_view field) {
    for (const auto& [name, value] : names)
      if (name == text) return value;
    note(Errc::kInvalidArgument, field,
         "found \"" + std::string(text) + "\", expected " + std::string(names[0].first) + ", …");
    return names[0].second;
  }
  const std::optional<Error>& error() const { return error_; }

 private:
  std::optional<Error> error_;
};

template <typename Values, typename Read>
auto list(const Values& values, Read read) {
  std::vector<decltype(read(*values.begin()))> all;
  all.reserve(static_cast<std::size_t>(values.size()));
  for (const auto& value : values) all.push_back(read(value));
  return all;
}

template <typename Strings>
std::vector<std::string> texts(const Strings& strings) {
  return {strings.begin(), strings.end()};
}

// --- Reading -------------------------------------------------------------------------------------

Metadata read(const pb::ObjectMeta& from) {
  return {from.name(), from.uid(), from.resource_version(), from.generation(),
          from.annotations().contains(std::string(kInitialEventsEnd))};
}

IpPrefix read(const pb::IpNet& from, Faults& faults) {
  return faults.take(api::detail::prefix_from_wire(from.ip(), from.prefix_length()),
                     "rules.ipBlocks");
}

ObjectKey read_key(const pb::NamespacedReference& from) { return {from.namespace_(), from.name()}; }
ServiceReference read_service_reference(const pb::NamespacedReference& from) {
  return {from.namespace_(), from.name()};
}

NetworkPolicyReference read(const pb::NetworkPolicyReference& from, Faults& faults,
                            std::string_view field) {
  NetworkPolicyReference reference{{}, from.namespace_(), from.name(), from.uid()};
  if (!from.type().empty()) reference.type = faults.choose(kPolicyTypes, from.type(), field);
  return reference;
}

NetworkPolicyPeer read(const pb::NetworkPolicyPeer& from, Faults& faults) {
  NetworkPolicyPeer peer;
  peer.address_groups = texts(from.address_groups());
  peer.ip_blocks = list(from.ip_blocks(), [&faults](const pb::IpBlock& block) {
    return IpBlock{read(block.cidr(), faults), list(block.except(), [&faults](const auto& except) {
                     return read(except, faults);
                   })};
  });
  peer.fqdns = texts(from.fqdns());
  peer.to_services = list(from.to_services(), read_service_reference);
  peer.label_identities = {from.label_identities().begin(), from.label_identities().end()};
  return peer;
}

Service read(const pb::Service& from, Faults& faults) {
  Service service;
  if (from.has_protocol())
    service.protocol = faults.choose(kServiceProtocols, from.protocol(), "rules.services.protocol");
  if (from.has_port())
    service.port = from.port().type() == 1 ? IntOrString{0, from.port().str_val()}
                                           : IntOrString{from.port().int_val(), {}};
  const auto number = [](bool has, std::int32_t value) {
    return has ? std::optional(value) : std::nullopt;
  };
  service.end_port = number(from.has_end_port(), from.end_port());
  service.icmp_type = number(from.has_icmp_type(), from.icmp_type());
  service.icmp_code = number(from.has_icmp_code(), from.icmp_code());
  service.igmp_type = number(from.has_igmp_type(), from.igmp_type());
  service.group_address = from.group_address();
  service.src_port = number(from.has_src_port(), from.src_port());
  service.src_end_port = number(from.has_src_end_port(), from.src_end_port());
  return service;
}

L7Protocol read(const pb::L7Protocol& from) {
  L7Protocol protocol;
  if (from.has_http())
    protocol.http = HttpProtocol{from.http().host(), from.http().method(), from.http().path()};
  if (from.has_tls()) protocol.tls = TlsProtocol{from.tls().sni()};
  return protocol;
}

NetworkPolicyRule read(const pb::NetworkPolicyRule& from, Faults& faults) {
  NetworkPolicyRule rule;
  rule.direction = faults.choose(kDirections, from.direction(), "rules.direction");
  rule.peers = read(rule.direction == Direction::kIn ? from.from() : from.to(), faults);
  rule.services =
      list(from.services(), [&faults](const pb::Service& each) { return read(each, faults); });
  rule.priority = from.priority();
  if (from.has_action()) rule.action = faults.choose(kActions, from.action(), "rules.action");
  rule.enable_logging = from.enable_logging();
  rule.applied_to_groups = texts(from.applied_to_groups());
  rule.name = from.name();
  rule.log_label = from.log_label();
  rule.l7_protocols =
      list(from.l7_protocols(), [](const pb::L7Protocol& each) { return read(each); });
  return rule;
}

std::vector<GroupMember> read(const google::protobuf::RepeatedPtrField<pb::GroupMember>& members,
                              Faults& faults) {
  return list(members, [&faults](const pb::GroupMember& from) {
    GroupMember member;
    const auto set = [&member](MemberKind kind, ObjectKey key) {
      member.kind = kind;
      member.key = std::move(key);
    };
    if (from.has_pod()) set(MemberKind::kPod, read_key(from.pod()));
    if (from.has_external_entity())
      set(MemberKind::kExternalEntity, read_key(from.external_entity()));
    if (from.has_node()) set(MemberKind::kNode, {{}, from.node().name()});
    if (from.has_service()) set(MemberKind::kService, read_key(from.service()));
    member.ips = list(from.ips(), [&faults](const std::string& ip) {
      return faults.take(api::detail::address_from_wire(ip), "groupMembers.ips");
    });
    member.ports = list(from.ports(), [&faults](const pb::NamedPort& port) {
      return NamedPort{port.port(), port.name(),
                       port.protocol().empty()
                           ? Protocol::kTcp
                           : faults.choose(kProtocols, port.protocol(), "groupMembers.ports")};
    });
    return member;
  });
}

std::vector<EvaluatedPod> read(
    const google::protobuf::RepeatedPtrField<pb::EvaluatedPod>& members) {
  return list(members, [](const pb::EvaluatedPod& from) {
    return EvaluatedPod{read_key(from.pod()), from.uid()};
  });
}

void read(const pb::NetworkPolicy& from, NetworkPolicy& policy, Faults& faults) {
  policy.metadata = read(from.metadata());
  policy.rules = list(from.rules(),
                      [&faults](const pb::NetworkPolicyRule& each) { return read(each, faults); });
  policy.applied_to_groups = texts(from.applied_to_groups());
  if (from.has_priority()) policy.priority = from.priority();
  if (from.has_tier_priority()) policy.tier_priority = from.tier_priority();
  policy.source_ref = read(from.source_ref(), faults, "sourceRef.type");
}

template <typename Group>
void read(const pb::Group& from, Group& group, Faults& faults) {
  group.metadata = read(from.metadata());
  group.members = read(from.members(), faults);
  sort_unique(group.members);  // the senders may have another order
}

void read(const pb::GroupPatch& from, GroupPatch& patch, Faults& faults) {
  patch.metadata = read(from.metadata());
  patch.added = read(from.added(), faults);
  patch.removed = read(from.removed(), faults);
}

void read(const pb::EvaluatedPods& from, EvaluatedPods& object, Faults&) {
  object.metadata = read(from.metadata());
  object.pods = read(from.pods());
  sort_unique(object.pods);
}

void read(const pb::EvaluatedPodsPatch& from, EvaluatedPodsPatch& patch, Faults&) {
  patch.metadata = read(from.metadata());
  patch.added = read(from.added());
  patch.removed = read(from.removed());
}

void read(const pb::NetworkPolicyStatus& from, NetworkPolicyStatus& status, Faults&) {
  status.metadata = read(from.metadata());
  status.nodes = list(from.nodes(), [](const pb::NetworkPolicyNodeStatus& node) {
    return NetworkPolicyNodeStatus{node.node_name(), node.generation(), node.realization_failure(),
                                   node.message()};
  });
}

TrafficStats read(const pb::TrafficStats& from) {
  return {from.packets(), from.bytes(), from.sessions()};
}

void read(const pb::NodeStatsSummary& from, NodeStatsSummary& summary, Faults& faults) {
  summary.metadata = read(from.metadata());
  const auto policy = [&faults](const pb::NetworkPolicyStats& each) {
    return NetworkPolicyStats{read(each.network_policy(), faults, "networkPolicy.type"),
                              read(each.traffic_stats()),
                              list(each.rule_traffic_stats(), [](const pb::RuleTrafficStats& rule) {
                                return RuleTrafficStats{rule.name(), read(rule.traffic_stats())};
                              })};
  };
  summary.network_policies = list(from.network_policies(), policy);
  summary.antrea_cluster_network_policies = list(from.antrea_cluster_network_policies(), policy);
  summary.antrea_network_policies = list(from.antrea_network_policies(), policy);
}

void read(const pb::Status& from, Status& status, Faults&) {
  status = {from.status(), from.message(), from.reason(), from.code()};
}

// --- Writing -------------------------------------------------------------------------------------

void write(const Metadata& meta, pb::ObjectMeta& to) {
  to.set_name(meta.name);
  to.set_namespace_({});
  to.set_uid(meta.uid);
  to.set_resource_version(meta.resource_version);
  to.set_generation(meta.generation);
  to.mutable_creation_timestamp();
  if (meta.initial_events_end) (*to.mutable_annotations())[std::string(kInitialEventsEnd)] = "true";
}

void write(const IpPrefix& prefix, pb::IpNet& to) {
  to.set_ip(api::detail::to_wire(prefix.address()));
  to.set_prefix_length(static_cast<std::int32_t>(prefix.length()));
}

// ObjectKey or ServiceReference.
template <typename Reference>
void write_reference(const Reference& reference, pb::NamespacedReference& to) {
  to.set_name(reference.name);
  to.set_namespace_(reference.namespace_);
}

void write(const NetworkPolicyPeer& peer, pb::NetworkPolicyPeer& to) {
  to.mutable_address_groups()->Assign(peer.address_groups.begin(), peer.address_groups.end());
  for (const auto& block : peer.ip_blocks) {
    auto& each = *to.add_ip_blocks();
    write(block.cidr, *each.mutable_cidr());
    for (const auto& except : block.except) write(except, *each.add_except());
  }
  to.mutable_fqdns()->Assign(peer.fqdns.begin(), peer.fqdns.end());
  for (const auto& service : peer.to_services) write_reference(service, *to.add_to_services());
  to.mutable_label_identities()->Assign(peer.label_identities.begin(), peer.label_identities.end());
}

void write(const Service& service, pb::Service& to) {
  if (service.protocol) to.set_protocol(std::string(name_in(kServiceProtocols, *service.protocol)));
  if (service.port) {
    auto& port = *to.mutable_port();
    port.set_type(service.port->is_name() ? 1 : 0);
    port.set_int_val(service.port->number);
    port.set_str_val(service.port->name);
  }
  if (service.end_port) to.set_end_port(*service.end_port);
  if (service.icmp_type) to.set_icmp_type(*service.icmp_type);
  if (service.icmp_code) to.set_icmp_code(*service.icmp_code);
  if (service.igmp_type) to.set_igmp_type(*service.igmp_type);
  to.set_group_address(service.group_address);
  if (service.src_port) to.set_src_port(*service.src_port);
  if (service.src_end_port) to.set_src_end_port(*service.src_end_port);
}

void write(const NetworkPolicyRule& rule, pb::NetworkPolicyRule& to) {
  to.set_direction(std::string(name_in(kDirections, rule.direction)));
  auto &from = *to.mutable_from(), &whither = *to.mutable_to();  // both there, as Go writes them
  write(rule.peers, rule.direction == Direction::kIn ? from : whither);
  for (const auto& service : rule.services) write(service, *to.add_services());
  to.set_priority(rule.priority);
  if (rule.action) to.set_action(std::string(name_in(kActions, *rule.action)));
  to.set_enable_logging(rule.enable_logging);
  to.mutable_applied_to_groups()->Assign(rule.applied_to_groups.begin(),
                                         rule.applied_to_groups.end());
  to.set_name(rule.name);
  to.set_log_label(rule.log_label);
  for (const auto& protocol : rule.l7_protocols) {
    auto& each = *to.add_l7_protocols();
    if (protocol.http) {
      each.mutable_http()->set_host(protocol.http->host);
      each.mutable_http()->set_method(protocol.http->method);
      each.mutable_http()->set_path(protocol.http->path);
    }
    if (protocol.tls) each.mutable_tls()->set_sni(protocol.tls->sni);
  }
}

void write(const GroupMember& member, pb::GroupMember& to) {
  switch (member.kind) {
    case MemberKind::kPod:
      write_reference(member.key, *to.mutable_pod());
      break;
    case MemberKind::kExternalEntity:
      write_reference(member.key, *to.mutable_external_entity());
      break;
    case MemberKind::kNode:
      to.mutable_node()->set_name(member.key.name);
      break;
    case MemberKind::kService:
      write_reference(member.key, *to.mutable_service());
      break;
  }
  for (const auto& ip : member.ips) to.add_ips(api::detail::to_wire(ip));
  for (const auto& port : member.ports) {
    auto& each = *to.add_ports();
    each.set_port(port.port);
    each.set_name(port.name);
    each.set_protocol(std::string(to_string(port.protocol)));
  }
}

void write(const EvaluatedPod& pod, pb::EvaluatedPod& to) {
  write_reference(pod.pod, *to.mutable_pod());
  to.set_uid(pod.uid);
}

void write(const NetworkPolicyReference& reference, pb::NetworkPolicyReference& to) {
  to.set_type(std::string(to_string(reference.type)));
  to.set_namespace_(reference.namespace_);
  to.set_name(reference.name);
  to.set_uid(reference.uid);
}

void write(const NetworkPolicy& policy, pb::NetworkPolicy& to) {
  write(policy.metadata, *to.mutable_metadata());
  for (const auto& rule : policy.rules) write(rule, *to.add_rules());
  to.mutable_applied_to_groups()->Assign(policy.applied_to_groups.begin(),
                                         policy.applied_to_groups.end());
  if (policy.priority) to.set_priority(*policy.priority);
  if (policy.tier_priority) to.set_tier_priority(*policy.tier_priority);
  write(policy.source_ref, *to.mutable_source_ref());
}

template <typename Group>
void write(const Group& group, pb::Group& to) {
  write(group.metadata, *to.mutable_metadata());
  for (const auto& member : group.members) write(member, *to.add_members());
}

// GroupPatch or EvaluatedPodsPatch.
template <typename Patch, typename Message>
void write_patch(const Patch& patch, Message& to) {
  write(patch.metadata, *to.mutable_metadata());
  for (const auto& each : patch.added) write(each, *to.add_added());
  for (const auto& each : patch.removed) write(each, *to.add_removed());
}
void write(const GroupPatch& patch, pb::GroupPatch& to) { write_patch(patch, to); }
void write(const EvaluatedPodsPatch& patch, pb::EvaluatedPodsPatch& to) { write_patch(patch, to); }

void write(const EvaluatedPods& object, pb::EvaluatedPods& to) {
  write(object.metadata, *to.mutable_metadata());
  for (const auto& pod : object.pods) write(pod, *to.add_pods());
}

void write(const NetworkPolicyStatus& status, pb::NetworkPolicyStatus& to) {
  write(status.metadata, *to.mutable_metadata());
  for (const auto& node : status.nodes) {
    auto& each = *to.add_nodes();
    each.set_node_name(node.node_name);
    each.set_generation(node.generation);
    each.set_realization_failure(node.realization_failure);
    each.set_message(node.message);
  }
}

void write(const TrafficStats& traffic, pb::TrafficStats& to) {
  to.set_packets(traffic.packets);
  to.set_bytes(traffic.bytes);
  to.set_sessions(traffic.sessions);
}

void write(const NetworkPolicyStats& stats, pb::NetworkPolicyStats& to) {
  write(stats.policy, *to.mutable_network_policy());
  write(stats.traffic, *to.mutable_traffic_stats());
  for (const auto& rule : stats.rules) {
    auto& each = *to.add_rule_traffic_stats();
    each.set_name(rule.name);
    write(rule.traffic, *each.mutable_traffic_stats());
  }
}

void write(const NodeStatsSummary& summary, pb::NodeStatsSummary& to) {
  write(summary.metadata, *to.mutable_metadata());
  for (const auto& each : summary.network_policies) write(each, *to.add_network_policies());
  for (const auto& each : summary.antrea_cluster_network_policies)
    write(each, *to.add_antrea_cluster_network_policies());
  for (const auto& each : summary.antrea_network_policies)
    write(each, *to.add_antrea_network_policies());
}

void write(const Status& status, pb::Status& to) {
  to.mutable_metadata();
  to.set_status(status.status);
  to.set_message(status.message);
  to.set_reason(status.reason);
  to.set_code(status.code);
}

template <typename T>
struct MessageOf;
#define ANTREA_MESSAGE(T, Message) \
  template <>                      \
  struct MessageOf<T> {            \
    using type = pb::Message;      \
  };
ANTREA_MESSAGE(NetworkPolicy, NetworkPolicy)
ANTREA_MESSAGE(AddressGroup, Group)
ANTREA_MESSAGE(AppliedToGroup, Group)
ANTREA_MESSAGE(EvaluatedPods, EvaluatedPods)
ANTREA_MESSAGE(EgressGroup, Group)
ANTREA_MESSAGE(AddressGroupPatch, GroupPatch)
ANTREA_MESSAGE(AppliedToGroupPatch, GroupPatch)
ANTREA_MESSAGE(EvaluatedPodsPatch, EvaluatedPodsPatch)
ANTREA_MESSAGE(EgressGroupPatch, GroupPatch)
ANTREA_MESSAGE(NetworkPolicyStatus, NetworkPolicyStatus)
ANTREA_MESSAGE(NodeStatsSummary, NodeStatsSummary)
ANTREA_MESSAGE(Status, Status)
#undef ANTREA_MESSAGE

}  // namespace

template <typename T>
std::string to_message(const T& object) {
  google::protobuf::Arena arena;
  auto* message = google::protobuf::Arena::CreateMessage<typename MessageOf<T>::type>(&arena);
  write(object, *message);
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream out(&stream);
    out.SetSerializationDeterministic(true);  // of maps: equal objects are equal bytes
    message->SerializeToCodedStream(&out);
  }
  return bytes;
}

template <typename T>
Result<T> from_message(std::string_view bytes) {
  google::protobuf::Arena arena;
  auto* message = google::protobuf::Arena::CreateMessage<typename MessageOf<T>::type>(&arena);
  if (bytes.size() > INT32_MAX ||
      !message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return make_error(Errc::kMalformed, "decode Protobuf: found no such message",
                      std::string(kKind<T>));
  T object;
  Faults faults;
  read(*message, object, faults);
  if (!faults.error()) return object;
  std::string name(kKind<T>);
  if constexpr (!std::is_same_v<T, Status>) name += " " + object.metadata.name;
  return Error(*faults.error()).within("decode Protobuf", name);
}

#define ANTREA_FORM(T)                          \
  template std::string to_message<T>(const T&); \
  template Result<T> from_message<T>(std::string_view);
ANTREA_FORM(NetworkPolicy)
ANTREA_FORM(AddressGroup)
ANTREA_FORM(AppliedToGroup)
ANTREA_FORM(EvaluatedPods)
ANTREA_FORM(EgressGroup)
ANTREA_FORM(AddressGroupPatch)
ANTREA_FORM(AppliedToGroupPatch)
ANTREA_FORM(EvaluatedPodsPatch)
ANTREA_FORM(EgressGroupPatch)
ANTREA_FORM(NetworkPolicyStatus)
ANTREA_FORM(NodeStatsSummary)
ANTREA_FORM(Status)
#undef ANTREA_FORM

}  // namespace antrea::api::controlplane::detail
