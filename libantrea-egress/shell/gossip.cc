#include "antrea/egress/gossip.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <random>

#include "gossip_impl.h"

namespace antrea::egress {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kLargestPacket = 65536;
constexpr int kSocketBuffer = 2 << 20;

TimePoint now() { return std::chrono::steady_clock::now(); }

asio::ip::address to_asio(const IpAddress& address) {
  if (address.is_v4()) return asio::ip::address_v4(address.v4_bits());
  asio::ip::address_v6::bytes_type bytes;
  std::ranges::copy(address.bytes(), bytes.begin());
  return asio::ip::address_v6(bytes);
}

template <typename Endpoint>
GossipEndpoint from_asio(const Endpoint& endpoint) {
  const auto address = endpoint.address();
  if (address.is_v4()) return {IpAddress::v4(address.to_v4().to_uint()), endpoint.port()};
  return {IpAddress::v6(address.to_v6().to_bytes()).unmapped(), endpoint.port()};
}

std::uint64_t random_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

}  // namespace

std::string_view to_string(GossipEvent::Kind kind) {
  switch (kind) {
    case GossipEvent::Kind::kJoined:
      return "joined";
    case GossipEvent::Kind::kUpdated:
      return "updated";
    case GossipEvent::Kind::kFailed:
      return "failed";
    case GossipEvent::Kind::kLeft:
      return "left";
    case GossipEvent::Kind::kOutvoted:
      return "outvoted";
    case GossipEvent::Kind::kCutOff:
      return "cut-off";
    case GossipEvent::Kind::kReconnected:
      return "reconnected";
  }
  return "unknown";
}

Gossip::Impl::Impl(asio::any_io_executor executor, GossipOptions o)
    : options(std::move(o)),
      executor_(executor),
      wire_{options.label, options.keys, options.verify_incoming, options.verify_outgoing,
            options.membership.compression},
      udp_(executor),
      acceptor_(executor),
      timer_(executor),
      changed_(executor),
      buffer_(kLargestPacket) {}

Result<> Gossip::Impl::bind() {
  const auto address = to_asio(options.bind.address);
  constexpr int kTries = 50;  // a free TCP port may be taken for UDP
  boost::system::error_code code;
  std::string_view doing;
  for (int i = 0; i < kTries; ++i) {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    udp_.close(ignored);
    const Tcp::endpoint tcp(address, options.bind.port);
    doing = "listen for gossip streams";
    acceptor_.open(tcp.protocol(), code);
    if (!code) acceptor_.set_option(asio::socket_base::reuse_address(true), code);
    if (!code) acceptor_.bind(tcp, code);
    if (!code) acceptor_.listen(asio::socket_base::max_listen_connections, code);
    if (!code) {
      doing = "bind gossip packets";
      const Udp::endpoint udp(address, acceptor_.local_endpoint(ignored).port());
      udp_.open(udp.protocol(), code);
      if (!code) udp_.bind(udp, code);
    }
    if (!code) {
      udp_.set_option(asio::socket_base::receive_buffer_size(kSocketBuffer), ignored);
      udp_.non_blocking(true, ignored);
      return {};
    }
    if (options.bind.port != 0) break;
  }
  auto error = errno_error(code.value(), doing, options.bind.to_string());
  if (code == asio::error::address_in_use) error.code = Errc::kAlreadyExists;
  return error;
}

Result<> Gossip::Impl::start() {
  if (options.label.size() > 255)
    return make_error(Errc::kInvalidArgument, "start gossip: label of " +
                                                  std::to_string(options.label.size()) +
                                                  " bytes, expected at most 255");
  if (!options.advertise && options.bind.address.is_unspecified())
    return make_error(Errc::kInvalidArgument, "start gossip: no address for others to reach us",
                      "gossip member " + options.name, "set advertise, or bind to an address");
  ANTREA_CHECK(bind());
  boost::system::error_code ignored;
  advertised = {options.advertise.value_or(options.bind.address),
                acceptor_.local_endpoint(ignored).port()};

  auto settings = options.membership;
  settings.name = options.name;
  settings.advertise = advertised;
  settings.packet_overhead = wire_.overhead();
  const auto seed = options.seed != 0 ? options.seed : random_seed();
  settings.meta = meta().encode();
  if (options.liveness) {
    auto fast = *options.liveness;
    fast.name = options.name;
    liveness.emplace(std::move(fast), seed + 1);
    liveness->start(now());
  }
  membership.emplace(std::move(settings), seed);
  membership->start(now());
  spawn(receive_packets());
  spawn(accept_streams());
  spawn(keep_time());
  if (options.rejoin_interval > Duration::zero()) spawn(retry_seeds_forever());
  retry_seeds();
  return {};
}

void Gossip::Impl::stop() {
  if (stopped_) return;
  stopped_ = true;
  boost::system::error_code ignored;
  udp_.close(ignored);
  acceptor_.close(ignored);
  timer_.cancel();
  changed_.notify();
}

void Gossip::Impl::set_keys(Keyring keys) {
  wire_.keys = std::move(keys);
  if (membership) membership->set_packet_overhead(wire_.overhead());
}

void Gossip::Impl::set_returning(bool returning) {
  options.returning = returning;
  if (!membership || stopped_) return;
  membership->set_meta(meta().encode(), now());
  drain();
}

void Gossip::Impl::report(GossipEvent event) {
  events_.push_back(std::move(event));
  if (events_.size() > 1) return;  // somebody is on the way already
  asio::post(executor_, [self = shared_from_this()] {
    auto events = std::exchange(self->events_, {});
    for (const auto& each : events)
      if (self->handler) self->handler(each);
  });
}

void Gossip::Impl::route(const MemberEvent& event, TimePoint time) {
  const auto& member = event.member;
  if (liveness && member.name != options.name) {
    if (member.counts() && MemberMeta::decode(member.meta).liveness) {
      liveness->member_alive(member.name, member.endpoint, time);
    } else {
      liveness->member_gone(member.name, time);
    }
  }
  report({static_cast<GossipEvent::Kind>(event.kind), member});
}

void Gossip::Impl::drain() {
  if (stopped_) return;
  const auto time = now();
  for (bool more = true; more;) {
    more = false;
    auto out = membership->take();
    for (const auto& event : out.events) route(event, time);
    for (const auto& user : out.user)
      if (liveness) (void)liveness->received(user.body, time);
    for (const auto& name : out.doubted)
      if (liveness) liveness->look_for(name, time);
    for (const auto& packet : out.packets) send(packet);
    for (auto& request : out.streams) spawn(make(std::move(request)));
    if (!liveness) break;
    const auto fast = liveness->take();
    if (fast.cut_off)
      report({*fast.cut_off ? GossipEvent::Kind::kCutOff : GossipEvent::Kind::kReconnected,
              *membership->find(options.name)});
    // While nobody was heard, nobody heard us either.
    if (fast.cut_off == false) membership->tell_again(time);
    for (const auto& packet : fast.packets) membership->send_user(packet.to, packet.body);
    for (const auto& name : fast.failed) membership->declare_failed(name, time);
    for (const auto& name : fast.not_found) membership->suspect(name, time);
    more = fast.cut_off || !fast.packets.empty() || !fast.failed.empty() || !fast.not_found.empty();
  }
  auto next = membership->next_deadline();
  if (liveness) next = std::min(next, liveness->next_deadline());
  if (next < armed_) timer_.cancel();
  if (membership->has_left()) changed_.notify();
}

void Gossip::Impl::send(const GossipPacket& packet) {
  const auto wire = wire_.wrap_packet(packet.bytes);
  if (!wire) return options.log->warn("{}", wire.error().to_string());
  boost::system::error_code code;  // a packet that does not leave is a lost packet
  udp_.send_to(asio::buffer(*wire), Udp::endpoint(to_asio(packet.to.address), packet.to.port), 0,
               code);
  ++counters.packets_out;
  counters.bytes_out += wire->size();
}

void Gossip::Impl::receive_pending() {
  constexpr int kAtOnce = 64;  // then timers and streams have their turn
  for (int i = 0; i < kAtOnce; ++i) {
    Udp::endpoint from;
    boost::system::error_code code;
    const auto size = udp_.receive_from(asio::buffer(buffer_), from, 0, code);
    if (code) break;
    ++counters.packets_in;
    counters.bytes_in += size;
    const auto packet = wire_.unwrap_packet(std::span(buffer_).first(size));
    if (!packet) {
      ++counters.refused;
      options.log->debug("gossip packet of {}: {}", from_asio(from).to_string(),
                         packet.error().to_string());
      continue;
    }
    membership->received(from_asio(from), *packet, now());
  }
  drain();
}

asio::awaitable<void> Gossip::Impl::receive_packets() {
  while (!stopped_) {
    const auto [code] = co_await udp_.async_wait(asio::socket_base::wait_read, kTuple);
    if (stopped_ || code == asio::error::operation_aborted) co_return;
    receive_pending();
  }
}

asio::awaitable<void> Gossip::Impl::accept_streams() {
  while (!stopped_) {
    Tcp::endpoint from;
    auto [code, socket] = co_await acceptor_.async_accept(from, kTuple);
    if (stopped_ || code == asio::error::operation_aborted) co_return;
    if (!code) {
      spawn(serve(Stream(std::move(socket)), from_asio(from)));
      continue;
    }
    // Out of descriptors or memory: waiting helps more than asking again.
    asio::steady_timer pause(executor_, std::chrono::milliseconds(100));
    co_await pause.async_wait(kTuple);
  }
}

asio::awaitable<void> Gossip::Impl::keep_time() {
  while (!stopped_) {
    const auto time = now();
    if (membership->next_deadline() <= time) membership->tick(time);
    if (liveness && liveness->next_deadline() <= time) liveness->tick(time);
    armed_ = TimePoint::min();  // so that nobody cancels what does not wait
    drain();
    armed_ = membership->next_deadline();
    if (liveness) armed_ = std::min(armed_, liveness->next_deadline());
    timer_.expires_at(armed_);
    co_await timer_.async_wait(kTuple);
  }
}

void Gossip::Impl::retry_seeds() {
  for (const auto& seed : seeds_) {
    const auto known = [&](const Member& member) {
      return member.counts() && member.endpoint == seed;
    };
    if (std::ranges::none_of(membership->members(), known)) membership->join(seed, now());
  }
  drain();
}

asio::awaitable<void> Gossip::Impl::retry_seeds_forever() {
  while (!stopped_) {
    const auto at = now() + options.rejoin_interval;
    while (!stopped_ && now() < at) co_await changed_.wait_until(at);
    if (!stopped_) retry_seeds();
  }
}

void Gossip::Impl::keep_joining(std::vector<GossipEndpoint> seeds) {
  seeds_ = std::move(seeds);
  if (membership && !stopped_) retry_seeds();
}

asio::awaitable<Result<std::size_t>> Gossip::Impl::join(std::vector<GossipEndpoint> seeds) {
  const auto self = shared_from_this();
  std::vector<std::uint32_t> ids;
  for (const auto& seed : seeds) {
    ids.push_back(membership->join(seed, now()));
    joins_.emplace(ids.back(), std::nullopt);
  }
  drain();
  std::size_t joined = 0;
  Error last = make_error(Errc::kInvalidArgument, "join: nobody to join");
  for (const auto id : ids) {
    while (!stopped_ && !joins_.at(id)) co_await changed_.wait();
    const auto result = joins_.at(id);
    joins_.erase(id);
    if (!result) {
      last = make_error(Errc::kCancelled, "join: stopped");
    } else if (*result) {
      ++joined;
    } else {
      last = result->error();
    }
  }
  if (joined == 0) co_return std::move(last).within("join gossip");
  co_return joined;
}

asio::awaitable<void> Gossip::Impl::leave(Duration limit) {
  const auto self = shared_from_this();
  const auto until = now() + limit;
  membership->leave(now());
  drain();
  while (!stopped_ && !membership->has_left() && now() < until) co_await changed_.wait_until(until);
  stop();
}

Gossip::Gossip(asio::any_io_executor executor, GossipOptions options)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(options))) {}
Gossip::~Gossip() {
  impl_->handler = nullptr;
  impl_->stop();
}

void Gossip::on_event(EventHandler handler) { impl_->handler = std::move(handler); }
Result<> Gossip::start() { return impl_->start(); }
GossipEndpoint Gossip::endpoint() const { return impl_->advertised; }
asio::awaitable<Result<std::size_t>> Gossip::join(std::vector<GossipEndpoint> seeds) {
  return impl_->join(std::move(seeds));
}
void Gossip::keep_joining(std::vector<GossipEndpoint> seeds) {
  impl_->keep_joining(std::move(seeds));
}
asio::awaitable<void> Gossip::leave(Duration limit) { return impl_->leave(limit); }
void Gossip::stop() { impl_->stop(); }
void Gossip::set_keys(Keyring keys) { impl_->set_keys(std::move(keys)); }
std::set<std::string> Gossip::alive() const {
  std::set<std::string> names;
  for (const Member& member : members())
    if (member.counts()) names.insert(member.name);
  return names;
}
std::set<std::string> Gossip::returning() const {
  std::set<std::string> names;
  for (const Member& member : members())
    if (member.counts() && member.name != impl_->options.name &&
        MemberMeta::decode(member.meta).returning)
      names.insert(member.name);
  return names;
}
void Gossip::set_returning(bool returning) { impl_->set_returning(returning); }
std::vector<Member> Gossip::members() const {
  return impl_->membership ? impl_->membership->members() : std::vector<Member>{};
}
std::vector<LivenessProbe::Session> Gossip::sessions() const {
  return impl_->liveness ? impl_->liveness->sessions() : std::vector<LivenessProbe::Session>{};
}
bool Gossip::cut_off() const { return impl_->liveness && impl_->liveness->cut_off(); }
Gossip::Counters Gossip::counters() const { return impl_->counters; }

}  // namespace antrea::egress
