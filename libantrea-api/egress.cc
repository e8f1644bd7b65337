#include "antrea/api/egress.h"

namespace antrea::api::crd {

std::string IpRange::to_string() const {
  return cidr ? cidr->to_string() : start.to_string() + "-" + end.to_string();
}

}  // namespace antrea::api::crd
