#include "selector.h"

#include <algorithm>
#include <array>

#include "antrea/base/hash.h"

namespace antrea::policy {
namespace {

using Operator = api::LabelSelectorRequirement::Operator;

/// e4f24a48-ca1f-4d5b-819c-ea7632b22115
constexpr GroupUuid kGroupNameSpace{0xe4, 0xf2, 0x4a, 0x48, 0xca, 0x1f, 0x4d, 0x5b,
                                    0x81, 0x9c, 0xea, 0x76, 0x32, 0xb2, 0x21, 0x15};

std::string text_of(const api::LabelSelectorRequirement& requirement) {
  const auto values = [&] {
    std::vector<std::string_view> sorted(requirement.values.begin(), requirement.values.end());
    std::ranges::sort(sorted);
    std::string text = "(";
    for (const auto value : sorted) {
      if (text.size() > 1) text += ',';
      text += value;
    }
    return text + ")";
  };
  switch (requirement.op) {
    case Operator::kIn:
      return requirement.key + " in " + values();
    case Operator::kNotIn:
      return requirement.key + " notin " + values();
    case Operator::kExists:
      return requirement.key;
    case Operator::kDoesNotExist:
      return "!" + requirement.key;
  }
  return {};
}

}  // namespace

LabelSet acquire_labels(const api::Labels& labels, StringPool& pool) {
  LabelSet set;
  set.reserve(labels.size());
  for (const auto& [key, value] : labels)
    set.push_back(make_label(pool.acquire(key), pool.acquire(value)));
  std::ranges::sort(set);
  return set;
}

void release_labels(const LabelSet& labels, StringPool& pool) {
  for (const Label label : labels) {
    pool.release(static_cast<StringId>(label >> 32));
    pool.release(static_cast<StringId>(label));
  }
}

CompiledSelector::CompiledSelector(const api::LabelSelector& selector, StringPool& pool) {
  const auto add = [&](Operator op, std::string_view key, auto&& values) {
    Requirement requirement{op, pool.acquire(key), {}};
    for (const std::string& value : values) requirement.values.push_back(pool.acquire(value));
    std::ranges::sort(requirement.values);
    if (op == Operator::kIn && (anchors_.empty() || requirement.values.size() < anchors_.size())) {
      anchors_.clear();
      for (const StringId value : requirement.values) {
        const Label label = make_label(requirement.key, value);
        if (anchors_.empty() || anchors_.back() != label) anchors_.push_back(label);
      }
    }
    requirements_.push_back(std::move(requirement));
  };
  for (const auto& [key, value] : selector.match_labels)
    add(Operator::kIn, key, std::span(&value, 1));
  for (const auto& expression : selector.match_expressions)
    add(expression.op, expression.key, expression.values);
}

void CompiledSelector::release(StringPool& pool) const {
  for (const Requirement& requirement : requirements_) {
    pool.release(requirement.key);
    for (const StringId value : requirement.values) pool.release(value);
  }
}

bool CompiledSelector::matches(std::span<const Label> labels) const {
  for (const Requirement& requirement : requirements_) {
    const auto label = std::ranges::find(labels, requirement.key,
                                         [](Label l) { return static_cast<StringId>(l >> 32); });
    const bool present = label != labels.end();
    const auto listed = [&] {
      return std::ranges::find(requirement.values, static_cast<StringId>(*label)) !=
             requirement.values.end();
    };
    bool holds = false;
    switch (requirement.op) {
      case Operator::kIn:
        holds = present && listed();
        break;
      case Operator::kNotIn:
        holds = !present || !listed();
        break;
      case Operator::kExists:
        holds = present;
        break;
      case Operator::kDoesNotExist:
        holds = !present;
        break;
    }
    if (!holds) return false;
  }
  return true;
}

void append_normalized(const api::LabelSelector& selector, std::string& text) {
  const char* separator = "";
  if (selector.match_expressions.empty()) {  // already sorted, as labels are
    for (const auto& [key, value] : selector.match_labels) {
      text.append(separator).append(key).append("=").append(value);
      separator = ",";
    }
    return;
  }
  std::vector<std::pair<std::string_view, std::string>> parts;
  for (const auto& [key, value] : selector.match_labels) parts.emplace_back(key, key + "=" + value);
  for (const auto& expression : selector.match_expressions)
    parts.emplace_back(expression.key, text_of(expression));
  std::ranges::sort(parts);
  for (const auto& [key, part] : parts) {
    text.append(separator).append(part);
    separator = ",";
  }
}

void append_normalized(const GroupSelectorView& group, std::string& text) {
  if (group.kind == EntityKind::kService) {
    text.append(group.namespace_).append("/").append(group.service);
    return;
  }
  const bool has_where = group.namespace_selector != nullptr || !group.namespace_.empty();
  const auto add_what = [&] {
    constexpr std::array<std::string_view, 3> kKeys{"podSelector=", "eeSelector=", "nodeSelector="};
    text.append(kKeys[static_cast<std::size_t>(group.kind)]);
    append_normalized(*group.selector, text);
  };
  // The parts in alphabetical order.
  const bool what_first = group.kind == EntityKind::kExternalEntity;
  if (group.selector != nullptr && what_first) {
    add_what();
    if (has_where) text.append(" And ");
  }
  if (group.namespace_selector != nullptr) {
    text.append("namespaceSelector=");
    append_normalized(*group.namespace_selector, text);
  } else if (has_where) {
    text.append("namespace=").append(group.namespace_);
  }
  if (group.selector != nullptr && !what_first) {
    if (has_where) text.append(" And ");
    add_what();
  }
}

/// RFC 4122, version 5.
GroupUuid group_uuid(std::string_view normalized_selector) {
  boost::container::small_vector<char, 256> text(kGroupNameSpace.begin(), kGroupNameSpace.end());
  text.insert(text.end(), normalized_selector.begin(), normalized_selector.end());
  const auto digest = sha1(std::string_view(text.data(), text.size()));
  GroupUuid uuid{};
  std::copy_n(digest.begin(), uuid.size(), uuid.begin());
  uuid[6] = static_cast<std::uint8_t>((uuid[6] & 0x0f) | 0x50);
  uuid[8] = static_cast<std::uint8_t>((uuid[8] & 0x3f) | 0x80);
  return uuid;
}

std::string to_string(const GroupUuid& uuid) {
  static constexpr auto kDigits = [] {
    constexpr std::string_view kHex = "0123456789abcdef";
    std::array<std::array<char, 2>, 256> pairs{};
    for (std::size_t i = 0; i < pairs.size(); ++i) pairs[i] = {kHex[i / 16], kHex[i % 16]};
    return pairs;
  }();
  constexpr std::array<std::size_t, 16> kPlaces{0,  2,  4,  6,  9,  11, 14, 16,
                                                19, 21, 24, 26, 28, 30, 32, 34};
  std::string text(36, '-');
  for (std::size_t i = 0; i < uuid.size(); ++i)
    std::copy_n(kDigits[uuid[i]].begin(), 2, text.begin() + kPlaces[i]);
  return text;
}

}  // namespace antrea::policy
