#include <algorithm>
#include <cmath>

#include "membership_impl.h"

// How news travel: piggybacked on packets, by gossip, and by exchanging everything (memberlist
// net.go and state.go).
namespace antrea::egress {
namespace {

constexpr std::size_t kCompoundHead = 2, kCompoundPart = 2, kCrcHead = 5;
constexpr std::size_t kWorthCompressing = 100;  // bytes; less hardly ever gets shorter

}  // namespace

void Membership::Impl::broadcast(const std::string& about, Bytes message, TimePoint now) {
  broadcasts.add(about, std::move(message));
  // The original waits for the next beat. As every message is sent a limited number of times, hurry
  // costs nothing; a short pause lets messages share packets.
  next_gossip = std::min(next_gossip, std::max(now, last_gossip + options.gossip_interval / 10));
}

void Membership::Impl::send_bare(const GossipEndpoint& to, std::span<const std::byte> packet,
                                 bool crc) {
  Bytes bytes(packet.begin(), packet.end());
  if (options.compression && bytes.size() >= kWorthCompressing) bytes = gossip::compress(bytes);
  if (crc) bytes = gossip::add_crc(bytes);
  out.packets.push_back({to, std::move(bytes)});
}

void Membership::Impl::send(const GossipEndpoint& to, Bytes message, bool crc) {
  const auto used =
      message.size() + options.packet_overhead + kCompoundHead + kCompoundPart + kCrcHead;
  std::vector<Bytes> all;
  if (used < options.packet_size && !broadcasts.empty())
    all = broadcasts.take(kCompoundPart, options.packet_size - used, transmit_limit());
  if (all.empty()) return send_bare(to, message, crc);
  if (all.size() == 255) all.pop_back();  // a compound counts in one byte
  all.insert(all.begin(), std::move(message));
  send_bare(to, gossip::encode_compound(all), crc);
}

void Membership::Impl::gossip(TimePoint now) {
  last_gossip = now;
  next_gossip = now + options.gossip_interval;
  if (broadcasts.empty()) return;
  const auto room = options.packet_size - options.packet_overhead - kCompoundHead - kCrcHead;
  const auto tell = [&](const Record& target, const std::vector<Bytes>& messages) {
    if (messages.empty()) return;
    const bool crc = target.versions.protocol_max >= kCrcVersion;
    send_bare(target.endpoint,
              messages.size() == 1 ? messages[0] : gossip::encode_compound(messages), crc);
  };
  // One who died lately may contradict. The original counts that as told, though most likely nobody
  // hears it; so where many are gone, others would miss what they are to hear.
  for (const auto* const dead : choose(1, [&](const Record& record) {
         return record.state == MemberState::kDead &&
                now - record.since <= options.gossip_to_the_dead;
       }))
    tell(*dead, broadcasts.next(kCompoundPart, room));
  for (const auto* const target : choose(options.gossip_nodes, [&](const Record& record) {
         return record.name != options.name && record.counts();
       }))
    tell(*target, broadcasts.take(kCompoundPart, room, transmit_limit()));
}

void Membership::Impl::send_urgently(const Bytes& message, TimePoint) {
  const auto targets = choose(options.urgent_fanout, [&](const Record& record) {
    return record.name != options.name && record.counts();
  });
  for (const auto* const target : targets)
    send_bare(target->endpoint, message, target->versions.protocol_max >= kCrcVersion);
}

std::uint32_t Membership::Impl::open_stream(StreamKind kind, const GossipEndpoint& to,
                                            Bytes message) {
  const auto id = ++next_stream;
  streams.emplace(id, kind);
  out.streams.push_back({id, to, std::move(message), options.stream_timeout});
  return id;
}

Duration Membership::Impl::push_pull_pause() const {
  constexpr std::size_t kUnscaled = 32;
  const auto count = order.size();
  if (count <= kUnscaled) return options.push_pull_interval;
  const auto factor = std::ceil(std::log2(static_cast<double>(count)) - std::log2(kUnscaled)) + 1;
  return options.push_pull_interval * static_cast<int>(factor);
}

void Membership::Impl::start_push_pull(TimePoint now) {
  next_push_pull = now + push_pull_pause();
  const auto peers = choose(1, [&](const Record& record) {
    return record.name != options.name && record.state == MemberState::kAlive;
  });
  for (const auto* const peer : peers)
    open_stream(StreamKind::kPushPull, peer->endpoint, everything(false));
}

/// One of both has missed something, so they tell each other all they know.
void Membership::Impl::compare(const Member& peer, std::span<const std::byte> payload,
                               TimePoint now) {
  constexpr auto kPause = std::chrono::seconds(5);
  if (now < next_comparison || leaving || !digest.differs(payload, now)) return;
  next_comparison = now + kPause;
  open_stream(StreamKind::kPushPull, peer.endpoint, everything(false));
}

void Membership::Impl::reconnect(TimePoint now) {
  next_reconnect = now + options.reconnect_interval;
  std::erase_if(
      lost, [&](const auto& entry) { return now - entry.second.second > options.reconnect_for; });
  if (lost.empty()) return;
  // In turn, so that each is tried within a known time; not all members the same one.
  auto one = tried.empty()
                 ? std::next(lost.begin(), static_cast<std::ptrdiff_t>(random.below(lost.size())))
                 : lost.upper_bound(tried);
  if (one == lost.end()) one = lost.begin();
  tried = one->first;
  open_stream(StreamKind::kPushPull, one->second.first, everything(false));
}

Bytes Membership::Impl::everything(bool join) const {
  gossip::PushPull all{.join = join};
  all.nodes.reserve(order.size());
  for (const auto* const r : order)
    all.nodes.push_back({r->name, r->endpoint, r->meta, r->incarnation, r->state, r->versions});
  return gossip::encode(all);
}

Result<> Membership::Impl::check_versions(const gossip::PushPull& remote) const {
  struct Range {
    unsigned least = 0, most = 255;
    void narrow(unsigned from, unsigned to) {
      least = std::max(least, from), most = std::min(most, to);
    }
    bool holds(unsigned value) const { return least <= value && value <= most; }
  } protocol, delegate;
  const auto narrow = [&](MemberState state, const GossipVersions& v) {
    if (state != MemberState::kAlive || v == GossipVersions{}) return;
    protocol.narrow(v.protocol_min, v.protocol_max);
    delegate.narrow(v.delegate_min, v.delegate_max);
  };
  for (const auto& node : remote.nodes) narrow(node.state, node.versions);
  for (const auto* const record : order) narrow(record->state, record->versions);
  const auto check = [&](const std::string& name, const GossipVersions& v) -> Result<> {
    if (v == GossipVersions{} || (protocol.holds(v.protocol) && delegate.holds(v.delegate)))
      return {};
    const auto& range = protocol.holds(v.protocol) ? delegate : protocol;
    return make_error(Errc::kUnsupported,
                      "merge members: speaks version " +
                          std::to_string(&range == &protocol ? v.protocol : v.delegate) +
                          ", expected " + std::to_string(range.least) + " to " +
                          std::to_string(range.most) +
                          (&range == &protocol ? "" : " of the application"),
                      "member " + name);
  };
  for (const auto& node : remote.nodes) ANTREA_CHECK(check(node.name, node.versions));
  for (const auto* const record : order) ANTREA_CHECK(check(record->name, record->versions));
  return {};
}

Result<> Membership::Impl::merge(const gossip::PushPull& remote, TimePoint now) {
  ANTREA_CHECK(check_versions(remote));
  for (const auto& node : remote.nodes) {
    switch (node.state) {
      case MemberState::kAlive:
        on_alive({node.incarnation, node.name, node.endpoint, node.meta, node.versions}, false,
                 now);
        break;
      case MemberState::kLeft:
        on_dead({node.incarnation, node.name, node.name}, now);
        break;
      // Hearsay of a death is a suspicion only: the member can contradict.
      case MemberState::kSuspect:
      case MemberState::kDead:
        if (node.name == options.name && node.state == MemberState::kDead) {
          on_dead({node.incarnation, node.name, {}},
                  now);  // ourselves: that others act on it matters
          break;
        }
        on_suspect({node.incarnation, node.name, options.name}, now);
        break;
    }
  }
  return {};
}

}  // namespace antrea::egress
