#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "antrea/policy/compare.h"
#include "output.h"
#include "policy_input.h"

namespace antrea::antctl {

/// Sets of Pods and addresses for people: "shop/*" is every Pod that takes part of the Namespace.
class SetNames {
 public:
  SetNames(const Objects& old_objects, const Objects& new_objects);
  std::string of(const policy::EndSet& ends) const;

 private:
  std::map<std::string, std::set<policy::PodAddress>> by_namespace_;
  std::set<policy::PodAddress> all_;
};

/// "allowed", "dropped" or "rejected".
std::string_view verdict_name(api::controlplane::RuleAction verdict);
/// "TCP/80 by service default/web", "UDP to *.example.com's address".
std::string traffic_of(const policy::ChangedConversations& change);
boost::json::value encode(const policy::ChangedConversations& change);
/// Rows and data about Pods that only one set has.
void add_unshared(const policy::Comparison& comparison, Report& report);

}  // namespace antrea::antctl
