#pragma once

#include <array>
#include <string>
#include <string_view>

#include "antrea/base/bytes.h"
#include "antrea/egress/gossip_message.h"

// What memberlist v0.6.0 puts on the wire for these values, in hex.
namespace antrea::egress {

inline Bytes from_vector(std::string_view hex) { return *from_hex(hex); }

inline constexpr std::string_view kSuspectHex =
    "0383a446726f6da26e31ab496e6361726e6174696f6e01a44e6f6465a26e32";
inline constexpr GossipVersions kOriginalVersions{1, 5, 2, 0, 0, 0};

struct MessageVector {
  std::string_view name;
  std::string_view hex;
  gossip::Message value;
};

inline const auto& message_vectors() {
  static const std::array vectors{
      MessageVector{"PingWithSource",
                    "0085a44e6f6465a26e32a55365714e6f01aa536f7572636541646472a40a000001aa536f757263"
                    "654e6f6465a26e31aa536f75726365506f7274cd286f",
                    gossip::Ping{.sequence = 1,
                                 .node = "n2",
                                 .source_address = IpAddress::v4(0x0a000001),
                                 .source_port = 10351,
                                 .source_node = "n1"}},
      MessageVector{"PingBare", "0082a44e6f6465a26e32a55365714e6fcd012c",
                    gossip::Ping{.sequence = 300, .node = "n2"}},
      MessageVector{"Ack", "0282a75061796c6f6164c0a55365714e6f01", gossip::Ack{.sequence = 1}},
      MessageVector{"Nack", "0b81a55365714e6f07", gossip::Nack{.sequence = 7}},
      MessageVector{"Suspect", kSuspectHex,
                    gossip::Suspect{.incarnation = 1, .node = "n2", .from = "n1"}},
      MessageVector{"Dead", "0583a446726f6da26e31ab496e6361726e6174696f6e01a44e6f6465a26e32",
                    gossip::Dead{.incarnation = 1, .node = "n2", .from = "n1"}},
      MessageVector{"Alive",
                    "0486a441646472a40a000001ab496e6361726e6174696f6e01a44d657461c0a44e6f6465a26e31"
                    "a4506f7274cd286fa356736ea6010502000000",
                    gossip::Alive{.incarnation = 1,
                                  .node = "n1",
                                  .endpoint = {IpAddress::v4(0x0a000001), 10351},
                                  .versions = kOriginalVersions}},
      MessageVector{
          "PushPull",
          "0683a44a6f696ec3a54e6f64657301ac5573657253746174654c656e0087a441646472a40a0000"
          "01ab496e6361726e6174696f6e01a44d657461c0a44e616d65a26e31a4506f7274cd286fa5537461"
          "746500a356736ea6010502000000",
          gossip::PushPull{.join = true,
                           .nodes = {{.name = "n1",
                                      .endpoint = {IpAddress::v4(0x0a000001), 10351},
                                      .incarnation = 1,
                                      .state = MemberState::kAlive,
                                      .versions = kOriginalVersions}}}},
      MessageVector{"Error", "0d81a54572726f72a4626f6f6d", gossip::ErrorReply{"boom"}},
  };
  return vectors;
}

inline constexpr std::string_view kCompoundHeadHex = "07020011001f";
inline constexpr std::string_view kCrcHeadHex = "0cd7adfa84";
inline constexpr std::string_view kUserStreamHeadHex = "0881aa557365724d73674c656e05";

}  // namespace antrea::egress
