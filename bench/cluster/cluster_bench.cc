// The three-Pod example on a lab of two Nodes: memory of the daemons, CNI calls beside Debian's
// bridge plugin, and the way of a policy from the API to the switch.
//
// `cluster_bench` makes a lab of its own and removes it; `cluster_bench --cni` is what it runs on a
// Node.
#include <fmt/format.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>

#include "antrea/lab/process.h"
#include "cni_bench.h"
#include "policy_bench.h"

namespace antrea::bench {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

Result<std::string> lab_command(std::vector<std::string> arguments, bool printing = false) {
  lab::ProcessOptions options;
  options.argv = {ANTREA_BIN_DIR "/antrea-lab"};
  std::ranges::move(arguments, std::back_inserter(options.argv));
  if (!printing) return lab::run_program(std::move(options), std::chrono::minutes(2));
  options.out = STDOUT_FILENO;
  options.err = STDERR_FILENO;
  ANTREA_TRY(auto process, lab::Process::spawn(options));
  const auto status = process.wait(std::chrono::minutes(10));
  if (!status || status->code != 0)
    return make_error(Errc::kRejected, "run on a Node: the command failed", options.argv.back());
  return std::string();
}

/// A lab with the example in it, for as long as this lives.
class ExampleLab {
 public:
  ExampleLab() : name_(fmt::format("bench-{}", ::getpid())) {}
  ~ExampleLab() { (void)lab_command({"down", "--name", name_}); }
  ExampleLab(const ExampleLab&) = delete;
  ExampleLab& operator=(const ExampleLab&) = delete;

  Result<json::value> start() {
    ANTREA_CHECK(lab_command({"up", "--nodes", "2", "--name", name_}));
    ANTREA_CHECK(lab_command(
        {"apply", "--name", name_, "--wait", "-f", ANTREA_SOURCE_DIR "/examples/three-pods.yaml"}));
    ANTREA_TRY(const auto status, lab_command({"status", "--name", name_, "-o", "json"}));
    return json::parse(status);
  }
  const std::string& name() const { return name_; }

 private:
  std::string name_;
};

/// A value of /proc/PID/status, e.g. "VmRSS"; empty where the process is gone.
std::string status_value(pid_t pid, std::string_view key) {
  std::ifstream in(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(key) && line[key.size()] == ':')
      return line.substr(line.find_first_not_of(" \t", key.size() + 1));
  return {};
}

bool descends_from(pid_t pid, pid_t ancestor) {
  while (pid > 1 && pid != ancestor) {
    const std::string parent = status_value(pid, "PPid");
    pid = parent.empty() ? 0 : std::stoi(parent);
  }
  return pid == ancestor;
}

/// The lab's processes have numbers of their own, so they are looked for below its keeper.
void print_memory(pid_t keeper) {
  fmt::print("Resident memory after the example\n");
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string id = entry.path().filename();
    if (id.find_first_not_of("0123456789") != std::string::npos) continue;
    const pid_t pid = std::stoi(id);
    const std::string name = status_value(pid, "Name");
    if (!name.starts_with("antrea-agent") && !name.starts_with("antrea-control")) continue;
    if (descends_from(pid, keeper))
      fmt::print("  {:16} {} (own {})\n", name, status_value(pid, "VmRSS"),
                 status_value(pid, "RssAnon"));
  }
}

Result<> run() {
  ExampleLab lab;
  ANTREA_TRY(const json::value status, lab.start());
  print_memory(status.at("keeperPid").to_number<pid_t>());
  std::fflush(stdout);
  ANTREA_CHECK(lab_command({"node", "worker-01", "--name", lab.name(), "--",
                            ANTREA_BIN_DIR "/../bench/cluster_bench", "--cni"},
                           true));
  return measure_policy_latency(
      std::string(status.at("kubeconfig").as_string()),
      std::string(status.at("nodes").at(0).at("run").as_string()) + "/antrea/api.sock");
}

}  // namespace
}  // namespace antrea::bench

int main(int argc, char** argv) {
  const bool on_node = argc == 2 && std::string_view(argv[1]) == "--cni";
  const auto done = on_node ? antrea::bench::measure_cni() : antrea::bench::run();
  if (done) return 0;
  fmt::print(stderr, "cluster_bench: {}\n", done.error().to_string());
  return 1;
}
