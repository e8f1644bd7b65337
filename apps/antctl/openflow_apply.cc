// antctl openflow diff and apply: a switch beside a file of flows, as ovs-ofctl diff-flows and
// replace-flows --bundle do.
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>
#include <fstream>
#include <iostream>

#include "antrea/base/asio.h"
#include "antrea/base/bytes.h"
#include "antrea/openflow/bundle.h"
#include "antrea/openflow/flow_file.h"
#include "antrea/openflow/names.h"
#include "openflow.h"

namespace antrea::antctl {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
namespace po = boost::program_options;
using namespace openflow;

struct Job {
  ConnectionOptions connection;
  std::string file;
  bool json = false;
  bool dry_run = false;
};

/// The switch, spoken to from when it is first needed: until then nobody would answer its echoes.
class Target {
 public:
  Target(asio::any_io_executor executor, const ConnectionOptions& options)
      : executor_(executor), connection_(executor, options) {}

  asio::awaitable<Result<>> ready(TimePoint deadline) {
    if (!std::exchange(started_, true))
      asio::co_spawn(executor_, connection_.run(), [](std::exception_ptr) {});
    co_return co_await connection_.wait_ready(deadline);
  }
  Connection& connection() { return connection_; }

 private:
  asio::any_io_executor executor_;
  Connection connection_;
  bool started_ = false;
};

asio::awaitable<Result<Names>> ask(Target& target, TimePoint deadline) {
  ANTREA_CO_CHECK(co_await target.ready(deadline));
  co_return co_await ask_names(target.connection(), deadline);
}

/// What has to change for the switch to have the flows of the file.
asio::awaitable<Result<Delta>> compare(const Job& job, Target& target, TimePoint deadline) {
  std::ifstream opened;
  if (job.file != "-") {
    opened.open(job.file);
    if (!opened) co_return errno_error("open", job.file);
  }
  std::istream& in = job.file == "-" ? std::cin : opened;
  FlowFile file(job.file);
  const FlowFile::AskNames names = [&] { return ask(target, deadline); };
  ANTREA_CO_CHECK(co_await file.read(in, names));
  ANTREA_CO_CHECK(co_await target.ready(deadline));
  co_return co_await file.compare(target.connection(), deadline);
}

void show_difference(const Job& job, const std::string& line) {
  if (!job.json) return fmt::print("{}\n", line);
  fmt::print("{}\n", json::serialize(json::object{{"change", line[0] == '+' ? "add" : "delete"},
                                                  {"flow", line.substr(1)}}));
}

void show_message(const Job& job, const PlannedMessage& message) {
  if (!job.json) return fmt::print("{}\n", message.text());
  std::vector<std::byte> wire;
  message.encode(0, std::nullopt, wire);
  fmt::print("{}\n",
             json::serialize(json::object{
                 {"type", message_name(wire)}, {"text", message.text()}, {"hex", to_hex(wire)}}));
}

/// 0: the same; 2: there is a difference.
asio::awaitable<Result<int>> diff(const Job& job, Target& target, TimePoint deadline) {
  ANTREA_CO_TRY(const auto delta, co_await compare(job, target, deadline));
  for (const auto& step : delta.flows)
    for (const auto& line : diff_lines(step)) show_difference(job, line);
  co_return delta.empty() ? 0 : 2;
}

asio::awaitable<Result<int>> apply(const Job& job, Target& target, TimePoint deadline) {
  ANTREA_CO_TRY(const auto delta, co_await compare(job, target, deadline));
  ANTREA_CO_TRY(const auto plan, Plan::make(delta));
  std::size_t deleted = 0;
  for (const auto& step : delta.flows) deleted += step.after == nullptr ? 1 : 0;
  if (job.dry_run) {
    plan.for_each([&](const PlannedMessage& message) { show_message(job, message); });
    co_return 0;
  }
  if (!plan.empty()) {
    const auto outcome = co_await send_plan(target.connection(), plan, 1, deadline);
    if (!outcome.refused.empty())
      co_return refusal_error(outcome.refused.front().first, outcome.refused.front().second)
          .within("nothing was changed");
    if (outcome.kind != Outcome::Kind::kDone) co_return outcome.error;
  }
  if (job.json)
    fmt::print("{}\n", json::serialize(
                           json::object{{"written", plan.size() - deleted}, {"deleted", deleted}}));
  co_return 0;
}

using Work = asio::awaitable<Result<int>> (*)(const Job&, Target&, TimePoint);

int run(const OpenflowCommand& command, const std::vector<std::string>& arguments, Work work,
        bool changes) {
  Job job;
  std::string format = "text";
  unsigned seconds = 0;
  po::options_description options;
  const auto text = [](std::string& to, const char* name) {
    return po::value(&to)->value_name(name);
  };
  options.add_options()("output,o", text(format, "FORMAT"), "text, or json: one object a line")(
      "private-key,p", text(job.connection.tls.private_key, "FILE"), "ssl: our key, PEM")(
      "certificate,c", text(job.connection.tls.certificate, "FILE"), "ssl: our certificate, PEM")(
      "ca-cert,C", text(job.connection.tls.ca_certificate, "FILE"),
      "ssl: of who signed the switch's certificate, PEM")(
      "timeout,t", po::value(&seconds)->value_name("SECONDS")->default_value(60),
      "how long all of it may take");
  if (changes)
    options.add_options()("dry-run", po::bool_switch(&job.dry_run), "show the messages, send none");
  const auto parsed = parse_openflow(command, options, arguments, 2);
  // 2 tells that there is a difference: what is not understood is a failure like others.
  if (parsed.exit_code) return std::min(*parsed.exit_code, 1);
  const auto wants = wants_json(format);
  if (!wants) return 1;
  job.json = *wants;
  job.connection.remote = parsed.words[0];
  job.connection.asynchronous = job.connection.retry = false;
  job.file = parsed.words[1];

  asio::io_context io(1);
  Target target(io.get_executor(), job.connection);
  int exit_code = 1;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  asio::co_spawn(io, work(job, target, deadline),
                 [&](std::exception_ptr failure, Result<int> result) {
                   if (failure) std::rethrow_exception(failure);
                   exit_code = result ? *result : complain_openflow(1, result.error().to_string());
                   target.connection().stop();
                 });
  io.run();
  return exit_code;
}

}  // namespace

int openflow_diff(const OpenflowCommand& command, const std::vector<std::string>& arguments) {
  return run(command, arguments, diff, false);
}

int openflow_apply(const OpenflowCommand& command, const std::vector<std::string>& arguments) {
  return run(command, arguments, apply, true);
}

}  // namespace antrea::antctl
