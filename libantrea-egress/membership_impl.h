#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>

#include "antrea/egress/membership.h"
#include "broadcast_queue.h"
#include "random.h"
#include "suspicion.h"
#include "view_digest.h"

namespace antrea::egress {

struct Membership::Impl {
  Impl(MembershipOptions o, std::uint64_t seed) : options(std::move(o)), random(seed) {}

  struct Record : Member {
    std::optional<Suspicion> suspicion;
    std::uint64_t share = 0;  ///< of the digest
  };
  /// The probe under way. One at a time: it may last a whole interval.
  struct Probe {
    std::string name;
    std::uint32_t sequence = 0;
    TimePoint indirect_at;  ///< when others are asked; max() once they were
    TimePoint deadline;
    unsigned nacks_expected = 0, nacks = 0;
    std::uint32_t stream = 0;  ///< the ping over TCP, 0 for none
    bool reached_by_stream = false;
  };
  /// An indirect ping that we make for somebody else.
  struct Relay {
    std::uint32_t sequence = 0;  ///< ours
    std::uint32_t asked_sequence = 0;
    GossipEndpoint asker;
    TimePoint nack_at;  ///< max() when no nack is wanted, or it was sent
    TimePoint forget_at;
  };
  enum class StreamKind : std::uint8_t { kJoin, kPushPull, kPing };

  MembershipOptions options;
  Random random;
  MembershipOutput out;
  std::unordered_map<std::string, std::unique_ptr<Record>> records;
  std::vector<Record*> order;                              ///< whom to probe, one after the other
  std::set<std::pair<TimePoint, std::string>> suspicions;  ///< deadlines
  std::map<std::string, std::pair<GossipEndpoint, TimePoint>> lost;  ///< failed, and since when
  std::string tried;                                                 ///< the last of those
  BroadcastQueue broadcasts;
  ViewDigest digest;
  std::unordered_map<std::uint32_t, StreamKind> streams;

  std::uint32_t next_sequence = 0;
  std::uint32_t next_stream = 0;
  std::uint32_t incarnation = 0;
  unsigned health = 0;
  std::size_t probe_index = 0;
  TimePoint next_probe, next_gossip, last_gossip, next_push_pull, next_reconnect;
  TimePoint next_comparison{};
  std::optional<Probe> probe;
  std::vector<Relay> relays;
  bool leaving = false, left = false;
  std::uint64_t malformed = 0;

  // Members (membership_members.cc).
  Record& self() { return *records.at(options.name); }
  Record* find(const std::string& name);
  void on_alive(const gossip::Alive& message, bool bootstrap, TimePoint now);
  void on_suspect(const gossip::Suspect& message, TimePoint now);
  void on_dead(const gossip::Dead& message, TimePoint now);
  void fire_suspicions(TimePoint now);
  void refute(std::uint32_t accused, TimePoint now);
  void stop_suspecting(Record& record);
  void emit(MemberEvent::Kind kind, const Record& record);
  void tell_of_death(const Record& record, const std::string& whom);
  void recount(Record& record, TimePoint now);
  void forget_the_dead(TimePoint now);
  void adjust_health(int by);

  // Probing (membership_probe.cc).
  void start_probe(TimePoint now);
  void ask_others(TimePoint now);
  void finish_probe(bool reached, TimePoint now);
  void tick_probe(TimePoint now);
  void tick_relays(TimePoint now);
  void on_ping(const GossipEndpoint& from, const gossip::Ping& message, TimePoint now);
  void on_indirect_ping(const GossipEndpoint& from, const gossip::IndirectPing& message,
                        TimePoint now);
  void on_ack(const gossip::Ack& message, TimePoint now);
  void on_nack(const gossip::Nack& message);
  gossip::Ping ping_for(const std::string& node, std::uint32_t sequence) const;

  // Telling (membership_tell.cc).
  void broadcast(const std::string& about, Bytes message, TimePoint now);
  void send(const GossipEndpoint& to, Bytes message, bool crc = false);  ///< with what is queued
  void send_bare(const GossipEndpoint& to, std::span<const std::byte> packet, bool crc = false);
  void send_urgently(const Bytes& message, TimePoint now);
  void gossip(TimePoint now);
  std::uint32_t open_stream(StreamKind kind, const GossipEndpoint& to, Bytes message);
  void start_push_pull(TimePoint now);
  void compare(const Member& peer, std::span<const std::byte> payload, TimePoint now);
  void reconnect(TimePoint now);
  Bytes everything(bool join) const;
  Result<> merge(const gossip::PushPull& remote, TimePoint now);
  Result<> check_versions(const gossip::PushPull& remote) const;
  Duration push_pull_pause() const;
  unsigned transmit_limit() const {
    return retransmit_limit(options.retransmit_multiplier, order.size());
  }
  template <typename Filter>
  std::vector<Record*> choose(std::size_t count, Filter&& wanted) {
    std::vector<Record*> chosen;
    for (std::size_t i = 0; i < 3 * order.size() && chosen.size() < count; ++i) {
      auto* const record = order[random.below(order.size())];
      if (wanted(*record) && std::ranges::find(chosen, record) == chosen.end())
        chosen.push_back(record);
    }
    return chosen;
  }
};

/// Protocol versions from which a member understands these (memberlist config.go).
inline constexpr std::uint8_t kStreamPingVersion = 3, kNackVersion = 4, kCrcVersion = 5;

}  // namespace antrea::egress
