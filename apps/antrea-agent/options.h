#pragma once

#include <optional>
#include <string>
#include <vector>

#include "antrea/base/ip.h"
#include "antrea/base/remote.h"
#include "antrea/node/rotating_file.h"

namespace antrea::agent {

struct Options {
  std::string node;           ///< name of the Node object
  std::string kubeconfig;     ///< empty: as kubectl looks for it
  std::string run_dir;        ///< for sockets and state that a reboot may lose
  std::string ovs_run_dir;    ///< where db.sock and the bridges' .mgmt sockets are
  std::string datapath_type;  ///< "system", "netdev" or "dummy"
  std::string bridge;
  std::string
      gateway_port;  ///< the bridge's port for the gateway, where it is not the gateway itself
  std::string transport_interface;  ///< empty: the one that has the Node's address
  std::string tunnel_type;
  std::string cni_socket;
  std::string api_socket;
  std::string ipam_dir;  ///< data folder of the address store
  std::string netns_prefix;
  bool proxy = true;                    ///< serve Services; if not, kube-proxy does
  std::vector<IpPrefix> service_cidrs;  ///< without `proxy`; at most one per family
  bool proxy_all = false;
  std::vector<IpPrefix> node_port_addresses;  ///< empty: all
  std::vector<std::string> skip_services;
  std::string service_proxy_name;
  bool load_balancer_ips = true;
  bool dsr = false;                   ///< obey the mode "dsr"
  std::string load_balancer_mode;     ///< "nat" or "dsr"
  bool service_health_checks = true;  ///< with `proxy_all`
  Remote proxy_healthz;               ///< where the proxy's own health is told; port 0: nowhere
  std::string log_level;
  std::string log_dir;                    ///< for logs that users read: networkpolicy/np.log
  node::RotatingFile::Limits audit_log;   ///< of np.log
  std::string dns_server;                 ///< asked for names in rules; empty: the cluster's
  std::uint32_t fqdn_min_ttl = 0;         ///< seconds that an address behind a name counts at least
  std::uint32_t statistics_interval = 0;  ///< seconds between two reports of what rules counted
  std::uint32_t packet_in_rate = 0;       ///< packets a second of each kind, 1 to 1,000,000

  bool node_port_local = false;  ///< give Pods ports of the Node, within this range
  std::uint16_t node_port_local_first = 61000, node_port_local_last = 62000;

  bool egress = true;
  std::uint16_t cluster_port = 10351;  ///< of the gossip among agents, TCP and UDP
  std::vector<IpPrefix> egress_except_cidrs;
  std::uint32_t max_egress_ips =
      255;  ///< that this Node may have, unless its annotation says other
  bool snat_fully_random_ports = false;
  std::string gossip_key_dir;  ///< of `egress::KeyFolder`; empty: gossip is not encrypted
  bool gossip_verify_incoming = true, gossip_verify_outgoing = true;  ///< with keys

  bool userspace_datapath() const { return datapath_type != "system"; }
};

/// The options, or the exit code with which to end.
struct ParsedOptions {
  Options options;
  std::optional<int> exit_code;
};
ParsedOptions parse_options(int argc, const char* const* argv);

}  // namespace antrea::agent
