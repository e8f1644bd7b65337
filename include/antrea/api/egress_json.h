#pragma once

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <string_view>

#include "antrea/api/egress.h"

/// The JSON form of Egress and ExternalIPPool, with the promises of json.h. Decoding refuses what
/// admission of the object alone would refuse. What takes other objects to tell (a pool that does
/// not exist, ranges of two pools that overlap) is not looked at: see antrea/egress/admission.h.
namespace antrea::api {

ANTREA_API Result<crd::Egress> decode_egress(const boost::json::value& json);
ANTREA_API Result<crd::ExternalIPPool> decode_external_ip_pool(const boost::json::value& json);

ANTREA_API boost::json::value encode(const crd::Egress& object);
ANTREA_API boost::json::value encode(const crd::ExternalIPPool& object);

/// An amount as Kubernetes writes it: "300k", "1.5M", "2Gi", "1e6"; rounded up to an integer.
/// Errors (kMalformed): no such text, negative, 2^63 or more.
ANTREA_API Result<std::uint64_t> parse_quantity(std::string_view text);

}  // namespace antrea::api
