#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "libantrea-egress/random.h"
#include "tests/egress/modelled_objects.h"
#include "tests/egress/shared_placements.h"

namespace antrea::egress {

/// A large cluster in virtual time whose gossip is not run but modelled: what happens to a member
/// is found out after a while, and then told to each of the others, who hear it at random times and
/// in any order, some of them late. What follows for the addresses, the Scheduler decides, in
/// each view that some member has.
///
/// Of gossip this takes for granted what FailoverCluster, which runs it, shows: that all who can
/// be reached hear of everything in the end, that whoever was taken for dead learns it and says
/// that it returns, and that of two sides that meet the one without a majority does.
class ModelledCluster {
 public:
  using Members = boost::dynamic_bitset<>;

  /// Every `rare`th fault is one that concerns many at once.
  ModelledCluster(std::uint64_t seed, std::size_t nodes, std::size_t addresses, unsigned rare);

  void run_for(Duration time);
  /// One random fault, the end of one, or a change of the objects.
  void disturb();
  void heal();
  /// Until nothing is under way any more; how long that took.
  Duration settle();

  /// What is not as it should be now that all is settled, and empty if all is well: the sides agree
  /// each in itself, and whoever may own an address does; as often as this is asked, no
  /// address has moved since the last time of which both owners were there both times.
  std::string wrong_when_settled();
  /// Whether a Scheduler that is told everything at once places all as the one that was led here.
  bool same_when_built_anew();
  /// The first time that two members served an address though both had heard all there was to hear.
  const std::string& wrong_on_the_way() const { return wrong_; }

  struct Counts {
    std::size_t views = 0, moved = 0, overlaps = 0;
    Duration longest_overlap{};  ///< of two owners both of which heard all in time
  };
  const Counts& counts() const { return counts_; }

 private:
  static constexpr auto kTick = std::chrono::milliseconds(10);
  static constexpr auto kNobody = SharedPlacements::kNobody;
  using Tick = std::uint64_t;
  /// As a Node does it: what a living Node had is taken only when that one knows, too.
  static constexpr Tick kTakeover = 10;
  static constexpr Tick kInTime = 9;  // hear most of what is told
  static constexpr Tick kReturn = 1000;
  static constexpr std::size_t kMany = 4;  // at once; are told of, and hear, as one
  static constexpr Tick kHorizon = 2048;   // more than anything takes
  static constexpr unsigned kSides = 3;

  /// A view that some member has, and what follows.
  struct Known {
    View view;
    std::vector<std::uint32_t> owners;  // by address
    bool majority = false;              // of the cluster
    std::size_t held_by = 0;            // members
  };
  struct Moved {
    std::uint32_t address, from, to;
  };
  struct Node {
    Known* known = nullptr;  // none while crashed
    bool runs = true;
    unsigned side = 0, told_side = 0;  // of a partition: in truth, and as has been found out
    bool came_back = false;            // started, went on or was accused, which is to be told
    bool accused = false;              // told to be dead, which it does not know yet
    std::uint32_t life = 0, unheard = 0;
    Tick returns_until = 0;
    Tick late_until = 0;  // hears something that others hear in time
  };
  struct Holder {
    std::uint32_t who;
    Tick from;
  };
  /// Of two members that serve one address.
  struct Overlap {
    Tick since = 0;
    bool late = false;  // one of them hears late
  };
  struct Due {
    enum class What : std::uint8_t { kHears, kSeesObjects, kIsNoticed, kHasReturned } what{};
    std::uint32_t who = 0, life = 0;
    std::size_t number = 0;  // of the news, or of changes of objects
  };

  // What happens (modelled_faults.cc).
  void crash(const Members& who);
  void start(const Members& who);
  void find_out(const Members& who, Tick least, Tick most);
  void move_to_side(const Members& who, unsigned side);
  void accuse(std::size_t who);
  void disturb_many();
  void disturb_objects();
  std::size_t pick(const Members& of);
  Members those(bool (*which)(const Node&)) const;

  // Who hears of it, and when.
  void schedule(Tick in, Due due);
  std::size_t add_news(Members about);
  void notice(const Members& who);
  bool must_return(std::size_t who) const;
  void end_return(const Members& who);
  void publish(const Members& about, const Members& sides);
  void publish_objects();
  void tell(std::size_t who, std::size_t news, bool slowly);
  void hear(std::size_t who, const Members& about);
  void hear_everything(std::size_t who);
  void do_due(const Due& due);
  void step();

  // What follows from it.
  Known* known(const View& view);
  void take_view(std::size_t who, const View& view);
  void take(std::size_t who, Known* next);
  const std::vector<Moved>& difference(Known* from, Known* to);
  void release(std::size_t who, std::uint32_t address);
  void hold(std::size_t who, std::uint32_t address, Tick from);
  void watch_overlaps();
  bool lags(const Node& node) const;

  // Who should have what (modelled_check.cc).
  struct Settled {
    std::vector<std::uint32_t> owners;  // by address
    std::vector<int> pools;             // that they are in
    std::vector<Members> entitled;      // by pool: of the side that has its majority
  };
  std::string look(Settled& now) const;
  std::string disagreement() const;

  Random random_;
  unsigned rare_;
  ModelledObjects objects_;
  Members everybody_, even_;
  SharedPlacements majority_, minority_;  // each stays near the views that it is asked for
  Tick now_ = 0;
  std::vector<Node> nodes_;
  Members present_, returning_;   // as is told of them
  std::vector<Members> on_side_;  // as has been found out
  std::vector<std::vector<Due>> calendar_;
  std::size_t due_ = 0;
  std::deque<std::pair<Tick, Members>> news_;
  std::size_t forgotten_news_ = 0;

  struct HashView {
    std::size_t operator()(const View& view) const;
  };
  std::unordered_map<View, std::unique_ptr<Known>, HashView> views_;
  std::map<std::pair<const Known*, const Known*>, std::vector<Moved>> differences_;  // this tick
  std::vector<std::vector<Holder>> holders_;                                         // by address
  std::map<std::uint32_t, Overlap> contested_;                                       // addresses
  std::string wrong_;
  Settled settled_;
  Counts counts_;
};

}  // namespace antrea::egress
