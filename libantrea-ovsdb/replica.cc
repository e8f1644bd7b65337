#include "antrea/ovsdb/replica.h"

#include <algorithm>
#include <boost/json.hpp>
#include <unordered_set>

#include "antrea/base/sorted.h"

namespace antrea::ovsdb {
namespace json = boost::json;
namespace {

Error bad(std::string_view table, std::string what) {
  return make_error(Errc::kMalformed, "apply update: " + std::move(what), std::string(table));
}

/// Reads columns of `row` over `columns`; a null `difference_of` means that they are whole values.
Result<> read_columns(const json::value& row, const RowLayout& layout, const Row* difference_of,
                      std::vector<Datum>& columns) {
  const auto* object = row.if_object();
  if (object == nullptr) return bad(layout.table, "a row that is no object");
  for (const auto& member : *object) {
    const std::string_view name(member.key().data(), member.key().size());
    const auto found = std::ranges::lower_bound(layout.names, name);
    if (found == layout.names.end() || *found != name) {
      if (name.starts_with('_')) continue;
      return bad(layout.table, "column " + std::string(name) + " was not asked for");
    }
    const auto index = static_cast<std::size_t>(found - layout.names.begin());
    auto datum = Datum::parse(member.value(), layout.types[index]);
    if (!datum) return std::move(datum).error().within(name, layout.table);
    columns[index] = difference_of != nullptr ? difference_of->columns()[index].with_difference(
                                                    *datum, layout.types[index])
                                              : *std::move(datum);
  }
  return {};
}

}  // namespace

const Datum& Row::operator[](std::string_view column) const {
  static const Datum kNone;
  const auto found = std::ranges::lower_bound(layout_->names, column);
  if (found == layout_->names.end() || *found != column) return kNone;
  return columns_[static_cast<std::size_t>(found - layout_->names.begin())];
}

bool operator==(const Row& a, const Row& b) {
  return (a.layout_ == b.layout_ || *a.layout_ == *b.layout_) && a.columns_ == b.columns_;
}

void Replica::select(const Schema& schema, const std::vector<TableSelection>& selection) {
  decltype(tables_) selected;
  for (const auto& wanted : selection) {
    const auto table = schema.tables.find(wanted.table);
    if (table == schema.tables.end()) continue;
    RowLayout layout{wanted.table, wanted.columns, {}};
    sort_unique(layout.names);
    std::erase_if(layout.names,
                  [&](const auto& name) { return !table->second.columns.contains(name); });
    for (const auto& name : layout.names)
      layout.types.push_back(table->second.columns.find(name)->second);
    auto& contents = selected[wanted.table];
    contents.layout = std::make_shared<const RowLayout>(std::move(layout));
    if (const auto old = tables_.find(wanted.table); old != tables_.end())
      contents.rows = std::move(old->second.rows);
  }
  tables_ = std::move(selected);
}

json::object Replica::monitor_requests() const {
  json::object requests;
  for (const auto& [name, contents] : tables_) {
    json::array columns;
    for (const auto& column : contents.layout->names) columns.emplace_back(column);
    requests[name] = json::array{json::object{{"columns", std::move(columns)}}};
  }
  return requests;
}

Result<RowChanges> Replica::differences(const json::value& table_updates, UpdateFormat format,
                                        bool complete) const {
  const auto* updates = table_updates.if_object();
  if (updates == nullptr) return bad({}, "table updates that are no object");
  RowChanges changes;
  const auto add = [&](const RowLayout& layout, const Uuid& uuid, RowPtr before, RowPtr after) {
    if (before == nullptr && after == nullptr) return;
    if (before != nullptr && after != nullptr && *before == *after) return;
    changes.push_back({layout.table, uuid, std::move(before), std::move(after)});
  };
  std::unordered_set<Uuid> seen;
  for (const auto& table_update : *updates) {
    const std::string_view name(table_update.key().data(), table_update.key().size());
    const auto table = tables_.find(name);
    if (table == tables_.end()) return bad(name, "a table that was not asked for");
    const auto& layout = table->second.layout;
    const auto& rows = table->second.rows;
    const auto* row_updates = table_update.value().if_object();
    if (row_updates == nullptr) return bad(name, "row updates that are no object");
    for (const auto& row_update : *row_updates) {
      auto uuid = Uuid::parse({row_update.key().data(), row_update.key().size()});
      if (!uuid) return std::move(uuid).error().within("apply update", name);
      const auto* body = row_update.value().if_object();
      if (body == nullptr || body->empty()) return bad(name, "a row update that is no object");
      const auto old = rows.find(*uuid);
      const RowPtr before = old == rows.end() ? nullptr : old->second;
      if (complete) seen.insert(*uuid);

      std::vector<Datum> columns(layout->names.size());
      if (format == UpdateFormat::kUpdate) {
        const auto* fresh = body->if_contains("new");
        if (fresh == nullptr) {
          if (!body->contains("old")) return bad(name, "a row update without old and new");
          add(*layout, *uuid, before, nullptr);
          continue;
        }
        if (fresh->is_object() && fresh->get_object().size() < columns.size())
          return bad(name, "a new row that lacks monitored columns");
        ANTREA_CHECK(read_columns(*fresh, *layout, nullptr, columns));
      } else if (body->contains("delete")) {
        add(*layout, *uuid, before, nullptr);
        continue;
      } else if (const auto* difference = body->if_contains("modify")) {
        if (before == nullptr || complete || !(before->layout() == *layout))
          return bad(name, "a difference to row " + uuid->to_string() + ", which is not here");
        columns = before->columns();
        ANTREA_CHECK(read_columns(*difference, *layout, before.get(), columns));
      } else {
        const auto* whole = body->if_contains("insert");
        if (whole == nullptr) whole = body->if_contains("initial");
        if (whole == nullptr) return bad(name, "a row update of unknown kind");
        for (std::size_t i = 0; i < columns.size(); ++i)
          columns[i] = Datum::default_of(layout->types[i]);
        ANTREA_CHECK(read_columns(*whole, *layout, nullptr, columns));
      }
      add(*layout, *uuid, before, std::make_shared<const Row>(layout, std::move(columns)));
    }
  }
  if (complete)
    for (const auto& [name, contents] : tables_)
      for (const auto& [uuid, row] : contents.rows)
        if (!seen.contains(uuid)) add(*contents.layout, uuid, row, nullptr);
  return changes;
}

void Replica::commit(const RowChanges& changes) {
  for (const auto& change : changes) {
    auto& rows = tables_.find(change.table)->second.rows;
    if (change.after != nullptr)
      rows.insert_or_assign(change.uuid, change.after);
    else
      rows.erase(change.uuid);
  }
}

Result<RowChanges> Replica::apply(const json::value& table_updates, UpdateFormat format) {
  ANTREA_TRY(auto changes, differences(table_updates, format, false));
  commit(changes);
  return changes;
}

Result<RowChanges> Replica::replace(const json::value& table_updates, UpdateFormat format) {
  ANTREA_TRY(auto changes, differences(table_updates, format, true));
  commit(changes);
  return changes;
}

const Replica::Table& Replica::table(std::string_view name) const {
  static const Table kNone;
  const auto found = tables_.find(name);
  return found == tables_.end() ? kNone : found->second.rows;
}

RowPtr Replica::find(std::string_view table_name, const Uuid& uuid) const {
  const auto& rows = table(table_name);
  const auto found = rows.find(uuid);
  return found == rows.end() ? nullptr : found->second;
}

bool Replica::has_column(std::string_view table, std::string_view column) const {
  const auto found = tables_.find(table);
  return found != tables_.end() && std::ranges::binary_search(found->second.layout->names, column);
}

}  // namespace antrea::ovsdb
