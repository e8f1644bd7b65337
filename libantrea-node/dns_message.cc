#include "antrea/node/dns_message.h"

#include <algorithm>
#include <map>

#include "antrea/base/bytes.h"

namespace antrea::node {
namespace {

constexpr std::uint16_t kTypeA = 1, kTypeCname = 5, kTypeAaaa = 28, kClassIn = 1;
constexpr std::uint16_t kResponse = 0x8000, kOpcode = 0x7800, kTruncated = 0x0200,
                        kRecursionDesired = 0x0100;
constexpr std::size_t kHeaderSize = 12, kMaxLabel = 63, kMaxName = 253;
/// Each pointer leads backwards; more than this many labels and pointers no name has.
constexpr int kMaxSteps = 256;

/// A letter in lower case; 0: not of a name that counts.
char letter(std::byte byte) {
  const char c = std::to_integer<char>(byte);
  if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
  const bool usual = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  return usual ? c : '\0';
}

/// A name and where it ends are told apart: `in` stands behind the name afterwards, also behind one
/// that does not count, which comes out empty. A pointer may only lead to what is before it.
std::string read_name(std::span<const std::byte> message, ByteReader& in) {
  std::string name;
  bool counts = true;
  ByteReader at = in;
  std::size_t start = in.offset();  // in the message, of the labels that are read
  bool jumped = false;
  for (int step = 0; step < kMaxSteps; ++step) {
    const std::uint8_t size = at.u8();
    if (at.failed() || (size > kMaxLabel && size < 0xc0)) break;
    if (size >= 0xc0) {
      const std::size_t target = static_cast<std::size_t>(size & 0x3f) << 8 | at.u8();
      if (at.failed() || target >= start || target < kHeaderSize) break;
      if (!std::exchange(jumped, true)) in = at;
      start = target;
      at = ByteReader(message);
      at.skip(target);
      continue;
    }
    if (size == 0) {
      if (!jumped) in = at;
      return counts ? name : std::string();
    }
    if (!name.empty()) name += '.';
    for (const std::byte byte : at.take(size)) {
      const char c = letter(byte);
      counts = counts && c != '\0';
      name += c;
    }
    if (name.size() > kMaxName) break;
  }
  in.skip(in.remaining() + 1);  // fails
  return {};
}

struct Record {
  std::string name;
  std::uint16_t type = 0;
  std::uint32_t ttl = 0;
  std::optional<IpAddress> address;
  std::string target;  // of an alias
};

/// Nothing at the end of the bytes, or where they make no sense any more.
std::optional<Record> read_record(std::span<const std::byte> message, ByteReader& in) {
  Record record;
  record.name = read_name(message, in);
  record.type = in.be16();
  const std::uint16_t record_class = in.be16();
  record.ttl = in.be32();
  const std::size_t size = in.be16();
  ByteReader target = in;
  const auto data = in.take(size);
  if (in.failed()) return {};
  if (record.ttl > 0x7fffffff) record.ttl = 0;  // RFC 2181, section 8
  if (record_class != kClassIn) return record;
  const bool address =
      (record.type == kTypeA && size == 4) || (record.type == kTypeAaaa && size == 16);
  if (address) record.address = *IpAddress::from_bytes(data);
  if (record.type == kTypeCname) record.target = read_name(message, target);
  return record;
}

}  // namespace

Result<DnsAnswer> decode_dns_answer(std::span<const std::byte> message) {
  constexpr const char* kDoing = "read a DNS answer";
  ByteReader in(message);
  DnsAnswer answer;
  answer.id = in.be16();
  const std::uint16_t flags = in.be16();
  const unsigned questions = in.be16();
  const unsigned answers = in.be16();
  in.skip(4);
  if (in.failed() || (flags & kResponse) == 0)
    return make_error(Errc::kMalformed, kDoing, {}, "an answer");
  if ((flags & kOpcode) != 0 || questions != 1)
    return make_error(Errc::kUnsupported, kDoing, {}, "a QUERY with one question");
  answer.name = read_name(message, in);
  in.skip(4);
  if (in.failed()) return make_error(Errc::kMalformed, kDoing, {}, "a whole question");
  answer.truncated = (flags & kTruncated) != 0;

  std::vector<Record> records;
  for (unsigned i = 0; i < answers; ++i) {
    auto record = read_record(message, in);
    if (!record) {
      answer.truncated = true;
      break;
    }
    if (!record->name.empty() && (record->address || !record->target.empty()))
      records.push_back(*std::move(record));
  }
  if (answer.name.empty()) return answer;
  // The names that stand for the one asked for, each with the least TTL on the way to it. Servers
  // write the chain in order; what is out of order is not followed.
  std::map<std::string, std::uint32_t> aliases{{answer.name, 0xffffffff}};
  for (const Record& record : records) {
    const auto alias = aliases.find(record.name);
    if (alias == aliases.end()) continue;
    const std::uint32_t ttl = std::min(alias->second, record.ttl);
    if (record.address)
      answer.addresses.push_back({*record.address, ttl});
    else
      aliases.emplace(record.target, ttl);
  }
  return answer;
}

Result<std::vector<std::byte>> make_dns_query(const std::string& name, Family family,
                                              std::uint16_t id) {
  std::vector<std::byte> query;
  ByteWriter out(query);
  out.be16(id);
  out.be16(kRecursionDesired);
  out.be16(1);
  out.zeros(6);
  for (std::size_t at = 0; at <= name.size();) {
    const std::size_t dot = std::min(name.find('.', at), name.size());
    if (dot == at || dot - at > kMaxLabel || name.size() > kMaxName)
      return make_error(Errc::kInvalidArgument, "ask for a DNS name", name, "a DNS name");
    out.u8(static_cast<std::uint8_t>(dot - at));
    out.bytes(as_byte_span(std::string_view(name).substr(at, dot - at)));
    at = dot + 1;
  }
  out.u8(0);
  out.be16(family == Family::kIPv4 ? kTypeA : kTypeAaaa);
  out.be16(kClassIn);
  return query;
}

}  // namespace antrea::node
