#include "tests/egress/virtual_cluster.h"

#include <algorithm>

namespace antrea::egress {

using namespace std::chrono_literals;

VirtualCluster::VirtualCluster(std::uint64_t seed, VirtualNetwork network_)
    : network(network_), random_(seed) {}

std::size_t VirtualCluster::add(std::function<void(MembershipOptions&)> adjust, bool fast) {
  const auto index = nodes_.size();
  MembershipOptions options;
  options.name = "node" + std::to_string(index);
  options.advertise = {IpAddress::v4(0x0a000001).plus(index), 10351};
  options.meta = MemberMeta{.liveness = fast}.encode();
  if (adjust) adjust(options);
  by_endpoint_[options.advertise] = index;
  nodes_.push_back({.name = options.name, .endpoint = options.advertise});
  made_of_.emplace_back(std::move(options), fast);
  begin(index);
  return index;
}

void VirtualCluster::begin(std::size_t who) {
  auto& node = nodes_[who];
  const auto& [options, fast] = made_of_[who];
  ++node.life;
  node.cut_off = false;
  node.wake = TimePoint::max();
  node.membership.emplace(options, random_.next());
  if (fast) node.liveness.emplace(LivenessOptions{.name = node.name}, random_.next());
  node.membership->start(now_);
  if (node.liveness) node.liveness->start(now_);
  drain(who);
}

void VirtualCluster::add_acquainted(std::size_t count, bool fast) {
  const auto first = nodes_.size();
  for (std::size_t i = 0; i < count; ++i) add({}, fast);
  std::vector<Member> all;
  for (std::size_t i = first; i < nodes_.size(); ++i)
    all.push_back(*nodes_[i].membership->find(nodes_[i].name));
  for (std::size_t i = first; i < nodes_.size(); ++i) {
    nodes_[i].membership->assume(all, now_);
    drain(i);
  }
  forget_seen();
}

void VirtualCluster::add_strangers(const std::vector<std::string>& names) {
  std::vector<Member> all;
  for (std::size_t i = 0; i < names.size(); ++i) {
    all.push_back({.name = names[i],
                   .endpoint = {IpAddress::v4(0x0b000001).plus(i), 10351},
                   .meta = MemberMeta{.liveness = true}.encode(),
                   .versions = {1, 5, 2, 0, 0, 0},
                   .incarnation = 1});
    strangers_.insert(all.back().endpoint);
  }
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    nodes_[i].membership->assume(all, now_);
    drain(i);
    ping_from_stranger(i);
  }
  forget_seen();
}

void VirtualCluster::answer_as_stranger(std::size_t to, const GossipEndpoint& from,
                                        const Bytes& packet) {
  const auto parts = gossip::unwrap_packet(packet);
  for (const auto& part : *parts) {
    const auto message = gossip::decode(part);
    const auto* const ping = std::get_if<gossip::Ping>(&*message);
    if (ping == nullptr) continue;
    schedule(now_ + transit(), to, [this, to, from, ack = gossip::Ack{ping->sequence}] {
      nodes_[to].membership->received(from, gossip::encode(ack), now_);
      drain(to);
    });
  }
}

void VirtualCluster::ping_from_stranger(std::size_t whom) {
  schedule(now_ + std::chrono::seconds(1), whom, [this, whom] {
    nodes_[whom].membership->received(*strangers_.begin(), gossip::encode(gossip::Ping{}), now_);
    drain(whom);
    ping_from_stranger(whom);
  });
}

bool VirtualCluster::connected(std::size_t from, std::size_t to) const {
  return nodes_[from].side == nodes_[to].side && !cuts_.contains({from, to});
}

std::optional<std::size_t> VirtualCluster::at(const GossipEndpoint& endpoint) const {
  const auto found = by_endpoint_.find(endpoint);
  if (found == by_endpoint_.end()) return std::nullopt;
  return found->second;
}

Duration VirtualCluster::transit() {
  const auto jitter = static_cast<std::uint64_t>(network.jitter.count());
  return network.delay +
         Duration(static_cast<Duration::rep>(random_.below(jitter) + random_.below(jitter)));
}

Duration VirtualCluster::transit_of_stream(Duration first_pause) {
  Duration total{};
  for (auto pause = first_pause; network.loss > 0 && chance() < network.loss; pause *= 2)
    total += pause;
  return total + transit();
}

void VirtualCluster::schedule(TimePoint at, std::size_t node, std::function<void()> work) {
  events_.push_back({at, ++order_, node, nodes_[node].life, std::move(work)});
  std::ranges::push_heap(events_, std::greater());
}

void VirtualCluster::drain(std::size_t who) {
  auto& node = nodes_[who];
  // Each engine's output may be the other's input, so until both have nothing more to say.
  for (bool more = true; more;) {
    more = false;
    auto out = node.membership->take();
    for (auto& event : out.events) {
      if (node.liveness && event.member.name != node.name) {
        if (event.member.counts() && MemberMeta::decode(event.member.meta).liveness) {
          node.liveness->member_alive(event.member.name, event.member.endpoint, now_);
        } else {
          node.liveness->member_gone(event.member.name, now_);
        }
      }
      seen_.push_back({now_, who, std::move(event)});
      if (on_seen) on_seen(seen_.back());
    }
    for (const auto& user : out.user)
      if (node.liveness && node.liveness->received(user.body, now_)) more = true;
    for (const auto& name : out.doubted)
      if (node.liveness) node.liveness->look_for(name, now_);
    if (node.liveness) {
      auto fast = node.liveness->take();
      if (fast.cut_off) node.cut_off = *fast.cut_off;
      if (fast.cut_off == false) node.membership->tell_again(now_);
      for (const auto& packet : fast.packets) node.membership->send_user(packet.to, packet.body);
      for (const auto& name : fast.failed) node.membership->declare_failed(name, now_);
      for (const auto& name : fast.not_found) node.membership->suspect(name, now_);
      more = more || fast.cut_off || !fast.packets.empty() || !fast.failed.empty() ||
             !fast.not_found.empty();
    }
    for (auto& packet : out.packets) {
      ++node.sent.packets;
      node.sent.bytes += packet.bytes.size();
      const auto to = at(packet.to);
      if (strangers_.contains(packet.to)) answer_as_stranger(who, packet.to, packet.bytes);
      if (!to || !connected(who, *to) || chance() < network.loss) continue;
      schedule(now_ + transit(), *to, [this, who, to = *to, bytes = std::move(packet.bytes)] {
        nodes_[to].membership->received(nodes_[who].endpoint, bytes, now_);
        drain(to);
      });
    }
    for (const auto& stream : out.streams) open_stream(who, stream);
  }
  auto next = node.membership->next_deadline();
  if (node.liveness) next = std::min(next, node.liveness->next_deadline());
  next = std::max(next, now_);
  if (next < node.wake) {
    node.wake = next;
    schedule(next, who, nullptr);
  }
}

void VirtualCluster::open_stream(std::size_t from, const StreamRequest& request) {
  ++nodes_[from].sent.streams;
  const auto id = request.id;
  const auto give_up = now_ + request.timeout;
  const auto answer_with = [this, from, id](Result<Bytes> answer) {
    return [this, from, id, answer = std::move(answer)] {
      (void)nodes_[from].membership->stream_done(id, answer, now_);
      drain(from);
    };
  };
  const auto failure = answer_with(make_error(Errc::kTimeout, "virtual stream: no answer"));
  const auto to = at(request.to);
  // Opening, the request, the answer: Linux sends again after 1 s, then after some 200 ms.
  const auto opened = now_ + transit_of_stream(1s) + transit_of_stream(1s);
  const auto there = opened + transit_of_stream(200ms), back = there + transit_of_stream(200ms);
  const bool alive = to && nodes_[*to].membership && !nodes_[*to].paused;
  if (!alive || !connected(from, *to) || !connected(*to, from) || back > give_up)
    return schedule(give_up, from, failure);
  schedule(there, *to, [this, from, to = *to, message = request.message, back, answer_with] {
    const auto answer =
        nodes_[to].membership->stream_received(nodes_[from].endpoint, message, now_);
    drain(to);
    schedule(back, from,
             answer_with(answer ? Result<Bytes>(*answer)
                                : Result<Bytes>(make_error(Errc::kUnavailable, "closed"))));
  });
}

void VirtualCluster::wake(std::size_t who) {
  auto& node = nodes_[who];
  node.wake = TimePoint::max();
  if (node.membership->next_deadline() <= now_) node.membership->tick(now_);
  if (node.liveness && node.liveness->next_deadline() <= now_) node.liveness->tick(now_);
  drain(who);
}

void VirtualCluster::set_returning(std::size_t who, bool returning) {
  const MemberMeta meta{.liveness = made_of_[who].second, .returning = returning};
  nodes_[who].membership->set_meta(meta.encode(), now_);
  drain(who);
}

void VirtualCluster::join(std::size_t who, std::size_t whom) {
  nodes_[who].membership->join(nodes_[whom].endpoint, now_);
  drain(who);
}

void VirtualCluster::leave(std::size_t who) {
  nodes_[who].membership->leave(now_);
  drain(who);
  run_until([&] { return nodes_[who].membership->has_left(); }, std::chrono::seconds(1));
  crash(who);
}

void VirtualCluster::crash(std::size_t who) {
  auto& node = nodes_[who];
  node.membership.reset();
  node.liveness.reset();
  node.held.clear();
  node.paused = false;
  ++node.life;
}

void VirtualCluster::restart(std::size_t who) { begin(who); }

void VirtualCluster::pause(std::size_t who) { nodes_[who].paused = true; }

void VirtualCluster::resume(std::size_t who, bool timers_first) {
  auto& node = nodes_[who];
  node.paused = false;
  if (node.membership && timers_first) wake(who);
  for (auto& [order, work] : std::exchange(node.held, {})) work();
  if (node.membership) wake(who);
}

bool VirtualCluster::step(TimePoint until) {
  if (events_.empty() || events_.front().at > until) return false;
  std::ranges::pop_heap(events_, std::greater());
  auto event = std::move(events_.back());
  events_.pop_back();
  now_ = event.at;
  auto& node = nodes_[event.node];
  if (event.life != node.life || !node.membership) return true;
  if (node.paused) {
    constexpr std::size_t kSocketBuffer = 200;
    if (event.work && node.held.size() < kSocketBuffer)
      node.held.emplace_back(event.order, std::move(event.work));
    return true;
  }
  if (event.work) {
    event.work();
  } else if (event.at >= node.wake) {
    wake(event.node);
  }
  return true;
}

void VirtualCluster::run_for(Duration time) {
  const auto until = now_ + time;
  while (step(until)) {
  }
  now_ = until;
}

bool VirtualCluster::run_until(const std::function<bool()>& condition, Duration limit) {
  const auto until = now_ + limit;
  while (!condition())
    if (!step(until)) {
      now_ = until;
      return condition();
    }
  return true;
}

bool VirtualCluster::counts(std::size_t who, std::size_t whom) const {
  if (!nodes_[who].membership) return false;
  const auto* const member = nodes_[who].membership->find(nodes_[whom].name);
  return member != nullptr && member->counts();
}

bool VirtualCluster::agreed() const {
  for (std::size_t a = 0; a < nodes_.size(); ++a) {
    if (!nodes_[a].membership) continue;
    for (std::size_t b = 0; b < nodes_.size(); ++b) {
      const bool there =
          nodes_[b].membership && !nodes_[b].paused && nodes_[a].side == nodes_[b].side;
      if (counts(a, b) != there) return false;
    }
  }
  return true;
}

}  // namespace antrea::egress
