// Whatever a peer sends to a probe, a responder or the name server.
#include <cstddef>
#include <cstdint>
#include <span>

#include "antrea/lab/dns.h"
#include "libantrea-lab/sctp.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  (void)antrea::lab::sctp::decode(bytes);
  (void)antrea::lab::read_dns_answer(bytes, 0x1ab).has_value();
  (void)antrea::lab::answer_dns_query(
      bytes,
      [](const std::string& name) {
        return std::vector<antrea::IpAddress>(name.size() % 50, antrea::IpAddress::v4(1));
      },
      512);
  return 0;
}
