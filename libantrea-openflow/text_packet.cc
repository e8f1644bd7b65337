#include "packet.h"
#include "text_internal.h"
#include "wire.h"

// Packets, and the messages that carry them.
namespace antrea::openflow::detail {
namespace {

/// Prints the headers of a packet as a flow that matches them all.
class PacketPrinter {
 public:
  PacketPrinter(std::string& out, const PacketFlow& flow)
      : out_(out), flow_(flow), ethernet_(flow.packet_type == 0), type_(flow.type()) {}

  void print_all() {
    if (!ethernet_) {
      out_ += "packet_type=";
      print_value(out_, FieldId::kPacketType, {flow_.packet_type, {}}, true);
      out_ += ',';
    }
    word();
    if (ethernet_) {
      vlans();
      item("dl_src={}", flow_.eth_src.to_string());
      item("dl_dst={}", flow_.eth_dst.to_string());
      if (!type_said_) item("dl_type=0x{:04x}", flow_.eth_type);
    }
    switch (type_) {
      case eth_type::kIpv4:
        addresses("nw_src", "nw_dst");
        internet();
        break;
      case eth_type::kIpv6:
        addresses("ipv6_src", "ipv6_dst");
        item("ipv6_label=0x{:05x}", flow_.label);
        internet();
        break;
      case eth_type::kArp:
      case eth_type::kRarp:
        addresses("arp_spa", "arp_tpa");
        item("arp_op={}", flow_.proto);
        item("arp_sha={}", flow_.arp_sha.to_string());
        item("arp_tha={}", flow_.arp_tha.to_string());
        break;
      case eth_type::kMpls:
      case eth_type::kMplsMulticast:
        mpls();
        break;
      case eth_type::kNsh:
        nsh();
        internet();
        break;
      default:
        break;
    }
    if (out_.back() == ',') out_.pop_back();
  }

  void checksum() {
    struct Sum {
      std::uint8_t proto;
      std::size_t header, at, size;
      std::string_view name;
    };
    static constexpr Sum kSums[] = {{ip_proto::kTcp, 20, 16, 2, "tcp_csum"},
                                    {ip_proto::kUdp, 8, 6, 2, "udp_csum"},
                                    {ip_proto::kSctp, 12, 8, 4, "sctp_csum"},
                                    {ip_proto::kIcmp, 8, 2, 2, "icmp_csum"},
                                    {ip_proto::kIcmpv6, 4, 2, 2, "icmp6_csum"}};
    for (const Sum& sum : kSums)
      if (flow_.proto == sum.proto && flow_.l4.size() >= sum.header) {
        In in(flow_.l4.subspan(sum.at, sum.size));
        print(out_, " {}:{:x}", sum.name, in.value(sum.size).lo);
      }
  }

 private:
  template <typename... Arguments>
  void item(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    print(out_, format, std::forward<Arguments>(arguments)...);
    out_ += ',';
  }

  /// "tcp6" or the like.
  void word() {
    if (!ethernet_) return;
    type_said_ = true;
    const bool v6 = type_ == eth_type::kIpv6;
    switch (type_) {
      case eth_type::kIpv4:
      case eth_type::kIpv6:
        break;
      case eth_type::kArp:
        return item("arp");
      case eth_type::kRarp:
        return item("rarp");
      case eth_type::kMpls:
        return item("mpls");
      case eth_type::kMplsMulticast:
        return item("mplsm");
      default:
        type_said_ = false;
        return;
    }
    proto_said_ = true;
    const std::string_view six = v6 ? "6" : "";
    switch (flow_.proto) {
      case ip_proto::kTcp:
        return item("tcp{}", six);
      case ip_proto::kUdp:
        return item("udp{}", six);
      case ip_proto::kSctp:
        return item("sctp{}", six);
      case ip_proto::kIcmp:
        if (!v6) return item("icmp");
        break;
      case ip_proto::kIcmpv6:
        if (v6) return item("icmp6");
        break;
      default:
        break;
    }
    proto_said_ = false;
    item("{}", v6 ? "ipv6" : "ip");
  }

  void vlans() {
    for (std::size_t i = 0; i < flow_.vlans.size(); ++i) {
      const std::uint16_t tci = flow_.vlans[i];
      const std::string number = i == 0 ? "" : std::to_string(i);
      if (tci == 0) return item("vlan_tci{}=0x0000", number);
      item("dl_vlan{}={}", number, tci & 0xfff);
      item("dl_vlan_pcp{}={}", number, tci >> 13);
    }
  }

  void addresses(std::string_view src, std::string_view dst) {
    item("{}={}", src, flow_.src.to_string());
    item("{}={}", dst, flow_.dst.to_string());
  }

  /// What IPv4, IPv6 and (being zero) NSH show.
  void internet() {
    if (!proto_said_) item("nw_proto={}", flow_.proto);
    item("nw_tos={}", flow_.tos & 0xfc);
    item("nw_ecn={}", flow_.tos & 3);
    item("nw_ttl={}", flow_.ttl);
    item("nw_frag={}", flow_.fragment == 0 ? "no" : flow_.fragment == 1 ? "first" : "later");
    if (flow_.later_fragment()) return;
    const std::uint8_t proto = flow_.proto;
    const bool ip = flow_.ipv4() || flow_.ipv6();
    if ((flow_.ipv4() && proto == ip_proto::kIcmp) ||
        (flow_.ipv6() && proto == ip_proto::kIcmpv6)) {
      item("icmp_type={}", flow_.tp_src);
      item("icmp_code={}", flow_.tp_dst);
      if (flow_.ipv6() && flow_.tp_dst == 0 && (flow_.tp_src == 135 || flow_.tp_src == 136)) {
        item("nd_target={}", flow_.nd_target.to_string());
        item("nd_sll={}", flow_.arp_sha.to_string());
        item("nd_tll={}", flow_.arp_tha.to_string());
      }
    } else if (ip && (proto == ip_proto::kTcp || proto == ip_proto::kUdp ||
                      proto == ip_proto::kSctp || proto == ip_proto::kIcmp ||
                      proto == ip_proto::kIcmpv6 || proto == ip_proto::kIgmp)) {
      item("tp_src={}", flow_.tp_src);
      item("tp_dst={}", flow_.tp_dst);
    }
    if (ip && proto == ip_proto::kTcp) {
      out_ += "tcp_flags=";
      print_bits(out_, flow_.tcp_flags, kTcpFlagNames, '|');
      out_ += ',';
    }
  }

  void mpls() {
    const std::uint32_t top = flow_.mpls[0];
    item("mpls_label={}", top >> 12);
    item("mpls_tc={}", top >> 9 & 7);
    item("mpls_ttl={}", top & 0xff);
    item("mpls_bos={}", top >> 8 & 1);
    for (std::size_t i = 1; i < flow_.mpls.size(); ++i) {
      if ((flow_.mpls[i - 1] & 0x100) != 0) return;
      item("mpls_lse{}={}", i, flow_.mpls[i]);
    }
  }

  void nsh() {
    item("nsh_flags={}", flow_.nsh_flags);
    item("nsh_ttl={}", flow_.nsh_ttl);
    item("nsh_mdtype={}", flow_.nsh_md_type);
    item("nsh_np={}", flow_.nsh_next);
    item("nsh_spi=0x{:x}", flow_.nsh_path >> 8);
    item("nsh_si={}", flow_.nsh_path & 0xff);
    if (flow_.nsh_md_type != 1) return;
    for (std::size_t i = 0; i < flow_.nsh_context.size(); ++i)
      item("nsh_c{}=0x{:x}", i + 1, flow_.nsh_context[i]);
  }

  std::string& out_;
  const PacketFlow& flow_;
  bool ethernet_;
  std::uint16_t type_;
  bool type_said_ = false;
  bool proto_said_ = false;
};

std::uint32_t packet_type_of(const Match& metadata) {
  const auto type = metadata.get(FieldId::kPacketType);
  return type ? static_cast<std::uint32_t>(type->value.lo) : 0;
}

/// What all forms of packet-in tell.
struct PacketInfo {
  std::uint8_t table = 0;
  std::uint64_t cookie = ~std::uint64_t{0};
  std::size_t total_len = 0;
  std::uint32_t buffer_id = 0xffffffff;
  std::uint8_t reason = 0;
  const Match& metadata;
  std::span<const std::byte> packet;
};

void print_head(std::string& out, const PacketInfo& info) {
  if (info.table != 0) print(out, " table_id={}", info.table);
  if (info.cookie != ~std::uint64_t{0}) print(out, " cookie=0x{:x}", info.cookie);
  print(out, " total_len={} ", info.total_len);
  print_match(out, info.metadata);
  out += " (via ";
  print_packet_in_reason(out, info.reason);
  print(out, ") data_len={}", info.packet.size());
  if (info.buffer_id == 0xffffffff) {
    out += " (unbuffered)";
    if (info.total_len != info.packet.size()) out += " (***total_len != data_len***)";
  } else {
    print(out, " buffer=0x{:08x}", info.buffer_id);
    if (info.total_len < info.packet.size()) out += " (***total_len < data_len***)";
  }
  out += '\n';
}

/// The state with which a paused packet goes on: properties of Open vSwitch's own.
class ContinuationPrinter {
 public:
  ContinuationPrinter(std::string& out, std::span<const std::byte> continuation)
      : out_(out), in_(continuation) {}

  void print_all() {
    read();
    if (!bridge_.empty()) bridge();
    if (!stack_.empty()) stack();
    if (mirrors_ != 0) print(out_, " continuation.mirrors=0x{:x}\n", mirrors_);
    if (conntracked_) out_ += " continuation.conntracked=true\n";
    if (!actions_.empty()) print(out_, " continuation.actions={}\n", actions_);
    if (!action_set_.empty()) print(out_, " continuation.action_set={}\n", action_set_);
    if (odp_port_ != 0) print(out_, " continuation.odp_port={}\n", odp_port_);
  }

 private:
  enum : std::uint16_t {
    kBridge = 0x8000,
    kStack,
    kMirrors,
    kConntracked,
    kTableId,
    kCookie,
    kActions,
    kActionSet,
    kOdpPort
  };

  void read() {
    in_.skip(4);  // to the next multiple of 8 behind the property's header
    while (!in_.empty()) {
      Property property;
      if (pull_plain_property(in_, property) != nullptr) return;
      In& body = property.body;
      switch (property.type) {
        case kBridge:
          bridge_ = body.rest();
          break;
        case kStack:
          stack_.push_back(body.rest());
          break;
        case kMirrors:
          mirrors_ = body.be32();
          break;
        case kConntracked:
          conntracked_ = true;
          break;
        case kTableId:
          table_ = body.u8();
          break;
        case kCookie:
          cookie_ = body.be64();
          break;
        case kActions:
          print(actions_, "{}unroll_xlate(table={}, cookie={})", actions_.empty() ? "" : ",",
                table_, cookie_);
          append(actions_, body);
          break;
        case kActionSet:
          append(action_set_, body);
          break;
        case kOdpPort:
          odp_port_ = body.be32();
          break;
        default:
          break;
      }
    }
  }
  /// The list starts at the next multiple of 8 behind the property's header.
  static void append(std::string& to, In body) {
    body.skip(4);
    const auto actions = pull_actions(body);
    if (actions.has_error() || actions->empty()) return;
    if (!to.empty()) to += ',';
    print_actions(to, *actions);
  }
  /// A UUID of four words in the byte order of the switch.
  void bridge() {
    if (bridge_.size() != 16) return;
    std::array<std::uint32_t, 4> words;
    std::memcpy(words.data(), bridge_.data(), bridge_.size());
    if (words == std::array<std::uint32_t, 4>{}) return;
    print(out_, " continuation.bridge={:08x}-{:04x}-{:04x}-{:04x}-{:04x}{:08x}\n", words[0],
          words[1] >> 16, words[1] & 0xffff, words[2] >> 16, words[2] & 0xffff, words[3]);
  }
  void stack() {
    out_ += " continuation.stack=(top)";
    for (const auto& value : stack_) {
      out_ += ' ';
      print_hex(out_, value);
    }
    out_ += " (bottom)\n";
  }
  std::string& out_;
  In in_;
  std::span<const std::byte> bridge_;
  std::vector<std::span<const std::byte>> stack_;
  std::uint32_t mirrors_ = 0;
  bool conntracked_ = false;
  std::uint8_t table_ = 0;
  std::uint64_t cookie_ = 0;
  std::string actions_, action_set_;
  std::uint32_t odp_port_ = 0;
};

}  // namespace

void print_packet(std::string& out, std::span<const std::byte> packet, std::uint32_t packet_type) {
  const PacketFlow flow = read_packet(packet, packet_type);
  PacketPrinter printer(out, flow);
  printer.print_all();
  printer.checksum();
  out += '\n';
}

void print_body(std::string& out, const PacketIn& message) {
  print_head(out, {message.table.value, message.cookie, message.total_len, message.buffer_id,
                   message.reason, message.metadata, message.packet});
  print_packet(out, message.packet, packet_type_of(message.metadata));
}

void print_body(std::string& out, const NxPacketIn& message) {
  print_head(out, {message.table.value, message.cookie, message.total_len, message.buffer_id,
                   message.reason, message.metadata, message.packet});
  print_packet(out, message.packet, packet_type_of(message.metadata));
}

void print_body(std::string& out, const PacketInProperties& message) {
  const Match metadata = message.metadata.value_or(Match());
  const std::size_t total_len =
      message.full_len.value_or(0) != 0 ? *message.full_len : message.packet.size();
  print_head(out, {message.table.value_or(TableId{0}).value, message.cookie.value_or(~0ULL),
                   total_len, message.buffer_id.value_or(0xffffffff), message.reason.value_or(0),
                   metadata, message.packet});
  if (!message.userdata.empty()) {
    out += " userdata=";
    print_dotted(out, message.userdata);
    out += '\n';
  }
  if (message.continuation) ContinuationPrinter(out, *message.continuation).print_all();
  print_packet(out, message.packet, packet_type_of(metadata));
}

void print_body(std::string& out, const PacketOut& message) {
  out += ' ';
  print_match(out, message.match);
  out += " actions=";
  print_actions(out, message.actions);
  if (message.buffer_id != 0xffffffff) return print(out, " buffer=0x{:08x}", message.buffer_id);
  print(out, " data_len={}", message.packet.size());
  if (message.packet.empty()) return;
  out += '\n';
  print_packet(out, message.packet, packet_type_of(message.match));
}

}  // namespace antrea::openflow::detail
