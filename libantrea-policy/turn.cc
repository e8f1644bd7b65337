#include "antrea/policy/turn.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "rule_book.h"
#include "rule_edits.h"
#include "rule_text.h"

namespace antrea::policy {
namespace {

namespace cp = api::controlplane;

cp::RuleAction verdict_of(const Evaluator& evaluator, const Conversation& c) {
  const auto egress = evaluator.judge(c, cp::Direction::kOut).verdict;
  return egress != cp::RuleAction::kAllow ? egress : evaluator.judge(c, cp::Direction::kIn).verdict;
}

/// How much changes: pairs of ends, then points of traffic.
std::pair<std::size_t, double> size_of(const std::vector<ChangedConversations>& changes) {
  std::size_t pairs = 0;
  double points = 0;
  for (const ChangedConversations& change : changes) {
    const auto ends = [](const EndSet& set) { return std::max<std::size_t>(1, set.pods.size()); };
    const std::size_t here = ends(change.from) * ends(change.to);
    pairs += here;
    double addresses = 0;
    for (const EndSet* set : {&change.from, &change.to})
      for (const IpPrefix& prefix : set->outside)
        addresses += static_cast<double>(
            std::uint64_t{1} << std::min(40U, prefix.address().width() - prefix.length()));
    for (const TrafficRange& box : change.traffic)
      points += (box.last_port - box.first_port + 1.0) *
                (box.last_source_port - box.first_source_port + 1.0) * static_cast<double>(here) *
                std::max(1.0, addresses);
  }
  return {pairs, points};
}

std::vector<ObjectChange> with(std::span<const ObjectChange> objects,
                               const std::vector<PolicyEdit>& edits) {
  std::vector<ObjectChange> changed(objects.begin(), objects.end());
  for (const PolicyEdit& edit : edits) {
    const auto same = [&](const ObjectChange& object) { return refers_to(object, edit.policy); };
    if (std::holds_alternative<ObjectDeleted>(edit.now))
      std::erase_if(changed, same);
    else if (const auto at = std::ranges::find_if(changed, same); at != changed.end())
      *at = edit.now;
    else
      changed.push_back(edit.now);
  }
  return changed;
}

class Search {
 public:
  Search(std::span<const ObjectChange> objects, const Conversation& c)
      : objects_(objects), conversation_(c), evaluator_(objects) {}

  std::optional<Turn> run() {
    const cp::RuleAction now = verdict_of(evaluator_, conversation_);
    if (now != cp::RuleAction::kAllow) {
      constexpr std::array kBoth{cp::Direction::kOut, cp::Direction::kIn};
      allow({}, {objects_.begin(), objects_.end()}, kBoth);
    } else {
      for (const auto direction : {cp::Direction::kOut, cp::Direction::kIn})
        for (PolicyEdit& edit :
             edits_to_deny(objects_, conversation_, direction, decider(direction)))
          consider({std::move(edit)});
    }
    return std::move(best_);
  }

 private:
  std::optional<RuleStep> decider(cp::Direction direction) const {
    return evaluator_.judge(conversation_, direction).decider;
  }

  /// Each direction that denies needs an edit of its own; the second is made to what the first
  /// leaves.
  void allow(const std::vector<PolicyEdit>& way, const std::vector<ObjectChange>& objects,
             std::span<const cp::Direction> directions) {
    if (directions.empty()) {
      consider(way);
      return;
    }
    const cp::Direction direction = directions.front();
    const DirectionVerdict said = Evaluator(objects).explain(conversation_, direction);
    if (said.verdict == cp::RuleAction::kAllow) {
      allow(way, objects, directions.subspan(1));
      return;
    }
    for (PolicyEdit& edit : edits_to_allow(objects, conversation_, direction, said)) {
      const std::vector<ObjectChange> changed = with(objects, {edit});
      if (Evaluator(changed).judge(conversation_, direction).verdict != cp::RuleAction::kAllow)
        continue;
      std::vector<PolicyEdit> longer = way;
      longer.push_back(std::move(edit));
      allow(longer, changed, directions.subspan(1));
    }
  }

  void consider(std::vector<PolicyEdit> edits) {
    const std::vector<ObjectChange> changed = with(objects_, edits);
    const bool allowed = verdict_of(Evaluator(changed), conversation_) == cp::RuleAction::kAllow;
    if (allowed == (verdict_of(evaluator_, conversation_) == cp::RuleAction::kAllow)) return;
    Turn turn{std::move(edits), compare(objects_, changed).changes, 0};
    turn.pairs = size_of(turn.changes).first;
    if (!best_ || turn < *best_) best_ = std::move(turn);
  }

  std::span<const ObjectChange> objects_;
  const Conversation& conversation_;
  Evaluator evaluator_;
  std::optional<Turn> best_;
};

}  // namespace

bool operator<(const Turn& a, const Turn& b) {
  const auto x = size_of(a.changes), y = size_of(b.changes);
  // Of two that change the same, the one with fewer edits, and fewer new policies.
  const auto effort = [](const Turn& turn) {
    std::size_t effort = 0;
    for (const PolicyEdit& edit : turn.edits) effort += edit.field.empty() ? 2 : 1;
    return effort;
  };
  return x != y ? x < y : effort(a) < effort(b);
}

std::optional<Turn> smallest_turn(std::span<const ObjectChange> objects,
                                  const Conversation& conversation) {
  return Search(objects, conversation).run();
}

}  // namespace antrea::policy
