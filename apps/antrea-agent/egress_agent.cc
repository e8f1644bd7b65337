#include "egress_agent.h"

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <utility>

#include "antrea/api/egress_json.h"
#include "api_objects.h"

namespace antrea::agent {

namespace asio = boost::asio;
using asio::awaitable;
using namespace std::chrono_literals;

namespace {

/// How often the host's own addresses are looked at while some Egress names its own.
constexpr Duration kLook = 1s;

kube::InformerOptions collection(const char* name, const Logger& logger) {
  kube::InformerOptions options;
  options.path = std::string("/apis/crd.antrea.io/v1beta1/") + name;
  options.transform = kube::drop_managed_fields;
  options.logger = logger;
  return options;
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
    : transport_(std::move(transport)),
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
      gossip_(executor, options, parts_.datapath.pipeline().config().node_ips.front(),
              parts_.logger),
      node_(options.node, {.max_ips_per_node = options.max_egress_ips}, exceptions(options)),
      services_(options.node, parts_.logger),
      host_(executor, options, parts_.datapath.pipeline().config(), transport_, parts_.logger),
      reports_(executor, options.node, parts_.api, parts_.logger),
      changed_(executor) {}

Result<> EgressAgent::start() {
  ANTREA_TRY(announcer_, egress::Announcer::open(executor_, transport_, parts_.logger));
  ANTREA_TRY(auto marks, host_.open());
  node_.adopt(std::move(marks));
  for (const node::Interface* const each : parts_.interfaces.all(node::InterfaceType::kContainer))
    if (each->ofport != 0) node_.attached(each->pod, each->ofport);
  gossip_.gossip().on_event([this](const egress::GossipEvent& event) { on_member(event); });
  return gossip_.start([this] {
    node_.gossip_begins(std::chrono::steady_clock::now());
    changed_.notify();
  });
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
  each_decoded(changes, api::decode_egress, parts_.logger, [&](api::crd::Egress egress, bool gone) {
    if (gone)
      input.removed_egresses.push_back(egress.metadata.name);
    else
      input.egresses.push_back(std::move(egress));
  });
  node_.take(input, std::chrono::steady_clock::now());
  look_for_users_addresses(std::chrono::steady_clock::now());
  act();
}

void EgressAgent::take_pools(std::span<const kube::Change> changes) {
  egress::SchedulerInput input;
  each_decoded(changes, api::decode_external_ip_pool, parts_.logger,
               [&](api::crd::ExternalIPPool pool, bool gone) {
                 if (gone)
                   input.removed_pools.push_back(pool.metadata.name);
                 else
                   input.pools.push_back(std::move(pool));
               });
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
  gossip_.keep_joining(node_.nodes());
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
  node_.take_members(
      {gossip_.gossip().alive(), gossip_.gossip().returning(), gossip_.gossip().cut_off()}, missed,
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
    host_.set(&*outcome_);
  parts_.datapath.apply(decision.paths);
  host_.probe_nodes(decision.probes);
  announce();
  // What this Node had it has given up now, so others may hear of it.
  gossip_.gossip().set_returning(outcome_->returning);
  if (outcome_->settled) reports_.tell(node_, decision);
  changed_.notify();
}

void EgressAgent::look_for_users_addresses(TimePoint now) {
  const bool wanted = node_.wants_local_addresses();
  looks_at_ = wanted ? now + kLook : TimePoint::max();
  if (!wanted) return;
  if (auto own = host_.own_addresses()) node_.take_local_addresses(*std::move(own));
}

// What the host does not have for sure is not announced.
void EgressAgent::announce() {
  std::set<IpAddress> announced;
  if (outcome_->decision.serving && !host_.keeper().failing()) {
    announced = outcome_->decision.owned;
    announced.insert(outcome_->services.begin(), outcome_->services.end());
  }
  announcer_->set(announced);
}

/// What happens by itself: the deadlines of what is decided, and of the host.
awaitable<void> EgressAgent::keep_time() {
  co_await asio::this_coro::throw_if_cancelled(false);
  host_.set(outcome_ ? &*outcome_ : nullptr);
  for (;;) {
    TimePoint next = looks_at_;
    for (const auto& deadline : {node_.next_deadline(), host_.keeper().next_deadline()})
      if (deadline) next = std::min(next, *deadline);
    (void)co_await changed_.wait_until(next);
    const bool cancelled = co_await is_cancelled();
    if (cancelled) co_return;
    const TimePoint now = std::chrono::steady_clock::now();
    if (now < next) continue;
    host_.keeper().tick(now);
    if (now >= looks_at_) look_for_users_addresses(now);
    act();
  }
}

awaitable<void> EgressAgent::run() {
  using namespace asio::experimental::awaitable_operators;
  // The host lets Egress IPs be used only while this goes on.
  const std::function<bool()> serves = [this] {
    return outcome_ && outcome_->decision.serving && !gossip_.gossip().cut_off();
  };
  auto lease = host_.keep_lease(serves);
  co_await (egresses_.run() && pools_.run() && announcer_->run() && gossip_.keep_keys() &&
            std::move(lease) && keep_time() && reports_.run());
}

}  // namespace antrea::agent
