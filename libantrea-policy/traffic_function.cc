#include "traffic_function.h"

#include <fmt/format.h>

#include <algorithm>

#include "antrea/base/sorted.h"
#include "rule_text.h"

namespace antrea::policy {

namespace cp = api::controlplane;

namespace {

constexpr std::array kProtocols{cp::ServiceProtocol::kTcp, cp::ServiceProtocol::kUdp,
                                cp::ServiceProtocol::kSctp, cp::ServiceProtocol::kIcmp};
constexpr std::size_t kIcmpPlane = 3, kOtherPlane = 4;

/// The highest port, or ICMP type, or 0 where there is none.
constexpr std::uint16_t bound_of(std::size_t plane) {
  return plane < kIcmpPlane ? 65535 : plane == kIcmpPlane ? 255 : 0;
}

std::uint16_t clamp(std::int32_t number, std::uint16_t bound) {
  return static_cast<std::uint16_t>(std::clamp<std::int32_t>(number, 0, bound));
}

std::string range(std::uint16_t first, std::uint16_t last) {
  return first == last ? fmt::format("{}", first) : fmt::format("{}-{}", first, last);
}

}  // namespace

void TrafficFunction::Plane::close_column(std::uint16_t last) {
  const std::size_t open = columns.empty() ? 0 : columns.back().end;
  if (!columns.empty()) {
    const std::size_t before = begin_of(columns.size() - 1);
    if (std::equal(cells.begin() + static_cast<std::ptrdiff_t>(before),
                   cells.begin() + static_cast<std::ptrdiff_t>(open),
                   cells.begin() + static_cast<std::ptrdiff_t>(open), cells.end())) {
      cells.resize(open);
      columns.back().last = last;
      return;
    }
  }
  columns.push_back({last, static_cast<std::uint32_t>(cells.size())});
}

TrafficFunction::TrafficFunction(Value everywhere) {
  for (std::size_t p = 0; p < kPlanes; ++p)
    planes_[p] = {{{bound_of(p), 1}}, {{bound_of(p), everywhere}}};
}

void TrafficFunction::paint(std::size_t plane, const TrafficRange& box) {
  if (box.first_port > box.last_port || box.first_source_port > box.last_source_port) return;
  TrafficFunction painted;
  Plane& to = painted.planes_[plane];
  const std::uint16_t bound = bound_of(plane);
  to = {};
  if (box.first_port > 0) {
    to.cells.push_back({bound, 0});
    to.close_column(static_cast<std::uint16_t>(box.first_port - 1));
  }
  if (box.first_source_port > 0)
    to.cells.push_back({static_cast<std::uint16_t>(box.first_source_port - 1), 0});
  to.cells.push_back({box.last_source_port, 1});
  if (box.last_source_port < bound) to.cells.push_back({bound, 0});
  to.close_column(box.last_port);
  if (box.last_port < bound) {
    to.cells.push_back({bound, 0});
    to.close_column(bound);
  }
  *this = combine(*this, painted, [](Value a, Value b) { return a | b; });
}

TrafficFunction TrafficFunction::region(std::span<const cp::Service> services,
                                        std::span<const cp::NamedPort> ports) {
  if (services.empty()) return TrafficFunction(1);
  TrafficFunction result(0);
  for (const cp::Service& service : resolve(services, ports)) {
    const auto protocol = service.protocol.value_or(cp::ServiceProtocol::kTcp);
    const auto* const at = std::ranges::find(kProtocols, protocol);
    if (at == kProtocols.end()) continue;
    const auto plane = static_cast<std::size_t>(at - kProtocols.begin());
    const std::uint16_t bound = bound_of(plane);
    TrafficRange box{protocol, 0, bound, 0, bound};
    const auto narrow = [&](std::optional<std::int32_t> first, std::optional<std::int32_t> last,
                            std::uint16_t& low, std::uint16_t& high) {
      if (!first) return;
      if (*first > bound) {  // matches nothing
        low = 1;
        high = 0;
        return;
      }
      low = clamp(*first, bound);
      high = clamp(last.value_or(*first), bound);
    };
    if (protocol == cp::ServiceProtocol::kIcmp) {
      narrow(service.icmp_type, {}, box.first_port, box.last_port);
      narrow(service.icmp_code, {}, box.first_source_port, box.last_source_port);
    } else {
      if (service.port)
        narrow(service.port->number, service.end_port, box.first_port, box.last_port);
      narrow(service.src_port, service.src_end_port, box.first_source_port, box.last_source_port);
    }
    result.paint(plane, box);
  }
  return result;
}

bool TrafficFunction::is_constant(Value value) const {
  return std::ranges::all_of(planes_, [&](const Plane& plane) {
    return plane.cells.size() == 1 && plane.cells.front().value == value;
  });
}

std::vector<TrafficFunction::Value> TrafficFunction::values() const {
  std::vector<Value> values;
  for (const Plane& plane : planes_)
    for (const Cell& cell : plane.cells) values.push_back(cell.value);
  sort_unique(values);
  return values;
}

std::vector<TrafficRange> TrafficFunction::where(Value value) const {
  std::vector<TrafficRange> ranges;
  for (std::size_t p = 0; p < kPlanes; ++p) {
    const Plane& plane = planes_[p];
    std::uint16_t first_port = 0;
    for (std::size_t i = 0; i < plane.columns.size(); ++i) {
      std::uint16_t first_source = 0;
      for (std::size_t c = plane.begin_of(i); c < plane.columns[i].end; ++c) {
        const Cell& cell = plane.cells[c];
        if (cell.value == value) {
          TrafficRange box{{}, first_port, plane.columns[i].last, first_source, cell.last};
          if (p < kOtherPlane) box.protocol = kProtocols[p];
          ranges.push_back(box);
        }
        first_source = static_cast<std::uint16_t>(cell.last + 1);
      }
      first_port = static_cast<std::uint16_t>(plane.columns[i].last + 1);
    }
  }
  return ranges;
}

std::size_t TrafficFunction::hash() const {
  std::size_t hash = 0;
  const auto mix = [&](std::size_t value) {
    hash = (hash ^ value) * 0x9e3779b97f4a7c15ULL;
    hash ^= hash >> 32;
  };
  for (const Plane& plane : planes_) {
    for (const Column& column : plane.columns)
      mix(static_cast<std::size_t>(column.last) << 32 | column.end);
    for (const Cell& cell : plane.cells)
      mix(static_cast<std::size_t>(cell.last) << 32 | cell.value);
  }
  return hash;
}

TrafficFunctions::Id TrafficFunctions::intern(TrafficFunction function) {
  const auto [at, added] =
      ids_.try_emplace(std::move(function), static_cast<Id>(functions_.size()));
  if (added) functions_.push_back(&at->first);
  return at->second;
}

std::string TrafficRange::to_string() const {
  if (!protocol) return "other protocols";
  std::string text(protocol_name(*protocol));
  const bool icmp = protocol == cp::ServiceProtocol::kIcmp;
  const std::uint16_t bound = icmp ? 255 : 65535;
  if (first_port > 0 || last_port < bound)
    text += (icmp ? "/type=" : "/") + range(first_port, last_port);
  if (first_source_port > 0 || last_source_port < bound)
    text += (icmp ? "/code=" : "/src=") + range(first_source_port, last_source_port);
  return text;
}

std::string to_string(std::span<const TrafficRange> traffic) {
  std::string text;
  std::size_t whole = 0;
  for (const TrafficRange& range : traffic) {
    const std::string one = range.to_string();
    whole += one.find('/') == std::string::npos ? 1 : 0;
    text += (text.empty() ? "" : ", ") + one;
  }
  return whole == 5 && traffic.size() == 5 ? "everything" : text;
}

}  // namespace antrea::policy
