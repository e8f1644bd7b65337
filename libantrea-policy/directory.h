#pragma once

#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "antrea/api/antrea_policy.h"

namespace antrea::policy {

/// What policies refer to by name. A ClusterGroup has no Namespace in its key.
struct Directory {
  std::map<std::string, std::int32_t, std::less<>> tiers;  // those that somebody made
  std::map<api::ObjectKey, api::crd::GroupSpec> groups;
  std::map<api::ObjectKey, api::Labels> services;  // their selectors, as far as they have one
};

/// What a name stands for in `Dependencies`.
struct Subject {
  enum class Kind : std::uint8_t { kTier, kGroup, kService, kNamespaces };
  Kind kind{};
  api::ObjectKey key;  // empty: all Namespaces with their labels
  friend auto operator<=>(const Subject&, const Subject&) = default;
};

/// Which policies looked at what, existing or not, when they were converted.
template <typename User>
class Dependencies {
 public:
  void set(const User& user, std::set<Subject> subjects) {
    if (const auto old = subjects_.find(user); old != subjects_.end()) {
      for (const Subject& subject : old->second) {
        const auto found = users_.find(subject);
        found->second.erase(user);
        if (found->second.empty()) users_.erase(found);
      }
      subjects_.erase(old);
    }
    if (subjects.empty()) return;
    for (const Subject& subject : subjects) users_[subject].insert(user);
    subjects_.emplace(user, std::move(subjects));
  }
  /// Those that looked at the subject.
  void add_users(const Subject& subject, std::set<User>& to) const {
    if (const auto found = users_.find(subject); found != users_.end())
      to.insert(found->second.begin(), found->second.end());
  }

 private:
  std::map<Subject, std::set<User>> users_;
  std::map<User, std::set<Subject>> subjects_;
};

}  // namespace antrea::policy
