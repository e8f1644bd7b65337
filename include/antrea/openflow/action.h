#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "antrea/base/export.h"
#include "antrea/base/ip.h"
#include "antrea/base/strong_id.h"
#include "antrea/openflow/field.h"
#include "antrea/openflow/port.h"

namespace antrea::openflow {

using GroupId = StrongId<struct GroupIdTag, std::uint32_t>;
using MeterId = StrongId<struct MeterIdTag, std::uint32_t>;

// The actions of ovs-actions(7). Each is a plain value; the comment names it in flow syntax.

/// output:3, IN_PORT, controller:128
struct Output {
  PortNo port;
  std::uint16_t max_len =
      0;  ///< bytes sent to the controller; 0xffff is all. Only for kPortController
  friend bool operator==(const Output&, const Output&) = default;
};
/// output:NXM_NX_REG1[]
struct OutputReg {
  Subfield source;
  std::uint16_t max_len = 0xffff;
  bool extended = false;  ///< in the form with room for 8-byte field headers
  friend bool operator==(const OutputReg&, const OutputReg&) = default;
};
/// output(port=1,max_len=100)
struct OutputTrunc {
  PortNo port;
  std::uint32_t max_len = 0;
  friend bool operator==(const OutputTrunc&, const OutputTrunc&) = default;
};
/// group:1
struct GroupAction {
  GroupId group;
  friend bool operator==(const GroupAction&, const GroupAction&) = default;
};
/// set_field:VALUE/MASK->FIELD. A load of some bits is a set_field with a mask; see `load()`.
struct SetField {
  FieldId field{};
  std::uint8_t length = 0;  ///< bytes of the value on the wire; 0: the field's, of a tun_metadata
                            ///< those that value and mask need
  FieldValue value;
  FieldValue mask;
  /// Of a tun_metadata of more than 16 bytes: value and mask, `length` bytes each, as on the wire.
  /// `value` and `mask` are then their low 128 bits.
  std::vector<std::byte> wide;
  bool masked = false;  ///< written with its mask although it covers the field, as load: does it
  friend bool operator==(const SetField&, const SetField&) = default;
};
/// move:SOURCE->TARGET (copy_field). Both have the same number of bits.
struct Move {
  Subfield source;
  Subfield target;
  friend bool operator==(const Move&, const Move&) = default;
};
/// resubmit(PORT,TABLE) or resubmit(PORT,TABLE,ct)
struct Resubmit {
  PortNo in_port = kPortInPort;  ///< kPortInPort: unchanged
  TableId table{255};            ///< 255: the current one
  bool ct = false;               ///< look up with the original tuple of the connection
  bool port_only = false;        ///< in the form without a table, which is then 255
  friend bool operator==(const Resubmit&, const Resubmit&) = default;
};

/// nat(src=10.0.0.1-10.0.0.9:1-2,random); only in ct
struct Nat {
  bool src = false;
  bool dst = false;
  bool persistent = false;
  bool hash = false;
  bool random = false;
  std::optional<IpAddress> address_min;
  std::optional<IpAddress> address_max;  ///< absent: the same as the first
  std::optional<std::uint16_t> port_min;
  std::optional<std::uint16_t> port_max;
  friend bool operator==(const Nat&, const Nat&) = default;
};

/// One part of a learned flow: `=` a match, `load:` a field or `output:`.
struct LearnSpec {
  enum class Target : std::uint8_t { kMatch = 0, kLoad = 1, kOutput = 2 };
  Target target = Target::kMatch;
  std::uint16_t bits = 0;
  std::optional<Subfield> source;  ///< absent: `value`
  FieldValue value;                ///< immediate, right-aligned
  Subfield destination;            ///< not for kOutput
  std::vector<std::byte> wide;     ///< an immediate of more than 128 bits, as on the wire
  friend bool operator==(const LearnSpec&, const LearnSpec&) = default;

  /// FIELD=FIELD of the packet.
  ANTREA_API static LearnSpec match_field(const Subfield& target, const Subfield& source);
  ANTREA_API static LearnSpec match_value(const Subfield& target, const FieldValue& value);
  ANTREA_API static LearnSpec load_field(const Subfield& target, const Subfield& source);
  ANTREA_API static LearnSpec load_value(const Subfield& target, const FieldValue& value);
  ANTREA_API static LearnSpec output(const Subfield& source);
};
/// learn(table=10,...)
struct Learn {
  TableId table;
  std::uint16_t idle_timeout = 0;  ///< seconds; 0: none
  std::uint16_t hard_timeout = 0;
  std::uint16_t priority = 0x8000;
  std::uint16_t fin_idle_timeout = 0;
  std::uint16_t fin_hard_timeout = 0;
  std::uint64_t cookie = 0;
  bool send_flow_rem = false;
  bool delete_learned = false;
  std::uint32_t limit = 0;
  std::optional<Subfield> result;  ///< one bit: whether a flow was learned
  std::vector<LearnSpec> specs;
  bool extended = false;  ///< in the form that has limit and result, though neither is used
  friend bool operator==(const Learn&, const Learn&) = default;
};
/// conjunction(ID,CLAUSE/COUNT); the clause counts from 0 here, from 1 in flow syntax
struct Conjunction {
  std::uint32_t id = 0;
  std::uint8_t clause = 0;
  std::uint8_t count = 0;  ///< 2 to 64
  friend bool operator==(const Conjunction&, const Conjunction&) = default;
};
/// controller(reason=..,max_len=..,id=..,userdata=..,pause,meter_id=..)
struct Controller {
  std::uint16_t max_len = 0xffff;
  std::uint16_t controller_id = 0;
  std::uint8_t reason =
      1;  ///< 0 no_match, 1 action, 2 invalid_ttl, 3 action_set, 4 group, 5 packet_out
  std::vector<std::uint8_t> userdata;
  bool pause = false;
  std::optional<MeterId> meter;
  bool extended = false;  ///< in the form that has userdata, pause and meter, though none is used
  friend bool operator==(const Controller&, const Controller&) = default;
};
/// dec_ttl
struct DecTtl {
  std::vector<std::uint16_t>
      controller_ids;     ///< dec_ttl(id,id): who is told; empty: the plain action
  bool with_ids = false;  ///< in the form with ids, though it has none or only 0
  friend bool operator==(const DecTtl&, const DecTtl&) = default;
};
/// mod_nw_ttl:64
struct SetIpTtl {
  std::uint8_t ttl = 0;
  friend bool operator==(const SetIpTtl&, const SetIpTtl&) = default;
};
struct PushVlan {
  std::uint16_t eth_type = 0x8100;
  friend bool operator==(const PushVlan&, const PushVlan&) = default;
};
struct PopVlan {
  friend bool operator==(const PopVlan&, const PopVlan&) = default;
};
struct PushMpls {
  std::uint16_t eth_type = 0x8847;
  friend bool operator==(const PushMpls&, const PushMpls&) = default;
};
struct PopMpls {
  std::uint16_t eth_type = 0x0800;
  friend bool operator==(const PopMpls&, const PopMpls&) = default;
};
struct SetMplsTtl {
  std::uint8_t ttl = 0;
  friend bool operator==(const SetMplsTtl&, const SetMplsTtl&) = default;
};
struct DecMplsTtl {
  friend bool operator==(const DecMplsTtl&, const DecMplsTtl&) = default;
};
/// set_queue:1
struct SetQueue {
  std::uint32_t queue = 0;
  friend bool operator==(const SetQueue&, const SetQueue&) = default;
};
struct PopQueue {
  friend bool operator==(const PopQueue&, const PopQueue&) = default;
};
/// meter:1
struct MeterAction {
  MeterId meter;
  friend bool operator==(const MeterAction&, const MeterAction&) = default;
};
/// note:00.01.02; no effect
struct Note {
  std::vector<std::uint8_t> bytes;  ///< on the wire followed by zeros up to 6 + 8n bytes
  /// Zeros at the end do not count.
  friend bool operator==(const Note& a, const Note& b) {
    const Note& longer = a.bytes.size() < b.bytes.size() ? b : a;
    const Note& shorter = a.bytes.size() < b.bytes.size() ? a : b;
    return std::equal(shorter.bytes.begin(), shorter.bytes.end(), longer.bytes.begin()) &&
           std::all_of(longer.bytes.begin() + static_cast<std::ptrdiff_t>(shorter.bytes.size()),
                       longer.bytes.end(), [](std::uint8_t byte) { return byte == 0; });
  }
};
struct CtClear {
  friend bool operator==(const CtClear&, const CtClear&) = default;
};
struct Exit {
  friend bool operator==(const Exit&, const Exit&) = default;
};
struct FinTimeout {
  std::uint16_t idle_timeout = 0;
  std::uint16_t hard_timeout = 0;
  friend bool operator==(const FinTimeout&, const FinTimeout&) = default;
};
/// push:NXM_NX_REG0[]
struct StackPush {
  Subfield source;
  friend bool operator==(const StackPush&, const StackPush&) = default;
};
/// pop:NXM_NX_REG0[]
struct StackPop {
  Subfield target;
  friend bool operator==(const StackPop&, const StackPop&) = default;
};
/// multipath(fields,basis,algorithm,n_links,arg,dst)
struct Multipath {
  std::uint16_t fields = 0;  ///< as in `BundleLinks::fields`
  std::uint16_t basis = 0;
  std::uint16_t algorithm = 0;  ///< 0 modulo_n, 1 hash_threshold, 2 hrw, 3 iter_hash
  std::uint16_t max_link = 0;   ///< number of links less one
  std::uint32_t arg = 0;
  Subfield target;
  friend bool operator==(const Multipath&, const Multipath&) = default;
};
/// bundle(...) and bundle_load(...)
struct BundleLinks {
  std::uint16_t algorithm = 0;  ///< 0 active_backup, 1 hrw
  std::uint16_t fields = 0;  ///< 0 eth_src, 1 symmetric_l4, 2 symmetric_l3l4, 3 with udp, 4 nw_src,
                             ///< 5 nw_dst, 6 symmetric_l3
  std::uint16_t basis = 0;
  std::optional<Subfield> target;  ///< bundle_load
  std::vector<PortNo> members;
  friend bool operator==(const BundleLinks&, const BundleLinks&) = default;
};
/// sample(...)
struct Sample {
  enum class Form : std::uint8_t { kSample = 29, kSample2 = 38, kSample3 = 41, kSample4 = 51 };
  enum class Direction : std::uint8_t { kDefault = 0, kIngress = 1, kEgress = 2 };
  Form form = Form::kSample;
  Direction direction = Direction::kDefault;
  std::uint16_t probability = 0;
  std::uint32_t collector_set_id = 0;
  std::uint32_t obs_domain_id = 0;
  std::optional<Subfield> obs_domain;
  std::uint32_t obs_point_id = 0;
  std::optional<Subfield> obs_point;
  PortNo sampling_port = kPortAny;
  friend bool operator==(const Sample&, const Sample&) = default;
};
/// encap(nsh(md_type=1,tlv(0x1000,10,0x12345678)))
struct Encap {
  struct Tlv {
    std::uint16_t tlv_class = 0;
    std::uint8_t type = 0;
    std::vector<std::uint8_t> data;
    friend bool operator==(const Tlv&, const Tlv&) = default;
  };
  std::uint32_t packet_type = 0;  ///< 0 ethernet, 0x1894f nsh, 0x18847, 0x18848 mpls
  std::uint16_t header_size = 0;
  std::optional<std::uint8_t> nsh_md_type;
  std::vector<Tlv> nsh_tlvs;
  friend bool operator==(const Encap&, const Encap&) = default;
};
/// decap(); with a packet type decap(packet_type(ns=..,type=..))
struct Decap {
  std::uint32_t packet_type = 0xfffe;  ///< 0xfffe: by the next header
  friend bool operator==(const Decap&, const Decap&) = default;
};
struct DecNshTtl {
  friend bool operator==(const DecNshTtl&, const DecNshTtl&) = default;
};
/// check_pkt_larger(1500)->reg0[0]
struct CheckPktLarger {
  std::uint16_t length = 0;
  Subfield target;  ///< one bit
  friend bool operator==(const CheckPktLarger&, const CheckPktLarger&) = default;
};
/// delete_field:tun_metadata0
struct DeleteField {
  FieldId field{};
  std::uint8_t length = 0;  ///< bytes of the option; 0: as long as there are
  friend bool operator==(const DeleteField&, const DeleteField&) = default;
};
/// The setters of OpenFlow 1.0 and 1.1 (mod_nw_src:10.0.0.1, set_vlan_vid:9, set_tunnel:7). In
/// OpenFlow 1.5 they are taken, and written as the set_field that does the same.
struct LegacySet {
  enum class Kind : std::uint8_t {
    kVlanVid,
    kVlanPcp,
    kEthSrc,
    kEthDst,
    kIpSrc,
    kIpDst,
    kIpTos,  ///< `value` holds all 8 bits, the low two clear
    kIpEcn,
    kTpSrc,
    kTpDst,
    kMplsLabel,
    kMplsTc,
    kTunnel,
    kTunnel64,
  };
  Kind kind{};
  std::uint64_t value = 0;
  /// kTpSrc, kTpDst: the protocol that the flow matches. 0: not known, and written as it came.
  std::uint8_t ip_proto = 0;
  friend bool operator==(const LegacySet&, const LegacySet&) = default;

  /// The set_field that does the same; absent for a port of an unknown protocol.
  ANTREA_API std::optional<SetField> to_set_field() const;
};
/// An action this library has no type for, kept as it came, header included.
struct UnknownAction {
  std::vector<std::byte> bytes;
  friend bool operator==(const UnknownAction&, const UnknownAction&) = default;
};

struct Ct;
struct Clone;

using Action =
    std::variant<Output, OutputReg, OutputTrunc, GroupAction, SetField, Move, Resubmit, Ct, Nat,
                 Learn, Conjunction, Controller, DecTtl, SetIpTtl, PushVlan, PopVlan, PushMpls,
                 PopMpls, SetMplsTtl, DecMplsTtl, SetQueue, PopQueue, MeterAction, Note, Clone,
                 CtClear, Exit, FinTimeout, StackPush, StackPop, Multipath, BundleLinks, Sample,
                 Encap, Decap, DecNshTtl, CheckPktLarger, DeleteField, LegacySet, UnknownAction>;
using Actions = std::vector<Action>;

/// ct(commit,force,zone=..,table=..,nat(..),exec(..),alg=..)
struct Ct {
  bool commit = false;
  bool force = false;
  std::uint16_t zone = 0;
  std::optional<Subfield> zone_source;  ///< 16 bits of a field, in place of `zone`
  std::optional<TableId> table;         ///< where the tracked packet goes on
  std::uint16_t alg = 0;                ///< 21 ftp, 69 tftp
  Actions actions;                      ///< SetField or Move of ct_mark and ct_label, and Nat
};
/// clone(...)
struct Clone {
  Actions actions;
};
bool operator==(const Ct& a, const Ct& b);
inline bool operator==(const Clone& a, const Clone& b) { return a.actions == b.actions; }
inline bool operator==(const Ct& a, const Ct& b) {
  return a.commit == b.commit && a.force == b.force && a.zone_source == b.zone_source &&
         (a.zone_source || a.zone == b.zone) && a.table == b.table && a.alg == b.alg &&
         a.actions == b.actions;
}

/// load:VALUE->SUBFIELD, as the set_field that OpenFlow 1.5 has for it. Bits beyond the subfield
/// are dropped.
ANTREA_API SetField load(const Subfield& target, const FieldValue& value);
/// set_field of all bits.
ANTREA_API SetField set_field(FieldId field, const FieldValue& value);
ANTREA_API SetField set_field(FieldId field, const FieldValue& value, const FieldValue& mask);
inline Output output(PortNo port) { return Output{port}; }
/// To where the packet came from.
inline Output output_in_port() { return Output{kPortInPort}; }
inline Output output_normal() { return Output{kPortNormal}; }
/// A whole register as port number: output:reg1.
inline OutputReg output_reg(unsigned reg) { return OutputReg{Subfield{reg_field(reg), 0, 32}}; }
inline Resubmit resubmit(TableId table) { return Resubmit{kPortInPort, table, false}; }
/// Source or destination NAT to one address, and one port if given.
ANTREA_API Nat nat_src(const IpAddress& address, std::optional<std::uint16_t> port = {});
ANTREA_API Nat nat_dst(const IpAddress& address, std::optional<std::uint16_t> port = {});

}  // namespace antrea::openflow
