#include "antrea/egress/membership.h"

#include <algorithm>

#include "membership_impl.h"

namespace antrea::egress {

MembershipOptions MembershipOptions::lan() {
  using std::chrono::milliseconds, std::chrono::seconds;
  MembershipOptions o;
  o.probe_timeout = milliseconds(500);
  o.indirect_checks = 3;
  o.suspicion_multiplier = 4;
  o.gossip_interval = milliseconds(200);
  o.retransmit_multiplier = 4;
  o.gossip_to_the_dead = seconds(30);
  o.push_pull_interval = seconds(30);
  o.stream_timeout = seconds(10);
  o.dead_reclaim = Duration::zero();
  return o;
}

std::string_view to_string(MemberEvent::Kind kind) {
  switch (kind) {
    case MemberEvent::Kind::kJoined:
      return "joined";
    case MemberEvent::Kind::kUpdated:
      return "updated";
    case MemberEvent::Kind::kFailed:
      return "failed";
    case MemberEvent::Kind::kLeft:
      return "left";
    case MemberEvent::Kind::kOutvoted:
      return "outvoted";
  }
  return "unknown";
}

Membership::Membership(MembershipOptions options, std::uint64_t seed)
    : impl_(std::make_unique<Impl>(std::move(options), seed)) {}
Membership::~Membership() = default;
Membership::Membership(Membership&&) noexcept = default;
Membership& Membership::operator=(Membership&&) noexcept = default;

void Membership::start(TimePoint now) {
  auto& m = *impl_;
  const auto part = [&](Duration whole) {
    return Duration(
        static_cast<Duration::rep>(m.random.below(static_cast<std::uint64_t>(whole.count()))));
  };
  m.next_probe = now + part(m.options.probe_interval);
  m.next_push_pull = now + part(m.options.push_pull_interval);
  m.next_reconnect = m.options.reconnect_interval > Duration::zero()
                         ? now + m.options.reconnect_interval
                         : TimePoint::max();
  m.last_gossip = now - m.options.gossip_interval;
  m.next_gossip = now;
  m.incarnation = 1;
  m.on_alive({1, m.options.name, m.options.advertise, m.options.meta, m.options.versions}, true,
             now);
}

std::uint32_t Membership::join(const GossipEndpoint& seed, TimePoint) {
  return impl_->open_stream(Impl::StreamKind::kJoin, seed, impl_->everything(true));
}

void Membership::assume(std::span<const Member> known, TimePoint now) {
  auto& m = *impl_;
  const auto queued = m.broadcasts;
  for (const auto& k : known)
    if (k.name != m.options.name)
      m.on_alive({k.incarnation, k.name, k.endpoint, k.meta, k.versions}, false, now);
  m.broadcasts = queued;
}

void Membership::leave(TimePoint now) {
  auto& m = *impl_;
  if (m.leaving) return;
  m.leaving = true;
  const gossip::Dead good_bye{m.self().incarnation, m.options.name, m.options.name};
  m.on_dead(good_bye, now);
  m.send_urgently(gossip::encode(good_bye), now);
}

bool Membership::has_left() const {
  const auto& m = *impl_;
  if (!m.leaving) return false;
  const bool alone = std::ranges::none_of(m.order, &Impl::Record::counts);
  return alone || !m.broadcasts.holds(m.options.name);
}

void Membership::set_meta(Bytes meta, TimePoint now) {
  auto& me = impl_->self();
  if (me.meta == meta) return;
  me.meta = impl_->options.meta = std::move(meta);
  me.incarnation = ++impl_->incarnation;
  impl_->recount(me, now);
  tell_again(now);
}

void Membership::tell_again(TimePoint now) {
  const auto& me = impl_->self();
  const auto message =
      gossip::encode(gossip::Alive{me.incarnation, me.name, me.endpoint, me.meta, me.versions});
  impl_->broadcast(me.name, message, now);
  impl_->send_urgently(message, now);
}

void Membership::set_packet_overhead(std::size_t size) { impl_->options.packet_overhead = size; }

void Membership::received(const GossipEndpoint& from, std::span<const std::byte> packet,
                          TimePoint now) {
  auto& m = *impl_;
  const auto parts = gossip::unwrap_packet(packet);
  if (!parts) {
    ++m.malformed;
    return;
  }
  for (const auto& part : *parts) {
    auto message = gossip::decode(part);
    if (!message) {
      ++m.malformed;
      continue;
    }
    if (const auto* ping = std::get_if<gossip::Ping>(&*message)) {
      m.on_ping(from, *ping, now);
    } else if (const auto* indirect = std::get_if<gossip::IndirectPing>(&*message)) {
      m.on_indirect_ping(from, *indirect, now);
    } else if (const auto* ack = std::get_if<gossip::Ack>(&*message)) {
      m.on_ack(*ack, now);
    } else if (const auto* nack = std::get_if<gossip::Nack>(&*message)) {
      m.on_nack(*nack);
    } else if (const auto* suspect = std::get_if<gossip::Suspect>(&*message)) {
      m.on_suspect(*suspect, now);
    } else if (const auto* alive = std::get_if<gossip::Alive>(&*message)) {
      m.on_alive(*alive, false, now);
    } else if (const auto* dead = std::get_if<gossip::Dead>(&*message)) {
      m.on_dead(*dead, now);
    } else if (auto* user = std::get_if<gossip::User>(&*message)) {
      m.out.user.push_back({from, std::move(user->body)});
    } else {
      ++m.malformed;  // belongs into a stream
    }
  }
}

std::optional<Bytes> Membership::stream_received(const GossipEndpoint& from,
                                                 std::span<const std::byte> bytes, TimePoint now) {
  auto& m = *impl_;
  auto message = gossip::decode_stream(bytes);
  if (!message) {
    ++m.malformed;
    return gossip::encode(gossip::ErrorReply{message.error().to_string()});
  }
  if (const auto* ping = std::get_if<gossip::Ping>(&*message)) {
    if (!ping->node.empty() && ping->node != m.options.name) return std::nullopt;
    return gossip::encode(gossip::Ack{.sequence = ping->sequence});
  }
  if (const auto* remote = std::get_if<gossip::PushPull>(&*message)) {
    auto answer = m.everything(remote->join);
    // What it says is checked here, and once more there.
    if (const auto merged = m.merge(*remote, now); !merged) ++m.malformed;
    return answer;
  }
  if (auto* user = std::get_if<gossip::User>(&*message)) {
    m.out.user.push_back({from, std::move(user->body)});
    return std::nullopt;
  }
  ++m.malformed;
  return std::nullopt;
}

Result<> Membership::stream_done(std::uint32_t id, const Result<Bytes>& answer, TimePoint now) {
  auto& m = *impl_;
  const auto found = m.streams.find(id);
  if (found == m.streams.end())
    return make_error(Errc::kNotFound, "finish gossip stream: not under way");
  const auto kind = found->second;
  m.streams.erase(found);
  if (!answer) return answer.error();
  const auto message = gossip::decode_stream(*answer);
  if (!message) {
    ++m.malformed;
    return message.error();
  }
  if (const auto* refusal = std::get_if<gossip::ErrorReply>(&*message))
    return make_error(Errc::kRejected, "gossip stream: the peer says \"" + refusal->text + "\"");
  if (kind == Impl::StreamKind::kPing) {
    const auto* ack = std::get_if<gossip::Ack>(&*message);
    const bool ours =
        m.probe && m.probe->stream == id && ack != nullptr && ack->sequence == m.probe->sequence;
    if (ours) m.probe->reached_by_stream = true;
    return {};
  }
  const auto* remote = std::get_if<gossip::PushPull>(&*message);
  if (remote == nullptr)
    return make_error(Errc::kMalformed, "gossip stream: answer is no push/pull");
  return m.merge(*remote, now);
}

void Membership::tick(TimePoint now) {
  auto& m = *impl_;
  m.fire_suspicions(now);
  m.tick_probe(now);
  m.tick_relays(now);
  if (now >= m.next_push_pull && !m.leaving) m.start_push_pull(now);
  if (now >= m.next_reconnect && !m.leaving) m.reconnect(now);
  if (now >= m.next_gossip) m.gossip(now);
}

TimePoint Membership::next_deadline() const {
  const auto& m = *impl_;
  auto next = std::min({m.next_probe, m.next_push_pull, m.next_reconnect});
  if (m.probe) next = std::min({next, m.probe->indirect_at, m.probe->deadline});
  if (!m.suspicions.empty()) next = std::min(next, m.suspicions.begin()->first);
  for (const auto& relay : m.relays) next = std::min({next, relay.nack_at, relay.forget_at});
  if (!m.broadcasts.empty()) next = std::min(next, m.next_gossip);
  return next;
}

void Membership::suspect(const std::string& name, TimePoint now) {
  auto& m = *impl_;
  if (const auto* const record = m.find(name))
    m.on_suspect({record->incarnation, name, m.options.name}, now);
}

void Membership::declare_failed(const std::string& name, TimePoint now) {
  auto& m = *impl_;
  const auto* const record = m.find(name);
  if (record == nullptr || !record->counts() || name == m.options.name) return;
  const gossip::Dead verdict{record->incarnation, name, m.options.name};
  m.on_dead(verdict, now);
  m.send_urgently(gossip::encode(verdict), now);
}

void Membership::send_user(const GossipEndpoint& to, std::span<const std::byte> body) {
  impl_->out.packets.push_back({to, gossip::encode(gossip::User{{body.begin(), body.end()}})});
}

MembershipOutput Membership::take() { return std::exchange(impl_->out, {}); }

std::vector<Member> Membership::members() const {
  std::vector<Member> all;
  all.reserve(impl_->order.size());
  for (const auto* const record : impl_->order) all.push_back(*record);
  std::ranges::sort(all, {}, &Member::name);
  return all;
}

const Member* Membership::find(const std::string& name) const { return impl_->find(name); }
const MembershipOptions& Membership::options() const { return impl_->options; }
unsigned Membership::awareness() const { return impl_->health; }
std::uint64_t Membership::malformed() const { return impl_->malformed; }

}  // namespace antrea::egress
