// Services, beside kube-proxy or without, and NodePortLocal.
#include <algorithm>
#include <charconv>

#include "option_parts.h"

namespace antrea::agent {
namespace {

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

std::string read_service_cidr(const std::string& text, Options& options) {
  const auto cidr = IpPrefix::parse(text);
  if (!cidr) return "not a CIDR";
  if (std::ranges::find(options.service_cidrs, cidr->family(), &IpPrefix::family) !=
      options.service_cidrs.end())
    return fmt::format("another one of {}", to_string(cidr->family()));
  options.service_cidrs.push_back(*cidr);
  return "";
}

std::string read_healthz_address(const std::string& text, Options& options) {
  if (text.empty()) return "";
  const auto remote = parse_remote("tcp:" + text);
  if (!remote) return remote.error().cause;
  options.proxy_healthz = *remote;
  return "";
}

}  // namespace

void add_service_options(apps::OptionList& list, Options& options) {
  list.no_flag("no-proxy", options.proxy,
               "leave Services to kube-proxy, those of Pods too: what goes to a Service leaves the "
               "switch through the gateway and is judged by policies when it comes back");
  list.each("service-cidr", "CIDR",
            "with --no-proxy: where cluster IPs are; one of each family; by default 10.96.0.0/12",
            [&options](const std::string& text) { return read_service_cidr(text, options); });
  list.flag("proxy-all", options.proxy_all,
            "serve NodePorts, external IPs and the host's own clients of Services too: kube-proxy "
            "is not needed");
  list.cidrs("node-port-address", options.node_port_addresses,
             "serve NodePorts at the host's addresses in it, may be repeated; by default at all");
  list.each("skip-service", "NS/NAME|IP",
            "a Service to leave alone, by name or primary cluster IP; may be repeated",
            [&options](const std::string& text) {
              options.skip_services.push_back(text);
              return "";
            });
  list.text("service-proxy-name", options.service_proxy_name, "", "NAME",
            "serve only Services with this label service.kubernetes.io/service-proxy-name; by "
            "default those without it");
  list.no_flag("no-load-balancer-ips", options.load_balancer_ips,
               "leave addresses of load balancers to the load balancers");
  list.flag("dsr", options.dsr,
            "let load balancers' endpoints answer directly where the Service says so");
  list.word("load-balancer-mode", options.load_balancer_mode, "nat", {"nat", "dsr"}, "MODE",
            "nat or dsr, for Services that do not say");
  list.no_flag("no-service-health-checks", options.service_health_checks,
               "with --proxy-all: do not serve the health checks of Services and the proxy, for "
               "whom kube-proxy does");
  list.parsed("proxy-healthz-address", "0.0.0.0:10256", "ADDRESS:PORT",
              "with --proxy-all: where /healthz and /livez of the proxy are served; empty: nowhere",
              [&options](const std::string& text) { return read_healthz_address(text, options); });
  list.flag("node-port-local", options.node_port_local,
            "give the Pods of Services with annotation nodeportlocal.antrea.io/enabled: \"true\" "
            "ports of the Node, told in their annotation nodeportlocal.antrea.io");
  list.parsed("node-port-local-range", "61000-62000", "FIRST-LAST", "the ports that may be given",
              [&options](const std::string& text) {
                return read_port_range(text, options) ? ""
                                                      : "expected FIRST-LAST, ports of 1 to 65535";
              });
}

}  // namespace antrea::agent
