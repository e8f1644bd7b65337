#pragma once

#include <optional>
#include <string>

#include "antrea/egress/keyring.h"

namespace antrea::egress {

/// Gossip keys in a folder, as a mounted Secret is one: the file `keys`, in lines of base64, the
/// first one the primary (antrea: the Secret antrea-memberlist-keys). Rotation without a partition
/// takes three steps, each of which all members have to see before the next: the new key behind the
/// old one, before it, and alone.
class ANTREA_API KeyFolder {
 public:
  explicit KeyFolder(std::string folder) : file_(std::move(folder) + "/keys") {}

  /// The keys, if they are others than those of the last time. Whatever happens to the folder, keys
  /// that were read go on counting. Error, once for each fault: kNotFound (also while a file is
  /// empty: without a key, nothing would be encrypted), kPermissionDenied, kIo, kMalformed,
  /// kInvalidArgument.
  Result<std::optional<Keyring>> poll();

 private:
  Result<Keyring> read() const;

  std::string file_;
  Keyring keys_;
  std::string fault_;  // the last time
};

}  // namespace antrea::egress
