#include <fmt/format.h>
#include <sys/resource.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "agent.h"
#include "options.h"

namespace {

/// Others take this Node for dead, and its host withdraws its Egress IPs, when nothing is heard of
/// the agent for a tenth of a second: so it goes before what its Node is busy with, with the
/// priority that ovs-ctl gives to Open vSwitch. Where that is not allowed it does without.
void go_first(const antrea::Logger& logger) {
  constexpr int kPriority = -10;
  if (::setpriority(PRIO_PROCESS, 0, kPriority) != 0)
    logger->info("{}", antrea::errno_error("raise the priority of the agent").to_string());
}

}  // namespace

int main(int argc, char** argv) try {
  const auto parsed = antrea::agent::parse_options(argc, argv);
  if (parsed.exit_code) return *parsed.exit_code;
  const auto logger = antrea::make_stderr_logger("antrea-agent", parsed.options.log_level);

  go_first(logger);

  boost::asio::io_context io(1);
  boost::asio::signal_set signals(io, SIGINT, SIGTERM);
  signals.async_wait([&](boost::system::error_code code, int) {
    if (!code) io.stop();
  });

  int exit_code = 0;
  antrea::agent::Agent agent(io, parsed.options, logger);
  boost::asio::co_spawn(io, agent.run(), [&](std::exception_ptr failure, antrea::Result<> ended) {
    if (failure) std::rethrow_exception(failure);
    if (ended) return;
    fmt::print(stderr, "antrea-agent: {}\n", ended.error().to_string());
    exit_code = 1;
    io.stop();
  });
  io.run();
  agent.stop();
  return exit_code;
} catch (const std::exception& error) {
  fmt::print(stderr, "antrea-agent: {}\n", error.what());
  return 1;
}
