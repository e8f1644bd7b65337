#pragma once

#include <boost/json/fwd.hpp>

#include "antrea/api/admin_policy.h"
#include "antrea/api/antrea_policy.h"

/// The JSON form of the policies beside networking.k8s.io, with the promises of json.h. Decoding
/// applies the API's defaults (the tier, names of rules, protocols) and refuses what admission of
/// the object alone would refuse. What takes other objects to tell (a tier that does not exist) is
/// not looked at.
namespace antrea::api {

ANTREA_API Result<crd::NetworkPolicy> decode_antrea_network_policy(const boost::json::value& json);
ANTREA_API Result<crd::ClusterNetworkPolicy> decode_cluster_network_policy(
    const boost::json::value& json);
ANTREA_API Result<crd::Tier> decode_tier(const boost::json::value& json);
ANTREA_API Result<crd::Group> decode_group(const boost::json::value& json);
ANTREA_API Result<crd::ClusterGroup> decode_cluster_group(const boost::json::value& json);
ANTREA_API Result<crd::ExternalEntity> decode_external_entity(const boost::json::value& json);
ANTREA_API Result<admin::AdminNetworkPolicy> decode_admin_network_policy(
    const boost::json::value& json);
ANTREA_API Result<admin::BaselineAdminNetworkPolicy> decode_baseline_admin_network_policy(
    const boost::json::value& json);
/// policy.networking.k8s.io/v1alpha2
ANTREA_API Result<admin::ClusterNetworkPolicy> decode_admin_cluster_network_policy(
    const boost::json::value& json);

ANTREA_API boost::json::value encode(const crd::NetworkPolicy& object);
ANTREA_API boost::json::value encode(const crd::ClusterNetworkPolicy& object);
ANTREA_API boost::json::value encode(const crd::Tier& object);
ANTREA_API boost::json::value encode(const crd::Group& object);
ANTREA_API boost::json::value encode(const crd::ClusterGroup& object);
ANTREA_API boost::json::value encode(const crd::ExternalEntity& object);
ANTREA_API boost::json::value encode(const admin::AdminNetworkPolicy& object);
ANTREA_API boost::json::value encode(const admin::BaselineAdminNetworkPolicy& object);
ANTREA_API boost::json::value encode(const admin::ClusterNetworkPolicy& object);

}  // namespace antrea::api
