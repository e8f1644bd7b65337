#include "egress_agent.h"

#include <fmt/chrono.h>

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
/// How often the folder of the gossip's keys is looked at, and how often it is said that there are
/// none.
constexpr Duration kReadKeys = 1s, kMissKeys = 60s;

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
  gossip.verify_incoming = options.gossip_verify_incoming;
  gossip.verify_outgoing = options.gossip_verify_outgoing;
  gossip.returning = true;  // until it is known whether others went on meanwhile
  gossip.log = logger;
  return gossip;
}

/// Services are in the cluster: kube-proxy translates them behind the switch (antrea#5495).
std::vector<IpPrefix> exceptions(const Options& options) {
  auto out = options.egress_except_cidrs;
  if (!options.proxy)
    out.insert(out.end(), options.service_cidrs.begin(), options.service_cidrs.end());
  return out;
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
          [this] { known(Known::kEgresses); }),
      pools_(
          parts_.api, collection("externalippools", parts_.logger),
          [this](std::span<const kube::Change> changes) { take_pools(changes); },
          [this] { known(Known::kPools); }),
      gossip_(executor,
              gossip_options(options, parts_.datapath.pipeline().config().node_ips.front(),
                             parts_.logger)),
      node_(options.node, {.max_ips_per_node = options.max_egress_ips}, exceptions(options)),
      services_(options.node, parts_.logger),
      reporter_(options.node),
      writes_(executor, parts_.api, parts_.logger),
      changed_(executor) {}

Result<> EgressAgent::start() {
  ANTREA_TRY(host_, node::EgressHost::open(parts_.logger));
  keeper_.emplace(*host_, parts_.logger);
  ANTREA_TRY(announcer_, egress::Announcer::open(executor_, transport_, parts_.logger));
  const auto nothing = node::desired_egress_host(parts_.datapath.pipeline().config(), transport_);
  ANTREA_TRY(const auto found, host_->read(nothing));
  node_.adopt(node::egress_marks(found));
  for (const node::Interface* const each : parts_.interfaces.all(node::InterfaceType::kContainer))
    if (each->ofport != 0) node_.attached(each->pod, each->ofport);
  gossip_.on_event([this](const egress::GossipEvent& event) { on_member(event); });
  if (!options_.gossip_key_dir.empty()) key_folder_.emplace(options_.gossip_key_dir);
  return read_keys() ? begin_gossip() : Result<>();
}

Result<> EgressAgent::begin_gossip() {
  ANTREA_CHECK(gossip_.start());
  gossiping_ = true;
  node_.gossip_begins(std::chrono::steady_clock::now());
  changed_.notify();
  return {};
}

bool EgressAgent::read_keys() {
  if (!key_folder_) return true;
  auto keys = key_folder_->poll();
  if (!keys) {
    parts_.logger->error("{}", keys.error().to_string());
  } else if (*keys) {
    parts_.logger->info("gossip is encrypted with the first of {} keys", (*keys)->keys().size());
    have_keys_ = true;
    gossip_.set_keys(**std::move(keys));
  }
  return have_keys_;
}

void EgressAgent::known(Known what) {
  const bool before = outcome_.has_value();
  node_.known(what, std::chrono::steady_clock::now());
  act();
  if (!before && outcome_) on_known_();
}

void EgressAgent::take(const egress::SchedulerInput& objects) {
  node_.take(objects, std::chrono::steady_clock::now());
  act();
}

void EgressAgent::take_egresses(std::span<const kube::Change> changes) {
  egress::SchedulerInput input;
  for (const kube::Change& change : changes) {
    auto egress = api::decode_egress(boost::json::value(*change.object));
    if (!egress)
      parts_.logger->error("{}", egress.error().to_string());
    else if (change.type == kube::Change::Type::kDeleted)
      input.removed_egresses.push_back(egress->metadata.name);
    else
      input.egresses.push_back(*std::move(egress));
  }
  node_.take(input, std::chrono::steady_clock::now());
  look_for_users_addresses(std::chrono::steady_clock::now());
  act();
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
  take(input);
}

void EgressAgent::take_services(std::span<const kube::Change> changes) {
  take(services_.take_services(changes));
}

void EgressAgent::take_slices(std::span<const kube::Change> changes) {
  take(services_.take_slices(changes));
}

void EgressAgent::services_known() { known(Known::kServices); }

void EgressAgent::take_groups(const std::map<std::string, api::controlplane::EgressGroup>& groups) {
  node_.take_groups(groups);
  known(Known::kGroups);
}

void EgressAgent::take_nodes(const std::map<std::string, api::Node>& nodes) {
  node_.take_nodes(nodes, std::chrono::steady_clock::now());
  std::vector<egress::GossipEndpoint> others;
  for (const auto& [name, address] : node_.nodes())
    others.push_back({address, options_.cluster_port});
  gossip_.keep_joining(std::move(others));
  act();
}

void EgressAgent::attached(const node::Interface& interface) {
  node_.attached(interface.pod, interface.ofport);
  act();
}

void EgressAgent::detached(const node::Interface& interface) {
  node_.detached(interface.pod, interface.ofport);
  act();
}

void EgressAgent::on_member(const egress::GossipEvent& event) {
  using Kind = egress::GossipEvent::Kind;
  parts_.logger->info("member {}: {}", event.member.name, egress::to_string(event.kind));
  const bool missed = event.kind == Kind::kOutvoted || event.kind == Kind::kCutOff ||
                      event.kind == Kind::kReconnected;
  node_.take_members({gossip_.alive(), gossip_.returning(), gossip_.cut_off()}, missed,
                     std::chrono::steady_clock::now());
  act();
}

void EgressAgent::act() {
  auto next = node_.decide(std::chrono::steady_clock::now());
  if (!next) return;
  const auto before = std::exchange(outcome_, std::move(next));
  const auto& decision = outcome_->decision;
  // The host first: what the switch sends there is translated from then on.
  if (!before || before->decision.local != decision.local ||
      before->decision.subnets != decision.subnets || before->services != outcome_->services)
    set_up_host();
  parts_.datapath.apply(decision.paths);
  if (const auto asked = host_->probe_nodes(transport_, decision.probes); !asked)
    parts_.logger->warn("{}", asked.error().to_string());
  announce();
  // What this Node had it has given up now, so others may hear of it.
  gossip_.set_returning(outcome_->returning);
  if (outcome_->settled) report();
  changed_.notify();
}

void EgressAgent::look_for_users_addresses(TimePoint now) {
  const bool wanted = node_.wants_local_addresses();
  looks_at_ = wanted ? now + kLook : TimePoint::max();
  if (!wanted) return;
  if (auto own = host_->own_addresses())
    node_.take_local_addresses(*std::move(own));
  else
    parts_.logger->error("{}", own.error().to_string());
}

void EgressAgent::set_up_host() {
  // A lease that had lapsed must live before the announcement, which the fence would keep in.
  const bool serving = outcome_ && outcome_->decision.serving;
  if (serving) renew_lease();
  node::EgressHostNeeds needs;
  if (outcome_)
    needs = {outcome_->decision.local, outcome_->services, outcome_->decision.subnets, {}};
  if (options_.snat_fully_random_ports) needs.ports = node::SnatPorts::kFullyRandom;
  // What fails is told there, and tried again by `keep_time`.
  (void)keeper_->set(
      node::desired_egress_host(parts_.datapath.pipeline().config(), transport_, needs),
      std::chrono::steady_clock::now());
  if (serving) renew_lease();
}

void EgressAgent::renew_lease() {
  if (const auto renewed = host_->renew_lease(); !renewed)
    parts_.logger->error("{}", renewed.error().to_string());
}

// What the host does not have for sure is not announced.
void EgressAgent::announce() {
  std::set<IpAddress> announced;
  if (outcome_->decision.serving && !keeper_->failing()) {
    announced = outcome_->decision.owned;
    announced.insert(outcome_->services.begin(), outcome_->services.end());
  }
  announcer_->set(announced);
}

void EgressAgent::report() {
  const auto time = std::chrono::system_clock::now();
  const std::string now =
      fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
  const auto& decision = outcome_->decision;
  const auto report =
      reporter_.apply(node_.egresses(), node_.scheduler(), {decision.owned, decision.refused}, now);
  for (const auto& [name, egress] : node_.egresses()) {
    const std::string path = "/apis/crd.antrea.io/v1beta1/egresses/" + name + "/status";
    if (const auto status = report.statuses.find(name); status != report.statuses.end())
      writes_.patch(path, egress::status_patch(status->second));
    else
      writes_.drop(path);
  }
  auto number = time.time_since_epoch().count();
  for (const auto& event : report.events)
    writes_.create("/api/v1/namespaces/default/events",
                   egress::event_object(
                       event, options_.node,
                       fmt::format("{}.{}.{:x}", event.egress, options_.node, number++), now));
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
    if (lapsed || !outcome_ || !outcome_->decision.serving || gossip_.cut_off()) continue;
    renew_lease();
  }
}

/// Without a key nothing is said, and so nothing is owned.
awaitable<void> EgressAgent::keep_keys() {
  co_await asio::this_coro::throw_if_cancelled(false);
  asio::steady_timer timer(executor_);
  TimePoint missed = std::chrono::steady_clock::now();
  while (key_folder_) {
    timer.expires_after(kReadKeys);
    const auto [code] = co_await timer.async_wait(kTuple);
    const bool cancelled = co_await is_cancelled();
    if (code || cancelled) co_return;
    const bool there = read_keys();
    if (there && !gossiping_) {
      if (const auto begun = begin_gossip(); !begun)
        parts_.logger->error("{}", begun.error().to_string());
    } else if (!there && std::chrono::steady_clock::now() >= missed + kMissKeys) {
      missed = std::chrono::steady_clock::now();
      parts_.logger->warn("no gossip key in {} yet: this Node has no Egress IPs",
                          options_.gossip_key_dir);
    }
  }
}

/// What happens by itself: the deadlines of what is decided, and of the host.
awaitable<void> EgressAgent::keep_time() {
  co_await asio::this_coro::throw_if_cancelled(false);
  set_up_host();
  for (;;) {
    TimePoint next = looks_at_;
    for (const auto& deadline : {node_.next_deadline(), keeper_->next_deadline()})
      if (deadline) next = std::min(next, *deadline);
    (void)co_await changed_.wait_until(next);
    const bool cancelled = co_await is_cancelled();
    if (cancelled) co_return;
    const TimePoint now = std::chrono::steady_clock::now();
    if (now < next) continue;
    keeper_->tick(now);
    if (now >= looks_at_) look_for_users_addresses(now);
    act();
  }
}

awaitable<void> EgressAgent::run() {
  using namespace asio::experimental::awaitable_operators;
  co_await (egresses_.run() && pools_.run() && announcer_->run() && keep_keys() && keep_lease() &&
            keep_time() && writes_.run());
}

}  // namespace antrea::agent
