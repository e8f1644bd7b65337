#include <algorithm>

#include "antrea/api/meta.h"

namespace antrea::api {

bool LabelSelector::matches(const Labels& labels) const {
  const auto has = [&labels](const LabelSelectorRequirement& wanted) {
    const auto found = labels.find(wanted.key);
    const bool present = found != labels.end();
    switch (wanted.op) {
      case LabelSelectorRequirement::Operator::kExists:
        return present;
      case LabelSelectorRequirement::Operator::kDoesNotExist:
        return !present;
      case LabelSelectorRequirement::Operator::kIn:
        return present && std::ranges::find(wanted.values, found->second) != wanted.values.end();
      case LabelSelectorRequirement::Operator::kNotIn:
        return !present || std::ranges::find(wanted.values, found->second) == wanted.values.end();
    }
    return false;
  };
  const auto equals = [&labels](const auto& wanted) {
    const auto found = labels.find(wanted.first);
    return found != labels.end() && found->second == wanted.second;
  };
  return std::ranges::all_of(match_labels, equals) && std::ranges::all_of(match_expressions, has);
}

}  // namespace antrea::api
