#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "antrea/kube/selector.h"
#include "antrea/kube/store.h"
#include "status.h"

namespace antrea::kube {

/// Which objects of a resource somebody asked for.
struct ObjectFilter {
  std::string namespace_;  ///< empty: all
  LabelQuery labels;
  FieldQuery fields;

  bool matches(const StoredObject& object) const;
};

/// Where the events of one watch go.
class WatchSink {
 public:
  virtual ~WatchSink() = default;
  /// False while the receiver has enough to do; call Watcher::pump when it is done.
  virtual bool ready() const = 0;
  virtual void event(StoreEvent::Type type, const ObjectPtr& object) = 0;
  /// What existed at the start was told.
  virtual void synced(std::uint64_t version) = 0;
  /// The last call: events were missed.
  virtual void expired(const StatusError& status) = 0;
};

/// One watch: reads the store's history at its own pace.
class Watcher {
 public:
  Watcher(const Store& store, std::string resource, ObjectFilter filter, WatchSink& sink)
      : store_(store), resource_(std::move(resource)), filter_(std::move(filter)), sink_(sink) {}

  /// Tells what exists as ADDED, then what comes.
  void start_from_present();
  /// Tells what came after `version`.
  void start_from(std::uint64_t version) { cursor_ = version; }
  /// Passes on events until the sink has enough or there are none. The sink may call `end`
  /// meanwhile.
  void pump();
  /// The sink goes away: it is not called again.
  void end() { ended_ = true; }
  /// Up to where everything was told; what follows may not concern this watch.
  std::uint64_t caught_up_to() const;

 private:
  void tell(const StoreEvent& event);

  const Store& store_;
  std::string resource_;
  ObjectFilter filter_;
  WatchSink& sink_;
  std::uint64_t cursor_ = 0;
  std::vector<ObjectPtr> initial_;
  std::size_t told_ = 0;  // of initial_
  bool started_from_present_ = false, synced_ = false, ended_ = false;
};

/// All watches on a store. Collects writes and lets the watches read them a moment later, from the
/// executor.
class WatchHub {
 public:
  WatchHub(boost::asio::any_io_executor executor, Store& store);
  ~WatchHub();
  WatchHub(const WatchHub&) = delete;
  WatchHub& operator=(const WatchHub&) = delete;

  /// Tells the watcher of every write, until it is gone.
  void add(const std::string& resource, const std::shared_ptr<Watcher>& watcher);
  /// Called after each round of writes was passed on.
  void on_round(std::function<void()> callback) { on_round_ = std::move(callback); }

  /// The text of an event, made once a round for all watches that show it alike.
  std::shared_ptr<const std::string> shared_line(StoreEvent::Type type, const ObjectPtr& object,
                                                 const std::function<std::string()>& make);

 private:
  void schedule(std::string_view resource);
  void run_round();

  boost::asio::any_io_executor executor_;
  Store& store_;
  std::map<std::string, std::vector<std::weak_ptr<Watcher>>, std::less<>> watchers_;
  std::set<std::string, std::less<>> written_;
  bool scheduled_ = false, in_round_ = false;
  std::map<std::pair<ObjectPtr, StoreEvent::Type>, std::shared_ptr<const std::string>> lines_;
  std::function<void()> on_round_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace antrea::kube
