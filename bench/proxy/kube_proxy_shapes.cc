#include "bench/proxy/kube_proxy_shapes.h"

#include <fmt/format.h>

#include <iterator>
#include <vector>

#include "bench/proxy/objects.h"

namespace antrea::proxy {
namespace {

struct Names {
  std::string service, cluster_ip;
  std::vector<std::string> endpoints, addresses;
};

Names names_of(unsigned n, unsigned endpoints, bool changed) {
  const api::Service service = make_service(n);
  const api::EndpointSlice slice = make_slice(n, endpoints);
  Names names{fmt::format("S{}", n), service.cluster_ips.front().to_string(), {}, {}};
  for (unsigned e = 0; e < endpoints; ++e) {
    names.endpoints.push_back(fmt::format("E{}-{}", n, e));
    names.addresses.push_back(slice.endpoints[e].addresses.front().to_string());
  }
  if (changed) {
    names.endpoints.front() += "-new";
    names.addresses.front() = IpAddress::v4(0xac100000 + n).to_string();
  }
  return names;
}

using Out = std::back_insert_iterator<std::string>;

void nft_service(const Names& names, Out out) {
  fmt::format_to(out,
                 "add rule ip kp {0} ip saddr != 10.0.0.0/8 jump marked\n"
                 "add rule ip kp {0} numgen random mod {1} vmap {{ ",
                 names.service, names.endpoints.size());
  for (std::size_t e = 0; e < names.endpoints.size(); ++e)
    fmt::format_to(out, "{}{} : goto {}", e == 0 ? "" : ", ", e, names.endpoints[e]);
  fmt::format_to(out, " }}\n");
}

void nft_endpoint(const Names& names, std::size_t e, Out out) {
  fmt::format_to(out,
                 "add rule ip kp {0} ip saddr {1} jump marked\n"
                 "add rule ip kp {0} meta l4proto tcp dnat to {1}:8080\n",
                 names.endpoints[e], names.addresses[e]);
}

void iptables_service(const Names& names, Out out) {
  fmt::format_to(out, "-A {} ! -s 10.0.0.0/8 -d {}/32 -p tcp -m tcp --dport 80 -j MARKED\n",
                 names.service, names.cluster_ip);
  for (std::size_t e = 0, left = names.endpoints.size(); left > 0; ++e, --left)
    fmt::format_to(out, "-A {} {}-j {}\n", names.service,
                   left == 1 ? ""
                             : fmt::format("-m statistic --mode random --probability {:.10f} ",
                                           1.0 / static_cast<double>(left)),
                   names.endpoints[e]);
}

void iptables_endpoint(const Names& names, std::size_t e, Out out) {
  fmt::format_to(out,
                 "-A {0} -s {1}/32 -j MARKED\n"
                 "-A {0} -p tcp -m tcp -j DNAT --to-destination {1}:8080\n",
                 names.endpoints[e], names.addresses[e]);
}

}  // namespace

std::string nft_table(unsigned services, unsigned endpoints) {
  std::string text =
      "add table ip kp\nadd chain ip kp marked\nadd rule ip kp marked mark set mark or 0x4000\n"
      "add map ip kp services { type ipv4_addr . inet_proto . inet_service : verdict ; }\n"
      "add chain ip kp prerouting { type nat hook prerouting priority dstnat ; }\n"
      "add rule ip kp prerouting ip daddr . meta l4proto . th dport vmap @services\n";
  const Out out(text);
  for (unsigned n = 0; n < services; ++n) {
    const Names names = names_of(n, endpoints, false);
    for (const auto& endpoint : names.endpoints)
      fmt::format_to(out, "add chain ip kp {}\n", endpoint);
    fmt::format_to(out, "add chain ip kp {}\n", names.service);
    nft_service(names, out);
    for (std::size_t e = 0; e < endpoints; ++e) nft_endpoint(names, e, out);
    fmt::format_to(out, "add element ip kp services {{ {} . tcp . 80 : goto {} }}\n",
                   names.cluster_ip, names.service);
  }
  return text;
}

std::string nft_update(unsigned service, unsigned endpoints) {
  std::string text;
  const Out out(text);
  const Names names = names_of(service, endpoints, true);
  fmt::format_to(out, "add chain ip kp {}\nflush chain ip kp {}\n", names.endpoints.front(),
                 names.service);
  nft_service(names, out);
  nft_endpoint(names, 0, out);
  return text;
}

std::string iptables_table(unsigned services, unsigned endpoints) {
  std::string text = "*nat\n:PREROUTING ACCEPT [0:0]\n:SERVICES - [0:0]\n:MARKED - [0:0]\n";
  const Out out(text);
  std::vector<Names> all;
  for (unsigned n = 0; n < services; ++n) {
    all.push_back(names_of(n, endpoints, false));
    fmt::format_to(out, ":{} - [0:0]\n", all.back().service);
    for (const auto& endpoint : all.back().endpoints)
      fmt::format_to(out, ":{} - [0:0]\n", endpoint);
  }
  fmt::format_to(out, "-A PREROUTING -j SERVICES\n-A MARKED -j MARK --set-xmark 0x4000/0x4000\n");
  for (const Names& names : all) {
    fmt::format_to(out, "-A SERVICES -d {}/32 -p tcp -m tcp --dport 80 -j {}\n", names.cluster_ip,
                   names.service);
    iptables_service(names, out);
    for (std::size_t e = 0; e < endpoints; ++e) iptables_endpoint(names, e, out);
  }
  return text + "COMMIT\n";
}

std::string iptables_update(unsigned service, unsigned endpoints) {
  const Names names = names_of(service, endpoints, true);
  std::string text =
      fmt::format("*nat\n:{} - [0:0]\n:{} - [0:0]\n", names.service, names.endpoints.front());
  const Out out(text);
  iptables_service(names, out);
  iptables_endpoint(names, 0, out);
  return text + "COMMIT\n";
}

}  // namespace antrea::proxy
