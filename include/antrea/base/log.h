#pragma once

#include <spdlog/logger.h>

#include <memory>
#include <string>
#include <string_view>

#include "antrea/base/export.h"
#include "antrea/base/result.h"

namespace antrea {

/// Loggers are handed in, never global: a library logs to what its owner gave it.
using Logger = std::shared_ptr<spdlog::logger>;

/// A logger that writes one line per message to standard error: time, level, name, text.
ANTREA_API Logger make_stderr_logger(std::string name, std::string_view level = "info");
/// The same, appended to a file. Error: kIo.
ANTREA_API Result<Logger> make_file_logger(std::string name, const std::string& path,
                                           std::string_view level = "info");
/// Says nothing; for tests and for callers who do not care.
ANTREA_API Logger null_logger();
/// "trace", "debug", "info", "warn", "error" or "off". Error: kInvalidArgument.
ANTREA_API Result<> set_level(const Logger& logger, std::string_view level);

}  // namespace antrea
