#pragma once

#include <cstdint>
#include <optional>

#include "antrea/openflow/action.h"
#include "antrea/openflow/flow.h"
#include "facts.h"
#include "wire.h"

// What decoding, encoding and checking of actions share.
namespace antrea::openflow::detail {

/// Standard action types, OpenFlow 1.5.1 section 7.2.6; those below 15 are of OpenFlow 1.1.
namespace action_type {
enum Type : std::uint16_t {
  kOutput = 0,
  kSetVlanVid = 1,
  kSetVlanPcp = 2,
  kSetEthSrc = 3,
  kSetEthDst = 4,
  kSetIpSrc = 5,
  kSetIpDst = 6,
  kSetIpTos = 7,
  kSetIpEcn = 8,
  kSetTpSrc = 9,
  kSetTpDst = 10,
  kSetMplsLabel = 13,
  kSetMplsTc = 14,
  kSetMplsTtl = 15,
  kDecMplsTtl = 16,
  kPushVlan = 17,
  kPopVlan = 18,
  kPushMpls = 19,
  kPopMpls = 20,
  kSetQueue = 21,
  kGroup = 22,
  kSetIpTtl = 23,
  kDecIpTtl = 24,
  kSetField = 25,
  kCopyField = 28,
  kMeter = 29,
  kExperimenter = 0xffff,
};
}  // namespace action_type

/// Nicira subtypes, ovs-actions(7).
namespace nx_action {
enum Subtype : std::uint16_t {
  kResubmit = 1,
  kSetTunnel = 2,
  kPopQueue = 5,
  kNote = 8,
  kSetTunnel64 = 9,
  kMultipath = 10,
  kBundle = 12,
  kBundleLoad = 13,
  kResubmitTable = 14,
  kOutputReg = 15,
  kLearn = 16,
  kExit = 17,
  kFinTimeout = 19,
  kController = 20,
  kDecTtlIds = 21,
  kWriteMetadata = 22,
  kStackPush = 27,
  kStackPop = 28,
  kSample = 29,
  kOutputReg2 = 32,
  kConjunction = 34,
  kCt = 35,
  kNat = 36,
  kController2 = 37,
  kSample2 = 38,
  kOutputTrunc = 39,
  kSample3 = 41,
  kClone = 42,
  kCtClear = 43,
  kResubmitTableCt = 44,
  kLearn2 = 45,
  kEncap = 46,
  kDecap = 47,
  kDecNshTtl = 48,
  kCheckPktLarger = 49,
  kDeleteField = 50,
  kSample4 = 51,
  kDebugSlow = 254,
  kDebugRecirculation = 255,
};
}  // namespace nx_action

constexpr std::uint32_t kOnfExperimenter = 0x4f4e4600;

/// What the decoding of one list of actions, nested ones included, knows.
struct ActionReader {
  unsigned depth = 0;      ///< of nesting
  std::size_t offset = 0;  ///< of the action at fault, in bytes from the start of the message
  /// Where the action write_metadata goes: it stands for the instruction, behind all other actions.
  std::optional<WriteMetadata>* metadata = nullptr;
  Actions room;  ///< an empty list whose memory the next ct takes
};

/// Appends the action whose body, behind its header, `in` holds; in the table one row a kind.
using ActionDecoder = Fault (*)(In& in, ActionReader& reader, Actions& out);

// action_decode.cc: decodes a list without looking at what its actions mean beside each other.
Fault pull_action_list(In& in, ActionReader& reader, Actions& out);
// A list inside an action, to the end of `in`: the rules of nesting hold.
Fault pull_nested_actions(In& in, ActionReader& reader, Actions& out, bool inside_ct);

// Decoders of the table, by file.
// action_decode_learn.cc
Fault pull_learn(In& in, ActionReader& reader, Actions& out);
Fault pull_learn2(In& in, ActionReader& reader, Actions& out);
// action_decode_ct.cc
Fault pull_ct(In& in, ActionReader& reader, Actions& out);
Fault pull_nat(In& in, ActionReader& reader, Actions& out);
Fault pull_clone(In& in, ActionReader& reader, Actions& out);
// action_decode_nicira.cc
Fault pull_resubmit(In& in, ActionReader& reader, Actions& out);
Fault pull_resubmit_table(In& in, ActionReader& reader, Actions& out);
Fault pull_resubmit_table_ct(In& in, ActionReader& reader, Actions& out);
Fault pull_note(In& in, ActionReader& reader, Actions& out);
Fault pull_multipath(In& in, ActionReader& reader, Actions& out);
Fault pull_bundle(In& in, ActionReader& reader, Actions& out);
Fault pull_bundle_load(In& in, ActionReader& reader, Actions& out);
Fault pull_output_reg(In& in, ActionReader& reader, Actions& out);
Fault pull_output_reg2(In& in, ActionReader& reader, Actions& out);
Fault pull_output_trunc(In& in, ActionReader& reader, Actions& out);
Fault pull_dec_ttl_ids(In& in, ActionReader& reader, Actions& out);
Fault pull_fin_timeout(In& in, ActionReader& reader, Actions& out);
Fault pull_controller(In& in, ActionReader& reader, Actions& out);
Fault pull_controller2(In& in, ActionReader& reader, Actions& out);
Fault pull_write_metadata(In& in, ActionReader& reader, Actions& out);
Fault pull_stack_push(In& in, ActionReader& reader, Actions& out);
Fault pull_stack_pop(In& in, ActionReader& reader, Actions& out);
Fault pull_sample(In& in, ActionReader& reader, Actions& out);
Fault pull_sample2(In& in, ActionReader& reader, Actions& out);
Fault pull_sample3(In& in, ActionReader& reader, Actions& out);
Fault pull_sample4(In& in, ActionReader& reader, Actions& out);
Fault pull_conjunction(In& in, ActionReader& reader, Actions& out);
Fault pull_encap(In& in, ActionReader& reader, Actions& out);
Fault pull_decap(In& in, ActionReader& reader, Actions& out);
Fault pull_check_pkt_larger(In& in, ActionReader& reader, Actions& out);
Fault pull_delete_field(In& in, ActionReader& reader, Actions& out);

// Subfields (subfield.cc).
/// Bits of a known field, not beyond it.
Fault check_source(const Subfield& s);
/// The same, and the field can be written.
Fault check_target(const Subfield& s);
/// A header of 4 or 8 bytes, without mask, into `s.field`.
Fault pull_header(In& in, Subfield& s);
/// A header of 4 bytes.
Fault pull_short_header(In& in, Subfield& s);
inline void unpack_bits(std::uint16_t ofs_nbits, Subfield& s) {
  s.offset = ofs_nbits >> 6;
  s.bits = static_cast<std::uint16_t>((ofs_nbits & 0x3f) + 1);
}
inline std::uint16_t pack_bits(const Subfield& s) {
  return static_cast<std::uint16_t>(s.offset << 6 | (s.bits - 1));
}

// Rules between actions (action_verify.cc), and between match and actions (action_check.cc).
/// Which actions may stand in one list. `inside_ct`: in ct(exec(...)).
Fault verify_actions(const Actions& actions, bool inside_ct);
/// Which actions may stand in an action set.
Fault verify_action_set(const Actions& actions);
/// Target and members of a bundle.
Fault check_bundle(const BundleLinks& bundle);
/// Whether packets have what the instructions rely on. Notes the transport protocol in setters of
/// OpenFlow 1.1.
Fault check_instructions(const PacketFacts& facts, TableId table, Instructions& instructions);

}  // namespace antrea::openflow::detail
