#include <antrea/api/json.h>
#include <antrea/policy/manifest.h>

#include <boost/json.hpp>
#include <fstream>
#include <iostream>
#include <sstream>

// Names the policies of some manifests that are applied to no Pod of them.
int main(int argc, char** argv) {
  using namespace antrea;
  std::vector<policy::ObjectChange> objects;
  for (int i = 1; i < argc; ++i) {
    std::ifstream file(argv[i]);
    std::stringstream text;
    text << file.rdbuf();
    const auto manifest = api::decode_manifest(text.str(), argv[i]);
    if (!manifest) return std::cerr << manifest.error().to_string() << "\n", 2;
    for (const auto& json : *manifest) {
      auto object = policy::decode_object(json);
      if (!object) return std::cerr << object.error().to_string() << "\n", 2;
      if (*object) objects.push_back(**object);
    }
  }
  const auto compiled = policy::Compiler().apply(objects);
  int findings = 0;
  for (const auto& change : compiled.policies) {
    if (!change.span.empty()) continue;  // some Node needs it
    std::cout << change.policy->source_ref.to_string() << " selects no scheduled Pod\n";
    ++findings;
  }
  return findings > 0;
}
