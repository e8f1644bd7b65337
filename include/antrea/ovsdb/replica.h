#pragma once

#include <memory>
#include <string_view>
#include <unordered_map>

#include "antrea/ovsdb/schema.h"

namespace antrea::ovsdb {

/// The monitored columns of a table, in the order in which rows hold them.
struct RowLayout {
  std::string table;
  std::vector<std::string> names;  ///< sorted
  std::vector<ColumnType> types;
  friend bool operator==(const RowLayout&, const RowLayout&) = default;
};

/// One row as it was at some moment; never changes afterwards.
class ANTREA_API Row {
 public:
  Row(std::shared_ptr<const RowLayout> layout, std::vector<Datum> columns)
      : layout_(std::move(layout)), columns_(std::move(columns)) {}

  /// An empty set for a column that is not monitored, or that the server does not have.
  const Datum& operator[](std::string_view column) const;
  const RowLayout& layout() const { return *layout_; }
  const std::vector<Datum>& columns() const { return columns_; }
  friend ANTREA_API bool operator==(const Row&, const Row&);

 private:
  std::shared_ptr<const RowLayout> layout_;
  std::vector<Datum> columns_;
};
using RowPtr = std::shared_ptr<const Row>;

/// What happened to a row: inserted (no `before`), deleted (no `after`) or modified.
struct RowChange {
  std::string table;
  Uuid uuid;
  RowPtr before;
  RowPtr after;
};
using RowChanges = std::vector<RowChange>;

/// How the server writes updates: RFC 7047's "update", or the "update2" and "update3" of Open
/// vSwitch.
enum class UpdateFormat : std::uint8_t { kUpdate, kUpdate2 };

/// An engine: the client's copy of the selected tables. Updates go in, the exact differences come
/// out.
///
/// An update that does not fit is refused as a whole (kMalformed) and leaves the copy as it was;
/// the session is then of no further use. Contents survive a lost session: `replace` compares what
/// the next one sends with what is here, so that its reader sees only what really changed.
class ANTREA_API Replica {
 public:
  using Table = std::unordered_map<Uuid, RowPtr>;

  Replica() = default;
  /// The selected tables and columns that `schema` has. Rows already here stay until `replace`.
  void select(const Schema& schema, const std::vector<TableSelection>& selection);
  /// The requests of "monitor", "monitor_cond" and "monitor_cond_since" for what is selected.
  boost::json::object monitor_requests() const;

  /// One notification, or the rows of a "monitor_cond_since" that found its transaction.
  Result<RowChanges> apply(const boost::json::value& table_updates, UpdateFormat format);
  /// The complete contents, as a monitor request answers. Rows that are not in it have been
  /// deleted.
  Result<RowChanges> replace(const boost::json::value& table_updates, UpdateFormat format);

  /// Empty for a table that is not selected.
  const Table& table(std::string_view name) const;
  /// Null when there is no such row.
  RowPtr find(std::string_view table, const Uuid& uuid) const;
  bool has_column(std::string_view table, std::string_view column) const;

 private:
  struct Contents {
    std::shared_ptr<const RowLayout> layout;
    Table rows;
  };
  Result<RowChanges> differences(const boost::json::value& table_updates, UpdateFormat format,
                                 bool complete) const;
  void commit(const RowChanges& changes);

  std::map<std::string, Contents, std::less<>> tables_;
};

}  // namespace antrea::ovsdb
