#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <unordered_map>
#include <vector>

#include "antrea/policy/traffic.h"

namespace antrea::policy {

/// A number for all traffic there is, piecewise constant over protocols, ports and source ports
/// (ICMP: types and codes). Canonical: two functions are equal exactly if they look alike.
class TrafficFunction {
 public:
  using Value = std::uint32_t;

  explicit TrafficFunction(Value everywhere = 0);
  /// 1 where one of the services matches, else 0. Services with names match as resolved by `ports`;
  /// an empty list is everything. IGMP matches nothing.
  static TrafficFunction region(std::span<const api::controlplane::Service> services,
                                std::span<const api::controlplane::NamedPort> ports);

  /// op(a, b) at every point.
  template <typename Operation>
  static TrafficFunction combine(const TrafficFunction& a, const TrafficFunction& b, Operation op);
  template <typename Operation>
  TrafficFunction map(Operation op) const {
    return combine(*this, *this, [&](Value v, Value) { return op(v); });
  }

  bool is_constant(Value value) const;
  /// The values that it has, ascending.
  std::vector<Value> values() const;
  /// Where it has this value; disjoint, in order.
  std::vector<TrafficRange> where(Value value) const;

  std::size_t hash() const;
  friend bool operator==(const TrafficFunction&, const TrafficFunction&) = default;

 private:
  struct Cell {  // source ports up to `last`
    std::uint16_t last;
    Value value;
    friend bool operator==(const Cell&, const Cell&) = default;
  };
  struct Column {  // ports up to `last`
    std::uint16_t last;
    std::uint32_t end;  // of its cells
    friend bool operator==(const Column&, const Column&) = default;
  };
  struct Plane {
    std::vector<Column> columns;
    std::vector<Cell> cells;
    void close_column(std::uint16_t last);
    std::size_t begin_of(std::size_t column) const {
      return column == 0 ? 0 : columns[column - 1].end;
    }
    friend bool operator==(const Plane&, const Plane&) = default;
  };
  static constexpr std::size_t kPlanes = 5;  // TCP, UDP, SCTP, ICMP, the others
  void paint(std::size_t plane, const TrafficRange& box);

  std::array<Plane, kPlanes> planes_;
};

template <typename Operation>
TrafficFunction TrafficFunction::combine(const TrafficFunction& a, const TrafficFunction& b,
                                         Operation op) {
  TrafficFunction result;
  for (std::size_t p = 0; p < kPlanes; ++p) {
    const Plane &x = a.planes_[p], &y = b.planes_[p];
    Plane& out = result.planes_[p];
    out.columns.clear();
    out.cells.clear();
    for (std::size_t i = 0, j = 0; i < x.columns.size() && j < y.columns.size();) {
      const std::size_t open = out.cells.size();
      for (std::size_t u = x.begin_of(i), v = y.begin_of(j);
           u < x.columns[i].end && v < y.columns[j].end;) {
        const Value value = op(x.cells[u].value, y.cells[v].value);
        const std::uint16_t last = std::min(x.cells[u].last, y.cells[v].last);
        if (out.cells.size() > open && out.cells.back().value == value)
          out.cells.back().last = last;
        else
          out.cells.push_back({last, value});
        const bool next_u = x.cells[u].last == last, next_v = y.cells[v].last == last;
        u += next_u ? 1 : 0;
        v += next_v ? 1 : 0;
      }
      const std::uint16_t last = std::min(x.columns[i].last, y.columns[j].last);
      out.close_column(last);
      const bool next_i = x.columns[i].last == last, next_j = y.columns[j].last == last;
      i += next_i ? 1 : 0;
      j += next_j ? 1 : 0;
    }
  }
  return result;
}

/// Keeps each function once.
class TrafficFunctions {
 public:
  using Id = std::uint32_t;
  Id intern(TrafficFunction function);
  const TrafficFunction& operator[](Id id) const { return *functions_[id]; }
  std::size_t size() const { return functions_.size(); }

 private:
  struct Hash {
    std::size_t operator()(const TrafficFunction& f) const { return f.hash(); }
  };
  std::unordered_map<TrafficFunction, Id, Hash> ids_;
  std::vector<const TrafficFunction*> functions_;
};

}  // namespace antrea::policy
