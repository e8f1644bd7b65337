#include <algorithm>

#include "field_table.h"
#include "text_internal.h"

// Groups and meters.
namespace antrea::openflow {
namespace detail {
namespace {

void print_bucket_id(std::string& out, std::uint32_t id) {
  if (id == kBucketFirst)
    out += "first";
  else if (id == kBucketLast)
    out += "last";
  else if (id == kBucketAll)
    out += "all";
  else
    print(out, "{}", id);
}

/// The weight that is implied (1 in select groups, else 0) is not shown.
void print_bucket(std::string& out, const Bucket& bucket, bool select) {
  out += "bucket=bucket_id:";
  print_bucket_id(out, bucket.id);
  const std::uint16_t implied = select ? 1 : 0;
  const std::uint16_t weight = bucket.weight.value_or(implied);
  if (weight != implied) print(out, ",weight:{}", weight);
  if (bucket.watch_port && *bucket.watch_port != kPortAny) {
    out += ",watch_port:";
    print_port(out, bucket.watch_port->value);
  }
  if (bucket.watch_group && *bucket.watch_group != kAnyGroup)
    print(out, ",watch_group:{}", bucket.watch_group->value);
  out += ",actions=";
  print_actions(out, bucket.actions);
}

void print_selection(std::string& out, const SelectionMethod& selection) {
  if (selection.method.empty()) return;
  print(out, ",selection_method={}", selection.method);
  if (selection.param != 0) print(out, ",selection_method_param={}", selection.param);
  if (selection.fields.empty()) return;
  const bool one = selection.fields.size() == 1;
  out += one ? ",fields=" : ",fields(";
  auto fields = selection.fields;
  std::ranges::stable_sort(fields, {}, [](const auto& field) { return own_place(field.field); });
  bool first = true;
  for (const auto& field : fields) {
    if (!first) out += ',';
    first = false;
    const FieldInfo& row = info(field.field);
    out += row.name;
    const FieldValue all = FieldValue::ones(row.bits);
    if (all.within(field.mask)) continue;
    out += '=';
    print_value(out, row.id, {field.mask, all}, true);
  }
  if (!one) out += ')';
}

void print_group_rest(std::string& out, const Group& group) {
  if (group.selection) print_selection(out, *group.selection);
  out += ',';
  for (const Bucket& bucket : group.buckets) {
    print_bucket(out, bucket, group.type == GroupType::kSelect);
    out += ',';
  }
  while (out.back() == ',') out.pop_back();
}

/// Without the blank in front.
void print_group_mod(std::string& out, const GroupMod& mod) {
  const Group& group = mod.group;
  std::string_view word;
  bool buckets = false;
  switch (mod.command) {
    case GroupCommand::kAdd:
      word = "ADD";
      break;
    case GroupCommand::kModify:
      word = "MOD";
      break;
    case GroupCommand::kDelete:
      word = "DEL";
      break;
    case GroupCommand::kAddOrModify:
      word = "ADD_OR_MOD";
      break;
    case GroupCommand::kInsertBucket:
      word = "INSERT_BUCKET";
      buckets = true;
      break;
    case GroupCommand::kRemoveBucket:
      word = "REMOVE_BUCKET";
      buckets = true;
      break;
  }
  out += word;
  out += ' ';
  if (!buckets) return print_group(out, group);
  out += "command_bucket_id:";
  print_bucket_id(out, mod.command_bucket);
  print(out, ",group_id={}", group.id.value);
  print_group_rest(out, group);
}

constexpr FlagName kMeterFlags[] = {{"kbps", 1}, {"pktps", 2}, {"burst", 4}, {"stats", 8}};
constexpr FlagName kBandTypes[] = {{"drop", 1U << 1}, {"dscp_remark", 1U << 2}};
constexpr std::string_view kMeterCommands[] = {"ADD", "MOD", "DEL"};

}  // namespace

void print_group_id(std::string& out, GroupId group) {
  if (group == kAllGroups)
    out += "ALL";
  else if (group == kAnyGroup)
    out += "ANY";
  else
    print(out, "{}", group.value);
}

void print_group(std::string& out, const Group& group) {
  const auto type = static_cast<std::size_t>(group.type);
  print(out, "group_id={},type={}", group.id.value,
        type < std::size(kGroupTypes) ? kGroupTypes[type] : "unknown");
  print_group_rest(out, group);
}

void print_body(std::string& out, const GroupMod& mod) {
  out += "\n ";
  print_group_mod(out, mod);
}

void print_body(std::string& out, const GroupDescReply& reply) {
  for (const Group& group : reply.groups) {
    out += "\n ";
    print_group(out, group);
  }
}

void print_body(std::string& out, const GroupStatsReply& reply) {
  constexpr std::uint64_t kUnknown = ~std::uint64_t{0};
  for (const GroupStats& group : reply.groups) {
    print(out, "\n group_id={},", group.group.value);
    if (group.duration.seconds != 0xffffffff) {
      out += "duration=";
      print_duration(out, group.duration);
      out += ',';
    }
    print(out, "ref_count={},packet_count={},byte_count={}", group.ref_count, group.total.packets,
          group.total.bytes);
    for (std::size_t i = 0; i < group.buckets.size(); ++i)
      if (group.buckets[i].packets != kUnknown)
        print(out, ",bucket{}:packet_count={},byte_count={}", i, group.buckets[i].packets,
              group.buckets[i].bytes);
  }
}

void print_body(std::string& out, const GroupFeaturesReply& reply) {
  constexpr std::string_view kTypes[] = {"all", "select", "indirect", "fast failover"};
  print(out, "\n Group table:\n    Types:  0x{:x}\n    Capabilities:  0x{:x}\n", reply.types,
        reply.capabilities);
  for (unsigned i = 0; i < std::size(kTypes); ++i) {
    if ((reply.types & 1U << i) == 0) continue;
    print(out, "    {} group:\n       max_groups=", kTypes[i]);
    print_hex(out, reply.max_groups[i]);
    out += "\n       actions: ";
    print_action_names(out, reply.actions[i]);
    out += '\n';
  }
}

void print_meter_id(std::string& out, MeterId meter, char separator) {
  print(out, "meter{}", separator);
  if (meter.value <= 0xffff0000)
    print(out, "{}", meter.value);
  else if (meter == kMeterSlowpath)
    out += "slowpath";
  else if (meter == kMeterController)
    out += "controller";
  else
    out += meter == kAllMeters ? "all" : "unknown";
}

void print_meter(std::string& out, const Meter& meter) {
  print_meter_id(out, meter.id, '=');
  out += ' ';
  std::uint32_t unknown = meter.flags;
  for (const FlagName& flag : kMeterFlags) {
    if ((meter.flags & flag.bit) != 0) print(out, "{} ", flag.name);
    unknown &= ~flag.bit;
  }
  if (unknown != 0) print(out, "flags:0x{:x} ", unknown);
  out += "bands=";
  for (const Band& band : meter.bands) {
    const bool remark = band.type == Band::Type::kDscpRemark;
    print(out, "\ntype={} rate={}", remark ? "dscp_remark" : "drop", band.rate);
    if ((meter.flags & meter_flags::kBurst) != 0) print(out, " burst_size={}", band.burst);
    if (remark) print(out, " prec_level={}", band.precedence);
  }
}

void print_body(std::string& out, const MeterMod& mod) {
  print(out, " {} ", kMeterCommands[static_cast<std::size_t>(mod.command)]);
  print_meter(out, mod.meter);
  out += '\n';
}

void print_body(std::string& out, const MeterConfigReply& reply) {
  for (const Meter& meter : reply.meters) {
    out += '\n';
    print_meter(out, meter);
    out += '\n';
  }
}

void print_body(std::string& out, const MeterStatsReply& reply) {
  for (const MeterStats& meter : reply.meters) {
    out += '\n';
    print_meter_id(out, meter.meter, ':');
    print(out, " flow_count:{} packet_in_count:{} byte_in_count:{} duration:", meter.flow_count,
          meter.in.packets, meter.in.bytes);
    print_duration(out, meter.duration);
    out += " bands:\n";
    for (std::size_t i = 0; i < meter.bands.size(); ++i)
      print(out, "{}: packet_count:{} byte_count:{}\n", i, meter.bands[i].packets,
            meter.bands[i].bytes);
  }
}

void print_body(std::string& out, const MeterFeaturesReply& reply) {
  print(out, "\nmax_meter:{} max_bands:{} max_color:{}\nband_types: ", reply.max_meters,
        reply.max_bands, reply.max_color);
  print_bits(out, reply.band_types, kBandTypes, ' ');
  out += "\ncapabilities: ";
  print_bits(out, reply.capabilities, kMeterFlags, ' ');
  out += '\n';
}

}  // namespace detail

std::string to_string(const Group& group) {
  std::string text;
  detail::print_group(text, group);
  return text;
}

std::string to_string(const GroupMod& mod) {
  std::string text;
  detail::print_group_mod(text, mod);
  return text;
}

std::string to_string(const Meter& meter) {
  std::string text;
  detail::print_meter(text, meter);
  return text;
}

std::string to_string(const MeterMod& mod) {
  return std::string(detail::kMeterCommands[static_cast<std::size_t>(mod.command)]) + " " +
         to_string(mod.meter);
}

}  // namespace antrea::openflow
