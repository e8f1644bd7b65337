#include "antrea/lab/fault.h"

#include <fmt/format.h>

#include <array>

#include "antrea/lab/late_link.h"
#include "antrea/lab/netlink.h"

namespace antrea::lab {
namespace {

struct Row {
  Fault fault;
  std::string_view name;
};
constexpr std::array kRows{Row{Fault::kAgent, "agent"},   Row{Fault::kNode, "node"},
                           Row{Fault::kLink, "link"},     Row{Fault::kGossip, "gossip"},
                           Row{Fault::kOneway, "oneway"}, Row{Fault::kPause, "pause"},
                           Row{Fault::kLoss, "loss"},     Row{Fault::kJitter, "jitter"}};

constexpr std::chrono::milliseconds kNftLimit{10'000};

// The agents' own ports: gossip (TCP and UDP) and the quick probes beside it.
constexpr std::string_view kGossipPorts = "10351-10353";

Result<> nft(int net, const std::string& commands) {
  ANTREA_TRY(const std::string program, find_program("nft"));
  HostView view;
  view.net = net;
  ANTREA_CHECK(run_program({.argv = {program, commands}, .view = view}, kNftLimit));
  return {};
}

// "add" before "delete": so the latter finds it.
std::string without(const std::string& table) {
  return fmt::format("add table {0}\ndelete table {0}\n", table);
}

std::string cable_table(const Node& node) { return "bridge fault-" + node.host.name; }
constexpr const char* kHostTable = "inet lab-fault";

// The Node's end of its cable is the switch's, which takes frames before the kernel could drop
// them. The fabric's end has the Node's name, or is late.
Result<> lose_sent(Topology& topology, const Node& node, const std::string& which) {
  const auto table = cable_table(node);
  return nft(topology.fabric().fd(),
             without(table) +
                 fmt::format("table {} {{\nchain sent {{\ntype filter hook prerouting priority 0;\n"
                             "iifname {{ \"{}\", \"{}\" }} {} drop\n}}\n}}\n",
                             table, node.host.name, late_link_name(node.host.name), which));
}

}  // namespace

std::string_view to_string(Fault fault) {
  for (const auto& row : kRows)
    if (row.fault == fault) return row.name;
  return "";
}

Result<Fault> parse_fault(std::string_view name) {
  std::string known;
  for (const auto& row : kRows) {
    if (row.name == name) return row.fault;
    known += (known.empty() ? "" : ", ") + std::string(row.name);
  }
  return make_error(Errc::kInvalidArgument, "no such fault, expected one of " + known,
                    std::string(name));
}

std::span<const Fault> all_faults() {
  static constexpr auto kAll = [] {
    std::array<Fault, kRows.size()> all{};
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = kRows[i].fault;
    return all;
  }();
  return kAll;
}

Result<> cut_network(Topology& topology, Node& node, Fault fault) {
  switch (fault) {
    case Fault::kAgent:
    case Fault::kPause:
    case Fault::kJitter:
      return {};
    case Fault::kNode:
    case Fault::kLink: {
      ANTREA_TRY(Netlink net, Netlink::open(topology.fabric()));
      return net.set_down(node.host.name);
    }
    case Fault::kOneway:
      return lose_sent(topology, node, "");
    case Fault::kLoss:
      return lose_sent(topology, node, "numgen random mod 100 < 30");
    case Fault::kGossip: {
      std::string commands = without(kHostTable);
      commands += fmt::format("table {} {{\n", kHostTable);
      for (const char* hook : {"input", "output"})
        commands += fmt::format(
            "chain {0} {{\ntype filter hook {0} priority -300;\n"
            "meta l4proto {{ tcp, udp }} th dport {1} drop\n"
            "meta l4proto {{ tcp, udp }} th sport {1} drop\n}}\n",
            hook, kGossipPorts);
      return nft(node.host.net.fd(), commands + "}\n");
    }
  }
  return {};
}

Result<> mend_network(Topology& topology, Node& node) {
  ANTREA_TRY(Netlink net, Netlink::open(topology.fabric()));
  ANTREA_CHECK(net.set_up(node.host.name));
  ANTREA_CHECK(nft(topology.fabric().fd(), without(cable_table(node))));
  return nft(node.host.net.fd(), without(kHostTable));
}

}  // namespace antrea::lab
