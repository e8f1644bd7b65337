// Patches, selectors and protobuf bodies from the network: no input may crash, hang, or half-apply.
//
// The first byte chooses what the rest is; for patches, the rest is "TARGET\nPATCH" in JSON.
#include <boost/json/parse.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "antrea/kube/builtin_types.h"
#include "antrea/kube/patch.h"
#include "antrea/kube/selector.h"
#include "libantrea-kube/server/apply.h"
#include "libantrea-kube/server/protobuf_body.h"

namespace {
using namespace antrea::kube;
namespace json = boost::json;

void patch(char how, std::string_view text) {
  static const ResourceTypes types = make_builtin_types();
  static const ResourceType& pods = *types.find("", "v1", "pods");
  const auto middle = text.find('\n');
  if (middle == text.npos) return;
  boost::system::error_code code;
  json::value target = json::parse(text.substr(0, middle), code);
  if (code) return;
  const json::value patch = json::parse(text.substr(middle + 1), code);
  if (code) return;
  const json::value before = target;
  antrea::Result<> done;
  if (how == 'm') done = apply_merge_patch(target, patch);
  if (how == 'j') done = apply_json_patch(target, patch);
  if (target.is_object() && patch.is_object() && how == 's')
    done = apply_strategic_merge_patch(target.get_object(), patch.get_object(), *pods.schema);
  if (target.is_object() && patch.is_object() && how == 'a')
    (void)apply_configuration(pods, target.get_object(), patch.get_object(), {"fuzz", "t"});
  if (!done && target != before) std::abort();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 'l':
      (void)LabelQuery::parse(text);
      break;
    case 'f':
      (void)FieldQuery::parse(text);
      break;
    default:
      patch(static_cast<char>(data[0]), text);
  }
  return 0;
}
