#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "antrea/base/export.h"
#include "antrea/base/log.h"
#include "antrea/base/result.h"
#include "antrea/kube/rest_client.h"

namespace antrea::kube {

using ObjectRef = std::shared_ptr<const boost::json::object>;

/// One object came, changed or went. `object` is the new state, or the last known one of kDeleted.
struct Change {
  enum class Type : std::uint8_t { kAdded, kUpdated, kDeleted };
  Type type = Type::kAdded;
  ObjectRef object;
  ObjectRef old;  ///< only of kUpdated
};

/// What a client knows of one collection: lists and watch events in, changes out. No change is told
/// twice, and none that is none: after a reconnect or a new list only the difference comes out. An
/// object that was replaced by another of the same name goes and comes.
class ANTREA_API WatchCache {
 public:
  /// Runs on each object before it is kept, e.g. to drop metadata.managedFields.
  using Transform = std::function<void(boost::json::object& object)>;
  explicit WatchCache(Transform transform = nullptr) : transform_(std::move(transform)) {}

  /// One page of a list. Objects of earlier pages that were not finished are forgotten with
  /// begin_list().
  void begin_list();
  /// Error: kMalformed, for a document that is no list.
  Result<> add_page(boost::json::object page);
  /// The "continue" token of the last page; empty after the last.
  const std::string& next_page() const { return next_page_; }
  /// The difference to what was known: additions and updates by name, then deletions.
  std::vector<Change> finish_list();

  /// One event of a watch: ADDED, MODIFIED, DELETED or BOOKMARK. Errors: as by status_error() for
  /// ERROR, kExhausted of which means that resource_version() is too old; kMalformed.
  Result<std::vector<Change>> apply(boost::json::object event);

  /// Where the next watch starts; empty: list first.
  const std::string& resource_version() const { return resource_version_; }
  void forget_resource_version() { resource_version_.clear(); }
  bool synced() const { return synced_; }
  std::size_t size() const { return objects_.size(); }
  /// By "namespace/name", or "name"; null if there is none.
  ObjectRef find(std::string_view key) const;
  const std::map<std::string, ObjectRef, std::less<>>& objects() const { return objects_; }

 private:
  ObjectRef take(boost::json::object object) const;
  void put(const std::string& key, ObjectRef object, std::vector<Change>& changes);

  Transform transform_;
  std::map<std::string, ObjectRef, std::less<>> objects_;
  std::map<std::string, ObjectRef, std::less<>> incoming_;  // pages of an unfinished list
  std::string incoming_version_, next_page_, resource_version_;
  bool synced_ = false;
};

/// Cuts the bytes of a JSON watch into its events.
class ANTREA_API WatchDecoder {
 public:
  explicit WatchDecoder(std::size_t max_event_size = 64U << 20) : max_size_(max_event_size) {}
  /// The events that these bytes complete. Error: kMalformed; the decoder is of no use then.
  Result<std::vector<boost::json::object>> feed(std::string_view bytes);

 private:
  std::size_t max_size_;
  std::string rest_;  // the beginning of an event
};

struct InformerOptions {
  std::string path;  ///< of the collection: "/api/v1/pods", "/api/v1/namespaces/a/pods"
  std::string label_selector, field_selector;
  WatchCache::Transform transform;
  std::uint32_t page_size = 500;
  Duration list_timeout = std::chrono::seconds(60);
  Duration watch_length =
      std::chrono::minutes(8);  ///< asked of the server, between half and all of it
  Duration idle_timeout = std::chrono::minutes(2);  ///< without event or bookmark: the way is dead
  Duration first_backoff = std::chrono::milliseconds(100);
  Duration max_backoff = std::chrono::seconds(30);
  Logger logger;
};

/// Keeps a WatchCache in step with a collection of an API server: lists, watches, reconnects with
/// backoff, lists again when its version is too old.
class ANTREA_API Informer {
 public:
  /// Called with every batch of changes; the first list is one batch, empty or not.
  using Handler = std::function<void(std::span<const Change> changes)>;
  /// Called once, after the batch of the first list.
  using SyncedHandler = std::function<void()>;

  /// `transport` must outlive it.
  Informer(ApiTransport& transport, InformerOptions options, Handler on_changes,
           SyncedHandler on_synced = nullptr);

  /// Until cancelled.
  boost::asio::awaitable<void> run();

  const WatchCache& cache() const { return cache_; }
  bool connected() const { return connected_; }
  /// Why it is not connected; kOk if it is, or was never tried.
  const Error& last_error() const { return last_error_; }

 private:
  boost::asio::awaitable<Result<>> list();
  boost::asio::awaitable<Result<>> watch();
  ApiRequest list_request(std::string_view limit) const;
  ApiRequest watch_request();
  void deliver(std::span<const Change> changes) const;

  ApiTransport& transport_;
  InformerOptions options_;
  Handler on_changes_;
  SyncedHandler on_synced_;
  WatchCache cache_;
  bool connected_ = false;
  bool progressed_ = false;  // in the current attempt
  Error last_error_;
  std::minstd_rand random_;
};

/// Drops metadata.managedFields, a third of most objects.
ANTREA_API void drop_managed_fields(boost::json::object& object);

}  // namespace antrea::kube
