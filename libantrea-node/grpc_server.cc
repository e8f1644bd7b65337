#include "grpc_server.h"

#include <fmt/format.h>
#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/write.hpp>
#include <cstring>
#include <string_view>
#include <utility>

#include "antrea/base/asio.h"
#include "antrea/base/bytes.h"

namespace antrea::node {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using Socket = asio::local::stream_protocol::socket;

constexpr std::size_t kMaxRequest = std::size_t{4} << 20;  // gRPC's own default
constexpr std::size_t kPrefix = 5;  // in front of a message: compressed or not, and its length

/// The status codes of gRPC that are given here (doc/statuscodes.md).
enum class Status { kOk = 0, kResourceExhausted = 8, kUnimplemented = 12, kInternal = 13 };

struct Reply {
  Status status = Status::kOk;
  std::string message;  ///< with status 0 the encoded reply, otherwise what went wrong
};

/// One call: a stream of HTTP/2.
struct Call {
  std::string path;
  std::string content_type;
  std::string request;
  std::string response;
  std::size_t sent = 0;
};

nghttp2_nv header(std::string_view name, std::string_view value) {
  nghttp2_nv field{};
  field.name = reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data()));
  field.namelen = name.size();
  field.value = reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data()));
  field.valuelen = value.size();
  return field;
}

/// As grpc-message wants it: printable ASCII but '%', everything else as %XX.
std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c >= ' ' && c <= '~' && c != '%')
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

std::string prefixed(std::string_view message) {
  std::vector<std::byte> prefix;
  ByteWriter out(prefix);
  out.u8(0);  // not compressed
  out.be32(static_cast<std::uint32_t>(message.size()));
  std::string framed(reinterpret_cast<const char*>(prefix.data()), prefix.size());
  framed += message;
  return framed;
}

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Socket socket, std::shared_ptr<const GrpcMethods> methods)
      : socket_(std::move(socket)), methods_(std::move(methods)), wake_(socket_.get_executor()) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_session_server_new(&http2_, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
  }
  ~Session() { nghttp2_session_del(http2_); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void start() {
    const nghttp2_settings_entry settings{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 100};
    nghttp2_submit_settings(http2_, NGHTTP2_FLAG_NONE, &settings, 1);
    const auto executor = socket_.get_executor();
    asio::co_spawn(executor, read(shared_from_this()), asio::detached);
    asio::co_spawn(executor, write(shared_from_this()), asio::detached);
  }
  void close() {
    boost::system::error_code ignored;
    socket_.close(ignored);
    closed_ = true;
    wake_.notify();
  }
  bool closed() const { return closed_; }

 private:
  static Session& self(void* user) { return *static_cast<Session*>(user); }

  static awaitable<void> read(std::shared_ptr<Session> session) {
    std::array<std::uint8_t, 16384> buffer;
    for (;;) {
      const auto [code, size] =
          co_await session->socket_.async_read_some(asio::buffer(buffer), kTuple);
      if (code || nghttp2_session_mem_recv(session->http2_, buffer.data(), size) < 0) break;
      session->wake_.notify();
      if (nghttp2_session_want_read(session->http2_) == 0) break;
    }
    session->reading_ = false;
    session->wake_.notify();
  }

  /// Sends what the session has to send; ends the connection once nothing can come in any more.
  static awaitable<void> write(std::shared_ptr<Session> session) {
    while (!session->closed_) {
      const std::uint8_t* bytes = nullptr;
      const auto size = nghttp2_session_mem_send(session->http2_, &bytes);
      if (size < 0) break;
      if (size == 0) {
        if (!session->reading_) break;
        co_await session->wake_.wait();
        continue;
      }
      const auto part = asio::buffer(bytes, static_cast<std::size_t>(size));
      const auto [code, written] = co_await asio::async_write(session->socket_, part, kTuple);
      if (code) break;
    }
    session->close();
  }

  static awaitable<void> answer(std::shared_ptr<Session> session, std::int32_t stream,
                                std::string request, const GrpcMethods::mapped_type& method) {
    auto reply = co_await method(std::move(request));
    if (reply)
      session->respond(stream, {Status::kOk, *std::move(reply)});
    else
      session->respond(stream, {Status::kInternal, reply.error().to_string()});
  }

  void dispatch(std::int32_t stream, Call& call) {
    if (!call.content_type.starts_with("application/grpc")) {
      const std::array fields{header(":status", "415")};
      nghttp2_submit_response(http2_, stream, fields.data(), fields.size(), nullptr);
      return;
    }
    const auto method = methods_->find(call.path);
    if (method == methods_->end())
      return respond(stream, {Status::kUnimplemented, "no method " + call.path});
    ByteReader in(as_byte_span(call.request));
    const bool compressed = in.u8() != 0;
    const std::size_t size = in.be32();
    if (in.failed() || call.request.size() - kPrefix != size)
      return respond(stream, {Status::kInternal, "expected exactly one whole message"});
    if (compressed)
      return respond(stream, {Status::kUnimplemented, "compressed messages are not accepted"});
    asio::co_spawn(socket_.get_executor(),
                   answer(shared_from_this(), stream, call.request.substr(kPrefix), method->second),
                   asio::detached);
  }

  /// The caller may have gone by now.
  void respond(std::int32_t stream, Reply reply) {
    const auto found = calls_.find(stream);
    if (found == calls_.end()) return;
    Call& call = found->second;
    if (reply.status == Status::kOk) {
      call.response = prefixed(reply.message);
      const std::array fields{header(":status", "200"), header("content-type", "application/grpc")};
      nghttp2_data_provider body{};
      body.source.ptr = &call;
      body.read_callback = read_response;
      nghttp2_submit_response(http2_, stream, fields.data(), fields.size(), &body);
    } else {
      const std::string status = std::to_string(static_cast<int>(reply.status));
      const std::string message = percent_encoded(reply.message);
      const std::array fields{header(":status", "200"), header("content-type", "application/grpc"),
                              header("grpc-status", status), header("grpc-message", message)};
      nghttp2_submit_response(http2_, stream, fields.data(), fields.size(), nullptr);
    }
    wake_.notify();
  }

  static ssize_t read_response(nghttp2_session* http2, std::int32_t stream, std::uint8_t* buffer,
                               std::size_t size, std::uint32_t* flags, nghttp2_data_source* source,
                               void*) {
    auto& call = *static_cast<Call*>(source->ptr);
    const std::size_t count = std::min(size, call.response.size() - call.sent);
    std::memcpy(buffer, call.response.data() + call.sent, count);
    call.sent += count;
    if (call.sent == call.response.size()) {
      *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
      const auto status = header("grpc-status", "0");
      nghttp2_submit_trailer(http2, stream, &status, 1);
    }
    return static_cast<ssize_t>(count);
  }

  static int on_begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
      self(user).calls_.try_emplace(frame->hd.stream_id);
    return 0;
  }

  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                       std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                       std::uint8_t, void* user) {
    const auto found = self(user).calls_.find(frame->hd.stream_id);
    if (found == self(user).calls_.end()) return 0;
    const std::string_view key(reinterpret_cast<const char*>(name), name_size);
    const std::string_view text(reinterpret_cast<const char*>(value), value_size);
    if (key == ":path") found->second.path = text;
    if (key == "content-type") found->second.content_type = text;
    return 0;
  }

  static int on_data(nghttp2_session*, std::uint8_t, std::int32_t stream, const std::uint8_t* data,
                     std::size_t size, void* user) {
    const auto found = self(user).calls_.find(stream);
    if (found == self(user).calls_.end()) return 0;
    std::string& request = found->second.request;
    if (request.size() + size > kMaxRequest + kPrefix) {
      self(user).respond(stream, {Status::kResourceExhausted, "the request is over 4 MiB"});
      self(user).calls_.erase(found);
      return 0;
    }
    request.append(reinterpret_cast<const char*>(data), size);
    return 0;
  }

  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
    const auto found = self(user).calls_.find(frame->hd.stream_id);
    if (found != self(user).calls_.end()) self(user).dispatch(found->first, found->second);
    return 0;
  }

  static int on_stream_close(nghttp2_session*, std::int32_t stream, std::uint32_t, void* user) {
    self(user).calls_.erase(stream);
    return 0;
  }

  Socket socket_;
  std::shared_ptr<const GrpcMethods> methods_;
  Signal wake_;  // something to send, or the end
  nghttp2_session* http2_ = nullptr;
  std::map<std::int32_t, Call> calls_;
  bool reading_ = true;
  bool closed_ = false;
};

}  // namespace

awaitable<void> serve_grpc(std::shared_ptr<asio::local::stream_protocol::acceptor> acceptor,
                           std::shared_ptr<const GrpcMethods> methods) {
  std::vector<std::weak_ptr<Session>> sessions;
  while (acceptor->is_open()) {
    auto [code, socket] = co_await acceptor->async_accept(kTuple);
    if (code == asio::error::operation_aborted || !acceptor->is_open()) break;
    if (code) {  // out of descriptors, say: give those at work a chance to end
      asio::steady_timer pause(acceptor->get_executor(), std::chrono::milliseconds(100));
      co_await pause.async_wait(kTuple);
      continue;
    }
    std::erase_if(sessions, [](const auto& session) { return session.expired(); });
    const auto session = std::make_shared<Session>(std::move(socket), methods);
    sessions.push_back(session);
    session->start();
  }
  for (const auto& each : sessions)
    if (const auto session = each.lock()) session->close();
}

}  // namespace antrea::node
