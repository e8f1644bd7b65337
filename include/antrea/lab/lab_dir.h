#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "antrea/base/export.h"
#include "antrea/lab/namespace.h"

namespace antrea::lab {

/// Where a lab keeps its files: BASE/NAME, private to its user. Next to it lies BASE/NAME.lock,
/// held by the lab for as long as it lives; so what a crashed lab left behind can be told from a
/// running one.
///
/// BASE is $ANTREA_LAB_DIR, else /tmp/antrea-lab-UID: short, because the paths of unix sockets are
/// limited.
class ANTREA_API LabDir {
 public:
  /// Error: kInvalidArgument for a name that is not 1 to 20 of a-z, 0-9 and dashes;
  /// kPermissionDenied when BASE is somebody else's.
  static Result<LabDir> locate(const std::string& name);
  /// The names of the labs below BASE, running or left over.
  static std::vector<std::string> list();

  /// Takes the lock, removes what an earlier lab of that name left, and makes the folder. The lock
  /// is the descriptor's. Error: kAlreadyExists while the lab is up.
  Result<Fd> claim() const;
  bool is_up() const { return holder().has_value(); }
  /// Process 1 of the running lab; 0 while it is only just coming up; empty when there is none.
  std::optional<pid_t> holder() const;
  /// Removes folder and lock of a lab that has ended. False: there was nothing.
  Result<bool> remove() const;

  const std::string& name() const { return name_; }
  const std::string& path() const { return path_; }
  std::string socket() const { return path_ + "/keeper.sock"; }
  std::string kubeconfig() const { return path_ + "/kubeconfig"; }
  std::string log() const { return path_ + "/log"; }  ///< folder

 private:
  LabDir(std::string name, std::string path) : name_(std::move(name)), path_(std::move(path)) {}
  std::string lock() const { return path_ + ".lock"; }

  std::string name_;
  std::string path_;
};

}  // namespace antrea::lab
