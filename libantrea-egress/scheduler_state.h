#pragma once

#include <tuple>
#include <unordered_map>
#include <utility>

#include "antrea/egress/consistent_hash.h"
#include "antrea/egress/scheduler.h"

namespace antrea::egress {

/// A Node as its object describes it.
struct NodeState {
  api::Labels labels;
  std::uint32_t limit = 0;
  bool drain = false;
  bool linux = true;
};

struct PoolState {
  api::LabelSelector selector;
  std::set<std::string> nodes;  // that the selector matches, Linux only
  std::set<std::string> alive;  // of those
  ConsistentHash ring;          // of those that are alive
};

/// Who the members are, and how they came.
struct Member {
  bool alive = false;
  bool says_returning = false;
  std::optional<TimePoint> returned;  // as seen from here
};

/// A Node that is alive, as the placing of addresses sees it.
struct Candidate {
  std::uint32_t limit = 0;
  std::uint32_t owned = 0;  // addresses placed so far
  int misgiving = 0;        // 0: none; 1: just returned; 2: to be drained
};

/// What is read of an Egress, or of a Service's claim.
struct EgressState {
  std::string created;  // RFC 3339, in UTC
  std::vector<api::crd::EgressAddress> addresses;
  bool limited = true;                                 // counts for the Nodes' limits
  std::map<IpAddress, std::set<std::string>> only_at;  // Nodes that may have it; absent: any
  friend bool operator==(const EgressState&, const EgressState&) = default;
};

/// One address of one Egress that is to be placed.
struct Request {
  std::string created;
  const EgressIp* key;    // in the map of placements
  Placement* placement;   // there
  std::size_t index = 0;  // in the Egress
  std::string pool;
  std::string text;               // of the address
  bool limited = true;
  const std::set<std::string>* only_at = nullptr;  // in the map of Egresses; null: anywhere
  const Placement* as = nullptr;  // of the request before this one for the same address

  /// Of placing.
  auto order() const { return std::tie(created, key->egress, index); }
};

class Scheduler::State {
 public:
  explicit State(SchedulerConfig config) : config_(config) {}

  std::vector<PlacementChange> apply(const SchedulerInput& input, TimePoint now);
  void note_return(std::string_view node, TimePoint now);
  bool is_returning(std::string_view node) const;
  std::optional<TimePoint> next_deadline() const;
  std::set<std::string> alive_members() const;
  const std::map<EgressIp, Placement>& placements() const { return placements_; }

 private:
  // Input (scheduler_input.cc).
  bool take_nodes(const SchedulerInput& input);
  bool take_pools(const SchedulerInput& input);
  void take_egresses(const SchedulerInput& input, std::vector<PlacementChange>& changes);
  /// The names of those of which something is new.
  std::set<std::string, std::less<>> take_states(const SchedulerInput& input);
  bool take_alive(const std::set<std::string>& alive, TimePoint now);
  void take_returning(const std::set<std::string>& returning);
  void select_nodes();  // of pools
  void fill_rings();    // with those that are alive
  void append_requests(const std::string& name, const EgressState& egress);

  // Placing (scheduler.cc).
  void judge_candidates();
  void place_all(std::vector<PlacementChange>& changes);
  Placement place(const Request& request);
  bool has_majority(const PoolState& pool) const;
  Candidate* choose(const PoolState& pool, const Request& request, std::string_view without,
                    std::string& name);

  SchedulerConfig config_;
  TimePoint now_{};
  std::map<std::string, EgressState, std::less<>> egresses_;
  std::map<std::string, PoolState, std::less<>> pools_;
  std::map<std::string, NodeState, std::less<>> nodes_;
  std::map<std::string, Member, std::less<>> members_;
  std::set<std::string> cluster_;  // all Linux Nodes
  std::set<std::string> alive_;    // of those

  std::map<EgressIp, Placement> placements_;
  std::vector<Request> requests_;  // in the order of placing
  std::unordered_map<std::string, Candidate> candidates_;
  // Who owns the addresses of the Egress that is being placed, by their family.
  std::vector<std::pair<Family, const Candidate*>> siblings_;
};

}  // namespace antrea::egress
