#include <boost/json.hpp>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "antrea/api/json.h"
#include "antrea/api/yaml.h"

// Any text: a manifest or an error; what was read can be printed and read again; every decoder
// takes every object.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace antrea::api;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto objects = decode_manifest(text, "fuzz");
  if (objects.has_error()) return 0;
  for (const auto& object : *objects) {
    if (!decode_manifest(to_yaml(object), "printed")) std::abort();
    (void)decode_namespace(object);
    (void)decode_node(object);
    (void)decode_endpoint_slice(object);
    if (const auto pod = decode_pod(object); pod && decode_pod(encode(*pod)).value() != *pod)
      std::abort();
    if (const auto service = decode_service(object); service && !decode_service(encode(*service)))
      std::abort();
    if (const auto policy = decode_network_policy(object);
        policy && decode_network_policy(encode(*policy)).value() != *policy)
      std::abort();
  }
  return 0;
}
