#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "antrea/policy/rule_cache.h"
#include "cached_rule.h"

namespace antrea::policy {

/// The groups that a Node was told of, the names behind DNS patterns, and which rules use which of
/// them: marks those that a change is about.
class GroupBook {
 public:
  explicit GroupBook(DirtyRules& dirty) : dirty_(dirty) {}

  void take(const AddressGroupUpserted& object);
  void take(const AddressGroupPatched& patched);
  void take(const AddressGroupDeleted& deleted);
  void take(const AddressGroupsReplaced& all);
  void take(const AppliedToGroupUpserted& object);
  void take(const AppliedToGroupPatched& patched);
  void take(const AppliedToGroupDeleted& deleted);
  void take(const AppliedToGroupsReplaced& all);
  void take(const NameResolved& resolved);

  void mark_rules_of_pod(const api::ObjectKey& pod) { mark_users_of(groups_of_pod_, pod); }
  /// Those that are applied to it, and those that have it for a peer.
  void mark_rules_of_service(const cp::ServiceReference& service);
  /// To be called at the end of a batch, before and after rules are looked at.
  void mark_rules_of_changed();
  void end_batch();

  /// Fills in what the rule uses, from its source.
  void link(CachedRule& rule, const cp::NetworkPolicy& policy, const cp::NetworkPolicyRule& source);
  void unlink(CachedRule& rule);

  /// The name of a group that the batch patches but that would not be known then.
  std::optional<std::string> unknown_patched_group(std::span<const RuleInput> batch) const;
  std::optional<std::vector<std::string>> take_name_patterns();
  void count(RuleCache::Counts& counts) const;

 private:
  using AddressGroups = std::unordered_map<std::string, HeldAddressGroup>;
  using AppliedToGroups = std::unordered_map<std::string, HeldAppliedToGroup>;
  using GroupsByMember = std::unordered_map<api::ObjectKey, std::vector<HeldAppliedToGroup*>>;

  HeldAddressGroup& touch_address_group(const std::string& name);
  HeldAddressGroup& pattern_at(const std::string& pattern);
  void mark_users(const HeldAppliedToGroup& group);
  void mark_users_of(const GroupsByMember& groups, const api::ObjectKey& member);
  void mark_users_of_changed(const AddressGroups& groups, const std::vector<std::string>& touched);
  static void settle(AddressGroups& groups, std::vector<std::string>& touched);
  void join(HeldAppliedToGroup& group, const cp::GroupMember& member);
  void leave(HeldAppliedToGroup& group, const cp::GroupMember& member);
  void clear(HeldAppliedToGroup& group);
  static void forget_member(GroupsByMember& groups, HeldAppliedToGroup& group,
                            const api::ObjectKey& member);

  DirtyRules& dirty_;
  AddressGroups address_groups_;
  AppliedToGroups applied_to_groups_;
  AddressGroups patterns_;        // of DNS names; as groups of names
  bool patterns_changed_ = true;  // since somebody asked
  std::map<std::string, std::vector<IpAddress>> names_;
  GroupsByMember groups_of_pod_, groups_of_service_;
  std::map<cp::ServiceReference, std::set<CachedRule*>> service_users_;  // as peers
  std::vector<std::string> touched_address_groups_, touched_patterns_;
};

}  // namespace antrea::policy
