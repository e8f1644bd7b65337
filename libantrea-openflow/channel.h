#pragma once

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>

#include "antrea/base/asio.h"
#include "antrea/openflow/connection.h"

namespace antrea::openflow::detail {

/// One stream of bytes with a peer: a socket, bare or under TLS. Reads and writes may overlap.
class Channel {
 public:
  using Moved = std::tuple<boost::system::error_code, std::size_t>;

  explicit Channel(Stream socket) : socket_(std::move(socket)) {}
  /// Errors: kTimeout, kUnauthenticated.
  boost::asio::awaitable<Result<>> start_tls(boost::asio::ssl::context& context, bool server,
                                             Duration timeout);
  boost::asio::awaitable<Moved> read_some(boost::asio::mutable_buffer into);
  boost::asio::awaitable<Moved> write_some(boost::asio::const_buffer from);
  void close();

 private:
  Stream& socket() { return tls_ ? tls_->next_layer() : socket_; }
  Stream socket_;
  std::unique_ptr<boost::asio::ssl::stream<Stream>> tls_;
};

/// Where channels come from: connects to a remote, or listens there for its peer to come.
class Port {
 public:
  /// Reads the remote and the files of TLS, and begins to listen. Errors: kInvalidArgument;
  /// kNotFound, kMalformed (a file of TLS); kAlreadyExists (the address is taken).
  static boost::asio::awaitable<Result<std::unique_ptr<Port>>> open(
      const ConnectionOptions& options);
  ~Port();
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  /// The next channel, ready for bytes. Waits for a peer as long as that takes.
  boost::asio::awaitable<Result<std::unique_ptr<Channel>>> next(Duration timeout);
  /// The remote; where it listens on any free port, with the port it has.
  const Remote& remote() const { return remote_; }

 private:
  using Acceptor = boost::asio::basic_socket_acceptor<boost::asio::generic::stream_protocol>;
  Port() = default;
  Result<> load(const TlsFiles& files);
  Result<> listen(const boost::asio::any_io_executor& executor);

  Remote remote_;
  std::optional<boost::asio::ssl::context> tls_;
  std::optional<Acceptor> acceptor_;
};

}  // namespace antrea::openflow::detail
