#pragma once

#include <map>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "conversation_space.h"

namespace antrea::policy {

/// A rule of a user's policy; its parts are looked at as one.
struct RulePlace {
  api::controlplane::PolicyType type{};
  std::string namespace_, policy;
  api::controlplane::Direction direction{};
  int index = 0;
  friend auto operator<=>(const RulePlace&, const RulePlace&) = default;

  static RulePlace of(const RuleBook::Rule& rule) {
    return {rule.step.policy.type, rule.step.policy.namespace_, rule.step.policy.name,
            rule.direction, rule.index};
  }
};

/// What became of a rule when every conversation was tried.
struct RuleOutcome {
  bool matches = false;            ///< something meets it
  bool decides = false;            ///< of what meets it, something is not decided before
  bool matters = false;            ///< without it some verdict would be another
  bool isolates = false;           ///< it has no peers, it only isolates
  std::set<std::string> deciders;  ///< who was there before
  std::map<RulePlace, std::string> conflicts;  ///< with whom, and what is said there
};

/// Tries each rule against all conversations there can be.
class RuleReview {
 public:
  explicit RuleReview(const RuleBook& book);
  std::map<RulePlace, RuleOutcome> run();

 private:
  using Match = ConversationSpace::Match;
  struct Ends {  // of one family
    std::size_t pods = 0;
    const api::ObjectKey* one = nullptr;
    bool outside = false;
    void add(const ConversationSpace::EndClass& ends);
  };
  static bool can_meet(const Ends& targets, const Ends& peers);
  void look_at(const std::vector<Match>& matches, bool isolated);
  void find_deciders(const std::vector<Match>& matches, bool isolated);
  void find_conflicts(const std::vector<Match>& matches, const TrafficFunction& first,
                      bool baseline);
  void try_without(const std::vector<Match>& matches, bool isolated);
  std::uint32_t number(const Match& match) const {
    return static_cast<std::uint32_t>(match.rule - book_.rules().data());
  }

  const RuleBook& book_;
  ConversationSpace space_;
  std::vector<RulePlace> places_;  // by rule
  std::map<RulePlace, RuleOutcome> outcomes_;
  std::unordered_set<std::vector<std::uint32_t>, NumbersHash> seen_;
};

/// "AntreaClusterNetworkPolicy:guard/telnet"
std::string name_of(const RuleBook::Rule& rule);

}  // namespace antrea::policy
