#pragma once

#include <boost/json/object.hpp>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "antrea/api/egress.h"
#include "antrea/egress/scheduler.h"

namespace antrea::egress {

/// The condition of an Egress with addresses of pools that says whether a Node has them.
inline constexpr std::string_view kIpAssigned = "IPAssigned";

/// What a Node has of the addresses that are placed there.
struct NodeShare {
  std::set<IpAddress> owned;                 ///< to be announced from there
  std::map<IpAddress, std::string> refused;  ///< placed there, but not had, and why
};

/// An Egress has been given an address of this Node, or has it there no more.
struct AssignmentEvent {
  std::string egress, uid;
  bool assigned = false;
  IpAddress ip;
  friend bool operator==(const AssignmentEvent&, const AssignmentEvent&) = default;
};

struct Report {
  /// Of Egresses that are to say something else than they do: all of their status.
  std::map<std::string, api::crd::EgressStatus> statuses;
  std::vector<AssignmentEvent> events;
};

/// Engine: what one Node tells of Egresses (antrea: egress_controller.go, updateEgressStatus).
///
/// - The Node that has an address of an Egress writes its status; of several, the first in the
///   Egress counts. Of an Egress without pools there is no condition, as its user assigns it.
/// - An address that was its user's and is here no more takes its Node from the status.
/// - What nobody has is told by the Node that refuses it, or by the one that the ring names among
///   all that are alive. All other Nodes leave the status alone, so that no two fight over it, and
///   conditions of others stay.
/// - What the status has said already is no news at the first time: after a restart.
class ANTREA_API Reporter {
 public:
  explicit Reporter(std::string node) : node_(std::move(node)) {}

  /// `now`: RFC 3339, for conditions that change.
  Report apply(const std::map<std::string, api::crd::Egress>& egresses, const Scheduler& scheduler,
               const NodeShare& share, const std::string& now);

 private:
  struct Assigned {
    std::string uid;  // of the Egress
    std::set<IpAddress> ips;
  };
  api::crd::EgressStatus status(const api::crd::Egress& egress, const Scheduler& scheduler,
                                const NodeShare& share, const std::string& now) const;
  std::vector<AssignmentEvent> news(const std::map<std::string, api::crd::Egress>& egresses,
                                    const std::set<IpAddress>& owned);

  std::string node_;
  std::map<std::string, Assigned> assigned_;  // by Egress
  bool began_ = false;
};

/// A merge patch that makes a status this one.
ANTREA_API boost::json::object status_patch(const api::crd::EgressStatus& status);
/// The Event (v1, in the default namespace, as its Egress is in none) that `node` tells with at
/// `now`, RFC 3339; `name` is unique.
ANTREA_API boost::json::object event_object(const AssignmentEvent& event, const std::string& node,
                                            const std::string& name, const std::string& now);

}  // namespace antrea::egress
