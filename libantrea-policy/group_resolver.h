#pragma once

#include <string>
#include <vector>

#include "native_policy.h"

namespace antrea::policy {

/// What entries of appliedTo, peers and groups come down to.
struct Members {
  std::vector<GroupSelector> selectors;
  std::vector<api::IpBlock> blocks;
};

/// Finds what Groups and ClusterGroups are made of.
class GroupResolver {
 public:
  /// `namespace_`: of the Groups; empty for ClusterGroups.
  GroupResolver(std::string namespace_, Surroundings& around)
      : namespace_(std::move(namespace_)), around_(around) {}

  /// Nothing for a group that does not exist or whose children have children.
  Members resolve(const std::string& name) const;

 private:
  const api::crd::GroupSpec* find(const std::string& name) const;
  void add(const api::crd::GroupSpec& group, Members& members) const;

  std::string namespace_;
  Surroundings& around_;
};

}  // namespace antrea::policy
