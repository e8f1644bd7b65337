#pragma once

#include <boost/json/fwd.hpp>
#include <string_view>
#include <vector>

#include "antrea/api/core.h"
#include "antrea/api/networking.h"

/// The JSON form of the resources, in both directions where Antrea writes them.
///
/// Decoding takes what a Kubernetes API server sends: unknown fields are ignored, absent optional
/// ones get the API's defaults. Errors name the field by its path
/// ("spec.ingress[0].from[1].ipBlock.cidr"), what was found and what was expected, and have code
/// kMalformed (wrong type, no address) or kInvalidArgument (a value the API forbids).
namespace antrea::api {

ANTREA_API Result<ObjectMeta> decode_object_meta(const boost::json::value& json);
ANTREA_API Result<LabelSelector> decode_label_selector(const boost::json::value& json);
ANTREA_API Result<Namespace> decode_namespace(const boost::json::value& json);
ANTREA_API Result<Node> decode_node(const boost::json::value& json);
ANTREA_API Result<Pod> decode_pod(const boost::json::value& json);
ANTREA_API Result<api::Service> decode_service(const boost::json::value& json);
ANTREA_API Result<EndpointSlice> decode_endpoint_slice(const boost::json::value& json);
/// Applies the defaulting of spec.policyTypes and ports[].protocol, so that files may be read as
/// they were written.
ANTREA_API Result<NetworkPolicy> decode_network_policy(const boost::json::value& json);

ANTREA_API boost::json::value encode(const ObjectMeta& meta);
ANTREA_API boost::json::value encode(const LabelSelector& selector);
ANTREA_API boost::json::value encode(const Namespace& object);
ANTREA_API boost::json::value encode(const Node& object);
ANTREA_API boost::json::value encode(const Pod& object);
ANTREA_API boost::json::value encode(const api::Service& object);
ANTREA_API boost::json::value encode(const EndpointSlice& object);
ANTREA_API boost::json::value encode(const NetworkPolicy& object);

/// Every object of a YAML or JSON text as JSON: documents are split at "---", a List is taken
/// apart, empty documents are skipped. Errors name `source` and the line.
ANTREA_API Result<std::vector<boost::json::value>> decode_manifest(std::string_view text,
                                                                   std::string_view source);

}  // namespace antrea::api
