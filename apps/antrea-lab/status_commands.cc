// Which labs there are, and what is in one.
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <cstdio>

#include "antrea/lab/lab.h"
#include "options.h"

namespace antrea::app {

namespace po = boost::program_options;
namespace json = boost::json;
using lab::LabClient;
using lab::LabDir;

namespace {

std::string text(const json::value& object, const char* key) {
  const auto* value = object.as_object().if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

void print_status(const json::object& status) {
  std::printf("lab %s: %s datapath, files in %s\n", text(status, "name").c_str(),
              text(status, "datapath").c_str(), text(status, "dir").c_str());
  if (status.contains("kubeconfig"))
    std::printf("kubeconfig: %s\n", text(status, "kubeconfig").c_str());
  std::printf("\n%-12s %-14s %s\n", "HOST", "ADDRESS", "DAEMONS");
  auto daemons_of = [&](const std::string& host) {
    std::string out;
    for (const auto& daemon : status.at("daemons").as_array()) {
      if (text(daemon, "host") != host) continue;
      const std::string state = text(daemon, "state");
      out += (out.empty() ? "" : ", ") + text(daemon, "name") +
             (state == "running" ? "" : " (" + state + ")");
    }
    return out;
  };
  if (const std::string control = daemons_of("control"); !control.empty())
    std::printf("%-12s %-14s %s\n", "control", "127.0.0.1", control.c_str());
  for (const auto& node : status.at("nodes").as_array())
    std::printf("%-12s %-14s %s\n", text(node, "name").c_str(), text(node, "address").c_str(),
                daemons_of(text(node, "name")).c_str());
  std::printf("%-12s %-14s\n", "outside", text(status, "outside").c_str());
  if (status.at("pods").as_array().empty()) return;
  std::printf("\n%-28s %-14s %-12s %s\n", "POD", "ADDRESS", "NODE", "PHASE");
  for (const auto& pod : status.at("pods").as_array()) {
    std::string phase = text(pod, "phase");
    if (const std::string why = text(pod, "message"); !why.empty()) phase += ": " + why;
    std::printf("%-28s %-14s %-12s %s\n",
                (text(pod, "namespace") + "/" + text(pod, "name")).c_str(),
                text(pod, "address").c_str(), text(pod, "node").c_str(), phase.c_str());
  }
}

}  // namespace

int run_status(const Command& command, const Args& args) {
  auto options = lab_options();
  options.add_options()("output,o", po::value<std::string>()->value_name("json"), "print JSON");
  const Parsed parsed(command, args, options, 0, 0);
  if (parsed.help()) return 0;
  if (parsed.has("output") && parsed.get<std::string>("output") != "json")
    throw UsageError("-o knows json only");
  auto status = [&]() -> Result<json::object> {
    ANTREA_TRY(LabDir dir, LabDir::locate(parsed.lab()));
    ANTREA_TRY(LabClient client, LabClient::connect(dir));
    return client.status();
  }();
  if (!status) return fail(command, status.error());
  if (parsed.has("output")) {
    std::printf("%s\n", json::serialize(*status).c_str());
  } else {
    print_status(*status);
  }
  for (const auto& daemon : status->at("daemons").as_array()) {
    if (text(daemon, "state") != "running") return 1;
  }
  return 0;
}

int run_list(const Command& command, const Args& args) {
  const Parsed parsed(command, args, po::options_description("options"), 0, 0);
  if (parsed.help()) return 0;
  for (const auto& name : LabDir::list()) {
    auto dir = LabDir::locate(name);
    if (dir) std::printf("%-20s %s\n", name.c_str(), dir->is_up() ? "up" : "crashed");
  }
  return 0;
}

}  // namespace antrea::app
