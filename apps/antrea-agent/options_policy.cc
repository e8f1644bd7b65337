// Policies: what is logged and counted, and who is asked for names.
#include "antrea/node/dns_client.h"
#include "option_parts.h"

namespace antrea::agent {

void add_policy_options(apps::OptionList& list, Options& options) {
  constexpr std::uint64_t kMost = 1'000'000;
  list.text("log-dir", options.log_dir, "/var/log/antrea", "DIR",
            "for networkpolicy/np.log, where packets of rules with enableLogging are told");
  list.number("audit-log-max-size", 500U, {1, kMost}, "MB", "size of np.log before it is set aside",
              [&options](std::uint64_t megabytes) { options.audit_log.size = megabytes << 20; });
  list.number("audit-log-max-backups", options.audit_log.backups, 3U, "N",
              "files set aside that are kept; 0: all");
  list.number("audit-log-max-age", 28U, {0, kMost}, "DAYS", "how long they are kept; 0: for ever",
              [&options](unsigned days) { options.audit_log.age = std::chrono::hours(24 * days); });
  list.unless_false("audit-log-compress", options.audit_log.compress,
                    "whether they are compressed by gzip");
  list.parsed("dns-server", "", "ADDRESS[:PORT]",
              "asked for the names in rules; by default $KUBE_DNS_SERVICE_HOST, or that of "
              "/etc/resolv.conf",
              [&options](const std::string& text) {
                options.dns_server = text;
                const bool good = text.empty() || node::DnsServerAddress::parse(text);
                return good ? "" : "expected ADDRESS[:PORT]";
              });
  list.number("fqdn-min-ttl", options.fqdn_min_ttl, 0U, "SECONDS",
              "how long an address behind a name in a rule counts at least");
  list.number("statistics-interval", 60U, {1, 3600}, "SECONDS",
              "how often the controller is told what the rules of policies counted",
              [&options](unsigned seconds) { options.statistics_interval = seconds; });
  list.number(
      "packet-in-rate", 5000U, {1, kMost}, "N",
      "packets a second that the switch may hand to the agent, of each kind (logged or rejected; "
      "DNS), with bursts of twice as many; the rest is dropped and counted",
      [&options](unsigned rate) { options.packet_in_rate = rate; });
}

}  // namespace antrea::agent
