#pragma once

#include <cstddef>

#include "msgpack.h"

// What decoder and stream meter both read.
namespace antrea::egress::gossip {

struct PushPullHeader {
  bool join = false;
  std::size_t nodes = 0;            ///< at most kMaxPushNodes
  std::size_t user_state_size = 0;  ///< at most kMaxUserState
};
PushPullHeader read_push_pull_header(MsgpackReader& in);
/// How many bytes of a user message follow in a stream.
std::size_t read_user_header(MsgpackReader& in);

}  // namespace antrea::egress::gossip
