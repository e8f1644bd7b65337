#include "facts.h"

namespace antrea::openflow::detail {

bool PacketFacts::ct_valid() const {
  using namespace openflow::ct_state;
  if ((ct_state & (kNew | kEst | kRel | kRpl | kSnat | kDnat)) != 0) return true;
  return (ct_state & kTrk) != 0 && (ct_state_mask & kInv) != 0 && (ct_state & kInv) == 0;
}

bool PacketFacts::met_rarely(Prerequisite prerequisite) const {
  namespace ether = openflow::eth_type;
  namespace proto = openflow::ip_proto;
  const auto transport = [&](std::uint8_t wanted) {
    return ip() && ip_proto == wanted && !later_fragment;
  };
  const bool icmpv6 = type() == ether::kIpv6 && ip_proto == proto::kIcmpv6;
  const auto nd = [&](std::uint8_t first, std::uint8_t last) {
    return icmpv6 && icmp_code == 0 && icmp_type >= first && icmp_type <= last;
  };
  constexpr std::uint8_t kSolicit = 135, kAdvert = 136;
  switch (prerequisite) {
    case Prerequisite::kVlan:
      return ethernet() && vlan;
    case Prerequisite::kMpls:
      return mpls();
    case Prerequisite::kIpv6:
      return type() == ether::kIpv6;
    case Prerequisite::kArp:
      return type() == ether::kArp || type() == ether::kRarp;
    case Prerequisite::kNsh:
      return type() == ether::kNsh;
    case Prerequisite::kTcp:
      return transport(proto::kTcp);
    case Prerequisite::kUdp:
      return transport(proto::kUdp);
    case Prerequisite::kSctp:
      return transport(proto::kSctp);
    case Prerequisite::kIcmpv4:
      return type() == ether::kIpv4 && ip_proto == proto::kIcmp;
    case Prerequisite::kIcmpv6:
      return icmpv6;
    case Prerequisite::kNd:
      return nd(kSolicit, kAdvert);
    case Prerequisite::kNdSolicit:
      return nd(kSolicit, kSolicit);
    case Prerequisite::kNdAdvert:
      return nd(kAdvert, kAdvert);
    case Prerequisite::kCt:
      return ct_valid();
    default:  // looked at before
      return false;
  }
}

}  // namespace antrea::openflow::detail
