#include <algorithm>

#include "text_internal.h"
#include "wire.h"

// Ports and queues.
namespace antrea::openflow::detail {
namespace {

constexpr FlagName kPortConfig[] = {
    {"PORT_DOWN", 1}, {"NO_RECV", 4}, {"NO_FWD", 0x20}, {"NO_PACKET_IN", 0x40}};
constexpr FlagName kPortState[] = {{"LINK_DOWN", 1}, {"BLOCKED", 2}, {"LIVE", 4}};
constexpr FlagName kFeatures[] = {
    {"10MB-HD", 1U << 0},         {"10MB-FD", 1U << 1},   {"100MB-HD", 1U << 2},
    {"100MB-FD", 1U << 3},        {"1GB-HD", 1U << 4},    {"1GB-FD", 1U << 5},
    {"10GB-FD", 1U << 6},         {"40GB-FD", 1U << 7},   {"100GB-FD", 1U << 8},
    {"1TB-FD", 1U << 9},          {"OTHER", 1U << 10},    {"COPPER", 1U << 11},
    {"FIBER", 1U << 12},          {"AUTO_NEG", 1U << 13}, {"AUTO_PAUSE", 1U << 14},
    {"AUTO_PAUSE_ASYM", 1U << 15}};
constexpr std::uint64_t kUnknown = ~std::uint64_t{0};
constexpr std::uint32_t kAllQueues = 0xffffffff;

/// What Open vSwitch keeps of config and state bits.
std::uint32_t known_bits(std::uint32_t bits, std::span<const FlagName> names) {
  std::uint32_t known = 0;
  for (const FlagName& name : names) known |= bits & name.bit;
  return known;
}

void print_features(std::string& out, std::string_view label, std::uint32_t features) {
  features &= 0xffff;
  if (features == 0) return;
  out += label;
  print_bits(out, features, kFeatures, ' ');
  out += '\n';
}

void print_port_desc(std::string& out, const Port& port) {
  out += ' ';
  print_port(out, port.number.value);
  out += '(';
  for (const char c : port.name.substr(0, 63)) {
    if (c < 0x20 || c > 0x7e) break;
    out += c;
  }
  print(out, "): addr:{}\n     config:     ", port.hw_addr.to_string());
  print_bits(out, known_bits(port.config, kPortConfig), kPortConfig, ' ');
  out += "\n     state:      ";
  print_bits(out, known_bits(port.state, kPortState), kPortState, ' ');
  out += '\n';
  const Port::Ethernet ethernet = port.ethernet.value_or(Port::Ethernet{});
  print_features(out, "     current:    ", ethernet.current);
  print_features(out, "     advertised: ", ethernet.advertised);
  print_features(out, "     supported:  ", ethernet.supported);
  print_features(out, "     peer:       ", ethernet.peer);
  print(out, "     speed: {} Mbps now, {} Mbps max\n", ethernet.current_speed / 1000,
        ethernet.max_speed / 1000);
}

/// A port's number as Open vSwitch orders and aligns it: in 16 bits.
std::uint16_t short_number(PortNo port) { return static_cast<std::uint16_t>(port.value); }

void print_counter(std::string& out, std::string_view name, std::uint64_t count) {
  if (count == kUnknown)
    print(out, "{}=?", name);
  else
    print(out, "{}={}", name, count);
}

struct Counter {
  std::string_view name;
  std::uint64_t count;
};
void print_counters(std::string& out, std::initializer_list<Counter> counters) {
  bool first = true;
  for (const Counter& counter : counters) {
    if (!first) out += ", ";
    first = false;
    print_counter(out, counter.name, counter.count);
  }
}

/// Counters by packet size and fault (RFC 2819), as an experimenter's property; those that are not
/// known are not shown.
void print_rfc2819(std::string& out, In in) {
  constexpr std::string_view kSizes[] = {
      "1_to_64_packets",     "65_to_127_packets",    "128_to_255_packets", "256_to_511_packets",
      "512_to_1023_packets", "1024_to_1522_packets", "1523_to_max_packets"};
  std::string rx;
  std::string tx;
  const auto counter = [&](std::string& to, std::string_view name) {
    const std::uint64_t count = in.be64();
    if (!in.failed() && count != kUnknown) print(to, "{}={}, ", name, count);
  };
  for (const std::string_view name : kSizes) counter(rx, name);
  for (const std::string_view name : kSizes) counter(tx, name);
  counter(tx, "multicast_packets");
  counter(rx, "broadcast_packets");
  counter(tx, "broadcast_packets");
  for (const std::string_view name :
       {"undersized_errors", "oversize_errors", "rx_fragmented_errors", "rx_jabber_errors"})
    counter(rx, name);
  if (!rx.empty()) print(out, "           rx rfc2819 {}\n", rx);
  if (!tx.empty()) print(out, "           tx rfc2819 {}\n", tx);
}

/// Counters that have their names with them.
void print_custom(std::string& out, In in) {
  const std::uint16_t count = in.be16();
  if (count == 0) return;
  out += "           CUSTOM Statistics";
  for (unsigned i = 0; i < count && !in.failed(); ++i) {
    const auto name = in.take(in.u8());
    const std::uint64_t value = in.be64();
    const std::string_view text(reinterpret_cast<const char*>(name.data()), name.size());
    if (text.empty() || text.front() == '\0' || in.failed()) continue;
    out += i % 3 == 0 ? "\n                      " : " ";
    print(out, "{}={},", text.substr(0, text.find('\0')), value);
  }
  out += '\n';
}

void print_more_stats(std::string& out, std::span<const std::byte> properties) {
  constexpr std::uint16_t kExperimenter = 0xffff;
  constexpr std::uint32_t kIntel = 0x0000aa01;
  In in(properties);
  In sizes(std::span<const std::byte>{});
  In custom = sizes;
  while (!in.empty()) {
    Property property;
    if (pull_plain_property(in, property) != nullptr) break;
    In& body = property.body;
    if (property.type != kExperimenter || body.be32() != kIntel) continue;
    const std::uint32_t type = body.be32();
    if (type == 1) {
      body.skip(4);
      sizes = body;
    } else if (type == 2) {
      body.skip(2);
      custom = body;
    }
  }
  print_rfc2819(out, sizes);
  print_custom(out, custom);
}

void print_port_stats(std::string& out, const PortStats& stats) {
  const PortStats::Ethernet ethernet =
      stats.ethernet.value_or(PortStats::Ethernet{kUnknown, kUnknown, kUnknown, kUnknown});
  out += "  port ";
  if (short_number(stats.port) < 10) out += ' ';
  print_port(out, stats.port.value);
  out += ": rx ";
  print_counters(out, {{"pkts", stats.rx_packets},
                       {"bytes", stats.rx_bytes},
                       {"drop", stats.rx_dropped},
                       {"errs", stats.rx_errors},
                       {"frame", ethernet.frame_errors},
                       {"over", ethernet.over_errors},
                       {"crc", ethernet.crc_errors}});
  out += "\n           tx ";
  print_counters(out, {{"pkts", stats.tx_packets},
                       {"bytes", stats.tx_bytes},
                       {"drop", stats.tx_dropped},
                       {"errs", stats.tx_errors},
                       {"coll", ethernet.collisions}});
  out += '\n';
  if (stats.duration.seconds != 0xffffffff) {
    out += "           duration=";
    print_duration(out, stats.duration);
    out += '\n';
  }
  print_more_stats(out, stats.other_properties);
}

void print_queue(std::string& out, std::uint32_t queue) {
  if (queue == kAllQueues)
    out += "ALL";
  else
    print(out, "{}", queue);
}

/// In tenths of a percent; above 100 % the queue has no such limit.
void print_rate(std::string& out, std::string_view name, std::optional<std::uint16_t> rate) {
  if (!rate || *rate == 0xffff) return;
  if (*rate <= 1000)
    print(out, " {}:{}.{}%", name, *rate / 10, *rate % 10);
  else
    print(out, " {}:(disabled)", name);
}

}  // namespace

void print_body(std::string& out, const PortStatus& status) {
  constexpr std::string_view kReasons[] = {" ADD:", " DEL:", " MOD:"};
  const auto reason = static_cast<std::size_t>(status.reason);
  if (reason < std::size(kReasons)) out += kReasons[reason];
  print_port_desc(out, status.port);
}

void print_body(std::string& out, const PortMod& mod) {
  out += " port: ";
  print_port(out, mod.port.value);
  print(out, ": addr:{}\n     config: ", mod.hw_addr.to_string());
  print_bits(out, known_bits(mod.config & mod.mask, kPortConfig), kPortConfig, ' ');
  out += "\n     mask:   ";
  print_bits(out, known_bits(mod.mask, kPortConfig), kPortConfig, ' ');
  out += "\n     advertise: ";
  const std::uint32_t advertise = mod.advertise.value_or(0) & 0xffff;
  if (advertise == 0) {
    out += "UNCHANGED";
  } else {
    print_bits(out, advertise, kFeatures, ' ');
  }
  out += '\n';
}

void print_body(std::string& out, const PortDescReply& reply) {
  out += '\n';
  std::vector<const Port*> ports;
  for (const Port& port : reply.ports) ports.push_back(&port);
  std::ranges::stable_sort(ports, {}, [](const Port* port) { return short_number(port->number); });
  for (const Port* port : ports) print_port_desc(out, *port);
}

void print_body(std::string& out, const PortStatsReply& reply) {
  print(out, " {} ports\n", reply.ports.size());
  for (const PortStats& stats : reply.ports) print_port_stats(out, stats);
}

void print_body(std::string& out, const QueueStatsRequest& request) {
  out += " port=";
  print_port(out, request.port.value);
  out += " queue=";
  print_queue(out, request.queue);
}

void print_body(std::string& out, const QueueDescRequest& request) {
  out += " port=";
  print_port(out, request.port.value);
  if (request.queue == kAllQueues) return;
  out += " queue=";
  print_queue(out, request.queue);
}

void print_body(std::string& out, const QueueStatsReply& reply) {
  print(out, " {} queues\n", reply.queues.size());
  for (const QueueStats& stats : reply.queues) {
    out += "  port ";
    print_port(out, stats.port.value);
    out += " queue ";
    print_queue(out, stats.queue);
    out += ": ";
    print_counters(
        out, {{"bytes", stats.tx_bytes}, {"pkts", stats.tx_packets}, {"errors", stats.tx_errors}});
    out += ", duration=";
    if (stats.duration.seconds == 0xffffffff)
      out += '?';
    else
      print_duration(out, stats.duration);
    out += '\n';
  }
}

void print_body(std::string& out, const QueueDescReply& reply) {
  std::vector<const QueueDesc*> queues;
  for (const QueueDesc& queue : reply.queues) queues.push_back(&queue);
  std::ranges::stable_sort(queues, {}, [](const QueueDesc* queue) {
    return std::pair(short_number(queue->port), queue->queue);
  });
  out += ' ';
  PortNo port{0};
  for (const QueueDesc* queue : queues) {
    if (queue->port != port) {
      port = queue->port;
      out += "port=";
      print_port(out, port.value);
      out += '\n';
    }
    print(out, "queue {}:", queue->queue);
    print_rate(out, "min_rate", queue->min_rate);
    print_rate(out, "max_rate", queue->max_rate);
    out += '\n';
  }
  if (out.back() == ' ') out.pop_back();
}

}  // namespace antrea::openflow::detail
