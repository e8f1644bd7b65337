#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace antrea::kube {

/// Seconds since 1970-01-01 UTC of an RFC 3339 time ("2026-11-21T10:37:26Z", a fraction is cut
/// off), if it is one.
std::optional<std::int64_t> parse_time(std::string_view text);

/// A span of seconds as `kubectl get` shows ages: "45s", "5m10s", "3h", "2d4h", "3y12d".
std::string human_duration(std::int64_t seconds);

}  // namespace antrea::kube
