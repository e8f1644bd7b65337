#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "antrea/base/clock.h"
#include "antrea/node/policy_packet_in.h"
#include "antrea/policy/rule.h"

namespace antrea::node {

/// What a rule decided of a packet, as a line of np.log without its time (antrea:
/// pkg/agent/controller/networkpolicy/audit_logging.go): table, policy, rule, direction,
/// disposition, OpenFlow priority, the Pod that the policy is applied to, source address and port,
/// destination address and port, protocol, length of the IP packet in bytes, log label; "<nil>" for
/// what there is not.
///
/// @param rule      Null: isolation by Kubernetes' policies, which is nobody's in particular.
/// @param priority  Of the rule's decision in its table.
ANTREA_API std::string audit_line(const PolicyPacketIn& packet, const policy::RuleIdentity* rule,
                                  std::optional<std::uint16_t> priority,
                                  const InterfaceStore& interfaces);

/// Engine: which lines are written when. What was allowed is told at once; all else waits for a
/// second, and what comes again meanwhile is counted: "… [3 packets in 1s]".
class ANTREA_API AuditLog {
 public:
  struct Options {
    Duration window = std::chrono::seconds(1);
    /// Different lines that may wait; beyond them the oldest do not wait to the end.
    std::size_t most_waiting = 20'000;
  };

  AuditLog() : AuditLog(Options{}) {}
  explicit AuditLog(const Options& options) : options_(options) {}

  /// The lines to write now. `now` never goes back.
  std::vector<std::string> add(std::string line, bool at_once, TimePoint now);
  std::vector<std::string> due(TimePoint now);
  /// Those that wait, before their time.
  std::vector<std::string> flush(TimePoint now);
  /// When `due` will have something; nothing while none waits.
  std::optional<TimePoint> next_due() const;

 private:
  struct Waiting {
    std::uint64_t count = 1;
    TimePoint since;
  };
  std::string take_oldest(TimePoint now);

  Options options_;
  std::unordered_map<std::string, Waiting> waiting_;
  std::deque<const std::string*> order_;  ///< keys of `waiting_`, the oldest first
};

}  // namespace antrea::node
