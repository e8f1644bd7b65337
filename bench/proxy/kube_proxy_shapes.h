#pragma once

#include <string>

namespace antrea::proxy {

// What kube-proxy would have the kernel load for the Services of objects.h, as text for `nft -f`
// and for `iptables-restore`: its nftables mode (a verdict map, a chain for each Service and each
// endpoint) and its iptables mode (KUBE-SVC and KUBE-SEP chains). The least that serves cluster
// IPs: no node ports, no masquerading but what a client outside or a hairpin needs.

/// The whole table.
std::string nft_table(unsigned services, unsigned endpoints);
/// One Service anew, its first endpoint being another one.
std::string nft_update(unsigned service, unsigned endpoints);

std::string iptables_table(unsigned services, unsigned endpoints);
/// For `--noflush`.
std::string iptables_update(unsigned service, unsigned endpoints);

}  // namespace antrea::proxy
