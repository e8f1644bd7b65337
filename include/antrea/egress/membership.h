#pragma once

// Who is there: the SWIM protocol with Lifeguard's refinements, as hashicorp memberlist v0.6.0 runs
// it, so that its members and ours form one cluster. No I/O, no clock.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "antrea/base/clock.h"
#include "antrea/egress/gossip_message.h"

namespace antrea::egress {

/// The defaults are memberlist's "local" profile, which Antrea uses (memberlist config.go).
struct MembershipOptions {
  std::string name;          ///< of this member, unique in the cluster
  GossipEndpoint advertise;  ///< where others reach it
  Bytes meta = {};           ///< told to all others, at most 512 bytes
  GossipVersions versions{1, 5, 2, 0, 0, 0};

  Duration probe_interval = std::chrono::seconds(1);
  Duration probe_timeout = std::chrono::milliseconds(200);
  unsigned indirect_checks = 1;
  unsigned suspicion_multiplier = 3;
  unsigned suspicion_max_multiplier = 6;
  unsigned awareness_max = 8;
  Duration gossip_interval = std::chrono::milliseconds(100);
  unsigned gossip_nodes = 3;
  unsigned retransmit_multiplier = 2;
  Duration gossip_to_the_dead = std::chrono::seconds(15);
  Duration push_pull_interval = std::chrono::seconds(15);
  Duration stream_timeout = std::chrono::seconds(1);
  /// A dead member may come back with another address after this.
  Duration dead_reclaim = std::chrono::milliseconds(10);
  std::size_t packet_size = 1400;   ///< bytes of a UDP packet at most
  std::size_t packet_overhead = 0;  ///< of which label and encryption take so many
  bool compression = true;
  /// Members that failed are tried again, one of them each time and all in turn, for so long; zero:
  /// never. Without it, as with memberlist, the parts of a cluster that lost sight of each other
  /// stay apart.
  Duration reconnect_interval = std::chrono::seconds(5);
  Duration reconnect_for = std::chrono::hours(24);
  /// How many members hear at once, without waiting for gossip, that one left, failed, or says
  /// something else of itself.
  unsigned urgent_fanout = 32;

  /// memberlist's "LAN" profile, which serf and Alertmanager use.
  ANTREA_API static MembershipOptions lan();
};

struct Member {
  std::string name;
  GossipEndpoint endpoint;
  Bytes meta;
  GossipVersions versions;
  std::uint32_t incarnation = 0;
  MemberState state = MemberState::kAlive;
  TimePoint since{};  ///< of the state

  /// Suspects count: nothing is decided about them yet.
  bool counts() const { return state == MemberState::kAlive || state == MemberState::kSuspect; }
  friend bool operator==(const Member&, const Member&) = default;
};

struct MemberEvent {
  enum class Kind : std::uint8_t {
    kJoined,    ///< new, or back
    kUpdated,   ///< other metadata or address
    kFailed,    ///< declared dead
    kLeft,      ///< said good-bye
    kOutvoted,  ///< others have declared this very member dead; it contradicts, but they may have
                ///< acted
  };
  Kind kind{};
  Member member;
  friend bool operator==(const MemberEvent&, const MemberEvent&) = default;
};
/// "joined", "updated", "failed", "left" or "outvoted".
ANTREA_API std::string_view to_string(MemberEvent::Kind kind);

struct GossipPacket {
  GossipEndpoint to;
  Bytes bytes;  ///< without label and encryption
};
/// A connection to open, a message to write; the answer goes to `stream_done`.
struct StreamRequest {
  std::uint32_t id = 0;
  GossipEndpoint to;
  Bytes message;  ///< without label, compression and encryption
  Duration timeout{};
};
struct UserMessage {
  GossipEndpoint from;
  Bytes body;
};

/// What the shell has to do after a call.
struct MembershipOutput {
  std::vector<GossipPacket> packets;
  std::vector<StreamRequest> streams;
  std::vector<MemberEvent> events;  ///< in the order in which they came about
  std::vector<UserMessage> user;    ///< for whoever is above
  /// Did not answer a probe, and speak the fast path as this member does: for
  /// `LivenessProbe::look_for`, which loss misleads less, before anybody suspects them.
  std::vector<std::string> doubted;
};

/// One member's view of the cluster.
///
/// Calls add to the output, which `take` hands over. Same options, seed and sequence of calls: same
/// output. Time never runs backwards. Whatever arrives is taken: what cannot be read is dropped and
/// counted.
class ANTREA_API Membership {
 public:
  Membership(MembershipOptions options, std::uint64_t seed);
  ~Membership();
  Membership(Membership&&) noexcept;
  Membership& operator=(Membership&&) noexcept;

  /// Begins. Before it nothing else may be called.
  void start(TimePoint now);
  /// Exchanges everything with whoever listens at `seed`. Returns the id of the stream; the join
  /// has succeeded when `stream_done` with that id does.
  std::uint32_t join(const GossipEndpoint& seed, TimePoint now);
  /// Takes members known from before for alive, and tells nobody.
  void assume(std::span<const Member> known, TimePoint now);
  /// Says good-bye. `has_left` tells when it has been said often enough.
  void leave(TimePoint now);
  bool has_left() const;
  /// Other metadata for this member, told to all; up to `urgent_fanout` hear it at once.
  void set_meta(Bytes meta, TimePoint now);
  /// Tells all once more what this member is: what it told lately may not have arrived.
  void tell_again(TimePoint now);
  /// Label and encryption of packets take so many bytes from now on.
  void set_packet_overhead(std::size_t size);

  /// A packet without label and encryption.
  void received(const GossipEndpoint& from, std::span<const std::byte> packet, TimePoint now);
  /// A message of a stream that somebody else opened, without label, compression and encryption.
  /// What to answer, if anything.
  std::optional<Bytes> stream_received(const GossipEndpoint& from,
                                       std::span<const std::byte> message, TimePoint now);
  /// What came of a `StreamRequest`. Error: that of `answer`, or why the answer was not taken.
  Result<> stream_done(std::uint32_t id, const Result<Bytes>& answer, TimePoint now);
  /// To be called at `next_deadline`, or later.
  void tick(TimePoint now);
  TimePoint next_deadline() const;

  /// `name`, which was doubted, was looked for in vain.
  void suspect(const std::string& name, TimePoint now);
  /// What others found out by other means: `name` is not reachable. Counts at once, for all. A
  /// member that is there all the same contradicts, and is back.
  void declare_failed(const std::string& name, TimePoint now);
  /// A message for the application on another member. At most `packet_size` less overhead and 3.
  void send_user(const GossipEndpoint& to, std::span<const std::byte> body);

  MembershipOutput take();

  /// This member too; in order of names. Dead and left ones until they are forgotten.
  std::vector<Member> members() const;
  const Member* find(const std::string& name) const;
  const MembershipOptions& options() const;
  /// 0: healthy. Higher, up to `awareness_max` - 1: probably we are the slow one (Lifeguard).
  unsigned awareness() const;
  /// Packets and stream messages that could not be read.
  std::uint64_t malformed() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace antrea::egress
