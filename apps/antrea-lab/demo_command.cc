// The three-Pod example, step by step: what is expected stands in files beside the manifests.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "actions.h"
#include "options.h"

namespace antrea::app {

namespace po = boost::program_options;
using lab::LabDir;

namespace {

/// A change reaches the switches within milliseconds; this is when we give up on it.
constexpr std::chrono::seconds kSettled{15};

struct Step {
  const char* title;
  const char* apply;   ///< a manifest to apply, or null
  const char* remove;  ///< a manifest to delete, or null
  const char* expect;
};
constexpr const char* kPods = "three-pods.yaml";
constexpr const char* kPolicies = "three-pods-policies.yaml";
constexpr Step kSteps[]{
    {"Before the policies, everything is reachable", kPods, nullptr, "three-pods-open.json"},
    {"With the policies, only what they allow", kPolicies, nullptr, "three-pods-isolated.json"},
    {"Without them, everything again", nullptr, kPolicies, "three-pods-open.json"},
};

/// Beside the program when installed or in the build tree, else where we are.
std::string find_examples() {
  std::error_code ignored;
  const auto bin = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
  for (const auto& folder : {bin / "../share/antrea/examples", bin / "../examples",
                             bin / "../../examples", std::filesystem::path("examples")}) {
    if (std::filesystem::exists(folder / kPods, ignored))
      return std::filesystem::weakly_canonical(folder, ignored).string();
  }
  return "examples";
}

/// Probes until all is as expected or time is up; what was found last, and how long it took.
Result<std::vector<lab::Reach>> probe_until(const LabDir& dir,
                                            const std::vector<lab::Reach>& expected) {
  const auto deadline = std::chrono::steady_clock::now() + kSettled;
  for (;;) {
    ANTREA_TRY(auto found, probe_lab(dir, [&](const lab::Inventory& inventory) {
                 return lab::questions_of(expected, inventory);
               }));
    if (lab::compare_reach(expected, found).empty() || std::chrono::steady_clock::now() > deadline)
      return found;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
}

Result<bool> run_step(const LabDir& dir, const std::string& examples, const Step& step) {
  std::printf("\n== %s\n", step.title);
  if (step.apply != nullptr) ANTREA_CHECK(apply_files(dir, {examples + "/" + step.apply}));
  if (step.remove != nullptr) ANTREA_CHECK(delete_files(dir, {examples + "/" + step.remove}));
  ANTREA_CHECK(await_pods(dir));
  ANTREA_TRY(const auto expected, read_expectation(examples + "/" + step.expect));
  ANTREA_TRY(const auto found, probe_until(dir, expected));
  std::printf("\n%s", lab::print_comparison(expected, found).c_str());
  return lab::compare_reach(expected, found).empty();
}

void print_way_around(const LabDir& dir) {
  const std::string name = dir.name() == "default" ? "" : " --name " + dir.name();
  std::printf(
      "\nThe lab stays up. Look around:\n"
      "  export KUBECONFIG=%s; kubectl get pods -o wide\n"
      "  antrea-lab exec default/frontend%s -- curl -s http://backendsvc\n"
      "  antrea-lab node worker-01%s -- ovs-ofctl -O OpenFlow15 dump-flows br-int\n"
      "  antrea-lab node worker-01%s -- antctl get podinterface\n"
      "  antrea-lab reach%s\n"
      "  antrea-lab down%s\n",
      dir.kubeconfig().c_str(), name.c_str(), name.c_str(), name.c_str(), name.c_str(),
      name.c_str());
}

}  // namespace

int run_demo(const Command& command, const Args& args) {
  auto options = lab_options();
  options.add_options()("keep", "leave the lab up and tell how to look around")(
      "examples", po::value<std::string>()->value_name("DIR"), "where the example's files are");
  const Parsed parsed(command, args, options, 0, 0);
  if (parsed.help()) return 0;
  const std::string examples =
      parsed.has("examples") ? parsed.get<std::string>("examples") : find_examples();
  auto dir = LabDir::locate(parsed.lab());
  if (!dir) return fail(command, dir.error());

  std::printf("== A lab with two Nodes\n");
  std::fflush(stdout);
  if (auto ready = bring_up(*dir, 2, false); !ready) return fail(command, ready.error());
  bool good = true;
  for (const Step& step : kSteps) {
    auto held = run_step(*dir, examples, step);
    if (!held) {
      fail(command, held.error());
      good = false;
      break;
    }
    good = good && *held;
    std::fflush(stdout);
  }
  if (parsed.has("keep")) {
    print_way_around(*dir);
  } else if (auto ended = lab::down(*dir); !ended) {
    fail(command, ended.error());
    good = false;
  }
  std::printf("\n%s\n", good ? "All of it held." : "Not all of it held.");
  return good ? 0 : 1;
}

}  // namespace antrea::app
