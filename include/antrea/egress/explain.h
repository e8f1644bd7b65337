#pragma once

#include <string>
#include <vector>

#include "antrea/egress/scheduler.h"

namespace antrea::egress {

/// What there is to know for explaining.
struct ExplainInput {
  std::vector<api::crd::Egress> egresses;
  std::vector<api::crd::ExternalIPPool> pools;
  std::vector<api::Node> nodes;
  std::set<std::string> alive;  ///< Nodes
};

struct ExplainedAddress {
  api::crd::EgressAddress address;
  Placement placement;  ///< of one without pool: the Node that the status of the Egress names
  bool used = false;    ///< by this Pod
};

/// What an Egress that selects a Pod means to it.
struct ExplainedEgress {
  std::string name;
  bool chosen = false;  ///< the Pod uses an address of it, or waits for one
  std::string why;      ///< why it is, or is not, the one
  std::vector<ExplainedAddress> addresses;
};

struct ExplainedPod {
  std::string excluded;                   ///< why no Egress is for this Pod; empty: one may be
  std::vector<ExplainedEgress> egresses;  ///< that select it, in the order in which they are asked
};

/// Whether an Egress selects a Pod, by the labels of both. One without selectors selects nothing.
ANTREA_API bool selects(const api::crd::EgressSpec& egress, const api::Pod& pod,
                        const api::Labels& namespace_labels);

/// With which address, from which Node, the Pod's traffic leaves the cluster, and why: what
/// `choose` and the `Scheduler` decide.
ANTREA_API ExplainedPod explain(const api::Pod& pod, const api::Labels& namespace_labels,
                                const ExplainInput& input);

}  // namespace antrea::egress
