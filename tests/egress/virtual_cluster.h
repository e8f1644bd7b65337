#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "antrea/egress/liveness_probe.h"
#include "antrea/egress/member_meta.h"
#include "antrea/egress/membership.h"
#include "libantrea-egress/random.h"

// Members on a network that exists in virtual time only: a second of it takes as long as its
// messages take to handle. Same options, same run.
namespace antrea::egress {

struct VirtualNetwork {
  double loss = 0;  ///< of packets, 0 to 1; streams send theirs again, as TCP does
  Duration delay = std::chrono::microseconds(200);
  Duration jitter{};  ///< on top at each end's link, evenly distributed
};

class VirtualCluster {
 public:
  struct Load {
    std::uint64_t packets = 0, bytes = 0, streams = 0;
  };
  struct Node {
    std::string name;
    GossipEndpoint endpoint;
    std::optional<Membership> membership;  ///< none while crashed
    std::optional<LivenessProbe> liveness;
    bool paused = false;
    int side = 0;  ///< of a partition: only members of one side hear each other
    bool cut_off = false;
    Load sent;
    TimePoint wake = TimePoint::max();
    std::vector<std::pair<std::size_t, std::function<void()>>> held;  ///< arrived while paused
    std::uint64_t life = 0;
  };
  struct Seen {
    TimePoint at;
    std::size_t by;
    MemberEvent event;
  };

  /// `fast` tells which members speak the fast path.
  explicit VirtualCluster(std::uint64_t seed, VirtualNetwork network = {});

  std::size_t add(std::function<void(MembershipOptions&)> adjust = {}, bool fast = true);
  /// `count` members that all know each other from the start, as after a long time together.
  void add_acquainted(std::size_t count, bool fast = true);

  /// Members that all members know, but which know nobody: they answer pings, and each member is
  /// pinged by one of them per second, as by so many real ones. For clusters whose tables would not
  /// fit into one machine.
  void add_strangers(const std::vector<std::string>& names);

  void join(std::size_t who, std::size_t whom);
  void leave(std::size_t who);
  void crash(std::size_t who);
  void restart(std::size_t who);
  void pause(std::size_t who);
  /// Goes on: with what its socket kept, then its timers, or the other way round.
  void resume(std::size_t who, bool timers_first = false);
  void set_returning(std::size_t who, bool returning);
  /// Packets and streams from one to the other get lost.
  void cut(std::size_t from, std::size_t to) { cuts_.emplace(from, to); }
  void mend(std::size_t from, std::size_t to) { cuts_.erase({from, to}); }
  void mend_all() { cuts_.clear(); }

  void run_for(Duration time);
  /// False if it did not come true in time.
  bool run_until(const std::function<bool()>& condition, Duration limit);

  TimePoint now() const { return now_; }
  std::vector<Node>& nodes() { return nodes_; }
  /// Everything that members reported, in order; grows.
  const std::vector<Seen>& seen() const { return seen_; }
  void forget_seen() { seen_.clear(); }
  /// Called for each event as it comes.
  std::function<void(const Seen&)> on_seen;
  /// Whether `who` counts `whom` in.
  bool counts(std::size_t who, std::size_t whom) const;
  /// All that run, and are on one side, count each other in and nobody else.
  bool agreed() const;
  VirtualNetwork network;

 private:
  struct Event {
    TimePoint at;
    std::uint64_t order;
    std::size_t node;
    std::uint64_t life;
    std::function<void()> work;  ///< none: a timer
    bool operator>(const Event& other) const {
      return std::tie(at, order) > std::tie(other.at, other.order);
    }
  };

  void begin(std::size_t who);
  void drain(std::size_t who);
  void schedule(TimePoint at, std::size_t node, std::function<void()> work);
  void open_stream(std::size_t from, const StreamRequest& request);
  void wake(std::size_t who);
  void answer_as_stranger(std::size_t to, const GossipEndpoint& from, const Bytes& packet);
  void ping_from_stranger(std::size_t whom);
  bool connected(std::size_t from, std::size_t to) const;
  std::optional<std::size_t> at(const GossipEndpoint& endpoint) const;
  Duration transit();
  Duration transit_of_stream(Duration first_pause);
  double chance() { return static_cast<double>(random_.next() >> 11) * 0x1p-53; }
  bool step(TimePoint until);

  Random random_;
  TimePoint now_{std::chrono::hours(1)};
  std::uint64_t order_ = 0;
  std::vector<Node> nodes_;
  std::vector<std::pair<MembershipOptions, bool>> made_of_;
  std::map<GossipEndpoint, std::size_t> by_endpoint_;
  std::set<GossipEndpoint> strangers_;
  std::set<std::pair<std::size_t, std::size_t>> cuts_;
  std::vector<Event> events_;  // a heap, the next one first
  std::vector<Seen> seen_;
};

}  // namespace antrea::egress
