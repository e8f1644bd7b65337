#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "antrea/base/export.h"
#include "antrea/kube/resource_type.h"

namespace antrea::kube {

/// What an API server tells about itself, generated once from its resource types.

/// `/api`: the versions of the core group. `address` is "host:port" as clients reach the server.
ANTREA_API boost::json::object api_versions_document(std::string_view address);
/// `/apis`: the named groups.
ANTREA_API boost::json::object api_group_list(const ResourceTypes& types);
/// `/apis/GROUP`; empty if there is no such group.
ANTREA_API boost::json::object api_group(const ResourceTypes& types, std::string_view group);
/// `/api/v1`, `/apis/GROUP/VERSION`; empty if nothing is served there.
ANTREA_API boost::json::object api_resource_list(const ResourceTypes& types, std::string_view group,
                                                 std::string_view version);
/// `/api` (`core`) and `/apis` in the aggregated form. `version` is "v2" or "v2beta1" (of
/// apidiscovery.k8s.io).
ANTREA_API boost::json::object aggregated_discovery(const ResourceTypes& types, bool core,
                                                    std::string_view version);
/// `/version`. `suffix` is appended to the version of Kubernetes that is followed:
/// "v1.26.5+antrea".
ANTREA_API boost::json::object version_document(std::string_view suffix);

/// `/openapi/v3/PATH` documents, by PATH ("api/v1", "apis/networking.k8s.io/v1"), serialised.
ANTREA_API std::vector<std::pair<std::string, std::string>> openapi_v3_documents(
    const ResourceTypes& types);
/// `/openapi/v3`: for each document the address with the upper-case hex hash of its content.
ANTREA_API boost::json::object openapi_v3_index(
    const std::vector<std::pair<std::string, std::string>>& documents);
/// `/openapi/v2` as JSON.
ANTREA_API boost::json::object openapi_v2_document(const ResourceTypes& types);
/// The same in the `openapi.v2.Document` protobuf form
/// (application/com.github.proto-openapi.spec.v2@v1.0+protobuf), which kubectl asks for up to 1.26
/// and as a fallback after.
ANTREA_API std::string openapi_v2_protobuf(const boost::json::object& document);

}  // namespace antrea::kube
