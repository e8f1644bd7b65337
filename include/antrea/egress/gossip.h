#pragma once

// Membership and liveness on real sockets.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "antrea/base/log.h"
#include "antrea/egress/keyring.h"
#include "antrea/egress/liveness_probe.h"
#include "antrea/egress/member_meta.h"
#include "antrea/egress/membership.h"

namespace antrea::egress {

struct GossipOptions {
  std::string name;                         ///< of this member, unique in the cluster
  GossipEndpoint bind{.port = 10351};       ///< UDP and TCP; port 0: any that is free for both
  std::optional<IpAddress> advertise = {};  ///< unless `bind` names the address others reach
  Keyring keys = {};
  bool verify_incoming = true;  ///< with keys: refuse what is not encrypted
  bool verify_outgoing = true;  ///< with keys: encrypt
  std::string label = {};       ///< at most 255 bytes; members with another one are strangers
  /// Timing and versions. Name, address, metadata and overhead are filled in.
  MembershipOptions membership = {};
  /// The fast path among members of ours; empty: none. The name is filled in.
  std::optional<LivenessOptions> liveness = LivenessOptions{};
  bool returning = false;  ///< as `set_returning`, from the start
  /// Those of `keep_joining` that are not members are tried so often; zero: once.
  Duration rejoin_interval = std::chrono::seconds(10);
  std::uint64_t seed = 0;  ///< 0: another one each time
  Logger log = null_logger();
};

struct GossipEvent {
  enum class Kind : std::uint8_t {
    kJoined,
    kUpdated,
    kFailed,
    kLeft,
    kOutvoted,     ///< others declared this very member dead: withdraw, then wait to be heard again
    kCutOff,       ///< this member hears nobody, or has been stopped: withdraw at once
    kReconnected,  ///< the end of kCutOff
  };
  Kind kind{};
  Member member;  ///< whom it is about; for the last three, this one
};
/// "joined", "updated", "failed", "left", "outvoted", "cut-off" or "reconnected".
ANTREA_API std::string_view to_string(GossipEvent::Kind kind);

/// One member of a gossip cluster. Everything happens on the executor it was given, which must be a
/// strand or belong to one thread; so do the calls.
class ANTREA_API Gossip {
 public:
  using EventHandler = std::function<void(const GossipEvent&)>;

  Gossip(boost::asio::any_io_executor executor, GossipOptions options);
  /// Stops without a word. Others will notice.
  ~Gossip();
  Gossip(const Gossip&) = delete;
  Gossip& operator=(const Gossip&) = delete;

  /// Called for each event, in order, never from inside a call of this object.
  void on_event(EventHandler handler);
  /// Binds and begins. Error: kInvalidArgument (no address to advertise, label too long),
  /// kAlreadyExists (port taken), kPermissionDenied, kIo.
  Result<> start();
  /// Where others reach this member; after `start`.
  GossipEndpoint endpoint() const;

  /// Exchanges members with each of `seeds`: how many answered. Error: that of the last, when none
  /// did.
  boost::asio::awaitable<Result<std::size_t>> join(std::vector<GossipEndpoint> seeds);
  /// From now on these are to be members: those that are not are tried now, and again each
  /// `rejoin_interval`. Replaces the list of the last call.
  void keep_joining(std::vector<GossipEndpoint> seeds);
  /// Says good-bye and stops; at most for `limit`.
  boost::asio::awaitable<void> leave(Duration limit = std::chrono::seconds(1));
  /// Stops without a word.
  void stop();

  /// Tells all whether this member has just come back (`MemberMeta::returning`).
  void set_returning(bool returning);
  /// Other keys from now on, on the same sockets.
  void set_keys(Keyring keys);

  std::vector<Member> members() const;
  /// The names of those that count, this one too: what a `Scheduler` asks for.
  std::set<std::string> alive() const;
  /// Of the others of those, the ones that say that they have just come back.
  std::set<std::string> returning() const;
  /// In order of names; empty without the fast path.
  std::vector<LivenessProbe::Session> sessions() const;
  bool cut_off() const;

  struct Counters {
    std::uint64_t packets_in = 0, packets_out = 0, bytes_in = 0, bytes_out = 0;
    std::uint64_t streams_in = 0, streams_out = 0;
    std::uint64_t refused = 0;  ///< wrong label, key or bytes
  };
  Counters counters() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace antrea::egress
