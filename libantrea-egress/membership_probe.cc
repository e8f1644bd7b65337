#include <algorithm>

#include "antrea/egress/member_meta.h"
#include "membership_impl.h"

// One member after the other is asked whether it is there; in doubt others ask for us (SWIM section
// 3; memberlist state.go).
namespace antrea::egress {

gossip::Ping Membership::Impl::ping_for(const std::string& node, std::uint32_t sequence) const {
  return {.sequence = sequence,
          .node = node,
          .source_address = options.advertise.address,
          .source_port = options.advertise.port,
          .source_node = options.name};
}

void Membership::Impl::start_probe(TimePoint now) {
  Record* target = nullptr;
  for (std::size_t tried = 0; target == nullptr && tried <= order.size(); ++tried) {
    if (probe_index >= order.size()) {
      probe_index = 0;
      forget_the_dead(now);
      random.shuffle(order);
      if (order.empty()) return;
    }
    auto* const next = order[probe_index++];
    if (next->name != options.name && next->counts()) target = next;
  }
  if (target == nullptr) return;

  const auto sequence = ++next_sequence;
  probe = Probe{.name = target->name,
                .sequence = sequence,
                .indirect_at = now + options.probe_timeout,
                .deadline = now + options.probe_interval * (health + 1)};
  auto ping = gossip::encode(ping_for(target->name, sequence));
  if (target->state == MemberState::kAlive) return send(target->endpoint, std::move(ping));
  // A suspect hears what it is suspected of, so that it can contradict.
  const std::array both{std::move(ping), gossip::encode(gossip::Suspect{
                                             target->incarnation, target->name, options.name})};
  send_bare(target->endpoint, gossip::encode_compound(both),
            target->versions.protocol_max >= kCrcVersion);
}

void Membership::Impl::ask_others(TimePoint now) {
  probe->indirect_at = TimePoint::max();
  const auto* const target = find(probe->name);
  if (target == nullptr || now >= probe->deadline) return;
  const auto helpers = choose(options.indirect_checks, [&](const Record& record) {
    return record.name != options.name && record.name != probe->name &&
           record.state == MemberState::kAlive;
  });
  for (const auto* const helper : helpers) {
    const bool nack = helper->versions.protocol_max >= kNackVersion;
    if (nack) ++probe->nacks_expected;
    send(helper->endpoint, gossip::encode(gossip::IndirectPing{
                               .sequence = probe->sequence,
                               .target = target->endpoint.address,
                               .port = target->endpoint.port,
                               .node = target->name,
                               .nack = nack,
                               .source_address = options.advertise.address,
                               .source_port = options.advertise.port,
                               .source_node = options.name,
                           }));
  }
  if (target->versions.protocol_max >= kStreamPingVersion) {
    probe->stream = open_stream(StreamKind::kPing, target->endpoint,
                                gossip::encode(ping_for(target->name, probe->sequence)));
    out.streams.back().timeout = probe->deadline - now;
  }
}

void Membership::Impl::finish_probe(bool reached, TimePoint now) {
  const auto done = *std::move(probe);
  probe.reset();
  if (reached) return adjust_health(-1);
  if (done.reached_by_stream) return;  // only UDP is in trouble
  // Helpers that cannot even say no show that the trouble is ours.
  adjust_health(
      done.nacks_expected > 0
          ? static_cast<int>(done.nacks_expected - std::min(done.nacks, done.nacks_expected))
          : 1);
  const auto* const target = find(done.name);
  if (target == nullptr) return;
  const auto speaks = [](const Record& record) { return MemberMeta::decode(record.meta).liveness; };
  if (speaks(*target) && speaks(*find(options.name))) return out.doubted.push_back(target->name);
  on_suspect({target->incarnation, target->name, options.name}, now);
}

void Membership::Impl::tick_probe(TimePoint now) {
  if (probe) {
    if (now >= probe->indirect_at) ask_others(now);
    if (now >= probe->deadline) finish_probe(false, now);
  }
  if (now < next_probe) return;
  next_probe += options.probe_interval;
  if (next_probe <= now)
    next_probe = now + options.probe_interval;  // after a pause, no catching up
  if (!probe) start_probe(now);
}

void Membership::Impl::tick_relays(TimePoint now) {
  std::erase_if(relays, [&](Relay& relay) {
    if (now >= relay.nack_at) {
      relay.nack_at = TimePoint::max();
      send(relay.asker, gossip::encode(gossip::Nack{relay.asked_sequence}));
    }
    return now >= relay.forget_at;
  });
}

void Membership::Impl::on_ping(const GossipEndpoint& from, const gossip::Ping& m, TimePoint now) {
  if (!m.node.empty() && m.node != options.name) return;
  const bool named = m.source_address && m.source_port != 0;
  const auto to = named ? GossipEndpoint{*m.source_address, m.source_port} : from;
  const auto* const asker = find(m.source_node);
  const bool ours = asker != nullptr && MemberMeta::decode(asker->meta).liveness;
  send(to, gossip::encode(gossip::Ack{m.sequence, ours ? digest.payload(now) : Bytes()}));
}

void Membership::Impl::on_indirect_ping(const GossipEndpoint& from, const gossip::IndirectPing& m,
                                        TimePoint now) {
  constexpr std::size_t kMostRelays = 1024;
  if (relays.size() >= kMostRelays) return;
  const bool named = m.source_address && m.source_port != 0;
  relays.push_back({.sequence = ++next_sequence,
                    .asked_sequence = m.sequence,
                    .asker = named ? GossipEndpoint{*m.source_address, m.source_port} : from,
                    .nack_at = m.nack ? now + options.probe_timeout : TimePoint::max(),
                    .forget_at = now + options.probe_interval});
  send({m.target, m.port}, gossip::encode(ping_for(m.node, next_sequence)));
}

void Membership::Impl::on_ack(const gossip::Ack& m, TimePoint now) {
  if (probe && m.sequence == probe->sequence) {
    if (const auto* const peer = find(probe->name)) compare(*peer, m.payload, now);
    return finish_probe(true, now);
  }
  const auto relay = std::ranges::find(relays, m.sequence, &Relay::sequence);
  if (relay == relays.end()) return;
  send(relay->asker, gossip::encode(gossip::Ack{.sequence = relay->asked_sequence}));
  relays.erase(relay);
}

void Membership::Impl::on_nack(const gossip::Nack& m) {
  if (probe && m.sequence == probe->sequence) ++probe->nacks;
}

}  // namespace antrea::egress
