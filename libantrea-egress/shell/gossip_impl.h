#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <map>

#include "antrea/base/asio.h"
#include "antrea/egress/gossip.h"
#include "gossip_wire.h"

namespace antrea::egress {

class Gossip::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(boost::asio::any_io_executor executor, GossipOptions options);

  Result<> start();
  void stop();
  boost::asio::awaitable<Result<std::size_t>> join(std::vector<GossipEndpoint> seeds);
  boost::asio::awaitable<void> leave(Duration limit);
  void keep_joining(std::vector<GossipEndpoint> seeds);
  void set_keys(Keyring keys);
  void set_returning(bool returning);

  GossipOptions options;
  EventHandler handler;
  Counters counters;
  std::optional<Membership> membership;
  std::optional<LivenessProbe> liveness;
  GossipEndpoint advertised;

 private:
  using Udp = boost::asio::ip::udp;
  using Tcp = boost::asio::ip::tcp;

  Result<> bind();
  MemberMeta meta() const {
    return {.liveness = options.liveness.has_value(), .returning = options.returning};
  }
  /// Passes on what the engines want done, until they want no more.
  void drain();
  void route(const MemberEvent& event, TimePoint now);
  void report(GossipEvent event);
  void send(const GossipPacket& packet);
  void receive_pending();
  void retry_seeds();

  boost::asio::awaitable<void> keep_time();
  boost::asio::awaitable<void> receive_packets();
  boost::asio::awaitable<void> accept_streams();
  boost::asio::awaitable<void> retry_seeds_forever();
  // gossip_stream.cc
  boost::asio::awaitable<void> serve(Stream stream, GossipEndpoint from);
  boost::asio::awaitable<void> make(StreamRequest request);
  boost::asio::awaitable<Result<Bytes>> exchange(const StreamRequest& request);
  boost::asio::awaitable<Result<Bytes>> read_message(Stream& stream, bool labelled);
  boost::asio::awaitable<void> answer(Stream& stream, const GossipEndpoint& from);
  void spawn(boost::asio::awaitable<void> work);

  boost::asio::any_io_executor executor_;
  GossipWire wire_;
  Udp::socket udp_;
  Tcp::acceptor acceptor_;
  boost::asio::steady_timer timer_;
  TimePoint armed_ = TimePoint::max();  ///< when the timer rings
  Signal changed_;  ///< a stream is done, or a good-bye has been said, or we stop
  std::map<std::uint32_t, std::optional<Result<>>> joins_;
  std::vector<GossipEndpoint> seeds_;
  std::deque<GossipEvent> events_;
  std::vector<std::byte> buffer_;
  unsigned streams_open_ = 0;
  bool stopped_ = false;
};

}  // namespace antrea::egress
