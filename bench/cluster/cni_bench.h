#pragma once

#include "antrea/base/result.h"

namespace antrea::bench {

/// To be run on a Node of a lab that has the Pod default/frontend. Prints what CNI ADD and DEL cost
/// as whole processes, of antrea-cni and of Debian's bridge plugin in turn; the floor under an ADD
/// (the caller's own, a veth pair, the switch's port); and how many ADDs a second there are with
/// eight at a time.
Result<> measure_cni();

}  // namespace antrea::bench
