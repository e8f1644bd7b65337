#pragma once

#include <boost/json.hpp>
#include <memory>
#include <string>

#include "antrea/api/json.h"
#include "antrea/api/policy_json.h"

/// Objects as their users write them, but for the lines that say what they are.
namespace antrea::policy::testing {

template <auto kDecode>
auto object(std::string_view yaml) {
  const auto json =
      api::decode_manifest("apiVersion: v1\nkind: Object\n" + std::string(yaml), "test");
  auto decoded = kDecode(json.value().at(0)).value();
  return std::make_shared<const decltype(decoded)>(std::move(decoded));
}
inline constexpr auto acnp = object<api::decode_cluster_network_policy>;
inline constexpr auto annp = object<api::decode_antrea_network_policy>;
inline constexpr auto cnp = object<api::decode_admin_cluster_network_policy>;
inline constexpr auto cluster_group = object<api::decode_cluster_group>;

}  // namespace antrea::policy::testing
