#include <antrea/api/json.h>
#include <antrea/policy/compiler.h>

#include <boost/json.hpp>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

// Names the NetworkPolicies of some manifests that select no Pod of them.
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
      const auto add = [&](auto object) {
        if (!object) return std::cerr << object.error().to_string() << "\n", false;
        objects.emplace_back(std::make_shared<const std::decay_t<decltype(*object)>>(*object));
        return true;
      };
      const std::string_view kind = json.at("kind").as_string();
      if (kind == "Namespace" && !add(api::decode_namespace(json))) return 2;
      if (kind == "Pod" && !add(api::decode_pod(json))) return 2;
      if (kind == "NetworkPolicy" && !add(api::decode_network_policy(json))) return 2;
    }
  }
  const auto compiled = policy::Compiler().apply(objects);
  std::map<std::string, bool> selects_pods;  // by group
  for (const auto& group : compiled.applied_to_groups)
    selects_pods[group.name] = !group.delta_by_node.empty();
  int findings = 0;
  for (const auto& change : compiled.policies) {
    if (selects_pods[change.policy->applied_to_groups.front()]) continue;
    std::cout << change.policy->source_ref.to_string() << " selects no scheduled Pod\n";
    ++findings;
  }
  return findings > 0;
}
