#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <chrono>

#include "antrea/ovsdb/datum.h"

namespace antrea::ovsdb {

// Column values as RFC 7047 writes them (section 5.1); strings, numbers and booleans stand for
// themselves.
ANTREA_API boost::json::value wire(const Uuid& uuid);
ANTREA_API boost::json::value wire(const StringMap& map);
ANTREA_API boost::json::value wire_set(boost::json::array elements);
ANTREA_API boost::json::value wire_set(const std::vector<std::string>& elements);

/// Which rows: all clauses must hold; none means every row.
class ANTREA_API Where {
 public:
  Where() = default;
  Where(const Uuid& uuid) {
    clause("_uuid", "==", wire(uuid));
  }  // NOLINT(google-explicit-constructor)
  Where(std::string_view column, std::string_view equals) {
    clause(column, "==", boost::json::string(equals));
  }
  /// `function`: == != < <= > >= includes excludes.
  Where& clause(std::string_view column, std::string_view function, boost::json::value value);
  const boost::json::array& json() const { return clauses_; }

 private:
  boost::json::array clauses_;
};

/// What the server answered to a transaction that went through. Operations count from 0 in the
/// order they were added.
class ANTREA_API TransactionResult {
 public:
  TransactionResult() = default;
  explicit TransactionResult(boost::json::array results) : results_(std::move(results)) {}

  /// How many rows an update, mutate or remove touched.
  std::int64_t count(std::size_t operation) const;
  /// What an insert made; the zero UUID for other operations.
  Uuid uuid(std::size_t operation) const;
  /// The rows of a select.
  boost::json::array rows(std::size_t operation) const;
  const boost::json::array& json() const { return results_; }

 private:
  boost::json::array results_;
};

/// Operations that apply all together or not at all (RFC 7047, section 5.2).
///
///     Transaction tx;
///     auto interface = tx.insert("Interface", {{"name", "p1"}});
///     auto port = tx.insert("Port", {{"name", "p1"}, {"interfaces", interface}});
///     tx.mutate("Bridge", {"name", "br-int"}, {{"ports", "insert", port}});
class ANTREA_API Transaction {
 public:
  using Row = boost::json::object;
  struct Mutation {
    std::string column;
    std::string mutator;  ///< += -= *= /= %= insert delete
    boost::json::value value;
  };

  /// Returns what stands for the new row's UUID in this transaction. A row that no root table
  /// reaches at the end is dropped by the server without a word.
  boost::json::value insert(std::string_view table, Row row);
  /// Replaces whole columns; columns that others write too want `mutate`.
  std::size_t update(std::string_view table, const Where& where, Row row);
  std::size_t mutate(std::string_view table, const Where& where, std::vector<Mutation> mutations);
  std::size_t remove(std::string_view table, const Where& where);
  std::size_t select(std::string_view table, const Where& where, std::vector<std::string> columns);
  /// Holds the transaction back until the rows equal `rows` (or do not, with `until` "!="). A
  /// timeout of zero checks once; it then fails with kConflict.
  std::size_t wait(std::string_view table, const Where& where, std::vector<std::string> columns,
                   std::string_view until, boost::json::array rows,
                   std::chrono::milliseconds timeout = {});
  std::size_t comment(std::string_view text);

  /// Sets keys of a map column, whatever they held, and drops others. Leaves the keys it does not
  /// name to their writers.
  void merge_map(std::string_view table, const Where& where, std::string_view column,
                 const StringMap& set, const std::vector<std::string>& drop = {});

  std::size_t size() const { return operations_.size(); }
  bool empty() const { return operations_.empty(); }
  /// The parameters of "transact".
  boost::json::array params(std::string_view database) const;
  /// Reads the result of "transact", whole: an error at commit stands behind the operations' own
  /// results. Errors name the operation: kConflict (wait, assert, aborted), kRejected (constraint,
  /// reference), kPermissionDenied, kExhausted, kUnavailable (not leader), kTimeout, kMalformed.
  Result<TransactionResult> check(const boost::json::value& result) const;

 private:
  std::size_t add(std::string_view op, std::string_view table, boost::json::object members);
  std::string describe(std::size_t operation) const;

  boost::json::array operations_;
  unsigned names_ = 0;
};

}  // namespace antrea::ovsdb
