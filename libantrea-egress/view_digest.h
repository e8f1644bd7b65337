#pragma once

#include <cstdint>
#include <span>

#include "antrea/egress/membership.h"

namespace antrea::egress {

/// A sum over all that a member knows of those who count: two members whose sums are equal know the
/// same. Gossip reaches all most of the time; who missed something finds it out by this.
///
/// Eight bytes of it go with the acknowledgement of a ping, as memberlist's payload, among members
/// that say that they are of our make. What has just changed is still being told, so only sums that
/// have stood for a second are compared.
class ViewDigest {
 public:
  /// `share` is what the member adds to the sum now; zero for a new one.
  void count(const Member& member, std::uint64_t& share, TimePoint now);
  /// Empty while things change.
  Bytes payload(TimePoint now) const;
  /// Whether the other one, whose payload this is, knows something else than we.
  bool differs(std::span<const std::byte> payload, TimePoint now) const;

 private:
  bool stands(TimePoint now) const { return now - changed_ >= std::chrono::seconds(1); }

  std::uint64_t sum_ = 0;
  TimePoint changed_{};
};

}  // namespace antrea::egress
