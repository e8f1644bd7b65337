#include "policy_input.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <map>

namespace antrea::antctl {
namespace {

namespace json = boost::json;

constexpr Listing kListings[] = {
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
    {"/apis/policy.networking.k8s.io/v1alpha2/clusternetworkpolicies", false},
};

/// What has been read so far: the last one of a kind and name counts.
class Collection {
 public:
  Result<> add_path(const std::string& path, const Sources& sources) {
    return read_manifests(path, sources, kListings, [this](const json::value& value) -> Result<> {
      ANTREA_TRY(auto object, policy::decode_object(value));
      if (object) add(*std::move(object));
      return {};
    });
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

void say(std::string_view what, std::size_t count) {
  if (count != 0) fmt::print(stderr, "antctl policy: {}: {}\n", what, count);
}
void say(const policy::MadeUp& made_up) {
  say("Pods without address, which got made-up ones", made_up.addresses.size());
  say("Pods without Node, taken to be on node-0", made_up.nodes.size());
  say("Namespaces that nothing describes, taken to have no labels", made_up.namespaces.size());
  say("Nodes that nothing describes, taken to have neither labels nor addresses",
      made_up.undescribed_nodes.size());
}

}  // namespace

Result<Objects> load_objects(const std::vector<std::string>& paths, const Sources& sources) {
  Collection collection;
  for (const std::string& path : paths) ANTREA_CHECK(collection.add_path(path, sources));
  Objects objects = std::move(collection).take();
  say(policy::complete(objects));
  return objects;
}

Result<std::pair<Objects, Objects>> load_sets(const std::vector<std::string>& shared,
                                              const std::string& old_path,
                                              const std::string& new_path, const Sources& sources) {
  Collection base;
  for (const std::string& path : shared) ANTREA_CHECK(base.add_path(path, sources));
  Collection old_set = base, new_set = std::move(base);
  ANTREA_CHECK(old_set.add_path(old_path, sources));
  ANTREA_CHECK(new_set.add_path(new_path, sources));
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
