#include "egress_reports.h"

#include <fmt/chrono.h>

namespace antrea::agent {

void EgressReports::tell(const node::EgressNode& node, const node::EgressDecision& decision) {
  const auto time = std::chrono::system_clock::now();
  const std::string now =
      fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
  const auto report =
      reporter_.apply(node.egresses(), node.scheduler(), {decision.owned, decision.refused}, now);
  for (const auto& [name, egress] : node.egresses()) {
    const std::string path = "/apis/crd.antrea.io/v1beta1/egresses/" + name + "/status";
    if (const auto status = report.statuses.find(name); status != report.statuses.end())
      writes_.patch(path, egress::status_patch(status->second));
    else
      writes_.drop(path);
  }
  auto number = time.time_since_epoch().count();
  for (const auto& event : report.events)
    writes_.create(
        "/api/v1/namespaces/default/events",
        egress::event_object(event, node_, fmt::format("{}.{}.{:x}", event.egress, node_, number++),
                             now));
}

}  // namespace antrea::agent
