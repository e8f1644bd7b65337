#pragma once

#include <sys/types.h>

#include <boost/json/object.hpp>
#include <functional>
#include <string>
#include <vector>

#include "antrea/base/export.h"
#include "antrea/lab/lab_dir.h"
#include "antrea/lab/namespace.h"

namespace antrea::lab {

struct UpOptions {
  unsigned node_count = 2;
  bool hosts_only = false;  ///< hosts and switches without controller, agents and Pods
  std::function<void(const std::string&)>
      progress;  ///< called with what is being done, a line each
};

/// Brings a lab up and returns once it is ready. From then on its keeper, a process apart, holds
/// everything; when that one ends, by whatever cause, the kernel takes down all the rest. Call it
/// single-threaded. Errors are those of the part that failed; nothing is left behind then.
ANTREA_API Result<> up(const LabDir& dir, const UpOptions& options);

/// Ends a lab and removes its files; also those of a lab that crashed. False: there was none.
ANTREA_API Result<bool> down(const LabDir& dir);

/// A place to run things in: the parts that a client's process needs.
struct Place {
  HostView view;
  std::string pod_namespace;  ///< of Pods
  Fd net;                     ///< what view.net borrows
};

/// A connection to the keeper of a running lab.
class ANTREA_API LabClient {
 public:
  /// Error: kUnavailable when the lab is not up.
  static Result<LabClient> connect(const LabDir& dir);

  /// Hosts, Pods and daemons as the keeper sees them; printed by `antrea-lab status -o json`.
  Result<boost::json::object> status();
  /// `name` is a Node's name, "outside", "beside", or NAMESPACE/POD. Error: kNotFound, listing what
  /// there is.
  Result<Place> place(const std::string& name);
  /// The network namespaces of many places, in their order.
  Result<std::vector<NetNamespace>> networks(const std::vector<std::string>& names);
  /// `action`: "start", "stop" (SIGTERM) or "kill" (SIGKILL). `host` is a Node's name, or
  /// "control".
  Result<> daemon(const std::string& host, const std::string& name, const std::string& action);

  /// `how`: see `Fault`; stays until `heal`. Several may be on at once.
  Result<> fail(const std::string& node, const std::string& how);
  /// Ends all faults of a Node, and starts what of it does not run.
  Result<> heal(const std::string& node);

  /// Moves this process (single-threaded) to where the lab's namespaces are, so that it may enter
  /// them; there is no way back. `kToRun`: its children see the lab's processes only and die with
  /// it, and it can start no more threads. `kToProbe`: only as far as the network namespaces need.
  enum class Purpose : std::uint8_t { kToRun, kToProbe };
  Result<> join(Purpose purpose);

  pid_t keeper_pid() const { return pid_; }

 private:
  LabClient(Fd sock, pid_t pid) : sock_(std::move(sock)), pid_(pid) {}
  Result<std::pair<boost::json::object, std::vector<Fd>>> call(const boost::json::object& request);

  Fd sock_;
  pid_t pid_;
};

/// Runs a program in `place` with our standard input, output and error, our terminal and our
/// signals; returns its exit code as shells count. After `LabClient::join`.
ANTREA_API Result<int> run_in(const Place& place, const std::vector<std::string>& argv,
                              const std::vector<std::string>& env);

}  // namespace antrea::lab
