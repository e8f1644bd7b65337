#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <string>

#include "antrea/base/asio.h"
#include "antrea/base/log.h"
#include "antrea/node/audit_log.h"
#include "antrea/node/rotating_file.h"

namespace antrea::node {

/// A shell: writes what `AuditLog` says into a file when it is due. A file that cannot be written
/// costs its lines and one message until it can be written again.
class ANTREA_API AuditLogger {
 public:
  AuditLogger(boost::asio::any_io_executor executor, std::string path,
              const RotatingFile::Limits& limits, Logger logger);
  /// Writes what still waits.
  ~AuditLogger();
  AuditLogger(const AuditLogger&) = delete;
  AuditLogger& operator=(const AuditLogger&) = delete;

  void log(std::string line, bool at_once);
  /// Writes what becomes due, until cancelled. To be spawned once by the owner.
  boost::asio::awaitable<void> run();

 private:
  void write(const std::vector<std::string>& lines);

  AuditLog lines_;
  RotatingFile file_;
  Logger logger_;
  Signal added_;
  bool failing_ = false;
};

}  // namespace antrea::node
