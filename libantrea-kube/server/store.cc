#include "antrea/kube/store.h"

#include <boost/json/serialize.hpp>
#include <deque>
#include <map>

#include "../schema/json.h"
#include "database.h"
#include "media.h"

namespace antrea::kube {
namespace json = boost::json;

namespace {
/// All that is known of one resource.
struct Table {
  Store::FieldsOf fields_of;
  std::map<std::string, ObjectPtr, std::less<>> objects;  // by object_key
  std::deque<StoreEvent> history;                         // one per version, ascending
  std::uint64_t version = 0;                              // of the last write
  std::uint64_t oldest = 0;  // of a state that can still be told: that before history.front()
};

std::vector<std::pair<std::string, std::string>> labels_of(const json::object& object) {
  std::vector<std::pair<std::string, std::string>> found;
  const auto* labels = object_at(object, "metadata.labels");
  if (!labels) return found;
  for (const auto& [key, label] : *labels)
    found.emplace_back(key, label.is_string() ? std::string(label.get_string()) : std::string());
  return found;
}
}  // namespace

struct Store::State {
  StoreOptions options;
  std::unique_ptr<Database> database;  // null: in memory only
  std::map<std::string, Table, std::less<>> tables;
  std::uint64_t version = 0;
  std::function<void(std::string_view)> on_write;

  const Table* find(std::string_view resource) const {
    const auto it = tables.find(resource);
    return it == tables.end() ? nullptr : &it->second;
  }

  Result<std::pair<const std::string*, Table*>> table(std::string_view resource) {
    const auto it = tables.find(resource);
    if (it == tables.end())
      return make_error(Errc::kNotFound, "find the resource: not known to the store",
                        std::string(resource));
    return std::pair{&it->first, &it->second};
  }

  void remember(std::string_view resource, Table& table, StoreEvent event) {
    version = table.version = event.object->version;
    table.history.push_back(std::move(event));
    while (table.history.size() > options.history) {
      table.oldest = table.history.front().object->version;
      table.history.pop_front();
    }
    if (on_write) on_write(resource);
  }

  /// Stamps the object with the next version and makes it what the store keeps.
  Result<std::shared_ptr<StoredObject>> stamp(const Table& table, json::object& object) const {
    auto* metadata = object_if(object, "metadata");
    if (!metadata || text_at(*metadata, "name").empty())
      return make_error(Errc::kInvalidArgument, "store an object: metadata.name is missing");
    auto stored = std::make_shared<StoredObject>();
    stored->version = version + 1;
    stored->name = text_at(*metadata, "name");
    stored->namespace_ = text_at(*metadata, "namespace");
    (*metadata)["resourceVersion"] = std::to_string(stored->version);
    object.erase("kind");
    object.erase("apiVersion");
    stored->json = json::serialize(object);
    stored->labels = labels_of(object);
    if (table.fields_of) stored->fields = table.fields_of(object);
    return stored;
  }
};

Store::Store(std::unique_ptr<State> state) : state_(std::move(state)) {}
Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(StoreOptions options) {
  auto state = std::make_unique<State>();
  state->options = std::move(options);
  const auto& path = state->options.path;
  if (!path.empty() && path != ":memory:") {
    ANTREA_TRY(state->database, Database::open(path, state->options.sync_every_write));
    ANTREA_TRY(state->version, state->database->version());
  }
  // 0 means "any" to clients.
  if (state->version == 0)
    state->version = std::max<std::uint64_t>(state->options.first_version, 1);
  return std::unique_ptr<Store>(new Store(std::move(state)));
}

Result<> Store::add_resource(std::string resource, FieldsOf fields_of) {
  Table table;
  table.fields_of = std::move(fields_of);
  table.version = state_->version;
  if (state_->database) {
    const auto load = [&](StoredObject object) -> Result<> {
      const auto parsed = parse_json(object.json);
      const auto key = object_key(object.namespace_, object.name);
      if (!parsed || !parsed->is_object())
        return make_error(Errc::kMalformed, "read the database: an object is not JSON",
                          resource + " " + key);
      object.labels = labels_of(parsed->get_object());
      if (table.fields_of) object.fields = table.fields_of(parsed->get_object());
      table.objects.emplace(key, std::make_shared<const StoredObject>(std::move(object)));
      return {};
    };
    ANTREA_CHECK(state_->database->load(resource, table.version, load));
  }
  table.oldest = table.version;
  state_->tables.insert_or_assign(std::move(resource), std::move(table));
  return {};
}

std::uint64_t Store::version() const { return state_->version; }

std::uint64_t Store::version_of(std::string_view resource) const {
  const auto* table = state_->find(resource);
  return table ? table->version : 0;
}

ObjectPtr Store::get(std::string_view resource, std::string_view name_space,
                     std::string_view name) const {
  const auto* table = state_->find(resource);
  if (!table) return nullptr;
  const auto it = table->objects.find(object_key(name_space, name));
  return it == table->objects.end() ? nullptr : it->second;
}

Result<ObjectPtr> Store::create(std::string_view resource, json::object object) {
  ANTREA_TRY(const auto found, state_->table(resource));
  const auto [known_as, table] = found;
  ANTREA_TRY(ObjectPtr stored, state_->stamp(*table, object));
  const auto key = object_key(stored->namespace_, stored->name);
  if (table->objects.contains(key))
    return make_error(Errc::kAlreadyExists, "create: it exists", std::string(resource) + " " + key);
  if (state_->database) ANTREA_CHECK(state_->database->put(resource, *stored));
  table->objects.emplace(key, stored);
  state_->remember(*known_as, *table, {StoreEvent::Type::kAdded, stored, nullptr});
  return stored;
}

Result<ObjectPtr> Store::update(std::string_view resource, json::object object,
                                std::uint64_t expected) {
  ANTREA_TRY(const auto found, state_->table(resource));
  const auto [known_as, table] = found;
  ANTREA_TRY(ObjectPtr stored, state_->stamp(*table, object));
  const auto key = object_key(stored->namespace_, stored->name);
  const auto it = table->objects.find(key);
  if (it == table->objects.end())
    return make_error(Errc::kNotFound, "update: there is none", std::string(resource) + " " + key);
  if (expected != 0 && it->second->version != expected)
    return make_error(Errc::kConflict, "update: it was changed meanwhile",
                      std::string(resource) + " " + key);
  if (state_->database) ANTREA_CHECK(state_->database->put(resource, *stored));
  ObjectPtr old = std::exchange(it->second, stored);
  state_->remember(*known_as, *table, {StoreEvent::Type::kModified, stored, std::move(old)});
  return stored;
}

Result<ObjectPtr> Store::erase(std::string_view resource, std::string_view name_space,
                               std::string_view name, std::uint64_t expected) {
  ANTREA_TRY(const auto found, state_->table(resource));
  const auto [known_as, table] = found;
  const auto key = object_key(name_space, name);
  const auto it = table->objects.find(key);
  if (it == table->objects.end())
    return make_error(Errc::kNotFound, "delete: there is none", std::string(resource) + " " + key);
  if (expected != 0 && it->second->version != expected)
    return make_error(Errc::kConflict, "delete: it was changed meanwhile",
                      std::string(resource) + " " + key);
  json::object object = parse_json(it->second->json).value().get_object();
  ANTREA_TRY(ObjectPtr last, state_->stamp(*table, object));
  if (state_->database) ANTREA_CHECK(state_->database->erase(resource, *last));
  ObjectPtr old = it->second;
  table->objects.erase(it);
  state_->remember(*known_as, *table, {StoreEvent::Type::kDeleted, last, std::move(old)});
  return last;
}

Result<std::vector<ObjectPtr>> Store::list(std::string_view resource, std::string_view name_space,
                                           std::uint64_t at, std::string_view after) const {
  std::vector<ObjectPtr> found;
  const auto* table = state_->find(resource);
  if (!table) return found;
  if (at != 0 && at < table->oldest)
    return make_error(Errc::kExhausted, "list: the version is forgotten", std::string(resource));

  // The past is the present with the events since then undone.
  std::map<std::string, ObjectPtr, std::less<>> undone;
  if (at != 0)
    for (auto event = table->history.rbegin();
         event != table->history.rend() && event->object->version > at; ++event)
      undone[object_key(event->object->namespace_, event->object->name)] = event->old;

  const std::string prefix = name_space.empty() ? std::string() : std::string(name_space) + "/";
  const auto from = std::max(std::string_view(prefix), after);
  const auto begin_of = [&](const auto& map) {
    return from == after && !after.empty() ? map.upper_bound(from) : map.lower_bound(from);
  };
  auto past = begin_of(undone);
  const auto take = [&](const std::string& key, const ObjectPtr& object) {
    if (object && key.starts_with(prefix)) found.push_back(object);
  };
  for (auto it = begin_of(table->objects); it != table->objects.end(); ++it) {
    if (!it->first.starts_with(prefix)) break;
    for (; past != undone.end() && past->first < it->first; ++past) take(past->first, past->second);
    if (past != undone.end() && past->first == it->first)
      take(past->first, past->second), ++past;
    else
      found.push_back(it->second);
  }
  for (; past != undone.end(); ++past) take(past->first, past->second);
  return found;
}

std::size_t Store::count(std::string_view resource) const {
  const auto* table = state_->find(resource);
  return table ? table->objects.size() : 0;
}

Result<std::vector<StoreEvent>> Store::events_after(std::string_view resource, std::uint64_t after,
                                                    std::size_t limit) const {
  std::vector<StoreEvent> events;
  const auto* table = state_->find(resource);
  if (!table) return events;
  if (after < table->oldest)
    return make_error(Errc::kExhausted, "watch: the version is forgotten", std::string(resource));
  auto it = std::ranges::upper_bound(table->history, after, {},
                                     [](const StoreEvent& event) { return event.object->version; });
  for (; it != table->history.end() && events.size() < limit; ++it) events.push_back(*it);
  return events;
}

std::uint64_t Store::oldest_version(std::string_view resource) const {
  const auto* table = state_->find(resource);
  return table ? table->oldest : 0;
}

void Store::on_write(std::function<void(std::string_view)> callback) {
  state_->on_write = std::move(callback);
}

}  // namespace antrea::kube
