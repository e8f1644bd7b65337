#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <vector>

#include "antrea/openflow/codec.h"
#include "tests/ovs/fixture.h"

namespace antrea::openflow::testing {

/// The simplest client: blocking, with a deadline on every read.
class Client {
 public:
  ~Client() {
    if (fd_ >= 0) close(fd_);
  }
  Client() = default;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool connect(const std::string& path) {
    fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    const timeval timeout{10, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) return false;
    send(Hello{});
    const auto hello = receive();
    return hello && std::holds_alternative<Hello>(hello->message);
  }
  std::uint32_t send(const Message& message) {
    std::vector<std::byte> bytes;
    EXPECT_TRUE(encode(++xid_, message, bytes));
    return send_bytes(bytes);
  }
  std::uint32_t send_bytes(const std::vector<std::byte>& bytes) {
    EXPECT_EQ(write(fd_, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    return xid_;
  }
  /// The next message's bytes; empty on end or timeout.
  std::vector<std::byte> receive_bytes() {
    std::vector<std::byte> bytes(kHeaderSize);
    if (!read_exactly(bytes.data(), bytes.size())) return {};
    bytes.resize(peek_header(bytes)->length);
    if (!read_exactly(bytes.data() + kHeaderSize, bytes.size() - kHeaderSize)) return {};
    return bytes;
  }
  std::optional<Decoded> receive() {
    const auto bytes = receive_bytes();
    if (bytes.empty()) return {};
    auto decoded = decode_message(bytes);
    EXPECT_TRUE(decoded.has_value()) << decoded.error().to_error().to_string();
    if (decoded.has_error()) return {};
    return std::move(*decoded);
  }
  /// Sends a barrier and returns the errors that came before its reply.
  std::vector<std::string> barrier() {
    std::vector<std::string> errors;
    const std::uint32_t xid = send(BarrierRequest{});
    while (auto got = receive()) {
      if (const auto* error = std::get_if<ErrorMessage>(&got->message))
        errors.push_back(to_string(error->error));
      if (std::holds_alternative<BarrierReply>(got->message) && got->xid == xid) return errors;
    }
    errors.emplace_back("no barrier reply");
    return errors;
  }
  /// The parts of an answer to a multipart request.
  std::vector<std::vector<std::byte>> ask(const MultipartRequestBody& body) {
    send(MultipartRequest{false, body});
    std::vector<std::vector<std::byte>> parts;
    for (;;) {
      auto bytes = receive_bytes();
      if (bytes.size() < 16) return parts;
      const bool more = (std::to_integer<int>(bytes[11]) & 1) != 0;
      parts.push_back(std::move(bytes));
      if (!more) return parts;
    }
  }

 private:
  bool read_exactly(std::byte* to, std::size_t size) {
    while (size > 0) {
      const ssize_t count = read(fd_, to, size);
      if (count <= 0) return false;
      to += count;
      size -= static_cast<std::size_t>(count);
    }
    return true;
  }
  int fd_ = -1;
  std::uint32_t xid_ = 0;
};

}  // namespace antrea::openflow::testing
