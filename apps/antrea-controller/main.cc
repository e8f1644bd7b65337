#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "controller.h"
#include "options.h"

int main(int argc, char** argv) try {
  const auto parsed = antrea::controller::parse_options(argc, argv);
  if (parsed.exit_code) return *parsed.exit_code;
  const auto logger = antrea::make_stderr_logger("antrea-controller", parsed.options.log_level);

  boost::asio::io_context io(1);
  boost::asio::signal_set signals(io, SIGINT, SIGTERM);
  signals.async_wait([&](boost::system::error_code code, int) {
    if (!code) io.stop();
  });

  antrea::controller::Controller controller(io, parsed.options, logger);
  if (const auto started = controller.start(); !started) {
    fmt::print(stderr, "antrea-controller: {}\n", started.error().to_string());
    return 1;
  }
  io.run();
  return 0;
} catch (const std::exception& error) {
  fmt::print(stderr, "antrea-controller: {}\n", error.what());
  return 1;
}
