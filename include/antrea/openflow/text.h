#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "antrea/base/export.h"
#include "antrea/openflow/message.h"

// The syntax of ovs-ofctl(8), ovs-fields(7) and ovs-actions(7), both ways.
namespace antrea::openflow {

/// Why a text was refused, and at which character of it.
struct TextError {
  std::string cause;
  std::size_t offset = 0;  ///< characters in front of the wrong one, in its line
  std::size_t line = 0;    ///< of a file, from 1; else 0

  /// kMalformed: "parse flow syntax: CAUSE at character 17", behind it " of line 3" for a file.
  ANTREA_API Error to_error() const;
  operator Error() const { return to_error(); }
  friend bool operator==(const TextError&, const TextError&) = default;
};
[[noreturn]] ANTREA_API void throw_exception_from_error(const TextError& error,
                                                        const boost::source_location& where);
template <typename T>
using TextResult = boost::system::result<T, TextError>;

/// "ct_state=+new+trk,ip,reg0=0x2/0xf,nw_dst=10.10.0.0/24"; empty for a match of everything.
ANTREA_API std::string to_string(const Match& match);
/// "set_field:0x2/0xf->reg0,resubmit(,10)"; "drop" for none.
ANTREA_API std::string to_string(const Actions& actions);
/// "set_field:0x5->reg0,goto_table:8"; "drop" for none.
ANTREA_API std::string to_string(const Instructions& instructions);
/// As ovs-ofctl dump-flows --no-stats prints it: "table=3, priority=200,in_port=1
/// actions=output:2".
ANTREA_API std::string to_string(const Flow& flow);
/// "ADD table:3 priority=200,in_port=1 actions=output:2".
ANTREA_API std::string to_string(const FlowMod& mod);
/// "group_id=1,type=select,bucket=bucket_id:0,weight:100,actions=output:1".
ANTREA_API std::string to_string(const Group& group);
ANTREA_API std::string to_string(const GroupMod& mod);
/// "meter=1 kbps bands=" and a line for each band.
ANTREA_API std::string to_string(const Meter& meter);
ANTREA_API std::string to_string(const MeterMod& mod);

/// What `ovs-ofctl ofp-print` shows of bytes that are, or should be, one message: its name, version
/// and xid, and what it says, in one or more lines, the last one ended. Any bytes have a text: what
/// cannot be decoded is named ("***decode error: OFPBMC_BAD_PREREQ***") and dumped in hex, behind
/// what could be decoded before it. Cost is linear in the size.
ANTREA_API std::string print_message(std::span<const std::byte> wire);
/// The same, appended to `out`.
ANTREA_API void print_message(std::span<const std::byte> wire, std::string& out);
/// The same of a message that is not encoded yet.
ANTREA_API std::string to_string(std::uint32_t xid, const Message& message);
/// The kind of message that bytes are, by their headers alone: "OFPT_FLOW_MOD",
/// "OFPST_PORT_DESC reply", "NXT_RESUME", "type 35" for one without a name.
ANTREA_API std::string message_name(std::span<const std::byte> wire);

/// "NXM_NX_REG0[0..3]"
ANTREA_API std::string to_string(const Subfield& subfield);

// Parsing takes what ovs-ofctl(8) takes. Reserved ports go by name; other ports, and tables, by
// number, or by the name that `Names` has for them where a call takes those. What ovs-ofctl
// refuses, this refuses too: also actions that lack in the match what they rely on. Encoded, the
// result is what `ovs-ofctl -O OpenFlow15` sends. All survive any text; cost and allocation are
// linear in its length.

/// What one switch calls its ports and tables.
struct Names {
  std::map<std::string, PortNo, std::less<>> ports;
  std::map<std::string, TableId, std::less<>> tables;
};

/// "ip,nw_dst=10.0.0.0/24,tp_dst=80": also what a flow has besides, such as out_port, is taken, and
/// dropped.
ANTREA_API TextResult<Match> parse_match(std::string_view text);
/// A list without "actions=", unchecked against any match.
ANTREA_API TextResult<Actions> parse_actions(std::string_view text);
/// A flow to be added: "table=3,priority=200,ip actions=output:2", or as `ovs-ofctl dump-flows`
/// prints it. Without a table it goes to table 0. With `names`, ports and tables may have the names
/// in it, in quotes where a name holds more than letters, digits and '_'.
ANTREA_API TextResult<Flow> parse_flow(std::string_view text, const Names* names = nullptr);
/// What add-flow, mod-flows and del-flows take, with --strict the strict commands. Names as for
/// `parse_flow`.
ANTREA_API TextResult<FlowMod> parse_flow_mod(std::string_view text,
                                              FlowCommand command = FlowCommand::kAdd,
                                              const Names* names = nullptr);
/// What add-group, mod-group, del-groups, insert-buckets and remove-buckets take. Buckets without
/// bucket_id are numbered; to delete, no text stands for all groups.
ANTREA_API TextResult<GroupMod> parse_group_mod(std::string_view text,
                                                GroupCommand command = GroupCommand::kAdd);
/// What add-meter, mod-meter and del-meters take; to delete, no text stands for all meters.
ANTREA_API TextResult<MeterMod> parse_meter_mod(std::string_view text,
                                                MeterCommand command = MeterCommand::kAdd);
/// What packet-out takes: "in_port=1 packet=HEX actions=...".
ANTREA_API TextResult<PacketOut> parse_packet_out(std::string_view text);

/// A file of flows as add-flows takes it: one a line, with "add", "modify", "modify_strict",
/// "delete" or "delete_strict" in front or nothing for "add"; "#" starts a comment.
ANTREA_API TextResult<std::vector<FlowMod>> parse_flow_file(std::string_view text);
/// A file as `ovs-ofctl bundle` takes it, each line with "flow", "group" or "packet-out" and the
/// command in front: flow_mods, group_mods and packet-outs.
ANTREA_API TextResult<std::vector<Message>> parse_bundle_file(std::string_view text);

}  // namespace antrea::openflow
