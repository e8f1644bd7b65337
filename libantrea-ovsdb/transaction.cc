#include "antrea/ovsdb/transaction.h"

#include <boost/json.hpp>

namespace antrea::ovsdb {
namespace json = boost::json;
namespace {

std::string text_of(const json::object& object, std::string_view member) {
  const auto* value = object.if_contains({member.data(), member.size()});
  if (value == nullptr) return {};
  if (value->is_string()) return value->get_string().c_str();
  return value->is_null() ? std::string() : json::serialize(*value);
}

Errc code_of(std::string_view error, bool zero_timeout) {
  if (error == "timed out") return zero_timeout ? Errc::kConflict : Errc::kTimeout;
  if (error == "not owner" || error == "aborted") return Errc::kConflict;
  if (error == "resources exhausted") return Errc::kExhausted;
  if (error == "I/O error") return Errc::kIo;
  if (error == "not allowed" || error == "permission error") return Errc::kPermissionDenied;
  if (error == "not leader") return Errc::kUnavailable;
  if (error == "canceled") return Errc::kCancelled;
  return Errc::kRejected;
}

const json::value* member(const json::array& results, std::size_t at, std::string_view name) {
  const auto* object = at < results.size() ? results[at].if_object() : nullptr;
  return object == nullptr ? nullptr : object->if_contains({name.data(), name.size()});
}

}  // namespace

json::value wire(const Uuid& uuid) { return json::array{"uuid", uuid.to_string()}; }

json::value wire(const StringMap& map) {
  json::array pairs;
  for (const auto& [key, value] : map) pairs.emplace_back(json::array{key, value});
  return json::array{"map", std::move(pairs)};
}

json::value wire_set(json::array elements) { return json::array{"set", std::move(elements)}; }

json::value wire_set(const std::vector<std::string>& elements) {
  return wire_set(json::array(elements.begin(), elements.end()));
}

Where& Where::clause(std::string_view column, std::string_view function, json::value value) {
  clauses_.emplace_back(json::array{column, function, std::move(value)});
  return *this;
}

std::int64_t TransactionResult::count(std::size_t operation) const {
  const auto* count = member(results_, operation, "count");
  return count != nullptr && count->is_int64() ? count->get_int64() : 0;
}

Uuid TransactionResult::uuid(std::size_t operation) const {
  const auto* pair = member(results_, operation, "uuid");
  if (pair == nullptr || !pair->is_array() || pair->get_array().size() != 2 ||
      !pair->get_array()[1].is_string())
    return {};
  const auto parsed = Uuid::parse(pair->get_array()[1].get_string());
  return parsed ? *parsed : Uuid{};
}

json::array TransactionResult::rows(std::size_t operation) const {
  const auto* rows = member(results_, operation, "rows");
  return rows != nullptr && rows->is_array() ? rows->get_array() : json::array();
}

std::size_t Transaction::add(std::string_view op, std::string_view table, json::object members) {
  members["op"] = op;
  if (!table.empty()) members["table"] = table;
  operations_.emplace_back(std::move(members));
  return operations_.size() - 1;
}

json::value Transaction::insert(std::string_view table, Row row) {
  const auto name = "row" + std::to_string(names_++);
  add("insert", table, {{"row", std::move(row)}, {"uuid-name", name}});
  return json::array{"named-uuid", name};
}

std::size_t Transaction::update(std::string_view table, const Where& where, Row row) {
  return add("update", table, {{"where", where.json()}, {"row", std::move(row)}});
}

std::size_t Transaction::mutate(std::string_view table, const Where& where,
                                std::vector<Mutation> mutations) {
  json::array list;
  for (auto& mutation : mutations)
    list.emplace_back(json::array{mutation.column, mutation.mutator, std::move(mutation.value)});
  return add("mutate", table, {{"where", where.json()}, {"mutations", std::move(list)}});
}

std::size_t Transaction::remove(std::string_view table, const Where& where) {
  return add("delete", table, {{"where", where.json()}});
}

std::size_t Transaction::select(std::string_view table, const Where& where,
                                std::vector<std::string> columns) {
  return add("select", table,
             {{"where", where.json()}, {"columns", json::array(columns.begin(), columns.end())}});
}

std::size_t Transaction::wait(std::string_view table, const Where& where,
                              std::vector<std::string> columns, std::string_view until,
                              json::array rows, std::chrono::milliseconds timeout) {
  return add("wait", table,
             {{"where", where.json()},
              {"columns", json::array(columns.begin(), columns.end())},
              {"until", until},
              {"rows", std::move(rows)},
              {"timeout", timeout.count()}});
}

std::size_t Transaction::comment(std::string_view text) {
  return add("comment", {}, {{"comment", text}});
}

void Transaction::merge_map(std::string_view table, const Where& where, std::string_view column,
                            const StringMap& set, const std::vector<std::string>& drop) {
  // A map insert keeps the old value of a key that exists, so the keys go first.
  json::array keys(drop.begin(), drop.end());
  for (const auto& [key, value] : set) keys.emplace_back(key);
  if (keys.empty()) return;
  std::vector<Mutation> mutations{{std::string(column), "delete", wire_set(std::move(keys))}};
  if (!set.empty()) mutations.push_back({std::string(column), "insert", wire(set)});
  mutate(table, where, std::move(mutations));
}

json::array Transaction::params(std::string_view database) const {
  json::array params;
  params.reserve(operations_.size() + 1);
  params.emplace_back(database);
  params.insert(params.end(), operations_.begin(), operations_.end());
  return params;
}

std::string Transaction::describe(std::size_t operation) const {
  if (operation >= operations_.size()) return "commit";
  const auto& op = operations_[operation].get_object();
  auto text = "operation " + std::to_string(operation) + " (" + text_of(op, "op");
  if (const auto table = text_of(op, "table"); !table.empty()) text += " " + table;
  if (const auto* row = op.if_contains("row"); row != nullptr && row->is_object())
    if (const auto name = text_of(row->get_object(), "name"); !name.empty()) text += " " + name;
  return text + ")";
}

Result<TransactionResult> Transaction::check(const json::value& result) const {
  const auto* results = result.if_array();
  if (results == nullptr) return make_error(Errc::kMalformed, "transact: the result is no array");
  for (std::size_t i = 0; i < results->size(); ++i) {
    const auto* element = (*results)[i].if_object();
    if (element == nullptr) continue;
    const auto error = text_of(*element, "error");
    if (error.empty()) continue;
    bool zero_timeout = false;
    if (i < operations_.size())
      if (const auto* timeout = operations_[i].get_object().if_contains("timeout"))
        zero_timeout = timeout->is_int64() && timeout->get_int64() == 0;
    auto cause = "transact: " + describe(i) + ": " + error;
    if (const auto details = text_of(*element, "details"); !details.empty())
      cause += ": " + details;
    return make_error(code_of(error, zero_timeout), std::move(cause));
  }
  if (results->size() < operations_.size())
    return make_error(Errc::kMalformed, "transact: " + std::to_string(results->size()) +
                                            " results for " + std::to_string(operations_.size()) +
                                            " operations");
  for (std::size_t i = 0; i < operations_.size(); ++i)
    if (!(*results)[i].is_object())
      return make_error(Errc::kMalformed, "transact: no result for " + describe(i));
  return TransactionResult(*results);
}

}  // namespace antrea::ovsdb
