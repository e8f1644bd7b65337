#include "antrea/openflow/codec.h"
#include "message_kind.h"
#include "text_internal.h"
#include "wire.h"

// Whole messages: the header, the bodies without a file of their own, and what cannot be decoded.
namespace antrea::openflow {
namespace detail {
namespace {

/// How much is told, as ofp-print's levels: echo data stands in the dump of a message, but not in
/// that of a message quoted by an error.
enum class Detail : std::uint8_t { kQuoted, kFull };

void print_wire(std::string& out, std::span<const std::byte> wire, Detail detail);

constexpr FlagName kCapabilities[] = {
    {"FLOW_STATS", 1U << 0},   {"TABLE_STATS", 1U << 1}, {"PORT_STATS", 1U << 2},
    {"GROUP_STATS", 1U << 3},  {"IP_REASM", 1U << 5},    {"QUEUE_STATS", 1U << 6},
    {"PORT_BLOCKED", 1U << 8}, {"BUNDLES", 1U << 9},     {"FLOW_MONITORING", 1U << 10}};
constexpr FlagName kBundleFlags[] = {{"atomic", 1}, {"ordered", 2}};
constexpr std::string_view kFragments[] = {"normal", "drop", "reassemble", "nx-match"};
constexpr std::string_view kRoles[] = {"nochange", "equal", "primary", "secondary"};
constexpr std::string_view kRoleReasons[] = {"primary_request", "configuration_changed",
                                             "experimenter_data_changed"};
constexpr std::string_view kPacketInFormats[] = {"standard", "nxt_packet_in", "nxt_packet_in2"};
constexpr std::string_view kBundleCommands[] = {
    "OPEN_REQUEST",   "OPEN_REPLY",   "CLOSE_REQUEST",   "CLOSE_REPLY",
    "COMMIT_REQUEST", "COMMIT_REPLY", "DISCARD_REQUEST", "DISCARD_REPLY"};

void print_config(std::string& out, std::uint16_t flags, std::uint16_t miss_send_len) {
  print(out, " frags={} miss_send_len={}\n", kFragments[flags & 3], miss_send_len);
}

void print_role(std::string& out, Role role, std::uint64_t generation_id) {
  const auto number = static_cast<std::size_t>(role);
  print(out, " role={}", number < std::size(kRoles) ? kRoles[number] : "unknown");
  if (generation_id != ~std::uint64_t{0}) print(out, " generation_id={}", generation_id);
}

/// Masks by asynchronous message, of primary and of secondary connections.
struct AsyncMasks {
  std::array<std::array<std::uint32_t, 6>, 2> masks{};
};

void print_async(std::string& out, const AsyncMasks& config) {
  struct Row {
    std::string_view name;
    std::array<std::string_view, 6> reasons;
  };
  static constexpr Row kRows[] = {
      {"PACKET_IN", {"no_match", "action", "invalid_ttl", "action_set", "group", "packet_out"}},
      {"PORT_STATUS", {"add", "delete", "modify"}},
      {"FLOW_REMOVED", {"idle", "hard", "delete", "group_delete", "meter_delete", "eviction"}},
      {"ROLE_STATUS", {"primary_request", "configuration_changed", "experimenter_data_changed"}},
      {"TABLE_STATUS", {"", "", "", "vacancy_down", "vacancy_up"}},
      {"REQUESTFORWARD", {"group_mod_request", "meter_mod_request"}},
  };
  for (std::size_t role = 0; role < 2; ++role) {
    out += role == 0 ? "\n primary:\n" : "\n secondary:\n";
    for (std::size_t i = 0; i < std::size(kRows); ++i) {
      const Row& row = kRows[i];
      print(out, "{:>16}:", row.name);
      bool any = false;
      for (std::size_t bit = 0; bit < row.reasons.size(); ++bit) {
        if ((config.masks[role][i] & 1U << bit) == 0 || row.reasons[bit].empty()) continue;
        print(out, " {}", row.reasons[bit]);
        any = true;
      }
      out += any ? "\n" : " (off)\n";
    }
  }
}

void print_tlv_maps(std::string& out, std::span<const TlvMap> maps) {
  out +=
      " mapping table:\n  class  type  length  match field\n"
      " ------  ----  ------  --------------";
  for (const TlvMap& map : maps) {
    std::string option_class;
    std::string option_type;
    print_hex(option_class, map.option_class);
    print_hex(option_type, map.option_type);
    print(out, "\n {:>6}  {:>4}  {:>6}  tun_metadata{}", option_class, option_type,
          map.option_length, map.index);
  }
}

bool is_zero(const IpAddress& address) {
  return std::ranges::all_of(address.bytes(), [](std::uint8_t byte) { return byte == 0; });
}

/// Ports and what ICMP has in their place are told apart by the protocol alone, as in Open vSwitch,
/// whichever of them the tuple holds.
void print_ct_tuple(std::string& out, const CtTuple& tuple, std::uint8_t proto, bool v6) {
  const IpAddress none = IpAddress::v6({});
  print(out, "{}={}", v6 ? "ct_ipv6_src" : "ct_nw_src", tuple.src.value_or(none).to_string());
  print(out, ",{}={}", v6 ? "ct_ipv6_dst" : "ct_nw_dst", tuple.dst.value_or(none).to_string());
  const unsigned icmp_dst = tuple.icmp_code.value_or(0) << 8 | tuple.icmp_type.value_or(0);
  const unsigned src = tuple.src_port.value_or(tuple.icmp_id.value_or(0));
  const unsigned dst = tuple.dst_port.value_or(icmp_dst);
  if (proto == ip_proto::kIcmp || proto == ip_proto::kIcmpv6)
    print(out, ",icmp_id={},icmp_type={},icmp_code={}", tuple.icmp_id.value_or(src),
          tuple.icmp_type.value_or(dst & 0xff), tuple.icmp_code.value_or(dst >> 8));
  else
    print(out, ",ct_tp_src={},ct_tp_dst={}", src, dst);
}

/// Whether the tuples hold IPv6 addresses; those that are absent do not tell.
bool ct_v6(const NxCtFlush& flush) {
  for (const auto* tuple : {&flush.original, &flush.reply})
    if (*tuple)
      for (const auto* address : {&(*tuple)->src, &(*tuple)->dst})
        if (*address && !is_zero(**address)) return (*address)->is_v6();
  return true;
}

/// The versions that a hello allows; false if it holds something else too.
bool read_hello(In in, std::uint32_t& versions) {
  constexpr std::uint16_t kVersionBitmap = 1;
  bool known = true;
  while (!in.empty()) {
    In header = in;
    const std::uint16_t type = header.be16();
    const std::uint16_t length = header.be16();
    if (header.failed() || length < 4 || pad8(length) > in.remaining()) return false;
    in.skip(pad8(length));
    const bool bitmap = type == kVersionBitmap && length > 4 && length % 4 == 0;
    const std::uint32_t allowed = bitmap ? header.be32() & ~1U : 0;
    if (allowed != 0)
      versions = allowed;
    else
      known = false;
  }
  return known;
}

void print_ipfix(std::string& out, const IpfixStats& stats, std::size_t indent) {
  struct Counter {
    std::string_view name;
    std::uint64_t count;
  };
  const auto line = [&](std::initializer_list<Counter> counters) {
    bool first = true;
    for (const Counter& counter : counters) {
      print(out, "{}{}=", first ? "" : ", ", counter.name);
      first = false;
      if (counter.count == ~std::uint64_t{0})
        out += '?';
      else
        print(out, "{}", counter.count);
    }
    out += '\n';
  };
  line({{"flows", stats.total_flows},
        {"current flows", stats.current_flows},
        {"sampled pkts", stats.packets},
        {"ipv4 ok", stats.ipv4_packets},
        {"ipv6 ok", stats.ipv6_packets},
        {"tx pkts", stats.tx_packets}});
  out.append(indent, ' ');
  line({{"pkts errs", stats.error_packets},
        {"ipv4 errs", stats.ipv4_error_packets},
        {"ipv6 errs", stats.ipv6_error_packets},
        {"tx errs", stats.tx_errors}});
}

/// The body of a decoded message, from what stands behind the header's colon on.
class BodyPrinter {
 public:
  BodyPrinter(std::string& out, std::span<const std::byte> wire, Detail detail)
      : out_(out), wire_(wire), detail_(detail) {}

  /// Messages that are printed elsewhere.
  template <typename Body>
  requires requires(std::string& out, const Body& body) { print_body(out, body); }
  void operator()(const Body& body) const { print_body(out_, body); }

  void operator()(const Hello&) const {
    In in(wire_);
    const std::uint8_t version = in.u8();
    in.skip(kHeaderSize - 1);
    std::uint32_t versions = version < 31 ? (2U << version) - 2 : 0xfffffffe;
    const bool known = read_hello(in, versions);
    out_ += "\n version bitmap: ";
    bool first = true;
    for (unsigned i = 0; i < 32; ++i) {
      if ((versions & 1U << i) == 0) continue;
      print(out_, "{}0x{:02x}", first ? "" : ", ", i);
      first = false;
    }
    if (known) return;
    out_ += "\n unknown data in hello:\n";
    print_hex_dump(out_, wire_);
  }
  void operator()(const ErrorMessage& m) const {
    print(out_, " {}\n", to_string(m.error));
    constexpr std::uint16_t kHelloFailed = 0;
    if (m.error.type == kHelloFailed)
      print_quoted(out_, m.data);
    else
      print_wire(out_, m.data, Detail::kQuoted);
  }
  void operator()(const EchoRequest& m) const { echo(m.data); }
  void operator()(const EchoReply& m) const { echo(m.data); }
  void operator()(const FeaturesReply& m) const {
    print(out_, " dpid:{:016x}\nn_tables:{}, n_buffers:{}", m.datapath_id, m.tables, m.buffers);
    if (m.auxiliary_id != 0) print(out_, ", auxiliary_id:{}", m.auxiliary_id);
    out_ += "\ncapabilities: ";
    std::uint32_t known = 0;
    for (const FlagName& flag : kCapabilities) known |= m.capabilities & flag.bit;
    print_bits(out_, known, kCapabilities, ' ');
    out_ += '\n';
  }
  void operator()(const GetConfigReply& m) const { print_config(out_, m.flags, m.miss_send_len); }
  void operator()(const SetConfig& m) const { print_config(out_, m.flags, m.miss_send_len); }
  void operator()(const RoleRequest& m) const {
    print_role(out_, m.role, m.role == Role::kNoChange ? ~std::uint64_t{0} : m.generation_id);
  }
  void operator()(const RoleReply& m) const { print_role(out_, m.role, m.generation_id); }
  void operator()(const RoleStatus& m) const {
    print_role(out_, m.role, m.generation_id);
    print(out_, " reason={}",
          m.reason < std::size(kRoleReasons) ? kRoleReasons[m.reason] : "(unknown)");
  }
  void operator()(const AsyncConfig& m) const {
    AsyncMasks config;
    for (const AsyncConfig::Mask& mask : m.masks)
      if (mask.type < 12) config.masks[1 - mask.type % 2][mask.type / 2] = mask.mask;
    print_async(out_, config);
  }
  void operator()(const BundleControl& m) const {
    out_ += "\n bundle_id=";
    print_hex(out_, m.id);
    out_ += " type=";
    const auto command = static_cast<std::size_t>(m.command);
    if (command < std::size(kBundleCommands)) out_ += kBundleCommands[command];
    out_ += " flags=";
    print_bits(out_, m.flags, kBundleFlags, ' ');
  }
  void operator()(const BundleAdd& m) const {
    out_ += "\n bundle_id=";
    print_hex(out_, m.id);
    out_ += " flags=";
    print_bits(out_, m.flags, kBundleFlags, ' ');
    out_ += '\n';
    print_wire(out_, m.message, detail_);
  }
  void operator()(const RequestForward& m) const {
    const auto inner = decode_message(m.message);
    if (inner.has_error()) return;
    if (const auto* group = std::get_if<GroupMod>(&inner->message)) {
      out_ += " reason=group_mod";
      print_body(out_, *group);
    } else if (const auto* meter = std::get_if<MeterMod>(&inner->message)) {
      out_ += " reason=meter_mod";
      print_body(out_, *meter);
    }
  }
  void operator()(const NxRole& m) const {
    print_role(out_, static_cast<Role>(m.role + 1), ~std::uint64_t{0});
  }
  void operator()(const NxFlowModTableId& m) const { out_ += m.enable ? " enable" : " disable"; }
  void operator()(const NxSetPacketInFormat& m) const {
    print(out_, " format={}",
          m.format < std::size(kPacketInFormats) ? kPacketInFormats[m.format] : "unknown");
  }
  void operator()(const NxSetAsyncConfig& m) const {
    AsyncMasks config;
    for (std::size_t role = 0; role < 2; ++role)
      config.masks[role] = {m.packet_in[role], m.port_status[role], m.flow_removed[role]};
    print_async(out_, config);
  }
  void operator()(const NxSetControllerId& m) const { print(out_, " id={}", m.id); }
  void operator()(const NxTlvTableMod& m) const {
    constexpr std::string_view kCommands[] = {"ADD", "DEL", "CLEAR"};
    print(out_, "\n {}", kCommands[static_cast<std::size_t>(m.command)]);
    if (m.command != NxTlvTableMod::Command::kClear) print_tlv_maps(out_, m.maps);
  }
  void operator()(const NxTlvTableReply& m) const {
    unsigned allocated = 0;
    for (const TlvMap& map : m.maps) allocated += map.option_length;
    print(out_, "\n max option space={} max fields={}\n allocated option space={}\n\n", m.max_space,
          m.max_fields, allocated);
    print_tlv_maps(out_, m.maps);
  }
  void operator()(const NxCtFlushZone& m) const { print(out_, " zone_id={}", m.zone); }
  void operator()(const NxCtFlush& m) const {
    print(out_, " zone={} ", m.zone.value_or(0));
    if (const std::uint32_t mask = m.mark_mask.value_or(m.mark ? 0xffffffff : 0); mask != 0) {
      out_ += "mark=";
      print_hex(out_, m.mark.value_or(0));
      if (mask != 0xffffffff) {
        out_ += '/';
        print_hex(out_, mask);
      }
      out_ += ' ';
    }
    const FieldValue all = FieldValue::ones(128);
    const FieldValue mask = m.labels_mask.value_or(m.labels ? all : FieldValue());
    if (!mask.zero()) {
      out_ += "labels=";
      print_hex(out_, m.labels.value_or(FieldValue()));
      if (mask != all) {
        out_ += '/';
        print_hex(out_, mask);
      }
      out_ += ' ';
    }
    const bool v6 = ct_v6(m);
    out_ += '\'';
    print_ct_tuple(out_, m.original.value_or(CtTuple()), m.ip_proto, v6);
    print(out_, ",ct_nw_proto={}' '", m.ip_proto);
    print_ct_tuple(out_, m.reply.value_or(CtTuple()), m.ip_proto, v6);
    out_ += '\'';
  }
  void operator()(const MultipartRequest& m) const {
    flags();
    std::visit(*this, m.body);
  }
  void operator()(const MultipartReply& m) const {
    flags();
    std::visit(*this, m.body);
  }
  void operator()(const PortStatsRequest& m) const {
    out_ += " port_no=";
    print_port(out_, m.port.value);
  }
  void operator()(const PortDescRequest& m) const {
    out_ += " port=";
    print_port(out_, m.port.value);
  }
  void operator()(const GroupStatsRequest& m) const { group(m.group); }
  void operator()(const GroupDescRequest& m) const { group(m.group); }
  void operator()(const MeterStatsRequest& m) const { meter(m.meter); }
  void operator()(const MeterConfigRequest& m) const { meter(m.meter); }
  void operator()(const TableFeaturesRequest& m) const { print_table_features(out_, m.tables); }
  void operator()(const TableFeaturesReply& m) const { print_table_features(out_, m.tables); }
  void operator()(const DescReply& m) const {
    print(out_,
          "\nManufacturer: {}\nHardware: {}\nSoftware: {}\nSerial Num: {}\nDP Description: {}\n",
          m.manufacturer, m.hardware, m.software, m.serial, m.datapath);
  }
  void operator()(const IpfixBridgeReply& m) const {
    out_ += "\n  bridge ipfix: ";
    print_ipfix(out_, m.statistics, 16);
  }
  void operator()(const IpfixFlowReply& m) const {
    print(out_, " {} ids\n", m.collectors.size());
    for (const IpfixStats& stats : m.collectors) {
      print(out_, "  id {:>3}: ", stats.collector_set_id);
      print_ipfix(out_, stats, 10);
    }
  }

  // Messages that say no more than their name.
  void operator()(const FeaturesRequest&) const {}
  void operator()(const GetConfigRequest&) const {}
  void operator()(const BarrierRequest&) const {}
  void operator()(const BarrierReply&) const {}
  void operator()(const GetAsyncRequest&) const {}
  void operator()(const NxTlvTableRequest&) const {}
  void operator()(const NxFlowAge&) const {}
  void operator()(const DescRequest&) const {}
  void operator()(const TableStatsRequest&) const {}
  void operator()(const GroupFeaturesRequest&) const {}
  void operator()(const MeterFeaturesRequest&) const {}
  void operator()(const TableDescRequest&) const {}
  void operator()(const IpfixBridgeRequest&) const {}
  void operator()(const IpfixFlowRequest&) const {}
  void operator()(const Experimenter& m) const { rest(m.data); }
  void operator()(const UnknownMultipart& m) const { rest(m.body); }
  void operator()(const UnknownMessage& m) const { rest(m.body); }

 private:
  /// Of a multipart; only the lowest one means something.
  void flags() const {
    constexpr std::size_t kFlagsAt = 10;
    const auto flags = load_be<std::uint16_t>(wire_.data() + kFlagsAt);
    if (flags == 0) return;
    out_ += " flags=";
    if ((flags & 1) != 0) out_ += "[more]";
    if ((flags & ~1) != 0) print(out_, "[***unknown flags 0x{:04x}***]", flags & ~1);
  }
  void echo(std::span<const std::byte> data) const {
    print(out_, " {} bytes of payload\n", data.size());
    if (detail_ == Detail::kFull) print_hex_dump(out_, data);
  }
  void group(GroupId id) const {
    out_ += " group_id=";
    print_group_id(out_, id);
  }
  void meter(MeterId id) const {
    out_ += ' ';
    print_meter_id(out_, id, '=');
  }
  /// What this library has no text for.
  void rest(std::span<const std::byte> bytes) const {
    if (bytes.empty()) return;
    out_ += '\n';
    print_hex_dump(out_, bytes);
  }

  std::string& out_;
  std::span<const std::byte> wire_;
  Detail detail_;
};

void end_line(std::string& out, std::size_t start) {
  if (out.size() > start && out.back() != '\n') out += '\n';
}

void print_header(std::string& out, std::string_view name, std::uint8_t version,
                  std::uint32_t xid) {
  out += name;
  if (version > 1 && version <= kOpenFlow15)
    print(out, " (OF1.{})", version - 1);
  else if (version != 1)
    print(out, " (OF 0x{:02x})", version);
  print(out, " (xid=0x{:x}):", xid);
}

/// Where the length of a record of a multipart reply stands; 0 bytes: each has the same `size`.
struct RecordRow {
  std::uint16_t multipart;
  std::size_t length_at;
  std::size_t minimum;
};
constexpr RecordRow kRecords[] = {{1, 0, 24},  {4, 0, 80}, {5, 0, 48},  {6, 0, 40},
                                  {7, 0, 16},  {9, 4, 40}, {10, 0, 8},  {12, 0, 64},
                                  {13, 4, 40}, {14, 0, 8}, {15, 8, 16}, {16, 0, 4}};

/// Prints the records in front of the one that a multipart reply fails at.
void print_good_records(std::string& out, std::span<const std::byte> wire, Detail detail) {
  constexpr std::uint8_t kReply = 19;
  constexpr std::size_t kRecordsAt = 16;
  if (wire.size() < kRecordsAt || std::to_integer<std::uint8_t>(wire[1]) != kReply) return;
  const auto type = load_be<std::uint16_t>(wire.data() + 8);
  for (const RecordRow& row : kRecords) {
    if (row.multipart != type) continue;
    std::vector<std::byte> good(wire.begin(), wire.begin() + kRecordsAt);
    std::optional<Message> message;
    for (;;) {
      store_be(good.data() + 2, static_cast<std::uint16_t>(good.size()));
      auto decoded = decode_message(good);
      if (decoded.has_error()) break;
      message = std::move(decoded->message);
      const auto left = wire.subspan(good.size());
      if (left.size() < row.minimum) break;
      const std::size_t length = load_be<std::uint16_t>(left.data() + row.length_at);
      if (length < row.minimum || length > left.size()) break;
      good.insert(good.end(), left.begin(), left.begin() + static_cast<std::ptrdiff_t>(length));
    }
    if (message) std::visit(BodyPrinter(out, wire, detail), *message);
    return;
  }
}

void print_fault(std::string& out, std::size_t start, const OfError& error,
                 std::span<const std::byte> wire) {
  print(out, "***decode error: {}***\n", to_string(error));
  end_line(out, start);
  print_hex_dump(out, wire);
}

/// The bytes without what a switch refuses and ofp-print passes over: padding that is not zero,
/// properties of a port_mod that are not known. Empty if there is no such thing.
std::vector<std::byte> without_faults(const MessageKind& kind, std::span<const std::byte> wire) {
  std::vector<std::byte> sound(wire.begin(), wire.end());
  const std::size_t body = kind.experimenter != 0 ? 2 * kHeaderSize : kHeaderSize;
  if (kind.name == "NXT_SET_CONTROLLER_ID" || kind.name == "NXT_CT_FLUSH_ZONE") {
    std::fill_n(sound.begin() + static_cast<std::ptrdiff_t>(body), 6, std::byte{0});
  } else if (kind.name == "OFPT_PORT_MOD") {
    sound.resize(body + kind.size);
    In in(wire);
    in.skip(sound.size());
    while (!in.empty()) {
      Property property;
      if (pull_property(in, property) != nullptr) return {};
      if (property.type == 0) sound.insert(sound.end(), property.raw.begin(), property.raw.end());
    }
    store_be(sound.data() + 2, static_cast<std::uint16_t>(sound.size()));
  } else {
    return {};
  }
  return sound;
}

/// Bytes of exactly the length that their header says.
void print_whole(std::string& out, std::span<const std::byte> wire, Detail detail) {
  const std::size_t start = out.size();
  const auto kind = find_kind(wire);
  if (kind.has_error()) return print_fault(out, start, kind.error().error, wire);
  print_header(out, kind_name(wire), std::to_integer<std::uint8_t>(wire[0]),
               load_be<std::uint32_t>(wire.data() + 4));
  const std::size_t body = out.size();
  auto decoded = decode_message(wire);
  if (decoded.has_error())
    if (const auto sound = without_faults(**kind, wire); !sound.empty())
      if (auto again = decode_message(sound)) decoded = std::move(again);
  if (decoded.has_error()) {
    print_good_records(out, wire, detail);
    if (out.size() == body) {
      out += ' ';
    } else {
      if (out.back() == ' ') out.pop_back();
      end_line(out, start);
    }
    return print_fault(out, start, decoded.error().error, wire);
  }
  std::visit(BodyPrinter(out, wire, detail), decoded->message);
  if (out.back() == ' ') out.pop_back();
  end_line(out, start);
}

void print_wire(std::string& out, std::span<const std::byte> wire, Detail detail) {
  if (wire.empty()) {
    out += "OpenFlow message is empty\n";
    return;
  }
  if (wire.size() < kHeaderSize) {
    print(out, "OpenFlow packet too short (only {} bytes):\n", wire.size());
    return print_hex_dump(out, wire);
  }
  const std::size_t length = load_be<std::uint16_t>(wire.data() + 2);
  if (length == wire.size()) return print_whole(out, wire, detail);
  if (length > wire.size()) {
    if (kind_known(wire)) {
      print_header(out, kind_name(wire), std::to_integer<std::uint8_t>(wire[0]),
                   load_be<std::uint32_t>(wire.data() + 4));
      out += '\n';
    }
    print(out, "(***truncated to {} bytes from {}***)\n", wire.size(), length);
  } else {
    print(out, "(***only uses {} bytes out of {}***)\n", length, wire.size());
  }
  print_hex_dump(out, wire);
}

}  // namespace
}  // namespace detail

std::string to_string(std::uint32_t xid, const Message& message) {
  std::vector<std::byte> wire;
  if (!encode(xid, message, wire)) return message_name(message);
  return print_message(wire);
}

std::string print_message(std::span<const std::byte> wire) {
  std::string text;
  print_message(wire, text);
  return text;
}

void print_message(std::span<const std::byte> wire, std::string& out) {
  detail::print_wire(out, wire, detail::Detail::kFull);
}

std::string message_name(std::span<const std::byte> wire) { return detail::kind_name(wire); }

}  // namespace antrea::openflow
