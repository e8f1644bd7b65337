// Any bytes as packets, streams and liveness messages to a member that has neighbours: no fault,
// and it goes on to answer.
#include <cstdlib>

#include "antrea/egress/liveness_probe.h"
#include "antrea/egress/membership.h"

using namespace antrea;
using namespace antrea::egress;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const GossipEndpoint from{IpAddress::v4(0x0a000002), 10351};
  TimePoint now{std::chrono::hours(1)};
  MembershipOptions options;
  options.name = "me";
  options.advertise = {IpAddress::v4(0x0a000001), 10351};
  Membership membership(options, 1);
  membership.start(now);
  LivenessProbe liveness({.name = "me"}, 1);
  liveness.start(now);
  for (const char* name : {"n1", "n2", "n3"}) {
    membership.received(from, gossip::encode(gossip::Alive{1, name, from, {}, {1, 5, 2}}), now);
    liveness.member_alive(name, from, now);
  }
  // Each message is introduced by its length, and by what it arrives as.
  for (ByteReader in(bytes); in.remaining() > 2;) {
    const auto kind = in.u8();
    const auto part = in.take(std::min<std::size_t>(in.u8(), in.remaining()));
    now += std::chrono::milliseconds(kind);
    if (kind % 4 == 0) {
      membership.received(from, part, now);
    } else if (kind % 4 == 1) {
      (void)membership.stream_received(from, part, now);
    } else if (kind % 4 == 2) {
      (void)liveness.received(part, now);
    } else {
      (void)membership.stream_done(kind, Bytes(part.begin(), part.end()), now);
    }
    if (membership.next_deadline() <= now) membership.tick(now);
    if (liveness.next_deadline() <= now) liveness.tick(now);
    (void)liveness.take();
    for (const auto& packet : membership.take().packets)
      if (!gossip::unwrap_packet(packet.bytes)) std::abort();
  }
  membership.received(from, gossip::encode(gossip::Ping{.sequence = 77, .node = "me"}), now);
  if (membership.take().packets.empty()) std::abort();
  return 0;
}
