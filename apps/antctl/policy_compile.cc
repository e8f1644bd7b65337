#include <algorithm>
#include <boost/json.hpp>

#include "antrea/openflow/text.h"
#include "antrea/policy/node_flows.h"
#include "policy.h"

namespace antrea::antctl {

namespace json = boost::json;

Result<Report> policy_compile(const PolicyArguments& arguments) {
  ANTREA_TRY(const auto objects, load_objects(arguments.files, arguments.sources));
  const policy::NodeFlows flows(objects);
  const auto nodes = flows.nodes();
  if (std::ranges::find(nodes, arguments.node) == nodes.end())
    return make_error(Errc::kNotFound, "no Pod of the objects is on it", "Node " + arguments.node);
  Report report{{}, {}, json::array()};  // no heading: ovs-ofctl shall take it
  for (const openflow::Flow& flow : flows.flows(arguments.node)) {
    std::string text = openflow::to_string(flow);
    report.data.as_array().emplace_back(text);
    report.rows.push_back({std::move(text)});
  }
  return report;
}

}  // namespace antrea::antctl
