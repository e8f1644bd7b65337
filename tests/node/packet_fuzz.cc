// Any bytes may come as a packet: what is read of them stays inside, and an answer is a packet that
// is not answered again.
#include <cstdlib>
#include <span>

#include "antrea/node/packet.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace antrea;
  const auto packet = node::PacketView::of(std::as_bytes(std::span(data, size)));
  if (!packet) return 0;
  const auto answer = node::make_rejection(*packet, packet->eth_dst, packet->eth_src);
  if (!answer) return 0;
  const auto again = node::PacketView::of(*answer);
  if (!again || again->src != packet->dst || again->dst != packet->src) std::abort();
  if (node::make_rejection(*again, again->eth_dst, again->eth_src)) std::abort();
  return 0;
}
