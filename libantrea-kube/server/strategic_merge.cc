#include <algorithm>
#include <boost/json/serialize.hpp>
#include <map>

#include "antrea/kube/patch.h"

// Strategic merge patch: kubernetes/community,
// contributors/devel/sig-api-machinery/strategic-merge-patch.md.
namespace antrea::kube {
namespace json = boost::json;

namespace {
constexpr std::string_view kPatch = "$patch";
constexpr std::string_view kRetainKeys = "$retainKeys";
constexpr std::string_view kSetElementOrder = "$setElementOrder/";
constexpr std::string_view kDeleteFromList = "$deleteFromPrimitiveList/";
constexpr int kMaxDepth = 128;

Error malformed(std::string cause, std::string_view field) {
  return make_error(Errc::kMalformed, "strategic merge patch: " + std::move(cause),
                    std::string(field));
}

/// What is known of one field: nothing, for fields beyond the schema.
struct Place {
  const Schema* schema = nullptr;
  const Property* property = nullptr;
};

Place field_of(const Schema* schema, std::string_view name) {
  if (!schema) return {};
  if (schema->kind == SchemaKind::kMap) return {schema->items, nullptr};
  const Property* property = schema->find(name);
  return property ? Place{property->schema, property} : Place{};
}

/// The value by which an element is found in its list: itself, or that of its merge key.
json::value identity(const json::value& element, std::string_view merge_key) {
  const auto* object = element.if_object();
  if (!object || merge_key.empty()) return element;
  const auto* value = object->if_contains(merge_key);
  return value ? *value : json::value();
}

json::value* find_element(json::array& list, std::string_view merge_key,
                          const json::value& wanted) {
  const auto it = std::ranges::find_if(
      list, [&](const json::value& each) { return identity(each, merge_key) == wanted; });
  return it == list.end() ? nullptr : &*it;
}

class Merger {
 public:
  Result<> merge_object(json::object& target, const json::object& patch, const Schema* schema,
                        int depth);

 private:
  Result<> merge_list(json::array& target, const json::array& patch, const Place& place,
                      std::string_view field, int depth);
  Result<> merge_field(json::object& target, std::string_view key, const json::value& patch,
                       const Schema* schema, int depth);
  Result<> restore_order(json::array& list, const json::array& before, const json::value& order,
                         const Place& place, std::string_view field);
  Result<json::value> without_directives(const json::value& patch, const Place& place,
                                         std::string_view field, int depth);
};

/// What a patch stands for where there is nothing to patch.
Result<json::value> Merger::without_directives(const json::value& patch, const Place& place,
                                               std::string_view field, int depth) {
  if (const auto* object = patch.if_object()) {
    json::object fresh;
    ANTREA_CHECK(merge_object(fresh, *object, place.schema, depth));
    return json::value(std::move(fresh));
  }
  const auto* list = patch.if_array();
  if (!list) return patch;
  json::array fresh;
  if (place.property && place.property->merges_list()) {
    ANTREA_CHECK(merge_list(fresh, *list, place, field, depth));
    return json::value(std::move(fresh));
  }
  const Place item{place.schema ? place.schema->items : nullptr, nullptr};
  for (const auto& each : *list) {
    ANTREA_TRY(auto element, without_directives(each, item, field, depth + 1));
    fresh.push_back(std::move(element));
  }
  return json::value(std::move(fresh));
}

Result<> Merger::merge_field(json::object& target, std::string_view key, const json::value& patch,
                             const Schema* schema, int depth) {
  if (patch.is_null()) {
    target.stable_erase(key);
    return {};
  }
  const Place place = field_of(schema, key);
  json::value* existing = target.if_contains(key);
  const bool replaced = place.property && place.property->patch_strategy == "replace";
  if (existing && !replaced && existing->is_object() && patch.is_object())
    return merge_object(existing->get_object(), patch.get_object(), place.schema, depth + 1);
  if (existing && existing->is_array() && patch.is_array() && place.property &&
      place.property->merges_list())
    return merge_list(existing->get_array(), patch.get_array(), place, key, depth + 1);
  ANTREA_TRY(auto fresh, without_directives(patch, place, key, depth + 1));
  target[key] = std::move(fresh);
  return {};
}

Result<> Merger::merge_object(json::object& target, const json::object& patch, const Schema* schema,
                              int depth) {
  if (depth > kMaxDepth) return malformed("nested too deeply", {});
  if (const auto* directive = patch.if_contains(kPatch)) {
    if (*directive == "delete") {
      target.clear();
      return {};
    }
    if (*directive == "replace")
      target.clear();
    else if (*directive != "merge")
      return malformed("unknown $patch directive " + json::serialize(*directive), {});
  }
  if (const auto* retained = patch.if_contains(kRetainKeys)) {
    const auto* keys = retained->if_array();
    if (!keys) return malformed("$retainKeys must be a list", {});
    std::vector<std::string> dropped;
    for (const auto& [key, value] : target)
      if (std::ranges::find(*keys, json::value(key)) == keys->end()) dropped.emplace_back(key);
    for (const auto& key : dropped) target.stable_erase(key);
  }
  // Lists as they were, for those whose order the patch sets.
  std::map<std::string, json::array, std::less<>> before;
  for (const auto& [key, value] : patch) {
    const std::string_view name = key;
    if (!name.starts_with(kSetElementOrder)) continue;
    const auto* list = target.if_contains(name.substr(kSetElementOrder.size()));
    before[std::string(name.substr(kSetElementOrder.size()))] =
        list && list->is_array() ? list->get_array() : json::array{};
  }
  for (const auto& [key, value] : patch) {
    const std::string_view name = key;
    if (!name.starts_with(kDeleteFromList)) continue;
    const auto* gone = value.if_array();
    if (!gone) return malformed("expected a list", name);
    auto* list = target.if_contains(name.substr(kDeleteFromList.size()));
    if (!list || !list->is_array()) continue;
    auto& array = list->get_array();
    for (auto it = array.begin(); it != array.end();)
      it = std::ranges::find(*gone, *it) != gone->end() ? array.erase(it) : it + 1;
  }
  for (const auto& [key, value] : patch) {
    const std::string_view name = key;
    if (name == kPatch || name == kRetainKeys || name.starts_with(kSetElementOrder) ||
        name.starts_with(kDeleteFromList))
      continue;
    ANTREA_CHECK(merge_field(target, name, value, schema, depth));
  }
  for (const auto& [field, old] : before) {
    auto* list = target.if_contains(field);
    if (!list || !list->is_array()) continue;
    const Place place = field_of(schema, field);
    ANTREA_CHECK(restore_order(list->get_array(), old,
                               patch.at(std::string(kSetElementOrder) + field), place, field));
  }
  return {};
}

Result<> Merger::merge_list(json::array& target, const json::array& patch, const Place& place,
                            std::string_view field, int depth) {
  if (depth > kMaxDepth) return malformed("nested too deeply", field);
  const std::string_view merge_key =
      place.property ? std::string_view(place.property->patch_merge_key) : std::string_view{};
  const Schema* item = place.schema ? place.schema->items : nullptr;
  const auto directive_of = [](const json::value& element) -> std::string_view {
    const auto* object = element.if_object();
    const auto* directive = object ? object->if_contains(kPatch) : nullptr;
    return directive && directive->is_string() ? std::string_view(directive->get_string())
                                               : std::string_view{};
  };
  if (std::ranges::any_of(patch, [&](const auto& each) { return directive_of(each) == "replace"; }))
    target.clear();
  const json::array before = target;
  json::array named;  // what the patch says that will be in the list
  for (const auto& element : patch) {
    const auto* object = element.if_object();
    if (!object) {
      named.push_back(element);
      if (!merge_key.empty()) return malformed("expected a list of objects", field);
      if (std::ranges::find(target, element) == target.end()) target.push_back(element);
      continue;
    }
    if (merge_key.empty()) return malformed("expected a list without objects", field);
    const auto directive = directive_of(element);
    // {"$patch": "replace"} alone marks the list.
    if (directive == "replace" && object->size() == 1) continue;
    if (!object->contains(merge_key))
      return malformed("an element lacks the merge key " + std::string(merge_key), field);
    const json::value wanted = object->at(merge_key);
    json::value* existing = find_element(target, merge_key, wanted);
    if (directive == "delete") {
      const auto gone = std::remove_if(target.begin(), target.end(), [&](const json::value& each) {
        return identity(each, merge_key) == wanted;
      });
      target.erase(gone, target.end());
      continue;
    }
    named.push_back(element);
    if (existing && existing->is_object()) {
      ANTREA_CHECK(merge_object(existing->get_object(), *object, item, depth + 1));
    } else {
      json::object fresh;
      ANTREA_CHECK(merge_object(fresh, *object, item, depth + 1));
      target.emplace_back(std::move(fresh));
    }
  }
  return restore_order(target, before, named, place, field);
}

/// The elements that `order` names come in its order; the others keep their place among those that
/// were there before.
Result<> Merger::restore_order(json::array& list, const json::array& before,
                               const json::value& order, const Place& place,
                               std::string_view field) {
  const auto* wanted = order.if_array();
  if (!wanted) return malformed("$setElementOrder must be a list", field);
  const std::string_view merge_key =
      place.property ? std::string_view(place.property->patch_merge_key) : std::string_view{};
  const auto index_in = [&](const json::array& in, const json::value& element) {
    const json::value id = identity(element, merge_key);
    const auto it = std::ranges::find_if(
        in, [&](const json::value& each) { return identity(each, merge_key) == id; });
    return it == in.end() ? -1 : it - in.begin();
  };
  struct Ranked {
    std::ptrdiff_t rank;
    std::ptrdiff_t before;
    json::value element;
  };
  std::vector<Ranked> ordered, others;
  for (const auto& element : list) {
    const auto old = index_in(before, element);
    if (const auto rank = index_in(*wanted, element); rank >= 0)
      ordered.push_back({rank, old, element});
    else
      others.push_back({old, old, element});
  }
  std::ranges::stable_sort(ordered, {}, &Ranked::rank);
  std::ranges::stable_sort(others, {}, &Ranked::rank);
  list.clear();
  auto left = others.begin();
  auto right = ordered.begin();
  while (left != others.end() || right != ordered.end()) {
    const bool take_left =
        right == ordered.end() || (left != others.end() && left->before >= 0 &&
                                   right->before >= 0 && left->before < right->before);
    list.push_back(std::move((take_left ? *left++ : *right++).element));
  }
  return {};
}
}  // namespace

Result<> apply_strategic_merge_patch(json::object& target, const json::object& patch,
                                     const Schema& schema) {
  json::object changed = target;
  ANTREA_CHECK(Merger().merge_object(changed, patch, &schema, 0));
  target = std::move(changed);
  return {};
}

}  // namespace antrea::kube
