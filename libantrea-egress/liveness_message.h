#pragma once

#include <optional>
#include <span>
#include <string>
#include <variant>

#include "antrea/egress/gossip_message.h"

// What members of ours say to each other beside gossip, inside user messages:
//
//   3 bytes  "AL1"
//   1 byte   kind: 1 hello, 2 question, 3 answer
//   1 byte   length of the sender's name, then the name
//
//   hello     be32 epoch, be32 sequence, be32 echo epoch, be32 echo sequence, be16 interval in ms,
//             be16 detection in ms, flags (1: I hear you, 2: answer at once, 4: I watch you)
//   question  be32 number, length and name of whom it is about
//   answer    be32 number of the question, length and name, 1 if heard, else 0
//
// What follows the known fields is ignored, so that later versions can add some.
namespace antrea::egress::liveness {

struct Hello {
  std::string from;
  std::uint32_t epoch = 0;          ///< of the session: sequences of another one do not compare
  std::uint32_t sequence = 0;       ///< counts up per session
  std::uint32_t echo_epoch = 0;     ///< of the last hello that came from the receiver, 0 for none
  std::uint32_t echo_sequence = 0;  ///< likewise
  std::uint16_t interval_ms = 0;    ///< until the next one
  std::uint16_t detection_ms = 0;   ///< silence after which the sender doubts the receiver
  bool hears_you = false;
  bool answer_at_once = false;
  bool watches_you = false;  ///< and wants to be told, too
  friend bool operator==(const Hello&, const Hello&) = default;
};
struct Question {
  std::string from;
  std::uint32_t number = 0;
  std::string about;
  friend bool operator==(const Question&, const Question&) = default;
};
struct Answer {
  std::string from;
  std::uint32_t number = 0;
  std::string about;
  bool heard = false;
  friend bool operator==(const Answer&, const Answer&) = default;
};
using Message = std::variant<Hello, Question, Answer>;

/// Names are cut to 255 bytes.
Bytes encode(const Message& message);
/// Empty: not one of these messages, or cut off.
std::optional<Message> decode(std::span<const std::byte> body);

}  // namespace antrea::egress::liveness
