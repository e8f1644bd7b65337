// Whether a modelled cluster does what it is to do.
#include <algorithm>

#include "tests/egress/modelled_cluster.h"

namespace antrea::egress {

/// It has not heard yet what has been found out, or that it is cut off from the others.
bool ModelledCluster::lags(const Node& node) const {
  return node.unheard > 0 || node.accused || node.side != node.told_side;
}

void ModelledCluster::watch_overlaps() {
  for (auto each = contested_.begin(); each != contested_.end();) {
    auto& [address, overlap] = *each;
    const auto& holders = holders_[address];
    std::size_t serving = 0;
    bool one_lags = false;
    for (const auto& [who, from] : holders) {
      if (from > now_) continue;
      ++serving;
      one_lags = one_lags || lags(nodes_[who]);
      overlap.late = overlap.late || nodes_[who].late_until >= now_;
    }
    if (serving > 1) {
      if (!one_lags && wrong_.empty())
        wrong_ = "address " + std::to_string(address) + " is served by node" +
                 std::to_string(holders[0].who) + " and node" + std::to_string(holders[1].who) +
                 ", which have heard all there is to hear";
      if (overlap.since == 0) {
        ++counts_.overlaps;
        overlap.since = now_;
      }
    } else if (const auto past = std::exchange(overlap, {}); past.since > 0 && !past.late) {
      counts_.longest_overlap =
          std::max<Duration>(counts_.longest_overlap, (now_ - past.since) * kTick);
    }
    each = holders.size() < 2 ? contested_.erase(each) : std::next(each);
  }
}

/// Of members on one side.
std::string ModelledCluster::disagreement() const {
  std::vector<const Known*> view_of(kSides);
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const Node& node = nodes_[i];
    if (!node.runs) continue;
    auto& view = view_of[node.side];
    if (view == nullptr) view = node.known;
    if (view != node.known) return "node" + std::to_string(i) + " has another view than its side";
  }
  return {};
}

/// Empty if all addresses are where they may be.
std::string ModelledCluster::look(Settled& now) const {
  const auto majority_of = [&](const Members& side, const Members& voters) {
    const auto there = (side & voters).count();
    return 2 * there > voters.count() ||
           (2 * there == voters.count() && side.test(voters.find_first()));
  };
  for (std::size_t pool = 0; pool < ModelledObjects::pools(); ++pool) {
    const auto nodes = objects_.nodes_of(pool);
    auto& entitled = now.entitled.emplace_back(nodes_.size());
    for (const auto& side : on_side_)
      if (const auto here = side & present_;
          majority_of(here, nodes.count() < 3 ? everybody_ : nodes))
        entitled |= here & nodes;
    if (const auto stays = entitled - objects_.drained(); stays.any()) entitled = stays;
  }
  for (std::uint32_t i = 0; i < holders_.size(); ++i) {
    const int pool = now.pools.emplace_back(objects_.pool_of(i));
    const auto& holders = holders_[i];
    now.owners.push_back(holders.empty() ? kNobody : holders.front().who);
    const bool nobody_may = pool < 0 || now.entitled[static_cast<std::size_t>(pool)].none();
    const auto what = "address " + std::to_string(i) + " of pool " + std::to_string(pool);
    if (holders.size() != (nobody_may ? 0U : 1U))
      return what + " has " + std::to_string(holders.size()) + " owners";
    if (nobody_may) continue;
    if (holders.front().from > now_) return what + " is not served yet";
    if (!now.entitled[static_cast<std::size_t>(pool)].test(now.owners.back()))
      return what + " is owned by node" + std::to_string(now.owners.back()) + ", which may not";
  }
  return {};
}

std::string ModelledCluster::wrong_when_settled() {
  if (auto apart = disagreement(); !apart.empty()) return apart;
  Settled now;
  if (auto wrong = look(now); !wrong.empty()) return wrong;
  const Settled before = std::exchange(settled_, std::move(now));
  for (std::uint32_t i = 0; i < before.owners.size(); ++i) {
    const auto from = before.owners[i], to = settled_.owners[i];
    if (from == to || from == kNobody || to == kNobody || before.pools[i] != settled_.pools[i])
      continue;
    ++counts_.moved;
    const auto pool = static_cast<std::size_t>(before.pools[i]);
    if (settled_.entitled[pool].test(from) && before.entitled[pool].test(to))
      return "address " + std::to_string(i) + " moved from node" + std::to_string(from) +
             " to node" + std::to_string(to) + ", though both were there before and after";
  }
  // Nobody goes by older objects than these any more.
  majority_.catch_up();
  minority_.catch_up();
  std::erase_if(views_, [](auto& each) { return each.second->held_by == 0; });
  objects_.history().forget_before(objects_.history().size());
  return {};
}

bool ModelledCluster::same_when_built_anew() {
  return std::ranges::all_of(views_, [&](const auto& entry) {
    const auto& [view, known] = entry;
    if (known->held_by == 0) return true;
    auto input = objects_.everything();
    const auto names = objects_.names();
    input.alive.emplace();
    input.returning.emplace();
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (view.alive.test(i)) input.alive->insert(names[i]);
      if (view.returning.test(i)) input.returning->insert(names[i]);
    }
    Scheduler anew({.return_delay = Duration::zero()});
    anew.apply(input, TimePoint());
    return anew.placements() == (known->majority ? majority_ : minority_).in(view);
  });
}

}  // namespace antrea::egress
