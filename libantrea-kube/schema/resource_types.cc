#include <algorithm>

#include "antrea/kube/resource_type.h"

namespace antrea::kube {

void ResourceTypes::add(ResourceType type) {
  if (type.schema == nullptr)
    type.schema = schemas_.find(GroupVersionKind{type.group, type.version, type.kind});
  types_.push_back(std::make_unique<ResourceType>(std::move(type)));
}

const ResourceType* ResourceTypes::find(std::string_view group, std::string_view version,
                                        std::string_view plural) const {
  for (const auto& type : types_)
    if (type->plural == plural && type->group == group && type->version == version)
      return type.get();
  return nullptr;
}

const ResourceType* ResourceTypes::find_kind(std::string_view group, std::string_view version,
                                             std::string_view kind) const {
  for (const auto& type : types_)
    if (type->kind == kind && type->group == group && type->version == version) return type.get();
  return nullptr;
}

}  // namespace antrea::kube
