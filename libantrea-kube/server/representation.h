#pragma once

#include <span>
#include <string>

#include "antrea/kube/resource_type.h"
#include "antrea/kube/store.h"
#include "media.h"

namespace antrea::kube {

/// What a Table's rows carry of their objects: the `includeObject` parameter.
enum class RowObject : std::uint8_t { kNone, kMetadata, kObject };

/// Objects as JSON text, in the form the client asked for.
class Representation {
 public:
  Representation(const ResourceType& type, Media media, RowObject row_object, std::int64_t now)
      : type_(&type), media_(std::move(media)), row_object_(row_object), now_(now) {}

  struct ListMeta {
    std::uint64_t version = 0;
    std::string continue_token;
    std::size_t remaining = 0;
  };

  std::string object(const StoredObject& object) const;
  std::string list(std::span<const ObjectPtr> objects, const ListMeta& meta) const;
  /// One line of a watch. `first`: a Table carries its columns.
  std::string event(StoreEvent::Type type, const StoredObject& object, bool first) const;
  /// `initial_end`: everything that existed at the start was told.
  std::string bookmark(std::uint64_t version, bool initial_end) const;

  const Media& media() const { return media_; }
  void set_now(std::int64_t now) { now_ = now; }

 private:
  std::string metadata_of(const StoredObject& object) const;
  std::string table(std::span<const ObjectPtr> objects, std::string_view meta, bool columns) const;

  const ResourceType* type_;
  Media media_;
  RowObject row_object_;
  std::int64_t now_;  // seconds since 1970, for ages
};

std::string_view to_string(StoreEvent::Type type);

}  // namespace antrea::kube
