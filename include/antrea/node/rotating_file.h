#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "antrea/base/export.h"
#include "antrea/base/result.h"

namespace antrea::node {

/// A file of lines that is set aside when it is full: DIR/np.log becomes
/// DIR/np-2026-01-31T12-00-00.000.log (UTC), which becomes .log.gz, and the oldest of those go.
class ANTREA_API RotatingFile {
 public:
  using Time = std::chrono::system_clock::time_point;

  struct Limits {
    std::uint64_t size = std::uint64_t{500} << 20;  ///< bytes of the file before it is set aside
    unsigned backups = 3;                           ///< files set aside; 0: any number
    std::chrono::hours age{24 * 28};                ///< of a file set aside; 0: any age
    bool compress = true;                           ///< files set aside, on a thread of its own
  };

  /// Touches nothing before the first line.
  RotatingFile(std::string path, const Limits& limits);
  /// Waits for a file that is being compressed.
  ~RotatingFile();
  RotatingFile(const RotatingFile&) = delete;
  RotatingFile& operator=(const RotatingFile&) = delete;

  /// Appends the line behind its time ("2026/01/31 12:00:00.000000 ", local). Makes the file and
  /// its directory (modes 0644 and 0755) where they are not there. Errors name the path; the next
  /// call tries anew.
  Result<> write_line(std::string_view line, Time now);

 private:
  Result<> open();
  Result<> set_aside(Time now);
  /// Those set aside, the latest first.
  std::vector<std::string> backups() const;
  void remove_old(Time now) const;
  void compress_backups();

  std::string path_;
  Limits limits_;
  int file_ = -1;
  std::uint64_t size_ = 0;
  std::thread compressor_;
};

}  // namespace antrea::node
