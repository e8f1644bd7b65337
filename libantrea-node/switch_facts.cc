#include "antrea/node/switch_facts.h"

#include "antrea/node/packet_in_meters.h"
#include "pipeline_flows.h"

namespace antrea::node {

namespace asio = boost::asio;
using asio::awaitable;

namespace {

constexpr Table kOrderedTables[] = {Table::kAntreaPolicyEgressRule, Table::kEgressDefaultRule,
                                    Table::kAntreaPolicyIngressRule, Table::kIngressDefaultRule};

awaitable<Result<SwitchFacts>> ask(openflow::Switch& the_switch, TimePoint deadline) {
  SwitchFacts facts;
  ANTREA_CO_CHECK(co_await the_switch.connection().wait_ready(deadline));
  ANTREA_CO_TRY(facts.meters, co_await supports_meters(the_switch.connection(), deadline));
  for (const Table table : kOrderedTables) {
    openflow::FlowFilter filter;
    filter.table = table_id(table);
    filter.cookie = api::pipeline::cookie(CookieCategory::kNetworkPolicy);
    filter.cookie_mask = ~std::uint64_t{0};
    ANTREA_CO_TRY(auto found, co_await the_switch.dump_flows(std::move(filter)));
    for (openflow::FlowStats& each : found)
      if (each.flow.match.has(openflow::FieldId::kConjId))
        facts.policy_flows.push_back(std::move(each.flow));
  }
  co_return facts;
}

}  // namespace

awaitable<Result<SwitchFacts>> read_switch_facts(openflow::Switch& the_switch, TimePoint deadline) {
  for (;;) {
    auto facts = co_await ask(the_switch, deadline);
    const bool lost = !facts && (facts.error().code == Errc::kUnavailable ||
                                 facts.error().code == Errc::kTimeout);
    if (!lost || std::chrono::steady_clock::now() >= deadline) co_return facts;
  }
}

}  // namespace antrea::node
