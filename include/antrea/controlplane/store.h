#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "antrea/api/controlplane_changes.h"
#include "antrea/api/controlplane_codec.h"
#include "antrea/base/export.h"
#include "antrea/base/strong_id.h"

namespace antrea::controlplane {

/// One event of a watch as bytes, shared by all watchers that get it.
using Frame = std::shared_ptr<const std::string>;
using WatcherId = StrongId<struct WatcherIdTag, std::uint64_t>;

struct WatchRequest {
  api::controlplane::Resource resource{};
  api::controlplane::Format format = api::controlplane::Format::kJson;
  std::string node;  ///< only what this Node needs; empty: everything
  std::string name;  ///< only the object of that name; empty: all
  /// Tells how far the watch got, beside the one BOOKMARK that everybody is sent.
  bool progress = false;
  /// Marks that one BOOKMARK with k8s.io/initial-events-end (the client asked for
  /// sendInitialEvents).
  bool mark_initial_end = false;
};

struct StoreOptions {
  /// Of the empty store. Revisions of a controller must be higher than those of the one before it:
  /// derive this from the time of day.
  std::uint64_t first_revision = 1;
  /// Events that may wait for one watcher, beyond its initial set.
  std::size_t max_pending = 1000;
};

/// Keeps the internal objects and tells each watcher what it needs of them (antrea:
/// pkg/apiserver/storage/ram, pkg/controller/networkpolicy/store).
///
/// A watcher is sent an ADDED for each object that its Node needs, one BOOKMARK, and from then on
/// the difference that each `apply` makes for it:
///
///     Node in span before, after   event
///     no,  yes                     ADDED, the object (an AppliedToGroup or EgressGroup with
///                                  the members on that Node)
///     yes, no                      DELETED, metadata (of a policy also the source)
///     yes, yes                     MODIFIED: the policy, or a patch of the group; nothing if
///                                  nothing differs for the Node
///
/// Watchers without Node are sent every object, and each change of it. No order holds between
/// resources, except for those who ask for `progress`: they get a BOOKMARK for each change of the
/// EvaluatedPods of their Node, behind everything that came before it; its resourceVersion is that
/// of the EvaluatedPods.
///
/// An object is encoded once per change and format. Not thread-safe.
class ANTREA_API Store {
 public:
  explicit Store(StoreOptions options = {});
  ~Store();
  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;

  /// The watchers that have something to take, ascending. Changes that change nothing are silent.
  std::vector<WatcherId> apply(const api::controlplane::Changes& changes);

  /// Has its initial set to take at once.
  WatcherId watch(WatchRequest request);
  void unwatch(WatcherId watcher);

  struct Pending {
    std::vector<Frame> frames;
    bool dropped = false;  ///< it was too slow and must watch anew; there are no more frames
  };
  /// What waits for the watcher: at least one frame if there is any, and no more than `max_size`
  /// bytes beyond the first.
  Pending take(WatcherId watcher, std::size_t max_size = std::numeric_limits<std::size_t>::max());

  std::uint64_t revision() const;
  std::size_t watcher_count(api::controlplane::Resource resource) const;

  /// All of a kind, by name: a resource's type, such as AddressGroup. With `node`: what a watcher
  /// of that Node is sent.
  template <typename T>
  ANTREA_API std::vector<std::shared_ptr<const T>> list(std::string_view node = {}) const;
  /// Null if there is none of that name.
  template <typename T>
  ANTREA_API std::shared_ptr<const T> find(std::string_view name) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace antrea::controlplane
