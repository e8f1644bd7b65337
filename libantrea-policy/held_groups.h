#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "antrea/api/controlplane.h"

namespace antrea::policy {

namespace cp = api::controlplane;

struct CachedRule;

inline bool is_pod(const cp::GroupMember& member) { return member.kind == cp::MemberKind::kPod; }
inline bool is_node(const cp::GroupMember& member) { return member.kind == cp::MemberKind::kNode; }
inline bool is_service(const cp::GroupMember& member) {
  return member.kind == cp::MemberKind::kService;
}

/// The addresses of an AddressGroup, or of the names that a DNS pattern matches; there may be
/// hundreds of thousands on a Node.
class HeldAddressGroup {
 public:
  bool present = false;
  bool changed = false;  ///< in this batch: members, or whether it is present
  std::unordered_set<CachedRule*> users;

  /// Members are told apart as the controllers do it: by reference and addresses. Ports are not
  /// part of that, so a patch takes away before it adds.
  void add(const cp::GroupMember& member);
  void remove(const cp::GroupMember& member);
  /// All there are: by difference, so that what stays is not touched.
  void replace(const std::vector<cp::GroupMember>& members);
  void add_name(const std::string& name, const std::vector<IpAddress>& ips);
  void remove_name(const std::string& name);

  bool empty() const { return members_.empty(); }
  bool contains(const IpAddress& ip) const { return addresses_.contains(ip); }
  /// Before this batch.
  bool contained(const IpAddress& ip) const;
  /// With (address, how many members have it).
  const auto& addresses() const { return addresses_; }
  /// In this batch, with whether they were there before.
  const auto& touched() const { return touched_; }
  /// Calls `function` with the addresses and ports of each member.
  template <typename Function>
  void for_each_member(Function function) const {
    for (const auto& [key, member] : members_) function(member.ips(), member.ports());
  }
  void end_batch() {
    touched_ = {};  // with its memory
    changed = false;
  }

 private:
  // A digest of what tells members apart: shorter than that by far.
  using Key = std::array<std::uint64_t, 2>;
  struct KeyHash {
    using is_avalanching = void;
    std::size_t operator()(const Key& key) const { return key[0]; }
  };
  /// Most members have one address and no ports.
  class Member {
   public:
    Member(std::span<const IpAddress> ips, std::span<const cp::NamedPort> ports);
    std::span<const IpAddress> ips() const {
      return more_ ? std::span<const IpAddress>(more_->ips) : std::span(&ip_, 1);
    }
    std::span<const cp::NamedPort> ports() const {
      return more_ ? std::span<const cp::NamedPort>(more_->ports)
                   : std::span<const cp::NamedPort>();
    }

   private:
    struct More {
      std::vector<IpAddress> ips;
      std::vector<cp::NamedPort> ports;
    };
    IpAddress ip_;
    std::unique_ptr<More> more_;
  };
  using Members = boost::unordered_flat_map<Key, Member, KeyHash>;

  static Key key_of(const cp::GroupMember& member);
  static Key key_of_name(const std::string& name);
  void add(const Key& key, std::span<const IpAddress> ips, std::span<const cp::NamedPort> ports);
  void remove(const Key& key);
  void remove(Members::iterator member);

  Members members_;
  boost::unordered_flat_map<IpAddress, std::uint32_t, std::hash<IpAddress>> addresses_;
  boost::unordered_flat_map<IpAddress, bool, std::hash<IpAddress>> touched_;
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
