#include "antrea/ipam/host_local_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <utility>

namespace antrea::ipam {
namespace {

namespace fs = std::filesystem;

std::string trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const auto begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(kBlank) - begin + 1));
}

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

Result<> write_all(int fd, std::string_view text, const fs::path& path) {
  while (!text.empty()) {
    const auto written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno_error("write", path.native());
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

/// A file descriptor that is closed with the scope.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

/// Holds the folder's lock, as host-local does around each operation. A lock that cannot be had is
/// no reason to fail.
class FolderLock {
 public:
  explicit FolderLock(const fs::path& folder)
      : file_(::open((folder / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    if (file_) ::flock(file_.get(), LOCK_EX);
  }

 private:
  Descriptor file_;
};

/// Replaces the file's content in one step, so that a crash leaves the old or the new text.
Result<> replace_file(const fs::path& path, std::string_view text) {
  const fs::path fresh = path.native() + ".new";
  {
    const Descriptor file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!file) return errno_error("create", fresh.native());
    ANTREA_CHECK(write_all(file.get(), text, fresh));
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0) return errno_error("rename", fresh.native());
  return {};
}

}  // namespace

Result<HostLocalStore> HostLocalStore::open(const fs::path& data_dir, std::string_view network) {
  HostLocalStore store(data_dir / network);
  std::error_code error;
  fs::create_directories(store.folder_, error);
  if (error)
    return errno_error(error.value(), "create address store folder", store.folder_.native());
  const FolderLock lock(store.folder_);
  ANTREA_CHECK(store.load());
  return store;
}

Result<> HostLocalStore::load() {
  std::error_code error;
  for (fs::directory_iterator entry(folder_, error), end; !error && entry != end;
       entry.increment(error)) {
    const auto address = IpAddress::parse(entry->path().filename().native());
    if (!address) continue;
    const std::string text = read_file(entry->path());
    const auto line_end = text.find("\r\n");
    Owner owner{trimmed(text.substr(0, line_end)),
                line_end == std::string::npos ? "" : trimmed(text.substr(line_end))};
    by_owner_.emplace(owner, *address);
    by_address_.emplace(*address, std::move(owner));
  }
  if (error) return errno_error(error.value(), "read address store", folder_.native());
  return {};
}

std::optional<IpAddress> HostLocalStore::last_reserved(std::size_t set_index) const {
  const auto address =
      IpAddress::parse(trimmed(read_file(folder_ / fmt::format("last_reserved_ip.{}", set_index))));
  return address ? std::optional(*address) : std::nullopt;
}

Result<bool> HostLocalStore::create(const IpAddress& address, const Owner& owner,
                                    std::size_t set_index) {
  const fs::path path = folder_ / address.to_string();
  {
    const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file) {
      if (errno == EEXIST) return false;
      return errno_error("reserve address", path.native());
    }
    auto written = write_all(file.get(), owner.container_id + "\r\n" + owner.ifname, path);
    if (written)
      written = replace_file(folder_ / fmt::format("last_reserved_ip.{}", set_index),
                             address.to_string());
    if (!written) {
      ::unlink(path.c_str());
      return std::move(written).error();
    }
  }
  by_address_.emplace(address, owner);
  by_owner_.emplace(owner, address);
  return true;
}

Result<> HostLocalStore::remove(const IpAddress& address) {
  const fs::path path = folder_ / address.to_string();
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return errno_error("release address", path.native());
  const auto found = by_address_.find(address);
  if (found == by_address_.end()) return {};
  by_owner_.erase({found->second, address});
  by_address_.erase(found);
  return {};
}

Result<IpAddress> HostLocalStore::reserve(const Owner& owner, const RangeSet& set,
                                          std::size_t set_index,
                                          const std::optional<IpAddress>& requested) {
  if (requested) {
    const Range* const range = set.range_of(*requested);
    if (range != nullptr && range->gateway == *requested)
      return make_error(Errc::kInvalidArgument,
                        fmt::format("requested ip {} is subnet's gateway", requested->to_string()));
    if (!by_address_.contains(*requested)) {
      ANTREA_TRY(const bool created, create(*requested, owner, set_index));
      if (created) return *requested;
    }
    return make_error(Errc::kAlreadyExists,
                      fmt::format("requested IP address {} is not available in range set {}",
                                  requested->to_string(), set.to_string()));
  }
  for (const IpAddress& held : find(owner))
    if (set.contains(held)) return held;
  Candidates candidates(set, last_reserved(set_index));
  while (const auto candidate = candidates.next()) {
    if (by_address_.contains(*candidate)) continue;
    ANTREA_TRY(const bool created, create(*candidate, owner, set_index));
    if (created) return *candidate;
  }
  return make_error(Errc::kExhausted,
                    fmt::format("no IP addresses available in range set: {}", set.to_string()), {},
                    "delete Pods of this Node, or give it a larger subnet");
}

Result<std::vector<Lease>> HostLocalStore::allocate(const Owner& given,
                                                    std::span<const RangeSet> sets,
                                                    std::vector<IpAddress> requested) {
  const Owner owner{trimmed(given.container_id), given.ifname};
  const FolderLock lock(folder_);
  std::vector<IpAddress> fresh;
  const auto give_back = [&](Error error) {
    for (const IpAddress& address : fresh) (void)remove(address);
    return error;
  };
  std::vector<Lease> leases;
  for (std::size_t i = 0; i < sets.size(); ++i) {
    std::optional<IpAddress> wanted;
    const auto match = std::ranges::find_if(
        requested, [&](const IpAddress& address) { return sets[i].contains(address); });
    if (match != requested.end()) {
      wanted = *match;
      requested.erase(match);
    }
    const std::size_t before = by_address_.size();
    auto address = reserve(owner, sets[i], i, wanted);
    if (!address)
      return give_back(
          std::move(address).error().within(fmt::format("failed to allocate for range {}", i)));
    if (by_address_.size() != before) fresh.push_back(*address);
    const Range* const range = sets[i].range_of(*address);
    leases.push_back({*address, range->subnet, range->gateway});
  }
  if (requested.empty()) return leases;
  std::string left;
  for (const IpAddress& address : requested) left += " " + address.to_string();
  return give_back(
      make_error(Errc::kInvalidArgument, "failed to allocate all requested IPs:" + left));
}

Result<> HostLocalStore::release(const Owner& given) {
  const Owner owner{trimmed(given.container_id), given.ifname};
  const FolderLock lock(folder_);
  auto addresses = find(owner);
  if (addresses.empty()) addresses = find({owner.container_id, ""});
  for (const IpAddress& address : addresses) ANTREA_CHECK(remove(address));
  return {};
}

std::vector<IpAddress> HostLocalStore::find(const Owner& owner) const {
  std::vector<IpAddress> addresses;
  for (auto held = by_owner_.lower_bound({owner, IpAddress()});
       held != by_owner_.end() && held->first == owner; ++held)
    addresses.push_back(held->second);
  return addresses;
}

std::vector<IpAddress> HostLocalStore::collect_garbage(
    const std::function<bool(const IpAddress&)>& in_use) {
  const FolderLock lock(folder_);
  std::vector<IpAddress> stale;
  for (const auto& [address, owner] : by_address_)
    if (!in_use(address)) stale.push_back(address);
  std::erase_if(stale, [&](const IpAddress& address) { return remove(address).has_error(); });
  return stale;
}

}  // namespace antrea::ipam
