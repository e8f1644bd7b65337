#pragma once

#include <algorithm>
#include <iterator>
#include <unordered_set>
#include <utility>
#include <vector>

#include "antrea/openflow/flow.h"
#include "antrea/openflow/group.h"
#include "antrea/openflow/meter.h"

namespace antrea::openflow {

/// What an engine wants changed in a switch: the removals first, then what shall be there from now
/// on, whatever was there under the same key. The order inside a list means nothing; the switch is
/// told groups before the flows that use them.
struct Changes {
  std::vector<FlowKey> remove_flows;
  std::vector<GroupId> remove_groups;
  std::vector<MeterId> remove_meters;
  std::vector<Flow> flows;
  std::vector<Group> groups;
  std::vector<Meter> meters;

  bool empty() const {
    return remove_flows.empty() && remove_groups.empty() && remove_meters.empty() &&
           flows.empty() && groups.empty() && meters.empty();
  }

  /// These changes and then `later` ones, as one.
  void append(Changes later) {
    const auto drop = [](auto& added, const auto& removed, auto key) {
      if (added.empty() || removed.empty()) return;
      const std::unordered_set<std::decay_t<decltype(removed.front())>> gone(removed.begin(),
                                                                             removed.end());
      std::erase_if(added, [&](const auto& item) { return gone.contains(key(item)); });
    };
    const auto id = [](const auto& item) { return item.id; };
    drop(flows, later.remove_flows, [](const Flow& flow) { return flow.key(); });
    drop(groups, later.remove_groups, id);
    drop(meters, later.remove_meters, id);
    const auto join = [](auto& to, auto& from) {
      if (to.empty())
        to = std::move(from);
      else
        to.insert(to.end(), std::make_move_iterator(from.begin()),
                  std::make_move_iterator(from.end()));
    };
    join(remove_flows, later.remove_flows);
    join(remove_groups, later.remove_groups);
    join(remove_meters, later.remove_meters);
    join(flows, later.flows);
    join(groups, later.groups);
    join(meters, later.meters);
  }

  friend bool operator==(const Changes&, const Changes&) = default;
};

}  // namespace antrea::openflow
