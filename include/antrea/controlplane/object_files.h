#pragma once

#include <memory>
#include <string>
#include <vector>

#include "antrea/api/controlplane_codec.h"
#include "antrea/base/export.h"
#include "antrea/base/log.h"

namespace antrea::controlplane {

/// The policies and groups of this Node in files, so that an agent can enforce them when it starts
/// while no controller can be reached (antrea: pkg/agent/controller/networkpolicy/filestore.go).
///
/// DIR/{network-policies,applied-to-groups,address-groups}/UID holds the object in Kubernetes'
/// Protobuf envelope, mode 0600. A file is replaced in one step. A resource's folder exists once a
/// full set of it was written.
class ANTREA_API ObjectFiles {
 public:
  ObjectFiles(std::string directory, Logger logger);

  /// The full set: files of other objects are removed. T is NetworkPolicy, AddressGroup or
  /// AppliedToGroup. Error: kIo.
  template <typename T>
  ANTREA_API Result<> replace(const std::vector<std::shared_ptr<const T>>& objects);
  template <typename T>
  ANTREA_API Result<> put(const T& object);
  /// T is AddressGroup or AppliedToGroup. Error: also kNotFound (no such file), kMalformed.
  template <typename T>
  ANTREA_API Result<> patch(const api::controlplane::GroupPatch& patch);
  /// That there is no such file is fine.
  template <typename T>
  ANTREA_API Result<> remove(const api::controlplane::Metadata& meta);
  /// All of it; files that do not decode are left out and logged. Error: kNotFound if a full set
  /// was never written.
  template <typename T>
  ANTREA_API Result<std::vector<std::shared_ptr<const T>>> load() const;

 private:
  std::string directory_;
  Logger logger_;
};

}  // namespace antrea::controlplane
