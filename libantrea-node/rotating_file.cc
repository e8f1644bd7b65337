#include "antrea/node/rotating_file.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <utility>
#include <vector>

#include "gzip_file.h"

namespace antrea::node {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono;

constexpr std::string_view kCompressed = ".gz";

/// "2026-01-31T12-00-00.000", which sorts as time does.
std::string stamp(RotatingFile::Time time) {
  const auto whole = floor<seconds>(time);
  return fmt::format("{:%Y-%m-%dT%H-%M-%S}.{:03}", fmt::gmtime(whole),
                     duration_cast<milliseconds>(time - whole).count());
}

std::string line_time(RotatingFile::Time time) {
  const auto whole = floor<seconds>(time);
  return fmt::format("{:%Y/%m/%d %H:%M:%S}.{:06} ", fmt::localtime(system_clock::to_time_t(time)),
                     duration_cast<microseconds>(time - whole).count());
}

}  // namespace

RotatingFile::RotatingFile(std::string path, const Limits& limits)
    : path_(std::move(path)), limits_(limits) {}

RotatingFile::~RotatingFile() {
  if (compressor_.joinable()) compressor_.join();
  if (file_ >= 0) ::close(file_);
}

Result<> RotatingFile::open() {
  std::error_code failed;
  const fs::path directory = fs::path(path_).parent_path();
  if (!directory.empty()) fs::create_directories(directory, failed);
  if (failed) return errno_error(failed.value(), "make the directory of a log", directory.string());
  file_ = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (file_ < 0) return errno_error("open a log", path_);
  struct stat status {};
  size_ = ::fstat(file_, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
  return {};
}

Result<> RotatingFile::set_aside(Time now) {
  ::close(std::exchange(file_, -1));
  const fs::path path(path_);
  const auto aside = [&](Time time) {
    return path.parent_path() /
           (path.stem().string() + '-' + stamp(time) + path.extension().string());
  };
  Time free = now;  // two in one millisecond
  while (fs::exists(aside(free))) free += milliseconds(1);
  const fs::path target = aside(free);
  if (::rename(path_.c_str(), target.c_str()) != 0)
    return errno_error("set a full log aside", path_);
  // Files do not fill faster than they are compressed, so this does not wait in practice.
  if (compressor_.joinable()) compressor_.join();
  remove_old(now);
  if (limits_.compress) compress_backups();
  return open();
}

/// A file that cannot be compressed stays as it is until another one is set aside.
void RotatingFile::compress_backups() {
  std::vector<std::string> plain = backups();
  std::erase_if(plain, [](const std::string& name) { return name.ends_with(kCompressed); });
  if (plain.empty()) return;
  compressor_ = std::thread([plain = std::move(plain)] {
    for (const std::string& backup : plain) (void)compress_file(backup);
  });
}

std::vector<std::string> RotatingFile::backups() const {
  const fs::path path(path_);
  const std::string prefix = path.stem().string() + '-', suffix = path.extension().string();
  const std::size_t size = prefix.size() + stamp({}).size() + suffix.size();
  std::vector<std::string> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(path.parent_path(), ignored)) {
    std::string name = entry.path().filename().string();
    if (name.ends_with(kCompressed)) name.resize(name.size() - kCompressed.size());
    if (name.size() == size && name.starts_with(prefix) && name.ends_with(suffix))
      found.push_back(entry.path().string());
  }
  std::ranges::sort(found, std::greater());
  return found;
}

void RotatingFile::remove_old(Time now) const {
  const fs::path path(path_);
  const std::string oldest =
      (path.parent_path() / (path.stem().string() + '-' + stamp(now - limits_.age))).string();
  const std::vector<std::string> all = backups();
  std::error_code ignored;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const bool too_many = limits_.backups != 0 && i >= limits_.backups;
    const bool too_old = limits_.age.count() != 0 && all[i] < oldest;
    if (too_many || too_old) fs::remove(all[i], ignored);
  }
}

Result<> RotatingFile::write_line(std::string_view line, Time now) {
  if (file_ < 0) ANTREA_CHECK(open());
  const std::string text = line_time(now) + std::string(line) + '\n';
  if (size_ > 0 && size_ + text.size() > limits_.size) ANTREA_CHECK(set_aside(now));
  const ssize_t written = ::write(file_, text.data(), text.size());
  if (written > 0) size_ += static_cast<std::uint64_t>(written);
  if (written == static_cast<ssize_t>(text.size())) return {};
  Error error = written < 0
                    ? errno_error("write a log", path_)
                    : make_error(Errc::kExhausted, "write a log: it took part of a line", path_);
  ::close(std::exchange(file_, -1));
  return error;
}

}  // namespace antrea::node
