#include <algorithm>

#include "membership_impl.h"

// What is believed about the members, and how it changes (memberlist state.go).
namespace antrea::egress {

using Kind = MemberEvent::Kind;

Membership::Impl::Record* Membership::Impl::find(const std::string& name) {
  const auto found = records.find(name);
  return found == records.end() ? nullptr : found->second.get();
}

void Membership::Impl::emit(Kind kind, const Record& record) {
  if (kind == Kind::kFailed) {
    lost[record.name] = {record.endpoint, record.since};
  } else {
    lost.erase(record.name);
  }
  out.events.push_back({kind, static_cast<const Member&>(record)});
}

void Membership::Impl::recount(Record& record, TimePoint now) {
  digest.count(record, record.share, now);
}

void Membership::Impl::adjust_health(int by) {
  const int most = static_cast<int>(options.awareness_max) - 1;
  health = static_cast<unsigned>(std::clamp(static_cast<int>(health) + by, 0, std::max(most, 0)));
}

void Membership::Impl::stop_suspecting(Record& record) {
  if (!record.suspicion) return;
  suspicions.erase({record.suspicion->deadline(), record.name});
  record.suspicion.reset();
}

void Membership::Impl::refute(std::uint32_t accused, TimePoint now) {
  incarnation = std::max(incarnation, accused) + 1;
  adjust_health(+1);
  auto& me = self();
  me.incarnation = incarnation;
  recount(me, now);
  broadcast(me.name,
            gossip::encode(gossip::Alive{incarnation, me.name, me.endpoint, me.meta, me.versions}),
            now);
}

void Membership::Impl::on_alive(const gossip::Alive& m, bool bootstrap, TimePoint now) {
  const bool is_self = m.node == options.name;
  if (leaving && is_self) return;
  const auto& v = m.versions;
  if (v != GossipVersions{} &&
      (v.protocol_min == 0 || v.protocol_max == 0 || v.protocol_min > v.protocol_max))
    return;
  auto* record = find(m.node);
  bool replaces = false;
  if (record == nullptr) {
    auto made = std::make_unique<Record>();
    record = made.get();
    record->name = m.node;
    record->endpoint = m.endpoint;
    record->meta = m.meta;
    record->versions = m.versions;
    record->state = MemberState::kDead;
    records.emplace(m.node, std::move(made));
    // A random place, so that not all members probe the newest first.
    order.push_back(record);
    std::swap(order.back(), order[random.below(order.size())]);
  } else {
    if (record->endpoint != m.endpoint) {
      const bool may_move =
          record->state == MemberState::kLeft ||
          (record->state == MemberState::kDead && now - record->since > options.dead_reclaim);
      if (!may_move) return;  // two members of one name: the first one stays
      replaces = true;
    }
    if (is_self ? m.incarnation < record->incarnation
                : m.incarnation <= record->incarnation && !replaces)
      return;
  }
  stop_suspecting(*record);
  if (!bootstrap && is_self) {
    // The same incarnation with other content is a leftover of an earlier life of ours.
    if (m.incarnation == record->incarnation && m.meta == record->meta &&
        m.versions == record->versions)
      return;
    return refute(m.incarnation, now);
  }
  const bool was_gone = !record->counts();
  const bool differs = record->meta != m.meta || record->endpoint != m.endpoint;
  record->incarnation = m.incarnation;
  record->meta = m.meta;
  record->endpoint = m.endpoint;
  if (v != GossipVersions{}) record->versions = v;
  if (record->state != MemberState::kAlive) {
    record->state = MemberState::kAlive;
    record->since = now;
  }
  recount(*record, now);
  broadcast(m.node, gossip::encode(m), now);
  if (was_gone) {
    emit(Kind::kJoined, *record);
  } else if (differs) {
    emit(Kind::kUpdated, *record);
  }
}

void Membership::Impl::on_suspect(const gossip::Suspect& m, TimePoint now) {
  auto* const record = find(m.node);
  if (record == nullptr) return;
  if (record->state == MemberState::kDead && m.incarnation <= record->incarnation)
    return tell_of_death(*record, m.from);
  if (m.incarnation < record->incarnation) return;
  if (record->suspicion) {
    const auto before = record->suspicion->deadline();
    if (!record->suspicion->confirm(m.from)) return;
    suspicions.erase({before, m.node});
    suspicions.emplace(record->suspicion->deadline(), m.node);
    return broadcast(m.node, gossip::encode(m), now);
  }
  if (record->state != MemberState::kAlive) return;
  if (m.node == options.name) return refute(m.incarnation, now);
  broadcast(m.node, gossip::encode(m), now);
  record->incarnation = m.incarnation;
  record->state = MemberState::kSuspect;
  record->since = now;
  recount(*record, now);
  record->suspicion.emplace(options, order.size(), m.from, now);
  suspicions.emplace(record->suspicion->deadline(), m.node);
}

void Membership::Impl::fire_suspicions(TimePoint now) {
  while (!suspicions.empty() && suspicions.begin()->first <= now) {
    const auto name = suspicions.begin()->second;
    on_dead({records.at(name)->incarnation, name, options.name}, now);
  }
}

void Membership::Impl::on_dead(const gossip::Dead& m, TimePoint now) {
  auto* const record = find(m.node);
  if (record == nullptr || m.incarnation < record->incarnation) return;
  stop_suspecting(*record);
  if (!record->counts()) return;
  if (m.node == options.name && !leaving) {
    refute(m.incarnation, now);
    return emit(Kind::kOutvoted, *record);
  }
  broadcast(m.node, gossip::encode(m), now);
  record->incarnation = m.incarnation;
  const bool good_bye = m.node == m.from;
  record->state = good_bye ? MemberState::kLeft : MemberState::kDead;
  record->since = now;
  recount(*record, now);
  emit(good_bye ? Kind::kLeft : Kind::kFailed, *record);
}

/// To one who missed it. As nobody else suspects the dead, nobody would confirm.
void Membership::Impl::tell_of_death(const Record& record, const std::string& whom) {
  const auto* const member = find(whom);
  if (member == nullptr || !member->counts() || whom == options.name) return;
  send_bare(member->endpoint,
            gossip::encode(gossip::Dead{record.incarnation, record.name, options.name}),
            member->versions.protocol_max >= kCrcVersion);
}

void Membership::Impl::forget_the_dead(TimePoint now) {
  std::erase_if(order, [&](Record* record) {
    if (record->counts() || now - record->since <= options.gossip_to_the_dead) return false;
    records.erase(std::string(record->name));
    return true;
  });
}

}  // namespace antrea::egress
