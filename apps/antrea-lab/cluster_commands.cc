#include <cstdio>

#include "actions.h"
#include "antrea/api/json.h"
#include "antrea/lab/manifest.h"
#include "options.h"

#include <boost/json/value.hpp>

namespace antrea::app {

namespace po = boost::program_options;
using lab::LabDir;

namespace {

constexpr std::chrono::seconds kPodsRunning{90};

Result<std::vector<boost::json::value>> read_manifests(const std::vector<std::string>& files) {
  std::vector<boost::json::value> out;
  for (const auto& file : files) {
    ANTREA_TRY(const std::string content, read_input(file));
    ANTREA_TRY(auto objects, api::decode_manifest(content, file == "-" ? "standard input" : file));
    if (objects.empty()) return make_error(Errc::kMalformed, "there is no object in it", file);
    for (auto& object : objects) out.push_back(std::move(object));
  }
  return out;
}

Result<> require_up(const LabDir& dir) {
  if (dir.is_up()) return {};
  return make_error(Errc::kUnavailable, "this lab is not up", dir.name(),
                    "antrea-lab up --name " + dir.name());
}

void say(const std::string& line) { std::printf("%s\n", line.c_str()); }

po::options_description manifest_options() {
  auto options = lab_options();
  options.add_options()("filename,f", po::value<Args>()->composing()->value_name("FILE"),
                        "a YAML or JSON file, or - for standard input");
  return options;
}

}  // namespace

Result<> apply_files(const LabDir& dir, const std::vector<std::string>& files) {
  ANTREA_TRY(const auto objects, read_manifests(files));
  ANTREA_CHECK(require_up(dir));
  return lab::apply_objects(dir.kubeconfig(), objects, say);
}

Result<> delete_files(const LabDir& dir, const std::vector<std::string>& files) {
  ANTREA_TRY(const auto objects, read_manifests(files));
  ANTREA_CHECK(require_up(dir));
  return lab::delete_objects(dir.kubeconfig(), objects, say);
}

Result<> await_pods(const LabDir& dir) {
  return lab::await_pods_running(dir.kubeconfig(), kPodsRunning);
}

int run_apply(const Command& command, const Args& args) {
  auto options = manifest_options();
  options.add_options()("wait", "return when all Pods run");
  const Parsed parsed(command, args, options, 0, 0);
  if (parsed.help()) return 0;
  if (!parsed.has("filename")) throw UsageError("-f is missing");
  auto done = [&]() -> Result<> {
    ANTREA_TRY(LabDir dir, LabDir::locate(parsed.lab()));
    ANTREA_CHECK(apply_files(dir, parsed.get<Args>("filename")));
    if (parsed.has("wait")) ANTREA_CHECK(await_pods(dir));
    return {};
  }();
  return done ? 0 : fail(command, done.error());
}

int run_delete(const Command& command, const Args& args) {
  const Parsed parsed(command, args, manifest_options(), 0, 0);
  if (parsed.help()) return 0;
  if (!parsed.has("filename")) throw UsageError("-f is missing");
  auto done = [&]() -> Result<> {
    ANTREA_TRY(LabDir dir, LabDir::locate(parsed.lab()));
    return delete_files(dir, parsed.get<Args>("filename"));
  }();
  return done ? 0 : fail(command, done.error());
}

int run_run(const Command& command, const Args& args) {
  auto options = lab_options();
  options.add_options()("nodes", po::value<unsigned>()->default_value(2)->value_name("N"),
                        "how many Nodes, 1 to 64")(
      "expect", po::value<std::string>()->value_name("FILE"), "compare with what is expected")(
      "keep", "leave the lab up");
  const Parsed parsed(command, args, options, 1, -1);
  if (parsed.help()) return 0;
  const auto nodes = parsed.get<unsigned>("nodes");
  if (nodes < 1 || nodes > 64) throw UsageError("--nodes must be 1 to 64");
  bool good = true;
  bool is_up = false;
  auto dir = LabDir::locate(parsed.lab());
  if (!dir) return fail(command, dir.error());
  auto done = [&]() -> Result<> {
    std::vector<lab::Reach> expected;
    if (parsed.has("expect")) {
      ANTREA_TRY(expected, read_expectation(parsed.get<std::string>("expect")));
    }
    ANTREA_CHECK(read_manifests(parsed.positional()));  // what is broken is told before any work
    ANTREA_CHECK(bring_up(*dir, nodes, false));
    is_up = true;
    ANTREA_CHECK(apply_files(*dir, parsed.positional()));
    ANTREA_CHECK(await_pods(*dir));
    ANTREA_TRY(
        const auto found,
        probe_lab(*dir, [&](const lab::Inventory& inventory) -> Result<std::vector<lab::Reach>> {
          if (parsed.has("expect")) return lab::questions_of(expected, inventory);
          return lab::plan_reach(inventory, {});
        }));
    if (!parsed.has("expect")) {
      std::fputs(lab::print_matrix(found).c_str(), stdout);
    } else {
      std::fputs(lab::print_comparison(expected, found).c_str(), stdout);
      good = lab::compare_reach(expected, found).empty();
    }
    return {};
  }();
  if (is_up && !parsed.has("keep")) {
    if (auto ended = lab::down(*dir); ended.has_error()) fail(command, ended.error());
  }
  if (!done) return fail(command, done.error());
  return good ? 0 : 1;
}

}  // namespace antrea::app
