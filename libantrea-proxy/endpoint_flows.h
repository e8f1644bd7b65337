#pragma once

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <vector>

#include "antrea/openflow/changes.h"
#include "flows.h"
#include "frontend_hash.h"

namespace antrea::proxy {

/// The endpoints that groups lead to, each with its flow of EndpointDNAT while there is one.
class EndpointFlows {
 public:
  /// Room for so many more, where they are known to come.
  void reserve(std::size_t more) {
    places_.reserve(places_.size() + more);
    states_.reserve(states_.size() + more);
    touched_.reserve(more);
  }

  /// So many more or fewer groups lead to it.
  void refer(const Backend& backend, api::Protocol protocol, int by) {
    State& state = states_[place_of({backend.ip, backend.port, protocol})];
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
      const Backend backend{state.at.ip, state.at.port};
      const bool there = state.count != 0;
      if (there && !state.shown) out.flows.push_back(endpoint_flow(backend, state.at.protocol));
      if (!there && state.shown)
        out.remove_flows.push_back(endpoint_flow_key(backend, state.at.protocol));
      state.touched = false;
      if (there) continue;
      v6_count_ -= state.at.ip.is_v6() ? 1 : 0;
      places_.erase(state.at);
      free_.push_back(place);
    }
    touched_.clear();
    if (touched_.capacity() > 4096) touched_.shrink_to_fit();
  }

  std::size_t count(Family family) const {
    return family == Family::kIPv6 ? v6_count_ : places_.size() - v6_count_;
  }

 private:
  // An endpoint has the shape of a frontend: address, port, protocol.
  struct State {
    Frontend at;
    bool touched = false, shown = false;
    std::uint32_t count = 0;  // of the groups that lead to it
  };

  std::size_t place_of(const Frontend& at) {
    const auto [found, fresh] = places_.try_emplace(at);
    if (!fresh) return found->second;
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint32_t>(states_.size()));
      states_.emplace_back();
    }
    v6_count_ += at.ip.is_v6() ? 1 : 0;
    found->second = free_.back();
    free_.pop_back();
    states_[found->second] = {at};
    return found->second;
  }

  // In the order in which they came, so that many new ones are gone through as they lie.
  std::vector<State> states_;
  std::vector<std::uint32_t> free_;  // of `states_`
  boost::unordered_flat_map<Frontend, std::uint32_t, FrontendHash> places_;
  std::vector<std::uint32_t> touched_;
  std::size_t v6_count_ = 0;  // of `places_`
};

}  // namespace antrea::proxy
