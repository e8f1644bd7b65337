#include <algorithm>

#include "field_table.h"
#include "parse_action.h"
#include "parse_names.h"

// Actions that hold other actions, and encap with its properties.
namespace antrea::openflow::detail {

bool ActionParser::clone(const Pair& action) {
  Clone to;
  const Premises before = premises_ != nullptr ? *premises_ : Premises{};
  ActionParser nested(*this, to.actions, Outer::kClone);
  if (!nested.parse(action.value)) return false;
  if (premises_ != nullptr) *premises_ = before;
  return put(std::move(to));
}

bool ActionParser::write_actions(const Pair& action) {
  const Premises before = premises_ != nullptr ? *premises_ : Premises{};
  ActionParser nested(*this, instructions_->write_actions, Outer::kWriteActions);
  if (!nested.parse(action.value)) return false;
  instructions_->write_nothing = instructions_->write_actions.empty();
  if (premises_ != nullptr) *premises_ = before;
  return true;
}

namespace {
/// Whether the zone of a ct comes from a field. What is nested in it is not checked then.
bool zone_from_field(std::string_view options) {
  Lexer lexer(options);
  Pair option;
  std::uint64_t zone = 0;
  while (lexer.next(option))
    if (option.key == "zone" && !to_unsigned(option.value, zone)) return true;
  return false;
}
}  // namespace

bool ActionParser::ct(const Pair& action) {
  Ct to;
  const bool unchecked = zone_from_field(action.value);
  std::string_view force;
  Lexer lexer(action.value);
  Pair option;
  while (lexer.next(option)) {
    bool good = true;
    if (option.key == "commit") {
      to.commit = true;
    } else if (option.key == "force") {
      to.force = true;
      force = option.key;
    } else if (option.key == "table") {
      TableId table;
      good = read_table(source_, option.value, table) &&
             (table != kAllTables || source_.fail(option.value, "there is no table 255"));
      to.table = table;
    } else if (option.key == "zone") {
      std::int64_t zone = 0;
      if (to_signed(option.value, 0, zone) && zone >= 0 && zone <= 0xffff) {
        to.zone = static_cast<std::uint16_t>(zone);
      } else {
        Subfield source;
        good =
            read_subfield(source_, option.value, source) && need_field(option.value, source.field);
        to.zone_source = source;
      }
    } else if (option.key == "alg") {
      good = option.value == "ftp" || option.value == "tftp" ||
             source_.fail(option.value, "expected ftp or tftp");
      to.alg = option.value == "ftp" ? 21 : 69;
    } else if (option.key == "nat") {
      ActionParser nested(*this, to.actions, Outer::kCt);
      if (unchecked) nested.premises_ = nullptr;
      good = nested.nat(option);
    } else if (option.key == "exec") {
      ActionParser nested(*this, to.actions, Outer::kCt);
      if (unchecked) nested.premises_ = nullptr;
      good = nested.parse(option.value);
    } else {
      good = source_.fail(option.key, "unknown option of ct");
    }
    if (!good) return false;
  }
  if (to.force && !to.commit) return source_.fail(force, "force needs commit");
  if (premises_ != nullptr) {
    if (!premises_->ip()) return source_.fail(action.key, "ct needs a match of IP");
    if ((premises_->ct_state.value.lo & ct_state::kInv) != 0 && to.commit)
      return source_.fail(action.key, "an invalid connection cannot be committed");
    if ((to.alg == 21 && premises_->ip_proto != ip_proto::kTcp) ||
        (to.alg == 69 && premises_->ip_proto != ip_proto::kUdp))
      return source_.fail(action.key, "ct with alg needs a match of its protocol");
  }
  return put(std::move(to));
}

bool ActionParser::nat(const Pair& action) {
  if (outer_ != Outer::kCt) return source_.fail(action.key, "nat is possible only in ct");
  Nat to;
  Lexer lexer(action.value);
  Pair option;
  while (lexer.next(option)) {
    bool good = true;
    if (option.key == "src" || option.key == "dst") {
      (option.key == "src" ? to.src : to.dst) = true;
      good = read_nat_range(option.value, to);
    } else if (option.key == "persistent") {
      to.persistent = true;
    } else if (option.key == "hash") {
      to.hash = true;
    } else if (option.key == "random") {
      to.random = true;
    } else {
      good = source_.fail(option.key, "unknown option of nat");
    }
    if (!good) return false;
  }
  if (to.src && to.dst) return source_.fail(action.value, "src and dst exclude each other");
  if (!to.src && !to.dst && (to.persistent || to.hash || to.random))
    return source_.fail(action.value, "flags need src or dst");
  if (to.hash && to.random) return source_.fail(action.value, "hash and random exclude each other");
  return put(to);
}

/// "FIRST[-LAST][:PORT[-PORT]]"; IPv6 addresses stand in brackets before a port.
bool ActionParser::read_nat_range(std::string_view token, Nat& nat) {
  nat.address_min.reset();
  nat.address_max.reset();
  nat.port_min.reset();
  nat.port_max.reset();
  std::string_view rest = token;
  const auto address = [&](std::optional<IpAddress>& to) {
    const bool bracketed = rest.starts_with('[');
    if (bracketed) rest.remove_prefix(1);
    const std::size_t digits = rest.find_first_not_of("0123456789abcdefABCDEF.:");
    std::string_view text = rest.substr(0, digits);
    if (!bracketed && text.find('.') != std::string_view::npos &&
        text.find("::") == std::string_view::npos)
      text = text.substr(0, text.find(':'));
    const auto parsed = IpAddress::parse(text);
    if (parsed.has_error()) return source_.fail(text, "expected an address");
    rest.remove_prefix(text.size());
    if (bracketed) {
      if (!rest.starts_with(']')) return source_.fail(rest, "expected ']'");
      rest.remove_prefix(1);
    }
    to = *parsed;
    return true;
  };
  const auto port = [&](std::optional<std::uint16_t>& to) {
    const std::string_view digits = rest.substr(0, rest.find_first_not_of("0123456789"));
    std::uint16_t number = 0;
    if (digits.empty() || !read_u16(source_, digits, "port", number))
      return source_.fail(rest, "expected a port");
    rest.remove_prefix(digits.size());
    to = number;
    return true;
  };
  const auto skip = [&](char c) {
    if (!rest.starts_with(c)) return false;
    rest.remove_prefix(1);
    return true;
  };
  if (token.empty()) return true;
  const std::string_view first = rest;
  if (!address(nat.address_min)) return false;
  if (skip('-')) {
    if (!address(nat.address_max)) return false;
    if (nat.address_max->family() != nat.address_min->family() ||
        *nat.address_max < *nat.address_min)
      return source_.fail(first, "the last address lies before the first");
  }
  if (skip(':')) {
    const std::string_view ports = rest;
    if (!port(nat.port_min)) return false;
    if (skip('-') && !port(nat.port_max)) return false;
    if (nat.port_max && *nat.port_max < *nat.port_min)
      return source_.fail(ports, "the last port lies before the first");
  }
  if (!rest.empty()) return source_.fail(rest, "unexpected text behind a range");
  const bool v4 = nat.address_min->is_v4();
  if (premises_ != nullptr && premises_->protocol() != (v4 ? eth_type::kIpv4 : eth_type::kIpv6))
    return source_.fail(token, "the match is not of the address family");
  // What is zero is not sent.
  if (nat.address_min && nat.address_min->is_unspecified()) nat.address_min.reset();
  if (nat.address_max && nat.address_max->is_unspecified()) nat.address_max.reset();
  if (nat.port_min == 0) nat.port_min.reset();
  if (nat.port_max == 0) nat.port_max.reset();
  return true;
}

bool ActionParser::encap(const Pair& action) {
  Encap to;
  Lexer lexer(action.value);
  Pair header;
  if (!lexer.next(header)) return source_.fail(action.value, "expected a header to add");
  constexpr std::pair<std::string_view, std::uint32_t> kHeaders[] = {
      {"ethernet", 0}, {"nsh", 0x1894f}, {"mpls", 0x18847}, {"mpls_mc", 0x18848}};
  const auto* const known = std::find_if(std::begin(kHeaders), std::end(kHeaders),
                                         [&](const auto& row) { return row.first == header.key; });
  if (known == std::end(kHeaders))
    return source_.fail(header.key, "unknown header " + quoted(header.key));
  to.packet_type = known->second;
  Lexer properties(header.value);
  Pair property;
  while (properties.next(property)) {
    if (to.packet_type != 0x1894f) return source_.fail(property.key, "unknown property");
    if (!read_nsh_property(property, to)) return false;
  }
  if (premises_ != nullptr) {
    premises_->packet_type = to.packet_type;
    if (to.packet_type >> 16 == 1) premises_->eth_type = static_cast<std::uint16_t>(to.packet_type);
    if (!premises_->ip()) premises_->ip_proto = 0;
  }
  return put(std::move(to));
}

/// "md_type=1" or "tlv(CLASS,TYPE,DATA)", the class and the data in hexadecimal.
bool ActionParser::read_nsh_property(const Pair& property, Encap& action) {
  if (property.value.empty()) return source_.fail(property.key, "expected a value");
  if (property.key == "md_type") {
    std::uint8_t type = 0;
    if (!read_u8(source_, property.value, "metadata type", type)) return false;
    if (type != 1 && type != 2) return source_.fail(property.value, "metadata type must be 1 or 2");
    action.nsh_md_type = type;
    return true;
  }
  if (property.key != "tlv") return source_.fail(property.key, "expected md_type or tlv");
  std::string_view rest = property.value;
  std::string_view part[3];
  for (std::string_view& token : part)
    if (!next_token(rest, ",", token))
      return source_.fail(property.value, "expected CLASS,TYPE,DATA");
  Encap::Tlv tlv;
  if (!part[0].starts_with("0x") || !part[2].starts_with("0x"))
    return source_.fail(property.value, "class and data must be hexadecimal");
  if (!read_u16(source_, part[0], "class", tlv.tlv_class) ||
      !read_u8(source_, part[1], "type", tlv.type))
    return false;
  std::string_view data = part[2].substr(2);
  data.remove_suffix(data.size() % 2);
  if (data.size() > 251) data = data.substr(0, 250);
  if (!read_bytes(source_, data, ' ', tlv.data)) return false;
  action.nsh_tlvs.push_back(std::move(tlv));
  return true;
}

bool ActionParser::decap(const Pair& action) {
  Decap to;
  Lexer lexer(action.value);
  Pair option;
  if (lexer.next(option)) {
    if (option.key != "packet_type") return source_.fail(option.key, "expected packet_type");
    Lexer parts(option.value);
    Pair part;
    std::uint16_t space = 0;
    std::uint16_t type = 0;
    if (!parts.next(part) || part.key != "ns")
      return source_.fail(option.value, "expected ns=NAMESPACE");
    if (!read_u16(source_, part.value, "namespace", space)) return false;
    if (space > 4) return source_.fail(part.value, "namespace must be 0 to 4");
    if (!parts.next(part) || part.key != "type")
      return source_.fail(option.value, "expected type=TYPE");
    if (!read_u16(source_, part.value, "type", type)) return false;
    to.packet_type = std::uint32_t{space} << 16 | type;
  }
  if (premises_ != nullptr) {
    if (premises_->packet_type == 0) {
      premises_->packet_type = 0x10000U | premises_->eth_type;
    } else {
      premises_->packet_type = 0xffff;
      premises_->eth_type = 0xffff;
    }
  }
  return put(to);
}

}  // namespace antrea::openflow::detail
