#include "antrea/base/log.h"

#include <fmt/format.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

namespace antrea {
namespace {

constexpr const char* kPattern = "%Y-%m-%dT%H:%M:%S.%e %L %n: %v";

Logger with_sink(std::string name, spdlog::sink_ptr sink, std::string_view level) {
  auto logger = std::make_shared<spdlog::logger>(std::move(name), std::move(sink));
  logger->set_pattern(kPattern);
  logger->flush_on(spdlog::level::info);
  if (const auto set = set_level(logger, level); !set) logger->set_level(spdlog::level::info);
  return logger;
}

}  // namespace

Logger make_stderr_logger(std::string name, std::string_view level) {
  return with_sink(std::move(name), std::make_shared<spdlog::sinks::stderr_sink_mt>(), level);
}

Result<Logger> make_file_logger(std::string name, const std::string& path, std::string_view level) {
  try {
    return with_sink(std::move(name), std::make_shared<spdlog::sinks::basic_file_sink_mt>(path),
                     level);
  } catch (const spdlog::spdlog_ex& error) {
    return make_error(Errc::kIo, fmt::format("open log file: {}", error.what()), path);
  }
}

Logger null_logger() {
  return std::make_shared<spdlog::logger>("null", std::make_shared<spdlog::sinks::null_sink_mt>());
}

Result<> set_level(const Logger& logger, std::string_view level) {
  for (const std::string_view known : {"trace", "debug", "info", "warn", "error", "off"}) {
    if (level != known) continue;
    logger->set_level(level == "error" ? spdlog::level::err
                                       : spdlog::level::from_str(std::string(level)));
    return {};
  }
  return make_error(Errc::kInvalidArgument,
                    "set log level: expected trace, debug, info, warn, error or off",
                    fmt::format("\"{}\"", level));
}

}  // namespace antrea
