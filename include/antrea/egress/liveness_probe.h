#pragma once

// The fast path beside gossip: members that speak it notice within a fraction of a second that one
// of them is gone. In the manner of BFD (RFC 5880): both sides of a session say hello at a steady
// pace, and each tells the other whether it hears it. No I/O, no clock.

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "antrea/base/clock.h"
#include "antrea/egress/gossip_message.h"

namespace antrea::egress {

struct LivenessOptions {
  std::string name;                                   ///< of this member
  Duration interval = std::chrono::milliseconds(50);  ///< between two hellos
  unsigned misses = 3;      ///< hellos that fail to come, at least, before a member is doubted
  unsigned neighbours = 6;  ///< sessions per member, however large the cluster; even
  /// How often a session may be doubted for mere bad luck: with the loss that was measured, so many
  /// hellos must fail to come that this is as improbable.
  double false_alarm = 1e-5;
  Duration longest_detection = std::chrono::seconds(2);  ///< whatever loss and jitter there are
};

struct LivenessOutput {
  struct Packet {
    GossipEndpoint to;
    Bytes body;  ///< of a user message
  };
  std::vector<Packet> packets;
  /// Not reachable, as a second member says, too: for `Membership::declare_failed`.
  std::vector<std::string> failed;
  /// Looked for in vain: for `Membership::suspect`.
  std::vector<std::string> not_found;
  /// This member hears nobody, or was stopped for so long that others may have acted: true. Heard
  /// again by somebody: false. Empty: no change.
  std::optional<bool> cut_off;
};

/// Watches a few members and is watched by them.
///
/// Who watches whom follows from the names of those alive: everybody sorts them by hash and takes
/// half of its neighbours before and half after itself in that circle; so the load of a member does
/// not grow with the cluster. Messages are user messages of the gossip protocol, on its port,
/// behind its encryption; members that do not speak it are never sent any.
///
/// A session is doubted when nothing came for `misses` intervals, more where loss or jitter were
/// measured, or when the other side says that it does not hear us. Then up to three others are
/// asked; each looks for itself. One that hears the doubted member acquits it: a bad link fails
/// nobody. One that does not, confirms; most of those that can be heard must. With nobody to ask
/// (two members) it is left to gossip. What did not come while this member itself was late, as its
/// own timer shows, does not count.
class ANTREA_API LivenessProbe {
 public:
  LivenessProbe(LivenessOptions options, std::uint64_t seed);
  ~LivenessProbe();
  LivenessProbe(LivenessProbe&&) noexcept;
  LivenessProbe& operator=(LivenessProbe&&) noexcept;

  void start(TimePoint now);
  /// A member that speaks this (`MemberMeta::liveness`) is there, or has moved.
  void member_alive(const std::string& name, const GossipEndpoint& endpoint, TimePoint now);
  void member_gone(const std::string& name, TimePoint now);
  /// Somebody else doubts a member: asks it for so long that loss as it was measured cannot be why
  /// it does not answer, and says so if it does not.
  void look_for(const std::string& name, TimePoint now);

  /// The body of a user message. False: it is none of ours.
  bool received(std::span<const std::byte> body, TimePoint now);
  void tick(TimePoint now);
  TimePoint next_deadline() const;

  LivenessOutput take();

  struct Session {
    std::string peer;
    bool up = false;
    double loss = 0;       ///< 0 to 1, of the hellos that should have come
    Duration jitter{};     ///< how late they come at times
    Duration detection{};  ///< silence after which the peer is doubted
  };
  /// In order of names.
  std::vector<Session> sessions() const;
  bool cut_off() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace antrea::egress
