#include <fmt/format.h>

#include <boost/json.hpp>
#include <map>

#include "antrea/openflow/text.h"
#include "antrea/policy/compare.h"
#include "antrea/policy/node_flows.h"
#include "policy.h"
#include "policy_sets.h"

namespace antrea::antctl {
namespace {

namespace json = boost::json;

json::array texts(const std::vector<std::string>& lines) {
  return json::array(lines.begin(), lines.end());
}

struct FlowLines {
  std::vector<std::string> removed, added;
};

/// A flow that only changes what it does stands on both sides.
FlowLines lines_of(const openflow::Changes& changes,
                   const std::map<openflow::FlowKey, openflow::Flow>& before) {
  FlowLines lines;
  for (const openflow::FlowKey& key : changes.remove_flows)
    if (const auto old = before.find(key); old != before.end())
      lines.removed.push_back(openflow::to_string(old->second));
  for (const openflow::Flow& flow : changes.flows) {
    if (const auto old = before.find(flow.key()); old != before.end())
      lines.removed.push_back(openflow::to_string(old->second));
    lines.added.push_back(openflow::to_string(flow));
  }
  return lines;
}

}  // namespace

Result<Report> policy_diff(const PolicyArguments& arguments) {
  ANTREA_TRY(const auto sets,
             load_sets(arguments.files, arguments.sets[0], arguments.sets[1], arguments.sources));
  const policy::Comparison comparison = policy::compare(sets.first, sets.second);
  const SetNames names(sets.first, sets.second);
  Report report{{"CHANGE", "FROM", "TO", "TRAFFIC"}, {}, json::object()};
  json::array conversations;
  for (const policy::ChangedConversations& change : comparison.changes) {
    report.rows.push_back(
        {fmt::format("{} -> {}", verdict_name(change.was), verdict_name(change.becomes)),
         names.of(change.from), names.of(change.to), traffic_of(change)});
    conversations.push_back(encode(change));
  }
  json::object& data = report.data.as_object();
  add_unshared(comparison, report);

  policy::NodeFlows flows(sets.first, sets.second);
  std::map<std::string, std::map<openflow::FlowKey, openflow::Flow>> before;
  for (const std::string& node : flows.nodes())
    for (openflow::Flow& flow : flows.flows(node)) before[node][flow.key()] = std::move(flow);
  json::array nodes;
  for (const auto& [node, changes] : flows.move_to(sets.second)) {
    const FlowLines lines = lines_of(changes, before[node]);
    if (nodes.empty()) {
      if (!report.rows.empty()) report.rows.emplace_back();
      report.rows.push_back({"NODE", "FLOWS REMOVED", "FLOWS ADDED"});
    }
    report.rows.push_back(
        {node, std::to_string(lines.removed.size()), std::to_string(lines.added.size())});
    nodes.push_back(
        {{"node", node}, {"removed", texts(lines.removed)}, {"added", texts(lines.added)}});
  }
  report.exit_code = report.rows.empty() ? 0 : 1;
  if (report.rows.empty()) report.columns = {"no conversation and no flow changes"};
  data["conversations"] = std::move(conversations);
  data["flows"] = std::move(nodes);
  return report;
}

}  // namespace antrea::antctl
