#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "antrea/base/export.h"
#include "antrea/base/result.h"
#include "antrea/kube/schema.h"

/// The ways of the Kubernetes API to say a change. Each works on JSON only and leaves `target` as
/// it was if it fails. Errors: kMalformed, the patch is none; kRejected, it does not fit the
/// target.
namespace antrea::kube {

/// JSON Merge Patch (RFC 7386).
ANTREA_API Result<> apply_merge_patch(boost::json::value& target, const boost::json::value& patch);

/// JSON Patch (RFC 6902). At most 10,000 operations, and 3 MiB that "copy" adds.
ANTREA_API Result<> apply_json_patch(boost::json::value& target, const boost::json::value& patch);

/// Strategic merge patch: as a merge patch, but lists whose property has the strategy "merge" are
/// merged, by merge key or as sets. Directives: "$patch" (delete, replace, merge), "$retainKeys",
/// "$setElementOrder/FIELD",
/// "$deleteFromPrimitiveList/FIELD".
ANTREA_API Result<> apply_strategic_merge_patch(boost::json::object& target,
                                                const boost::json::object& patch,
                                                const Schema& schema);

}  // namespace antrea::kube
