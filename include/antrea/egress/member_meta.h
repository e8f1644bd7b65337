#pragma once

#include <span>

#include "antrea/egress/gossip_message.h"

namespace antrea::egress {

/// What a member of ours says about itself in its metadata: words between blanks. Members of the
/// original say nothing; words that are not known are passed over.
struct MemberMeta {
  bool liveness = false;  ///< "antrea-liveness/1": speaks the fast path
  /// "returning": it has just come, or come back; what others may have, it is not given yet.
  bool returning = false;

  ANTREA_API Bytes encode() const;
  ANTREA_API static MemberMeta decode(std::span<const std::byte> meta);
  friend bool operator==(const MemberMeta&, const MemberMeta&) = default;
};

}  // namespace antrea::egress
