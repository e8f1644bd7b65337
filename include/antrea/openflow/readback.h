#pragma once

#include <map>

#include "antrea/openflow/connection.h"
#include "antrea/openflow/switch_state.h"

namespace antrea::openflow {

/// A shell: reads what a switch holds and has a `SwitchState` compare it.
///
/// Open vSwitch writes the description of a group into one entry, whose 16-bit length wraps beyond
/// 64 KiB: the stream behind it is lost. So groups are counted first (their statistics tell the
/// number of buckets), those with many buckets are asked for one by one, and only where the desired
/// group with as many buckets is known to fit. Of the others only the number of buckets is
/// compared, and whether this session has written them. A group that costs two sessions is one of
/// them from then on.
class ANTREA_API Readback {
 public:
  Readback(Connection& connection, SwitchState& state) : connection_(connection), state_(state) {}

  /// Another session: nobody knows any longer what the switch has of large groups.
  void begin_session() { written_.clear(); }
  /// The switch has acknowledged this plan.
  void acknowledged(const Plan& plan);
  /// From what the switch holds to what is desired. Reads nothing that the state does not mind.
  /// Errors: those of `Connection::multipart`.
  boost::asio::awaitable<Result<Delta>> run(TimePoint deadline);

 private:
  boost::asio::awaitable<Result<>> read_groups(TimePoint deadline);
  boost::asio::awaitable<Result<>> read_group(GroupId id, std::size_t buckets, TimePoint deadline);
  boost::asio::awaitable<Result<>> read_tlv_maps(TimePoint deadline);

  Connection& connection_;
  SwitchState& state_;
  std::map<GroupId, GroupPtr> written_;  ///< large groups, acknowledged in this session
  std::map<GroupId, int> failures_;      ///< how often the session ended while a group was read
  bool one_by_one_ = false;              ///< it ended while all were
};

}  // namespace antrea::openflow
