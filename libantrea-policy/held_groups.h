#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <cstring>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "address_map.h"
#include "antrea/api/controlplane.h"
#include "release_memory.h"

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

  bool empty() const { return plain_.empty() && members_.empty(); }
  bool contains(const IpAddress& ip) const {
    return plain_.contains(ip) || addresses_.contains(ip);
  }
  /// Before this batch.
  bool contained(const IpAddress& ip) const;
  /// Calls `function` with each address, with some perhaps twice.
  template <typename Function>
  void for_each_address(Function function) const {
    plain_.for_each([&](const IpAddress& ip, const Token&) { function(ip); });
    for (const auto& [ip, count] : addresses_) function(ip);
  }
  /// In this batch, with whether they were there before.
  const auto& touched() const { return touched_; }
  /// Calls `function` with the addresses and ports of each member; one without ports may come in
  /// several pieces.
  template <typename Function>
  void for_each_member(Function function) const {
    plain_.for_each([&](const IpAddress& ip, const Token&) {
      function(std::span(&ip, 1), std::span<const cp::NamedPort>());
    });
    for (const auto& [key, member] : members_)
      function(std::span(member.ips), std::span(member.ports));
  }
  void end_batch() {
    release_memory(touched_);
    changed = false;
  }

 private:
  // A digest of what tells members apart: shorter than that by far.
  using Key = std::array<std::uint8_t, 16>;
  struct KeyHash {
    using is_avalanching = void;
    std::size_t operator()(const Key& key) const {
      std::size_t hash = 0;
      std::memcpy(&hash, key.data(), sizeof hash);
      return hash;
    }
  };
  /// The head of it, which tells those apart that have one address.
  using Token = std::array<std::uint8_t, 8>;
  struct Member {
    std::vector<IpAddress> ips;
    std::vector<cp::NamedPort> ports;
  };

  static Key key_of(const cp::GroupMember& member);
  static Key key_of_name(const std::string& name);
  static Token token_of(const Key& key);
  bool holds_plain(const Key& key, std::span<const IpAddress> ips) const;
  bool holds(const Key& key, const cp::GroupMember& member) const;
  void touch(const IpAddress& ip) { touched_.try_emplace(ip, contains(ip)); }
  void add_member(const Key& key, std::span<const IpAddress> ips,
                  std::span<const cp::NamedPort> ports);
  void remove(const Key& key, std::span<const IpAddress> ips);
  void remove_plain(const IpAddress& ip);
  using Members = boost::unordered_flat_map<Key, Member, KeyHash>;
  void remove(Members::iterator member);

  /// The addresses of members that have no ports and share none of them with another of these: of
  /// most, with who has them.
  AddressMap<Token> plain_;
  Members members_;  ///< all others
  /// Of those, with how many have it.
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
