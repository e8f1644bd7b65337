#include "options.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>

#include "antrea/node/dns_client.h"
#include "apps/common/command_line.h"

namespace antrea::agent {
namespace {

constexpr std::string_view kAbout =
    "Runs a Node's data plane: the Open vSwitch bridge and its flows, routes, Pod interfaces "
    "(CNI), Services and network\n"
    "policies. Ending it, in whatever way, leaves the data plane working as it is.";

std::string default_node_name() {
  if (const char* const name = std::getenv("NODE_NAME"); name != nullptr) return name;
  std::array<char, 256> host{};
  return ::gethostname(host.data(), host.size() - 1) == 0 ? host.data() : "";
}

int refuse(const std::string& text) {
  fmt::print(stderr, "antrea-agent: {} (see antrea-agent --help)\n", text);
  return 2;
}

/// "61000-62000", the end behind the start.
bool read_port_range(std::string_view text, Options& options) {
  const auto number = [](std::string_view part, std::uint16_t& to) {
    const auto [end, code] = std::from_chars(part.data(), part.data() + part.size(), to);
    return code == std::errc() && end == part.data() + part.size() && to != 0;
  };
  const auto dash = text.find('-');
  return dash != std::string_view::npos &&
         number(text.substr(0, dash), options.node_port_local_first) &&
         number(text.substr(dash + 1), options.node_port_local_last) &&
         options.node_port_local_first < options.node_port_local_last;
}

/// What is wrong; "" for nothing.
std::string read_service_cidrs(std::vector<std::string> texts, Options& options) {
  if (texts.empty()) texts = {"10.96.0.0/12"};
  for (const auto& text : texts) {
    const auto cidr = IpPrefix::parse(text);
    if (!cidr) return fmt::format("--service-cidr \"{}\": not a CIDR", text);
    if (std::ranges::find(options.service_cidrs, cidr->family(), &IpPrefix::family) !=
        options.service_cidrs.end())
      return fmt::format("--service-cidr \"{}\": another one of {}", text,
                         to_string(cidr->family()));
    options.service_cidrs.push_back(*cidr);
  }
  return "";
}

}  // namespace

ParsedOptions parse_options(int argc, const char* const* argv) {
  namespace po = boost::program_options;
  ParsedOptions parsed;
  Options& options = parsed.options;
  po::options_description description;
  std::uint64_t audit_megabytes = 0;
  unsigned audit_days = 0;
  std::vector<std::string> node_port_addresses;
  std::string proxy_healthz, local_ports;
  bool no_health_checks = false;
  std::vector<std::string> except_cidrs;
  bool external_load_balancers = false, no_egress = false, no_proxy = false;
  std::vector<std::string> service_cidrs;
  const auto text = [](std::string& to, const std::string& initial, const char* name) {
    return po::value(&to)->default_value(initial)->value_name(name);
  };
  description.add_options()("node", text(options.node, default_node_name(), "NAME"),
                            "name of this Node; by default $NODE_NAME or the host's name")(
      "kubeconfig", text(options.kubeconfig, "", "FILE"),
      "how to reach the API server; by default as kubectl finds it")(
      "run-dir", text(options.run_dir, "/var/run/antrea", "DIR"), "for sockets and state")(
      "ovs-run-dir", text(options.ovs_run_dir, "/var/run/openvswitch", "DIR"),
      "run directory of Open vSwitch")(
      "datapath-type", text(options.datapath_type, "system", "TYPE"),
      "system (the kernel's), netdev or dummy (both in userspace)")(
      "bridge", text(options.bridge, "br-int", "NAME"), "the integration bridge")(
      "gateway-port", text(options.gateway_port, "", "NAME"),
      "an existing device whose peer is antrea-gw0, where the switch cannot make devices")(
      "transport-interface", text(options.transport_interface, "", "NAME"),
      "carries the tunnels; by default the one that has the Node's address")(
      "tunnel-type", text(options.tunnel_type, "geneve", "TYPE"), "geneve, vxlan, gre or stt")(
      "cni-socket", text(options.cni_socket, "", "PATH"), "by default RUN-DIR/cni.sock")(
      "api-socket", text(options.api_socket, "", "PATH"),
      "for antctl; by default RUN-DIR/api.sock")(
      "ipam-dir", text(options.ipam_dir, "/var/lib/cni/networks", "DIR"),
      "Pod addresses in use, as host-local keeps them")(
      "netns-prefix", text(options.netns_prefix, "", "DIR"),
      "put before network namespace paths, e.g. /host inside a container")(
      "log-dir", text(options.log_dir, "/var/log/antrea", "DIR"),
      "for networkpolicy/np.log, where packets of rules with enableLogging are told")(
      "audit-log-max-size", po::value(&audit_megabytes)->default_value(500)->value_name("MB"),
      "size of np.log before it is set aside")(
      "audit-log-max-backups",
      po::value(&options.audit_log.backups)->default_value(3)->value_name("N"),
      "files set aside that are kept; 0: all")(
      "audit-log-max-age", po::value(&audit_days)->default_value(28)->value_name("DAYS"),
      "how long they are kept; 0: for ever")(
      "audit-log-compress",
      po::value(&options.audit_log.compress)->default_value(true, "true")->value_name("BOOL"),
      "whether they are compressed by gzip")(
      "dns-server", text(options.dns_server, "", "ADDRESS[:PORT]"),
      "asked for the names in rules; by default $KUBE_DNS_SERVICE_HOST, or that of "
      "/etc/resolv.conf")("fqdn-min-ttl",
                          po::value(&options.fqdn_min_ttl)->default_value(0)->value_name("SECONDS"),
                          "how long an address behind a name in a rule counts at least")(
      "statistics-interval",
      po::value(&options.statistics_interval)->default_value(60)->value_name("SECONDS"),
      "how often the controller is told what the rules of policies counted")(
      "packet-in-rate", po::value(&options.packet_in_rate)->default_value(5000)->value_name("N"),
      "packets a second that the switch may hand to the agent, of each kind (logged or rejected; "
      "DNS), with bursts of twice as many; the rest is dropped and counted")(
      "no-proxy", po::bool_switch(&no_proxy),
      "leave Services to kube-proxy, those of Pods too: what goes to a Service leaves the switch "
      "through the gateway and is judged by policies when it comes back")(
      "service-cidr", po::value(&service_cidrs)->composing()->value_name("CIDR"),
      "with --no-proxy: where cluster IPs are; one of each family; by default 10.96.0.0/12")(
      "proxy-all", po::bool_switch(&options.proxy_all),
      "serve NodePorts, external IPs and the host's own clients of Services too: kube-proxy is not "
      "needed")(
      "node-port-address", po::value(&node_port_addresses)->composing()->value_name("CIDR"),
      "serve NodePorts at the host's addresses in it, may be repeated; by default at all")(
      "skip-service", po::value(&options.skip_services)->composing()->value_name("NS/NAME|IP"),
      "a Service to leave alone, by name or primary cluster IP; may be repeated")(
      "service-proxy-name", text(options.service_proxy_name, "", "NAME"),
      "serve only Services with this label service.kubernetes.io/service-proxy-name; by default "
      "those without it")("no-load-balancer-ips", po::bool_switch(&external_load_balancers),
                          "leave addresses of load balancers to the load balancers")(
      "dsr", po::bool_switch(&options.dsr),
      "let load balancers' endpoints answer directly where the Service says so")(
      "load-balancer-mode", text(options.load_balancer_mode, "nat", "MODE"),
      "nat or dsr, for Services that do not say")(
      "no-service-health-checks", po::bool_switch(&no_health_checks),
      "with --proxy-all: do not serve the health checks of Services and the proxy, for whom "
      "kube-proxy does")(
      "proxy-healthz-address", text(proxy_healthz, "0.0.0.0:10256", "ADDRESS:PORT"),
      "with --proxy-all: where /healthz and /livez of the proxy are served; empty: nowhere")(
      "node-port-local", po::bool_switch(&options.node_port_local),
      "give the Pods of Services with annotation nodeportlocal.antrea.io/enabled: \"true\" ports "
      "of "
      "the Node, told in their annotation nodeportlocal.antrea.io")(
      "node-port-local-range", text(local_ports, "61000-62000", "FIRST-LAST"),
      "the ports that may be given")(
      "no-egress", po::bool_switch(&no_egress),

      "leave Egresses, and Services' addresses from ExternalIPPools, to others")(
      "cluster-port", po::value(&options.cluster_port)->default_value(10351)->value_name("PORT"),
      "of the agents' gossip about who is alive, TCP and UDP")(
      "gossip-key-dir", text(options.gossip_key_dir, "", "DIR"),
      "where the Secret antrea-memberlist-keys is mounted: its file keys has the gossip's keys in "
      "base64, one a line, the first one for what is sent; read again whenever it changes. Until "
      "there is a key this Node has no Egress IPs. By default gossip is not encrypted")(
      "gossip-verify-incoming",
      po::value(&options.gossip_verify_incoming)->default_value(true, "true")->value_name("BOOL"),
      "with keys: refuse what is not encrypted")(
      "gossip-verify-outgoing",
      po::value(&options.gossip_verify_outgoing)->default_value(true, "true")->value_name("BOOL"),
      "with keys: encrypt what is sent. To begin with keys: both false everywhere, then this one "
      "true, then the other")(
      "egress-except-cidr", po::value(&except_cidrs)->composing()->value_name("CIDR"),
      "destinations that Pods of Egresses reach with the Node's address; may be repeated")(
      "snat-fully-random-ports", po::bool_switch(&options.snat_fully_random_ports),
      "what leaves with an Egress IP has any port, not the Pod's where that is free: fewer clash "
      "where many connections begin at once")(
      "max-egress-ips-per-node",
      po::value(&options.max_egress_ips)->default_value(255)->value_name("N"),
      "Egress IPs that a Node may have, at most 255; annotation node.antrea.io/max-egress-ips of a "
      "Node goes before")("log-level", text(options.log_level, "info", "LEVEL"),
                          "trace, debug, info, warn, error or off");
  const auto line = apps::read_command_line("antrea-agent", kAbout, description, argc, argv);
  parsed.exit_code = line.exit_code;
  if (parsed.exit_code) return parsed;

  options.audit_log.size = audit_megabytes << 20;
  options.audit_log.age = std::chrono::hours(24 * audit_days);
  options.load_balancer_ips = !external_load_balancers;
  options.proxy = !no_proxy;
  if (!no_proxy && !service_cidrs.empty())
    parsed.exit_code = refuse("--service-cidr without --no-proxy: expected both");
  else if (const std::string bad = read_service_cidrs(service_cidrs, options); !bad.empty())
    parsed.exit_code = refuse(bad);
  if (no_proxy && (options.proxy_all || options.dsr))
    parsed.exit_code = refuse(fmt::format("--no-proxy together with --{}: expected one of them",
                                          options.proxy_all ? "proxy-all" : "dsr"));
  options.service_health_checks = !no_health_checks;
  if (!proxy_healthz.empty()) {
    const auto remote = parse_remote("tcp:" + proxy_healthz);
    if (remote)
      options.proxy_healthz = *remote;
    else
      parsed.exit_code = refuse("--proxy-healthz-address: " + remote.error().to_string());
  }
  for (const auto& cidr : node_port_addresses)
    if (const auto prefix = IpPrefix::parse(cidr))
      options.node_port_addresses.push_back(*prefix);
    else
      parsed.exit_code = refuse(fmt::format("--node-port-address \"{}\": not a CIDR", cidr));
  if (!parsed.exit_code && !read_port_range(local_ports, options))
    parsed.exit_code = refuse(fmt::format(
        "--node-port-local-range \"{}\": expected FIRST-LAST, ports of 1 to 65535", local_ports));
  options.egress = !no_egress;
  if (options.gossip_key_dir.empty() &&
      !(options.gossip_verify_incoming && options.gossip_verify_outgoing))
    parsed.exit_code =
        refuse("--gossip-verify-incoming or --gossip-verify-outgoing without --gossip-key-dir");
  for (const auto& cidr : except_cidrs)
    if (const auto prefix = IpPrefix::parse(cidr))
      options.egress_except_cidrs.push_back(*prefix);
    else
      parsed.exit_code = refuse(fmt::format("--egress-except-cidr \"{}\": not a CIDR", cidr));
  if (!parsed.exit_code && options.max_egress_ips > 255)
    parsed.exit_code = refuse(
        fmt::format("--max-egress-ips-per-node {}: expected 0 to 255", options.max_egress_ips));
  const auto one_of = [&](std::string_view option, const std::string& value,
                          std::initializer_list<std::string_view> known) {
    if (parsed.exit_code || std::ranges::find(known, value) != known.end()) return;
    parsed.exit_code = refuse(
        fmt::format("--{} \"{}\": expected one of {}", option, value, fmt::join(known, ", ")));
  };
  one_of("datapath-type", options.datapath_type, {"system", "netdev", "dummy"});
  one_of("tunnel-type", options.tunnel_type, {"geneve", "vxlan", "gre", "stt"});
  one_of("load-balancer-mode", options.load_balancer_mode, {"nat", "dsr"});
  one_of("log-level", options.log_level, {"trace", "debug", "info", "warn", "error", "off"});
  if (!parsed.exit_code && (options.packet_in_rate == 0 || options.packet_in_rate > 1'000'000))
    parsed.exit_code =
        refuse(fmt::format("--packet-in-rate {}: expected 1 to 1000000", options.packet_in_rate));
  if (!parsed.exit_code && (options.statistics_interval == 0 || options.statistics_interval > 3600))
    parsed.exit_code = refuse(
        fmt::format("--statistics-interval {}: expected 1 to 3600", options.statistics_interval));
  if (!parsed.exit_code && (audit_megabytes == 0 || audit_megabytes > 1'000'000))
    parsed.exit_code =
        refuse(fmt::format("--audit-log-max-size {}: expected 1 to 1000000", audit_megabytes));
  if (const auto server = node::DnsServerAddress::parse(options.dns_server);
      !parsed.exit_code && !options.dns_server.empty() && !server)
    parsed.exit_code = refuse("--dns-server: " + server.error().to_string());
  if (!parsed.exit_code && options.node.empty()) parsed.exit_code = refuse("--node is empty");
  if (options.cni_socket.empty()) options.cni_socket = options.run_dir + "/cni.sock";
  if (options.api_socket.empty()) options.api_socket = options.run_dir + "/api.sock";
  if (options.gateway_port.empty()) options.gateway_port = "antrea-gw0";
  return parsed;
}

}  // namespace antrea::agent
