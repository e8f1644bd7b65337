#pragma once

#include <boost/json/value.hpp>
#include <boost/program_options.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "antrea/policy/evaluator.h"
#include "antrea/policy/manifest.h"
#include "output.h"
#include "policy_input.h"
#include "sources.h"

namespace antrea::antctl {

/// What the subcommands of `antctl policy` read. Each uses a part of it.
struct PolicyArguments {
  std::vector<std::string> files;      ///< -f: files, folders, or kCluster
  std::vector<std::string> sets;       ///< OLD and NEW
  Sources sources;                     ///< how to reach a live cluster
  std::vector<std::string> ports;      ///< --port of reach: P/PROTO
  std::vector<std::string> externals;  ///< --external
  std::string from, to, node;
  std::uint16_t port = 0;
  std::string protocol = "TCP";
  std::string output = "table";
};

/// One subcommand of `antctl policy`. Each stands in a file of its own, policy_NAME.cc.
struct PolicyCommand {
  std::string_view name;
  std::string_view options;  ///< their names, each followed by a space
  std::string_view about;    ///< one line
  std::string_view details;  ///< what --help says below the usage
  Result<Report> (*run)(const PolicyArguments& arguments);
  bool two_sets = false;  ///< it takes OLD and NEW
  bool answers = false;   ///< its exit code is the answer: 0 or 1; 2 when it failed
};

Result<Report> policy_reach(const PolicyArguments& arguments);
Result<Report> policy_explain(const PolicyArguments& arguments);
Result<Report> policy_diff(const PolicyArguments& arguments);
Result<Report> policy_equal(const PolicyArguments& arguments);
Result<Report> policy_check(const PolicyArguments& arguments);
Result<Report> policy_compile(const PolicyArguments& arguments);

/// `antctl policy ARGUMENTS...`; the exit code: 0 done, 1 failed, 2 not understood; of
/// those that answer by it as in PolicyCommand.
int run_policy(const std::vector<std::string>& arguments);

/// "TCP", "UDP", "SCTP" or "ICMP", in either case. Error: kInvalidArgument.
Result<api::controlplane::ServiceProtocol> parse_service_protocol(std::string_view text);
std::string_view to_string(api::controlplane::ServiceProtocol protocol);
std::string_view to_string(api::controlplane::RuleAction action);

/// What both directions say together, the egress side first.
struct ReachVerdict {
  policy::DirectionVerdict egress, ingress;
  std::string_view result() const;  ///< "allowed", "dropped" or "rejected", as antrea-lab reach
};
ReachVerdict judge(const policy::Evaluator& evaluator, const policy::Conversation& conversation);

/// "AntreaClusterNetworkPolicy:guard/telnet", or "" for nobody.
std::string name_of(const std::optional<policy::RuleStep>& step);
boost::json::value encode(const std::optional<policy::RuleStep>& step);

}  // namespace antrea::antctl
