#include "representation.h"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>

#include "../schema/json.h"
#include "rest.h"

namespace antrea::kube {
namespace json = boost::json;

namespace {
json::array columns_of(const ResourceType& type) {
  json::array columns;
  for (const auto& column : type.columns)
    columns.push_back({{"name", column.name},
                       {"type", column.type},
                       {"format", column.format},
                       {"description", column.description},
                       {"priority", column.priority}});
  return columns;
}

std::string list_meta(const Representation::ListMeta& meta) {
  std::string text = fmt::format(R"({{"resourceVersion":"{}")", meta.version);
  if (!meta.continue_token.empty()) text += fmt::format(R"(,"continue":"{}")", meta.continue_token);
  if (meta.remaining != 0) text += fmt::format(R"(,"remainingItemCount":{})", meta.remaining);
  return text + "}";
}
}  // namespace

std::string_view to_string(StoreEvent::Type type) {
  switch (type) {
    case StoreEvent::Type::kAdded:
      return "ADDED";
    case StoreEvent::Type::kModified:
      return "MODIFIED";
    case StoreEvent::Type::kDeleted:
      return "DELETED";
  }
  return "";
}

std::string Representation::metadata_of(const StoredObject& object) const {
  return fmt::format(R"({{"kind":"PartialObjectMetadata","apiVersion":"{}","metadata":{}}})",
                     media_.group_version, json::serialize(parse_object(object).at("metadata")));
}

std::string Representation::table(std::span<const ObjectPtr> objects, std::string_view meta,
                                  bool columns) const {
  std::string text = fmt::format(
      R"({{"kind":"Table","apiVersion":"{}","metadata":{},"columnDefinitions":{},"rows":[)",
      media_.group_version, meta, columns ? json::serialize(columns_of(*type_)) : "null");
  const char* separator = "";
  for (const auto& each : objects) {
    const json::object parsed = parse_object(*each);
    text += std::exchange(separator, ",");
    text += R"({"cells":)";
    text += type_->cells ? json::serialize(type_->cells(parsed, now_)) : "[]";
    if (row_object_ == RowObject::kObject)
      text.append(R"(,"object":)").append(with_kind(*type_, *each));
    else if (row_object_ == RowObject::kMetadata)
      fmt::format_to(
          std::back_inserter(text),
          R"(,"object":{{"kind":"PartialObjectMetadata","apiVersion":"{}","metadata":{}}})",
          media_.group_version, json::serialize(parsed.at("metadata")));
    text += '}';
  }
  return text + "]}";
}

std::string Representation::object(const StoredObject& object) const {
  switch (media_.form) {
    case Media::Form::kPlain:
      return with_kind(*type_, object);
    case Media::Form::kMetadata:
      return metadata_of(object);
    case Media::Form::kTable: {
      const ObjectPtr one(&object, [](const StoredObject*) {});
      return table({&one, 1}, list_meta({object.version, {}, 0}), true);
    }
  }
  return {};
}

std::string Representation::list(std::span<const ObjectPtr> objects, const ListMeta& meta) const {
  const std::string metadata = list_meta(meta);
  if (media_.form == Media::Form::kTable) return table(objects, metadata, true);
  const bool plain = media_.form == Media::Form::kPlain;
  std::size_t size = 256;
  for (const auto& each : objects) size += each->json.size() + 1;
  std::string text;
  text.reserve(size);
  text = fmt::format(R"({{"kind":"{}List","apiVersion":"{}","metadata":{},"items":[)",
                     plain ? type_->kind : "PartialObjectMetadata",
                     plain ? type_->api_version() : media_.group_version, metadata);
  const char* separator = "";
  for (const auto& each : objects) {
    text += std::exchange(separator, ",");
    text += plain ? each->json : metadata_of(*each);
  }
  return text + "]}";
}

std::string Representation::event(StoreEvent::Type type, const StoredObject& object,
                                  bool first) const {
  std::string shown;
  if (media_.form == Media::Form::kTable) {
    const ObjectPtr one(&object, [](const StoredObject*) {});
    shown = table({&one, 1}, list_meta({object.version, {}, 0}), first);
  } else {
    shown = this->object(object);
  }
  return fmt::format(R"({{"type":"{}","object":{}}})"
                     "\n",
                     to_string(type), shown);
}

std::string Representation::bookmark(std::uint64_t version, bool initial_end) const {
  json::object metadata{{"resourceVersion", std::to_string(version)},
                        {"creationTimestamp", nullptr}};
  if (initial_end) metadata["annotations"] = {{"k8s.io/initial-events-end", "true"}};
  json::object object;
  switch (media_.form) {
    case Media::Form::kPlain:
      object = {
          {"kind", type_->kind}, {"apiVersion", type_->api_version()}, {"metadata", metadata}};
      break;
    case Media::Form::kMetadata:
      object = {{"kind", "PartialObjectMetadata"},
                {"apiVersion", media_.group_version},
                {"metadata", metadata}};
      break;
    case Media::Form::kTable:
      object = {{"kind", "Table"},
                {"apiVersion", media_.group_version},
                {"metadata", {{"resourceVersion", std::to_string(version)}}},
                {"columnDefinitions", nullptr},
                {"rows", json::array{}}};
      break;
  }
  return json::serialize(json::object{{"type", "BOOKMARK"}, {"object", object}}) + "\n";
}

}  // namespace antrea::kube
