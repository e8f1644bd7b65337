#include <algorithm>
#include <boost/json.hpp>

#include "antrea/openflow/text.h"
#include "antrea/policy/flow_compiler.h"
#include "antrea/policy/rule_cache.h"
#include "policy.h"

namespace antrea::antctl {
namespace {

namespace cp = api::controlplane;
namespace json = boost::json;

/// What the Node would be sent.
std::vector<policy::RuleInput> inputs_of(const cp::Changes& changes, const std::string& node) {
  std::vector<policy::RuleInput> inputs;
  for (const cp::PolicyChange& change : changes.policies)
    if (change.span.contains(node)) inputs.emplace_back(change.policy);
  for (const cp::AddressGroupChange& change : changes.address_groups) {
    auto group = std::make_shared<cp::AddressGroup>();
    group->metadata.name = change.name;
    group->members = change.delta.added;
    inputs.emplace_back(policy::AddressGroupUpserted(std::move(group)));
  }
  for (const cp::AppliedToGroupChange& change : changes.applied_to_groups) {
    const auto members = change.delta_by_node.find(node);
    if (members == change.delta_by_node.end()) continue;
    auto group = std::make_shared<cp::AppliedToGroup>();
    group->metadata.name = change.name;
    group->members = members->second.added;
    inputs.emplace_back(policy::AppliedToGroupUpserted(std::move(group)));
  }
  return inputs;
}

}  // namespace

Result<Report> policy_compile(const PolicyArguments& arguments) {
  ANTREA_TRY(const auto objects, load_objects(arguments.files));
  std::vector<policy::RuleInput> inputs =
      inputs_of(policy::Compiler().apply(objects), arguments.node);
  std::map<api::ObjectKey, std::vector<IpAddress>> pods;
  for (const policy::ObjectChange& object : objects)
    if (const auto* pod = std::get_if<std::shared_ptr<const api::Pod>>(&object);
        pod != nullptr && (*pod)->node_name == arguments.node && !(*pod)->host_network &&
        !(*pod)->terminated())
      pods[api::key_of((*pod)->metadata)] = (*pod)->pod_ips;
  if (pods.empty())
    return make_error(Errc::kNotFound, "no Pod of the files is on it", "Node " + arguments.node);
  std::uint32_t ofport = 0;
  for (const auto& [pod, ips] : pods) inputs.emplace_back(policy::PodInterface{pod, ++ofport, ips});

  policy::RuleCache cache;
  ANTREA_TRY(const policy::RuleChanges rules, cache.apply(inputs));
  std::vector<openflow::Flow> flows = policy::FlowCompiler().apply(rules).flows;
  std::ranges::sort(flows, [](const openflow::Flow& a, const openflow::Flow& b) {
    if (a.table != b.table) return a.table < b.table;
    if (a.priority != b.priority) return a.priority > b.priority;
    return a.match < b.match;
  });
  Report report{{}, {}, json::array()};  // no heading: ovs-ofctl shall take it
  for (const openflow::Flow& flow : flows) {
    std::string text = openflow::to_string(flow);
    report.data.as_array().emplace_back(text);
    report.rows.push_back({std::move(text)});
  }
  return report;
}

}  // namespace antrea::antctl
