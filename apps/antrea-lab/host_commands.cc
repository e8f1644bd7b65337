// Labs up and down, commands in them, and what can be done to their hosts.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "actions.h"
#include "antrea/lab/fault.h"
#include "options.h"

namespace antrea::app {

namespace po = boost::program_options;
using lab::LabClient;
using lab::LabDir;

namespace {

/// The programs of this machine, also for users whose $PATH lacks the system's; ours first.
std::vector<std::string> command_environment(const LabDir& dir) {
  std::error_code ignored;
  char self[4096] = {};
  std::string path;
  if (readlink("/proc/self/exe", self, sizeof self - 1) > 0) {
    path = self;
    path = path.substr(0, path.rfind('/')) + ":";
  }
  const char* set = std::getenv("PATH");
  return {"PATH=" + path + (set != nullptr ? set : "/usr/bin:/bin") + ":/usr/sbin:/sbin",
          "KUBECONFIG=" + dir.kubeconfig(), "http_proxy=", "https_proxy="};
}

int run_there(const Command& command, const Parsed& args, const std::string& where) {
  if (args.behind_dashes().empty()) throw UsageError("no command behind '--'");
  auto ran = [&]() -> Result<int> {
    ANTREA_TRY(LabDir dir, LabDir::locate(args.lab()));
    ANTREA_TRY(LabClient client, LabClient::connect(dir));
    ANTREA_TRY(auto place, client.place(where));
    ANTREA_CHECK(client.join(LabClient::Purpose::kToRun));
    return lab::run_in(place, args.behind_dashes(), command_environment(dir));
  }();
  return ran ? *ran : fail(command, ran.error());
}

}  // namespace

Result<> bring_up(const LabDir& dir, unsigned nodes, bool hosts_only) {
  return lab::up(
      dir, {.node_count = nodes, .hosts_only = hosts_only, .progress = [](const std::string& line) {
              std::fprintf(stderr, "  %s\n", line.c_str());
            }});
}

int run_up(const Command& command, const Args& args) {
  auto options = lab_options();
  options.add_options()("nodes", po::value<unsigned>()->default_value(2)->value_name("N"),
                        "how many Nodes, 1 to 64")(
      "hosts-only", "hosts and switches without controller, agents and Pods");
  const Parsed parsed(command, args, options, 0, 0);
  if (parsed.help()) return 0;
  const auto nodes = parsed.get<unsigned>("nodes");
  if (nodes < 1 || nodes > 64) throw UsageError("--nodes must be 1 to 64");
  auto done = [&]() -> Result<> {
    ANTREA_TRY(LabDir dir, LabDir::locate(parsed.lab()));
    ANTREA_CHECK(bring_up(dir, nodes, parsed.has("hosts-only")));
    if (!parsed.has("hosts-only")) std::printf("export KUBECONFIG=%s\n", dir.kubeconfig().c_str());
    return {};
  }();
  return done ? 0 : fail(command, done.error());
}

int run_down(const Command& command, const Args& args) {
  const Parsed parsed(command, args, lab_options(), 0, 0);
  if (parsed.help()) return 0;
  auto dir = LabDir::locate(parsed.lab());
  if (!dir) return fail(command, dir.error());
  auto done = lab::down(*dir);
  if (!done) return fail(command, done.error());
  if (!*done) std::fprintf(stderr, "antrea-lab down: there is no lab %s\n", dir->name().c_str());
  return 0;
}

int run_exec(const Command& command, const Args& args) {
  const Parsed parsed(command, args, lab_options(), 1, 1);
  if (parsed.help()) return 0;
  std::string pod = parsed.positional()[0];
  if (pod.find('/') == std::string::npos) pod = "default/" + pod;
  return run_there(command, parsed, pod);
}

int run_node(const Command& command, const Args& args) {
  const Parsed parsed(command, args, lab_options(), 1, 1);
  return parsed.help() ? 0 : run_there(command, parsed, parsed.positional()[0]);
}

int run_outside(const Command& command, const Args& args) {
  const Parsed parsed(command, args, lab_options(), 0, 0);
  return parsed.help() ? 0 : run_there(command, parsed, "outside");
}

int run_daemon(const Command& command, const Args& args) {
  const Parsed parsed(command, args, lab_options(), 3, 3);
  if (parsed.help()) return 0;
  const auto& words = parsed.positional();
  auto done = [&]() -> Result<> {
    ANTREA_TRY(LabDir dir, LabDir::locate(parsed.lab()));
    ANTREA_TRY(LabClient client, LabClient::connect(dir));
    return client.daemon(words[1], words[2], words[0]);
  }();
  return done ? 0 : fail(command, done.error());
}

int run_beside(const Command& command, const Args& args) {
  const Parsed parsed(command, args, lab_options(), 0, 0);
  return parsed.help() ? 0 : run_there(command, parsed, "beside");
}

int run_fail(const Command& command, const Args& args) {
  auto options = lab_options();
  options.add_options()("how", po::value<std::string>()->value_name("FAULT"),
                        "agent, node, link, gossip, oneway, pause, loss or jitter");
  const Parsed parsed(command, args, options, 1, 1);
  if (parsed.help()) return 0;
  if (!parsed.has("how")) throw UsageError("--how is missing");
  const auto how = parsed.get<std::string>("how");
  if (const auto fault = lab::parse_fault(how); !fault)
    throw UsageError("--how " + fault.error().to_string());
  auto done = [&]() -> Result<> {
    ANTREA_TRY(LabDir dir, LabDir::locate(parsed.lab()));
    ANTREA_TRY(LabClient client, LabClient::connect(dir));
    return client.fail(parsed.positional()[0], how);
  }();
  return done ? 0 : fail(command, done.error());
}

int run_heal(const Command& command, const Args& args) {
  const Parsed parsed(command, args, lab_options(), 1, 1);
  if (parsed.help()) return 0;
  auto done = [&]() -> Result<> {
    ANTREA_TRY(LabDir dir, LabDir::locate(parsed.lab()));
    ANTREA_TRY(LabClient client, LabClient::connect(dir));
    return client.heal(parsed.positional()[0]);
  }();
  return done ? 0 : fail(command, done.error());
}

}  // namespace antrea::app
