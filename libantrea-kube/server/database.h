#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "antrea/base/result.h"
#include "antrea/kube/store.h"

struct sqlite3;
struct sqlite3_stmt;

namespace antrea::kube {

/// The SQLite file behind a Store:
///
///   objects(resource, namespace, name, version, json)   the current state
///   resources(resource, version)                        the version of the last write, deletions
///   included
///
/// Every method is one transaction.
class Database {
 public:
  static Result<std::unique_ptr<Database>> open(const std::string& path, bool sync_every_write);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  Result<> put(std::string_view resource, const StoredObject& object);
  Result<> erase(std::string_view resource, const StoredObject& last);
  /// Calls `found` for each object of a resource; sets `version` to that of its last write.
  Result<> load(std::string_view resource, std::uint64_t& version,
                const std::function<Result<>(StoredObject)>& found);
  /// The highest version of all resources.
  Result<std::uint64_t> version();

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

  Database(std::string path, sqlite3* handle) : path_(std::move(path)), handle_(handle) {}
  Error failure(std::string_view doing) const;
  Result<> execute(const char* sql);
  Result<Statement> prepare(const char* sql);
  Result<> step(Statement& statement);
  Result<> write(Statement& change, std::string_view resource, const StoredObject& object);

  std::string path_;
  sqlite3* handle_;
  Statement put_, erase_, bump_, begin_, commit_;
};

}  // namespace antrea::kube
