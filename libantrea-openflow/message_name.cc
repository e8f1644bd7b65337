#include <array>
#include <string_view>

#include "antrea/openflow/message.h"

namespace antrea::openflow {
namespace {

// In the order of the alternatives.
constexpr std::array<std::string_view, std::variant_size_v<Message>> kNames{
    "OFPT_HELLO",
    "OFPT_ERROR",
    "OFPT_ECHO_REQUEST",
    "OFPT_ECHO_REPLY",
    "OFPT_FEATURES_REQUEST",
    "OFPT_FEATURES_REPLY",
    "OFPT_GET_CONFIG_REQUEST",
    "OFPT_GET_CONFIG_REPLY",
    "OFPT_SET_CONFIG",
    "OFPT_PACKET_IN",
    "NXT_PACKET_IN2",
    "NXT_RESUME",
    "OFPT_PACKET_OUT",
    "OFPT_FLOW_REMOVED",
    "OFPT_PORT_STATUS",
    "OFPT_FLOW_MOD",
    "OFPT_GROUP_MOD",
    "OFPT_METER_MOD",
    "OFPT_PORT_MOD",
    "OFPT_TABLE_MOD",
    "OFPT_TABLE_STATUS",
    "OFPT_MULTIPART_REQUEST",
    "OFPT_MULTIPART_REPLY",
    "OFPT_BARRIER_REQUEST",
    "OFPT_BARRIER_REPLY",
    "OFPT_ROLE_REQUEST",
    "OFPT_ROLE_REPLY",
    "OFPT_ROLE_STATUS",
    "OFPT_GET_ASYNC_REQUEST",
    "OFPT_GET_ASYNC_REPLY",
    "OFPT_SET_ASYNC",
    "OFPT_BUNDLE_CONTROL",
    "OFPT_BUNDLE_ADD_MESSAGE",
    "OFPT_REQUESTFORWARD",
    "NXT_ROLE_REQUEST",
    "NXT_FLOW_MOD_TABLE_ID",
    "NXT_SET_PACKET_IN_FORMAT",
    "NXT_SET_ASYNC_CONFIG",
    "NXT_SET_CONTROLLER_ID",
    "NXT_TLV_TABLE_MOD",
    "NXT_TLV_TABLE_REQUEST",
    "NXT_TLV_TABLE_REPLY",
    "NXT_CT_FLUSH_ZONE",
    "NXT_CT_FLUSH",
    "NXT_FLOW_AGE",
    "NXT_PACKET_IN",
    "NXT_FLOW_REMOVED",
    "OFPT_EXPERIMENTER",
    "unknown message",
};
constexpr std::array<std::string_view, std::variant_size_v<MultipartRequestBody>> kRequests{
    "OFPST_DESC",           "OFPST_FLOW",        "OFPST_AGGREGATE",    "OFPST_TABLE",
    "OFPST_PORT",           "OFPST_QUEUE",       "OFPST_GROUP",        "OFPST_GROUP_DESC",
    "OFPST_GROUP_FEATURES", "OFPST_METER",       "OFPST_METER_CONFIG", "OFPST_METER_FEATURES",
    "OFPST_TABLE_FEATURES", "OFPST_PORT_DESC",   "OFPST_TABLE_DESC",   "OFPST_QUEUE_DESC",
    "OFPST_FLOW_MONITOR",   "NXST_IPFIX_BRIDGE", "NXST_IPFIX_FLOW",    "unknown multipart",
};
constexpr std::array<std::string_view, std::variant_size_v<MultipartReplyBody>> kReplies{
    "OFPST_DESC",           "OFPST_FLOW",        "OFPST_AGGREGATE",    "OFPST_TABLE",
    "OFPST_PORT",           "OFPST_QUEUE",       "OFPST_GROUP",        "OFPST_GROUP_DESC",
    "OFPST_GROUP_FEATURES", "OFPST_METER",       "OFPST_METER_CONFIG", "OFPST_METER_FEATURES",
    "OFPST_TABLE_FEATURES", "OFPST_PORT_DESC",   "OFPST_TABLE_DESC",   "OFPST_QUEUE_DESC",
    "OFPST_FLOW_MONITOR",   "NXST_IPFIX_BRIDGE", "NXST_IPFIX_FLOW",    "unknown multipart",
};

}  // namespace

std::string message_name(const Message& message) {
  if (const auto* const request = std::get_if<MultipartRequest>(&message))
    return std::string(kRequests[request->body.index()]) + " request";
  if (const auto* const reply = std::get_if<MultipartReply>(&message))
    return std::string(kReplies[reply->body.index()]) + " reply";
  return std::string(kNames[message.index()]);
}

}  // namespace antrea::openflow
