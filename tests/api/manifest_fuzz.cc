#include <boost/json.hpp>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "antrea/api/admission_review.h"
#include "antrea/api/json.h"
#include "antrea/api/policy_json.h"
#include "antrea/api/yaml.h"

namespace {

using namespace antrea::api;

/// What was read means the same when it is written and read again.
template <auto kDecode>
void expect_round_trip(const boost::json::value& object) {
  const auto decoded = kDecode(object);
  if (decoded && kDecode(encode(*decoded)).value() != *decoded) std::abort();
}

}  // namespace

// Any text: a manifest or an error; what was read can be printed and read again; every decoder
// takes every object.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto objects = decode_manifest(text, "fuzz");
  if (objects.has_error()) return 0;
  for (const auto& object : *objects) {
    if (!decode_manifest(to_yaml(object), "printed")) std::abort();
    (void)decode_namespace(object);
    (void)decode_node(object);
    (void)decode_endpoint_slice(object);
    expect_round_trip<decode_pod>(object);
    expect_round_trip<decode_network_policy>(object);
    expect_round_trip<decode_antrea_network_policy>(object);
    expect_round_trip<decode_cluster_network_policy>(object);
    expect_round_trip<decode_tier>(object);
    expect_round_trip<decode_cluster_group>(object);
    expect_round_trip<decode_external_entity>(object);
    expect_round_trip<decode_admin_network_policy>(object);
    expect_round_trip<decode_baseline_admin_network_policy>(object);
    expect_round_trip<decode_admin_cluster_network_policy>(object);
    (void)decode_admission_review(object);
    if (const auto service = decode_service(object); service && !decode_service(encode(*service)))
      std::abort();
  }
  return 0;
}
