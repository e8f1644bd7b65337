#include "view_digest.h"

#include "antrea/base/bytes.h"
#include "antrea/base/hash.h"
#include "random.h"

namespace antrea::egress {

void ViewDigest::count(const Member& member, std::uint64_t& share, TimePoint now) {
  const auto before = share;
  // A suspect is there for all that is known; whatever else a member says of itself comes with a
  // new incarnation.
  share = member.counts() ? Random(stable_hash(member.name, member.incarnation)).next() : 0;
  if (share == before) return;
  sum_ += share - before;
  changed_ = now;
}

Bytes ViewDigest::payload(TimePoint now) const {
  Bytes bytes;
  if (stands(now)) ByteWriter(bytes).be64(sum_);
  return bytes;
}

bool ViewDigest::differs(std::span<const std::byte> payload, TimePoint now) const {
  ByteReader in(payload);
  const auto sum = in.be64();
  return !in.failed() && stands(now) && sum != sum_;
}

}  // namespace antrea::egress
