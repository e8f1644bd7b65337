#pragma once

#include <boost/json/object.hpp>
#include <boost/system/result.hpp>
#include <string>
#include <vector>

#include "antrea/kube/resource_type.h"

namespace antrea::kube {

/// Who applies, and when.
struct Applier {
  std::string manager;
  std::string time;
  bool force = false;
  std::string subresource;
};

/// A field that another manager applied with another value.
struct ApplyConflict {
  std::string manager;
  std::string field;  ///< ".metadata.labels.app"
};
using ApplyConflicts = std::vector<ApplyConflict>;
[[noreturn]] void throw_exception_from_error(const ApplyConflicts& conflicts,
                                             const boost::source_location& where);

/// `conflict with "rec": .metadata.labels.app`, or a list by manager if there are several.
std::string describe(const ApplyConflicts& conflicts);

/// Server-side apply: `config` merged into `live` (empty: to be created), after removing what this
/// manager applied before and no longer does. The result's metadata.managedFields says who applied
/// what.
///
/// Only what was applied has an owner here: fields written by other requests can be taken over
/// without a conflict.
boost::system::result<boost::json::object, ApplyConflicts> apply_configuration(
    const ResourceType& type, const boost::json::object& live, const boost::json::object& config,
    const Applier& applier);

}  // namespace antrea::kube
