#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "antrea/kube/api_server.h"
#include "status.h"

namespace antrea::kube {

enum class FieldValidation : std::uint8_t { kIgnore, kWarn, kStrict };

struct WriteOptions {
  bool dry_run = false;
  FieldValidation validation = FieldValidation::kWarn;
  std::string field_manager;  ///< of an apply patch
  bool force = false;         ///< an apply patch takes over what others own
};

struct DeleteOptions {
  std::optional<std::int64_t> grace_seconds;
  std::string uid, resource_version;  ///< preconditions, if not empty
  bool dry_run = false;
};

/// What the verbs do to objects: defaults, rules, metadata, versions, deletion in steps. Knows no
/// HTTP.
class Rest {
 public:
  using Now = std::function<std::chrono::system_clock::time_point()>;
  using Warnings = std::vector<std::string>;

  Rest(const ResourceTypes& types, Store& store, Now now);

  void admit(const ResourceType& type, ApiServer::Admitter admitter);
  void admit_removal(const ResourceType& type, ApiServer::RemovalAdmitter admitter);

  Outcome<ObjectPtr> get(const ObjectPath& path) const;
  Outcome<ObjectPtr> create(const ObjectPath& path, boost::json::object body,
                            const WriteOptions& options, Warnings& warnings);
  /// `path.subresource`: none, "status", or "finalize" of a Namespace.
  Outcome<ObjectPtr> update(const ObjectPath& path, boost::json::object body,
                            const WriteOptions& options, Warnings& warnings);
  struct Patched {
    ObjectPtr object;
    bool created = false;
  };
  Outcome<Patched> patch(const ObjectPath& path, PatchType type, const boost::json::value& patch,
                         const WriteOptions& options, Warnings& warnings);
  struct Deleted {
    ObjectPtr object;
    bool gone = false;  ///< else it has a deletionTimestamp now
  };
  Outcome<Deleted> remove(const ObjectPath& path, const DeleteOptions& options);
  /// What a scheduler posts to pods/NAME/binding.
  Outcome<> bind(const ObjectPath& path, const boost::json::object& body,
                 const WriteOptions& options);

  /// Takes deleted Namespaces further: their content goes, then they do.
  void finish_namespaces();
  bool has_terminating_namespaces() const { return !terminating_.empty(); }

 private:
  enum class Occasion : std::uint8_t { kCreate, kUpdate, kStatus, kFinalize };

  Outcome<> accept_shape(const ResourceType& type, boost::json::object& body,
                         const WriteOptions& options, Warnings& warnings) const;
  Outcome<> accept_names(const ObjectPath& path, const boost::json::object& body) const;
  Outcome<> accept_namespace(const ObjectPath& path, std::string_view name) const;
  Outcome<> judge(const ResourceType& type, boost::json::object& object,
                  const boost::json::object* old, bool admission) const;
  /// `body` becomes the new state of `old`, with what clients may not change taken from there.
  Outcome<ObjectPtr> replace(const ObjectPath& path, const ObjectPtr& old, boost::json::object body,
                             const WriteOptions& options);
  Outcome<Patched> apply(const ObjectPath& path, const boost::json::object& config,
                         const WriteOptions& options, Warnings& warnings);
  Outcome<ObjectPtr> write(const ObjectPath& path, boost::json::object object, bool dry_run);
  Outcome<Deleted> erase(const ObjectPath& path, const ObjectPtr& old, bool dry_run);
  Outcome<Deleted> mark_deleted(const ObjectPath& path, const ObjectPtr& old,
                                boost::json::object object, std::int64_t grace, bool dry_run);
  bool finish_namespace(const std::string& name);
  StatusError store_error(const ObjectPath& path, std::string_view name, const Error& error) const;
  std::string timestamp(std::int64_t in_seconds = 0) const;

  const ResourceTypes& types_;
  Store& store_;
  Now now_;
  const ResourceType* namespaces_;
  std::map<const ResourceType*, std::vector<ApiServer::Admitter>> admitters_;
  std::map<const ResourceType*, std::vector<ApiServer::RemovalAdmitter>> removal_admitters_;
  std::set<std::string> terminating_;  // Namespaces
};

/// The stored text with kind and apiVersion in front: what a client gets.
std::string with_kind(const ResourceType& type, const StoredObject& object);
boost::json::object parse_object(const StoredObject& object);
/// "2026-01-02T03:04:05Z"
std::string format_time(std::chrono::system_clock::time_point time);

}  // namespace antrea::kube
