#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "antrea/base/export.h"
#include "antrea/base/ip.h"
#include "antrea/lab/namespace.h"

namespace antrea::lab {

enum class Protocol : std::uint8_t { kTcp, kUdp, kSctp };

/// "TCP", "UDP", "SCTP", as Kubernetes writes them.
ANTREA_API std::string_view to_string(Protocol protocol);
/// Error: kInvalidArgument. Upper or lower case.
ANTREA_API Result<Protocol> parse_protocol(std::string_view text);

/// What became of a probe.
enum class Outcome : std::uint8_t {
  kAllowed,   ///< the other end answered, and said who it is
  kDropped,   ///< nothing came back, in any attempt
  kRejected,  ///< a RST, an SCTP ABORT or an ICMP unreachable came back
  kError,     ///< could not be told; `reason` says why
};

/// "allowed", "dropped", "rejected", "error".
ANTREA_API std::string_view to_string(Outcome outcome);

struct ProbeRequest {
  const NetNamespace* from = nullptr;  ///< where it is sent; must outlive the call
  IpAddress address;
  std::uint16_t port = 0;
  Protocol protocol = Protocol::kTcp;
  std::string question = "probe\n";  ///< what is said to the other end (TCP, UDP)
  bool any_answer = false;           ///< count any byte as an answer, not only a whole line
};

struct ProbeResult {
  Outcome outcome = Outcome::kError;
  std::string
      reason;  ///< how it was told: "RST", "ICMP port unreachable from 10.0.0.1", "no route"
  std::string answer;                    ///< the line that a lab's responder sent; see Responder
  unsigned attempts = 0;                 ///< how many it took
  std::chrono::microseconds elapsed{0};  ///< of the attempt that decided
};

struct ProberOptions {
  std::chrono::milliseconds timeout{600};  ///< of one attempt
  unsigned attempts = 3;                   ///< before silence counts as dropped
  unsigned concurrency = 64;               ///< probes under way at once
};

/// Sends all the probes and waits for what becomes of them; results in the order of the requests.
///
/// TCP: connects, sends a line, wants a line. UDP: sends a line, wants one. SCTP: sends an INIT
/// from a raw socket (no SCTP in the kernel needed), wants an INIT-ACK. An attempt that meets
/// silence is repeated; any answer decides.
ANTREA_API std::vector<ProbeResult> probe(std::span<const ProbeRequest> requests,
                                          const ProberOptions& options = {});

}  // namespace antrea::lab
