#pragma once

#include "apps/common/option_list.h"
#include "options.h"

namespace antrea::agent {

/// What belongs together among the options: they are read into `options`, which lives as long.
void add_node_options(apps::OptionList& list, Options& options);
void add_policy_options(apps::OptionList& list, Options& options);
void add_service_options(apps::OptionList& list, Options& options);
void add_egress_options(apps::OptionList& list, Options& options);

}  // namespace antrea::agent
