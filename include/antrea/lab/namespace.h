#pragma once

#include <concepts>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "antrea/base/export.h"
#include "antrea/base/result.h"

namespace antrea::lab {

/// A file descriptor with one owner.
class ANTREA_API Fd {
 public:
  constexpr Fd() = default;
  constexpr explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd();

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset() { *this = Fd{}; }
  /// A second descriptor of the same open file. Error: kIo, kExhausted.
  Result<Fd> duplicate() const;

 private:
  int fd_ = -1;
};

/// A network namespace, alive for as long as this handle, a process in it, or a pin.
///
/// Sockets belong for ever to the namespace of the thread that made them. So one process can serve
/// and probe from many namespaces: open the socket inside `run`, use it anywhere.
class ANTREA_API NetNamespace {
 public:
  /// A new, empty namespace with its loopback device up. Error: kPermissionDenied without
  /// CAP_SYS_ADMIN.
  static Result<NetNamespace> create();
  /// The one that `path` (a pin, or /proc/PID/ns/net) names.
  static Result<NetNamespace> open(const std::string& path);
  /// The one the calling thread is in.
  static Result<NetNamespace> current();
  static NetNamespace adopt(Fd fd) { return NetNamespace(std::move(fd)); }

  /// Makes `path` (created if need be) a name of this namespace, for tools that take one. Undone by
  /// `unpin`.
  Result<> pin(const std::string& path) const;
  static void unpin(const std::string& path);

  /// Calls `work` on a thread that is inside this namespace and returns what it returns (a Result).
  /// The calling thread waits and stays where it is.
  template <std::invocable F>
  std::invoke_result_t<F> run(F&& work) const {
    std::optional<std::invoke_result_t<F>> out;
    if (auto entered = run_erased([&] { out.emplace(work()); }); entered.has_error())
      return std::move(entered).error();
    return std::move(*out);
  }

  int fd() const { return fd_.get(); }

 private:
  explicit NetNamespace(Fd fd) : fd_(std::move(fd)) {}
  Result<> run_erased(const std::function<void()>& work) const;

  Fd fd_;
};

/// What a process started on a host or in a Pod of the lab sees of the machine.
struct HostView {
  struct Bind {
    std::string source;  ///< must exist
    std::string target;  ///< shown there; must exist unless an earlier bind covers its folder
    friend bool operator==(const Bind&, const Bind&) = default;
  };
  int net = -1;             ///< descriptor of the network namespace, -1 to stay; borrowed
  std::string hostname;     ///< empty: the machine's
  std::vector<Bind> binds;  ///< in this order, in a mount namespace of its own
};

/// Moves the calling process (single-threaded) into `view`. Shows the namespace's own /sys where
/// the kernel lets it. Error: kPermissionDenied, kNotFound, naming the path.
ANTREA_API Result<> enter(const HostView& view);

/// Moves the calling process (single-threaded) into fresh mount and process namespaces, and, where
/// it is not root, into a user namespace in which it is. The next child it forks is process 1
/// there: when that one dies, all die. Mounts made inside are not seen outside. Error:
/// kPermissionDenied, with what to change on this machine.
ANTREA_API Result<> leave_the_machine();

/// In process 1 of those namespaces: a /proc of its own, loopback untouched. Best effort: without
/// it only `ps` is wrong.
ANTREA_API void mount_own_proc();

/// May this process make the devices that Open vSwitch's userspace datapath uses for internal
/// ports? Opens /dev/net/tun.
ANTREA_API bool can_open_tun();

}  // namespace antrea::lab
