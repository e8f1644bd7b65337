#pragma once

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <vector>

#include "antrea/openflow/changes.h"
#include "flows.h"

namespace antrea::proxy {

struct FrontendHash {
  std::size_t operator()(const Frontend& f) const noexcept {
    const auto low = std::size_t{f.port} << 8 | static_cast<std::size_t>(f.protocol);
    if (f.ip.is_v4()) return std::size_t{f.ip.v4_bits()} << 24 ^ low;
    std::size_t hash = low;
    for (const std::uint8_t byte : f.ip.bytes()) hash = hash * 0x100000001b3U ^ byte;
    return hash;
  }
};

/// The endpoints that groups lead to, each with its flow of EndpointDNAT while there is one.
class EndpointFlows {
 public:
  /// Room for so many more, where they are known to come.
  void reserve(std::size_t more) { references_.reserve(references_.size() + more); }

  void refer(const std::vector<Backend>& backends, api::Protocol protocol, int by) {
    for (const auto& backend : backends) {
      const Frontend key{backend.ip, backend.port, protocol};
      auto& state = references_[key];
      if (!state.touched) {
        state.touched = true;
        state.shown = state.count != 0;
        touched_.push_back(key);
      }
      state.count += static_cast<std::uint32_t>(by);
    }
  }

  /// What has come of it since the last time.
  void show(openflow::Changes& out) {
    out.flows.reserve(out.flows.size() + touched_.size());
    for (const auto& key : touched_) {
      const auto found = references_.find(key);
      auto& state = found->second;
      const bool there = state.count != 0;
      if (there && !state.shown)
        out.flows.push_back(endpoint_flow({key.ip, key.port}, key.protocol));
      if (!there && state.shown)
        out.remove_flows.push_back(endpoint_flow_key({key.ip, key.port}, key.protocol));
      state.touched = false;
      if (!there) references_.erase(found);
    }
    touched_.clear();
    if (touched_.capacity() > 4096) touched_.shrink_to_fit();
  }

  std::size_t size() const { return references_.size(); }

 private:
  struct State {
    std::uint32_t count = 0;
    bool touched = false, shown = false;
  };
  // An endpoint has the shape of a frontend: address, port, protocol.
  boost::unordered_flat_map<Frontend, State, FrontendHash> references_;
  std::vector<Frontend> touched_;
};

/// The difference between what a frontend had and has: null for nothing.
inline void show_frontend(const Frontend& frontend, const FrontendFlows* had,
                          const FrontendFlows* has, openflow::Changes& out) {
  std::vector<openflow::Flow> before, after;
  if (had != nullptr) before = frontend_flows(frontend, *had);
  if (has != nullptr) after = frontend_flows(frontend, *has);
  for (const auto& flow : before)
    if (std::ranges::find(after, flow.key(), &openflow::Flow::key) == after.end())
      out.remove_flows.push_back(flow.key());
  for (auto& flow : after)
    if (std::ranges::find(before, flow) == before.end()) out.flows.push_back(std::move(flow));
}

}  // namespace antrea::proxy
