#include "tables.h"

namespace antrea::kube {

// clang-format off
const std::string_view kMetaSchema = R"schema(
package io.k8s.apimachinery.pkg.apis.meta.v1

type ObjectMeta : Name, labels and all else that every object has.
  name string : Name, unique in the Namespace and for the kind; cannot be changed.
  generateName string : Prefix from which the server makes a name if there is none.
  namespace string : Namespace of the object; cannot be changed.
  selfLink string : No longer used.
  uid string : Identifier that no other object ever has; set by the server.
  resourceVersion string : Version of the object, opaque; a write with an old one is refused.
  generation int64 : Counts the changes of what is wanted; set by the server.
  creationTimestamp time : When it was created; set by the server.
  deletionTimestamp time : When it will be gone; set by a graceful deletion.
  deletionGracePeriodSeconds int64 : Seconds that the deletion may take.
  labels map:string : Keys and values to select objects by.
  annotations map:string : Keys and values that are not selected by.
  ownerReferences []OwnerReference merge=uid keys=uid : Objects it depends on; it is removed with the last of them.
  finalizers []string merge set : Who must agree before it goes away.
  managedFields []ManagedFieldsEntry atomic : Which client set which fields.

type ListMeta : What every list has.
  selfLink string : No longer used.
  resourceVersion string : Version at which the list was read.
  continue string : Token to read on from; empty at the end.
  remainingItemCount int64 : How many follow, if known.

type OwnerReference : An object that another one depends on.
  apiVersion! string : API version of the owner.
  kind! string : Kind of the owner.
  name! string : Name of the owner.
  uid! string : Identifier of the owner.
  controller bool : Whether the owner manages the object.
  blockOwnerDeletion bool : Whether a foreground deletion of the owner waits for the object.

type ManagedFieldsEntry : Fields that one client set.
  manager string : Name of the client.
  operation string : Apply or Update.
  apiVersion string : API version in which the fields are named.
  time time : When it set them last.
  fieldsType string : Always FieldsV1.
  fieldsV1 any : The fields, as a tree.
  subresource string : Subresource that was written, e.g. status.

type LabelSelector : Objects that match all labels and expressions; all objects if empty.
  matchLabels map:string : Labels that must have these values.
  matchExpressions []LabelSelectorRequirement atomic : Expressions that must hold.

type LabelSelectorRequirement : One expression about a label.
  key! string : Label.
  operator! string : In, NotIn, Exists or DoesNotExist.
  values []string atomic : Values for In and NotIn.

type Condition : One aspect of an object's state.
  type! string : Which aspect.
  status! string enum=True|False|Unknown : Whether it holds.
  observedGeneration int64 : The generation that was looked at.
  lastTransitionTime! time : When the status changed last.
  reason! string : One word for the cause, for programs.
  message! string : What happened, for people.

kind Status v1 : The answer to a request that has no object to return.
  metadata meta.ListMeta : Nothing of use here.
  code int32 : The HTTP status code.
  details StatusDetails : More about the reason.
  message string : What happened, for people.
  reason string : One word for the cause, for programs.
  status string : Success or Failure.

type StatusDetails : More about a Status.
  causes []StatusCause atomic : Each thing that was wrong.
  group string : API group of the object.
  kind string : Kind of the object, or its resource.
  name string : Name of the object.
  retryAfterSeconds int32 : Seconds to wait before trying again.
  uid string : Identifier of the object.

type StatusCause : One thing that was wrong.
  field string : Path of the field at fault.
  message string : What is wrong, for people.
  reason string : One word for it, for programs.

kind DeleteOptions v1 : How to delete.
  dryRun []string atomic : "All" to change nothing.
  gracePeriodSeconds int64 : Seconds that the object may take to end; 0 to delete at once.
  ignoreStoreReadErrorWithClusterBreakingPotential bool : Delete even if the stored object cannot be read.
  orphanDependents bool : No longer used; see propagationPolicy.
  preconditions Preconditions : What must be true of the object.
  propagationPolicy string enum=Orphan|Background|Foreground : What becomes of dependent objects.

type Preconditions : What must be true of an object.
  resourceVersion string : Its version.
  uid string : Its identifier.
)schema";
// clang-format on

}  // namespace antrea::kube
