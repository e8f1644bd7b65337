#pragma once

#include <string_view>

namespace antrea::kube {

/// Types of apimachinery that all resources share. In the form of SchemaSet::add().
extern const std::string_view kMetaSchema;
/// Containers of Pods. In the form of SchemaSet::add().
extern const std::string_view kContainerSchema;
/// Volumes of Pods. In the form of SchemaSet::add().
extern const std::string_view kVolumeSchema;
/// Pods: what the scheduler and the kubelet read. In the form of SchemaSet::add().
extern const std::string_view kPodSchema;
/// All other resources: Namespaces, Nodes, Services, endpoints, configuration, Events,
/// NetworkPolicies, Leases. In the form of SchemaSet::add().
extern const std::string_view kObjectsSchema;
/// Antrea's and the administrator's policies and groups. In the form of SchemaSet::add().
extern const std::string_view kAntreaSchema;

}  // namespace antrea::kube
