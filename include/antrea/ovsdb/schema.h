#pragma once

#include <map>
#include <string>
#include <vector>

#include "antrea/ovsdb/datum.h"

namespace antrea::ovsdb {

struct TableSchema {
  std::map<std::string, ColumnType, std::less<>> columns;
  friend bool operator==(const TableSchema&, const TableSchema&) = default;
};

/// A database schema (RFC 7047, section 3.2): what tells a set of one from a plain value.
struct Schema {
  std::string name;
  std::string version;
  std::map<std::string, TableSchema, std::less<>> tables;

  /// Reads the result of "get_schema". Error: kMalformed, naming table and column.
  ANTREA_API static Result<Schema> parse(const boost::json::value& json);
  friend bool operator==(const Schema&, const Schema&) = default;
};

/// Which columns of which tables a client wants to see.
struct TableSelection {
  std::string table;
  std::vector<std::string> columns;
};

}  // namespace antrea::ovsdb
