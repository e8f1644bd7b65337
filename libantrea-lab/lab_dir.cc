#include "antrea/lab/lab_dir.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "session.h"

namespace antrea::lab {
namespace {

constexpr std::size_t kMaxName = 20;
constexpr std::chrono::seconds kEnding{5};
constexpr std::size_t kMaxBase = 40;  // of the 107 bytes that a socket's path may have

std::string base_path() {
  if (const char* set = std::getenv("ANTREA_LAB_DIR"); set != nullptr && *set != '\0') return set;
  return fmt::format("/tmp/antrea-lab-{}", getuid());
}

/// The folder exists and is ours alone. /tmp is everybody's: a folder that another user made there
/// is not to be trusted.
Result<> make_private_folder(const std::string& path) {
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return errno_error("create", path);
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0) return errno_error("look at", path);
  if (!S_ISDIR(info.st_mode) || info.st_uid != getuid())
    return make_error(Errc::kPermissionDenied, "it is not a folder of this user", path,
                      "set ANTREA_LAB_DIR to one that is");
  if ((info.st_mode & 077) != 0 && chmod(path.c_str(), 0700) != 0)
    return errno_error("make private", path);
  return {};
}

}  // namespace

Result<LabDir> LabDir::locate(const std::string& name) {
  const bool good = !name.empty() && name.size() <= kMaxName && name.front() != '-' &&
                    std::all_of(name.begin(), name.end(), [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
                    });
  if (!good)
    return make_error(Errc::kInvalidArgument,
                      "not a lab's name, expected 1 to 20 of a-z, 0-9 and dashes", name);
  const std::string base = base_path();
  if (base.size() > kMaxBase)
    return make_error(
        Errc::kInvalidArgument,
        fmt::format("longer than {} characters; unix sockets below it need short paths", kMaxBase),
        base, "set ANTREA_LAB_DIR to a shorter path");
  if (base.starts_with("/run/") || base.starts_with("/var/run/"))
    return make_error(Errc::kInvalidArgument, "hosts of a lab have a /run of their own", base,
                      "set ANTREA_LAB_DIR to a folder elsewhere");
  ANTREA_CHECK(make_private_folder(base));
  return LabDir(name, base + "/" + name);
}

std::vector<std::string> LabDir::list() {
  std::vector<std::string> out;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(base_path(), ignored)) {
    if (entry.is_directory(ignored)) out.push_back(entry.path().filename().string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

Result<Fd> LabDir::claim() const {
  Fd held(open(lock().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!held) return errno_error("open", lock());
  const auto deadline = std::chrono::steady_clock::now() + kEnding;
  while (flock(held.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return errno_error("lock", lock());
    const bool ending = connect_to(socket()).has_error();
    if (ending && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      continue;
    }
    return make_error(Errc::kAlreadyExists, "this lab is up already", name_,
                      "antrea-lab down --name " + name_);
  }
  if (ftruncate(held.get(), 0) != 0) return errno_error("clear", lock());
  std::error_code ec;
  std::filesystem::remove_all(path_, ec);
  if (ec) return errno_error(ec.value(), "remove what an earlier lab left", path_);
  ANTREA_CHECK(make_private_folder(path_));
  ANTREA_CHECK(make_private_folder(log()));
  return held;
}

std::optional<pid_t> LabDir::holder() const {
  Fd tried(open(lock().c_str(), O_RDWR | O_CLOEXEC));
  if (!tried || flock(tried.get(), LOCK_EX | LOCK_NB) == 0) return std::nullopt;
  char text[16] = {};
  if (pread(tried.get(), text, sizeof text - 1, 0) <= 0) return 0;
  return std::atoi(text);
}

Result<bool> LabDir::remove() const {
  std::error_code ec;
  if (!std::filesystem::exists(path_, ec) && !std::filesystem::exists(lock(), ec)) return false;
  ANTREA_TRY(Fd held, claim());
  // Where process 1 of the lab was killed, others may be dying still, and writing.
  for (int attempt = 0; attempt < 100; ++attempt) {
    std::filesystem::remove_all(path_, ec);
    if (!ec) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  if (ec) return errno_error(ec.value(), "remove", path_);
  unlink(lock().c_str());
  return true;
}

}  // namespace antrea::lab
