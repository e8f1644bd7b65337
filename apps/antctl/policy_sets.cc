#include "policy_sets.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json.hpp>

#include "antrea/policy/evaluator.h"
#include "policy.h"

namespace antrea::antctl {
namespace {

namespace cp = api::controlplane;
namespace json = boost::json;

/// The first few, and how many more.
std::string joined(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 4;
  if (names.size() <= kShown + 1) return fmt::format("{}", fmt::join(names, ", "));
  return fmt::format("{} and {} more", fmt::join(names.begin(), names.begin() + kShown, ", "),
                     names.size() - kShown);
}

json::array encode(const std::vector<policy::PodAddress>& pods) {
  json::array list;
  for (const policy::PodAddress& end : pods)
    list.push_back({{"pod", end.pod.to_string()}, {"address", end.ip.to_string()}});
  return list;
}

json::object encode(const policy::EndSet& ends) {
  if (!ends.pods.empty()) return {{"pods", encode(ends.pods)}};
  json::array blocks;
  for (const IpPrefix& prefix : ends.outside) blocks.emplace_back(prefix.to_string());
  return {{"outside", std::move(blocks)}};
}

/// Bounds are left out where they bound nothing.
json::object encode(const policy::TrafficRange& range) {
  json::object object{{"protocol", range.protocol ? to_string(*range.protocol) : "other"}};
  if (!range.protocol) return object;
  const bool icmp = range.protocol == cp::ServiceProtocol::kIcmp;
  const std::uint16_t bound = icmp ? 255 : 65535;
  const auto add = [&](const char* first_name, const char* last_name, std::uint16_t first,
                       std::uint16_t last) {
    if (first == 0 && last == bound) return;
    object[first_name] = first;
    if (last != first) object[last_name] = last;
  };
  add(icmp ? "type" : "port", icmp ? "endType" : "endPort", range.first_port, range.last_port);
  add(icmp ? "code" : "sourcePort", icmp ? "endCode" : "sourceEndPort", range.first_source_port,
      range.last_source_port);
  return object;
}

}  // namespace

SetNames::SetNames(const Objects& old_objects, const Objects& new_objects) {
  std::set<policy::PodAddress> found[2];
  for (const Objects* objects : {&old_objects, &new_objects})
    for (const policy::ObjectChange& object : *objects)
      if (const auto* pod = std::get_if<std::shared_ptr<const api::Pod>>(&object);
          pod != nullptr && !(*pod)->host_network && !(*pod)->terminated())
        for (const IpAddress& ip : (*pod)->pod_ips)
          found[objects == &old_objects ? 0 : 1].insert({api::key_of((*pod)->metadata), ip});
  std::ranges::set_intersection(found[0], found[1], std::inserter(all_, all_.end()));
  for (const policy::PodAddress& end : all_) by_namespace_[end.pod.namespace_].insert(end);
}

std::string SetNames::of(const policy::EndSet& ends) const {
  std::vector<std::string> names;
  if (ends.pods.empty()) {
    for (const IpPrefix& prefix : ends.outside) names.push_back(prefix.to_string());
    return "outside " + joined(names);
  }
  const std::set<policy::PodAddress> pods(ends.pods.begin(), ends.pods.end());
  if (pods == all_ && pods.size() > 1) return "all Pods";
  const auto whole = [&](const std::set<policy::PodAddress>& some) {
    return some.size() > 1 && std::ranges::includes(pods, some);
  };
  for (const auto& [ns, members] : by_namespace_)
    if (whole(members)) names.push_back(ns + "/*");
  for (const policy::PodAddress& end : pods) {
    const auto members = by_namespace_.find(end.pod.namespace_);
    if (members != by_namespace_.end() && whole(members->second)) continue;
    const std::string name = end.pod.to_string();
    if (names.empty() || names.back() != name) names.push_back(name);
  }
  return joined(names);
}

std::string_view verdict_name(cp::RuleAction verdict) {
  switch (verdict) {
    case cp::RuleAction::kAllow:
      return "allowed";
    case cp::RuleAction::kReject:
      return "rejected";
    case cp::RuleAction::kDrop:
    case cp::RuleAction::kPass:
      break;
  }
  return "dropped";
}

std::string traffic_of(const policy::ChangedConversations& change) {
  std::string text = policy::to_string(change.traffic);
  if (change.service)
    text += fmt::format(" by {} {}/{}", change.by_node_port ? "a NodePort of service" : "service",
                        change.service->namespace_, change.service->name);
  if (!change.names.empty())
    text += fmt::format(" to the address of {}", fmt::join(change.names, " and "));
  return text;
}

json::value encode(const policy::ChangedConversations& change) {
  json::array traffic;
  for (const policy::TrafficRange& range : change.traffic) traffic.push_back(encode(range));
  json::object object{{"was", verdict_name(change.was)},
                      {"becomes", verdict_name(change.becomes)},
                      {"from", encode(change.from)},
                      {"to", encode(change.to)},
                      {"traffic", std::move(traffic)}};
  if (change.service) object["service"] = change.service->namespace_ + "/" + change.service->name;
  if (change.by_node_port) object["byNodePort"] = true;
  if (!change.names.empty())
    object["names"] = json::array(change.names.begin(), change.names.end());
  return object;
}

void add_unshared(const policy::Comparison& comparison, Report& report) {
  json::object& data = report.data.as_object();
  for (const auto& [key, pods] :
       {std::pair{"onlyOld", &comparison.only_old}, std::pair{"onlyNew", &comparison.only_new}}) {
    if (pods->empty()) continue;
    data[key] = encode(*pods);
    std::vector<std::string> names;
    for (const policy::PodAddress& end : *pods)
      names.push_back(end.pod.to_string() + " at " + end.ip.to_string());
    report.rows.push_back({key == std::string_view("onlyOld")
                               ? "Pods only in the first, not compared"
                               : "Pods only in the second, not compared",
                           joined(names), "", ""});
  }
  if (comparison.left_out_names) {
    data["leftOutNames"] = true;
    report.rows.push_back({"not all combinations of DNS names were tried", "", "", ""});
  }
}

}  // namespace antrea::antctl
