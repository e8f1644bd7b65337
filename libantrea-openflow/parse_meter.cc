#include "parse_flow.h"

// Meters of flow syntax, ovs-ofctl(8), "Meter Syntax".
namespace antrea::openflow::detail {
namespace {

constexpr std::string_view kNameEnd = "=, \t\r\n";

bool read_flag(std::string_view name, Meter& meter) {
  constexpr std::pair<std::string_view, std::uint16_t> kFlags[] = {{"kbps", meter_flags::kKbps},
                                                                   {"pktps", meter_flags::kPktps},
                                                                   {"burst", meter_flags::kBurst},
                                                                   {"stats", meter_flags::kStats}};
  for (const auto& [flag, bit] : kFlags) {
    if (name != flag) continue;
    meter.flags = static_cast<std::uint16_t>(meter.flags | bit);
    return true;
  }
  return false;
}

bool read_id(Source& source, std::string_view value, MeterId& id) {
  constexpr std::pair<std::string_view, MeterId> kIds[] = {
      {"all", kAllMeters}, {"controller", kMeterController}, {"slowpath", kMeterSlowpath}};
  for (const auto& [name, number] : kIds) {
    if (value != name) continue;
    id = number;
    return true;
  }
  if (!read_u32(source, value, "meter ID", id.value)) return false;
  return (id.value != 0 && id.value <= 0xffff0000) ||
         source.fail(value, "meter ID must be 1 to 0xffff0000");
}

bool read_bands(Source& source, std::string_view text, Meter& meter) {
  std::string_view rest = text;
  std::string_view name;
  while (next_token(rest, kNameEnd, name)) {
    std::string_view value;
    if (!next_token(rest, kSeparators, value)) return source.fail(name, "expected a value");
    if (name == "type") {
      if (value != "drop" && value != "dscp_remark")
        return source.fail(value, "expected drop or dscp_remark");
      meter.bands.emplace_back().type =
          value == "drop" ? Band::Type::kDrop : Band::Type::kDscpRemark;
      continue;
    }
    if (meter.bands.empty()) return source.fail(name, "a band starts with type");
    Band& band = meter.bands.back();
    bool good = true;
    if (name == "rate")
      good = read_u32(source, value, "rate", band.rate);
    else if (name == "burst_size")
      good = read_u32(source, value, "burst size", band.burst);
    else if (name == "prec_level")
      good = read_u8(source, value, "precedence level", band.precedence);
    else
      good = source.fail(name, "unknown keyword " + quoted(name));
    if (!good) return false;
  }
  return true;
}

bool check_bands(Source& source, std::string_view text, const Meter& meter) {
  if (meter.bands.empty()) return source.fail(text, "a meter needs a band");
  const bool burst = (meter.flags & meter_flags::kBurst) != 0;
  for (const Band& band : meter.bands) {
    const bool remark = band.type == Band::Type::kDscpRemark;
    if (remark != (band.precedence != 0))
      return source.fail(text, "prec_level stands with dscp_remark, and only there");
    if (band.rate == 0) return source.fail(text, "a band needs a rate");
    if (burst != (band.burst != 0))
      return source.fail(text, "burst_size stands with the flag burst, and only there");
  }
  return true;
}

}  // namespace

bool read_meter_mod(Source& source, std::string_view text, MeterCommand command, MeterMod& mod) {
  mod.command = command;
  if (command == MeterCommand::kDelete && text.empty()) {
    mod.meter.id = kAllMeters;
    return true;
  }
  const bool whole = command != MeterCommand::kDelete;
  std::string_view before = text;
  std::string_view bands;
  if (whole) {
    const std::size_t word = text.find("band");
    const std::size_t equals = word == std::string_view::npos ? word : text.find('=', word + 1);
    if (equals == std::string_view::npos) return source.fail(text, "expected \"bands=\"");
    before = text.substr(0, word);
    bands = text.substr(equals + 1);
  }
  std::string_view name;
  while (next_token(before, kNameEnd, name)) {
    if (whole && read_flag(name, mod.meter)) continue;
    std::string_view value;
    if (!next_token(before, kSeparators, value)) return source.fail(name, "expected a value");
    if (name != "meter") return source.fail(name, "unknown keyword " + quoted(name));
    if (!read_id(source, value, mod.meter.id)) return false;
  }
  if (mod.meter.id.value == 0) return source.fail(text, "expected \"meter=\"");
  if (!whole) return true;
  if (mod.meter.flags == 0) return source.fail(text, "expected kbps or pktps");
  return read_bands(source, bands, mod.meter) && check_bands(source, bands, mod.meter);
}

}  // namespace antrea::openflow::detail
