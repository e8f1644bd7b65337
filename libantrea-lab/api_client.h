#pragma once

#include <boost/json/value.hpp>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "antrea/base/result.h"

namespace antrea::lab {

/// Blocking calls to a Kubernetes API server, for threads and commands that have nothing else to do
/// meanwhile. One call at a time. Errors of the server keep its message: kNotFound, kAlreadyExists,
/// kConflict, kInvalidArgument and so on.
class ApiClient {
 public:
  static Result<std::unique_ptr<ApiClient>> open(const std::string& kubeconfig);
  ~ApiClient();

  Result<boost::json::value> get(const std::string& path);
  Result<boost::json::value> create(const std::string& path, const boost::json::value& object);
  Result<boost::json::value> merge_patch(const std::string& path, const boost::json::value& patch);
  /// `grace_seconds` < 0: what the object says.
  Result<boost::json::value> remove(const std::string& path, int grace_seconds = -1);

 private:
  struct Impl;
  explicit ApiClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// What happened to one object of a watched collection.
enum class WatchEvent : std::uint8_t { kChanged, kDeleted, kSynced };

/// Lists and watches a collection (e.g. "/api/v1/pods") on a thread of its own, reconnecting as
/// needed, until destroyed. `handle` is called on that thread: kChanged for every object that is
/// there or changes, kDeleted for each that goes (also while the connection was away), kSynced
/// (null object) after the first list.
class ApiWatch {
 public:
  using Handler = std::function<void(WatchEvent, const boost::json::value&)>;
  static Result<std::unique_ptr<ApiWatch>> start(const std::string& kubeconfig,
                                                 const std::string& path, Handler handle);
  ~ApiWatch();

 private:
  struct Impl;
  explicit ApiWatch(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace antrea::lab
