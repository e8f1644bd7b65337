#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <unordered_map>
#include <vector>

#include "rule_book.h"

namespace antrea::policy {

/// Addresses from `first` to `last`, both included, of one family.
struct IpRange {
  IpAddress first, last;
};
/// The fewest prefixes that cover the ranges, which are ascending and disjoint.
std::vector<IpPrefix> prefixes_of(std::span<const IpRange> ranges);

struct NumbersHash {
  std::size_t operator()(const std::vector<std::uint32_t>& numbers) const;
};
/// Numbers lists of numbers from 0 in the order in which they come.
class NumberLists {
 public:
  std::uint32_t intern(const std::vector<std::uint32_t>& list) {
    const auto [at, added] = ids_.try_emplace(list, static_cast<std::uint32_t>(lists_.size()));
    if (added) lists_.push_back(&at->first);
    return at->second;
  }
  const std::vector<std::uint32_t>& operator[](std::uint32_t id) const { return *lists_[id]; }
  std::size_t size() const { return lists_.size(); }

 private:
  std::unordered_map<std::vector<std::uint32_t>, std::uint32_t, NumbersHash> ids_;
  std::vector<const std::vector<std::uint32_t>*> lists_;
};

/// Parts the addresses of both families by the rules that have them as peers: addresses of one
/// *row* are peers of the same rules, at every side, with the same names of ports as far as the
/// rules ask for them. Exact: the boundaries are those of all blocks and members.
class PeerRows {
 public:
  /// Names of ports, by number; 0 has none.
  using PortsId = std::uint32_t;
  struct Peer {
    std::uint32_t rule;   // in the side's book
    std::uint32_t names;  // of `name_lists()`: PortsIds, for egress rules with named ports
  };

  explicit PeerRows(std::span<const RuleBook* const> sides);

  struct Segment {
    IpRange range;
    std::uint32_t row;
  };
  /// Ascending, without gaps.
  const std::vector<Segment>& segments() const { return segments_; }
  std::uint32_t row_of(const IpAddress& ip) const;
  std::size_t size() const { return rows_.size(); }
  const std::vector<Peer>& peers(std::size_t side, std::uint32_t row) const {
    return peers_[side][row];
  }
  NumberLists& name_lists() { return name_lists_; }
  PortsId ports_id(const RuleBook::Ports& ports);
  const RuleBook::Ports& ports(PortsId id) const { return *ports_[id]; }

 private:
  struct User {
    std::uint32_t side, rule;
    PortsId names;
  };
  struct Event {
    IpAddress at;
    std::uint32_t set;
    bool begins;
  };
  void take(std::size_t side, const RuleBook& book);
  void add_range(std::uint32_t set, const IpRange& range);
  void sweep(std::size_t sides);
  std::uint32_t make_row(const std::vector<std::uint32_t>& sets, std::size_t sides);

  std::map<RuleBook::Ports, PortsId> ports_ids_;
  std::vector<const RuleBook::Ports*> ports_;
  std::map<std::vector<IpPrefix>, std::uint32_t> block_sets_;
  std::vector<std::vector<User>> users_;  // by set
  std::vector<Event> events_;
  NumberLists name_lists_;
  NumberLists rows_;  // by what is in peers_, flat
  std::vector<std::vector<std::vector<Peer>>> peers_;
  std::vector<Segment> segments_;
};

}  // namespace antrea::policy
