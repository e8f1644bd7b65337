#include "policy_input.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "antrea/api/json.h"

namespace antrea::antctl {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

struct Resource {
  const char* target;
  bool required;  ///< every cluster serves it
};
constexpr Resource kResources[] = {
    {"/api/v1/namespaces", true},
    {"/api/v1/pods", true},
    {"/api/v1/services", true},
    {"/api/v1/nodes", true},
    {"/apis/networking.k8s.io/v1/networkpolicies", true},
    {"/apis/crd.antrea.io/v1beta1/tiers", false},
    {"/apis/crd.antrea.io/v1beta1/groups", false},
    {"/apis/crd.antrea.io/v1beta1/clustergroups", false},
    {"/apis/crd.antrea.io/v1beta1/networkpolicies", false},
    {"/apis/crd.antrea.io/v1beta1/clusternetworkpolicies", false},
    {"/apis/crd.antrea.io/v1alpha2/externalentities", false},
    {"/apis/policy.networking.k8s.io/v1alpha1/adminnetworkpolicies", false},
    {"/apis/policy.networking.k8s.io/v1alpha1/baselineadminnetworkpolicies", false},
};

Result<std::vector<fs::path>> files_of(const std::string& path) {
  std::error_code ec;
  if (!fs::is_directory(path, ec)) return std::vector<fs::path>{path};
  std::vector<fs::path> files;
  for (fs::recursive_directory_iterator it(path, ec), end; !ec && it != end; it.increment(ec)) {
    const auto extension = it->path().extension();
    if (extension == ".yaml" || extension == ".yml" || extension == ".json")
      files.push_back(it->path());
  }
  if (ec) return make_error(Errc::kNotFound, "read folder: " + ec.message(), path);
  if (files.empty())
    return make_error(Errc::kNotFound, "read folder: found no *.yaml, *.yml or *.json", path);
  std::ranges::sort(files);
  return files;
}

/// An error is one line, whatever bytes of the input it quotes.
Error one_line(Error error) {
  for (std::string* text : {&error.cause, &error.object, &error.remedy})
    for (char& c : *text)
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return error;
}

/// What has been read so far: the last one of a kind and name counts.
class Collection {
 public:
  Result<> add_manifest(const std::string& text, const std::string& source) {
    auto manifest = api::decode_manifest(text, source);
    if (!manifest) return one_line(std::move(manifest).error());
    for (const json::value& each : *manifest) {
      auto object = policy::decode_object(each);
      if (!object) {
        Error error = std::move(object).error();
        error.object = source + (error.object.empty() ? "" : ": " + error.object);
        return one_line(std::move(error));
      }
      if (*object) add(**std::move(object));
    }
    return {};
  }

  Objects take() && {
    if (repeated_ != 0)
      fmt::print(stderr,
                 "antctl policy: objects given more than once, of which the last counts: {}\n",
                 repeated_);
    return std::move(objects_);
  }
  void forget_repeated() { repeated_ = 0; }

 private:
  void add(policy::ObjectChange object) {
    const api::ObjectKey key = std::visit(
        [](const auto& value) {
          if constexpr (std::is_same_v<std::decay_t<decltype(value)>, policy::ObjectDeleted>)
            return value.key;
          else
            return api::key_of(value->metadata);
        },
        object);
    // "default" is written or left out.
    const bool in_default = key.namespace_ == "default";
    const auto [at, added] = places_.try_emplace(
        {object.index(), api::ObjectKey{in_default ? "" : key.namespace_, key.name}},
        objects_.size());
    if (added) {
      objects_.push_back(std::move(object));
    } else {
      objects_[at->second] = std::move(object);
      ++repeated_;
    }
  }

  Objects objects_;
  std::map<std::pair<std::size_t, api::ObjectKey>, std::size_t> places_;
  std::size_t repeated_ = 0;
};

Result<> add_cluster(const Sources& sources, Collection& to) {
  for (const Resource& resource : kResources) {
    auto answer = sources.from_api(resource.target);
    if (!answer && !resource.required && answer.error().code == Errc::kNotFound) continue;
    if (!answer) return std::move(answer).error();
    ANTREA_CHECK(to.add_manifest(json::serialize(*answer), resource.target));
  }
  return {};
}

Result<> add_path(const std::string& path, const Sources& sources, Collection& to) {
  if (path == kCluster) return add_cluster(sources, to);
  ANTREA_TRY(const auto files, files_of(path));
  for (const fs::path& file : files) {
    std::ifstream stream(file);
    std::stringstream text;
    text << stream.rdbuf();
    std::error_code ec;
    if (!stream && !(fs::exists(file, ec) && fs::is_empty(file, ec)))
      return make_error(Errc::kNotFound, "read manifest: cannot be read", file.string());
    ANTREA_CHECK(to.add_manifest(text.str(), file.string()));
  }
  return {};
}

void say(std::string_view what, std::size_t count) {
  if (count != 0) fmt::print(stderr, "antctl policy: {}: {}\n", what, count);
}
void say(const policy::MadeUp& made_up) {
  say("Pods without address, which got made-up ones", made_up.addresses.size());
  say("Pods without Node, taken to be on node-0", made_up.nodes.size());
  say("Namespaces that nothing describes, taken to have no labels", made_up.namespaces.size());
}

}  // namespace

Result<Objects> load_objects(const std::vector<std::string>& paths, const Sources& sources) {
  Collection collection;
  for (const std::string& path : paths) ANTREA_CHECK(add_path(path, sources, collection));
  Objects objects = std::move(collection).take();
  say(policy::complete(objects));
  return objects;
}

Result<std::pair<Objects, Objects>> load_sets(const std::vector<std::string>& shared,
                                              const std::string& old_path,
                                              const std::string& new_path, const Sources& sources) {
  Collection base;
  for (const std::string& path : shared) ANTREA_CHECK(add_path(path, sources, base));
  Collection old_set = base, new_set = std::move(base);
  ANTREA_CHECK(add_path(old_path, sources, old_set));
  ANTREA_CHECK(add_path(new_path, sources, new_set));
  if (!shared.empty()) {  // replacing is what they are for
    old_set.forget_repeated();
    new_set.forget_repeated();
  }
  std::pair<Objects, Objects> sets{std::move(old_set).take(), std::move(new_set).take()};
  const auto [made_up_old, made_up_new] = policy::complete(sets.first, sets.second);
  say(made_up_old.addresses.size() >= made_up_new.addresses.size() ? made_up_old : made_up_new);
  return sets;
}

}  // namespace antrea::antctl
