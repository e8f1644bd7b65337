#include "tables.h"

namespace antrea::kube {

// clang-format off
const std::string_view kContainerSchema = R"schema(
package io.k8s.api.core.v1

type Container : One container of a Pod.
  name! string : Name, unique in the Pod.
  image string : Image to run.
  command []string atomic : Program and arguments instead of the image's entry point.
  args []string atomic : Arguments instead of the image's.
  workingDir string : Working directory.
  ports []ContainerPort merge=containerPort keys=containerPort,protocol : Ports that the container listens on; for information, and for names.
  envFrom []EnvFromSource atomic : Where to take many environment variables from.
  env []EnvVar merge=name keys=name : Environment variables.
  resources ResourceRequirements : Resources needed and allowed.
  resizePolicy []ContainerResizePolicy atomic : What a change of resources does.
  restartPolicy string : "Always" makes an init container a sidecar.
  restartPolicyRules []ContainerRestartRule atomic : Rules on exit that precede restartPolicy.
  volumeMounts []VolumeMount merge=mountPath keys=mountPath : Volumes mounted into the container.
  volumeDevices []VolumeDevice merge=devicePath keys=devicePath : Block devices given to the container.
  livenessProbe Probe : The container is restarted while it fails.
  readinessProbe Probe : The container gets no traffic from Services while it fails.
  startupProbe Probe : The other probes wait for it.
  lifecycle Lifecycle : What is done after the start and before the stop.
  terminationMessagePath string : File whose content becomes the termination message.
  terminationMessagePolicy string : File or FallbackToLogsOnError.
  imagePullPolicy string enum=Always|IfNotPresent|Never : When the image is pulled.
  securityContext SecurityContext : Security settings.
  stdin bool : Keep standard input open.
  stdinOnce bool : Close standard input after the first attach.
  tty bool : Give it a terminal.

type EphemeralContainer : A container put into a running Pod.
  name! string : Name, unique in the Pod.
  image string : Image to run.
  command []string atomic : Program and arguments instead of the image's entry point.
  args []string atomic : Arguments instead of the image's.
  workingDir string : Working directory.
  ports []ContainerPort merge=containerPort keys=containerPort,protocol : Ports that the container listens on; for information, and for names.
  envFrom []EnvFromSource atomic : Where to take many environment variables from.
  env []EnvVar merge=name keys=name : Environment variables.
  resources ResourceRequirements : Resources needed and allowed.
  resizePolicy []ContainerResizePolicy atomic : What a change of resources does.
  restartPolicy string : "Always" makes an init container a sidecar.
  restartPolicyRules []ContainerRestartRule atomic : Rules on exit that precede restartPolicy.
  volumeMounts []VolumeMount merge=mountPath keys=mountPath : Volumes mounted into the container.
  volumeDevices []VolumeDevice merge=devicePath keys=devicePath : Block devices given to the container.
  livenessProbe Probe : The container is restarted while it fails.
  readinessProbe Probe : The container gets no traffic from Services while it fails.
  startupProbe Probe : The other probes wait for it.
  lifecycle Lifecycle : What is done after the start and before the stop.
  terminationMessagePath string : File whose content becomes the termination message.
  terminationMessagePolicy string : File or FallbackToLogsOnError.
  imagePullPolicy string enum=Always|IfNotPresent|Never : When the image is pulled.
  securityContext SecurityContext : Security settings.
  stdin bool : Keep standard input open.
  stdinOnce bool : Close standard input after the first attach.
  tty bool : Give it a terminal.
  targetContainerName string : Container whose namespaces it joins.

type ResourceRequirements : Resources needed and allowed.
  limits map:quantity : The most that may be used, by resource.
  requests map:quantity : What is needed at least, by resource.
  claims []ResourceClaim keys=name : ResourceClaims used.

type ContainerStatus : State of a container.
  name! string : Name.
  state ContainerState : Now.
  lastState ContainerState : Before the last restart.
  ready! bool : Whether its readiness probe succeeds.
  restartCount! int32 : How often it was restarted.
  image! string : Image that runs.
  imageID! string : Digest of that image.
  containerID string : Runtime and identifier: "containerd://...".
  started bool : Whether its startup probe succeeded.
  allocatedResources map:quantity : Resources set aside on the Node.
  resources ResourceRequirements : Resources in effect.
  volumeMounts []VolumeMountStatus merge=mountPath keys=mountPath : State of its mounts.
  user ContainerUser : User of the first process.
  allocatedResourcesStatus []ResourceStatus merge=name keys=name : State of its devices.
  stopSignal string : Signal that stops it.

type ContainerPort : A port that a container listens on.
  name string : Name that Services and probes may use.
  hostPort int32 : Port of the Node that leads there.
  containerPort! int32 : Port number, 1 to 65535.
  protocol string enum=TCP|UDP|SCTP : Transport protocol; TCP if empty.
  hostIP string : Address of the Node for hostPort.

type EnvFromSource : Environment variables from an object.
  prefix string : Put before each name.
  configMapRef ConfigMapEnvSource : The ConfigMap.
  secretRef SecretEnvSource : The Secret.

type EnvVar : An environment variable.
  name! string : Name.
  value string : Its value; $(NAME) is replaced.
  valueFrom EnvVarSource : Where the value comes from.

type ContainerResizePolicy : What a change of one resource does.
  resourceName! string : Name of the resource.
  restartPolicy! string : NotRequired or RestartContainer.

type ContainerRestartRule : A rule on exit.
  action string : What to do, e.g. Restart.
  exitCodes ContainerRestartRuleOnExitCodes : Exit codes that it is about.

type VolumeMount : A volume in a container.
  name! string : Name.
  readOnly bool : Mount it for reading only.
  recursiveReadOnly string : Whether mounts below are read-only too: Disabled, IfPossible or Enabled.
  mountPath! string : Where in the container it is mounted.
  subPath string : Path inside the volume.
  mountPropagation string : None, HostToContainer or Bidirectional.
  subPathExpr string : The same with $(NAME) replaced.

type VolumeDevice : A block device in a container.
  name! string : Name.
  devicePath! string : Path of the device.

type Probe : How the state of a container is probed.
  exec ExecAction : Run a command; success is exit code 0.
  httpGet HTTPGetAction : HTTP GET; success is 200 to 399.
  tcpSocket TCPSocketAction : Open a TCP connection.
  grpc GRPCAction : gRPC health check.
  initialDelaySeconds int32 : Seconds to wait after the start.
  timeoutSeconds int32 : Seconds until a probe has failed; 1 if empty.
  periodSeconds int32 : Seconds between probes; 10 if empty.
  successThreshold int32 : Successes in a row that count; 1 if empty.
  failureThreshold int32 : Failures in a row that count; 3 if empty.
  terminationGracePeriodSeconds int64 : Seconds to end after a failed probe.

type Lifecycle : What is done after the start and before the stop.
  postStart LifecycleHandler : Right after the start.
  preStop LifecycleHandler : Right before the stop.
  stopSignal string : Signal that stops the container.

type SecurityContext : Security settings of a container.
  capabilities Capabilities : Capabilities added and dropped.
  privileged bool : All rights of the Node's root.
  seLinuxOptions SELinuxOptions : SELinux context.
  windowsOptions WindowsSecurityContextOptions : Settings of Windows containers.
  runAsUser int64 : UID of the first process.
  runAsGroup int64 : GID of the first process.
  runAsNonRoot bool : Refuse to run as UID 0.
  readOnlyRootFilesystem bool : The root file system cannot be written.
  allowPrivilegeEscalation bool : Whether a process may gain more rights than its parent.
  procMount string : Default or Unmasked.
  seccompProfile SeccompProfile : Seccomp profile.
  appArmorProfile AppArmorProfile : AppArmor profile.

type SELinuxOptions : An SELinux context.
  user string : User name.
  role string : SELinux role.
  type string : SELinux type.
  level string : SELinux level.

type WindowsSecurityContextOptions : Settings of Windows containers.
  gmsaCredentialSpecName string : Name of the GMSA credential spec.
  gmsaCredentialSpec string : The GMSA credential spec itself.
  runAsUserName string : User of the first process.
  hostProcess bool : Run as a HostProcess container.

type SeccompProfile : A seccomp profile.
  type! string : Localhost, RuntimeDefault or Unconfined.
  localhostProfile string : Name of the profile on the Node, for type Localhost.

type AppArmorProfile : An AppArmor profile.
  type! string : Localhost, RuntimeDefault or Unconfined.
  localhostProfile string : Name of the profile on the Node, for type Localhost.

type ResourceClaim : A ResourceClaim used by a container.
  name! string : Name.
  request string : One request of it.

type ContainerState : One of waiting, running and terminated.
  waiting ContainerStateWaiting : Not yet running.
  running ContainerStateRunning : Running.
  terminated ContainerStateTerminated : Ended.

type VolumeMountStatus : State of a mount.
  name! string : Name.
  mountPath! string : Where in the container it is mounted.
  readOnly bool : Mount it for reading only.
  recursiveReadOnly string : Whether mounts below are read-only too: Disabled, IfPossible or Enabled.

type ContainerUser : User of a container.
  linux LinuxContainerUser : On Linux.

type ResourceStatus : State of a container's devices.
  name! string : Name.
  resources []ResourceHealth keys=resourceID : Each device.

type ConfigMapEnvSource : A ConfigMap for environment variables.
  name string : Name.
  optional bool : Whether it may be missing.

type SecretEnvSource : A Secret for environment variables.
  name string : Name.
  optional bool : Whether it may be missing.

type EnvVarSource : Where the value of an environment variable comes from.
  fieldRef ObjectFieldSelector : A field of the Pod.
  resourceFieldRef ResourceFieldSelector : A resource of a container.
  configMapKeyRef ConfigMapKeySelector : A key of a ConfigMap.
  secretKeyRef SecretKeySelector : A key of a Secret.
  fileKeyRef FileKeySelector : A key of a file in a volume.

type ContainerRestartRuleOnExitCodes : A set of exit codes.
  operator string : In or NotIn.
  values []int32 set : Exit codes.

type ExecAction : A command in the container.
  command []string atomic : Program and arguments; no shell.

type HTTPGetAction : An HTTP GET.
  path string : Path.
  port! intOrString : Number or name of the port.
  host string : Address; the Pod's if empty.
  scheme string : HTTP or HTTPS.
  httpHeaders []HTTPHeader atomic : Headers to send.

type TCPSocketAction : A TCP connection.
  port! intOrString : Number or name of the port.
  host string : Address; the Pod's if empty.

type GRPCAction : A gRPC health check.
  port! int32 : Port number.
  service string : Service named in the request.

type LifecycleHandler : One thing to do.
  exec ExecAction : Run a command.
  httpGet HTTPGetAction : HTTP GET.
  tcpSocket TCPSocketAction : No longer used.
  sleep SleepAction : Wait.

type Capabilities : POSIX capabilities.
  add []string atomic : Added ones.
  drop []string atomic : Dropped ones.

type ContainerStateWaiting : A container that is not yet running.
  reason string : One word for the cause, for programs.
  message string : What happened, for people.

type ContainerStateRunning : A running container.
  startedAt time : When it was started.

type ContainerStateTerminated : A container that ended.
  exitCode! int32 : Exit code.
  signal int32 : Signal that ended it.
  reason string : One word for the cause, for programs.
  message string : What happened, for people.
  startedAt time : When it was started.
  finishedAt time : When it ended.
  containerID string : Runtime and identifier.

type LinuxContainerUser : User and groups on Linux.
  uid! int64 : User.
  gid! int64 : Primary group.
  supplementalGroups []int64 atomic : Further groups.

type ResourceHealth : State of a device.
  resourceID! string : Identifier of the device.
  health string : Healthy, Unhealthy or Unknown.
  message string : What happened, for people.

type ObjectFieldSelector : A field of the object itself.
  apiVersion string : Version of the schema; v1 if empty.
  fieldPath! string : Path of the field, e.g. metadata.name.

type ResourceFieldSelector : A resource of a container.
  containerName string : Name of the container.
  resource! string : e.g. limits.cpu.
  divisor quantity : Unit of the output.

type ConfigMapKeySelector : A key of a ConfigMap.
  name string : Name.
  key! string : Key.
  optional bool : Whether it may be missing.

type SecretKeySelector : A key of a Secret.
  name string : Name.
  key! string : Key.
  optional bool : Whether it may be missing.

type FileKeySelector : A key of a file in a volume.
  volumeName! string : Name of the volume.
  path! string : Path.
  key! string : Key.
  optional bool : Whether it may be missing.

type HTTPHeader : An HTTP header.
  name! string : Name.
  value! string : Its value.

type SleepAction : A wait.
  seconds! int64 : How long.
)schema";
// clang-format on

}  // namespace antrea::kube
