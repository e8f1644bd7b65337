#include "antrea/lab/namespace.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <thread>

namespace antrea::lab {
namespace {

/// Of the calling thread; /proc/self would name the process' first one.
constexpr const char* kOwnNamespace = "/proc/thread-self/ns/net";

Result<> loopback_up() {
  Fd sock(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!sock) return errno_error("make a socket");
  ifreq request{};
  std::strncpy(request.ifr_name, "lo", IFNAMSIZ - 1);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (ioctl(sock.get(), SIOCSIFFLAGS, &request) != 0) return errno_error("set up", "lo");
  return {};
}

Result<> write_file(const char* path, const std::string& text) {
  Fd file(open(path, O_WRONLY | O_CLOEXEC));
  if (!file) return errno_error("open", path);
  if (write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return errno_error("write", path);
  return {};
}

/// An empty file or folder at `target`, like `source`, so that it can be covered. Only where an
/// earlier bind made room; elsewhere this fails and the mount tells why.
void make_mount_point(const std::string& source, const std::string& target) {
  std::error_code ignored;
  if (std::filesystem::exists(target, ignored)) return;
  std::string place = target;
  if (std::filesystem::is_symlink(target, ignored)) {
    auto link = std::filesystem::read_symlink(target, ignored);
    place = link.is_absolute() ? link.string()
                               : (std::filesystem::path(target).parent_path() / link).string();
  }
  if (std::filesystem::is_directory(source, ignored)) {
    std::filesystem::create_directories(place, ignored);
    return;
  }
  std::filesystem::create_directories(std::filesystem::path(place).parent_path(), ignored);
  Fd made(open(place.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
}

}  // namespace

Fd::~Fd() {
  if (fd_ >= 0) close(fd_);
}

Result<Fd> Fd::duplicate() const {
  Fd copy(fcntl(fd_, F_DUPFD_CLOEXEC, 3));
  if (!copy) return errno_error("duplicate a descriptor");
  return copy;
}

Result<NetNamespace> NetNamespace::create() {
  Result<NetNamespace> made = make_error(Errc::kInternal, "make a network namespace: not run");
  std::thread([&] {
    if (unshare(CLONE_NEWNET) != 0) {
      made = errno_error("make a network namespace");
      return;
    }
    made = current();
    if (made.has_error()) return;
    if (auto up = loopback_up(); up.has_error()) made = std::move(up).error();
  }).join();
  return made;
}

Result<NetNamespace> NetNamespace::open(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return errno_error("open the network namespace", path);
  return NetNamespace(std::move(fd));
}

Result<NetNamespace> NetNamespace::current() { return open(kOwnNamespace); }

Result<> NetNamespace::pin(const std::string& path) const {
  Fd made(::open(path.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC, 0600));
  if (!made) return errno_error("create", path);
  return run([&]() -> Result<> {
    if (mount(kOwnNamespace, path.c_str(), nullptr, MS_BIND, nullptr) != 0)
      return errno_error("pin the network namespace", path);
    return {};
  });
}

void NetNamespace::unpin(const std::string& path) {
  umount2(path.c_str(), MNT_DETACH);
  unlink(path.c_str());
}

Result<> NetNamespace::run_erased(const std::function<void()>& work) const {
  Result<> entered;
  std::thread([&] {
    if (setns(fd_.get(), CLONE_NEWNET) != 0) {
      entered = errno_error("enter a network namespace");
      return;
    }
    work();
  }).join();
  return entered;
}

Result<> enter(const HostView& view) {
  if (view.net >= 0 && setns(view.net, CLONE_NEWNET) != 0)
    return errno_error("enter the network namespace", view.hostname);
  if (unshare(CLONE_NEWNS | CLONE_NEWUTS) != 0) return errno_error("make a mount namespace");
  if (!view.hostname.empty() && sethostname(view.hostname.data(), view.hostname.size()) != 0)
    return errno_error("set the host name", view.hostname);
  // New mounts of the lab keep coming in (pins of Pods); ours do not go out.
  if (mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0)
    return errno_error("keep mounts private");
  if (view.net >= 0) mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr);
  for (const auto& bind : view.binds) {
    make_mount_point(bind.source, bind.target);
    if (mount(bind.source.c_str(), bind.target.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0)
      return errno_error("show " + bind.source, bind.target);
  }
  return {};
}

Result<> leave_the_machine() {
  const uid_t uid = geteuid();
  const gid_t gid = getegid();
  int flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC;
  if (uid != 0) flags |= CLONE_NEWUSER;
  if (unshare(flags) != 0) {
    Error error = errno_error("make namespaces");
    if (uid != 0) {
      error.remedy =
          "this kernel must let users make user namespaces: as root, sysctl -w "
          "kernel.unprivileged_userns_clone=1 user.max_user_namespaces=10000 "
          "kernel.apparmor_restrict_unprivileged_userns=0, or run as root";
    } else {
      error.remedy = "CAP_SYS_ADMIN is needed";
    }
    return error;
  }
  if (uid != 0) {
    write_file("/proc/self/setgroups", "deny");
    ANTREA_CHECK(write_file("/proc/self/uid_map", "0 " + std::to_string(uid) + " 1"));
    ANTREA_CHECK(write_file("/proc/self/gid_map", "0 " + std::to_string(gid) + " 1"));
  }
  if (mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0)
    return errno_error("keep mounts private");
  return {};
}

void mount_own_proc() { mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr); }

bool can_open_tun() { return static_cast<bool>(Fd(open("/dev/net/tun", O_RDWR | O_CLOEXEC))); }

}  // namespace antrea::lab
