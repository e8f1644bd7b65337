#pragma once

#include <boost/json/value.hpp>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "antrea/base/export.h"
#include "antrea/base/result.h"

namespace antrea::lab {

/// Called with "pod/web created", "service/web unchanged", "networkpolicy/x deleted", a line for
/// each object.
using ManifestProgress = std::function<void(const std::string&)>;

/// Creates the objects, or changes those that exist to agree with what is written. Objects without
/// a namespace go to "default". Error: the first object that the API server refuses, by kind and
/// name, with its words; those before it stay.
ANTREA_API Result<> apply_objects(const std::string& kubeconfig,
                                  const std::vector<boost::json::value>& objects,
                                  const ManifestProgress& progress);

/// Deletes the objects, last one first, and waits until they are gone. Those that do not exist are
/// passed over.
ANTREA_API Result<> delete_objects(const std::string& kubeconfig,
                                   const std::vector<boost::json::value>& objects,
                                   const ManifestProgress& progress);

/// Waits until every Pod is Running. Error: kTimeout, naming one that is not and why.
ANTREA_API Result<> await_pods_running(const std::string& kubeconfig, std::chrono::seconds limit);

}  // namespace antrea::lab
