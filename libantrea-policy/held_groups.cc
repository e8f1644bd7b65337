#include "held_groups.h"

#include <algorithm>
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

HeldAddressGroup::Token HeldAddressGroup::token_of(const Key& key) {
  Token token;
  std::memcpy(token.data(), key.data(), token.size());
  return token;
}

bool HeldAddressGroup::contained(const IpAddress& ip) const {
  const auto found = touched_.find(ip);
  return found == touched_.end() ? contains(ip) : found->second;
}

void HeldAddressGroup::add(const cp::GroupMember& member) {
  const Key key = key_of(member);
  remove(key, member.ips);
  changed = true;
  const auto is_plain = [&](const IpAddress& ip) { return plain_.contains(ip); };
  if (!member.ports.empty() || std::ranges::any_of(member.ips, is_plain))
    return add_member(key, member.ips, member.ports);
  for (const IpAddress& ip : member.ips) {
    touch(ip);
    plain_.insert(ip, token_of(key));
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

bool HeldAddressGroup::holds_plain(const Key& key, std::span<const IpAddress> ips) const {
  return std::ranges::all_of(ips, [&](const IpAddress& ip) {
    const Token* const owner = plain_.find(ip);
    return owner != nullptr && *owner == token_of(key);
  });
}

bool HeldAddressGroup::holds(const Key& key, const cp::GroupMember& member) const {
  if (const auto found = members_.find(key); found != members_.end())
    return found->second.ports == member.ports;
  return member.ports.empty() && holds_plain(key, member.ips);
}

void HeldAddressGroup::replace(const std::vector<cp::GroupMember>& members) {
  // Who goes goes first, as two may share an address. Of these, one may go and come again.
  boost::unordered_flat_set<Key, KeyHash> keys;
  AddressMap<Key> owners;
  keys.reserve(members.size());
  for (const cp::GroupMember& member : members) {
    const Key key = key_of(member);
    keys.insert(key);
    for (const IpAddress& ip : member.ips) owners.insert(ip, key);
  }
  std::vector<IpAddress> gone;
  plain_.for_each([&](const IpAddress& ip, const Token& token) {
    const Key* const owner = owners.find(ip);
    if (owner == nullptr || token_of(*owner) != token) gone.push_back(ip);
  });
  for (const IpAddress& ip : gone) remove_plain(ip);
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
  for (const IpAddress& ip : ips)
    if (holds_plain(key, {&ip, 1})) remove_plain(ip);
}

void HeldAddressGroup::remove_plain(const IpAddress& ip) {
  touch(ip);
  plain_.erase(ip);
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
