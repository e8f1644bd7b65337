#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <vector>

#include "antrea/openflow/changes.h"
#include "flows.h"
#include "frontend_hash.h"

namespace antrea::proxy {

inline std::size_t hash_value(const Endpoint& endpoint) {
  return FrontendHash()({endpoint.backend.ip, endpoint.backend.port, endpoint.protocol});
}
inline Family family_of(const Endpoint& endpoint) { return endpoint.backend.ip.family(); }
inline std::size_t hash_value(const Member& member) {
  return hash_value(member.endpoint) ^
         (std::size_t{member.group.value} + static_cast<std::size_t>(member.state)) *
             0x9e3779b97f4a7c15U;
}
inline Family family_of(const Member& member) { return family_of(member.endpoint); }

/// Flows of endpoints that are there while groups need them. `Key`: `Endpoint` or `Member`.
template <typename Key>
class CountedFlows {
 public:
  /// Room for so many more, where they are known to come.
  void reserve(std::size_t more) {
    places_.reserve(places_.size() + more);
    states_.reserve(states_.size() + more);
    touched_.reserve(more);
  }

  /// So many more or fewer need it.
  void refer(const Key& key, int by) {
    State& state = states_[place_of(key)];
    if (!state.touched) {
      state.touched = true;
      state.shown = state.count != 0;
      touched_.push_back(static_cast<std::uint32_t>(&state - states_.data()));
    }
    state.count += static_cast<std::uint32_t>(by);
  }

  /// What has come of it since the last time.
  void show(openflow::Changes& out) {
    out.flows.reserve(out.flows.size() + touched_.size());
    for (const std::uint32_t place : touched_) {
      State& state = states_[place];
      const bool there = state.count != 0;
      if (there && !state.shown) out.flows.push_back(to_flow(state.key));
      if (!there && state.shown) out.remove_flows.push_back(to_flow_key(state.key));
      state.touched = false;
      if (there) continue;
      v6_count_ -= family_of(state.key) == Family::kIPv6 ? 1 : 0;
      places_.erase(state.key);
      free_.push_back(place);
    }
    touched_.clear();
    if (touched_.capacity() > 4096) touched_.shrink_to_fit();
  }

  std::size_t count(Family family) const {
    return family == Family::kIPv6 ? v6_count_ : places_.size() - v6_count_;
  }

 private:
  struct State {
    Key key;
    bool touched = false, shown = false;
    std::uint32_t count = 0;  // of those who need it
  };
  struct Hash {
    std::size_t operator()(const Key& key) const noexcept { return hash_value(key); }
  };

  std::size_t place_of(const Key& key) {
    const auto [found, fresh] = places_.try_emplace(key);
    if (!fresh) return found->second;
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint32_t>(states_.size()));
      states_.emplace_back();
    }
    v6_count_ += family_of(key) == Family::kIPv6 ? 1 : 0;
    found->second = free_.back();
    free_.pop_back();
    states_[found->second] = {key};
    return found->second;
  }

  // In the order in which they came, so that many new ones are gone through as they lie.
  std::vector<State> states_;
  std::vector<std::uint32_t> free_;  // of `states_`
  boost::unordered_flat_map<Key, std::uint32_t, Hash> places_;
  std::vector<std::uint32_t> touched_;
  std::size_t v6_count_ = 0;  // of `places_`
};

}  // namespace antrea::proxy
