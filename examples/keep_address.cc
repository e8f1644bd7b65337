// Keeps one IP address on one of several hosts: start it on each of them, with the same list.
//   keep_address NAME INTERFACE ADDRESS HOST=HOST-ADDRESS...
#include <antrea/egress/announcer.h>
#include <antrea/egress/gossip.h>
#include <antrea/egress/scheduler.h>

#include <boost/asio.hpp>
#include <cstdlib>

using namespace antrea;

int main(int, char** argv) {
  const std::string self = argv[1], interface = argv[2], address = argv[3];
  const IpAddress ip = *IpAddress::parse(address);
  egress::SchedulerInput input{.pools = {{.metadata = {.name = "pool"}}}};
  input.egresses.push_back({.metadata = {.name = "it"}, .spec = {.addresses = {{ip, "pool"}}}});
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
  const auto announcer = egress::Announcer::open(io.get_executor(), interface).value();
  egress::Scheduler scheduler;
  bool mine = false;
  const auto update = [&](bool returned) {
    const auto now = std::chrono::steady_clock::now();
    input.alive = gossip.alive();
    scheduler.apply(std::exchange(input, {}), now);
    if (returned) scheduler.returned(self, now);
    const bool owner = scheduler.placements().begin()->second.owner == self && !gossip.cut_off();
    if (std::exchange(mine, owner) == owner) return;
    const std::string verb = mine ? "add " : "delete ";
    if (std::system(("ip address " + verb + address + "/32 dev " + interface).c_str()) != 0)
      exit(1);
    announcer->set(mine ? std::set{ip} : std::set<IpAddress>());
  };
  // Outvoted, cut off or reconnected: others may have acted without this host.
  gossip.on_event([&](auto& event) { update(event.kind >= egress::GossipEvent::Kind::kOutvoted); });
  gossip.start().value();
  gossip.keep_joining(hosts);
  boost::asio::co_spawn(io, announcer->run(), boost::asio::detached);
  for (;; io.run_for(std::chrono::seconds(1))) update(false);
}
