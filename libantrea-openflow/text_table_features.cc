#include <array>
#include <bitset>

#include "field_table.h"
#include "text_internal.h"
#include "wire.h"

// What tables can do, in the words of ovs-ofctl dump-table-features: properties as one reads them,
// and "ditto" for tables that can do the same as the one before.
namespace antrea::openflow::detail {
namespace {

/// Sets of fields. Bit n is the n-th field in the order of Open vSwitch's own numbers.
using Fields = std::bitset<kFieldCount>;
using Tables = std::bitset<255>;

struct TypeName {
  unsigned type;  ///< in OpenFlow
  std::string_view name;
};
/// In the order in which they are printed.
constexpr TypeName kActionNames[] = {{0, "output"},      {22, "group"},        {25, "set_field"},
                                     {18, "strip_vlan"}, {17, "push_vlan"},    {23, "mod_nw_ttl"},
                                     {24, "dec_ttl"},    {15, "set_mpls_ttl"}, {16, "dec_mpls_ttl"},
                                     {19, "push_mpls"},  {20, "pop_mpls"},     {21, "set_queue"}};
constexpr TypeName kInstructionNames[] = {{6, "meter"},          {4, "apply_actions"},
                                          {5, "clear_actions"},  {3, "write_actions"},
                                          {2, "write_metadata"}, {1, "goto_table"}};

template <std::size_t kCount>
std::uint32_t known_types(std::uint32_t types, const TypeName (&names)[kCount]) {
  std::uint32_t known = 0;
  for (const TypeName& name : names) known |= types & 1U << name.type;
  return known;
}
template <std::size_t kCount>
void print_names(std::string& out, std::uint32_t types, const TypeName (&names)[kCount]) {
  bool first = true;
  for (const TypeName& name : names) {
    if ((types & 1U << name.type) == 0) continue;
    if (!first) out += ' ';
    first = false;
    out += name.name;
  }
}

struct ActionFeatures {
  std::uint32_t actions = 0;
  Fields set_fields;
  bool empty() const { return actions == 0 && set_fields.none(); }
  friend bool operator==(const ActionFeatures&, const ActionFeatures&) = default;
};
struct InstructionFeatures {
  Tables next;
  std::uint32_t instructions = 0;
  ActionFeatures write, apply;
  bool empty() const { return next.none() && instructions == 0 && write.empty() && apply.empty(); }
};
/// The properties of a table, read.
struct Features {
  const TableFeatures* table = nullptr;
  InstructionFeatures hit, miss;
  Fields match, mask, wildcard;
};

std::uint32_t pull_types(In in) {
  std::uint32_t types = 0;
  while (in.remaining() >= 4) {
    const std::uint16_t type = in.be16();
    const std::uint16_t length = in.be16();
    if (type < 32) types |= 1U << type;
    in.skip(length > 4 ? std::min<std::size_t>(length - 4U, in.remaining()) : 0);
  }
  return types;
}

Tables pull_tables(In in) {
  Tables tables;
  while (!in.empty())
    if (const std::uint8_t table = in.u8(); table < tables.size()) tables.set(table);
  return tables;
}

/// The fields of OXM headers; those with the mask bit in `masked`.
void pull_fields(In in, Fields& exact, Fields& masked) {
  while (in.remaining() >= 4) {
    const std::uint32_t header = in.be32();
    OxmType type{static_cast<std::uint16_t>(header >> 16),
                 static_cast<std::uint8_t>(header >> 9 & 0x7f), 0};
    if (type.oxm_class == 0xffff) type.experimenter = in.be32();
    if (const auto id = field_by_oxm(type); id && !in.failed())
      ((header & 0x100) != 0 ? masked : exact).set(own_place(*id));
  }
}
Fields pull_fields(In in) {
  Fields fields;
  pull_fields(in, fields, fields);
  return fields;
}

/// Property types, for hits; those for misses are one more.
enum : std::uint16_t {
  kInstructions = 0,
  kNextTables = 2,
  kWriteActions = 4,
  kApplyActions = 6,
  kMatch = 8,
  kWildcards = 10,
  kWriteSetField = 12,
  kApplySetField = 14,
};

Features read(const TableFeatures& table) {
  Features features;
  features.table = &table;
  std::uint32_t seen = 0;
  In in(table.properties);
  while (in.remaining() >= 4) {
    const std::uint16_t type = in.be16();
    const std::uint16_t length = in.be16();
    if (length < 4) break;
    const In body = in.sub(std::min<std::size_t>(length - 4U, in.remaining()));
    in.skip(std::min(pad8(length) - length, in.remaining()));
    if (type < 32) seen |= 1U << type;
    InstructionFeatures& part = (type & 1) != 0 ? features.miss : features.hit;
    switch (type & ~1) {
      case kInstructions:
        part.instructions = known_types(pull_types(body), kInstructionNames);
        break;
      case kNextTables:
        part.next = pull_tables(body);
        break;
      case kWriteActions:
        part.write.actions = known_types(pull_types(body), kActionNames);
        break;
      case kApplyActions:
        part.apply.actions = known_types(pull_types(body), kActionNames);
        break;
      case kMatch:
        if (type == kMatch) pull_fields(body, features.match, features.mask);
        break;
      case kWildcards:
        if (type == kWildcards) features.wildcard = pull_fields(body);
        break;
      case kWriteSetField:
        part.write.set_fields = pull_fields(body);
        break;
      case kApplySetField:
        part.apply.set_fields = pull_fields(body);
        break;
      default:
        break;
    }
  }
  if (!table.properties.empty()) {
    const auto said = [&](std::uint16_t type) { return (seen & 2U << type) != 0; };
    InstructionFeatures& miss = features.miss;
    const InstructionFeatures& hit = features.hit;
    if (!said(kInstructions)) miss.instructions = hit.instructions;
    if (!said(kNextTables)) miss.next = hit.next;
    if (!said(kWriteActions)) miss.write.actions = hit.write.actions;
    if (!said(kApplyActions)) miss.apply.actions = hit.apply.actions;
    if (!said(kWriteSetField)) miss.write.set_fields = hit.write.set_fields;
    if (!said(kApplySetField)) miss.apply.set_fields = hit.apply.set_fields;
  }
  // What can be masked can be matched and left out; what is left out can be matched.
  features.match |= features.mask;
  features.wildcard = (features.wildcard | features.mask) & features.match;
  return features;
}

/// A table cannot lead to itself: that the second of two neighbours lacks itself is no difference.
bool same_next(const Tables& a, unsigned a_table, const Tables& b, unsigned b_table) {
  if (a_table == b_table + 1) return same_next(b, b_table, a, a_table);
  if (b_table == a_table + 1 && b_table < a.size() && a.test(b_table) && !b.test(b_table))
    return Tables(a).reset(b_table) == b;
  return a == b;
}
bool same(const InstructionFeatures& a, unsigned a_table, const InstructionFeatures& b,
          unsigned b_table) {
  return same_next(a.next, a_table, b.next, b_table) && a.instructions == b.instructions &&
         a.write == b.write && a.apply == b.apply;
}
bool same(const Features& a, const Features& b) {
  constexpr std::uint32_t kShown = kTableEviction | kTableVacancyEvents;
  const TableFeatures& x = *a.table;
  const TableFeatures& y = *b.table;
  return x.metadata_match == y.metadata_match && x.metadata_write == y.metadata_write &&
         (x.capabilities & kShown) == (y.capabilities & kShown) && x.max_entries == y.max_entries &&
         same(a.hit, x.table.value, b.hit, y.table.value) &&
         same(a.miss, x.table.value, b.miss, y.table.value) && a.match == b.match;
}

/// Names with runs drawn together: "reg0...reg15", "tun_{src,dst}".
class NameRuns {
 public:
  NameRuns(std::string& out, const Fields& fields) : out_(out) {
    for (std::size_t i = 0; i < fields.size(); ++i)
      if (fields.test(i)) names_[count_++] = info(field_at_own_place(i)).name;
  }
  void print_all() {
    if (count_ == 0) return;
    out_ += ' ';
    print_some(std::span(names_).first(count_), 0);
  }

 private:
  using Names = std::span<const std::string_view>;

  void print_some(Names names, std::size_t prefix) {
    for (bool first = true; !names.empty(); first = false) {
      if (!first) out_ += prefix != 0 ? ',' : ' ';
      std::size_t shared = 0;
      const std::size_t by_prefix = prefix_run(names, prefix, shared);
      const std::size_t by_number = number_run(names);
      const std::size_t run = std::max(by_prefix, by_number);
      if (by_number >= by_prefix) {
        out_ += names[0].substr(prefix);
        if (run > 1) {
          out_ += "...";
          out_ += names[run - 1].substr(prefix);
        }
      } else {
        out_ += names[0].substr(prefix, shared);
        out_ += '{';
        print_some(names.first(run), prefix + shared);
        out_ += '}';
      }
      names = names.subspan(run);
    }
  }
  /// How far two names agree, up to and with their last common underscore.
  static std::size_t common(std::string_view a, std::string_view b) {
    std::size_t length = 0;
    for (std::size_t i = 0; i < a.size() && i < b.size() && a[i] == b[i]; ++i)
      if (a[i] == '_') length = i + 1;
    return length;
  }
  static std::size_t prefix_run(Names names, std::size_t prefix, std::size_t& shared) {
    if (names.size() < 2) return names.size();
    shared = common(names[0].substr(prefix), names[1].substr(prefix));
    if (shared == 0) return 1;
    std::size_t run = 2;
    for (; run < names.size(); ++run) {
      const std::size_t next = common(names[0].substr(prefix), names[run].substr(prefix));
      if (next == 0) break;
      shared = std::min(shared, next);
    }
    return run;
  }
  /// Names that differ in the number at their end, each one more than the one before. Two are no
  /// run.
  static std::size_t number_run(Names names) {
    std::size_t run = 1;
    while (run < names.size() && sequential(names[run - 1], names[run])) ++run;
    return run == 2 ? 1 : run;
  }
  static bool sequential(std::string_view a, std::string_view b) {
    const auto split = [](std::string_view name) {
      std::size_t at = name.size();
      while (at > 0 && name[at - 1] >= '0' && name[at - 1] <= '9') --at;
      return at;
    };
    const auto number = [](std::string_view digits) {
      unsigned value = 0;
      for (const char digit : digits) value = 10 * value + static_cast<unsigned>(digit - '0');
      return value;
    };
    const std::size_t at = split(a);
    return at < a.size() && at == split(b) && at < b.size() && a.substr(0, at) == b.substr(0, at) &&
           number(b.substr(at)) == number(a.substr(at)) + 1;
  }

  std::string& out_;
  std::array<std::string_view, kFieldCount> names_;
  std::size_t count_ = 0;
};

void print_fields(std::string& out, std::string_view label, const Fields& fields) {
  if (fields.none()) return;
  out += label;
  NameRuns(out, fields).print_all();
  out += '\n';
}

void print_action_features(std::string& out, const ActionFeatures& features) {
  if (features.actions != 0) {
    out += "        actions: ";
    print_names(out, features.actions, kActionNames);
    out += '\n';
  }
  print_fields(out, "        supported on Set-Field:", features.set_fields);
}

void print_next_tables(std::string& out, const Tables& next) {
  if (next.none()) return;
  out += "      next tables: ";
  bool first = true;
  for (std::size_t start = 0; start < next.size(); ++start) {
    if (!next.test(start)) continue;
    std::size_t end = start + 1;
    while (end < next.size() && next.test(end)) ++end;
    if (!first) out += ',';
    first = false;
    print(out, "{}", start);
    if (end > start + 1) print(out, "-{}", end - 1);
    start = end;
  }
  out += '\n';
}

void print_instruction_features(std::string& out, const InstructionFeatures& features,
                                const InstructionFeatures* previous) {
  print_next_tables(out, features.next);
  if (features.instructions != 0) {
    if (previous != nullptr && features.instructions == previous->instructions) {
      out += "      (same instructions)\n";
    } else {
      out += "      instructions: ";
      print_names(out, features.instructions, kInstructionNames);
      out += '\n';
    }
  }
  if (previous != nullptr && features.write == previous->write &&
      features.apply == previous->apply && features.write.set_fields.any()) {
    out += "      (same actions)\n";
  } else if (features.write != features.apply) {
    out += "      Write-Actions features:\n";
    print_action_features(out, features.write);
    out += "      Apply-Actions features:\n";
    print_action_features(out, features.apply);
  } else if (!features.write.empty()) {
    out += "      Write-Actions and Apply-Actions features:\n";
    print_action_features(out, features.write);
  }
}

void print_instruction_parts(std::string& out, const Features& features, const Features* previous) {
  const unsigned table = features.table->table.value;
  const InstructionFeatures* hit = nullptr;
  const InstructionFeatures* miss = nullptr;
  if (previous != nullptr) {
    hit = &previous->hit;
    miss = &previous->miss;
    const unsigned previous_table = previous->table->table.value;
    if (same(features.hit, table, *hit, previous_table) &&
        same(features.miss, table, *miss, previous_table)) {
      if (!features.hit.empty()) out += "    (same instructions)\n";
      return;
    }
  }
  if (!same(features.hit, table, features.miss, table)) {
    out += "    instructions (other than table miss):\n";
    print_instruction_features(out, features.hit, hit);
    out += "    instructions (table miss):\n";
    print_instruction_features(out, features.miss, miss);
  } else if (!features.hit.empty()) {
    out += "    instructions (table miss and others):\n";
    print_instruction_features(out, features.hit, hit);
  }
}

void print_matching(std::string& out, const Features& features, const Features* previous) {
  if (features.match.none()) return;
  if (previous != nullptr && features.match == previous->match) {
    out += "    (same matching)\n";
    return;
  }
  out += "    matching:\n";
  const Fields& match = features.match;
  print_fields(out, "      arbitrary mask:", match & features.mask & features.wildcard);
  print_fields(out, "      exact match or wildcard:", match & ~features.mask & features.wildcard);
  print_fields(out, "      must exact match:", match & ~features.mask & ~features.wildcard);
}

}  // namespace

void print_action_names(std::string& out, std::uint32_t types) {
  types = known_types(types, kActionNames);
  if (types == 0)
    out += "<none>";
  else
    print_names(out, types, kActionNames);
}

void print_table_features(std::string& out, std::span<const TableFeatures> tables) {
  constexpr std::string_view kCommands[] = {"replace", "modify", "enable", "disable"};
  if (!tables.empty() && tables[0].command != TableFeatures::Command::kReplace)
    print(out, "\n  command: {}", kCommands[static_cast<std::size_t>(tables[0].command) & 3]);
  std::optional<Features> previous;
  Dittos dittos;
  for (const TableFeatures& table : tables) {
    const Features features = read(table);
    const bool ditto = previous && same(features, *previous);
    const Features* before = previous ? &*previous : nullptr;
    if (ditto && table.name.empty()) {
      dittos.add(table.table.value);
      previous = features;
      continue;
    }
    dittos.finish(out);
    print(out, "\n  table {}", table.table.value);
    if (!table.name.empty()) print(out, " (\"{}\")", table.name);
    out += ':';
    if (ditto) {
      out += " ditto";
      previous = features;
      continue;
    }
    out += '\n';
    if (table.metadata_match != 0 || table.metadata_write != 0) {
      out += "    metadata: match=";
      print_hex(out, table.metadata_match);
      out += " write=";
      print_hex(out, table.metadata_write);
      out += '\n';
    }
    const auto supported = [&](std::string_view what, std::uint32_t bit) {
      print(out, "    {}: {}supported\n", what, (table.capabilities & bit) != 0 ? "" : "not ");
    };
    supported("eviction", kTableEviction);
    supported("vacancy events", kTableVacancyEvents);
    if (table.max_entries != 0) print(out, "    max_entries={}\n", table.max_entries);
    print_instruction_parts(out, features, before);
    print_matching(out, features, before);
    previous = features;
  }
  dittos.finish(out);
}

}  // namespace antrea::openflow::detail
