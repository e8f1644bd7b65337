#include <fmt/format.h>

#include <boost/json.hpp>

#include "antrea/policy/compare.h"
#include "policy.h"
#include "policy_sets.h"

namespace antrea::antctl {

namespace json = boost::json;

Result<Report> policy_equal(const PolicyArguments& arguments) {
  ANTREA_TRY(const auto sets,
             load_sets(arguments.files, arguments.sets[0], arguments.sets[1], arguments.sources));
  const policy::Comparison found = policy::find_difference(sets.first, sets.second);
  Report report{{}, {}, json::object{{"equal", found.equivalent()}}};
  report.exit_code = found.equivalent() ? 0 : 1;
  if (found.equivalent()) {
    report.columns = {"equal: no packet is judged differently"};
    return report;
  }
  report.columns = {"DIFFERENCE", "FROM", "TO", "TRAFFIC"};
  const SetNames names(sets.first, sets.second);
  if (!found.changes.empty()) {
    const policy::ChangedConversations& packet = found.changes.front();
    report.rows.push_back({fmt::format("{} in one, {} in the other", verdict_name(packet.was),
                                       verdict_name(packet.becomes)),
                           names.of(packet.from), names.of(packet.to), traffic_of(packet)});
    report.data.as_object()["counterexample"] = encode(packet);
  }
  add_unshared(found, report);
  return report;
}

}  // namespace antrea::antctl
