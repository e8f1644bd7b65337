#include "antrea/proxy/sync_progress.h"

#include <cassert>
#include <utility>

namespace antrea::proxy {

void SyncProgress::changed(TimePoint now) {
  if (!waiting_since_) waiting_since_ = now;
}

void SyncProgress::sent() {
  assert(!under_way_since_);
  under_way_since_ = std::exchange(waiting_since_, std::nullopt);
}

Duration SyncProgress::acknowledged(TimePoint now) {
  assert(under_way_since_);
  return now - *std::exchange(under_way_since_, std::nullopt);
}

void SyncProgress::lost() {
  assert(under_way_since_);
  waiting_since_ = std::exchange(under_way_since_, std::nullopt);
}

bool SyncProgress::healthy(TimePoint now) const {
  const auto& oldest = under_way_since_ ? under_way_since_ : waiting_since_;
  return !oldest || now - *oldest <= kPatience;
}

}  // namespace antrea::proxy
