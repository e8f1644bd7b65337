#pragma once

#include <array>
#include <memory>
#include <optional>
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
  friend bool operator==(const NodeState&, const NodeState&) = default;
};

struct PoolState {
  api::LabelSelector selector;
  std::set<std::string> nodes;  // that the selector matches, Linux only
  ConsistentHash ring;          // of those that are alive
  Unowned verdict = Unowned::kNo;
  int least_misgiving = 0;          // of those in the ring: no walk finds a better one
  bool judged_anew = false;         // at the placing that is to come
  std::vector<std::uint32_t> come;  // replicas of Nodes that are new in the ring since the last one
};

/// Who the members are, and how they came.
struct Member {
  bool alive = false;
  bool says_returning = false;
  std::optional<TimePoint> returned;  // as seen from here
};

/// A Node that is alive, as the placing of addresses sees it.
struct Candidate {
  const NodeState* node = nullptr;
  const Member* member = nullptr;
  std::uint32_t owned = 0;  // addresses placed there that count
  int misgiving = 0;        // 0: none; 1: just returned; 2: to be drained
  bool changed = false;     // or gone, since the last placing

  bool is_tight() const { return owned >= node->limit && node->limit > 0; }
};

struct EgressState;

/// One address of one Egress that is to be placed.
struct Request {
  const EgressState* egress;
  const EgressIp* key;                             // in the map of placements
  Placement* placement;                            // there
  std::uint32_t index;                             // in the Egress
  std::uint32_t hash;                              // of the address, on rings
  const PoolState* pool = nullptr;                 // null: there is none of that name
  const std::set<std::string>* only_at = nullptr;  // in the Egress; null: anywhere
  Request* as = nullptr;                           // the request before this for the same address

  // What its placement was decided by: as long as none of it changes, it stands.
  static constexpr std::size_t kMostLookedAt = 6;
  std::array<const Candidate*, kMostLookedAt> looked_at{};
  std::uint8_t looked_at_count = 0;
  bool looked_at_all = false;  // or at more than there is room for
  std::uint32_t last = 0;      // the last replica that was looked at

  Candidate* owner = nullptr;
  bool counted = false;             // among those that `owner` owns
  bool due = true;                  // to be placed anew
  bool moved = false;               // by the placing that goes on
  bool added = true, gone = false;  // since the last placing

  /// Of placing.
  auto order() const;
};

/// What is read of an Egress, or of a Service's claim.
struct EgressState {
  std::string created;  // RFC 3339, in UTC
  std::vector<api::crd::EgressAddress> addresses;
  bool limited = true;                                 // counts for the Nodes' limits
  std::map<IpAddress, std::set<std::string>> only_at;  // Nodes that may have it; absent: any
  std::vector<std::unique_ptr<Request>> requests = {};

  bool says_the_same(const EgressState& other) const {
    return std::tie(created, addresses, limited, only_at) ==
           std::tie(other.created, other.addresses, other.limited, other.only_at);
  }
};

inline auto Request::order() const { return std::tie(egress->created, key->egress, index); }

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
  // Nodes, pools and members (scheduler_input.cc).
  bool take_nodes(const SchedulerInput& input);
  bool take_pools(const SchedulerInput& input);
  void take_alive(const std::set<std::string>& alive, TimePoint now);
  void take_returning(const std::set<std::string>& returning);
  void select_nodes();  // of pools
  void fill_rings();    // with those that are alive
  void change_rings(const std::vector<std::string>& gone, const std::vector<std::string>& come);
  bool is_returning(const Member& member) const;

  // Egresses (scheduler_requests.cc).
  void take_egresses(const SchedulerInput& input, std::vector<PlacementChange>& changes);
  using Retired = std::vector<std::unique_ptr<Request>>;
  void set(const std::string& name, EgressState state, Retired& retired,
           std::vector<PlacementChange>& changes);
  void remove(const std::string& name, Retired& retired, std::vector<PlacementChange>& changes);
  void retire_requests(EgressState& egress, Retired& retired);
  void make_requests(const std::string& name, EgressState& egress);
  void drop_placements(const std::string& name, const EgressState& egress,
                       std::vector<PlacementChange>& changes);
  void link(Request& request);
  void unlink(Request& request);

  // Placing (scheduler_placing.cc).
  void place_all(std::vector<PlacementChange>& changes);
  bool judge_candidates();
  bool judge_pools();
  Unowned judge(const PoolState& pool) const;
  int least_misgiving(const PoolState& pool) const;
  bool has_majority(const PoolState& pool) const;
  static bool is_due(const Request& request);
  void place_each(std::vector<PlacementChange>& changes);
  bool place_due(std::vector<PlacementChange>& changes);
  void place(Request& request);
  Candidate* choose(Request& request, std::string_view without, std::string& name);
  bool has_room(const Candidate& candidate) const;
  static void look_at(Request& request, const Candidate& candidate);

  SchedulerConfig config_;
  TimePoint now_{};
  std::map<std::string, EgressState, std::less<>> egresses_;
  std::map<std::string, PoolState, std::less<>> pools_;
  std::map<std::string, NodeState, std::less<>> nodes_;
  std::map<std::string, Member, std::less<>> members_;
  std::set<std::string, std::less<>> just_returned_;  // members that `returned` lately
  std::set<std::string> cluster_;                     // all Linux Nodes
  std::set<std::string> alive_;                       // of those

  std::map<EgressIp, Placement> placements_;
  std::vector<Request*> requests_;  // in the order of placing
  bool requests_changed_ = false;
  std::unordered_map<IpAddress, std::vector<Request*>> by_address_;  // each in order of placing
  using Candidates = std::unordered_map<std::string, Candidate>;
  Candidates candidates_;
  std::vector<Candidates::node_type> departed_;  // until the next placing
  // Who owns the addresses of the Egress that is being placed, by their family.
  std::vector<std::pair<Family, const Candidate*>> siblings_;
  bool all_due_ = true;   // nothing of the last placing counts
  bool tight_ = false;    // some Node has as many as it may: then each depends on all before it
  bool counting_ = true;  // as long as all are placed, one after the other
};

}  // namespace antrea::egress
