#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "antrea/base/export.h"
#include "antrea/openflow/message.h"

// The syntax of ovs-ofctl(8), ovs-fields(7) and ovs-actions(7), both ways.
namespace antrea::openflow {

/// Why a text was refused, and at which character of it.
struct TextError {
  std::string cause;
  std::size_t offset = 0;

  /// kMalformed: "parse flow: CAUSE at character 17".
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
/// "NXM_NX_REG0[0..3]"
ANTREA_API std::string to_string(const Subfield& subfield);

}  // namespace antrea::openflow
