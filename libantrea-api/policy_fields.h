#pragma once

#include <initializer_list>
#include <string_view>
#include <utility>

#include "antrea/api/antrea_policy.h"
#include "field.h"

/// Readers and writers that the kinds of policies and groups share.
namespace antrea::api::detail {

/// Kubernetes' rules for labels (k8s.io/apimachinery pkg/util/validation).
bool is_label_key(std::string_view key);
bool is_label_value(std::string_view value);

/// A selector whose keys and values are possible labels. Fault: they are not.
LabelSelector read_checked_selector(Field json);
/// {name, namespace}. Fault: no name.
ObjectKey read_object_key(Field json);
/// A port's number or name; absent: none. Fault: 0, or over 65535.
std::optional<IntOrString> read_port_reference(Field json);
std::optional<std::int32_t> read_port_number(Field json);
/// The last port of a range whose first is `first`. Faults: no number to begin with, or a larger
/// one.
std::optional<std::int32_t> read_end_port(Field json, const std::optional<IntOrString>& first,
                                          std::string_view first_key);
std::vector<crd::Condition> read_conditions(Field json);
/// Fault: one of `keys` is there, which `where` ("a NetworkPolicy") does not have.
void refuse(Field json, std::initializer_list<std::string_view> keys, std::string_view where);

boost::json::object to_json(const ObjectKey& key);
boost::json::array to_json(const std::vector<crd::Condition>& conditions);
/// An absent selector is left out, an empty one is not.
void put(boost::json::object& object, std::string_view key,
         const std::optional<LabelSelector>& selector);
void put(boost::json::object& object, std::string_view key,
         const std::optional<std::int32_t>& number);

/// The name of a value in a table of choices.
template <typename Value, std::size_t kCount>
std::string_view name_in(const std::pair<std::string_view, Value> (&choices)[kCount],
                         const Value& wanted) {
  for (const auto& [name, value] : choices)
    if (value == wanted) return name;
  return {};
}

/// How many of these are true.
inline int count_of(std::initializer_list<bool> given) {
  int count = 0;
  for (const bool each : given) count += each ? 1 : 0;
  return count;
}

}  // namespace antrea::api::detail
