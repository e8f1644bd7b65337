#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>

#include "antrea/api/statistics.h"
#include "antrea/base/export.h"
#include "antrea/policy/rule.h"
#include "antrea/policy/rule_counters.h"

namespace antrea::controlplane {

/// What a Node has to report about the packets that its rules decided on (antrea:
/// pkg/agent/stats/collector.go). An engine.
///
/// The first readings are the baseline: what was counted in an earlier life was reported then. A
/// rule that comes later is reported in full. What was not taken by the controller is reported
/// again with the next readings.
class ANTREA_API NodeStatistics {
 public:
  using Readings = std::map<std::uint32_t, policy::RuleCounters>;  ///< by conjunction
  /// The rule that a conjunction stands for; null: it has gone meanwhile.
  using FindRule =
      std::function<std::shared_ptr<const policy::RuleIdentity>(std::uint32_t conjunction)>;

  explicit NodeStatistics(std::string node) : node_(std::move(node)) {}

  /// What came since the readings that were last `told`; policies without any are left out, and
  /// those of kinds that have no statistics. `empty()`: nothing to report.
  api::controlplane::NodeStatsSummary due(Readings now, const FindRule& find_rule);
  /// The controller has what `due` returned last.
  void told();

 private:
  std::string node_;
  bool begun_ = false;
  Readings told_, latest_;
};

}  // namespace antrea::controlplane
