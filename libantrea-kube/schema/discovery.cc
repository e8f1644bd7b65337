#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <set>

#include "antrea/kube/openapi.h"

namespace antrea::kube {
namespace {

using boost::json::array;
using boost::json::object;

constexpr std::string_view kFollowed = "v1.26.5";

array to_array(const std::vector<std::string>& texts) {
  array list;
  for (const auto& text : texts) list.push_back(boost::json::value(text));
  return list;
}

std::string group_version(std::string_view group, std::string_view version) {
  return group.empty() ? std::string(version) : fmt::format("{}/{}", group, version);
}

/// The versions of a group in the order they were added; the first is preferred.
std::vector<std::string> versions_of(const ResourceTypes& types, std::string_view group) {
  std::vector<std::string> versions;
  for (const auto& type : types.all()) {
    if (type->group == group && std::ranges::find(versions, type->version) == versions.end())
      versions.push_back(type->version);
  }
  return versions;
}

std::vector<std::string> named_groups(const ResourceTypes& types) {
  std::vector<std::string> groups;
  for (const auto& type : types.all()) {
    if (!type->group.empty() && std::ranges::find(groups, type->group) == groups.end())
      groups.push_back(type->group);
  }
  return groups;
}

/// The resources of a group version by name, as discovery lists them.
std::vector<const ResourceType*> resources_of(const ResourceTypes& types, std::string_view group,
                                              std::string_view version) {
  std::vector<const ResourceType*> list;
  for (const auto& type : types.all())
    if (type->group == group && type->version == version) list.push_back(type.get());
  std::ranges::sort(list, {}, &ResourceType::plural);
  return list;
}

std::vector<const Subresource*> subresources_of(const ResourceType& type) {
  std::vector<const Subresource*> list;
  for (const auto& subresource : type.subresources) list.push_back(&subresource);
  std::ranges::sort(list, {}, &Subresource::name);
  return list;
}

object group_entry(const ResourceTypes& types, std::string_view group) {
  const auto versions = versions_of(types, group);
  if (versions.empty()) return {};
  const auto entry = [&](const std::string& version) {
    return object{{"groupVersion", group_version(group, version)}, {"version", version}};
  };
  array list;
  for (const auto& version : versions) list.push_back(entry(version));
  return {{"name", std::string(group)},
          {"versions", std::move(list)},
          {"preferredVersion", entry(versions.front())}};
}

object aggregated_resource(const ResourceType& type) {
  const auto response_kind = [&](const Subresource* sub) {
    const bool own = sub == nullptr || sub->version.empty();
    return object{{"group", own ? type.group : sub->group},
                  {"version", own ? type.version : sub->version},
                  {"kind", sub == nullptr ? type.kind : sub->kind}};
  };
  object entry{{"resource", type.plural},
               {"responseKind", response_kind(nullptr)},
               {"scope", type.namespaced ? "Namespaced" : "Cluster"},
               {"singularResource", type.singular},
               {"verbs", to_array(type.verbs)}};
  if (!type.short_names.empty()) entry["shortNames"] = to_array(type.short_names);
  if (!type.categories.empty()) entry["categories"] = to_array(type.categories);
  array subresources;
  for (const auto* sub : subresources_of(type)) {
    subresources.push_back(object{{"subresource", sub->name},
                                  {"responseKind", response_kind(sub)},
                                  {"verbs", to_array(sub->verbs)}});
  }
  if (!subresources.empty()) entry["subresources"] = std::move(subresources);
  return entry;
}

}  // namespace

object api_versions_document(std::string_view address) {
  return {{"kind", "APIVersions"},
          {"versions", array{"v1"}},
          {"serverAddressByClientCIDRs",
           array{object{{"clientCIDR", "0.0.0.0/0"}, {"serverAddress", std::string(address)}}}}};
}

object api_group_list(const ResourceTypes& types) {
  array groups;
  for (const auto& group : named_groups(types)) groups.push_back(group_entry(types, group));
  return {{"kind", "APIGroupList"}, {"apiVersion", "v1"}, {"groups", std::move(groups)}};
}

object api_group(const ResourceTypes& types, std::string_view group) {
  auto entry = group_entry(types, group);
  if (entry.empty()) return {};
  object document{{"kind", "APIGroup"}, {"apiVersion", "v1"}};
  for (auto& [key, value] : entry) document[key] = value;
  return document;
}

object api_resource_list(const ResourceTypes& types, std::string_view group,
                         std::string_view version) {
  array resources;
  for (const auto* type : resources_of(types, group, version)) {
    object entry{{"name", type->plural},
                 {"singularName", type->singular},
                 {"namespaced", type->namespaced},
                 {"kind", type->kind},
                 {"verbs", to_array(type->verbs)}};
    if (!type->short_names.empty()) entry["shortNames"] = to_array(type->short_names);
    if (!type->categories.empty()) entry["categories"] = to_array(type->categories);
    resources.push_back(std::move(entry));
    for (const auto* sub : subresources_of(*type)) {
      object part{{"name", fmt::format("{}/{}", type->plural, sub->name)},
                  {"singularName", ""},
                  {"namespaced", type->namespaced}};
      if (!sub->version.empty()) {
        part["group"] = sub->group;
        part["version"] = sub->version;
      }
      part["kind"] = sub->kind;
      part["verbs"] = to_array(sub->verbs);
      resources.push_back(std::move(part));
    }
  }
  if (resources.empty()) return {};
  object document{{"kind", "APIResourceList"}};
  if (!group.empty()) document["apiVersion"] = "v1";
  document["groupVersion"] = group_version(group, version);
  document["resources"] = std::move(resources);
  return document;
}

object aggregated_discovery(const ResourceTypes& types, bool core, std::string_view version) {
  array items;
  for (const auto& group : core ? std::vector<std::string>{""} : named_groups(types)) {
    array versions;
    for (const auto& each : versions_of(types, group)) {
      array resources;
      for (const auto* type : resources_of(types, group, each))
        resources.push_back(aggregated_resource(*type));
      versions.push_back(
          object{{"version", each}, {"resources", std::move(resources)}, {"freshness", "Current"}});
    }
    object metadata{{"creationTimestamp", nullptr}};
    if (!group.empty()) metadata["name"] = group;
    items.push_back(object{{"metadata", std::move(metadata)}, {"versions", std::move(versions)}});
  }
  return {{"kind", "APIGroupDiscoveryList"},
          {"apiVersion", fmt::format("apidiscovery.k8s.io/{}", version)},
          {"metadata", object{}},
          {"items", std::move(items)}};
}

object version_document(std::string_view suffix) {
#if defined(__aarch64__)
  constexpr const char* kPlatform = "linux/arm64";
#else
  constexpr const char* kPlatform = "linux/amd64";
#endif
  return {{"major", "1"},
          {"minor", "26"},
          {"gitVersion", fmt::format("{}{}", kFollowed, suffix)},
          {"gitCommit", ""},
          {"gitTreeState", ""},
          {"buildDate", "1970-01-01T00:00:00Z"},
          {"goVersion", ""},
          {"compiler", "gcc"},
          {"platform", kPlatform}};
}

}  // namespace antrea::kube
