#include "watch.h"

#include <fmt/format.h>

#include <boost/asio/post.hpp>

namespace antrea::kube {
namespace {
constexpr std::size_t kEventsAtOnce = 128;
}

bool ObjectFilter::matches(const StoredObject& object) const {
  if (!namespace_.empty() && namespace_ != object.namespace_) return false;
  for (const auto& term : fields.terms()) {
    std::string_view value;
    if (term.field == "metadata.name")
      value = object.name;
    else if (term.field == "metadata.namespace")
      value = object.namespace_;
    else
      for (const auto& [field, text] : object.fields)
        if (field == term.field) value = text;
    if ((value == term.value) != term.equal) return false;
  }
  return labels.matches(object.labels);
}

void Watcher::start_from_present() {
  auto objects = store_.list(resource_, filter_.namespace_);
  for (auto& each : *objects)
    if (filter_.matches(*each)) initial_.push_back(std::move(each));
  cursor_ = store_.version();
  started_from_present_ = true;
}

void Watcher::pump() {
  while (!ended_ && told_ < initial_.size()) {
    if (!sink_.ready()) return;
    sink_.event(StoreEvent::Type::kAdded, initial_[told_++]);
  }
  if (ended_) return;
  initial_.clear();
  told_ = 0;
  if (started_from_present_ && !synced_) {
    synced_ = true;
    sink_.synced(cursor_);
  }
  while (!ended_ && sink_.ready()) {
    const auto events = store_.events_after(resource_, cursor_, kEventsAtOnce);
    if (!events) {
      ended_ = true;
      sink_.expired(expired(fmt::format("too old resource version: {} ({})", cursor_,
                                        store_.oldest_version(resource_))));
      return;
    }
    if (events->empty()) return;
    for (const auto& event : *events) {
      cursor_ = event.object->version;
      tell(event);
      if (ended_) return;
    }
  }
}

/// An object that comes to match is ADDED, one that no longer does is DELETED.
void Watcher::tell(const StoreEvent& event) {
  const bool before = event.old && filter_.matches(*event.old);
  const bool now = event.type != StoreEvent::Type::kDeleted && filter_.matches(*event.object);
  if (now)
    sink_.event(before ? StoreEvent::Type::kModified : StoreEvent::Type::kAdded, event.object);
  else if (before)
    sink_.event(StoreEvent::Type::kDeleted, event.object);
}

std::uint64_t Watcher::caught_up_to() const {
  const bool behind = !initial_.empty() || store_.version_of(resource_) > cursor_;
  return behind ? cursor_ : std::max(cursor_, store_.version());
}

WatchHub::WatchHub(boost::asio::any_io_executor executor, Store& store)
    : executor_(std::move(executor)), store_(store) {
  store_.on_write([this](std::string_view resource) { schedule(resource); });
}

WatchHub::~WatchHub() {
  *alive_ = false;
  store_.on_write(nullptr);
}

void WatchHub::add(const std::string& resource, const std::shared_ptr<Watcher>& watcher) {
  watchers_[resource].push_back(watcher);
}

void WatchHub::schedule(std::string_view resource) {
  if (!written_.contains(resource)) written_.emplace(resource);
  if (std::exchange(scheduled_, true)) return;
  boost::asio::post(executor_, [this, alive = alive_] {
    if (*alive) run_round();
  });
}

void WatchHub::run_round() {
  scheduled_ = false;
  in_round_ = true;
  const auto alive = alive_;
  for (const auto& resource : std::exchange(written_, {})) {
    auto& list = watchers_[resource];
    std::erase_if(list, [](const auto& each) { return each.expired(); });
    const auto present = list;  // a sink may add a watch
    for (const auto& each : present)
      if (const auto watcher = each.lock()) watcher->pump();
    if (!*alive) return;
  }
  in_round_ = false;
  lines_.clear();
  if (on_round_) on_round_();
}

std::shared_ptr<const std::string> WatchHub::shared_line(StoreEvent::Type type,
                                                         const ObjectPtr& object,
                                                         const std::function<std::string()>& make) {
  if (!in_round_) return std::make_shared<const std::string>(make());
  auto& line = lines_[{object, type}];
  if (!line) line = std::make_shared<const std::string>(make());
  return line;
}

}  // namespace antrea::kube
