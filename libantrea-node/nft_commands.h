#pragma once

#include <map>
#include <string>

#include "antrea/node/host_network.h"

namespace antrea::node {

/// The commands that lead from `actual` to `desired`, by "family name"; tables of `actual` that are
/// not desired go. Only elements are touched where only those differ.
std::string nft_commands(const std::map<std::string, NftTable>& desired,
                         const std::map<std::string, NftTable>& actual);

}  // namespace antrea::node
