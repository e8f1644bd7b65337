#include "antrea/node/audit_logger.h"

#include <utility>

namespace antrea::node {

namespace asio = boost::asio;
using std::chrono::steady_clock;

AuditLogger::AuditLogger(asio::any_io_executor executor, std::string path,
                         const RotatingFile::Limits& limits, Logger logger)
    : file_(std::move(path), limits), logger_(std::move(logger)), added_(std::move(executor)) {}

AuditLogger::~AuditLogger() { write(lines_.flush(steady_clock::now())); }

void AuditLogger::log(std::string line, bool at_once) {
  write(lines_.add(std::move(line), at_once, steady_clock::now()));
  added_.notify();
}

void AuditLogger::write(const std::vector<std::string>& lines) {
  for (const std::string& line : lines) {
    const auto written = file_.write_line(line, std::chrono::system_clock::now());
    const bool failed_before = std::exchange(failing_, !written);
    if (!written && !failed_before)
      logger_->error("{}; lines of the audit log are lost", written.error().to_string());
    if (written && failed_before) logger_->info("the audit log is written again");
  }
}

asio::awaitable<void> AuditLogger::run() {
  co_await asio::this_coro::throw_if_cancelled(false);
  for (;;) {
    const bool cancelled = co_await is_cancelled();
    if (cancelled) co_return;
    co_await added_.wait_until(lines_.next_due().value_or(TimePoint::max()));
    write(lines_.due(steady_clock::now()));
  }
}

}  // namespace antrea::node
