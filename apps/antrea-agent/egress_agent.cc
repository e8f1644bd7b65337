#include "egress_agent.h"

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/json.hpp>
#include <utility>

#include "antrea/api/egress_json.h"

namespace antrea::agent {

namespace asio = boost::asio;
using asio::awaitable;
using namespace std::chrono_literals;

namespace {

/// Between two renewals of the host's lease on its Egress IPs.
constexpr Duration kRenewal = 20ms;
/// How often the host's own addresses are looked at while some Egress names its own.
constexpr Duration kLook = 1s;
/// How long other Nodes are waited for before it counts who is there.
constexpr Duration kSettle = 3s;

kube::InformerOptions collection(const char* name, const Logger& logger) {
  kube::InformerOptions options;
  options.path = std::string("/apis/crd.antrea.io/v1beta1/") + name;
  options.transform = kube::drop_managed_fields;
  options.logger = logger;
  return options;
}

egress::GossipOptions gossip_options(const Options& options, const IpAddress& address,
                                     const Logger& logger) {
  egress::GossipOptions gossip;
  gossip.name = options.node;
  gossip.bind.port = options.cluster_port;
  gossip.advertise = address;
  gossip.returning = true;  // until it is known whether others went on meanwhile
  gossip.log = logger;
  return gossip;
}

egress::SchedulerConfig scheduler_config(const Options& options) {
  egress::SchedulerConfig config;
  config.max_ips_per_node = options.max_egress_ips;
  return config;
}

}  // namespace

EgressAgent::EgressAgent(asio::any_io_executor executor, const Options& options,
                         std::string transport, Parts parts, std::function<void()> on_known)
    : options_(options),
      transport_(std::move(transport)),
      parts_(std::move(parts)),
      on_known_(std::move(on_known)),
      executor_(executor),
      egresses_(
          parts_.api, collection("egresses", parts_.logger),
          [this](std::span<const kube::Change> changes) { take_egresses(changes); },
          [this] {
            egresses_known_ = true;
            now_known();
          }),
      pools_(
          parts_.api, collection("externalippools", parts_.logger),
          [this](std::span<const kube::Change> changes) { take_pools(changes); },
          [this] {
            pools_known_ = true;
            now_known();
          }),
      gossip_(executor,
              gossip_options(options, parts_.datapath.pipeline().config().node_ips.front(),
                             parts_.logger)),
      scheduler_(scheduler_config(options)),
      director_(options.node),
      services_(options.node, parts_.logger),
      status_(executor, parts_.api, options.node, parts_.logger),
      events_(executor, parts_.api, options.node, parts_.logger),
      changed_(executor) {
  view_.exceptions.insert(options.egress_except_cidrs.begin(), options.egress_except_cidrs.end());
}

Result<> EgressAgent::start() {
  ANTREA_TRY(host_, node::EgressHost::open(parts_.logger));
  keeper_.emplace(*host_, parts_.logger);
  ANTREA_TRY(announcer_, egress::Announcer::open(executor_, transport_, parts_.logger));
  const auto nothing =
      node::desired_egress_host(parts_.datapath.pipeline().config(), transport_, {});
  ANTREA_TRY(const auto found, host_->read(nothing));
  director_.adopt(node::egress_marks(found));
  for (const node::Interface* const each : parts_.interfaces.all(node::InterfaceType::kContainer))
    if (each->ofport != 0) view_.pods[each->pod].insert(each->ofport);
  gossip_.on_event([this](const egress::GossipEvent& event) { on_member(event); });
  ANTREA_CHECK(gossip_.start());
  settles_at_ = std::chrono::steady_clock::now() + kSettle;
  return {};
}

void EgressAgent::now_known() {
  if (!everything_known()) return;
  if (!view_.settled) settle_if_all_are_here();
  act();
  on_known_();
}

void EgressAgent::take_egresses(std::span<const kube::Change> changes) {
  egress::SchedulerInput input;
  for (const kube::Change& change : changes) {
    auto egress = api::decode_egress(boost::json::value(*change.object));
    if (!egress) {
      parts_.logger->error("{}", egress.error().to_string());
      continue;
    }
    const std::string name = egress->metadata.name;
    if (change.type == kube::Change::Type::kDeleted) {
      input.removed_egresses.push_back(name);
      view_.egresses.erase(name);
    } else {
      input.egresses.push_back(*egress);
      view_.egresses.insert_or_assign(name, *std::move(egress));
    }
  }
  look_for_users_addresses(std::chrono::steady_clock::now());
  apply(std::move(input));
}

void EgressAgent::take_pools(std::span<const kube::Change> changes) {
  egress::SchedulerInput input;
  for (const kube::Change& change : changes) {
    auto pool = api::decode_external_ip_pool(boost::json::value(*change.object));
    if (!pool)
      parts_.logger->error("{}", pool.error().to_string());
    else if (change.type == kube::Change::Type::kDeleted)
      input.removed_pools.push_back(pool->metadata.name);
    else
      input.pools.push_back(*std::move(pool));
  }
  apply(std::move(input));
}

void EgressAgent::take_services(std::span<const kube::Change> changes) {
  apply(services_.take_services(changes));
}

void EgressAgent::take_slices(std::span<const kube::Change> changes) {
  apply(services_.take_slices(changes));
}

void EgressAgent::services_known() {
  services_known_ = true;
  now_known();
}

void EgressAgent::take_groups(const std::map<std::string, api::controlplane::EgressGroup>& groups) {
  view_.groups.clear();
  for (const auto& [name, group] : groups)
    for (const auto& member : group.members) view_.groups[name].push_back(member.key);
  if (!std::exchange(groups_known_, true)) now_known();
  act();
}

void EgressAgent::take_nodes(const std::map<std::string, api::Node>& nodes) {
  egress::SchedulerInput input;
  for (const auto& [name, address] : view_.nodes)
    if (!nodes.contains(name)) input.removed_nodes.push_back(name);
  view_.nodes.clear();
  view_.exceptions.clear();
  view_.exceptions.insert(options_.egress_except_cidrs.begin(), options_.egress_except_cidrs.end());
  std::vector<egress::GossipEndpoint> others;
  for (const auto& [name, node] : nodes) {
    input.nodes.push_back(node);
    for (const auto* const addresses : {&node.internal_ips, &node.external_ips})
      for (const IpAddress& address : *addresses) view_.exceptions.insert(IpPrefix::host(address));
    if (name == options_.node || node.internal_ips.empty()) continue;
    view_.nodes.emplace(name, node.internal_ips.front());
    others.push_back({node.internal_ips.front(), options_.cluster_port});
  }
  gossip_.keep_joining(std::move(others));
  apply(std::move(input));
}

void EgressAgent::attached(const node::Interface& interface) {
  view_.pods[interface.pod].insert(interface.ofport);
  act();
}

void EgressAgent::detached(const node::Interface& interface) {
  const auto found = view_.pods.find(interface.pod);
  if (found == view_.pods.end()) return;
  found->second.erase(interface.ofport);
  if (found->second.empty()) view_.pods.erase(found);
  act();
}

void EgressAgent::on_member(const egress::GossipEvent& event) {
  using Kind = egress::GossipEvent::Kind;
  parts_.logger->info("member {}: {}", event.member.name, egress::to_string(event.kind));
  view_.alive = gossip_.alive();
  view_.returning = gossip_.returning();
  const auto now = std::chrono::steady_clock::now();
  view_.cut_off = gossip_.cut_off();
  if (event.kind == Kind::kOutvoted || event.kind == Kind::kCutOff ||
      event.kind == Kind::kReconnected)
    (void)scheduler_.returned(options_.node, now);
  if (!view_.settled) {
    settle_if_all_are_here();
    return;
  }
  egress::SchedulerInput input;
  input.alive = view_.alive;
  input.returning = view_.returning;
  apply(std::move(input));
}

bool EgressAgent::everything_known() const {
  return egresses_known_ && pools_known_ && groups_known_ && services_known_;
}

/// No need to wait on then.
void EgressAgent::settle_if_all_are_here() {
  if (everything_known() && !view_.nodes.empty() && view_.alive.size() > view_.nodes.size())
    settle();
}

void EgressAgent::settle() {
  view_.settled = true;
  view_.alive.insert(options_.node);
  // Where addresses are given out already, this Node comes back to a cluster that went on.
  const bool given_out =
      services_.any() || std::ranges::any_of(view_.egresses, [](const auto& each) {
        return !each.second.status.egress_node.empty();
      });
  if (given_out) (void)scheduler_.returned(options_.node, std::chrono::steady_clock::now());
  egress::SchedulerInput input;
  input.alive = view_.alive;
  input.returning = view_.returning;
  apply(std::move(input));
}

void EgressAgent::apply(egress::SchedulerInput input) {
  (void)scheduler_.apply(input, std::chrono::steady_clock::now());
  act();
}

void EgressAgent::act() {
  if (!everything_known()) return;
  const auto before = std::exchange(decision_, director_.decide(view_, scheduler_.placements(),
                                                                std::chrono::steady_clock::now()));
  std::set<IpAddress> services;
  if (decision_.serving) services = services_.here(scheduler_.placements());
  const auto services_before = std::exchange(services_here_, std::move(services));
  // The host first: what the switch sends there is translated from then on.
  if (before.local != decision_.local || services_before != services_here_) set_up_host();
  parts_.datapath.apply(decision_.paths);
  if (const auto asked = host_->probe_nodes(transport_, decision_.probes); !asked)
    parts_.logger->warn("{}", asked.error().to_string());
  announce();
  // What this Node had it has given up now, so others may hear of it.
  gossip_.set_returning(!view_.settled || scheduler_.returning(options_.node));
  if (view_.settled) {
    status_.set(view_.egresses, scheduler_, decision_.owned);
    events_.set(view_.egresses, decision_.owned);
  }
  changed_.notify();
}

void EgressAgent::look_for_users_addresses(TimePoint now) {
  const bool wanted = std::ranges::any_of(view_.egresses, [](const auto& entry) {
    return std::ranges::any_of(entry.second.spec.addresses,
                               [](const auto& address) { return address.pool.empty(); });
  });
  looks_at_ = wanted ? now + kLook : TimePoint::max();
  if (!wanted) return;
  if (auto own = host_->own_addresses())
    view_.local_addresses = *std::move(own);
  else
    parts_.logger->error("{}", own.error().to_string());
}

void EgressAgent::set_up_host() {
  // A lease that had lapsed must live before the announcement, which the fence would keep in.
  if (decision_.serving) renew_lease();
  auto desired = node::desired_egress_host(
      parts_.datapath.pipeline().config(), transport_, decision_.local, services_here_,
      options_.snat_fully_random_ports ? node::SnatPorts::kFullyRandom : node::SnatPorts::kKept);
  // What fails is told there, and tried again by `keep_time`.
  (void)keeper_->set(std::move(desired), std::chrono::steady_clock::now());
  if (decision_.serving) renew_lease();
}

void EgressAgent::renew_lease() {
  if (const auto renewed = host_->renew_lease(); !renewed)
    parts_.logger->error("{}", renewed.error().to_string());
}

// What the host does not have for sure is not announced.
void EgressAgent::announce() {
  std::set<IpAddress> announced;
  if (decision_.serving && !keeper_->failing()) announced = decision_.owned;
  if (!keeper_->failing()) announced.insert(services_here_.begin(), services_here_.end());
  announcer_->set(announced);
}

/// The host lets Egress IPs be used only while this goes on.
awaitable<void> EgressAgent::keep_lease() {
  co_await asio::this_coro::throw_if_cancelled(false);
  asio::steady_timer timer(executor_);
  TimePoint last = std::chrono::steady_clock::now();
  for (;;) {
    timer.expires_at(std::max(last + kRenewal, std::chrono::steady_clock::now()));
    const auto [code] = co_await timer.async_wait(kTuple);
    const bool cancelled = co_await is_cancelled();
    if (code || cancelled) co_return;
    // Whoever was stopped for so long has no lease any more. Before it renews, the gossip, whose
    // timers are overdue as well, shall have told whether others have acted meanwhile.
    const TimePoint now = std::chrono::steady_clock::now();
    const bool lapsed = now - std::exchange(last, now) > node::kEgressLease;
    if (lapsed || !decision_.serving || gossip_.cut_off()) continue;
    renew_lease();
  }
}

/// What happens by itself: the end of waiting, the schedulers' and the director's deadlines.
awaitable<void> EgressAgent::keep_time() {
  co_await asio::this_coro::throw_if_cancelled(false);
  set_up_host();
  for (;;) {
    TimePoint next = looks_at_;
    for (const auto& deadline :
         {scheduler_.next_deadline(), director_.next_deadline(), keeper_->next_deadline()})
      if (deadline) next = std::min(next, *deadline);
    if (!view_.settled && everything_known()) next = std::min(next, settles_at_);
    (void)co_await changed_.wait_until(next);
    const bool cancelled = co_await is_cancelled();
    if (cancelled) co_return;
    const TimePoint now = std::chrono::steady_clock::now();
    if (now < next) continue;
    if (!view_.settled && everything_known() && now >= settles_at_) settle();
    keeper_->tick(now);
    if (now >= looks_at_) look_for_users_addresses(now);
    apply({});
  }
}

awaitable<void> EgressAgent::run() {
  using namespace asio::experimental::awaitable_operators;
  co_await (egresses_.run() && pools_.run() && announcer_->run() && keep_lease() && keep_time() &&
            status_.run() && events_.run());
}

}  // namespace antrea::agent
