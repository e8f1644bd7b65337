#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace antrea::kube {

/// What stands before and after the first `separator`; the second is empty if there is none.
inline std::pair<std::string_view, std::string_view> split_at(std::string_view text,
                                                              std::string_view separator) {
  const auto at = text.find(separator);
  if (at == std::string_view::npos) return {text, {}};
  return {text.substr(0, at), text.substr(at + separator.size())};
}

inline std::pair<std::string_view, std::string_view> split_once(std::string_view text,
                                                                char separator) {
  return split_at(text, {&separator, 1});
}

inline std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (;;) {
    const auto at = text.find(separator);
    parts.emplace_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

inline std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

/// The words between blanks.
inline std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  for (auto& word : split(trim(text), ' '))
    if (!word.empty()) words.push_back(std::move(word));
  return words;
}

}  // namespace antrea::kube
