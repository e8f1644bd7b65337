#include "antrea/node/audit_log.h"

#include <fmt/format.h>

#include "pipeline_flows.h"

namespace antrea::node {
namespace {

constexpr std::string_view kNone = "<nil>";

std::string or_none(const std::string& text) { return text.empty() ? std::string(kNone) : text; }

template <typename Number>
std::string or_none(const std::optional<Number>& number) {
  return number ? std::to_string(*number) : std::string(kNone);
}

std::string_view protocol_name(std::uint8_t protocol) {
  namespace ip_proto = openflow::ip_proto;
  switch (protocol) {
    case ip_proto::kIcmp:
      return "ICMP";
    case ip_proto::kTcp:
      return "TCP";
    case ip_proto::kUdp:
      return "UDP";
    case ip_proto::kIcmpv6:
      return "IPv6-ICMP";
    case ip_proto::kSctp:
      return "SCTP";
    default:
      return "UnknownProtocol";
  }
}

std::string_view disposition_name(api::pipeline::Disposition disposition) {
  switch (disposition) {
    case api::pipeline::Disposition::kAllow:
      return "Allow";
    case api::pipeline::Disposition::kDrop:
      return "Drop";
    case api::pipeline::Disposition::kReject:
      return "Reject";
    case api::pipeline::Disposition::kPass:
      return "Pass";
  }
  return kNone;
}

std::string target_of(const PolicyPacketIn& packet, bool egress, const InterfaceStore& interfaces) {
  const Interface* target = interfaces.find_by_ip(egress ? packet.packet.src : packet.packet.dst);
  if (target == nullptr || target->type != InterfaceType::kContainer) return std::string(kNone);
  return target->pod.to_string();
}

/// "1.000217s": seconds without zeros at the end.
std::string seconds_text(Duration duration) {
  const auto nanoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count();
  std::string text =
      fmt::format("{}.{:09}", nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text + 's';
}

}  // namespace

std::string audit_line(const PolicyPacketIn& packet, const policy::RuleIdentity* rule,
                       std::optional<std::uint16_t> priority, const InterfaceStore& interfaces) {
  const bool egress = is_egress_rule_table(packet.table);
  const PacketView& view = packet.packet;
  const bool ports =
      view.protocol == openflow::ip_proto::kTcp || view.protocol == openflow::ip_proto::kUdp;
  const auto port = [&](const std::optional<std::uint16_t>& number) {
    return ports ? or_none(number) : std::string(kNone);
  };
  return fmt::format(
      "{} {} {} {} {} {} {} {} {} {} {} {} {} {}", api::pipeline::name_of(packet.table),
      rule == nullptr ? "K8sNetworkPolicy" : rule->policy.to_string(),
      or_none(rule == nullptr ? "" : rule->name), egress ? "Egress" : "Ingress",
      disposition_name(packet.disposition),
      rule == nullptr ? std::string(kNone) : or_none(priority),
      target_of(packet, egress, interfaces), view.src.to_string(), port(view.src_port),
      view.dst.to_string(), port(view.dst_port), protocol_name(view.protocol), view.ip_length,
      or_none(rule == nullptr ? "" : rule->log_label));
}

std::vector<std::string> AuditLog::add(std::string line, bool at_once, TimePoint now) {
  std::vector<std::string> lines = due(now);
  if (at_once) {
    lines.push_back(std::move(line));
    return lines;
  }
  const auto [entry, fresh] = waiting_.try_emplace(std::move(line), Waiting{1, now});
  if (!fresh) {
    ++entry->second.count;
    return lines;
  }
  order_.push_back(&entry->first);
  if (waiting_.size() > options_.most_waiting) lines.push_back(take_oldest(now));
  return lines;
}

std::vector<std::string> AuditLog::due(TimePoint now) {
  std::vector<std::string> lines;
  for (auto next = next_due(); next && *next <= now; next = next_due())
    lines.push_back(take_oldest(now));
  return lines;
}

std::vector<std::string> AuditLog::flush(TimePoint now) {
  std::vector<std::string> lines;
  while (!order_.empty()) lines.push_back(take_oldest(now));
  return lines;
}

std::optional<TimePoint> AuditLog::next_due() const {
  if (order_.empty()) return {};
  return waiting_.at(*order_.front()).since + options_.window;
}

std::string AuditLog::take_oldest(TimePoint now) {
  auto entry = waiting_.extract(*order_.front());
  order_.pop_front();
  std::string line = std::move(entry.key());
  const Waiting& waiting = entry.mapped();
  if (waiting.count > 1)
    line += fmt::format(" [{} packets in {}]", waiting.count, seconds_text(now - waiting.since));
  return line;
}

}  // namespace antrea::node
