#pragma once

#include <boost/json.hpp>
#include <optional>
#include <span>
#include <utility>

#include "antrea/base/log.h"
#include "antrea/kube/informer.h"
#include "options.h"

namespace antrea::agent {

/// An object of the API as `decode` reads it; a bad one is logged and left out.
template <typename T>
std::optional<T> decoded(const kube::ObjectRef& object,
                         Result<T> (*decode)(const boost::json::value&), const Logger& logger) {
  auto out = decode(boost::json::value(*object));
  if (out) return *std::move(out);
  logger->error("{}", out.error().to_string());
  return std::nullopt;
}

/// `take(object, gone)` for what each change carries.
template <typename T, typename Take>
void each_decoded(std::span<const kube::Change> changes,
                  Result<T> (*decode)(const boost::json::value&), const Logger& logger, Take take) {
  for (const kube::Change& change : changes)
    if (auto object = decoded(change.object, decode, logger))
      take(*std::move(object), change.type == kube::Change::Type::kDeleted);
}

/// All Pods of this Node.
inline kube::InformerOptions pods_of(const Options& options, const Logger& logger) {
  kube::InformerOptions pods;
  pods.path = "/api/v1/pods";
  pods.field_selector = "spec.nodeName=" + options.node;
  pods.transform = kube::drop_managed_fields;
  pods.logger = logger;
  return pods;
}

}  // namespace antrea::agent
