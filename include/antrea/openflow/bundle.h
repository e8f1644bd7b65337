#pragma once

#include <utility>
#include <vector>

#include "antrea/openflow/connection.h"
#include "antrea/openflow/switch_state.h"

namespace antrea::openflow {

/// What became of a plan that was sent.
struct Outcome {
  enum class Kind : std::uint8_t {
    kDone,     ///< all of it is in the switch, but for what is `refused` of the part behind the
               ///< bundle
    kRefused,  ///< nothing of the bundle is
    kLost,     ///< nobody knows: read back
  };
  Kind kind = Kind::kDone;
  Error error;  ///< unless done
  std::vector<std::pair<PlannedMessage, OfError>> refused;
  /// Refused, but something outside of the bundle may have been taken.
  bool partial = false;
};

/// "delete group 7: the switch refused it: OFPT_..."
ANTREA_API Error refusal_error(const PlannedMessage& message, const OfError& error);

/// Sends a plan, which must live as long: what comes before the bundle, the bundle (atomic,
/// ordered, discarded when a message of it is refused as it is added), what comes behind it. The
/// deletion of a meter that is not there is no refusal. `bundle` is an id that the session does not
/// use.
ANTREA_API boost::asio::awaitable<Outcome> send_plan(Connection& connection, const Plan& plan,
                                                     std::uint32_t bundle, TimePoint deadline);

}  // namespace antrea::openflow
