#include "antrea/node/interface_name.h"

#include "antrea/base/hash.h"

namespace antrea::node {

std::string host_interface_name(std::string_view pod_name, std::string_view container_id,
                                std::string_view interface) {
  std::string key(container_id);
  if (interface != "eth0") key += interface;
  auto prefix = pod_name.substr(0, 8);
  while (prefix.starts_with('-')) prefix.remove_prefix(1);
  return std::string(prefix) + "-" + sha1_hex(key, 6);
}

}  // namespace antrea::node
