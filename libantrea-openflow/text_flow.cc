#include "text_internal.h"

// Flows, and the messages that speak of them.
namespace antrea::openflow {
namespace detail {
namespace {

constexpr std::string_view kFlowCommands[] = {"ADD", "MOD", "MOD_STRICT", "DEL", "DEL_STRICT"};
constexpr std::string_view kRemovedReasons[] = {"idle",         "hard",         "delete",
                                                "group_delete", "meter_delete", "eviction"};
constexpr FlagName kMonitorFlags[] = {
    {"initial", FlowMonitor::kInitial},      {"add", FlowMonitor::kAdded},
    {"delete", FlowMonitor::kRemoved},       {"modify", FlowMonitor::kModified},
    {"actions", FlowMonitor::kInstructions}, {"no-abbrev", FlowMonitor::kNoAbbrev},
    {"own", FlowMonitor::kOnlyOwn}};

/// What is shown for a duration that the peer did not tell.
constexpr FlowStatistics::Duration kNoDuration{0xffffffff, 0xffffffff};

void print_reason(std::string& out, std::uint8_t reason) {
  if (reason < std::size(kRemovedReasons))
    out += kRemovedReasons[reason];
  else
    print(out, "{}", reason);
}

/// "NAME=VALUE, "
void print_item(std::string& out, std::string_view name, std::uint64_t value) {
  out += name;
  out += '=';
  print_number(out, value);
  out += ", ";
}

void print_count(std::string& out, std::string_view name, std::optional<std::uint64_t> count) {
  if (count && *count != ~std::uint64_t{0}) return print_item(out, name, *count);
  out += name;
  out += "=?, ";
}

void print_cookie(std::string& out, std::uint64_t cookie) {
  out += "cookie=0x";
  print_hex_digits(out, cookie);
  out += ", ";
}

/// What stands between the table and "actions=". `statistics` null: without them.
void print_flow_rest(std::string& out, const Flow& flow, const FlowStatistics* statistics) {
  if (flow.idle_timeout != 0) print_item(out, "idle_timeout", flow.idle_timeout);
  if (flow.hard_timeout != 0) print_item(out, "hard_timeout", flow.hard_timeout);
  print_flow_flags(out, flow.flags);
  if (flow.importance != 0) print_item(out, "importance", flow.importance);
  if (statistics != nullptr && statistics->idle && statistics->idle->seconds <= 0x7fffffff)
    print_item(out, "idle_age", statistics->idle->seconds);
  const std::size_t before = out.size();
  print_match(out, flow.match, flow.priority);
  if (out.size() != before) out += ' ';
  out += "actions=";
  print_instructions(out, flow);
}

void print_flow(std::string& out, const Flow& flow) {
  if (flow.cookie != 0) print_cookie(out, flow.cookie);
  if (flow.table.value != 0) print_item(out, "table", flow.table.value);
  print_flow_rest(out, flow, nullptr);
}

void print_flow_stats(std::string& out, const FlowStats& stats) {
  print_cookie(out, stats.flow.cookie);
  out += "duration=";
  print_duration(out, stats.statistics.duration.value_or(kNoDuration));
  out += ", ";
  print_item(out, "table", stats.flow.table.value);
  print_count(out, "n_packets", stats.statistics.packets);
  print_count(out, "n_bytes", stats.statistics.bytes);
  print_flow_rest(out, stats.flow, &stats.statistics);
}

void print_new_cookie(std::string& out, std::uint64_t cookie) {
  if (cookie != 0 && cookie != ~std::uint64_t{0}) print(out, "cookie:0x{:x} ", cookie);
}

/// Without the blank in front. `new_cookie`: what flows get, where the message tells it apart from
/// the one that chooses them.
void print_flow_mod(std::string& out, const FlowMod& mod,
                    std::optional<std::uint64_t> new_cookie = {}) {
  const Flow& flow = mod.flow;
  out += kFlowCommands[static_cast<std::size_t>(mod.command)];
  if (flow.table.value != 0) print(out, " table:{}", flow.table.value);
  out += ' ';
  print_match(out, flow.match, flow.priority);
  if (out.back() != ' ') out += ' ';
  // An add sets the cookie; the other commands compare it.
  if (mod.command == FlowCommand::kAdd && !new_cookie) new_cookie = flow.cookie;
  if (new_cookie) print_new_cookie(out, *new_cookie);
  if (mod.command != FlowCommand::kAdd && mod.cookie_mask != 0)
    print(out, "cookie:0x{:x}/0x{:x} ", flow.cookie, mod.cookie_mask);
  if (flow.idle_timeout != 0) print(out, "idle:{} ", flow.idle_timeout);
  if (flow.hard_timeout != 0) print(out, "hard:{} ", flow.hard_timeout);
  if (flow.importance != 0 && mod.command == FlowCommand::kAdd)
    print(out, "importance:{} ", flow.importance);
  if (mod.buffer_id != 0xffffffff) print(out, "buf:0x{:x} ", mod.buffer_id);
  if (mod.out_port != kPortAny) {
    out += "out_port:";
    print_port(out, mod.out_port.value);
    out += ' ';
  }
  print_flow_flags(out, flow.flags);
  out += "actions=";
  print_instructions(out, flow);
}

/// The tail that both forms of flow-removed share.
void print_removed(std::string& out, std::uint8_t reason, std::optional<TableId> table,
                   std::uint64_t cookie, const FlowStatistics::Duration& duration,
                   std::uint16_t idle_timeout, std::uint16_t hard_timeout, std::uint64_t packets,
                   std::uint64_t bytes) {
  out += " reason=";
  print_reason(out, reason);
  if (table && table->value != 255) print(out, " table_id={}", table->value);
  if (cookie != 0) print(out, " cookie:0x{:x}", cookie);
  out += " duration";
  print_duration(out, duration);
  print(out, " idle{}", idle_timeout);
  if (hard_timeout != 0) print(out, " hard{}", hard_timeout);
  print(out, " pkts{} bytes{}\n", packets, bytes);
}

void print_update(std::string& out, const FlowUpdate& update) {
  using Event = FlowUpdate::Event;
  out += "\n event=";
  switch (update.event) {
    case Event::kInitial:
      out += "INITIAL";
      break;
    case Event::kAdded:
      out += "ADDED";
      break;
    case Event::kRemoved:
      out += "DELETED reason=";
      print_reason(out, update.reason);
      break;
    case Event::kModified:
      out += "MODIFIED";
      break;
    case Event::kAbbrev:
      return print(out, "ABBREV xid=0x{:x}", update.xid);
    case Event::kPaused:
      out += "PAUSED";
      return;
    case Event::kResumed:
      out += "RESUMED";
      return;
  }
  const Flow& flow = update.flow;
  print(out, " table={}", flow.table.value);
  if (flow.idle_timeout != 0) print(out, " idle_timeout={}", flow.idle_timeout);
  if (flow.hard_timeout != 0) print(out, " hard_timeout={}", flow.hard_timeout);
  out += " cookie=";
  print_hex(out, flow.cookie);
  out += ' ';
  print_match(out, flow.match);
  if (static_cast<const Instructions&>(flow).empty()) return;
  if (out.back() != ' ') out += ' ';
  out += "actions=";
  print_instructions(out, flow);
}

}  // namespace

void print_flow_flags(std::string& out, std::uint16_t flags) {
  for (const FlagName& flag : kFlowFlagNames)
    if ((flags & flag.bit) != 0) {
      out += flag.name;
      out += ' ';
    }
}

void print_body(std::string& out, const FlowMod& mod) {
  out += ' ';
  print_flow_mod(out, mod);
}

void print_body(std::string& out, const NxFlowMod& mod) {
  out += ' ';
  print_flow_mod(out, mod.mod, mod.new_cookie);
}

void print_body(std::string& out, const FlowFilter& filter) {
  if (filter.table != kAllTables) print(out, " table={}", filter.table.value);
  if (filter.out_port != kPortAny) {
    out += " out_port=";
    print_port(out, filter.out_port.value);
  }
  out += ' ';
  print_match(out, filter.match);
}

void print_body(std::string& out, const FlowStatsReply& reply) {
  for (const FlowStats& stats : reply.flows) {
    out += "\n ";
    print_flow_stats(out, stats);
  }
}

void print_body(std::string& out, const AggregateReply& reply) {
  const FlowStatistics& statistics = reply.statistics;
  print(out, " packet_count={} byte_count={} flow_count={}",
        statistics.packets.value_or(~std::uint64_t{0}),
        statistics.bytes.value_or(~std::uint64_t{0}), statistics.flows.value_or(0xffffffff));
}

void print_body(std::string& out, const FlowRemoved& removed) {
  const FlowStatistics& statistics = removed.statistics;
  out += ' ';
  print_match(out, removed.match, removed.priority);
  print_removed(out, removed.reason, removed.table, removed.cookie,
                statistics.duration.value_or(kNoDuration), removed.idle_timeout,
                removed.hard_timeout, statistics.packets.value_or(~std::uint64_t{0}),
                statistics.bytes.value_or(~std::uint64_t{0}));
}

void print_body(std::string& out, const NxFlowRemoved& removed) {
  out += ' ';
  print_match(out, removed.match, removed.priority);
  print_removed(out, removed.reason, removed.table, removed.cookie, removed.duration,
                removed.idle_timeout, 0, removed.packets, removed.bytes);
}

void print_body(std::string& out, const FlowMonitorRequest& request) {
  for (const FlowMonitor& monitor : request.monitors) {
    print(out, "\n id={}", monitor.id);
    if (monitor.command == FlowMonitor::Command::kDelete) {
      out += " command=delete";
      continue;
    }
    out += " flags=";
    print_bits(out, monitor.flags, kMonitorFlags, ',');
    if (monitor.out_port != kPortAny) {
      out += " out_port=";
      print_port(out, monitor.out_port.value);
    }
    if (monitor.out_group.value != 0 && monitor.out_group != kAnyGroup)
      print(out, " out_group={}", static_cast<std::int32_t>(monitor.out_group.value));
    if (monitor.table != kAllTables) print(out, " table={}", monitor.table.value);
    if (monitor.match.empty()) continue;
    out += ' ';
    print_match(out, monitor.match);
  }
}

void print_body(std::string& out, const FlowMonitorReply& reply) {
  for (const FlowUpdate& update : reply.updates) print_update(out, update);
}

}  // namespace detail

std::string to_string(const Flow& flow) {
  std::string text;
  detail::print_flow(text, flow);
  return text;
}

std::string to_string(const FlowMod& mod) {
  std::string text;
  detail::print_flow_mod(text, mod);
  return text;
}

}  // namespace antrea::openflow
