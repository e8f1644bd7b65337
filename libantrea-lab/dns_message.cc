#include <algorithm>
#include <cctype>

#include "antrea/base/bytes.h"
#include "antrea/lab/dns.h"

namespace antrea::lab {
namespace {

// RFC 1035, sections 3.2 and 4.1.1; AAAA is RFC 3596.
constexpr std::uint16_t kTypeA = 1;
constexpr std::uint16_t kTypeAaaa = 28;
constexpr std::uint16_t kClassIn = 1;
constexpr std::uint16_t kResponse = 0x8000;
constexpr std::uint16_t kOpcodeMask = 0x7800;
constexpr std::uint16_t kAuthoritative = 0x0400;
constexpr std::uint16_t kTruncated = 0x0200;
constexpr std::uint16_t kRecursionDesired = 0x0100;
constexpr std::uint16_t kRecursionAvailable = 0x0080;
constexpr std::uint16_t kNoError = 0;
constexpr std::uint16_t kFormatError = 1;
constexpr std::uint16_t kNameError = 3;
constexpr std::uint16_t kNotImplemented = 4;
constexpr std::uint16_t kNameOfQuestion = 0xc00c;  // a pointer to offset 12
constexpr std::uint32_t kTtl = 5;                  // seconds
constexpr std::size_t kMaxLabel = 63;
constexpr std::size_t kMaxName = 253;

struct Header {
  std::uint16_t id = 0;
  std::uint16_t flags = 0;
  std::uint16_t questions = 0;
  std::uint16_t answers = 0;
};

Header read_header(ByteReader& in) {
  Header header{.id = in.be16(), .flags = in.be16(), .questions = in.be16(), .answers = in.be16()};
  in.skip(4);
  return header;
}

void write_header(ByteWriter& out, const Header& header) {
  out.be16(header.id);
  out.be16(header.flags);
  out.be16(header.questions);
  out.be16(header.answers);
  out.be32(0);
}

/// A name without compression, in lower case. A question has no earlier name to point to.
std::optional<std::string> read_name(ByteReader& in) {
  std::string name;
  for (;;) {
    const std::uint8_t size = in.u8();
    if (in.failed() || size > kMaxLabel) return std::nullopt;
    if (size == 0) return name;
    if (!name.empty()) name += '.';
    for (std::byte b : in.take(size))
      name += static_cast<char>(std::tolower(std::to_integer<unsigned char>(b)));
    if (in.failed() || name.size() > kMaxName) return std::nullopt;
  }
}

void skip_name(ByteReader& in) {
  for (;;) {
    const std::uint8_t size = in.u8();
    if (in.failed() || size == 0) return;
    if (size >= 0xc0) return in.skip(1);
    in.skip(size);
  }
}

}  // namespace

std::optional<std::vector<std::byte>> answer_dns_query(std::span<const std::byte> query,
                                                       const DnsLookup& lookup,
                                                       std::size_t max_size) {
  ByteReader in(query);
  const Header asked = read_header(in);
  if (in.failed() || (asked.flags & kResponse) != 0) return std::nullopt;
  Header header{
      .id = asked.id,
      .flags = static_cast<std::uint16_t>(kResponse | kAuthoritative | kRecursionAvailable |
                                          (asked.flags & (kOpcodeMask | kRecursionDesired)))};
  std::vector<std::byte> bytes;
  ByteWriter out(bytes);
  if ((asked.flags & kOpcodeMask) != 0 || asked.questions != 1) {
    header.flags |= (asked.flags & kOpcodeMask) != 0 ? kNotImplemented : kFormatError;
    write_header(out, header);
    return bytes;
  }
  const std::size_t question = in.offset();
  const auto name = read_name(in);
  const std::uint16_t type = in.be16();
  const std::uint16_t dns_class = in.be16();
  if (!name || in.failed()) {
    header.flags |= kFormatError;
    write_header(out, header);
    return bytes;
  }
  const auto addresses = lookup(*name);
  std::vector<IpAddress> fitting;
  for (const auto& address : addresses) {
    if (dns_class == kClassIn && type == (address.is_v4() ? kTypeA : kTypeAaaa))
      fitting.push_back(address);
  }
  header.flags |= addresses.empty() ? kNameError : kNoError;
  header.questions = 1;
  write_header(out, header);
  out.bytes(query.subspan(question, in.offset() - question));
  std::uint16_t count = 0;
  for (const auto& address : fitting) {
    const auto data = address.bytes();
    if (out.size() + 12 + data.size() > max_size) {
      header.flags |= kTruncated;
      break;
    }
    out.be16(kNameOfQuestion);
    out.be16(type);
    out.be16(kClassIn);
    out.be32(kTtl);
    out.be16(static_cast<std::uint16_t>(data.size()));
    out.bytes(std::as_bytes(data));
    ++count;
  }
  out.patch_be16(2, header.flags);
  out.patch_be16(6, count);
  return bytes;
}

std::optional<std::vector<std::byte>> make_dns_query(const std::string& name, Family family,
                                                     std::uint16_t id) {
  if (name.empty() || name.size() > kMaxName) return std::nullopt;
  std::vector<std::byte> bytes;
  ByteWriter out(bytes);
  write_header(out, {.id = id, .flags = kRecursionDesired, .questions = 1});
  for (std::size_t at = 0; at <= name.size();) {
    const std::size_t dot = std::min(name.find('.', at), name.size());
    if (dot == at || dot - at > kMaxLabel) return std::nullopt;
    out.u8(static_cast<std::uint8_t>(dot - at));
    out.bytes(as_byte_span(std::string_view(name).substr(at, dot - at)));
    at = dot + 1;
  }
  out.u8(0);
  out.be16(family == Family::kIPv4 ? kTypeA : kTypeAaaa);
  out.be16(kClassIn);
  return bytes;
}

Result<std::vector<IpAddress>> read_dns_answer(std::span<const std::byte> answer,
                                               std::uint16_t id) {
  ByteReader in(answer);
  const Header header = read_header(in);
  if (in.failed() || header.id != id || (header.flags & kResponse) == 0)
    return make_error(Errc::kMalformed, "not the answer to our query");
  const unsigned code = header.flags & 0x0f;
  if (code == kNameError) return make_error(Errc::kNotFound, "no such name");
  if (code != kNoError)
    return make_error(Errc::kRejected, "the name server says code " + std::to_string(code));
  for (unsigned i = 0; i < header.questions; ++i) {
    skip_name(in);
    in.skip(4);
  }
  std::vector<IpAddress> out;
  for (unsigned i = 0; i < header.answers && !in.failed(); ++i) {
    skip_name(in);
    const std::uint16_t type = in.be16();
    in.skip(6);
    const auto data = in.take(in.be16());
    if (in.failed() || (type != kTypeA && type != kTypeAaaa)) continue;
    if (auto address = IpAddress::from_bytes(data)) out.push_back(*address);
  }
  if (in.failed()) return make_error(Errc::kMalformed, "the answer is cut short");
  return out;
}

}  // namespace antrea::lab
