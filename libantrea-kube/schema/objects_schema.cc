#include "tables.h"

namespace antrea::kube {

// clang-format off
const std::string_view kObjectsSchema = R"schema(
package io.k8s.api.core.v1

kind Namespace v1 : A space of names for other objects.
  metadata meta.ObjectMeta : Name, labels and all else that every object has.
  spec NamespaceSpec : What is wanted.
  status NamespaceStatus : What was observed last.

kind Node v1 : A machine that runs Pods.
  metadata meta.ObjectMeta : Name, labels and all else that every object has.
  spec NodeSpec : What is wanted.
  status NodeStatus : What was observed last.

kind Service v1 : A name and a virtual address for a set of Pods.
  metadata meta.ObjectMeta : Name, labels and all else that every object has.
  spec ServiceSpec : What is wanted.
  status ServiceStatus : What was observed last.

kind Endpoints v1 : The addresses behind a Service.
  metadata meta.ObjectMeta : Name, labels and all else that every object has.
  subsets []EndpointSubset atomic : Addresses that share the same ports.

kind ConfigMap v1 : Configuration as keys and values.
  metadata meta.ObjectMeta : Name, labels and all else that every object has.
  immutable bool : Data cannot be changed any more.
  data map:string : Text by key.
  binaryData map:bytes : Bytes by key, base64.

kind Secret v1 : Confidential keys and values.
  metadata meta.ObjectMeta : Name, labels and all else that every object has.
  immutable bool : Data cannot be changed any more.
  data map:bytes : Bytes by key, base64.
  stringData map:string : Text by key; written into data, never read back.
  type string : What the data is for; Opaque if empty.

kind ServiceAccount v1 : An identity for Pods.
  metadata meta.ObjectMeta : Name, labels and all else that every object has.
  secrets []ObjectReference merge=name keys=name : Secrets that its Pods may use.
  imagePullSecrets []LocalObjectReference atomic : Secrets with credentials for image registries.
  automountServiceAccountToken bool : Whether Pods get a token mounted.

kind Event v1 : A report of something that happened.
  metadata meta.ObjectMeta : Name, labels and all else that every object has.
  involvedObject! ObjectReference : What it happened to.
  reason string : One word for the cause, for programs.
  message string : What happened, for people.
  source EventSource : Who reports it.
  firstTimestamp time : When it was seen first.
  lastTimestamp time : When it was seen last.
  count int32 : How often it was seen.
  type string : Normal or Warning.
  eventTime microtime : When it was seen first, precisely.
  series EventSeries : How often it was seen since.
  action string : What was done about it.
  related ObjectReference : A second object that it is about.
  reportingComponent string : Which controller reports it.
  reportingInstance string : Which instance of that controller.

type NamespaceSpec : What a Namespace needs.
  finalizers []string atomic : Who must agree before the Namespace goes away.

type NamespaceStatus : State of a Namespace.
  phase string enum=Active|Terminating : Where in its life it is.
  conditions []NamespaceCondition merge=type keys=type : Aspects of the state, by type.

type NodeSpec : How a Node is set up.
  podCIDR string : Address range of the Node's Pods.
  podCIDRs []string merge set : Address ranges of the Node's Pods, at most one of each family; the first equals podCIDR.
  providerID string : Name of the machine at its cloud provider.
  unschedulable bool : Take no new Pods.
  taints []Taint atomic : What keeps Pods off that do not tolerate it.
  configSource NodeConfigSource : No longer used.
  externalID string : No longer used.

type NodeStatus : State of a Node.
  capacity map:quantity : All resources of the Node.
  allocatable map:quantity : Resources left for Pods.
  phase string : No longer used.
  conditions []NodeCondition merge=type keys=type : Aspects of the state, by type.
  addresses []NodeAddress merge=type keys=type : Addresses by which the Node is reached.
  daemonEndpoints NodeDaemonEndpoints : Ports of the Node's daemons.
  nodeInfo NodeSystemInfo : Identifiers and versions.
  images []ContainerImage atomic : Container images on the Node.
  volumesInUse []string atomic : Attachable volumes that are mounted.
  volumesAttached []AttachedVolume atomic : Volumes attached to the Node.
  config NodeConfigStatus : No longer used.
  runtimeHandlers []NodeRuntimeHandler atomic : Runtime handlers on the Node.
  features NodeFeatures : What the container runtime can do.

type ServiceSpec : What a Service does.
  ports []ServicePort merge=port keys=port,protocol : Ports of the Service.
  selector map:string atomic : Labels of the Pods behind it; if empty, EndpointSlices are kept by somebody else.
  clusterIP string : Virtual address; "None" for a headless Service; chosen if empty.
  clusterIPs []string atomic : Virtual addresses, at most one of each family; the first equals clusterIP.
  type string enum=ClusterIP|NodePort|LoadBalancer|ExternalName : How it is exposed; ClusterIP if empty.
  externalIPs []string atomic : Further addresses that lead here.
  sessionAffinity string enum=None|ClientIP : Whether a client keeps its endpoint; None if empty.
  loadBalancerIP string : Address wished for from the load balancer.
  loadBalancerSourceRanges []string atomic : CIDRs of clients that the load balancer lets in.
  externalName string : DNS name that the Service is an alias of, for ExternalName.
  externalTrafficPolicy string enum=Cluster|Local : Whether traffic from outside stays on the Node.
  healthCheckNodePort int32 : Port of the Node for the load balancer's health checks.
  publishNotReadyAddresses bool : Treat all endpoints as ready.
  sessionAffinityConfig SessionAffinityConfig : Settings of the session affinity.
  ipFamilies []string atomic : Address families, in order: IPv4, IPv6.
  ipFamilyPolicy string enum=SingleStack|PreferDualStack|RequireDualStack : How many families; SingleStack if empty.
  allocateLoadBalancerNodePorts bool : Whether a LoadBalancer Service gets node ports.
  loadBalancerClass string : Which load balancer.
  internalTrafficPolicy string enum=Cluster|Local : Whether traffic to the cluster IP stays on the Node.
  trafficDistribution string : Preference among endpoints, e.g. PreferClose.

type ServiceStatus : State of a Service.
  loadBalancer LoadBalancerStatus : State of the load balancer.
  conditions []meta.Condition merge=type keys=type : Aspects of the state, by type.

type EndpointSubset : Addresses that share the same ports.
  addresses []EndpointAddress atomic : Ready ones.
  notReadyAddresses []EndpointAddress atomic : Those that are not ready.
  ports []EndpointPort atomic : The ports.

type ObjectReference : Names an object, or a part of it.
  kind string : Kind of the object.
  namespace string : Namespace of the object.
  name string : Name.
  uid string : Unique identifier of the object.
  apiVersion string : API version of the object.
  resourceVersion string : Version of the object.
  fieldPath string : Part of the object, e.g. spec.containers{web}.

type LocalObjectReference : Names an object of the same Namespace.
  name string : Name.

type EventSource : Who reports an Event.
  component string : Name of the program.
  host string : Node that it runs on.

type EventSeries : How often an Event was seen.
  count int32 : Times.
  lastObservedTime microtime : When it was seen last.

type NamespaceCondition : One aspect of a Namespace's state.
  type! string : Which aspect.
  status! string : True, False or Unknown.
  lastTransitionTime time : When the status changed last.
  reason string : One word for the cause, for programs.
  message string : What happened, for people.

type Taint : Keeps Pods off a Node that do not tolerate it.
  key! string : Key.
  value string : Value that belongs to the key.
  effect! string enum=NoSchedule|PreferNoSchedule|NoExecute : What happens to Pods that do not tolerate it.
  timeAdded time : When a NoExecute taint was put there.

type NodeConfigSource : No longer used.
  configMap ConfigMapNodeConfigSource

type NodeCondition : One aspect of a Node's state.
  type! string : Which aspect, e.g. Ready.
  status! string : True, False or Unknown.
  lastHeartbeatTime time : When the status was reported last.
  lastTransitionTime time : When the status changed last.
  reason string : One word for the cause, for programs.
  message string : What happened, for people.

type NodeAddress : One address of a Node.
  type! string : Hostname, InternalIP, ExternalIP, InternalDNS or ExternalDNS.
  address! string : The address.

type NodeDaemonEndpoints : Ports of a Node's daemons.
  kubeletEndpoint DaemonEndpoint : The kubelet's port.

type NodeSystemInfo : Identifiers and versions of a Node.
  machineID! string : Content of /etc/machine-id.
  systemUUID! string : UUID of the hardware.
  bootID! string : Identifier of this boot.
  kernelVersion! string : As `uname -r` says.
  osImage! string : Name of the operating system's release.
  containerRuntimeVersion! string : Name and version of the container runtime.
  kubeletVersion! string : Version of the kubelet.
  kubeProxyVersion! string : No longer used.
  operatingSystem! string : "linux" or "windows".
  architecture! string : Processor architecture, e.g. "amd64".
  swap NodeSwapStatus : Swap space.

type ContainerImage : An image on a Node.
  names []string atomic : Names of the image.
  sizeBytes int64 : Bytes.

type AttachedVolume : A volume attached to a Node.
  name! string : Name.
  devicePath! string : Path of the device.

type NodeConfigStatus : No longer used.
  assigned NodeConfigSource
  active NodeConfigSource
  lastKnownGood NodeConfigSource
  error string

type NodeRuntimeHandler : A way to run containers on a Node.
  name string : Name.
  features NodeRuntimeHandlerFeatures : What it can do.

type NodeFeatures : What the container runtime of a Node can do.
  supplementalGroupsPolicy bool : The runtime knows supplementalGroupsPolicy.

type ServicePort : A port of a Service.
  name string : Name, unique in the Service; may be empty if there is only one port.
  protocol string enum=TCP|UDP|SCTP : Transport protocol; TCP if empty.
  appProtocol string : Application protocol, e.g. "http".
  port! int32 : Port of the Service.
  targetPort intOrString : Number or name of the Pods' port; the same as port if empty.
  nodePort int32 : Port of every Node that leads here, for NodePort and LoadBalancer.

type SessionAffinityConfig : Settings of the session affinity.
  clientIP ClientIPConfig : For ClientIP.

type LoadBalancerStatus : State of a load balancer.
  ingress []LoadBalancerIngress atomic : Where traffic to the Service enters.

type EndpointAddress : One address.
  ip! string : IP address.
  hostname string : Host name.
  nodeName string : Name of the Node.
  targetRef ObjectReference : The object behind the address, a Pod mostly.

type EndpointPort : One port.
  name string : Name of the Service's port.
  port! int32 : Port number.
  protocol string enum=TCP|UDP|SCTP : Transport protocol; TCP if empty.
  appProtocol string : Application protocol, e.g. "http".

type ConfigMapNodeConfigSource : No longer used.
  namespace! string : Namespace of the object.
  name! string : Name.
  uid string : Unique identifier of the object.
  resourceVersion string : Version of the object.
  kubeletConfigKey! string

type DaemonEndpoint : Port of a daemon.
  Port! int32 : Port number.

type NodeSwapStatus : Swap space of a Node.
  capacity int64 : Bytes.

type NodeRuntimeHandlerFeatures : What a runtime handler can do.
  recursiveReadOnlyMounts bool : Mounts below a read-only one are read-only too.
  userNamespaces bool : Containers may have user namespaces of their own.

type ClientIPConfig : Settings of the ClientIP affinity.
  timeoutSeconds int32 : Seconds that it lasts, up to 86400; 10800 if empty.

type LoadBalancerIngress : One entry of a load balancer.
  ip string : IP address.
  hostname string : Host name.
  ipMode string : VIP or Proxy.
  ports []PortStatus atomic : State of each port.

type PortStatus : State of a load balancer's port.
  port! int32 : Port number.
  protocol! string enum=TCP|UDP|SCTP : Transport protocol; TCP if empty.
  error string : What is wrong.

package io.k8s.api.discovery.v1

kind EndpointSlice discovery.k8s.io/v1 : A part of the endpoints of a Service.
  metadata meta.ObjectMeta : Name, labels and all else that every object has.
  addressType! string enum=IPv4|IPv6|FQDN : What the addresses are; cannot be changed.
  endpoints []Endpoint atomic : At most 1000 endpoints.
  ports []EndpointPort atomic : Ports that all endpoints have, at most 100.

type Endpoint : One backend.
  addresses! []string set : Its addresses; consumers use the first.
  conditions EndpointConditions : Its state.
  hostname string : Host name.
  targetRef core.ObjectReference : The object behind the address, a Pod mostly.
  deprecatedTopology map:string : Topology of v1beta1.
  nodeName string : Name of the Node.
  zone string : Zone of the Node.
  hints EndpointHints : Who should use it.

type EndpointPort : One port.
  name string : Name of the Service's port.
  protocol string enum=TCP|UDP|SCTP : Transport protocol; TCP if empty.
  port int32 : Port number.
  appProtocol string : Application protocol, e.g. "http".

type EndpointConditions : State of a backend.
  ready bool : Whether it takes new connections; true if empty.
  serving bool : As ready, whether or not it is terminating.
  terminating bool : Whether it is being deleted.

type EndpointHints : Who should use a backend.
  forZones []ForZone atomic : Clients of these zones.
  forNodes []ForNode atomic : Clients of these Nodes.

type ForZone : A zone.
  name! string : Name.

type ForNode : A Node.
  name! string : Name.

package io.k8s.api.networking.v1

kind NetworkPolicy networking.k8s.io/v1 : What traffic is allowed for a set of Pods.
  metadata meta.ObjectMeta : Name, labels and all else that every object has.
  spec NetworkPolicySpec : What is wanted.
  status NetworkPolicyStatus : What was observed last.

type NetworkPolicyStatus : State of a NetworkPolicy.
  conditions []meta.Condition merge=type keys=type : Aspects of the state, by type.

type NetworkPolicySpec : Rules for a set of Pods.
  podSelector meta.LabelSelector : Pods that the rules are for; all of the Namespace if empty.
  ingress []NetworkPolicyIngressRule atomic : What may come in; nothing if there is no rule.
  egress []NetworkPolicyEgressRule atomic : What may go out; nothing if there is no rule.
  policyTypes []string atomic : Ingress, Egress or both: what the policy is about.

type NetworkPolicyIngressRule : Traffic that may come in.
  ports []NetworkPolicyPort atomic : To these ports; all if empty.
  from []NetworkPolicyPeer atomic : From these peers; from anywhere if empty.

type NetworkPolicyEgressRule : Traffic that may go out.
  ports []NetworkPolicyPort atomic : To these ports; all if empty.
  to []NetworkPolicyPeer atomic : To these peers; to anywhere if empty.

type NetworkPolicyPort : A port or a range of ports.
  protocol string enum=TCP|UDP|SCTP : Transport protocol; TCP if empty.
  port intOrString : Number or name; all ports if empty.
  endPort int32 : Last port of a range that starts at port.

type NetworkPolicyPeer : Pods by labels, or an address range.
  podSelector meta.LabelSelector : Pods, of the policy's Namespace unless namespaceSelector is there.
  namespaceSelector meta.LabelSelector : Pods of these Namespaces; of all if empty.
  ipBlock IPBlock : Addresses; excludes the selectors.

type IPBlock : An address range with holes.
  cidr! string : The range, e.g. 192.168.1.0/24.
  except []string atomic : Ranges within that are left out.

package io.k8s.api.coordination.v1

kind Lease coordination.k8s.io/v1 : Who holds something, and until when.
  metadata meta.ObjectMeta : Name, labels and all else that every object has.
  spec LeaseSpec : What is wanted.

type LeaseSpec : Who holds a Lease.
  holderIdentity string : Name of the holder.
  leaseDurationSeconds int32 : Seconds after renewTime until others may take it.
  acquireTime microtime : When the holder took it.
  renewTime microtime : When the holder renewed it last.
  leaseTransitions int32 : How often the holder changed.
  strategy string : How a leader is chosen.
  preferredHolder string : Who should take it over.
)schema";
// clang-format on

}  // namespace antrea::kube
