#include "text_internal.h"

// Descriptions and statistics of tables.
namespace antrea::openflow::detail {
namespace {

constexpr FlagName kEvictionFlags[] = {{"OTHER", 1}, {"IMPORTANCE", 2}, {"LIFETIME", 4}};

std::string_view on_off(bool on) { return on ? "on" : "off"; }

void print_table_desc(std::string& out, const TableDesc& desc) {
  print(out, "\n  table {}:\n   eviction={} eviction_flags=", desc.table.value,
        on_off((desc.config & kTableEviction) != 0));
  if (desc.eviction && *desc.eviction != 0xffffffff)
    print_bits(out, *desc.eviction, kEvictionFlags, '|');
  else
    out += "(default)";
  const bool vacancy = (desc.config & kTableVacancyEvents) != 0;
  print(out, "\n   vacancy={}", on_off(vacancy));
  if (vacancy) {
    const TableDesc::Vacancy shown = desc.vacancy.value_or(TableDesc::Vacancy{});
    print(out, " vacancy_down={}% vacancy_up={}% vacancy={}%", shown.down, shown.up, shown.current);
  }
  out += '\n';
}

}  // namespace

void print_body(std::string& out, const TableMod& mod) {
  const TableDesc& desc = mod.desc;
  if (desc.table == kAllTables)
    out += " table_id: ALL_TABLES";
  else
    print(out, " table_id={}", desc.table.value);
  // ovs-ofctl takes the flags for the setting: 0 is none, 1 on, 2 off.
  const std::uint32_t eviction = desc.eviction                         ? *desc.eviction
                                 : (desc.config & kTableEviction) != 0 ? 1
                                                                       : 2;
  if (eviction != 0)
    print(out, ", eviction={}", eviction > 2 ? "***error***" : on_off(eviction == 1));
  const bool vacancy = (desc.config & kTableVacancyEvents) != 0;
  print(out, ", vacancy={}", on_off(vacancy));
  if (vacancy) {
    const TableDesc::Vacancy shown = desc.vacancy.value_or(TableDesc::Vacancy{});
    print(out, " vacancy:{},{}", shown.down, shown.up);
  }
}

void print_body(std::string& out, const TableStatus& status) {
  if (status.reason == 3) out += " reason=VACANCY_DOWN";
  if (status.reason == 4) out += " reason=VACANCY_UP";
  out += "\ntable_desc:-";
  print_table_desc(out, status.desc);
}

void print_body(std::string& out, const TableDescReply& reply) {
  for (const TableDesc& desc : reply.tables) print_table_desc(out, desc);
}

void Dittos::add(std::uint8_t table) {
  if (first_ < 0) first_ = table;
  last_ = table;
}

void Dittos::finish(std::string& out) {
  if (first_ < 0) return;
  if (first_ == last_)
    print(out, "\n  table {}: ditto\n", first_);
  else
    print(out, "\n  tables {}...{}: ditto\n", first_, last_);
  first_ = -1;
}

void print_body(std::string& out, const TableStatsReply& reply) {
  const TableStats* previous = nullptr;
  Dittos dittos;
  for (const TableStats& stats : reply.tables) {
    const bool same = previous != nullptr && stats.active == previous->active &&
                      stats.lookups == previous->lookups && stats.matched == previous->matched;
    previous = &stats;
    if (same) {
      dittos.add(stats.table.value);
      continue;
    }
    dittos.finish(out);
    print(out, "\n  table {}:\n    active={}, lookup={}, matched={}\n", stats.table.value,
          stats.active, stats.lookups, stats.matched);
  }
  dittos.finish(out);
}

}  // namespace antrea::openflow::detail
