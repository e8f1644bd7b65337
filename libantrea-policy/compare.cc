#include "antrea/policy/compare.h"

#include <algorithm>
#include <array>
#include <map>
#include <unordered_map>

#include "conversation_space.h"

namespace antrea::policy {
namespace {

namespace cp = api::controlplane;
using FunctionId = TrafficFunctions::Id;
using Value = TrafficFunction::Value;

constexpr std::array kActions{cp::RuleAction::kAllow, cp::RuleAction::kDrop,
                              cp::RuleAction::kReject};
constexpr Value kSame = 9;  // was * 3 + becomes, where they differ

/// An address that reads well: of the blocks for documentation, if they are among them.
IpAddress example_of(const std::vector<IpRange>& outside) {
  for (const char* text : {"192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1"}) {
    const IpAddress ip = *IpAddress::parse(text);
    for (const IpRange& range : outside)
      if (range.first <= ip && ip <= range.last) return ip;
  }
  const IpRange& range = outside.front();
  return range.first.is_unspecified() && range.first < range.last ? range.first.plus(1)
                                                                  : range.first;
}

class Comparer {
 public:
  Comparer(const RuleBook& old_book, const RuleBook& new_book) : space_({&old_book, &new_book}) {}

  Comparison run(bool first_only) {
    Comparison result;
    result.only_old = space_.only_at(0);
    result.only_new = space_.only_at(1);
    result.left_out_names = space_.left_out_names();
    judge_sides();
    for (std::size_t how = 0; how < space_.circumstances().size(); ++how) {
      found_.clear();
      compare_pairs(how, first_only);
      for (const auto& [what, pairs] : found_) report(how, what, pairs, result.changes);
      if (first_only && !result.changes.empty()) break;
    }
    if (first_only && !result.changes.empty()) keep_one(result.changes);
    return result;
  }

 private:
  using Pairs = std::map<std::uint32_t, std::vector<std::uint32_t>>;  // from, to; classes
  struct What {
    Value transition;
    FunctionId region;
    auto operator<=>(const What&) const = default;
  };

  /// Every list of rules with every row of peers. By side and circumstance: [list * rows + row];
  /// as straight to the address where the list does not ask for the circumstance.
  void judge_sides() {
    const std::size_t rows = space_.rows();
    std::vector<ConversationSpace::Match> matches;
    for (std::size_t side = 0; side < 2; ++side) {
      const auto& lists = space_.lists(side);
      for (std::size_t how = 0; how < space_.circumstances().size(); ++how)
        verdicts_[side].emplace_back(lists.size() * rows);
      for (std::uint32_t row = 0; row < rows; ++row) {
        space_.choose_row(side, row);
        for (std::uint32_t list = 0; list < lists.size(); ++list)
          for (std::size_t how = 0; how < space_.circumstances().size(); ++how) {
            FunctionId& verdict = verdicts_[side][how][list * rows + row];
            if (how != 0 && (lists[list].minds.empty() || !lists[list].minds[how])) {
              verdict = verdicts_[side][0][list * rows + row];
              continue;
            }
            space_.matches(side, list, how, matches);
            verdict = space_.verdict(matches, lists[list].isolated);
          }
      }
    }
  }

  FunctionId verdict_of(std::size_t side, std::size_t how, cp::Direction direction,
                        const ConversationSpace::EndClass& target,
                        const ConversationSpace::EndClass& peer) const {
    const bool ingress = direction == cp::Direction::kIn;
    return verdicts_[side][how][target.lists[side][ingress ? 0 : 1] * space_.rows() + peer.row];
  }

  void compare_pairs(std::size_t how, bool first_only) {
    const auto& classes = space_.classes();
    for (std::uint32_t f = 0; f < classes.size(); ++f) {
      const auto& from = classes[f];
      const bool minds = how == 0 || asks_for(how, from, cp::Direction::kOut);
      if (!minds && !space_.circumstances()[how].node_port) continue;
      for (std::uint32_t t = 0; t < classes.size(); ++t) {
        const auto& to = classes[t];
        if (from.family != to.family || (from.pods.empty() && to.pods.empty())) continue;
        if (f == t && !has_two_pods(from)) continue;
        if (!minds && !asks_for(how, to, cp::Direction::kIn)) continue;
        std::array<FunctionId, 4> said{};
        for (std::size_t side = 0; side < 2; ++side) {
          said[side * 2] = verdict_of(side, how, cp::Direction::kOut, from, to);
          said[side * 2 + 1] = verdict_of(side, how, cp::Direction::kIn, to, from);
        }
        if (said[0] == said[2] && said[1] == said[3]) continue;
        const std::vector<What>& changes = changes_of(said, to.reached[how]);
        for (const What& what : changes) found_[what][f].push_back(t);
        if (first_only && !changes.empty()) return;
      }
    }
  }

  /// Whether a rule of the target's tells this circumstance from "straight to the address".
  bool asks_for(std::size_t how, const ConversationSpace::EndClass& target,
                cp::Direction direction) const {
    for (std::size_t side = 0; side < 2; ++side) {
      const auto list = target.lists[side][direction == cp::Direction::kIn ? 0 : 1];
      const auto& minds = space_.lists(side)[list].minds;
      if (!minds.empty() && minds[how]) return true;
    }
    return false;
  }

  static bool has_two_pods(const ConversationSpace::EndClass& ends) {
    return !ends.pods.empty() && ends.pods.front().pod != ends.pods.back().pod;
  }

  const std::vector<What>& changes_of(const std::array<FunctionId, 4>& said, FunctionId reached) {
    const std::vector<FunctionId> key{said[0], said[1], said[2], said[3], reached};
    const auto [at, added] = changes_.try_emplace(key);
    if (!added) return at->second;
    TrafficFunctions& functions = space_.functions();
    const auto both = [&](FunctionId egress, FunctionId ingress) {
      return TrafficFunction::combine(
          functions[egress], functions[ingress],
          [](Value out, Value in) { return out == ConversationSpace::kAllow ? in : out; });
    };
    TrafficFunction change =
        TrafficFunction::combine(both(said[0], said[1]), both(said[2], said[3]),
                                 [](Value a, Value b) { return a == b ? kSame : a * 3 + b; });
    change = TrafficFunction::combine(change, functions[reached], [](Value what, Value reaches) {
      return reaches != 0 ? what : kSame;
    });
    for (const Value value : change.values())
      if (value != kSame)
        at->second.push_back({value, functions.intern(change.map([&](Value v) {
                                return v == value ? Value{1} : Value{0};
                              }))});
    return at->second;
  }

  EndSet ends_of(const std::vector<std::uint32_t>& classes, bool outside) const {
    EndSet ends;
    std::vector<IpRange> ranges;
    for (const std::uint32_t number : classes) {
      const auto& end = space_.classes()[number];
      if (end.pods.empty() != outside) continue;
      ends.pods.insert(ends.pods.end(), end.pods.begin(), end.pods.end());
      ranges.insert(ranges.end(), end.outside.begin(), end.outside.end());
    }
    std::ranges::sort(ends.pods);
    if (ranges.empty()) return ends;
    std::ranges::sort(ranges, {}, &IpRange::first);
    ends.example = example_of(ranges);
    // Gaps that are only Pods do not count.
    std::vector<IpRange> joined;
    for (const IpRange& range : ranges) {
      if (!joined.empty() && only_pods_between(joined.back().last, range.first))
        joined.back().last = range.last;
      else
        joined.push_back(range);
    }
    ends.outside = prefixes_of(joined);
    return ends;
  }

  bool only_pods_between(const IpAddress& last, const IpAddress& next) const {
    if (last.family() != next.family()) return false;
    const auto& pods = space_.pod_addresses();
    IpAddress at = last.plus(1);
    for (auto pod = pods.lower_bound(at); at != next && pod != pods.end() && *pod == at; ++pod)
      at = at.plus(1);
    return at == next;
  }

  /// Classes with the classes that all of them are paired with.
  using Products = std::map<std::vector<std::uint32_t>, std::vector<std::uint32_t>>;

  /// Pairs as few products of sets: those that have the same partners go together, seen from
  /// whichever end gives fewer. That a Pod is paired with itself means nothing, so both ways are
  /// tried. All of a product is of one family, since each end has met the other.
  void report(std::size_t how, const What& what, const Pairs& pairs,
              std::vector<ChangedConversations>& out) const {
    std::map<std::uint32_t, std::vector<std::uint32_t>> sources;
    for (const auto& [from, tos] : pairs)
      for (const std::uint32_t to : tos) sources[to].push_back(from);
    Products best;
    bool best_is_flipped = false, first = true;
    for (const bool with_itself : {false, true})
      for (const bool flip : {false, true}) {
        Products products = gather(flip ? sources : pairs, flip ? pairs : sources, with_itself);
        if (!first && products.size() >= best.size()) continue;
        first = false;
        best = std::move(products);
        best_is_flipped = flip;
      }
    for (const auto& [partners, ends] : best) {
      const auto& from = best_is_flipped ? partners : ends;
      const auto& to = best_is_flipped ? ends : partners;
      for (const bool from_outside : {false, true})
        for (const bool to_outside : {false, true})
          if (!from_outside || !to_outside)
            add(how, what, ends_of(from, from_outside), ends_of(to, to_outside), out);
    }
  }

  Products gather(const Pairs& pairs, const Pairs& reverse, bool with_itself) const {
    Products products;
    for (const auto& [end, partners] : pairs) {
      const auto& ends = space_.classes()[end];
      if (!with_itself || ends.pods.empty() || has_two_pods(ends) || !reverse.contains(end)) {
        products[partners].push_back(end);
        continue;
      }
      std::vector<std::uint32_t> more = partners;
      more.insert(std::ranges::lower_bound(more, end), end);
      products[std::move(more)].push_back(end);
    }
    return products;
  }

  void add(std::size_t how, const What& what, EndSet from, EndSet to,
           std::vector<ChangedConversations>& out) const {
    if ((from.pods.empty() && from.outside.empty()) || (to.pods.empty() && to.outside.empty()))
      return;
    if (!from.pods.empty() && !to.pods.empty() && from.pods.front().pod == to.pods.back().pod &&
        from.pods.back().pod == to.pods.front().pod)
      return;  // only one Pod, with itself
    const auto& circumstance = space_.circumstances()[how];
    out.push_back({std::move(from), std::move(to), space_.functions()[what.region].where(1),
                   circumstance.service, circumstance.node_port, circumstance.names,
                   kActions[what.transition / 3], kActions[what.transition % 3]});
  }

  static void keep_one(std::vector<ChangedConversations>& changes) {
    changes.resize(1);
    ChangedConversations& only = changes.front();
    const Conversation c = only.example();
    const auto one = [](const ConversationEnd& end) {
      return end.pod ? EndSet{{{*end.pod, end.ip}}, {}, {}}
                     : EndSet{{}, {IpPrefix::host(end.ip)}, end.ip};
    };
    only.from = one(c.from);
    only.to = one(c.to);
    TrafficRange& box = only.traffic.front();
    if (box.protocol) {
      const bool icmp = box.protocol == cp::ServiceProtocol::kIcmp;
      box.first_port = box.last_port = icmp ? c.icmp_type : c.port;
      box.first_source_port = box.last_source_port = icmp ? c.icmp_code : c.source_port;
    }
    only.traffic.resize(1);
  }

  ConversationSpace space_;
  std::array<std::vector<std::vector<FunctionId>>, 2> verdicts_;
  std::unordered_map<std::vector<FunctionId>, std::vector<What>, NumbersHash> changes_;
  std::map<What, Pairs> found_;
};

/// A port that reads well.
std::uint16_t example_of(std::uint16_t first, std::uint16_t last, std::uint16_t wish) {
  return first <= wish && wish <= last ? wish : first == 0 && last > 0 ? 1 : first;
}

}  // namespace

Conversation ChangedConversations::example() const {
  Conversation c;
  c.service = service;
  c.by_node_port = by_node_port;
  const auto end_of = [](const EndSet& ends) {
    if (!ends.pods.empty()) return ConversationEnd{ends.pods.front().pod, ends.pods.front().ip};
    return ConversationEnd{std::nullopt, ends.example};
  };
  c.from = end_of(from);
  c.to = end_of(to);
  for (const PodAddress& source : from.pods) {
    if (to.pods.empty()) break;
    const auto other =
        std::ranges::find_if(to.pods, [&](const PodAddress& end) { return end.pod != source.pod; });
    if (other == to.pods.end()) continue;
    c.from = {source.pod, source.ip};
    c.to = {other->pod, other->ip};
    break;
  }
  const TrafficRange& box = traffic.front();
  c.protocol = box.protocol.value_or(cp::ServiceProtocol{47});  // GRE
  if (c.protocol == cp::ServiceProtocol::kIcmp) {
    c.icmp_type = static_cast<std::uint8_t>(example_of(box.first_port, box.last_port, 8));
    c.icmp_code = static_cast<std::uint8_t>(box.first_source_port == 0 ? 0 : box.first_source_port);
  } else if (box.protocol) {
    c.port = example_of(box.first_port, box.last_port, 80);
    c.source_port = example_of(box.first_source_port, box.last_source_port, 40000);
  }
  return c;
}

Comparison compare(std::span<const ObjectChange> old_objects,
                   std::span<const ObjectChange> new_objects) {
  const RuleBook old_book(old_objects), new_book(new_objects);
  return Comparer(old_book, new_book).run(false);
}

Comparison find_difference(std::span<const ObjectChange> old_objects,
                           std::span<const ObjectChange> new_objects) {
  const RuleBook old_book(old_objects), new_book(new_objects);
  return Comparer(old_book, new_book).run(true);
}

}  // namespace antrea::policy
