#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "antrea/base/export.h"
#include "antrea/base/result.h"

namespace antrea::kube {

/// One version of one object, as stored. Immutable and shared: by the store, its history, and
/// whoever reads it.
struct StoredObject {
  std::string namespace_;  ///< empty: cluster-scoped
  std::string name;
  std::uint64_t version = 0;  ///< metadata.resourceVersion
  std::string json;           ///< the object without `kind` and `apiVersion`, never empty: "{...}"
  std::vector<std::pair<std::string, std::string>> labels;
  std::vector<std::pair<std::string, std::string>> fields;  ///< what field selectors may ask for
};
using ObjectPtr = std::shared_ptr<const StoredObject>;

/// What one write did. `object` is the new state, at a deletion the last one with the version of
/// the deletion.
struct StoreEvent {
  enum class Type : std::uint8_t { kAdded, kModified, kDeleted };
  Type type = Type::kAdded;
  ObjectPtr object;
  ObjectPtr old;  ///< null for kAdded
};

struct StoreOptions {
  std::string path;            ///< of the SQLite file; ":memory:" keeps nothing
  std::size_t history = 4096;  ///< events a resource remembers for watches
  /// Where a fresh store starts to count. One in memory should start beyond its predecessor, so
  /// that clients which were connected to that find their versions too old: the seconds or
  /// milliseconds of the clock will do.
  std::uint64_t first_version = 1;
  bool sync_every_write = false;  ///< survive a power cut too, not only the end of the process
};

/// Objects of several resources under one monotonic version, as etcd is for Kubernetes: optimistic
/// locking, consistent lists of the recent past, and a window of history to watch from.
///
/// All state is in memory; with a file, every write is one SQLite transaction (WAL) that is done
/// before the call returns, so nothing that was answered is lost with the process. Synchronous; use
/// it from one thread or strand.
class ANTREA_API Store {
 public:
  /// Errors: kIo, kMalformed (a file that is none of ours), kAlreadyExists (another process has it
  /// open).
  static Result<std::unique_ptr<Store>> open(StoreOptions options);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  using Fields = std::vector<std::pair<std::string, std::string>>;
  using FieldsOf = std::function<Fields(const boost::json::object&)>;
  /// Makes a resource ("pods", "networkpolicies.networking.k8s.io") known and loads what the file
  /// has of it. To be called once for each before anything else.
  Result<> add_resource(std::string resource, FieldsOf fields_of = nullptr);

  /// The version of the last write.
  std::uint64_t version() const;
  /// That of the last write to one resource.
  std::uint64_t version_of(std::string_view resource) const;

  /// Null if there is none.
  ObjectPtr get(std::string_view resource, std::string_view name_space,
                std::string_view name) const;
  /// `metadata.name` and `metadata.namespace` say where to. Error: kAlreadyExists.
  Result<ObjectPtr> create(std::string_view resource, boost::json::object object);
  /// Errors: kNotFound; kConflict if the stored version is not `expected` (0: any).
  Result<ObjectPtr> update(std::string_view resource, boost::json::object object,
                           std::uint64_t expected = 0);
  /// Returns the last state, with the version of the deletion. Errors as of `update`.
  Result<ObjectPtr> erase(std::string_view resource, std::string_view name_space,
                          std::string_view name, std::uint64_t expected = 0);

  /// The objects by namespace and name, of one namespace or of all (empty). `at` is a version of
  /// the past, 0 the present. Begins behind the key `after` ("namespace/name" or "name"). Error:
  /// kExhausted if `at` is beyond the history.
  Result<std::vector<ObjectPtr>> list(std::string_view resource, std::string_view name_space,
                                      std::uint64_t at = 0, std::string_view after = {}) const;
  std::size_t count(std::string_view resource) const;

  /// Up to `limit` events with a version above `after`, oldest first. Error: kExhausted if some of
  /// them are forgotten.
  Result<std::vector<StoreEvent>> events_after(std::string_view resource, std::uint64_t after,
                                               std::size_t limit) const;
  /// The oldest version that `events_after` and `list` still know.
  std::uint64_t oldest_version(std::string_view resource) const;

  /// Called after every write, from inside it: note it down, act later.
  void on_write(std::function<void(std::string_view resource)> callback);

 private:
  struct State;
  explicit Store(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// "namespace/name", or "name" without namespace: the order of lists.
inline std::string object_key(std::string_view name_space, std::string_view name) {
  return name_space.empty() ? std::string(name) : std::string(name_space).append("/").append(name);
}

}  // namespace antrea::kube
