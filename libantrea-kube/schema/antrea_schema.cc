#include "tables.h"

namespace antrea::kube {

// clang-format off
const std::string_view kAntreaSchema = R"schema(
package io.antrea.crd.v1beta1

kind ClusterNetworkPolicy crd.antrea.io/v1beta1 : Rules for Pods of the whole cluster, or for its Nodes.
  metadata meta.ObjectMeta : Name, labels and all else that every object has.
  spec! PolicySpec : What is wanted.
  status PolicyStatus : What was observed last.

kind NetworkPolicy crd.antrea.io/v1beta1 : Rules for Pods of one Namespace.
  metadata meta.ObjectMeta : Name, labels and all else that every object has.
  spec! PolicySpec : What is wanted.
  status PolicyStatus : What was observed last.

kind Tier crd.antrea.io/v1beta1 : A layer of policies; all of one layer are judged before those of the next.
  metadata meta.ObjectMeta : Name, labels and all else that every object has.
  spec! TierSpec : What is wanted.

kind ClusterGroup crd.antrea.io/v1beta1 : A set of Pods, addresses or entities that policies of the cluster speak of.
  metadata meta.ObjectMeta : Name, labels and all else that every object has.
  spec! GroupSpec : What is in it.
  status GroupStatus : What was observed last.

kind Group crd.antrea.io/v1beta1 : A set of Pods, addresses or entities that policies of its Namespace speak of.
  metadata meta.ObjectMeta : Name, labels and all else that every object has.
  spec! GroupSpec : What is in it.
  status GroupStatus : What was observed last.

kind Egress crd.antrea.io/v1beta1 : The addresses with which the traffic of Pods leaves the cluster.
  metadata meta.ObjectMeta : Name, labels and all else that every object has.
  spec! EgressSpec : What is wanted.
  status EgressStatus : What was observed last.

kind ExternalIPPool crd.antrea.io/v1beta1 : Addresses for Egresses, and the Nodes that may have them.
  metadata meta.ObjectMeta : Name, labels and all else that every object has.
  spec! ExternalIPPoolSpec : What is wanted.
  status ExternalIPPoolStatus : What was observed last.

type PolicySpec : What a policy does, and for whom.
  tier string : The layer; "application" if empty.
  priority! number : 1 to 10000; the smaller one is judged first.
  appliedTo []AppliedTo atomic : For whom; here or in every rule.
  ingress []Rule atomic : Rules about what comes in, in order.
  egress []Rule atomic : Rules about what goes out, in order.

type PolicyStatus : State of a policy.
  phase string enum=Pending|Realizing|Realized|Failed : How far it is.
  observedGeneration int64 : The generation that this is about.
  currentNodesRealized int32 : Nodes that enforce it.
  desiredNodesRealized int32 : Nodes that shall.
  conditions []meta.Condition merge=type keys=type : Aspects of the state, by type.

type AppliedTo : Whom a policy or rule is for.
  podSelector meta.LabelSelector : Pods by their labels.
  namespaceSelector meta.LabelSelector : Pods by the labels of their Namespace.
  externalEntitySelector meta.LabelSelector : ExternalEntities by their labels.
  group string : Members of a group.
  serviceAccount NamespacedName : Pods of a ServiceAccount.
  service NamespacedName : A Service of type NodePort, for its clients outside the cluster.
  nodeSelector meta.LabelSelector : Nodes by their labels.

type NamespacedName : Names an object.
  name string : Name.
  namespace string : Namespace.

type Rule : What happens to some traffic.
  action! string enum=Allow|Drop|Reject|Pass : What happens.
  ports []Port atomic : Ports; all if there are no protocols either.
  protocols []Protocol atomic : Protocols without ports.
  l7Protocols []L7Protocol atomic : Protocols of applications.
  from []Peer atomic : Where it comes from; anywhere if empty.
  to []Peer atomic : Where it goes; anywhere if empty.
  toServices []PeerService atomic : Services that it goes to.
  name string : Unique in the policy; made up if empty.
  enableLogging bool : Whether matching connections are logged.
  logLabel string : Text for the log.
  appliedTo []AppliedTo atomic : For whom, if the policy does not say.

type Peer : One side of traffic.
  ipBlock io.k8s.api.networking.v1.IPBlock : Addresses.
  podSelector meta.LabelSelector : Pods by their labels.
  namespaceSelector meta.LabelSelector : Pods by the labels of their Namespace.
  namespaces PeerNamespaces : Pods by how their Namespace compares with the policy's.
  externalEntitySelector meta.LabelSelector : ExternalEntities by their labels.
  group string : Members of a group.
  fqdn string : A DNS name, or a pattern of one; for egress.
  serviceAccount NamespacedName : Pods of a ServiceAccount.
  nodeSelector meta.LabelSelector : Nodes by their labels.
  scope string enum=Cluster|ClusterSet : How far the selectors see.

type PeerNamespaces : Namespaces, compared with that of the Pod a policy is for.
  match string enum=Self : The same.
  sameLabels []string atomic : Those with the same values of these labels.

type PeerService : Names a Service.
  name string : Name.
  namespace string : Namespace; the policy's own if empty.
  scope string enum=Cluster|ClusterSet : Where it is.

type Port : Ports of a protocol.
  protocol string enum=TCP|UDP|SCTP : The protocol; TCP if empty.
  port intOrString : The port, by number or name.
  endPort int32 : Last port of a range that starts at port.
  sourcePort int32 : The sender's port.
  sourceEndPort int32 : Last port of a range that starts at sourcePort.

type Protocol : A protocol without ports.
  icmp IcmpProtocol : ICMP and ICMPv6.
  igmp IgmpProtocol : IGMP.

type IcmpProtocol : Messages of ICMP.
  icmpType int32 : Type; all if not set.
  icmpCode int32 : Code; all if not set.

type IgmpProtocol : Messages of IGMP.
  igmpType int32 : Type; all reports if not set.
  groupAddress string : The group.

type L7Protocol : A protocol of applications.
  http HttpProtocol : HTTP.
  tls TlsProtocol : TLS.

type HttpProtocol : HTTP requests.
  host string : Name in the request.
  method string enum=GET|POST|PUT|HEAD|DELETE|TRACE|OPTIONS|CONNECT|PATCH : Method.
  path string : Path.

type TlsProtocol : TLS connections.
  sni string : Name that the client asks for.

type TierSpec : Where a Tier stands.
  priority! int32 : 0 to 255; the smaller one is judged first.
  description string : What it is for.

type GroupSpec : What is in a group.
  podSelector meta.LabelSelector : Pods by their labels.
  namespaceSelector meta.LabelSelector : Pods by the labels of their Namespace.
  externalEntitySelector meta.LabelSelector : ExternalEntities by their labels.
  nodeSelector meta.LabelSelector : Nodes by their labels.
  ipBlocks []io.k8s.api.networking.v1.IPBlock atomic : Addresses.
  serviceReference NamespacedName : The Pods behind a Service.
  childGroups []string atomic : Other groups.

type GroupStatus : State of a group.
  conditions []meta.Condition merge=type keys=type : Aspects of the state, by type.

type EgressSpec : Whose traffic leaves with which addresses.
  appliedTo! EgressAppliedTo : Whose.
  egressIP string : The address; allocated if a pool is given.
  egressIPs []string atomic : Several addresses.
  externalIPPool string : The pool that the address is from; if empty, some Node has the address.
  externalIPPools []string atomic : Pools of several addresses, by their index.
  bandwidth EgressBandwidth : Limits.

type EgressAppliedTo : Pods; without selectors, none.
  podSelector meta.LabelSelector : Pods by their labels.
  namespaceSelector meta.LabelSelector : Pods by the labels of their Namespace.

type EgressBandwidth : Limits of what leaves with an Egress IP.
  rate! string : Bits per second, such as 500k or 10M.
  burst! string : Bits that may leave at once.

type EgressStatus : State of an Egress.
  egressNode string : The Node that has the address.
  egressIP string : The address that is used.
  conditions []meta.Condition merge=type keys=type : Aspects of the state, by type.

type ExternalIPPoolSpec : Addresses, and who may have them.
  ipRanges! []IPRange atomic : The addresses.
  subnetInfo SubnetInfo : Their subnet, if it is not that of the Nodes.
  nodeSelector! meta.LabelSelector : The Nodes; {} selects all.

type IPRange : A CIDR, or the addresses from start to end.
  cidr string : All addresses of a network; the first and, for IPv4, the last one are not used.
  start string : The first address.
  end string : The last address.

type SubnetInfo : A subnet.
  gateway! string : Its router, which is never handed out.
  prefixLength! int32 : 1 to 127, for IPv4 to 31.
  vlan int32 : 1 to 4094; 0 or nothing if it has none.

type ExternalIPPoolStatus : State of a pool.
  usage PoolUsage : How much of it is in use.

type PoolUsage : Addresses of a pool.
  total int64 : That can be handed out.
  used int64 : That are.

package io.antrea.crd.v1alpha2

kind ExternalEntity crd.antrea.io/v1alpha2 : Something outside the cluster that policies speak of.
  metadata meta.ObjectMeta : Name, labels and all else that every object has.
  spec ExternalEntitySpec : What it is.

type ExternalEntitySpec : What an ExternalEntity is.
  endpoints []ExternalEndpoint atomic : Its addresses.
  ports []ExternalPort atomic : Its named ports.
  externalNode string : Whose agent enforces policies on it.

type ExternalEndpoint : One address.
  ip string : The address.
  name string : Its name.

type ExternalPort : A named port.
  protocol string enum=TCP|UDP|SCTP : The protocol; TCP if empty.
  port int32 : The number.
  name string : The name.

package io.k8s.networking.policy.v1alpha1

kind AdminNetworkPolicy policy.networking.k8s.io/v1alpha1 : Rules that come before those of Namespaces.
  metadata meta.ObjectMeta : Name, labels and all else that every object has.
  spec! AdminNetworkPolicySpec : What is wanted.
  status AdminStatus : What was observed last.

kind BaselineAdminNetworkPolicy policy.networking.k8s.io/v1alpha1 : Rules where those of Namespaces say nothing.
  metadata meta.ObjectMeta : Name, labels and all else that every object has.
  spec! BaselineSpec : What is wanted.
  status AdminStatus : What was observed last.

type AdminNetworkPolicySpec : What an AdminNetworkPolicy does, and for whom.
  priority! int32 : 0 to 1000; the smaller one is judged first.
  subject! Subject : For whom.
  ingress []AdminRule merge=name keys=name : Rules about what comes in, in order.
  egress []AdminRule merge=name keys=name : Rules about what goes out, in order.

type BaselineSpec : What the BaselineAdminNetworkPolicy does, and for whom.
  subject! Subject : For whom.
  ingress []AdminRule merge=name keys=name : Rules about what comes in, in order.
  egress []AdminRule merge=name keys=name : Rules about what goes out, in order.

type AdminStatus : State of an administrator's policy.
  conditions []meta.Condition merge=type keys=type : Aspects of the state, by type.

type Subject : Whom a policy is for; exactly one is given.
  namespaces meta.LabelSelector : All Pods of these Namespaces.
  pods NamespacedPods : Some Pods of some Namespaces.

type NamespacedPods : Pods by their labels and those of their Namespace.
  namespaceSelector! meta.LabelSelector : Labels of the Namespace.
  podSelector! meta.LabelSelector : Labels of the Pod.

type AdminRule : What happens to some traffic.
  name string : For people.
  action! string enum=Allow|Deny|Pass : What happens.
  from []AdminPeer atomic : Where it comes from.
  to []AdminPeer atomic : Where it goes.
  ports []AdminPort atomic : Ports; all if not set.

type AdminPeer : One side of traffic; exactly one is given.
  namespaces meta.LabelSelector : All Pods of these Namespaces.
  pods NamespacedPods : Some Pods of some Namespaces.
  nodes meta.LabelSelector : Nodes by their labels; for egress.
  networks []string set : CIDRs; for egress.
  domainNames []string set : DNS names; for egress.

type AdminPort : Ports; exactly one is given.
  portNumber AdminPortNumber : One port.
  portRange AdminPortRange : A range.
  namedPort string : The name of a container's port.

type AdminPortNumber : One port of a protocol.
  protocol! string : TCP, UDP or SCTP.
  port! int32 : The number.

type AdminPortRange : A range of ports of a protocol.
  protocol string : TCP, UDP or SCTP; TCP if empty.
  start! int32 : The first.
  end! int32 : The last.

package io.k8s.networking.policy.v1alpha2

kind ClusterNetworkPolicy policy.networking.k8s.io/v1alpha2 : Rules of the cluster's administrator.
  metadata meta.ObjectMeta : Name, labels and all else that every object has.
  spec! ClusterSpec : What is wanted.
  status ClusterStatus : What was observed last.

type ClusterSpec : What a ClusterNetworkPolicy does, and for whom.
  tier! string enum=Admin|Baseline : Before the policies of Namespaces, or where they say nothing.
  priority! int32 : 0 to 1000 within the tier; the smaller one is judged first.
  subject! ClusterSubject : For whom.
  ingress []ClusterRule atomic : Rules about what comes in, in order.
  egress []ClusterRule atomic : Rules about what goes out, in order.

type ClusterStatus : State of a ClusterNetworkPolicy.
  conditions []meta.Condition merge=type keys=type : Aspects of the state, by type.

type ClusterSubject : Whom a policy is for; exactly one is given.
  namespaces meta.LabelSelector : All Pods of these Namespaces.
  pods ClusterPods : Some Pods of some Namespaces.

type ClusterPods : Pods by their labels and those of their Namespace.
  namespaceSelector meta.LabelSelector : Labels of the Namespace.
  podSelector! meta.LabelSelector : Labels of the Pod.

type ClusterRule : What happens to some traffic.
  name string : For people.
  action! string enum=Accept|Deny|Pass : What happens.
  from []ClusterPeer atomic : Where it comes from.
  to []ClusterPeer atomic : Where it goes.
  protocols []ClusterProtocol atomic : Ports of protocols; all traffic if not set.

type ClusterPeer : One side of traffic; exactly one is given.
  namespaces meta.LabelSelector : All Pods of these Namespaces.
  pods ClusterPods : Some Pods of some Namespaces.
  nodes meta.LabelSelector : Nodes by their labels; for egress.
  networks []string set : CIDRs; for egress.
  domainNames []string set : DNS names; for egress, and only where rules accept.

type ClusterProtocol : Ports; exactly one is given.
  tcp ClusterPorts : Ports of TCP.
  udp ClusterPorts : Ports of UDP.
  sctp ClusterPorts : Ports of SCTP.
  destinationNamedPort string : The name of a container's port.

type ClusterPorts : Ports of one protocol.
  destinationPort ClusterPort : Where the traffic goes.

type ClusterPort : A port or a range; exactly one is given.
  number int32 : The port.
  range ClusterPortRange : The range.

type ClusterPortRange : A range of ports.
  start! int32 : The first.
  end! int32 : The last.
)schema";
// clang-format on

}  // namespace antrea::kube
