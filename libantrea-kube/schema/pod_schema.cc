#include "tables.h"

namespace antrea::kube {

// clang-format off
const std::string_view kPodSchema = R"schema(
package io.k8s.api.core.v1

kind Pod v1 : Containers that share a Node, a network and volumes.
  metadata meta.ObjectMeta : Name, labels and all else that every object has.
  spec PodSpec : What is wanted.
  status PodStatus : What was observed last.

kind Binding v1 : Binds a Pod to a Node.
  metadata meta.ObjectMeta : Name, labels and all else that every object has.
  target! ObjectReference : The Node.

type PodSpec : How a Pod is to run.
  volumes []Volume merge=name retainKeys keys=name : Volumes that its containers may mount.
  initContainers []Container merge=name keys=name : Containers that run one after the other before the others start.
  containers! []Container merge=name keys=name : Containers of the Pod, at least one.
  ephemeralContainers []EphemeralContainer merge=name keys=name : Containers put into a running Pod, to look around.
  restartPolicy string enum=Always|OnFailure|Never : When containers are started again; Always if empty.
  terminationGracePeriodSeconds int64 : Seconds from the first signal to the kill; 30 if empty.
  activeDeadlineSeconds int64 : Seconds after which a running Pod is stopped.
  dnsPolicy string enum=ClusterFirst|ClusterFirstWithHostNet|Default|None : Where DNS questions go; ClusterFirst if empty.
  nodeSelector map:string atomic : Labels that the Node must have.
  serviceAccountName string : ServiceAccount that the Pod acts as.
  serviceAccount string : Older name of serviceAccountName.
  automountServiceAccountToken bool : Whether the ServiceAccount's token is mounted.
  nodeName string : Node that runs the Pod; set by the scheduler if empty.
  hostNetwork bool : Use the Node's network namespace.
  hostPID bool : Use the Node's process namespace.
  hostIPC bool : Use the Node's IPC namespace.
  shareProcessNamespace bool : One process namespace for all containers.
  securityContext PodSecurityContext : Security settings for all containers.
  imagePullSecrets []LocalObjectReference merge=name keys=name : Secrets with credentials for image registries.
  hostname string : Host name inside the Pod; its name if empty.
  subdomain string : Subdomain of the Pod's DNS name.
  affinity Affinity : Wishes about Nodes and neighbours.
  schedulerName string : Which scheduler places the Pod; default-scheduler if empty.
  tolerations []Toleration atomic : Taints that the Pod bears.
  hostAliases []HostAlias merge=ip keys=ip : Lines added to /etc/hosts.
  priorityClassName string : Class that gives the priority.
  priority int32 : The higher, the earlier scheduled.
  dnsConfig PodDNSConfig : Additions to the resolver's configuration.
  readinessGates []PodReadinessGate atomic : Conditions that must hold, beside the containers', for the Pod to be ready.
  runtimeClassName string : RuntimeClass that runs the Pod.
  enableServiceLinks bool : Put the addresses of Services into environment variables.
  preemptionPolicy string : Whether it may push Pods of lower priority away.
  overhead map:quantity : Resources of the Pod itself beside its containers'.
  topologySpreadConstraints []TopologySpreadConstraint merge=topologyKey keys=topologyKey,whenUnsatisfiable : How Pods of a kind are spread over zones and Nodes.
  setHostnameAsFQDN bool : Use the full DNS name as host name.
  os PodOS : Operating system of the containers.
  hostUsers bool : Use the Node's user namespace.
  schedulingGates []PodSchedulingGate merge=name keys=name : The Pod is not scheduled while one is left.
  resourceClaims []PodResourceClaim merge=name retainKeys keys=name : ResourceClaims that must be met before the Pod starts.
  resources ResourceRequirements : Resources of the Pod as a whole.
  hostnameOverride string : Host name instead of the one from the Pod's name.

type PodStatus : State of a Pod.
  observedGeneration int64 : The generation that was looked at.
  phase string enum=Pending|Running|Succeeded|Failed|Unknown : Where in its life it is.
  conditions []PodCondition merge=type keys=type : Aspects of the state, by type.
  message string : What happened, for people.
  reason string : One word for the cause, for programs.
  nominatedNodeName string : Node on which room is being made.
  hostIP string : Address of the Node.
  hostIPs []HostIP merge=ip atomic : Addresses of the Node.
  podIP string : Address of the Pod.
  podIPs []PodIP merge=ip keys=ip : Addresses of the Pod, at most one of each family; the first equals podIP.
  startTime time : When the kubelet took it up.
  initContainerStatuses []ContainerStatus atomic : State of each init container.
  containerStatuses []ContainerStatus atomic : State of each container.
  qosClass string enum=Guaranteed|Burstable|BestEffort : Class that follows from requests and limits.
  ephemeralContainerStatuses []ContainerStatus atomic : State of each ephemeral container.
  resize string : Progress of a change of resources.
  resourceClaimStatuses []PodResourceClaimStatus merge=name retainKeys keys=name : State of its ResourceClaims.
  allocatedResources map:quantity : Resources set aside on the Node.
  resources ResourceRequirements : Resources of the Pod as a whole.

type PodSecurityContext : Security settings of a Pod.
  seLinuxOptions SELinuxOptions : SELinux context.
  windowsOptions WindowsSecurityContextOptions : Settings of Windows containers.
  runAsUser int64 : UID of the first process.
  runAsGroup int64 : GID of the first process.
  runAsNonRoot bool : Refuse to run as UID 0.
  supplementalGroups []int64 atomic : Further groups of the first process.
  supplementalGroupsPolicy string : Merge or Strict.
  fsGroup int64 : Group that owns the volumes.
  sysctls []Sysctl atomic : Kernel parameters of the Pod.
  fsGroupChangePolicy string : Always or OnRootMismatch.
  seccompProfile SeccompProfile : Seccomp profile.
  appArmorProfile AppArmorProfile : AppArmor profile.
  seLinuxChangePolicy string : Recursive or MountOption.

type Affinity : Wishes about Nodes and neighbours.
  nodeAffinity NodeAffinity : Which Nodes.
  podAffinity PodAffinity : Near which Pods.
  podAntiAffinity PodAntiAffinity : Away from which Pods.

type Toleration : Lets a Pod bear taints.
  key string : Key of the taint; every key if empty and the operator is Exists.
  operator string : Exists or Equal; Equal if empty.
  value string : Value of the taint, for Equal.
  effect string : Effect of the taint; all effects if empty.
  tolerationSeconds int64 : Seconds that a NoExecute taint is borne; for ever if empty.

type HostAlias : A line of /etc/hosts.
  ip! string : IP address.
  hostnames []string atomic : Names of the address.

type PodDNSConfig : Resolver settings of a Pod.
  nameservers []string atomic : Addresses of name servers.
  searches []string atomic : Domains to search.
  options []PodDNSConfigOption atomic : Options of resolv.conf.

type PodReadinessGate : A condition that readiness waits for.
  conditionType! string : Type of the condition.

type TopologySpreadConstraint : Keeps Pods of a kind spread.
  maxSkew! int32 : Largest difference between two domains.
  topologyKey! string : Node label whose values are the domains.
  whenUnsatisfiable! string : DoNotSchedule or ScheduleAnyway.
  labelSelector meta.LabelSelector : Objects to take, by their labels.
  minDomains int32 : Fewest domains that count.
  nodeAffinityPolicy string : Honor or Ignore.
  nodeTaintsPolicy string : Honor or Ignore.
  matchLabelKeys []string atomic : Labels of the Pod that the others must share.

type PodOS : Operating system of a Pod.
  name! string : "linux" or "windows".

type PodSchedulingGate : Holds back the scheduling of a Pod.
  name! string : Name.

type PodResourceClaim : Names a ResourceClaim, or a template to make one.
  name! string : Name.
  resourceClaimName string : Name of an existing ResourceClaim.
  resourceClaimTemplateName string : Name of a ResourceClaimTemplate.

type PodCondition : One aspect of a Pod's state.
  type! string : Which aspect: Ready, Initialized, ContainersReady, PodScheduled...
  observedGeneration int64 : The generation that was looked at.
  status! string : True, False or Unknown.
  lastProbeTime time : When it was looked at last.
  lastTransitionTime time : When the status changed last.
  reason string : One word for the cause, for programs.
  message string : What happened, for people.

type HostIP : An address of a Node.
  ip! string : IP address.

type PodIP : An address of a Pod.
  ip! string : IP address.

type PodResourceClaimStatus : The ResourceClaim made for a Pod.
  name! string : Name.
  resourceClaimName string : Name of the ResourceClaim.

type Sysctl : A kernel parameter.
  name! string : Name.
  value! string : Its value.

type NodeAffinity : Which Nodes a Pod may or would like to run on.
  requiredDuringSchedulingIgnoredDuringExecution NodeSelector : Must hold when the Pod is placed.
  preferredDuringSchedulingIgnoredDuringExecution []PreferredSchedulingTerm atomic : Counts in favour when the Pod is placed.

type PodAffinity : Which Pods a Pod must or would like to be near.
  requiredDuringSchedulingIgnoredDuringExecution []PodAffinityTerm atomic : Must hold when the Pod is placed.
  preferredDuringSchedulingIgnoredDuringExecution []WeightedPodAffinityTerm atomic : Counts in favour when the Pod is placed.

type PodAntiAffinity : Which Pods a Pod must or would like to be away from.
  requiredDuringSchedulingIgnoredDuringExecution []PodAffinityTerm atomic : Must hold when the Pod is placed.
  preferredDuringSchedulingIgnoredDuringExecution []WeightedPodAffinityTerm atomic : Counts in favour when the Pod is placed.

type PodDNSConfigOption : An option of resolv.conf.
  name string : Name.
  value string : Value of the option.

type NodeSelector : Nodes that match one of the terms.
  nodeSelectorTerms! []NodeSelectorTerm atomic : Terms, one of which must match.

type PreferredSchedulingTerm : A term with a weight.
  weight! int32 : 1 to 100.
  preference! NodeSelectorTerm : The term.

type PodAffinityTerm : Pods, and how near counts as near.
  labelSelector meta.LabelSelector : Objects to take, by their labels.
  namespaces []string atomic : Namespaces of these Pods.
  topologyKey! string : Node label whose equal values mean "near".
  namespaceSelector meta.LabelSelector : Namespaces to take, by their labels.
  matchLabelKeys []string atomic : Labels of the Pod that the others must share.
  mismatchLabelKeys []string atomic : Labels of the Pod that the others must not share.

type WeightedPodAffinityTerm : A term with a weight.
  weight! int32 : 1 to 100.
  podAffinityTerm! PodAffinityTerm : The term.

type NodeSelectorTerm : Expressions that must all match.
  matchExpressions []NodeSelectorRequirement atomic : About the Node's labels.
  matchFields []NodeSelectorRequirement atomic : About the Node's fields.

type NodeSelectorRequirement : One expression.
  key! string : Label or field.
  operator! string : In, NotIn, Exists, DoesNotExist, Gt or Lt.
  values []string atomic : Values for the operator.
)schema";
// clang-format on

}  // namespace antrea::kube
