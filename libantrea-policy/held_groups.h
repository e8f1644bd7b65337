#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "antrea/api/controlplane.h"
#include "antrea/policy/name_pattern.h"

namespace antrea::policy {

namespace cp = api::controlplane;

struct CachedRule;

/// The members of a group are told apart as the controllers do it: by reference and addresses.
/// Ports are not part of that, so a patch takes away before it adds.
inline std::string member_key(const cp::GroupMember& member) {
  std::string key(1, static_cast<char>(member.kind));
  key.append(member.key.namespace_).append("/").append(member.key.name).push_back('\0');
  for (const IpAddress& ip : member.ips)
    key.append(reinterpret_cast<const char*>(ip.bytes().data()), ip.bytes().size());
  return key;
}

inline bool is_pod(const cp::GroupMember& member) { return member.kind == cp::MemberKind::kPod; }
inline bool is_node(const cp::GroupMember& member) { return member.kind == cp::MemberKind::kNode; }
inline bool is_service(const cp::GroupMember& member) {
  return member.kind == cp::MemberKind::kService;
}

struct HeldAddressGroup {
  struct Member {
    std::vector<IpAddress> ips;
    std::vector<cp::NamedPort> ports;
  };
  bool present = false;
  boost::unordered_flat_map<std::string, Member> members;
  boost::unordered_flat_map<IpAddress, std::uint32_t, std::hash<IpAddress>>
      addresses;  // how many members have it
  std::unordered_set<CachedRule*> users;
  // In this batch: which addresses were touched and whether they were there before.
  boost::unordered_flat_map<IpAddress, bool, std::hash<IpAddress>> touched;
  bool changed = false;

  bool contains(const IpAddress& ip) const { return addresses.contains(ip); }
  bool contained(const IpAddress& ip) const {
    const auto found = touched.find(ip);
    return found == touched.end() ? contains(ip) : found->second;
  }
  void add(const cp::GroupMember& member) { add(member_key(member), {member.ips, member.ports}); }
  void remove(const cp::GroupMember& member) { remove(member_key(member)); }
  void add(std::string key, Member member) {
    remove(key);
    for (const IpAddress& ip : member.ips) {
      touched.try_emplace(ip, contains(ip));
      ++addresses[ip];
    }
    members.emplace(std::move(key), std::move(member));
    changed = true;
  }
  void remove(const std::string& key) {
    if (const auto found = members.find(key); found != members.end()) remove(found);
  }
  void remove(decltype(members)::iterator member) {
    for (const IpAddress& ip : member->second.ips) {
      touched.try_emplace(ip, true);
      if (const auto count = addresses.find(ip); --count->second == 0) addresses.erase(count);
    }
    members.erase(member);
    changed = true;
  }
};

struct HeldAppliedToGroup {
  bool present = false;
  bool node = false;  ///< the Node itself is a member: no other one is ever sent here
  std::map<api::ObjectKey, std::vector<cp::NamedPort>> pods;
  std::set<api::ObjectKey> services;  ///< whose NodePorts are meant
  std::unordered_set<CachedRule*> users;
};

/// Which groups are known in the midst of a batch that has not been applied yet.
class KnownGroups {
 public:
  void set(std::string_view name, bool present) { changed_[name] = present; }
  template <typename Objects>
  void replace(const Objects& objects) {
    replaced_ = true;
    changed_.clear();
    for (const auto& object : objects) set(object->metadata.name, true);
  }
  template <typename Groups>
  bool knows(const Groups& groups, const std::string& name) const {
    if (const auto found = changed_.find(name); found != changed_.end()) return found->second;
    if (replaced_) return false;
    const auto found = groups.find(name);
    return found != groups.end() && found->second.present;
  }

 private:
  bool replaced_ = false;
  std::unordered_map<std::string_view, bool> changed_;
};

}  // namespace antrea::policy
