#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "counted_flows.h"
#include "group_tree.h"
#include "service_patch.h"
#include "service_state.h"
#include "stable_ids.h"

namespace antrea::proxy {

/// The groups of all Services by their numbers in the switch, and the flows of the endpoints that
/// they lead to.
class GroupImage {
 public:
  GroupImage();

  /// Room for so many more, where they are known to come.
  void reserve(std::size_t more_groups, std::size_t more_endpoints);

  /// Numbers the groups of a Service that has been compiled anew, in place of the old ones. Appends
  /// to `renumbered` the other Services whose groups have other numbers now.
  void replace(ServiceState& service, const std::vector<GroupSpec>& old,
               const std::vector<openflow::GroupId>& old_ids,
               std::vector<ServiceState*>& renumbered);

  /// The same where only some endpoints of a group differ, which are changed in it here.
  void patch(ServiceState& service, std::uint32_t place, const BackendChange& change,
             std::vector<ServiceState*>& renumbered);

  /// What has come of it since the last time.
  void show(openflow::Changes& out);

  std::size_t endpoint_count(Family family) const { return endpoints_.count(family); }

 private:
  using Ids = StableIds<ServiceState*>;

  void add(ServiceState& service, std::size_t place, std::vector<Ids::Holder>& others);
  void remove(const GroupSpec& group, openflow::GroupId id, std::vector<Ids::Holder>& others);
  bool update(ServiceState& service, openflow::GroupId id, const GroupSpec& old,
              const GroupSpec& now, std::vector<Ids::Holder>& others);
  void refer(const GroupSpec& group, int by);
  void refer_members(const GroupSpec& group, openflow::GroupId id, int by);
  void resize(ServiceState& service, const GroupSpec& group, bool was_large,
              std::vector<Ids::Holder>& others);
  void plant(ServiceState& service, const GroupSpec& group, std::vector<Ids::Holder>& others);
  void fell(const GroupSpec& group, std::vector<Ids::Holder>& others);
  void divide(ServiceState& service, const GroupSpec& group, GroupTree& tree,
              std::vector<Ids::Holder>& others);
  void renumber(ServiceState& service, const std::vector<Ids::Holder>& others,
                std::vector<ServiceState*>& renumbered);
  void renumber(const Ids::Holder& holder);
  bool renumber_leaf(const Ids::Holder& holder);
  void show_tree(openflow::GroupId id, const GroupSpec& group, GroupTree& tree,
                 std::vector<openflow::Group>& out);
  void remove_unused(openflow::Changes& out);

  Ids ids_;
  CountedFlows<Endpoint> endpoints_;
  CountedFlows<Member> members_;                         // of groups
  std::map<std::string, GroupTree, std::less<>> trees_;  // of large groups, by identity
  std::vector<std::pair<openflow::GroupId, ServiceState*>> touched_;  // to be shown, if still his
  std::vector<openflow::GroupId> left_;                               // may be nobody's now
};

}  // namespace antrea::proxy
