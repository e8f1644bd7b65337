#include "antrea/lab/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cctype>
#include <map>
#include <thread>

#include "api_client.h"

namespace antrea::lab {
namespace {

namespace json = boost::json;

std::string text(const json::value& value, std::initializer_list<const char*> path) {
  const json::value* at = &value;
  for (const char* key : path) {
    const auto* object = at->if_object();
    at = object != nullptr ? object->if_contains(key) : nullptr;
    if (at == nullptr) return {};
  }
  return at->is_string() ? std::string(at->as_string()) : std::string();
}

struct Resource {
  std::string plural;
  bool namespaced = true;
};

/// Finds out, from the server itself, where the objects of a kind live.
class Paths {
 public:
  explicit Paths(ApiClient& api) : api_(api) {}

  /// e.g. "/api/v1/namespaces/default/pods"
  Result<std::string> collection(const json::value& object) {
    const std::string version = text(object, {"apiVersion"});
    const std::string kind = text(object, {"kind"});
    if (version.empty() || kind.empty())
      return make_error(Errc::kMalformed, "an object without apiVersion or kind", label(object));
    const std::string root =
        (version.find('/') == std::string::npos ? "/api/" : "/apis/") + version;
    ANTREA_TRY(const Resource resource, find(root, kind));
    if (!resource.namespaced) return root + "/" + resource.plural;
    std::string ns = text(object, {"metadata", "namespace"});
    if (ns.empty()) ns = "default";
    return root + "/namespaces/" + ns + "/" + resource.plural;
  }

  Result<std::string> of(const json::value& object) {
    ANTREA_TRY(std::string path, collection(object));
    return path + "/" + text(object, {"metadata", "name"});
  }

  static std::string label(const json::value& object) {
    std::string kind = text(object, {"kind"});
    std::transform(kind.begin(), kind.end(), kind.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return kind + "/" + text(object, {"metadata", "name"});
  }

 private:
  Result<Resource> find(const std::string& root, const std::string& kind) {
    auto known = groups_.find(root);
    if (known == groups_.end()) {
      auto list = api_.get(root);
      if (list.has_error() && list.error().code != Errc::kNotFound) return std::move(list).error();
      std::map<std::string, Resource> resources;
      const auto* entries = list ? list->as_object().if_contains("resources") : nullptr;
      if (entries != nullptr && entries->is_array()) {
        for (const auto& entry : entries->as_array()) {
          const std::string name = text(entry, {"name"});
          if (name.find('/') != std::string::npos) continue;  // a subresource
          const auto* namespaced = entry.as_object().if_contains("namespaced");
          resources[text(entry, {"kind"})] = {
              name, namespaced == nullptr || !namespaced->is_bool() || namespaced->as_bool()};
        }
      }
      known = groups_.emplace(root, std::move(resources)).first;
    }
    const auto found = known->second.find(kind);
    if (found == known->second.end())
      return make_error(Errc::kUnsupported, "the API server has no such kind in " + root, kind);
    return found->second;
  }

  ApiClient& api_;
  std::map<std::string, std::map<std::string, Resource>> groups_;
};

}  // namespace

Result<> apply_objects(const std::string& kubeconfig, const std::vector<json::value>& objects,
                       const ManifestProgress& progress) {
  ANTREA_TRY(auto api, ApiClient::open(kubeconfig));
  Paths paths(*api);
  for (const auto& object : objects) {
    const std::string label = Paths::label(object);
    ANTREA_TRY(const std::string collection, paths.collection(object));
    auto created = api->create(collection, object);
    if (created) {
      progress(label + " created");
      continue;
    }
    if (created.error().code != Errc::kAlreadyExists)
      return std::move(created).error().within("create", label);
    ANTREA_TRY(const std::string path, paths.of(object));
    ANTREA_TRY(const json::value before, api->get(path));
    auto changed = api->merge_patch(path, object);
    if (changed.has_error()) return std::move(changed).error().within("change", label);
    const bool same = text(before, {"metadata", "resourceVersion"}) ==
                      text(*changed, {"metadata", "resourceVersion"});
    progress(label + (same ? " unchanged" : " configured"));
  }
  return {};
}

Result<> delete_objects(const std::string& kubeconfig, const std::vector<json::value>& objects,
                        const ManifestProgress& progress) {
  ANTREA_TRY(auto api, ApiClient::open(kubeconfig));
  Paths paths(*api);
  std::vector<std::string> going;
  for (auto object = objects.rbegin(); object != objects.rend(); ++object) {
    ANTREA_TRY(const std::string path, paths.of(*object));
    auto removed = api->remove(path);
    if (removed.has_error()) {
      if (removed.error().code == Errc::kNotFound) continue;
      return std::move(removed).error().within("delete", Paths::label(*object));
    }
    going.push_back(path);
    progress(Paths::label(*object) + " deleted");
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  for (const auto& path : going) {
    for (;;) {
      auto there = api->get(path);
      if (there.has_error() && there.error().code == Errc::kNotFound) break;
      if (there.has_error()) return std::move(there).error();
      if (std::chrono::steady_clock::now() > deadline)
        return make_error(Errc::kTimeout, "still there 60 s after it was deleted", path);
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
  return {};
}

Result<> await_pods_running(const std::string& kubeconfig, std::chrono::seconds limit) {
  ANTREA_TRY(auto api, ApiClient::open(kubeconfig));
  const auto deadline = std::chrono::steady_clock::now() + limit;
  for (;;) {
    ANTREA_TRY(const json::value list, api->get("/api/v1/pods"));
    std::string waiting;
    const auto* items = list.as_object().if_contains("items");
    if (items != nullptr && items->is_array()) {
      for (const auto& pod : items->as_array()) {
        if (text(pod, {"status", "phase"}) == "Running") continue;
        waiting = fmt::format("pod {}/{} is {} {}", text(pod, {"metadata", "namespace"}),
                              text(pod, {"metadata", "name"}), text(pod, {"status", "phase"}),
                              text(pod, {"status", "message"}));
      }
    }
    if (waiting.empty()) return {};
    if (std::chrono::steady_clock::now() > deadline)
      return make_error(Errc::kTimeout, fmt::format("not all Pods run after {} s", limit.count()),
                        waiting);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

}  // namespace antrea::lab
