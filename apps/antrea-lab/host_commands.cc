#include <sys/wait.h>
#include <unistd.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <sstream>

#include "actions.h"
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

Result<std::string> read_input(const std::string& file) {
  if (file == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  std::ifstream in(file);
  std::string out{std::istreambuf_iterator<char>(in), {}};
  if (!in) return errno_error(errno != 0 ? errno : ENOENT, "read", file);
  return out;
}

Result<std::vector<lab::Reach>> read_expectation(const std::string& file) {
  ANTREA_TRY(std::string content, read_input(file));
  boost::system::error_code ec;
  auto parsed = json::parse(content, ec);
  if (ec) return make_error(Errc::kMalformed, "not JSON: " + ec.message(), file);
  auto decoded = lab::decode_reach(parsed);
  if (decoded.has_error()) return std::move(decoded).error().within(file);
  return decoded;
}

Result<> bring_up(const LabDir& dir, unsigned nodes, bool hosts_only) {
  return lab::up(
      dir, {.node_count = nodes, .hosts_only = hosts_only, .progress = [](const std::string& line) {
              std::fprintf(stderr, "  %s\n", line.c_str());
            }});
}

Result<std::vector<lab::Reach>> probe_lab(
    const LabDir& dir,
    const std::function<Result<std::vector<lab::Reach>>(const lab::Inventory&)>& choose) {
  ANTREA_TRY(LabClient client, LabClient::connect(dir));
  ANTREA_TRY(auto status, client.status());
  const lab::Inventory inventory = lab::take_inventory(status);
  ANTREA_TRY(auto questions, choose(inventory));
  int ends[2];
  if (pipe(ends) != 0) return errno_error("make a pipe");
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child < 0) return errno_error("fork");
  if (child == 0) {
    close(ends[0]);
    auto answers = [&]() -> Result<std::vector<lab::Reach>> {
      std::map<std::string, std::string> locations;
      for (const auto& q : questions) locations[q.from] = inventory.find(q.from)->location;
      std::vector<std::string> names;
      for (const auto& [from, location] : locations) names.push_back(location);
      ANTREA_TRY(auto networks, client.networks(names));
      ANTREA_CHECK(client.join(LabClient::Purpose::kToProbe));
      std::map<std::string, const lab::NetNamespace*> by_source;
      std::size_t i = 0;
      for (const auto& [from, location] : locations) by_source[from] = &networks[i++];
      return lab::ask(questions, inventory,
                      [&](const std::string& from) -> Result<const lab::NetNamespace*> {
                        return by_source.at(from);
                      });
    }();
    const std::string out =
        answers ? json::serialize(lab::encode_reach(*answers)) : "!" + answers.error().to_string();
    std::size_t at = 0;
    while (at < out.size()) {
      const ssize_t size = write(ends[1], out.data() + at, out.size() - at);
      if (size <= 0) break;
      at += static_cast<std::size_t>(size);
    }
    _exit(0);
  }
  close(ends[1]);
  std::string out;
  char chunk[4096];
  for (ssize_t size = 0; (size = read(ends[0], chunk, sizeof chunk)) > 0;)
    out.append(chunk, static_cast<std::size_t>(size));
  close(ends[0]);
  waitpid(child, nullptr, 0);
  if (out.starts_with("!")) return make_error(Errc::kIo, out.substr(1));
  boost::system::error_code ec;
  auto parsed = json::parse(out, ec);
  if (ec) return make_error(Errc::kInternal, "the probing process ended without a result");
  return lab::decode_reach(parsed);
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

int run_reach(const Command& command, const Args& args) {
  auto options = lab_options();
  const auto list = [] { return po::value<Args>()->composing(); };
  options.add_options()("from", list()->value_name("NAME"), "only from there")(
      "to", list()->value_name("NAME"), "only to there")("port", list()->value_name("N"),
                                                         "these ports, instead of those declared")(
      "protocol", list()->value_name("TCP|UDP|SCTP"), "only this protocol")(
      "expect", po::value<std::string>()->value_name("FILE"), "compare with what is expected")(
      "output,o", po::value<std::string>()->value_name("json"), "print JSON");
  const Parsed parsed(command, args, options, 0, 0);
  if (parsed.help()) return 0;
  if (parsed.has("output") && parsed.get<std::string>("output") != "json")
    throw UsageError("-o knows json only");
  lab::ReachFilter filter{.from = parsed.list("from"), .to = parsed.list("to")};
  for (const auto& port : parsed.list("port")) {
    char* end = nullptr;
    const long number = std::strtol(port.c_str(), &end, 10);
    if (*end != '\0' || number < 1 || number > 65535)
      throw UsageError("--port " + port + ": expected 1 to 65535");
    filter.ports.push_back(static_cast<std::uint16_t>(number));
  }
  for (const auto& name : parsed.list("protocol")) {
    auto protocol = lab::parse_protocol(name);
    if (!protocol) throw UsageError("--protocol " + protocol.error().to_string());
    filter.protocols.push_back(*protocol);
  }
  std::vector<lab::Reach> expected;
  auto found = [&]() -> Result<std::vector<lab::Reach>> {
    ANTREA_TRY(LabDir dir, LabDir::locate(parsed.lab()));
    if (parsed.has("expect")) {
      ANTREA_TRY(auto all, read_expectation(parsed.get<std::string>("expect")));
      for (auto& entry : all) {
        if (lab::selects(filter, entry)) expected.push_back(std::move(entry));
      }
    }
    return probe_lab(dir, [&](const lab::Inventory& inventory) -> Result<std::vector<lab::Reach>> {
      if (parsed.has("expect")) return lab::questions_of(expected, inventory);
      return lab::plan_reach(inventory, filter);
    });
  }();
  if (!found) return fail(command, found.error());
  if (parsed.has("output")) {
    std::printf("%s\n", json::serialize(lab::encode_reach(*found)).c_str());
  } else if (!parsed.has("expect")) {
    std::fputs(lab::print_matrix(*found).c_str(), stdout);
  }
  if (!parsed.has("expect")) return 0;
  const auto differences = lab::compare_reach(expected, *found);
  for (const auto& line : differences) std::fprintf(stderr, "%s\n", line.c_str());
  if (!parsed.has("output") && differences.empty())
    std::printf("%zu probes, all as expected\n", found->size());
  return differences.empty() ? 0 : 1;
}

}  // namespace antrea::app
