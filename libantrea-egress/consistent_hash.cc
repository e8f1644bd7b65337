#include "antrea/egress/consistent_hash.h"

#include <algorithm>

#include "antrea/base/bytes.h"
#include "antrea/base/hash.h"

namespace antrea::egress {

std::uint32_t ConsistentHash::hash(std::string_view key) { return crc32(as_byte_span(key)); }

std::vector<std::uint32_t> ConsistentHash::replicas(std::string_view node) const {
  std::vector<std::uint32_t> out;
  for (std::uint32_t i = 0; i < replicas_; ++i) out.push_back(hash(std::to_string(i).append(node)));
  return out;
}

bool ConsistentHash::before(const Replica& a, const Replica& b) const {
  if (a.hash != b.hash) return a.hash < b.hash;
  return a.slot != b.slot && names_[a.slot] > names_[b.slot];
}

void ConsistentHash::append_replicas(std::uint32_t slot) {
  for (const std::uint32_t hash : replicas(names_[slot])) ring_.push_back({hash, slot});
}

ConsistentHash::ConsistentHash(const std::set<std::string>& nodes, std::uint32_t replicas)
    : replicas_(replicas), names_(nodes.begin(), nodes.end()) {
  ring_.reserve(nodes.size() * replicas);
  for (std::uint32_t slot = 0; slot < names_.size(); ++slot) {
    slots_.emplace(names_[slot], slot);
    append_replicas(slot);
  }
  std::ranges::sort(ring_, [this](const auto& a, const auto& b) { return before(a, b); });
}

bool ConsistentHash::add(std::string_view node) {
  if (contains(node)) return false;
  change({}, {std::string(node)});
  return true;
}

bool ConsistentHash::remove(std::string_view node) {
  if (!contains(node)) return false;
  change({std::string(node)}, {});
  return true;
}

void ConsistentHash::change(const std::vector<std::string>& go,
                            const std::vector<std::string>& come) {
  std::vector<bool> gone(names_.size());
  for (const auto& node : go) {
    const auto found = slots_.find(node);
    if (found == slots_.end()) continue;
    gone[found->second] = true;
    names_[found->second].clear();
    slots_.erase(found);
  }
  if (!go.empty()) std::erase_if(ring_, [&](const Replica& each) { return gone[each.slot]; });

  const auto size = static_cast<std::ptrdiff_t>(ring_.size());
  auto free = names_.begin();
  for (const auto& node : come) {
    if (contains(node)) continue;
    free = std::find_if(free, names_.end(), [](const auto& name) { return name.empty(); });
    if (free == names_.end()) free = names_.emplace(free);
    *free = node;
    const auto slot = static_cast<std::uint32_t>(free - names_.begin());
    slots_.emplace(node, slot);
    append_replicas(slot);
  }
  const auto order = [this](const Replica& a, const Replica& b) { return before(a, b); };
  std::sort(ring_.begin() + size, ring_.end(), order);
  std::inplace_merge(ring_.begin(), ring_.begin() + size, ring_.end(), order);
}

ConsistentHash::Walk::Walk(const ConsistentHash& ring, std::uint32_t hash, std::string_view without)
    : ring_(&ring),
      left_(ring.ring_.size()),
      unseen_(ring.size()),
      last_(hash),
      seen_(ring.names_.size()) {
  at_ = static_cast<std::size_t>(std::ranges::lower_bound(ring.ring_, hash, {}, &Replica::hash) -
                                 ring.ring_.begin());
  const auto out = without.empty() ? ring.slots_.end() : ring.slots_.find(without);
  if (out == ring.slots_.end()) return;
  without_ = out->second;
  --unseen_;
}

const std::string* ConsistentHash::Walk::next() {
  while (left_ > 0 && unseen_ > 0) {
    if (at_ == ring_->ring_.size()) at_ = 0;
    const auto [hash, slot] = ring_->ring_[at_++];
    --left_;
    last_ = hash;
    if (slot == without_) continue;
    // What has the same hash stands behind this one and does not count.
    while (left_ > 0 && at_ < ring_->ring_.size() && ring_->ring_[at_].hash == hash) ++at_, --left_;
    if (seen_[slot]) continue;
    seen_[slot] = true;
    --unseen_;
    return &ring_->names_[slot];
  }
  return nullptr;
}

}  // namespace antrea::egress
