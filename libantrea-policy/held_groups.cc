#include "held_groups.h"

#include <boost/unordered/unordered_flat_set.hpp>
#include <cstring>

#include "antrea/base/hash.h"

namespace antrea::policy {

HeldAddressGroup::Key HeldAddressGroup::key_of_name(const std::string& name) {
  const auto digest = sha1(name);
  Key key;
  std::memcpy(key.data(), digest.data(), sizeof key);
  return key;
}

HeldAddressGroup::Key HeldAddressGroup::key_of(const cp::GroupMember& member) {
  std::string text(1, static_cast<char>(member.kind));
  text.append(member.key.namespace_).append("/").append(member.key.name).push_back('\0');
  for (const IpAddress& ip : member.ips)
    text.append(reinterpret_cast<const char*>(ip.bytes().data()), ip.bytes().size());
  return key_of_name(text);
}

bool HeldAddressGroup::contained(const IpAddress& ip) const {
  const auto found = touched_.find(ip);
  return found == touched_.end() ? contains(ip) : found->second;
}

void HeldAddressGroup::add(const cp::GroupMember& member) {
  const Key key = key_of(member);
  remove(key, member.ips);
  changed = true;
  if (member.ips.size() == 1 && member.ports.empty() && !plain_.contains(member.ips.front())) {
    touch(member.ips.front());
    plain_.emplace(member.ips.front(), key);
  } else {
    add_member(key, member.ips, member.ports);
  }
}

void HeldAddressGroup::add_name(const std::string& name, const std::vector<IpAddress>& ips) {
  remove_name(name);
  changed = true;
  add_member(key_of_name(name), ips, {});
}

void HeldAddressGroup::add_member(const Key& key, std::span<const IpAddress> ips,
                                  std::span<const cp::NamedPort> ports) {
  for (const IpAddress& ip : ips) {
    touch(ip);
    ++addresses_[ip];
  }
  members_.try_emplace(key, Member{{ips.begin(), ips.end()}, {ports.begin(), ports.end()}});
}

bool HeldAddressGroup::holds(const Key& key, const cp::GroupMember& member) const {
  if (const auto found = members_.find(key); found != members_.end())
    return found->second.ports == member.ports;
  if (member.ips.size() != 1 || !member.ports.empty()) return false;
  const auto found = plain_.find(member.ips.front());
  return found != plain_.end() && found->second == key;
}

void HeldAddressGroup::replace(const std::vector<cp::GroupMember>& members) {
  // Who goes goes first, as two may share an address.
  boost::unordered_flat_set<Key, KeyHash> keys;
  keys.reserve(members.size());
  for (const cp::GroupMember& member : members) keys.insert(key_of(member));
  for (auto member = plain_.begin(); member != plain_.end();) {
    const auto next = std::next(member);
    if (!keys.contains(member->second)) remove(member);
    member = next;
  }
  for (auto member = members_.begin(); member != members_.end();) {
    const auto next = std::next(member);
    if (!keys.contains(member->first)) remove(member);
    member = next;
  }
  for (const cp::GroupMember& member : members)
    if (!holds(key_of(member), member)) add(member);
}

void HeldAddressGroup::remove(const cp::GroupMember& member) { remove(key_of(member), member.ips); }

void HeldAddressGroup::remove_name(const std::string& name) { remove(key_of_name(name), {}); }

void HeldAddressGroup::remove(const Key& key, std::span<const IpAddress> ips) {
  if (const auto found = members_.find(key); found != members_.end()) return remove(found);
  if (ips.size() != 1) return;
  if (const auto found = plain_.find(ips.front()); found != plain_.end() && found->second == key)
    remove(found);
}

void HeldAddressGroup::remove(Plain::iterator member) {
  touch(member->first);
  plain_.erase(member);
  changed = true;
}

void HeldAddressGroup::remove(Members::iterator member) {
  for (const IpAddress& ip : member->second.ips) {
    touch(ip);
    if (const auto count = addresses_.find(ip); --count->second == 0) addresses_.erase(count);
  }
  members_.erase(member);
  changed = true;
}

}  // namespace antrea::policy
