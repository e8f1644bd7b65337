#include <boost/json.hpp>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "antrea/api/json.h"
#include "antrea/policy/check.h"
#include "antrea/policy/compare.h"
#include "antrea/policy/manifest.h"

// Any text: objects or an error; whatever objects there are, every offline question has an answer,
// and a set is equivalent to itself.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace antrea;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto manifest = api::decode_manifest(text, "fuzz");
  if (!manifest) return 0;
  std::vector<policy::ObjectChange> objects;
  for (const auto& json : *manifest) {
    auto object = policy::decode_object(json);
    if (!object) return 0;
    if (*object) objects.push_back(**std::move(object));
  }
  if (objects.size() > 200) return 0;
  policy::complete(objects);
  if (!policy::compare(objects, objects).changes.empty()) std::abort();
  const policy::CheckReport report = policy::check(objects);
  for (const policy::Finding& finding : report.findings)
    if (finding.text.empty()) std::abort();
  return 0;
}
