#include "antrea/egress/member_meta.h"

#include <algorithm>
#include <string>
#include <string_view>

namespace antrea::egress {
namespace {

constexpr std::string_view kLiveness = "antrea-liveness/1", kReturning = "returning";

}  // namespace

Bytes MemberMeta::encode() const {
  std::string text(liveness ? kLiveness : "");
  if (returning) text += (text.empty() ? "" : " ") + std::string(kReturning);
  const auto bytes = as_byte_span(text);
  return {bytes.begin(), bytes.end()};
}

MemberMeta MemberMeta::decode(std::span<const std::byte> meta) {
  MemberMeta out;
  std::string_view rest(reinterpret_cast<const char*>(meta.data()), meta.size());
  while (!rest.empty()) {
    const auto end = std::min(rest.find(' '), rest.size());
    const auto word = rest.substr(0, end);
    out.liveness |= word == kLiveness;
    out.returning |= word == kReturning;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return out;
}

}  // namespace antrea::egress
