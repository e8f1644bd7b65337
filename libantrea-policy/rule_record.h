#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "antrea/api/pipeline.h"
#include "antrea/policy/rule.h"

namespace antrea::policy {

/// The flows that stand for something of a rule, sorted; one is there as often as targets, peers or
/// services ask for it.
class FlowList {
 public:
  /// Calls `first` with each that was not there yet.
  template <typename Function>
  void add(std::vector<std::uint32_t> flows, Function first) {
    if (flows_.empty()) {
      flows_ = std::move(flows);
      std::ranges::sort(flows_);
      return for_each_once(first);
    }
    for (const std::uint32_t flow : flows) {
      const auto at = flows_.insert(std::ranges::lower_bound(flows_, flow), flow);
      if (const auto next = at + 1; next == flows_.end() || *next != flow) first(flow);
    }
  }
  /// Whether that was the last one of them. It must be there.
  bool remove(std::uint32_t flow) {
    const auto next = flows_.erase(std::ranges::lower_bound(flows_, flow));
    return next == flows_.end() || *next != flow;
  }
  template <typename Function>
  void for_each_once(Function function) const {
    for (std::size_t i = 0; i < flows_.size(); ++i)
      if (i == 0 || flows_[i] != flows_[i - 1]) function(flows_[i]);
  }
  const std::vector<std::uint32_t>& all() const { return flows_; }

 private:
  std::vector<std::uint32_t> flows_;
};

/// What the flows of a rule stand for. The first three are clauses of its conjunction, which in it
/// are numbered From, To, Service, as far as they are there.
enum RulePart : std::uint8_t {
  kTargets,
  kPeers,
  kServices,
  kOthers,  ///< isolation of targets, and what they need for DNS
};
constexpr std::array kRuleParts{kTargets, kPeers, kServices, kOthers};

/// A completed rule, and its conjunction if it has one.
struct RuleRecord {
  std::shared_ptr<const RuleIdentity> identity;
  std::uint32_t id = 0;          // 0: no conjunction
  api::pipeline::Table table{};  // of the conjunction
  std::uint16_t priority = api::pipeline::kPriorityNormal;
  std::uint8_t clause_count = 0;
  bool intercepts_dns = false;
  bool at_node_ports = false;
  std::array<std::uint8_t, kRuleParts.size()> clauses{};  // by part; 0: it is none
  std::array<FlowList, kRuleParts.size()> flows;          // by part

  /// Of the flows where its conjunction decides.
  std::uint16_t deciding_priority() const {
    return identity->tier_priority ? priority : api::pipeline::kPriorityLow;
  }
};

/// The records by index; an index is used again.
class RuleRecords {
 public:
  std::uint32_t add() {
    if (free_.empty()) {
      records_.emplace_back();
      return static_cast<std::uint32_t>(records_.size() - 1);
    }
    const std::uint32_t index = free_.back();
    free_.pop_back();
    return index;
  }
  void remove(std::uint32_t index) {
    records_[index] = {};
    free_.push_back(index);
  }
  RuleRecord& operator[](std::uint32_t index) { return records_[index]; }
  const RuleRecord& operator[](std::uint32_t index) const { return records_[index]; }

 private:
  std::deque<RuleRecord> records_;
  std::vector<std::uint32_t> free_;
};

}  // namespace antrea::policy
