#include "policy_agent.h"

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>

#include "antrea/api/pipeline.h"
#include "antrea/node/packet_in_meters.h"

namespace antrea::agent {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

/// Before the controller is told again what it did not take.
constexpr Duration kReportRetry = 5s;

/// Why a rule is complete and yet has no flows.
std::string_view why_unrealized(const policy::RuleIdentity& rule) {
  if (rule.layer7) return "is about the inside of connections, which nothing looks into";
  if (rule.igmp) return "is about IGMP, which Nodes do not route";
  return "finds no free OpenFlow priority";
}

}  // namespace

policy::FlowCompiler::Options policy_flow_options(const node::NodeConfig& config, bool meters) {
  const auto served = [&](Family family) {
    return std::ranges::find(config.pod_cidrs, family, &IpPrefix::family) != config.pod_cidrs.end();
  };
  policy::FlowCompiler::Options options;
  options.ipv4 = served(Family::kIPv4);
  options.ipv6 = served(Family::kIPv6);
  options.intercept_dns = true;
  if (!meters) return options;
  options.packet_in_meter = node::kPolicyMeter.id;
  options.dns_meter = node::kDnsMeter.id;
  return options;
}

PolicyAgent::PolicyAgent(asio::any_io_executor executor, const Options& options, Parts parts,
                         std::function<void()> on_known,
                         std::function<void(const EgressGroups&)> on_egress_groups)
    : parts_(std::move(parts)),
      dns_(executor, parts_.the_switch, parts_.datapath, parts_.metrics, dns_options(options)),
      client_(parts_.api,
              client_options(options, std::move(on_known), std::move(on_egress_groups))),
      audit_(executor, options.log_dir + "/networkpolicy/np.log", options.audit_log, parts_.logger),
      packets_(parts_.the_switch, parts_.interfaces, parts_.datapath.pipeline().config(),
               parts_.metrics, packet_options()),
      reports_(options.node),
      statistics_(options.node),
      statistics_interval_(std::chrono::seconds(options.statistics_interval)),
      rules_changed_(executor) {}

controlplane::ClientOptions PolicyAgent::client_options(
    const Options& options, std::function<void()> on_known,
    std::function<void(const EgressGroups&)> on_egress_groups) {
  controlplane::ClientOptions client;
  client.node = options.node;
  client.directory = options.run_dir + "/networkpolicy";
  client.logger = parts_.logger;
  client.on_rules = [this, on_known = std::move(on_known)](std::vector<policy::RuleInput> batch) {
    auto applied = parts_.datapath.apply(batch);
    if (applied) reports_.apply(batch);
    rules_changed_.notify();
    dns_.rules_changed();
    on_known();
    return applied;
  };
  if (options.egress) client.on_egress_groups = std::move(on_egress_groups);
  client.on_evaluated = [this](const auto& pods) { parts_.datapath.set_evaluated(pods); };
  return client;
}

node::PolicyPackets::Options PolicyAgent::packet_options() {
  node::PolicyPackets::Options packets;
  packets.logger = parts_.logger;
  packets.on_log = [this](const node::PolicyPacketIn& packet) { log(packet); };
  return packets;
}

node::DnsInterception::Options PolicyAgent::dns_options(const Options& options) const {
  node::DnsInterception::Options dns;
  dns.names.min_ttl = std::chrono::seconds(options.fqdn_min_ttl);
  dns.families.clear();
  for (const IpPrefix& cidr : parts_.datapath.pipeline().config().pod_cidrs)
    dns.families.push_back(cidr.family());
  auto server = options.dns_server.empty() ? node::DnsServerAddress::find("/etc/resolv.conf")
                                           : node::DnsServerAddress::parse(options.dns_server);
  if (server)
    dns.server = *server;
  else
    parts_.logger->warn("{}; names in rules are learned from Pods only",
                        server.error().to_string());
  dns.state_file = options.run_dir + "/dns-names.json";
  dns.logger = parts_.logger;
  return dns;
}

void PolicyAgent::log(const node::PolicyPacketIn& packet) {
  const policy::FlowCompiler& flows = parts_.datapath.flow_compiler();
  std::shared_ptr<const policy::RuleIdentity> rule;
  std::optional<std::uint16_t> priority;
  if (packet.conjunction) {
    rule = flows.rule_of(*packet.conjunction);
    priority = flows.priority_of(*packet.conjunction);
    if (!rule) return;  // it has gone meanwhile
  }
  audit_.log(node::audit_line(packet, rule.get(), priority, parts_.interfaces),
             packet.disposition == api::pipeline::Disposition::kAllow);
}

/// The first rule of each policy that is not realised.
controlplane::StatusReports::Failures PolicyAgent::failures() const {
  controlplane::StatusReports::Failures failures;
  const auto add = [&](const policy::RuleIdentity& rule, std::string_view why) {
    failures.emplace(rule.policy.uid, "rule " + rule.name + " " + std::string(why));
  };
  for (const auto& rule : parts_.datapath.flow_compiler().unrealized())
    add(*rule, why_unrealized(*rule));
  if (const auto& rules = parts_.datapath.node_rules())
    for (const auto& rule : rules->unrealized) add(*rule, "cannot be applied to a Node");
  return failures;
}

/// Tells the controller which policies are in the switch, until cancelled.
asio::awaitable<void> PolicyAgent::report() {
  for (;;) {
    (void)co_await parts_.the_switch.wait_synced(TimePoint::max());
    const auto due = reports_.due(parts_.datapath.rules().waiting_policies(), failures());
    TimePoint next = TimePoint::max();
    for (const auto& status : due) {
      const auto taken = co_await client_.report(status);
      if (taken || taken.error().code == Errc::kNotFound) {  // gone by now, or taken
        reports_.told(status);
        continue;
      }
      parts_.logger->debug("{}", taken.error().to_string());
      next = std::chrono::steady_clock::now() + kReportRetry;
      break;
    }
    // What came meanwhile is looked at once more before the wait.
    if (due.empty() || next != TimePoint::max()) co_await rules_changed_.wait_until(next);
  }
}

/// Reads what the rules counted, and tells the controller what came to it.
asio::awaitable<Result<>> PolicyAgent::read_statistics() {
  std::vector<openflow::FlowStats> flows;
  for (const auto table :
       {api::pipeline::Table::kEgressMetric, api::pipeline::Table::kIngressMetric}) {
    openflow::FlowFilter filter;
    filter.table = openflow::TableId{static_cast<std::uint8_t>(table)};
    filter.cookie = api::pipeline::cookie(api::pipeline::CookieCategory::kNetworkPolicy);
    filter.cookie_mask = ~std::uint64_t{0};
    ANTREA_CO_TRY(auto found, co_await parts_.the_switch.dump_flows(filter));
    std::ranges::move(found, std::back_inserter(flows));
  }
  const policy::FlowCompiler& compiler = parts_.datapath.flow_compiler();
  const controlplane::NodeStatistics::FindRule find_rule = [&compiler](std::uint32_t conjunction) {
    return compiler.rule_of(conjunction);
  };
  auto summary = statistics_.due(policy::count_rules(flows), find_rule);
  if (!summary.empty()) ANTREA_CO_CHECK(co_await client_.report(std::move(summary)));
  statistics_.told();
  co_return Result<>();
}

/// From when the switch holds nothing stale any more, until cancelled.
asio::awaitable<void> PolicyAgent::report_statistics() {
  (void)co_await parts_.the_switch.wait_synced(TimePoint::max());
  asio::steady_timer timer(co_await asio::this_coro::executor);
  for (;;) {
    const auto told = co_await read_statistics();
    if (!told) parts_.logger->debug("statistics: {}", told.error().to_string());
    timer.expires_after(statistics_interval_);
    const auto [code] = co_await timer.async_wait(kTuple);
    if (code) co_return;
  }
}

asio::awaitable<void> PolicyAgent::run() {
  using namespace asio::experimental::awaitable_operators;
  co_await (client_.run() && report() && report_statistics() && packets_.run() && audit_.run() &&
            dns_.run());
}

}  // namespace antrea::agent
