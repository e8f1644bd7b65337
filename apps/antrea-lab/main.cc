// Hosts and Pods made of network namespaces on one machine, with a Kubernetes API, a real Open
// vSwitch on each host, and probes that tell what really gets through.
#include <algorithm>
#include <cstdio>
#include <exception>

#include "options.h"

namespace antrea::app {

const std::vector<Command> kCommands{
    {"up", "[--nodes N] [--name NAME] [--hosts-only]", "bring a lab up",
     "Brings up a controller with an embedded API server, and N Nodes with an agent and an Open "
     "vSwitch each.\n"
     "Prints how to reach the API. Needs no root: a user namespace is enough.",
     run_up},
    {"apply", "-f FILE|- [-f FILE]... [--wait] [--name NAME]",
     "create or update the objects of manifests",
     "Creates the objects of YAML or JSON files, or updates those that exist. --wait returns when "
     "all Pods run.",
     run_apply},
    {"delete", "-f FILE|- [-f FILE]... [--name NAME]", "delete the objects of manifests",
     "Deletes the objects that YAML or JSON files name. Those that do not exist are passed over.",
     run_delete},
    {"reach",
     "[--from NAME]... [--to NAME]... [--port N]... [--protocol P]... [--expect FILE] [-o json]",
     "probe who reaches whom",
     "Sends real packets between all Pods, Services, Nodes and the outside host, and prints what "
     "became of them:\n"
     "allowed, dropped (silence), rejected (RST or ICMP), or error (could not be told; says "
     "why).\n\n"
     "NAME is as printed (default/frontend, service/default/web, node/worker-01, outside) or its "
     "last part.\n"
     "With --expect, the probes of FILE (as -o json prints them) are sent; exit 1 and a diff if "
     "one differs.",
     run_reach},
    {"exec", "NAMESPACE/POD [--name NAME] -- COMMAND [ARG]...", "run a command in a Pod",
     "Runs COMMAND in the Pod's network, with this terminal; exits as it does. The files are this "
     "machine's, but\n"
     "/etc/resolv.conf: Service names resolve.",
     run_exec},
    {"node", "NODE [--name NAME] -- COMMAND [ARG]...", "run a command on a Node",
     "Runs COMMAND in the Node's network with the Node's /run, so that ovs-vsctl, ovs-ofctl and "
     "kubectl work:\n"
     "  antrea-lab node worker-01 -- ovs-ofctl -O OpenFlow15 dump-flows br-int",
     run_node},
    {"outside", "[--name NAME] -- COMMAND [ARG]...",
     "run a command on the host beyond the Nodes' network",
     "Runs COMMAND on a host that is reached through the Nodes' router and is no part of the "
     "cluster.",
     run_outside},
    {"beside", "[--name NAME] -- COMMAND [ARG]...", "run a command on a host on the Nodes' network",
     "Runs COMMAND on a host that is on the Nodes' own network, sees their broadcasts, and is no "
     "part of the cluster.",
     run_beside},
    {"status", "[-o json] [--name NAME]", "show hosts, Pods and daemons",
     "Shows the Nodes, the Pods on them, and whether every daemon runs. Exit 1 if one does not.",
     run_status},
    {"list", "", "list this user's labs", "Lists the labs of this user, and whether they are up.",
     run_list},
    {"daemon", "start|stop|kill HOST DAEMON [--name NAME]",
     "end or start a daemon, to see what happens",
     "stop sends SIGTERM, kill SIGKILL. HOST is a Node with antrea-agent, ovs-vswitchd and "
     "ovsdb-server, or\n"
     "\"control\" with antrea-controller.",
     run_daemon},
    {"fail", "NODE --how FAULT [--name NAME]", "make a Node fail, to see what happens",
     "Makes a Node fail until \"heal\":\n"
     "  agent   its agent is killed\n"
     "  node    all of its processes are killed, its link is cut\n"
     "  link    its link is cut\n"
     "  gossip  what agents tell each other of who is alive is lost, all else is not\n"
     "  oneway  what it sends is lost, it still hears\n"
     "  pause   its processes are stopped, and go on later where they were\n"
     "  loss    of what it sends, 30 % is lost\n"
     "  jitter  what it sends and hears comes up to 50 ms late, in another order\n"
     "The API stays reachable. Several faults may be on at once.",
     run_fail},
    {"heal", "NODE [--name NAME]", "end a Node's faults",
     "Ends all faults of a Node, and starts what of it does not run.", run_heal},
    {"run", "FILE... [--nodes N] [--name NAME] [--expect FILE] [--keep]", "up, apply, reach, down",
     "Brings a lab up, applies the manifests, waits for the Pods, probes, takes the lab down.",
     run_run},
    {"demo", "[--keep] [--name NAME] [--examples DIR]",
     "the three-Pod example, checked step by step",
     "Applies the three Pods, then their NetworkPolicies, then deletes those again; after each "
     "step compares what was\n"
     "expected with what real packets did. Exit 0 only if all of it held.",
     run_demo},
    {"down", "[--name NAME]", "end a lab and remove what it left",
     "Ends a lab; cleans up after one that crashed.", run_down},
};

namespace {

void print_help(std::FILE* out) {
  std::fputs(
      "antrea-lab makes a cluster out of network namespaces: try a NetworkPolicy, with real "
      "packets.\n\n"
      "usage: antrea-lab COMMAND [OPTION]...\n\ncommands:\n",
      out);
  for (const auto& command : kCommands)
    std::fprintf(out, "  %-9s %s\n", command.name, command.summary);
  std::fputs(
      "\n\"antrea-lab COMMAND --help\" tells more. Exit codes: 0 done, 1 failed, 2 wrong usage.\n",
      out);
}

}  // namespace
}  // namespace antrea::app

int main(int argc, char** argv) try {
  using namespace antrea::app;
  const Args args(argv + 1, argv + argc);
  if (args.empty()) {
    print_help(stderr);
    return 2;
  }
  if (args[0] == "--help" || args[0] == "-h" || args[0] == "help") {
    print_help(stdout);
    return 0;
  }
  const auto command = std::find_if(kCommands.begin(), kCommands.end(),
                                    [&](const Command& c) { return args[0] == c.name; });
  if (command == kCommands.end()) {
    std::fprintf(
        stderr, "antrea-lab: no command '%s'\nusage: antrea-lab COMMAND [OPTION]... (see --help)\n",
        args[0].c_str());
    return 2;
  }
  try {
    return command->run(*command, Args(args.begin() + 1, args.end()));
  } catch (const UsageError& e) {
    std::fprintf(stderr, "antrea-lab %s: %s\nusage: antrea-lab %s %s\n", command->name, e.what(),
                 command->name, command->usage);
    return 2;
  }
} catch (const std::exception& e) {
  std::fprintf(stderr, "antrea-lab: %s\n", e.what());
  return 1;
}
