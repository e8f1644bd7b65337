#pragma once

#include <boost/json.hpp>
#include <string>
#include <string_view>

#include "get.h"

// What the views of `antctl get` share, and the views themselves by where they ask.
namespace antrea::antctl {

/// The value at a JSON pointer ("/status/egressNode"), or null.
const boost::json::value* find(const boost::json::value& value, std::string_view path);
/// The string there, or anything else as JSON; empty if there is nothing.
std::string text(const boost::json::value& value, std::string_view path);
/// How many the list there holds.
std::size_t count(const boost::json::value& value, std::string_view path);
/// "a,b", or "<none>".
std::string joined(const boost::json::value& value, std::string_view path);
/// The objects of an answer that is a list or one object.
boost::json::array items(boost::json::value answer);

// get_controller.cc
Result<Report> network_policies(const Sources& sources, const Filter& filter);
Result<Report> policy_statistics(const Sources& sources, const Filter& filter);
Result<Report> address_groups(const Sources& sources, const Filter& filter);
Result<Report> applied_to_groups(const Sources& sources, const Filter& filter);
Result<Report> egress_groups(const Sources& sources, const Filter& filter);
Result<Report> egresses(const Sources& sources, const Filter& filter);
Result<Report> external_ip_pools(const Sources& sources, const Filter& filter);
// get_agent.cc
Result<Report> memberlist(const Sources& sources, const Filter& filter);
Result<Report> service_external_ips(const Sources& sources, const Filter& filter);
Result<Report> pod_interfaces(const Sources& sources, const Filter& filter);
Result<Report> ovs_flows(const Sources& sources, const Filter& filter);
Result<Report> services(const Sources& sources, const Filter& filter);
Result<Report> service_endpoints(const Sources& sources, const Filter& filter);
Result<Report> ovs_groups(const Sources& sources, const Filter& filter);
Result<Report> agent_info(const Sources& sources, const Filter& filter);

}  // namespace antrea::antctl
