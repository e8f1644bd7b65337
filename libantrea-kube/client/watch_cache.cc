#include <fmt/format.h>

#include <boost/json/parse.hpp>

#include "../schema/json.h"
#include "antrea/kube/informer.h"

namespace antrea::kube {
namespace {

using boost::json::object;

constexpr std::size_t kMaxDepth = 128;

std::string key_of(const object& object) {
  const auto space = text_at(object, "metadata.namespace");
  const auto name = text_at(object, "metadata.name");
  return space.empty() ? std::string(name) : fmt::format("{}/{}", space, name);
}

std::string_view version_of(const object& object) {
  return text_at(object, "metadata.resourceVersion");
}

std::string_view uid_of(const object& object) { return text_at(object, "metadata.uid"); }

Error malformed(std::string cause) { return make_error(Errc::kMalformed, std::move(cause)); }

}  // namespace

void WatchCache::begin_list() {
  incoming_.clear();
  incoming_version_.clear();
  next_page_.clear();
}

Result<> WatchCache::add_page(object page) {
  auto* items = page.if_contains("items");
  if (object_at(page, "metadata") == nullptr || items == nullptr)
    return malformed("read a list: no metadata or items");
  incoming_version_ = version_of(page);
  next_page_ = text_at(page, "metadata.continue");
  if (items->is_null()) return {};
  if (!items->is_array()) return malformed("read a list: items are no array");
  // The items of a list do not say what they are.
  const std::string api_version(text_at(page, "apiVersion"));
  auto kind = std::string(text_at(page, "kind"));
  if (kind.ends_with("List")) kind.resize(kind.size() - 4);
  for (auto& item : items->get_array()) {
    if (!item.is_object()) return malformed("read a list: an item is no object");
    auto& entry = item.get_object();
    if (!kind.empty()) set_default(entry, "kind", boost::json::value(kind));
    if (!api_version.empty()) set_default(entry, "apiVersion", boost::json::value(api_version));
    auto key = key_of(entry);
    if (key.empty()) return malformed("read a list: an item has no name");
    incoming_[std::move(key)] = take(std::move(entry));
  }
  return {};
}

std::vector<Change> WatchCache::finish_list() {
  std::vector<Change> changes;
  for (auto& [key, object] : incoming_) put(key, object, changes);
  for (auto it = objects_.begin(); it != objects_.end();) {
    if (incoming_.contains(it->first)) {
      ++it;
    } else {
      changes.push_back({Change::Type::kDeleted, it->second, nullptr});
      it = objects_.erase(it);
    }
  }
  resource_version_ = std::move(incoming_version_);
  begin_list();
  synced_ = true;
  return changes;
}

Result<std::vector<Change>> WatchCache::apply(object event) {
  const std::string type(text_at(event, "type"));
  auto* object = object_if(event, "object");
  if (type.empty() || object == nullptr) return malformed("read a watch event: no type or object");
  if (type == "ERROR") return status_error(*object);
  std::vector<Change> changes;
  std::string version(version_of(*object));
  if (type != "BOOKMARK") {
    const auto key = key_of(*object);
    if (key.empty()) return malformed("read a watch event: the object has no name");
    if (type == "ADDED" || type == "MODIFIED") {
      put(key, take(std::move(*object)), changes);
    } else if (type == "DELETED") {
      if (const auto at = objects_.find(key); at != objects_.end()) {
        changes.push_back({Change::Type::kDeleted, take(std::move(*object)), nullptr});
        objects_.erase(at);
      }
    } else {
      return malformed(fmt::format("read a watch event: unknown type \"{}\"", type));
    }
  }
  if (!version.empty()) resource_version_ = std::move(version);
  return changes;
}

ObjectRef WatchCache::find(std::string_view key) const {
  const auto at = objects_.find(key);
  return at == objects_.end() ? nullptr : at->second;
}

ObjectRef WatchCache::take(object object) const {
  if (transform_) transform_(object);
  return std::make_shared<const boost::json::object>(std::move(object));
}

void WatchCache::put(const std::string& key, ObjectRef object, std::vector<Change>& changes) {
  auto& known = objects_[key];
  if (known == nullptr) {
    changes.push_back({Change::Type::kAdded, object, nullptr});
  } else if (uid_of(*known) != uid_of(*object)) {
    changes.push_back({Change::Type::kDeleted, known, nullptr});
    changes.push_back({Change::Type::kAdded, object, nullptr});
  } else if (version_of(*known).empty() || version_of(*known) != version_of(*object)) {
    changes.push_back({Change::Type::kUpdated, object, known});
  } else {
    return;
  }
  known = std::move(object);
}

Result<std::vector<object>> WatchDecoder::feed(std::string_view bytes) {
  std::vector<object> events;
  boost::json::parse_options options;
  options.max_depth = kMaxDepth;
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    const auto part = bytes.substr(0, end);
    if (rest_.size() + part.size() > max_size_)
      return malformed(fmt::format("read a watch event: longer than {} bytes", max_size_));
    rest_ += part;
    if (end == std::string_view::npos) break;
    bytes.remove_prefix(end + 1);
    if (rest_.find_first_not_of(" \t\r") != std::string::npos) {
      boost::system::error_code error;
      auto event = boost::json::parse(rest_, error, {}, options);
      if (error) return malformed(fmt::format("read a watch event: {}", error.message()));
      if (!event.is_object()) return malformed("read a watch event: no JSON object");
      events.push_back(std::move(event.get_object()));
    }
    rest_.clear();
  }
  return events;
}

void drop_managed_fields(object& object) {
  if (auto* metadata = object_if(object, "metadata")) metadata->erase("managedFields");
}

}  // namespace antrea::kube
