// Random Services, slices and Nodes against an oracle that shares no code with the engine.
#include <gtest/gtest.h>

#include "model_switch.h"
#include "random_world.h"

namespace antrea::proxy {
namespace {

struct Sender {
  Client client;
  const char* v4;
  const char* v6;
};
constexpr Sender kSenders[] = {{Client::kPod, "10.10.0.77", "fd00:10::77"},
                               {Client::kHost, "10.10.0.1", "fd00:10::1"},
                               {Client::kOutside, "192.0.2.9", "2001:db8:c::9"},
                               {Client::kOutside, "198.18.0.1", "2001:db8:d::9"},
                               {Client::kOtherNode, "192.0.2.7", "2001:db8:c::7"},
                               {Client::kOtherNode, "198.18.0.2", "2001:db8:d::7"}};

class Life {
 public:
  Life(const BalancerConfig& config, const RandomWorld& random)
      : config_(config), random_(random), balancer_(config_) {
    sw.commit(balancer_.start());
  }

  void step() {
    change();
    note_changed_services();
    connect();
  }

  void expect_right() {
    const Oracle oracle(world, config_);
    const auto places = oracle.places();
    for (const auto& [at, place] : places)
      for (const auto& sender : kSenders) expect_led_right(oracle, at, place, sender);
    for (const char* address : {"10.96.0.1", "198.51.100.1", "198.51.100.2", "fd00:96::2"})
      for (const std::uint16_t port : {53, 80, 81}) {
        const Frontend at{ip(address), port, api::Protocol::kTcp};
        if (places.contains(at)) continue;
        for (const auto& sender : kSenders)
          EXPECT_TRUE(
              walk().first_packet(sender.client, source(sender, at), at, config_.dsr).no_service);
      }
    EXPECT_EQ(balancer_.host(), oracle.host());
    expect_nothing_else(oracle);
  }

  /// Whatever the order, and whether all at once, it comes to the same.
  void expect_same_in_any_order() {
    Balancer at_once(config_), backwards(config_);
    ModelSwitch switch_at_once, switch_backwards;
    switch_at_once.commit(at_once.start());
    switch_backwards.commit(backwards.start());
    ServiceChanges all;
    for (const auto& [key, service] : world.services) all.services.push_back(service);
    for (const auto& [key, slice] : world.slices) all.slices.push_back(slice);
    switch_at_once.commit(at_once.apply(all));
    switch_at_once.commit(at_once.set_node(world.node));
    switch_backwards.commit(backwards.set_node(world.node));
    for (auto s = world.slices.rbegin(); s != world.slices.rend(); ++s)
      switch_backwards.commit(backwards.apply(s->second));
    for (auto s = world.services.rbegin(); s != world.services.rend(); ++s)
      switch_backwards.commit(backwards.apply(s->second));
    EXPECT_TRUE(sw == switch_at_once);
    EXPECT_TRUE(sw == switch_backwards);
    EXPECT_EQ(balancer_.host(), at_once.host());
    EXPECT_EQ(balancer_.host(), backwards.host());
  }

  void expect_nothing_left() {
    for (const auto& [key, slice] : world.slices) sw.commit(balancer_.remove_slice(key));
    for (const auto& [key, service] : world.services) sw.commit(balancer_.remove_service(key));
    sw.commit(balancer_.set_node({}));
    EXPECT_TRUE(sw.groups().empty());
    EXPECT_EQ(sw.flows().size(), balancer_.start().flows.size());
    EXPECT_TRUE(sw.learned().empty());
    EXPECT_EQ(balancer_.host(), HostServices());
    EXPECT_EQ(balancer_.service_count(), 0U);
  }

  World world;
  ModelSwitch sw;

 private:
  // A client that has been led to an endpoint of a Service with affinity, or a connection to one.
  struct Memory {
    Backend endpoint;
    api::ObjectKey service;
    bool holds = true;  // the Service has been the same since, but for its endpoints
  };
  using Visit = std::tuple<Frontend, Client, IpAddress>;
  using Memories = std::map<Visit, Memory>;

  void change() {
    const World before = world;
    const auto number = random_.below(6);
    const api::ObjectKey key{"default", "s" + std::to_string(number)};
    switch (random_.below(16)) {
      case 0:
        world.services.erase(key);
        changed_.insert(key);
        return took(before, balancer_.remove_service(key));
      case 1:
      case 2:
      case 3: {
        auto made = random_.random_service(number);
        world.services.insert_or_assign(key, made);
        changed_.insert(key);
        return took(before, balancer_.apply(made));
      }
      case 4: {
        const api::ObjectKey slice{"default", key.name + "-" + std::to_string(random_.below(3))};
        world.slices.erase(slice);
        return took(before, balancer_.remove_slice(slice));
      }
      case 5:
        world.node = random_.random_node();
        return took(before, balancer_.set_node(world.node));
      case 6: {  // many at once
        ServiceChanges batch;
        for (unsigned n = 0; n < 6; ++n) {
          batch.services.push_back(random_.random_service(n));
          batch.slices.push_back(random_.random_slice(n));
          world.services.insert_or_assign(key_of(batch.services.back().metadata),
                                          batch.services.back());
          world.slices.insert_or_assign(key_of(batch.slices.back().metadata), batch.slices.back());
          changed_.insert(key_of(batch.services.back().metadata));
        }
        return took(before, balancer_.apply(batch));
      }
      case 7:
      case 8:
      case 9: {
        auto made = random_.random_slice(number);
        world.slices.insert_or_assign(key_of(made.metadata), made);
        return took(before, balancer_.apply(made));
      }
      default: {  // little: what most changes are
        if (world.slices.empty()) return;
        const auto slice = std::next(world.slices.begin(),
                                     random_.below(static_cast<unsigned>(world.slices.size())));
        random_.change_one_endpoint(slice->second);
        return took(before, balancer_.apply(slice->second));
      }
    }
  }

  Walk walk() const {
    Walk out(sw.flows(), sw.groups());
    out.knowing(sw.learned());
    return out;
  }

  static IpAddress source(const Sender& sender, const Frontend& at) {
    return ip(at.ip.is_v4() ? sender.v4 : sender.v6);
  }

  static std::set<Backend> ends(const Fate& fate) {
    std::set<Backend> out = fate.endpoints;
    out.insert(fate.unchanged.begin(), fate.unchanged.end());
    return out;
  }

  // Who still may be where he is remembered, if he is.
  static const Memory* stays(const Memories& memories, const Visit& visit,
                             const std::set<Backend>& where) {
    const auto found = memories.find(visit);
    return found != memories.end() && where.contains(found->second.endpoint) ? &found->second
                                                                             : nullptr;
  }

  // Where the Service still has the endpoint that a client has been led to, he is led there again;
  // a connection of UDP that goes on unchanged, while its endpoint serves. If more than endpoints
  // has changed since, they may have been forgotten.
  void expect_led_right(const Oracle& oracle, const Frontend& at, const Oracle::Place& place,
                        const Sender& sender) const {
    const IpAddress from = source(sender, at);
    const Fate want = oracle.fate(place, sender.client, from, at.ip.family());
    const Fate got = walk().first_packet(sender.client, from, at, config_.dsr);
    const Visit visit{at, sender.client, from};
    const bool unchanged = oracle.unchanged(place, at.ip.family());
    const Memory* const connection = stays(
        connections_, visit, unchanged ? oracle.alive(place, at.ip.family()) : std::set<Backend>());
    const Memory* const client = stays(clients_, visit, ends(want));
    const std::string where = place.service->metadata.name + " at " + at.ip.to_string() + ":" +
                              std::to_string(at.port) + " client " +
                              std::to_string(static_cast<int>(sender.client));
    const auto led_to = [&](const Memory* memory) {
      return memory != nullptr && ends(got) == std::set<Backend>{memory->endpoint};
    };
    if (connection != nullptr && connection->holds) {
      EXPECT_TRUE(led_to(connection)) << where << got << ", not where its connection is";
    } else if (client != nullptr && client->holds && !connections_.contains(visit)) {
      EXPECT_TRUE(led_to(client)) << where << got << ", not where he was";
    } else if (!led_to(connection) && !led_to(client)) {
      EXPECT_EQ(got, want) << where;
    }
  }

  void note_changed_services() {
    const auto places = Oracle(world, config_).places();
    for (auto* const memories : {&clients_, &connections_})
      for (auto& [visit, memory] : *memories) {
        const auto place = places.find(std::get<Frontend>(visit));
        memory.holds = memory.holds && place != places.end() &&
                       key_of(place->second.service->metadata) == memory.service &&
                       !changed_.contains(memory.service);
      }
    changed_.clear();
  }

  // Some clients come, and are remembered where their Service says so; some of them stay.
  void connect() {
    for (const auto& [at, place] : Oracle(world, config_).places()) {
      if (!random_.one_in(8)) continue;
      const Sender& sender = kSenders[random_.below(std::size(kSenders))];
      Walk coming = walk();
      coming.first_packet(sender.client, source(sender, at), at, config_.dsr);
      const Visit visit{at, sender.client, source(sender, at)};
      const auto service = key_of(place.service->metadata);
      learn_one(coming.learned(), visit, service, clients_);
      if (at.protocol == api::Protocol::kUdp)
        learn_one(coming.connections(), visit, service, connections_);
    }
  }

  void learn_one(const std::map<Backend, openflow::Flow>& learned, const Visit& visit,
                 const api::ObjectKey& service, Memories& memories) {
    if (learned.empty()) return;
    const auto chosen =
        std::next(learned.begin(), random_.below(static_cast<unsigned>(learned.size())));
    sw.learn(chosen->second);
    memories.insert_or_assign(visit, Memory{chosen->first, service});
  }

  // A group that nobody leads to, or an endpoint's flow that no group needs, would be left over.
  void expect_nothing_else(const Oracle& oracle) {
    std::set<std::pair<Backend, api::Protocol>> endpoints;
    for (const auto& [at, place] : oracle.places())
      for (const auto& sender : kSenders) {
        const auto fate = oracle.fate(place, sender.client, source(sender, at), at.ip.family());
        for (const auto& backend : ends(fate)) endpoints.insert({backend, at.protocol});
      }
    std::size_t found = 0;
    for (const auto& [key, flow] : sw.flows())
      found += key.table.value == static_cast<std::uint8_t>(api::pipeline::Table::kEndpointDnat);
    const std::size_t always = config_.dsr ? 3 : 2;
    EXPECT_GE(found, endpoints.size() + always);
    std::set<openflow::GroupId> used;
    for (const auto& [key, flow] : sw.flows())
      for (const auto& action : flow.apply_actions)
        if (const auto* group = std::get_if<openflow::GroupAction>(&action))
          used.insert(group->group);
    EXPECT_LE(used.size(), sw.groups().size());
  }

  // Of UDP connections exactly those go that lead to what is no more.
  void took(const World& before, const Outcome& outcome) {
    sw.commit(outcome.pipeline);
    if (!std::ranges::is_sorted(outcome.stale)) ADD_FAILURE() << "stale connections not in order";
    const Oracle was(before, config_), is(world, config_);
    const auto now = is.places();
    std::set<StaleConnections> want;
    for (const auto& [at, place] : was.places()) {
      if (at.protocol != api::Protocol::kUdp) continue;
      const auto same = now.find(at);
      const bool gone =
          same == now.end() || same->second.service->metadata.name != place.service->metadata.name;
      if (gone) {
        add(want, at, {});
        continue;
      }
      const auto alive = is.alive(same->second, at.ip.family());
      const bool unchanged =
          was.unchanged(place, at.ip.family()) || is.unchanged(same->second, at.ip.family());
      for (const auto& backend : was.alive(place, at.ip.family()))
        if (!alive.contains(backend))
          add(want, at, unchanged ? std::nullopt : std::optional(backend.ip));
    }
    EXPECT_EQ(std::set<StaleConnections>(outcome.stale.begin(), outcome.stale.end()), want);
  }

  void add(std::set<StaleConnections>& want, const Frontend& at,
           const std::optional<IpAddress>& endpoint) const {
    want.insert({at, endpoint});
    if (at.ip != node_port_ip(at.ip.family())) return;
    for (const auto& address : world.node.node_port_addresses)
      if (address.family() == at.ip.family())
        want.insert({{address, at.port, at.protocol}, endpoint});
  }

  BalancerConfig config_;
  RandomWorld random_;
  Balancer balancer_;
  Memories clients_, connections_;
  std::set<api::ObjectKey> changed_;  // Services, by this step
};

void expect_right_all_along(Life run) {
  for (int step = 0; step < 60; ++step) {
    run.step();
    if (step % 6 == 0) run.expect_right();
    if (testing::Test::HasFailure()) return;
  }
  run.expect_right();
  run.expect_same_in_any_order();
  run.expect_nothing_left();
}

TEST(BalancerProperty, AgreesWithTheOracleWhateverTheOrder) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    expect_right_all_along({random_config(seed), RandomWorld(seed)});
    if (testing::Test::HasFailure()) return;
  }
}

// Where packets go on unchanged: connections stay for as long as their endpoints serve.
TEST(BalancerProperty, AgreesOnConnectionsThatAreAnsweredDirectly) {
  for (unsigned seed = 0; seed < 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const BalancerConfig config{.node_name = "here", .proxy_all = true, .dsr = true};
    expect_right_all_along({config, RandomWorld(seed, true)});
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace antrea::proxy
