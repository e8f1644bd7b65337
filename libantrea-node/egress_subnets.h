#pragma once

#include "antrea/node/egress_host.h"

namespace antrea::node {

/// Routes and rules of what is needed in subnets of their own.
void add_subnets(const EgressHostNeeds& needs, EgressHostState& state);

}  // namespace antrea::node
