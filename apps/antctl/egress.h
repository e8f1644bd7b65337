#pragma once

#include <string>
#include <vector>

namespace antrea::antctl {

/// `antctl egress ARGUMENTS...`; the exit code: 0 done, 1 failed, 2 not understood.
int run_egress(const std::vector<std::string>& arguments);

}  // namespace antrea::antctl
