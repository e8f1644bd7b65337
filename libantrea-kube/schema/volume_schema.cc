#include "tables.h"

namespace antrea::kube {

// clang-format off
const std::string_view kVolumeSchema = R"schema(
package io.k8s.api.core.v1

type Volume : A volume of a Pod: a name and exactly one source.
  name! string : Name.
  hostPath HostPathVolumeSource : A file or directory of the Node.
  emptyDir EmptyDirVolumeSource : An empty directory that lives as long as the Pod.
  gcePersistentDisk GCEPersistentDiskVolumeSource : Volume of a storage system outside the cluster.
  awsElasticBlockStore AWSElasticBlockStoreVolumeSource : Volume of a storage system outside the cluster.
  gitRepo GitRepoVolumeSource : Volume of a storage system outside the cluster.
  secret SecretVolumeSource : The keys of a Secret as files.
  nfs NFSVolumeSource : An NFS export.
  iscsi ISCSIVolumeSource : Volume of a storage system outside the cluster.
  glusterfs GlusterfsVolumeSource : Volume of a storage system outside the cluster.
  persistentVolumeClaim PersistentVolumeClaimVolumeSource : What a PersistentVolumeClaim is bound to.
  rbd RBDVolumeSource : Volume of a storage system outside the cluster.
  flexVolume FlexVolumeSource : Volume of a storage system outside the cluster.
  cinder CinderVolumeSource : Volume of a storage system outside the cluster.
  cephfs CephFSVolumeSource : Volume of a storage system outside the cluster.
  flocker FlockerVolumeSource : Volume of a storage system outside the cluster.
  downwardAPI DownwardAPIVolumeSource : Facts about the Pod as files.
  fc FCVolumeSource : Volume of a storage system outside the cluster.
  azureFile AzureFileVolumeSource : Volume of a storage system outside the cluster.
  configMap ConfigMapVolumeSource : The keys of a ConfigMap as files.
  vsphereVolume VsphereVirtualDiskVolumeSource : Volume of a storage system outside the cluster.
  quobyte QuobyteVolumeSource : Volume of a storage system outside the cluster.
  azureDisk AzureDiskVolumeSource : Volume of a storage system outside the cluster.
  photonPersistentDisk PhotonPersistentDiskVolumeSource : Volume of a storage system outside the cluster.
  projected ProjectedVolumeSource : Several sources in one directory.
  portworxVolume PortworxVolumeSource : Volume of a storage system outside the cluster.
  scaleIO ScaleIOVolumeSource : Volume of a storage system outside the cluster.
  storageos StorageOSVolumeSource : Volume of a storage system outside the cluster.
  csi CSIVolumeSource : A volume of a CSI driver.
  ephemeral EphemeralVolumeSource : A PersistentVolumeClaim made for the Pod.
  image ImageVolumeSource : The content of a container image.

type HostPathVolumeSource : A file or directory of the Node.
  path! string : Path.
  type string : What is expected there: "", DirectoryOrCreate, Directory, FileOrCreate, File, Socket...

type EmptyDirVolumeSource : An empty directory.
  medium string : "" for the Node's disk, Memory for tmpfs.
  sizeLimit quantity : Largest size.

type GCEPersistentDiskVolumeSource
  pdName! string
  fsType string : File system on the volume.
  partition int32 : Partition to mount; 0 for the whole disk.
  readOnly bool : Mount it for reading only.

type AWSElasticBlockStoreVolumeSource
  volumeID! string : Identifier of the volume.
  fsType string : File system on the volume.
  partition int32 : Partition to mount; 0 for the whole disk.
  readOnly bool : Mount it for reading only.

type GitRepoVolumeSource : A checkout of a git repository; no longer used.
  repository! string
  revision string
  directory string

type SecretVolumeSource : The keys of a Secret as files.
  secretName string : Name of the Secret.
  items []KeyToPath atomic : Which keys become which files; all of them if empty.
  defaultMode int32 : Permission bits of the files.
  optional bool : Whether it may be missing.

type NFSVolumeSource : An NFS export.
  server! string : Address of the server.
  path! string : Path.
  readOnly bool : Mount it for reading only.

type ISCSIVolumeSource
  targetPortal! string
  iqn! string
  lun! int32
  iscsiInterface string
  fsType string : File system on the volume.
  readOnly bool : Mount it for reading only.
  portals []string atomic
  chapAuthDiscovery bool
  chapAuthSession bool
  secretRef LocalObjectReference : Secret with the credentials.
  initiatorName string

type GlusterfsVolumeSource
  endpoints! string
  path! string : Path.
  readOnly bool : Mount it for reading only.

type PersistentVolumeClaimVolumeSource : Names a PersistentVolumeClaim.
  claimName! string : Name of the PersistentVolumeClaim in the Pod's Namespace.
  readOnly bool : Mount it for reading only.

type RBDVolumeSource
  monitors! []string atomic : Addresses of the monitors.
  image! string
  fsType string : File system on the volume.
  pool string
  user string : User name.
  keyring string
  secretRef LocalObjectReference : Secret with the credentials.
  readOnly bool : Mount it for reading only.

type FlexVolumeSource
  driver! string
  fsType string : File system on the volume.
  secretRef LocalObjectReference : Secret with the credentials.
  readOnly bool : Mount it for reading only.
  options map:string

type CinderVolumeSource
  volumeID! string : Identifier of the volume.
  fsType string : File system on the volume.
  readOnly bool : Mount it for reading only.
  secretRef LocalObjectReference : Secret with the credentials.

type CephFSVolumeSource
  monitors! []string atomic : Addresses of the monitors.
  path string : Path.
  user string : User name.
  secretFile string
  secretRef LocalObjectReference : Secret with the credentials.
  readOnly bool : Mount it for reading only.

type FlockerVolumeSource
  datasetName string
  datasetUUID string

type DownwardAPIVolumeSource : Facts about the Pod as files.
  items []DownwardAPIVolumeFile atomic : Which keys become which files; all of them if empty.
  defaultMode int32 : Permission bits of the files.

type FCVolumeSource
  targetWWNs []string atomic
  lun int32
  fsType string : File system on the volume.
  readOnly bool : Mount it for reading only.
  wwids []string atomic

type AzureFileVolumeSource
  secretName! string
  shareName! string
  readOnly bool : Mount it for reading only.

type ConfigMapVolumeSource : The keys of a ConfigMap as files.
  name string : Name.
  items []KeyToPath atomic : Which keys become which files; all of them if empty.
  defaultMode int32 : Permission bits of the files.
  optional bool : Whether it may be missing.

type VsphereVirtualDiskVolumeSource
  volumePath! string
  fsType string : File system on the volume.
  storagePolicyName string
  storagePolicyID string

type QuobyteVolumeSource
  registry! string
  volume! string
  readOnly bool : Mount it for reading only.
  user string : User name.
  group string
  tenant string

type AzureDiskVolumeSource
  diskName! string
  diskURI! string
  cachingMode string
  fsType string : File system on the volume.
  readOnly bool : Mount it for reading only.
  kind string : Kind of the object.

type PhotonPersistentDiskVolumeSource
  pdID! string
  fsType string : File system on the volume.

type ProjectedVolumeSource : Several sources in one directory.
  sources []VolumeProjection atomic : The sources.
  defaultMode int32 : Permission bits of the files.

type PortworxVolumeSource
  volumeID! string : Identifier of the volume.
  fsType string : File system on the volume.
  readOnly bool : Mount it for reading only.

type ScaleIOVolumeSource
  gateway! string
  system! string
  secretRef! LocalObjectReference : Secret with the credentials.
  sslEnabled bool
  protectionDomain string
  storagePool string
  storageMode string
  volumeName string : Name of the volume.
  fsType string : File system on the volume.
  readOnly bool : Mount it for reading only.

type StorageOSVolumeSource
  volumeName string : Name of the volume.
  volumeNamespace string
  fsType string : File system on the volume.
  readOnly bool : Mount it for reading only.
  secretRef LocalObjectReference : Secret with the credentials.

type CSIVolumeSource : A volume of a CSI driver.
  driver! string : Name of the driver.
  readOnly bool : Mount it for reading only.
  fsType string : File system on the volume.
  volumeAttributes map:string : Parameters for the driver.
  nodePublishSecretRef LocalObjectReference : Secret handed to the driver.

type EphemeralVolumeSource : A PersistentVolumeClaim made for the Pod.
  volumeClaimTemplate PersistentVolumeClaimTemplate : What it is made from.

type ImageVolumeSource : The content of a container image.
  reference string : Name of the image.
  pullPolicy string : Always, IfNotPresent or Never.

type KeyToPath : A key and the file it becomes.
  key! string : Key.
  path! string : Path of the file, relative.
  mode int32 : Permission bits of this file.

type DownwardAPIVolumeFile : A fact about the Pod as a file.
  path! string : Path.
  fieldRef ObjectFieldSelector : A field of the Pod.
  resourceFieldRef ResourceFieldSelector : A resource of a container.
  mode int32 : Permission bits of this file.

type VolumeProjection : One source of a projected volume.
  secret SecretProjection : A Secret.
  downwardAPI DownwardAPIProjection : Facts about the Pod.
  configMap ConfigMapProjection : A ConfigMap.
  serviceAccountToken ServiceAccountTokenProjection : A token of the ServiceAccount.
  clusterTrustBundle ClusterTrustBundleProjection : Trust anchors.
  podCertificate PodCertificateProjection : A certificate for the Pod.

type PersistentVolumeClaimTemplate : What a PersistentVolumeClaim is made from.
  metadata meta.ObjectMeta : Labels and annotations to copy.
  spec! PersistentVolumeClaimSpec : What is wanted.

type SecretProjection : A Secret in a projected volume.
  name string : Name.
  items []KeyToPath atomic : Which keys become which files; all of them if empty.
  optional bool : Whether it may be missing.

type DownwardAPIProjection : Facts about the Pod in a projected volume.
  items []DownwardAPIVolumeFile atomic : Which keys become which files; all of them if empty.

type ConfigMapProjection : A ConfigMap in a projected volume.
  name string : Name.
  items []KeyToPath atomic : Which keys become which files; all of them if empty.
  optional bool : Whether it may be missing.

type ServiceAccountTokenProjection : A token in a projected volume.
  audience string : For whom the token is meant.
  expirationSeconds int64 : How long the token is good.
  path! string : Path.

type ClusterTrustBundleProjection : Trust anchors in a projected volume.
  name string : Name.
  signerName string : The signer.
  labelSelector meta.LabelSelector : Objects to take, by their labels.
  optional bool : Whether it may be missing.
  path! string : Path.

type PodCertificateProjection : A certificate in a projected volume.
  signerName string : The signer.
  keyType string
  maxExpirationSeconds int32
  credentialBundlePath string
  keyPath string
  certificateChainPath string
  userAnnotations map:string

type PersistentVolumeClaimSpec : Which storage is wanted.
  accessModes []string atomic : ReadWriteOnce, ReadOnlyMany, ReadWriteMany, ReadWriteOncePod.
  selector meta.LabelSelector : Volumes that qualify.
  resources VolumeResourceRequirements : How much.
  volumeName string : Name of the volume.
  storageClassName string : StorageClass.
  volumeMode string : Filesystem or Block.
  dataSource TypedLocalObjectReference : Object with the first content.
  dataSourceRef TypedObjectReference : The same, of any kind.
  volumeAttributesClassName string

type VolumeResourceRequirements : How much storage.
  limits map:quantity : The most that may be used, by resource.
  requests map:quantity : What is needed at least, by resource.

type TypedLocalObjectReference : An object of the same Namespace.
  apiGroup string : API group of the object.
  kind! string : Kind of the object.
  name! string : Name.

type TypedObjectReference : An object.
  apiGroup string : API group of the object.
  kind! string : Kind of the object.
  name! string : Name.
  namespace string : Namespace of the object.
)schema";
// clang-format on

}  // namespace antrea::kube
