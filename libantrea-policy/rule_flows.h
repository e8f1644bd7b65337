#pragma once

#include <array>
#include <span>
#include <vector>

#include "policy_flows.h"

namespace antrea::policy {

/// Which flows a rule asks for. Its record has to be filled in, but for the flows.
class RuleFlows {
 public:
  explicit RuleFlows(const FlowCompiler::Options& options);

  using Asked = std::vector<AskedFlow>;
  using ByPart = std::array<Asked, kRuleParts.size()>;

  /// What a rule consists of, or some of it.
  struct Members {
    std::span<const PodInterface> targets;
    std::span<const std::uint32_t> target_services;
    std::span<const IpPrefix> peers;
    std::span<const std::uint32_t> peer_services;
    std::span<const api::controlplane::Service> services;
  };
  /// A flow may be asked for several times. Without conjunction: only kOthers.
  ByPart flows_of(const RuleRecord& rule, const Members& members) const;

  /// What the conjunction leads to, and what counts its decisions.
  Asked outcomes_of(const RuleRecord& rule) const;

 private:
  using Table = api::pipeline::Table;
  bool serves(Family family) const;
  void append_target(const RuleRecord& rule, const PodInterface& target, Table table,
                     std::uint16_t priority, const Program& program, Asked& out) const;
  void append_interception(Asked& out) const;

  std::vector<Family> families_;
};

/// Where the conjunction of a rule lies.
api::pipeline::Table table_of(const RuleIdentity& identity);

}  // namespace antrea::policy
