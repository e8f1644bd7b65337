#pragma once

#include <string_view>
#include <variant>

#include "antrea/openflow/connection.h"

namespace antrea::openflow {

/// A part handler that decodes each part and calls `take` with the body it is about.
template <typename Body, typename Take>
Connection::PartHandler parts_of(std::string_view what, Take take) {
  return [what, take](std::span<const std::byte> wire) -> Result<> {
    auto decoded = decode_message(wire);
    if (!decoded) return decoded.error().to_error().within(what);
    if (const auto* reply = std::get_if<MultipartReply>(&decoded->message))
      if (const auto* body = std::get_if<Body>(&reply->body)) take(*body);
    return {};
  };
}

}  // namespace antrea::openflow
