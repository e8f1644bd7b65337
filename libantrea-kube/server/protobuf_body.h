#pragma once

#include <boost/json/object.hpp>
#include <span>
#include <string_view>

#include "antrea/base/result.h"

namespace antrea::kube {

/// A body of type application/vnd.kubernetes.protobuf: "k8s\0" and a runtime.Unknown with the
/// object in it. kubectl sends such from version 1.31 on when it creates objects by command, and
/// asks what it may do.
///
/// Known are the kinds that kubectl, schedulers and leaders send: Namespace, ConfigMap, Secret,
/// ServiceAccount, Service, NetworkPolicy, Lease, Binding, Eviction, DeleteOptions,
/// SelfSubjectAccessReview and its kin. Errors: kMalformed; kUnsupported, another kind.
Result<boost::json::object> decode_protobuf_body(std::string_view bytes);

}  // namespace antrea::kube
