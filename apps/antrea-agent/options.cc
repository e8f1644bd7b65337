#include "options.h"

#include <fmt/format.h>

#include "apps/common/command_line.h"
#include "option_parts.h"

namespace antrea::agent {
namespace {

constexpr std::string_view kAbout =
    "Runs a Node's data plane: the Open vSwitch bridge and its flows, routes, Pod interfaces "
    "(CNI), Services and network\n"
    "policies. Ending it, in whatever way, leaves the data plane working as it is.";

/// What is wrong with all of them together; "" for nothing.
std::string find_contradiction(const Options& options) {
  if (options.node.empty()) return "--node is empty";
  if (options.proxy && !options.service_cidrs.empty())
    return "--service-cidr without --no-proxy: expected both";
  if (!options.proxy && (options.proxy_all || options.dsr))
    return fmt::format("--no-proxy together with --{}: expected one of them",
                       options.proxy_all ? "proxy-all" : "dsr");
  if (options.gossip_key_dir.empty() &&
      !(options.gossip_verify_incoming && options.gossip_verify_outgoing))
    return "--gossip-verify-incoming or --gossip-verify-outgoing without --gossip-key-dir";
  return "";
}

/// What follows from the others where nothing is said.
void fill_in(Options& options) {
  if (options.cni_socket.empty()) options.cni_socket = options.run_dir + "/cni.sock";
  if (options.api_socket.empty()) options.api_socket = options.run_dir + "/api.sock";
  if (options.gateway_port.empty()) options.gateway_port = "antrea-gw0";
  if (options.service_cidrs.empty())
    options.service_cidrs.push_back(*IpPrefix::parse("10.96.0.0/12"));
}

}  // namespace

ParsedOptions parse_options(int argc, const char* const* argv) {
  ParsedOptions parsed;
  Options& options = parsed.options;
  apps::OptionList list;
  add_node_options(list, options);
  add_policy_options(list, options);
  add_service_options(list, options);
  add_egress_options(list, options);
  list.word("log-level", options.log_level, "info",
            {"trace", "debug", "info", "warn", "error", "off"}, "LEVEL",
            "trace, debug, info, warn, error or off");
  const auto line = apps::read_command_line("antrea-agent", kAbout, list.description(), argc, argv);
  parsed.exit_code = line.exit_code;
  if (parsed.exit_code) return parsed;
  if (const std::string wrong = find_contradiction(options); !wrong.empty()) {
    fmt::print(stderr, "antrea-agent: {} (see antrea-agent --help)\n", wrong);
    parsed.exit_code = 2;
    return parsed;
  }
  fill_in(options);
  return parsed;
}

}  // namespace antrea::agent
