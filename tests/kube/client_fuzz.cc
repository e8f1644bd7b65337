#include <cstddef>
#include <cstdint>
#include <string_view>

#include "antrea/kube/builtin_types.h"
#include "antrea/kube/informer.h"
#include "antrea/kube/kubeconfig.h"

/// The first byte chooses: a kubeconfig, or the bytes of a watch whose objects are then held
/// against the schema of Pods.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace antrea::kube;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] == 'k') {
    (void)parse_kubeconfig(text, "/nowhere");
    return 0;
  }
  static const auto kTypes = make_builtin_types();
  const auto* pod = kTypes.find("", "v1", "pods");
  WatchDecoder decoder;
  WatchCache cache;
  if (auto events = decoder.feed(text)) {
    for (auto& event : *events) {
      auto object = event;
      (void)check_fields(*pod->schema, object);
      prune_fields(*pod->schema, object);
      pod->set_defaults(object, nullptr);
      (void)pod->validate(object, nullptr);
      (void)pod->cells(object, 0);
      (void)cache.apply(std::move(event));
    }
  }
  return 0;
}
