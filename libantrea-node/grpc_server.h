#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "antrea/base/result.h"

namespace antrea::node {

/// Unary gRPC methods by path ("/package.Service/Method"): the encoded request in, the encoded
/// reply out. An error becomes gRPC status INTERNAL with its text.
using GrpcMethods =
    std::map<std::string, std::function<boost::asio::awaitable<Result<std::string>>(std::string)>>;

/// Serves unary gRPC calls over HTTP/2 (https://github.com/grpc/grpc, doc/PROTOCOL-HTTP2.md) on
/// what `acceptor` accepts, until that is closed; then open connections end as well. Calls of one
/// connection run side by side. Any bytes may come in: what is no HTTP/2 ends its connection, what
/// is no gRPC gets the status that the protocol has for it.
boost::asio::awaitable<void> serve_grpc(
    std::shared_ptr<boost::asio::local::stream_protocol::acceptor> acceptor,
    std::shared_ptr<const GrpcMethods> methods);

}  // namespace antrea::node
