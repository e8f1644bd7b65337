#include "time.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>

namespace antrea::kube {
namespace {

constexpr std::int64_t kMinute = 60, kHour = 60 * kMinute, kDay = 24 * kHour, kYear = 365 * kDay;

/// Exactly `size` digits at `at`, followed by `next` unless that is 0.
std::optional<int> digits(std::string_view text, std::size_t at, std::size_t size, char next) {
  if (text.size() < at + size ||
      (next != 0 && (text.size() == at + size || text[at + size] != next)))
    return {};
  int value = 0;
  for (const char c : text.substr(at, size)) {
    if (c < '0' || c > '9') return {};
    value = value * 10 + (c - '0');
  }
  return value;
}

/// "5m10s": the larger unit, and the smaller one unless it is zero.
std::string two_units(std::int64_t seconds, std::int64_t unit, char name, std::int64_t rest_unit,
                      char rest_name) {
  const auto rest = seconds % unit / rest_unit;
  auto text = fmt::format("{}{}", seconds / unit, name);
  return rest == 0 ? text : text + fmt::format("{}{}", rest, rest_name);
}

}  // namespace

std::optional<std::int64_t> parse_time(std::string_view text) {
  using namespace std::chrono;
  const auto y = digits(text, 0, 4, '-'), mon = digits(text, 5, 2, '-'),
             d = digits(text, 8, 2, 'T');
  const auto h = digits(text, 11, 2, ':'), min = digits(text, 14, 2, ':'),
             s = digits(text, 17, 2, 0);
  if (!y || !mon || !d || !h || !min || !s || *h > 23 || *min > 59 || *s > 60) return {};
  const year_month_day date{year{*y}, month{static_cast<unsigned>(*mon)},
                            day{static_cast<unsigned>(*d)}};
  if (!date.ok()) return {};
  std::size_t at = 19;
  if (at < text.size() && text[at] == '.') {
    do ++at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9');
  }
  std::int64_t offset = 0;
  const auto zone = text.substr(at);
  if (zone.size() == 6 && (zone[0] == '+' || zone[0] == '-')) {
    const auto hours = digits(zone, 1, 2, ':'), minutes = digits(zone, 4, 2, 0);
    if (!hours || !minutes) return {};
    offset = (*hours * kHour + *minutes * kMinute) * (zone[0] == '-' ? -1 : 1);
  } else if (zone != "Z") {
    return {};
  }
  return sys_days{date}.time_since_epoch().count() * kDay + *h * kHour + *min * kMinute + *s -
         offset;
}

std::string human_duration(std::int64_t seconds) {
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < 2 * kMinute) return fmt::format("{}s", seconds);
  if (seconds < 10 * kMinute) return two_units(seconds, kMinute, 'm', 1, 's');
  if (seconds < 3 * kHour) return fmt::format("{}m", seconds / kMinute);
  if (seconds < 8 * kHour) return two_units(seconds, kHour, 'h', kMinute, 'm');
  if (seconds < 2 * kDay) return fmt::format("{}h", seconds / kHour);
  if (seconds < 8 * kDay) return two_units(seconds, kDay, 'd', kHour, 'h');
  if (seconds < 2 * kYear) return fmt::format("{}d", seconds / kDay);
  if (seconds < 8 * kYear) return two_units(seconds, kYear, 'y', kDay, 'd');
  return fmt::format("{}y", seconds / kYear);
}

}  // namespace antrea::kube
