#include "unary_call.h"

#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "antrea/base/bytes.h"

namespace antrea {
namespace {

using Clock = std::chrono::steady_clock;

class Socket {
 public:
  Socket() : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {}
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

/// The state of the one call.
struct Call {
  int fd = -1;
  std::string request;  // length-prefixed message
  std::size_t sent = 0;
  std::string reply;
  std::string grpc_status;
  std::string grpc_message;
  bool closed = false;
};

ssize_t send_bytes(nghttp2_session*, const std::uint8_t* data, std::size_t size, int, void* user) {
  const auto written = ::send(static_cast<Call*>(user)->fd, data, size, MSG_NOSIGNAL);
  if (written >= 0) return written;
  return errno == EAGAIN ? NGHTTP2_ERR_WOULDBLOCK : NGHTTP2_ERR_CALLBACK_FAILURE;
}

ssize_t read_body(nghttp2_session*, std::int32_t, std::uint8_t* buffer, std::size_t size,
                  std::uint32_t* flags, nghttp2_data_source* source, void*) {
  auto* const call = static_cast<Call*>(source->ptr);
  const std::size_t count = std::min(size, call->request.size() - call->sent);
  std::memcpy(buffer, call->request.data() + call->sent, count);
  call->sent += count;
  if (call->sent == call->request.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
  return static_cast<ssize_t>(count);
}

int on_data(nghttp2_session*, std::uint8_t, std::int32_t, const std::uint8_t* data,
            std::size_t size, void* user) {
  static_cast<Call*>(user)->reply.append(reinterpret_cast<const char*>(data), size);
  return 0;
}

int on_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name,
              std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
              std::uint8_t, void* user) {
  auto* const call = static_cast<Call*>(user);
  const std::string_view key(reinterpret_cast<const char*>(name), name_size);
  const std::string_view text(reinterpret_cast<const char*>(value), value_size);
  if (key == "grpc-status") call->grpc_status = text;
  if (key == "grpc-message") call->grpc_message = text;
  return 0;
}

int on_stream_close(nghttp2_session*, std::int32_t, std::uint32_t, void* user) {
  static_cast<Call*>(user)->closed = true;
  return 0;
}

nghttp2_nv header(std::string_view name, std::string_view value) {
  nghttp2_nv field{};
  field.name = reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data()));
  field.namelen = name.size();
  field.value = reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data()));
  field.valuelen = value.size();
  return field;
}

using Session = std::unique_ptr<nghttp2_session, decltype(&nghttp2_session_del)>;

Session make_session(Call& call) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_send_callback(callbacks, send_bytes);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
  nghttp2_session* session = nullptr;
  nghttp2_session_client_new(&session, callbacks, &call);
  nghttp2_session_callbacks_del(callbacks);
  return {session, nghttp2_session_del};
}

Error unavailable(std::string cause, const std::string& socket) {
  return make_error(Errc::kUnavailable, std::move(cause), socket, "is antrea-agent running?");
}

/// Moves bytes both ways until the stream has ended.
Result<> exchange(nghttp2_session* session, Call& call, const std::string& socket,
                  Clock::time_point deadline) {
  std::array<std::uint8_t, 16384> buffer;
  while (!call.closed) {
    if (nghttp2_session_send(session) != 0)
      return unavailable("call the agent: the connection broke while sending", socket);
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    pollfd ready{call.fd, POLLIN, 0};
    if (nghttp2_session_want_write(session) != 0) ready.events |= POLLOUT;
    const int count = left.count() > 0 ? ::poll(&ready, 1, static_cast<int>(left.count())) : 0;
    if (count < 0 && errno == EINTR) continue;
    if (count == 0) return make_error(Errc::kTimeout, "call the agent: no answer in time", socket);
    if ((ready.revents & (POLLIN | POLLHUP | POLLERR)) == 0) continue;
    const auto size = ::recv(call.fd, buffer.data(), buffer.size(), 0);
    if (size < 0 && errno == EAGAIN) continue;
    if (size <= 0)
      return unavailable("call the agent: it closed the connection before it answered", socket);
    if (nghttp2_session_mem_recv(session, buffer.data(), static_cast<std::size_t>(size)) < 0)
      return make_error(Errc::kMalformed, "call the agent: its answer is no HTTP/2", socket);
  }
  return {};
}

Result<> check_status(const Call& call, const std::string& socket) {
  if (call.grpc_status == "0") return {};
  const std::string cause = "call the agent: gRPC status " +
                            (call.grpc_status.empty() ? "missing" : call.grpc_status) +
                            (call.grpc_message.empty() ? "" : ", " + call.grpc_message);
  if (call.grpc_status == "12") return make_error(Errc::kUnsupported, cause, socket);
  if (call.grpc_status == "14") return make_error(Errc::kUnavailable, cause, socket);
  if (call.grpc_status == "4") return make_error(Errc::kTimeout, cause, socket);
  return make_error(Errc::kRejected, cause, socket);
}

}  // namespace

Result<std::string> unary_call(const std::string& socket, std::string_view path,
                               std::string_view message, std::chrono::seconds deadline) {
  const auto end = Clock::now() + deadline;
  const Socket connection;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket.size() >= sizeof address.sun_path)
    return make_error(Errc::kInvalidArgument, "call the agent: socket path too long", socket);
  std::memcpy(address.sun_path, socket.data(), socket.size());
  if (::connect(connection.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    return unavailable(std::string("connect to the agent: ") + std::strerror(errno), socket);

  Call call;
  call.fd = connection.get();
  std::vector<std::byte> prefix;
  ByteWriter out(prefix);
  out.u8(0);  // not compressed
  out.be32(static_cast<std::uint32_t>(message.size()));
  call.request.assign(reinterpret_cast<const char*>(prefix.data()), prefix.size());
  call.request += message;

  const Session session = make_session(call);
  nghttp2_submit_settings(session.get(), NGHTTP2_FLAG_NONE, nullptr, 0);
  const std::array headers{header(":method", "POST"),
                           header(":scheme", "http"),
                           header(":path", path),
                           header(":authority", "localhost"),
                           header("content-type", "application/grpc"),
                           header("te", "trailers")};
  nghttp2_data_provider body{};
  body.source.ptr = &call;
  body.read_callback = read_body;
  if (nghttp2_submit_request(session.get(), nullptr, headers.data(), headers.size(), &body,
                             nullptr) < 0)
    return make_error(Errc::kInternal, "call the agent: the request could not be built", socket);

  ANTREA_CHECK(exchange(session.get(), call, socket, end));
  ANTREA_CHECK(check_status(call, socket));
  ByteReader in(as_byte_span(call.reply));
  const bool compressed = in.u8() != 0;
  const auto size = in.be32();
  const auto reply = in.take(size);
  if (in.failed() || compressed)
    return make_error(Errc::kMalformed, "call the agent: its answer is cut or compressed", socket);
  return std::string(reinterpret_cast<const char*>(reply.data()), reply.size());
}

}  // namespace antrea
