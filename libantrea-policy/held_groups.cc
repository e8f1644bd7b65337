#include "held_groups.h"

#include <boost/unordered/unordered_flat_set.hpp>
#include <cstring>

#include "antrea/base/hash.h"

namespace antrea::policy {

HeldAddressGroup::Member::Member(std::span<const IpAddress> ips,
                                 std::span<const cp::NamedPort> ports) {
  if (ips.size() == 1 && ports.empty())
    ip_ = ips.front();
  else
    more_.reset(new More{{ips.begin(), ips.end()}, {ports.begin(), ports.end()}});
}

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
  add(key_of(member), member.ips, member.ports);
}
void HeldAddressGroup::remove(const cp::GroupMember& member) { remove(key_of(member)); }
void HeldAddressGroup::add_name(const std::string& name, const std::vector<IpAddress>& ips) {
  add(key_of_name(name), ips, {});
}
void HeldAddressGroup::remove_name(const std::string& name) { remove(key_of_name(name)); }

void HeldAddressGroup::replace(const std::vector<cp::GroupMember>& members) {
  // Who goes goes first, as two may share an address.
  boost::unordered_flat_set<Key, KeyHash> keys;
  keys.reserve(members.size());
  for (const cp::GroupMember& member : members) keys.insert(key_of(member));
  for (auto member = members_.begin(); member != members_.end();) {
    const auto next = std::next(member);
    if (!keys.contains(member->first)) remove(member);
    member = next;
  }
  for (const cp::GroupMember& member : members) {
    const Key key = key_of(member);
    const auto found = members_.find(key);
    if (found == members_.end() || !std::ranges::equal(found->second.ports(), member.ports))
      add(key, member.ips, member.ports);
  }
}

void HeldAddressGroup::add(const Key& key, std::span<const IpAddress> ips,
                           std::span<const cp::NamedPort> ports) {
  remove(key);
  for (const IpAddress& ip : ips) {
    touched_.try_emplace(ip, contains(ip));
    ++addresses_[ip];
  }
  members_.try_emplace(key, ips, ports);
  changed = true;
}

void HeldAddressGroup::remove(const Key& key) {
  if (const auto found = members_.find(key); found != members_.end()) remove(found);
}

void HeldAddressGroup::remove(Members::iterator member) {
  for (const IpAddress& ip : member->second.ips()) {
    touched_.try_emplace(ip, true);
    if (const auto count = addresses_.find(ip); --count->second == 0) addresses_.erase(count);
  }
  members_.erase(member);
  changed = true;
}

}  // namespace antrea::policy
