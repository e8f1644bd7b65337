// Where the Node's parts are: its switch, sockets and folders.
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "option_parts.h"

namespace antrea::agent {
namespace {

std::string default_node_name() {
  if (const char* const name = std::getenv("NODE_NAME"); name != nullptr) return name;
  std::array<char, 256> host{};
  return ::gethostname(host.data(), host.size() - 1) == 0 ? host.data() : "";
}

}  // namespace

void add_node_options(apps::OptionList& list, Options& options) {
  list.text("node", options.node, default_node_name(), "NAME",
            "name of this Node; by default $NODE_NAME or the host's name");
  list.text("kubeconfig", options.kubeconfig, "", "FILE",
            "how to reach the API server; by default as kubectl finds it");
  list.text("run-dir", options.run_dir, "/var/run/antrea", "DIR", "for sockets and state");
  list.text("ovs-run-dir", options.ovs_run_dir, "/var/run/openvswitch", "DIR",
            "run directory of Open vSwitch");
  list.word("datapath-type", options.datapath_type, "system", {"system", "netdev", "dummy"}, "TYPE",
            "system (the kernel's), netdev or dummy (both in userspace)");
  list.text("bridge", options.bridge, "br-int", "NAME", "the integration bridge");
  list.text("gateway-port", options.gateway_port, "", "NAME",
            "an existing device whose peer is antrea-gw0, where the switch cannot make devices");
  list.text("transport-interface", options.transport_interface, "", "NAME",
            "carries the tunnels; by default the one that has the Node's address");
  list.word("tunnel-type", options.tunnel_type, "geneve", {"geneve", "vxlan", "gre", "stt"}, "TYPE",
            "geneve, vxlan, gre or stt");
  list.text("cni-socket", options.cni_socket, "", "PATH", "by default RUN-DIR/cni.sock");
  list.text("api-socket", options.api_socket, "", "PATH",
            "for antctl; by default RUN-DIR/api.sock");
  list.text("ipam-dir", options.ipam_dir, "/var/lib/cni/networks", "DIR",
            "Pod addresses in use, as host-local keeps them");
  list.text("netns-prefix", options.netns_prefix, "", "DIR",
            "put before network namespace paths, e.g. /host inside a container");
}

}  // namespace antrea::agent
