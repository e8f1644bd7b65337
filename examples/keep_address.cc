// Keeps one IP address on one of several hosts: start it on each of them, with the same list.
//   keep_address NAME INTERFACE ADDRESS HOST=HOST-ADDRESS...
#include <antrea/egress/gossip.h>
#include <antrea/egress/scheduler.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdlib>
#include <iostream>

using namespace antrea;

int main(int, char** argv) {
  const std::string self = argv[1], interface = argv[2], address = argv[3];
  api::crd::ExternalIPPool pool{.metadata = {.name = "pool"}};
  api::crd::Egress egress{.metadata = {.name = "address"}};
  egress.spec.addresses = {{*IpAddress::parse(address), "pool"}};
  egress::SchedulerInput input{.egresses = {egress}, .pools = {pool}};
  egress::GossipOptions options{.name = self};
  std::vector<egress::GossipEndpoint> hosts;
  for (char** host = argv + 4; *host != nullptr; ++host) {
    const std::string text = *host, name = text.substr(0, text.find('='));
    hosts.push_back({*IpAddress::parse(text.substr(name.size() + 1)), 10351});
    if (name == self) options.bind = hosts.back();
    input.nodes.push_back({.metadata = {.name = name}});
  }
  boost::asio::io_context io;
  egress::Gossip gossip(io.get_executor(), options);
  egress::Scheduler scheduler;
  scheduler.apply(input, std::chrono::steady_clock::now());
  bool mine = false;
  const auto update = [&](bool returned) {
    const auto now = std::chrono::steady_clock::now();
    std::set<std::string> alive;
    for (const auto& member : gossip.members())
      if (member.counts()) alive.insert(member.name);
    scheduler.apply({.alive = alive}, now);
    if (returned) scheduler.returned(self, now);
    const bool owner = scheduler.placements().begin()->second.owner == self;
    if (mine == (owner && !gossip.cut_off())) return;
    mine = !mine;
    const auto command =
        "ip address " + std::string(mine ? "add " : "delete ") + address + "/32 dev " + interface;
    std::cout << command << std::endl;
    if (std::system(command.c_str()) != 0) std::exit(1);
  };
  // Outvoted, cut off or reconnected: others may have acted without this host.
  gossip.on_event([&](const egress::GossipEvent& event) {
    update(event.kind >= egress::GossipEvent::Kind::kOutvoted);
  });
  boost::asio::steady_timer timer(io);
  const std::function<void()> tick = [&] {  // for what changes by time alone
    update(false);
    timer.expires_after(std::chrono::seconds(1));
    timer.async_wait([&](auto) { tick(); });
  };
  if (const auto started = gossip.start(); !started)
    return std::cerr << started.error().to_string() << "\n", 1;
  gossip.keep_joining(hosts);
  tick();
  io.run();
}
