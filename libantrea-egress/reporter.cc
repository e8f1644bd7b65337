#include "antrea/egress/reporter.h"

#include <algorithm>
#include <boost/json.hpp>

#include "antrea/api/egress_json.h"

namespace antrea::egress {

using api::crd::Condition;
using api::crd::Egress;
using api::crd::EgressStatus;
namespace json = boost::json;

namespace {

/// Its time changes only where its status does.
void set_condition(EgressStatus& status, bool assigned, std::string message,
                   const std::string& now) {
  Condition wanted{std::string(kIpAssigned), assigned ? "True" : "False",
                   assigned ? "Assigned" : "AssignmentError", std::move(message), now};
  const auto found = std::ranges::find(status.conditions, kIpAssigned, &Condition::type);
  if (found == status.conditions.end()) {
    status.conditions.push_back(std::move(wanted));
    return;
  }
  if (found->status == wanted.status) wanted.last_transition_time = found->last_transition_time;
  *found = std::move(wanted);
}

void drop_condition(EgressStatus& status) {
  std::erase_if(status.conditions,
                [](const Condition& condition) { return condition.type == kIpAssigned; });
}

}  // namespace

EgressStatus Reporter::status(const Egress& egress, const Scheduler& scheduler,
                              const NodeShare& share, const std::string& now) const {
  EgressStatus status = egress.status;
  std::optional<IpAddress> first;
  std::string why;
  bool refused = false, someone = false;
  for (const auto& address : egress.spec.addresses) {
    if (!address.ip) continue;
    if (!first) first = address.ip;
    if (share.owned.contains(*address.ip)) {
      status.egress_node = node_;
      status.egress_ip = address.ip->to_string();
      if (address.pool.empty())
        drop_condition(status);
      else
        set_condition(status, true, "EgressIP is successfully assigned to EgressNode", now);
      return status;
    }
    const auto placed = scheduler.placements().find({egress.metadata.name, *address.ip});
    if (const auto found = share.refused.find(*address.ip); found != share.refused.end()) {
      refused = true;
      why = found->second;
    } else if (placed == scheduler.placements().end()) {
      someone = true;  // its user's business
      if (status.egress_node != node_) continue;
      status.egress_node.clear();  // it is not here any more
      status.egress_ip.clear();
    } else if (placed->second.owner.empty()) {
      why = to_string(placed->second.unowned);
    } else {
      someone = true;
    }
  }
  if (!first || someone) return status;
  if (!refused && scheduler.reporter(first->to_string()) != node_) return status;
  status.egress_node.clear();
  status.egress_ip.clear();
  set_condition(status, false, "Failed to assign the IP to EgressNode: " + why, now);
  return status;
}

std::vector<AssignmentEvent> Reporter::news(const std::map<std::string, Egress>& egresses,
                                            const std::set<IpAddress>& owned) {
  std::map<std::string, Assigned> now;
  for (const auto& [name, egress] : egresses) {
    Assigned here{egress.metadata.uid, {}};
    for (const auto& address : egress.spec.addresses)
      if (address.ip && owned.contains(*address.ip)) here.ips.insert(*address.ip);
    if (!here.ips.empty()) now.emplace(name, std::move(here));
    if (began_ || egress.status.egress_node != node_) continue;
    if (const auto said = IpAddress::parse(egress.status.egress_ip))
      assigned_[name] = {egress.metadata.uid, {*said}};
  }
  began_ = true;
  std::vector<AssignmentEvent> events;
  const auto tell = [&](const auto& those, const auto& others, bool assigned) {
    for (const auto& [name, each] : those) {
      const auto other = others.find(name);
      for (const IpAddress& ip : each.ips)
        if (other == others.end() || !other->second.ips.contains(ip))
          events.push_back({name, each.uid, assigned, ip});
    }
  };
  tell(assigned_, now, false);
  tell(now, assigned_, true);
  assigned_ = std::move(now);
  return events;
}

Report Reporter::apply(const std::map<std::string, Egress>& egresses, const Scheduler& scheduler,
                       const NodeShare& share, const std::string& now) {
  Report report;
  for (const auto& [name, egress] : egresses)
    if (auto wanted = status(egress, scheduler, share, now); wanted != egress.status)
      report.statuses.emplace(name, std::move(wanted));
  report.events = news(egresses, share.owned);
  return report;
}

json::object status_patch(const EgressStatus& status) {
  Egress carrier;
  carrier.status = status;
  json::object patch{{"egressNode", status.egress_node}, {"egressIP", status.egress_ip}};
  // A patch leaves out nothing that is to go.
  patch["conditions"] = json::array();
  const json::value whole = api::encode(carrier);
  if (const auto* said = whole.as_object().if_contains("status"); said != nullptr)
    if (const auto* conditions = said->as_object().if_contains("conditions"); conditions != nullptr)
      patch["conditions"] = *conditions;
  return {{"status", std::move(patch)}};
}

json::object event_object(const AssignmentEvent& event, const std::string& node,
                          const std::string& name, const std::string& now) {
  const std::string message = std::string(event.assigned ? "Assigned" : "Unassigned") + " Egress " +
                              event.egress + " with IP " + event.ip.to_string() +
                              (event.assigned ? " on Node " : " from Node ") + node;
  return {{"apiVersion", "v1"},
          {"kind", "Event"},
          {"metadata", {{"namespace", "default"}, {"name", name}}},
          {"involvedObject",
           {{"apiVersion", "crd.antrea.io/v1beta1"},
            {"kind", "Egress"},
            {"name", event.egress},
            {"uid", event.uid}}},
          {"type", "Normal"},
          {"reason", event.assigned ? "IPAssigned" : "IPUnassigned"},
          {"message", message},
          {"source", {{"component", "AntreaAgentEgressController"}, {"host", node}}},
          {"reportingComponent", "AntreaAgentEgressController"},
          {"reportingInstance", node},
          {"firstTimestamp", now},
          {"lastTimestamp", now},
          {"count", 1}};
}

}  // namespace antrea::egress
