#pragma once

#include <array>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "antrea/policy/compare.h"
#include "circumstances.h"
#include "peer_rows.h"
#include "traffic_function.h"

namespace antrea::policy {

/// All conversations that can take place under one or two sets of objects, parted into classes
/// within which no rule tells one from another. Exact; nothing is sampled.
///
/// Ends are Pods that every side has at the same address, and the addresses that are no Pod's at
/// any side.
class ConversationSpace {
 public:
  static constexpr TrafficFunction::Value kAllow = 0, kDrop = 1, kReject = 2;

  struct EndClass {
    Family family{};
    std::vector<PodAddress> pods;  ///< sorted; none: outside
    std::vector<IpRange> outside;  ///< ascending
    std::uint32_t row = 0;         ///< as a peer
    /// Its rules, by side and direction (kIn is 0); 0 is none.
    std::vector<std::array<std::uint32_t, 2>> lists;
    /// By circumstance: what traffic comes to it so.
    std::vector<TrafficFunctions::Id> reached;
  };
  /// A rule that meets some traffic between two classes.
  struct Match {
    const RuleBook::Rule* rule;
    TrafficFunctions::Id region;
    friend bool operator==(const Match&, const Match&) = default;
  };
  struct RuleList {
    api::controlplane::Direction direction{};
    bool isolated = false;
    std::vector<std::pair<std::uint32_t, PeerRows::PortsId>> rules;  // of the book
    std::vector<bool> minds;  ///< by circumstance: some rule asks for it
  };

  explicit ConversationSpace(std::vector<const RuleBook*> sides);

  const std::vector<EndClass>& classes() const { return classes_; }
  const std::vector<Circumstance>& circumstances() const { return circumstances_.all; }
  const std::vector<RuleList>& lists(std::size_t side) const { return lists_[side]; }
  std::size_t rows() const { return rows_.size(); }
  TrafficFunctions& functions() { return functions_; }
  const TrafficFunctions& functions() const { return functions_; }
  /// Whether some combinations of DNS names were left out, since there are too many.
  bool left_out_names() const { return circumstances_.left_out_names; }
  /// Of all Pods at any side.
  const std::set<IpAddress>& pod_addresses() const { return pod_addresses_; }
  std::vector<PodAddress> only_at(std::size_t side) const { return only_at_[side]; }

  /// Makes `matches` ask about peers of this row.
  void choose_row(std::size_t side, std::uint32_t row);
  /// The rules of a list that meet the row that was chosen, in order.
  void matches(std::size_t side, std::uint32_t list, std::size_t circumstance,
               std::vector<Match>& out);
  /// What these rules say together: kAllow, kDrop or kReject at every point.
  TrafficFunctions::Id verdict(const std::vector<Match>& matches, bool isolated);
  /// Which of `matches` is the first to meet the traffic among those with tiers before Kubernetes'
  /// (`baseline` false) or behind; its position + 1, or 0.
  TrafficFunction first_match(const std::vector<Match>& matches, bool baseline) const;

 private:
  void take_ends();
  std::uint32_t list_of(std::size_t side, const api::ObjectKey& pod,
                        api::controlplane::Direction direction);
  TrafficFunctions::Id reached(std::size_t circumstance, const api::ObjectKey* pod);
  TrafficFunctions::Id region(std::size_t side, std::uint32_t rule, std::uint32_t names);

  std::vector<const RuleBook*> sides_;
  Circumstances circumstances_;
  PeerRows rows_;
  TrafficFunctions functions_;
  TrafficFunctions::Id everything_, nothing_, all_dropped_;
  std::vector<std::unordered_map<const RuleBook::Rule*, std::uint32_t>> rule_numbers_;
  std::vector<std::vector<bool>> asks_names_;  // by side and rule
  std::vector<std::vector<RuleList>> lists_;
  std::vector<std::unordered_map<std::vector<std::uint32_t>, std::uint32_t, NumbersHash>> list_ids_;
  std::vector<EndClass> classes_;
  std::vector<std::vector<PodAddress>> only_at_;
  std::set<IpAddress> pod_addresses_;
  std::vector<std::unordered_map<std::uint64_t, TrafficFunctions::Id>> regions_;
  std::vector<std::vector<std::uint32_t>> chosen_;  // by side and rule: name list + 1, or 0
  std::vector<std::vector<std::uint32_t>> chosen_rules_;
  std::unordered_map<std::vector<std::uint32_t>, TrafficFunctions::Id, NumbersHash> verdicts_;
};

}  // namespace antrea::policy
