#pragma once

#include <string_view>

#include "antrea/openflow/message.h"
#include "parse_source.h"

// Whole objects of flow syntax; the text stands in the source.
namespace antrea::openflow::detail {

/// Where "actions=" starts and its list; the list is absent without one.
struct FlowParts {
  std::string_view before;
  std::string_view actions;
  bool has_actions = false;
};
FlowParts split_flow(std::string_view text);

bool read_flow_mod(Source& source, std::string_view text, FlowCommand command, FlowMod& mod);
/// With the command in front, "add" by default.
bool read_flow_line(Source& source, std::string_view text, FlowMod& mod);
bool read_group_mod(Source& source, std::string_view text, GroupCommand command, GroupMod& mod);
bool read_group_line(Source& source, std::string_view text, GroupMod& mod);
bool read_meter_mod(Source& source, std::string_view text, MeterCommand command, MeterMod& mod);
bool read_packet_out(Source& source, std::string_view text, PacketOut& packet_out);

/// The first word, and the text behind it.
std::string_view first_word(std::string_view text, std::string_view& rest);

}  // namespace antrea::openflow::detail
