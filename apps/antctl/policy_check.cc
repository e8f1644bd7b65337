#include "antrea/policy/check.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "policy.h"

namespace antrea::antctl {
namespace {

namespace cp = api::controlplane;
namespace json = boost::json;

json::object reference(const cp::NetworkPolicyReference& policy) {
  json::object object{{"kind", cp::to_string(policy.type)}};
  if (!policy.namespace_.empty()) object["namespace"] = policy.namespace_;
  object["name"] = policy.name;
  return object;
}

}  // namespace

Result<Report> policy_check(const PolicyArguments& arguments) {
  ANTREA_TRY(const auto objects, load_objects(arguments.files, arguments.sources));
  const policy::CheckReport found = policy::check(objects);
  Report report{{"FINDING", "POLICY", "WHERE", "WHAT"}, {}, {}};
  json::array findings, costs;
  for (const policy::Finding& finding : found.findings) {
    std::string text = finding.text;
    for (const std::string& other : finding.others)
      text += (&other == &finding.others.front() ? ": " : ", ") + other;
    report.rows.push_back(
        {std::string(to_string(finding.kind)), finding.policy.to_string(),
         finding.rule.empty() ? finding.field : finding.field + " " + finding.rule, text});
    json::object object{{"finding", to_string(finding.kind)},
                        {"policy", reference(finding.policy)},
                        {"field", finding.field},
                        {"text", finding.text}};
    if (!finding.rule.empty()) object["rule"] = finding.rule;
    if (!finding.others.empty())
      object["others"] = json::array(finding.others.begin(), finding.others.end());
    findings.push_back(std::move(object));
  }
  report.exit_code = found.findings.empty() ? 0 : 1;
  if (found.findings.empty()) report.rows.push_back({"nothing found"});
  report.rows.push_back({});
  report.rows.push_back({"FLOWS", "POLICY", "RULE", "ON NODES"});
  for (const policy::NodeFlows::RuleCost& cost : found.costs) {
    report.rows.push_back({fmt::format("{} ({} shared)", cost.cost.flows, cost.cost.shared),
                           cost.policy.to_string(), cost.rule, std::to_string(cost.cost.nodes)});
    costs.push_back({{"policy", reference(cost.policy)},
                     {"direction", cost.direction == cp::Direction::kIn ? "In" : "Out"},
                     {"rule", cost.rule},
                     {"flows", cost.cost.flows},
                     {"shared", cost.cost.shared},
                     {"nodes", cost.cost.nodes}});
  }
  report.rows.push_back({fmt::format("{} in all", found.flows)});
  report.data = json::object{
      {"findings", std::move(findings)}, {"costs", std::move(costs)}, {"flows", found.flows}};
  return report;
}

}  // namespace antrea::antctl
