#pragma once

#include <boost/json/fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "antrea/policy/compiler.h"

namespace antrea::policy {

/// An object as a manifest or an API server gives it, by its apiVersion and kind; nothing if it is
/// of a kind that policies do not depend on. Errors: those of the decoders in api/json.h and
/// api/policy_json.h.
ANTREA_API Result<std::optional<ObjectChange>> decode_object(const boost::json::value& json);

/// What was made up to make objects from files complete.
struct MadeUp {
  std::vector<api::ObjectKey> addresses;       ///< Pods that had no address
  std::vector<api::ObjectKey> nodes;           ///< Pods that were on no Node
  std::vector<std::string> namespaces;         ///< that objects are in, but nobody described
  std::vector<std::string> undescribed_nodes;  ///< that Pods are on, but nobody described
};

/// Completes objects as they are before a cluster has seen them: Pods without address get one from
/// 198.18.0.0/15 (RFC 2544: for tests), Pods without Node are put on "node-0", Pods without phase
/// run, Namespaces and Nodes that are only named exist without labels, and objects of Namespaces
/// that name none are in "default". Deterministic in the order of `objects`; no address that a Pod
/// has is given to another.
ANTREA_API MadeUp complete(std::vector<ObjectChange>& objects);
/// Completes two sets that are to be compared: a Pod that lacks an address or a Node in one of them
/// has it from the other, and what is made up for it is the same in both.
ANTREA_API std::pair<MadeUp, MadeUp> complete(std::vector<ObjectChange>& old_objects,
                                              std::vector<ObjectChange>& new_objects);

}  // namespace antrea::policy
