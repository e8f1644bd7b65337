#pragma once

#include <cstdint>
#include <optional>

#include "antrea/api/controlplane.h"
#include "antrea/api/pipeline.h"
#include "antrea/openflow/flow.h"
#include "antrea/policy/flow_compiler.h"
#include "flow_spec.h"

namespace antrea::policy {

/// The tables of one direction.
struct Stage {
  api::pipeline::Table antrea, rules, defaults, metrics, next;
  unsigned id_register;
  unsigned label_offset;
};
const Stage& stage_of(api::controlplane::Direction direction);
/// The direction that a table belongs to.
const Stage& stage_of(api::pipeline::Table table);

/// What a flow does.
struct Program {
  enum class Kind : std::uint8_t {
    kConjoin,    ///< names the conjunctions whose clause it satisfies
    kAllow,      ///< commits the connection with the ID it matches
    kAllowAsIs,  ///< lets it go on: it is committed, under other addresses than those it has now
    kDeny,       ///< marks the packet as denied by the ID it matches; with `reject`, to be answered
    kPass,       ///< leaves it to Kubernetes' policies
    kIsolate,    ///< drops
    kCount,      ///< counts and goes on
    kCountDenied,   ///< counts and drops
    kDnsTarget,     ///< a clause of the interception of DNS answers
    kDnsAnswer,     ///< the other clause
    kInterceptDns,  ///< holds the packet until the controller has seen it
  };
  Kind kind{};
  bool reject = false;
  bool log = false;  ///< also tells the controller
  friend bool operator==(const Program&, const Program&) = default;
};

/// What a flow that is not kConjoin does: its actions, and in `goto_table` where the packet goes
/// on.
openflow::Actions actions_of(const FlowSpec& spec, const Program& program,
                             const FlowCompiler::Options& options,
                             std::optional<openflow::TableId>& goto_table);

}  // namespace antrea::policy
