#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "antrea/api/controlplane_changes.h"
#include "antrea/api/egress.h"
#include "group_index.h"

namespace antrea::policy {

/// The Pods that Egresses select, by the Nodes that they are on (antrea: pkg/controller/egress). A
/// Pod that uses its Node's network, has no Node or has ended is in no group.
class EgressGroups {
 public:
  explicit EgressGroups(GroupIndex& index) : index_(index) {}

  void set(const api::crd::Egress& egress);
  void remove(const std::string& name);

  /// Tells what changed in this batch.
  void flush(api::controlplane::Changes& changes);

 private:
  struct Entry {
    bool published = false;
    bool gone = false;
    std::optional<GroupId> shown;   // as published
    std::optional<GroupId> wanted;  // absent: an Egress without selectors selects nothing
  };
  using Members = std::vector<api::controlplane::NodeMember>;
  using Touches = std::vector<GroupIndex::Touch>;

  void want(const std::string& name, Entry& entry, std::optional<GroupId> group);
  void tell(const std::string& name, Members added, Members removed,
            api::controlplane::Changes& changes);
  void settle(const std::string& name, const Touches& touches, api::controlplane::Changes& changes);
  void add_member(EntityId entity, const EntityState& state, Members& members) const;

  GroupIndex& index_;
  std::map<std::string, Entry, std::less<>> entries_;
  std::map<GroupId, std::set<std::string>> users_;  // of groups that are shown
  std::set<std::string> dirty_;
};

}  // namespace antrea::policy
