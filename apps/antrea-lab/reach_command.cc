// Who reaches whom, by packets.
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>

#include "actions.h"
#include "options.h"

namespace antrea::app {

namespace po = boost::program_options;
namespace json = boost::json;
using lab::LabClient;
using lab::LabDir;

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

Result<std::vector<lab::Reach>> probe_lab(
    const LabDir& dir,
    const std::function<Result<std::vector<lab::Reach>>(const lab::Inventory&)>& choose,
    const lab::ProberOptions& prober) {
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
      return lab::ask(
          questions, inventory,
          [&](const std::string& from) -> Result<const lab::NetNamespace*> {
            return by_source.at(from);
          },
          prober);
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

int run_reach(const Command& command, const Args& args) {
  auto options = lab_options();
  const auto list = [] { return po::value<Args>()->composing(); };
  options.add_options()("from", list()->value_name("NAME"), "only from there")(
      "to", list()->value_name("NAME"), "only to there")("port", list()->value_name("N"),
                                                         "these ports, instead of those declared")(
      "protocol", list()->value_name("TCP|UDP|SCTP"), "only this protocol")(
      "timeout", po::value<unsigned>()->default_value(600)->value_name("MS"),
      "how long each of three attempts waits for an answer")(
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
  lab::ProberOptions prober;
  prober.timeout = std::chrono::milliseconds(parsed.get<unsigned>("timeout"));
  if (prober.timeout.count() < 1 || prober.timeout > std::chrono::minutes(1))
    throw UsageError("--timeout: expected 1 to 60000");
  std::vector<lab::Reach> expected;
  auto found = [&]() -> Result<std::vector<lab::Reach>> {
    ANTREA_TRY(LabDir dir, LabDir::locate(parsed.lab()));
    if (parsed.has("expect")) {
      ANTREA_TRY(auto all, read_expectation(parsed.get<std::string>("expect")));
      for (auto& entry : all) {
        if (lab::selects(filter, entry)) expected.push_back(std::move(entry));
      }
    }
    const auto choose = [&](const lab::Inventory& inventory) -> Result<std::vector<lab::Reach>> {
      if (parsed.has("expect")) return lab::questions_of(expected, inventory);
      return lab::plan_reach(inventory, filter);
    };
    return probe_lab(dir, choose, prober);
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
