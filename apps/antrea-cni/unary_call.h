#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "antrea/base/result.h"

namespace antrea {

/// One unary gRPC call over HTTP/2 on a Unix socket, without the gRPC library: the request goes
/// out, the reply comes back, the connection is closed (https://github.com/grpc/grpc,
/// doc/PROTOCOL-HTTP2.md).
///
/// `path` is "/package.Service/Method", `message` the encoded request; the value is the encoded
/// reply. Errors by what the server or the way to it said: kUnavailable, kTimeout, kUnsupported (no
/// such method), kRejected (any other status).
Result<std::string> unary_call(const std::string& socket, std::string_view path,
                               std::string_view message, std::chrono::seconds deadline);

}  // namespace antrea
