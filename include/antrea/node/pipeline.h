#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "antrea/node/node_config.h"
#include "antrea/openflow/changes.h"

namespace antrea::node {

/// What `ovs-ofctl dump-flows --names` calls the tables; for `openflow::SwitchOptions`.
ANTREA_API std::map<openflow::TableId, std::string> pipeline_table_names();

/// A Pod's port on the integration bridge.
struct PodInterface {
  std::string name;  ///< of the host's end: what identifies it
  std::uint32_t ofport = 0;
  MacAddress mac;  ///< inside the Pod
  std::vector<IpAddress> ips;

  friend auto operator<=>(const PodInterface&, const PodInterface&) = default;
};

/// Engine: the tables of the integration bridge that make Pods reach each other (antrea:
/// docs/design/ovs-pipeline.md), for encapsulation, with AntreaPolicy on, and AntreaProxy on or
/// off. Tables of features that are not on hold no flows and are jumped over; the rules of policies
/// and Services in the other tables come from their own engines, the tables' misses from here.
///
/// Each call returns the exact change of the flows; repeating one returns none. The flows that
/// result depend on what is there, not on the order in which it came: should two Pods claim one
/// address for a while, the one whose name sorts first has it.
///
/// Packets of the Node's own processes to its Pods skip ingress rules (kubelet's probes). They are
/// known by bit 31 of the packet mark, which the host sets. A userspace datapath does not carry
/// marks over the gateway port; there the host gives these packets the source MAC `kHostLocalMac`
/// and the first table turns it back into the mark. In both cases forwarded and masqueraded packets
/// of others, which have the gateway's address too, do not profit.
class ANTREA_API Pipeline {
 public:
  explicit Pipeline(NodeConfig config);
  ~Pipeline();
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  /// The flows that do not depend on Pods and peers. To be committed first.
  openflow::Changes start();
  /// Adds the Pod, or gives the interface of that name new values.
  openflow::Changes add_pod(const PodInterface& pod);
  openflow::Changes remove_pod(std::string_view name);
  openflow::Changes add_peer(const PeerNode& peer);
  openflow::Changes remove_peer(std::string_view name);

  /// All flows of now, in no particular order.
  std::vector<openflow::Flow> flows() const;
  const NodeConfig& config() const { return config_; }

 private:
  class FlowSet;
  NodeConfig config_;
  std::unique_ptr<FlowSet> flows_;
};

}  // namespace antrea::node
