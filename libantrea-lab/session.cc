#include "session.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <cstring>

namespace antrea::lab {
namespace {

Error gone() { return make_error(Errc::kUnavailable, "the lab's keeper went away"); }

Result<> send_all(int sock, std::string_view data) {
  while (!data.empty()) {
    const ssize_t sent = send(sock, data.data(), data.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return gone();
    data.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

std::string text_or_empty(const boost::json::object& object, const char* key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

}  // namespace

Result<> send_message(int sock, const boost::json::object& body, const std::vector<int>& fds) {
  const std::string text = boost::json::serialize(body);
  if (fds.size() > kMaxDescriptors || text.size() > kMaxMessage)
    return make_error(Errc::kExhausted, "the message is too large");
  std::array<unsigned char, 4> length{};
  for (std::size_t i = 0; i < 4; ++i)
    length[i] = static_cast<unsigned char>(text.size() >> (8 * (3 - i)));
  iovec data{length.data(), length.size()};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMaxDescriptors)> control{};
  if (!fds.empty()) {
    const std::size_t size = sizeof(int) * fds.size();
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(size);
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(size);
    std::memcpy(CMSG_DATA(header), fds.data(), size);
  }
  ssize_t sent = 0;
  do sent = sendmsg(sock, &message, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  if (sent != 4) return gone();
  return send_all(sock, text);
}

Result<Message> receive_message(int sock) {
  Message out;
  std::array<unsigned char, 4> length{};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMaxDescriptors)> control{};
  iovec data{length.data(), length.size()};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t size = 0;
  do size = recvmsg(sock, &message, MSG_WAITALL | MSG_CMSG_CLOEXEC);
  while (size < 0 && errno == EINTR);
  if (size > 0) {
    for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
      if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
      for (std::size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); ++i) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof fd);
        out.fds.emplace_back(fd);
      }
    }
  }
  if (size != 4) return gone();
  std::size_t left = 0;
  for (unsigned char byte : length) left = left << 8 | byte;
  if (left > kMaxMessage) return make_error(Errc::kMalformed, "the message is too large");
  std::string text(left, '\0');
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t got = recv(sock, text.data() + at, text.size() - at, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return gone();
    at += static_cast<std::size_t>(got);
  }
  boost::system::error_code ec;
  auto parsed = boost::json::parse(text, ec);
  if (ec || !parsed.is_object())
    return make_error(Errc::kMalformed, "the message is no JSON object");
  out.body = std::move(parsed.as_object());
  return out;
}

Result<Fd> connect_to(const std::string& path) {
  Fd sock(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!sock) return errno_error("make a socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return make_error(Errc::kInvalidArgument, "the path is too long for a socket", path);
  std::memcpy(address.sun_path, path.data(), path.size());
  if (connect(sock.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    return make_error(Errc::kUnavailable, std::strerror(errno), path);
  return sock;
}

boost::json::object encode_error(const Error& error) {
  return {{"error",
           {{"code", static_cast<unsigned>(error.code)},
            {"cause", error.cause},
            {"object", error.object},
            {"remedy", error.remedy}}}};
}

Result<Message> check_refusal(Message message) {
  const auto* error = message.body.if_contains("error");
  if (error == nullptr || !error->is_object()) return message;
  const auto& o = error->as_object();
  const auto* code = o.if_contains("code");
  return make_error(
      code != nullptr && code->is_int64() ? static_cast<Errc>(code->as_int64()) : Errc::kInternal,
      text_or_empty(o, "cause"), text_or_empty(o, "object"), text_or_empty(o, "remedy"));
}

}  // namespace antrea::lab
