// Egresses, and the gossip that they rest on.
#include "option_parts.h"

namespace antrea::agent {

void add_egress_options(apps::OptionList& list, Options& options) {
  list.no_flag("no-egress", options.egress,
               "leave Egresses, and Services' addresses from ExternalIPPools, to others");
  list.number("cluster-port", options.cluster_port, std::uint16_t{10351}, "PORT",
              "of the agents' gossip about who is alive, TCP and UDP");
  list.text("gossip-key-dir", options.gossip_key_dir, "", "DIR",
            "where the Secret antrea-memberlist-keys is mounted: its file keys has the gossip's "
            "keys in base64, one a line, the first one for what is sent; read again whenever it "
            "changes. Until there is a key this Node has no Egress IPs. By default gossip is not "
            "encrypted");
  list.unless_false("gossip-verify-incoming", options.gossip_verify_incoming,
                    "with keys: refuse what is not encrypted");
  list.unless_false("gossip-verify-outgoing", options.gossip_verify_outgoing,
                    "with keys: encrypt what is sent. To begin with keys: both false everywhere, "
                    "then this one true, then the other");
  list.cidrs("egress-except-cidr", options.egress_except_cidrs,
             "destinations that Pods of Egresses reach with the Node's address; may be repeated");
  list.flag("snat-fully-random-ports", options.snat_fully_random_ports,
            "what leaves with an Egress IP has any port, not the Pod's where that is free: fewer "
            "clash where many connections begin at once");
  list.number("max-egress-ips-per-node", 255U, {0, 255}, "N",
              "Egress IPs that a Node may have, at most 255; annotation "
              "node.antrea.io/max-egress-ips of a Node goes before",
              [&options](unsigned count) { options.max_egress_ips = count; });
}

}  // namespace antrea::agent
