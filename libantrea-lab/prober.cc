#include "antrea/lab/prober.h"

#include <fmt/format.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <optional>
#include <random>

#include "sctp.h"
#include "sockets.h"

namespace antrea::lab {
namespace {

using SteadyTime = std::chrono::steady_clock;
using std::chrono::microseconds;
using std::chrono::milliseconds;

std::string_view icmp_name(bool v6, unsigned type, unsigned code) {
  if (v6) {
    if (type != 1) return "ICMPv6 error";
    constexpr std::array<std::string_view, 7> kNames{
        "ICMPv6 no route",         "ICMPv6 prohibited",
        "ICMPv6 beyond scope",     "ICMPv6 address unreachable",
        "ICMPv6 port unreachable", "ICMPv6 source address failed",
        "ICMPv6 reject route"};
    return code < kNames.size() ? kNames[code] : "ICMPv6 unreachable";
  }
  if (type != 3) return "ICMP error";
  switch (code) {
    case 0:
      return "ICMP net unreachable";
    case 1:
      return "ICMP host unreachable";
    case 2:
      return "ICMP protocol unreachable";
    case 3:
      return "ICMP port unreachable";
    case 9:
      return "ICMP net prohibited";
    case 10:
      return "ICMP host prohibited";
    case 13:
      return "ICMP communication prohibited";
    default:
      return "ICMP unreachable";
  }
}

struct IcmpError {
  bool v6 = false;
  unsigned type = 0;
  unsigned code = 0;
  IpAddress sender;
};

/// The ICMP error that the kernel keeps for the socket, if there is one.
std::optional<IcmpError> take_icmp_error(int sock) {
  char control[512];
  char payload[64];
  iovec data{payload, sizeof payload};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  if (recvmsg(sock, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return std::nullopt;
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    const bool v4 = c->cmsg_level == SOL_IP && c->cmsg_type == IP_RECVERR;
    const bool v6 = c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_RECVERR;
    if (!v4 && !v6) continue;
    const auto* e = reinterpret_cast<const sock_extended_err*>(CMSG_DATA(c));
    if (e->ee_origin != SO_EE_ORIGIN_ICMP && e->ee_origin != SO_EE_ORIGIN_ICMP6) continue;
    IcmpError out{.v6 = v6, .type = e->ee_type, .code = e->ee_code, .sender = {}};
    const sockaddr* offender = SO_EE_OFFENDER(e);
    if (auto sender = from_sockaddr(*offender)) out.sender = *sender;
    return out;
  }
  return std::nullopt;
}

/// One probe under way.
class Attempt {
 public:
  Attempt(const ProbeRequest& request, std::size_t index) : request_(request), index_(index) {}

  /// Opens the socket and sends what there is to send. A result: it is decided already.
  std::optional<ProbeResult> start(milliseconds timeout) {
    started_ = SteadyTime::now();
    deadline_ = started_ + timeout;
    ++count_;
    answer_.clear();
    connected_ = false;
    auto opened = request_.from->run([&]() -> Result<Fd> { return open_socket(); });
    if (opened.has_error()) return error(opened.error().to_string());
    sock_ = std::move(*opened);
    SockAddr to =
        to_sockaddr(request_.address, request_.protocol == Protocol::kSctp ? 0 : request_.port);
    if (connect(sock_.get(), to.get(), to.size) != 0 && errno != EINPROGRESS) return failed(errno);
    if (request_.protocol == Protocol::kTcp) return std::nullopt;
    return send_question();
  }

  short wanted_events() const {
    return request_.protocol == Protocol::kTcp && !connected_ ? POLLOUT : POLLIN;
  }

  /// The socket is ready, or has failed.
  std::optional<ProbeResult> proceed() {
    if (request_.protocol == Protocol::kTcp && !connected_) {
      if (int number = pending_error(); number != 0) return failed(number);
      connected_ = true;
      return send_question();
    }
    std::array<char, 2048> buffer;
    const ssize_t size = recv(sock_.get(), buffer.data(), buffer.size(), 0);
    if (size < 0) {
      if (errno == EAGAIN || errno == EINTR) return std::nullopt;
      return failed(errno);
    }
    if (request_.protocol == Protocol::kSctp)
      return judge_sctp({buffer.data(), static_cast<std::size_t>(size)});
    if (size > 0 && request_.any_answer) return decided(Outcome::kAllowed, "answered");
    answer_.append(buffer.data(), static_cast<std::size_t>(size));
    if (const auto end = answer_.find('\n'); end != std::string::npos) {
      answer_.resize(end);
      return decided(Outcome::kAllowed, "answered");
    }
    if (size == 0) return error("connected, but closed without an answer");
    if (answer_.size() > 4096) return error("connected, but the answer has no end");
    if (request_.protocol == Protocol::kUdp) return decided(Outcome::kAllowed, "answered");
    return std::nullopt;
  }

  /// Nothing came in time. A result if that says more than silence.
  std::optional<ProbeResult> silence() {
    // The address resolution of a next hop that is not there takes longer than an attempt; what it
    // tells us by then is about us, not about the path.
    if (connected_) return error("connected, but no answer came");
    return std::nullopt;
  }

  ProbeResult dropped() { return decided(Outcome::kDropped, "no answer"); }

  int fd() const { return sock_.get(); }
  std::size_t index() const { return index_; }
  unsigned count() const { return count_; }
  SteadyTime::time_point deadline() const { return deadline_; }

 private:
  Result<Fd> open_socket() {
    const int family = request_.address.is_v4() ? AF_INET : AF_INET6;
    int type = SOCK_STREAM;
    int protocol = 0;
    if (request_.protocol == Protocol::kUdp) type = SOCK_DGRAM;
    if (request_.protocol == Protocol::kSctp) {
      type = SOCK_RAW;
      protocol = IPPROTO_SCTP;
    }
    Fd sock(socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
    if (!sock) return errno_error("make a socket");
    const int on = 1;
    if (family == AF_INET) {
      setsockopt(sock.get(), SOL_IP, IP_RECVERR, &on, sizeof on);
    } else {
      setsockopt(sock.get(), SOL_IPV6, IPV6_RECVERR, &on, sizeof on);
    }
    return sock;
  }

  std::optional<ProbeResult> send_question() {
    std::vector<std::byte> init;
    const void* data = request_.question.data();
    std::size_t size = request_.question.size();
    if (request_.protocol == Protocol::kSctp) {
      std::random_device random;
      tag_ = random() | 1;
      source_port_ = static_cast<std::uint16_t>(49152 + random() % 16384);
      init = sctp::encode({.source = source_port_,
                           .destination = request_.port,
                           .type = sctp::ChunkType::kInit,
                           .initiate_tag = tag_});
      data = init.data();
      size = init.size();
    }
    if (send(sock_.get(), data, size, MSG_NOSIGNAL) < 0 && errno != EAGAIN) return failed(errno);
    return std::nullopt;
  }

  std::optional<ProbeResult> judge_sctp(std::string_view packet) {
    auto bytes = std::as_bytes(std::span(packet));
    if (request_.address.is_v4()) {  // a raw IPv4 socket shows the IP header too
      if (bytes.empty()) return std::nullopt;
      const std::size_t header = (std::to_integer<std::size_t>(bytes[0]) & 0x0f) * 4;
      if (header > bytes.size()) return std::nullopt;
      bytes = bytes.subspan(header);
    }
    const auto reply = sctp::decode(bytes);
    if (!reply || reply->source != request_.port || reply->destination != source_port_ ||
        reply->tag != tag_)
      return std::nullopt;
    if (reply->type == sctp::ChunkType::kInitAck) return decided(Outcome::kAllowed, "INIT-ACK");
    if (reply->type == sctp::ChunkType::kAbort) return decided(Outcome::kRejected, "ABORT");
    return std::nullopt;
  }

  int pending_error() const {
    int number = 0;
    socklen_t size = sizeof number;
    getsockopt(sock_.get(), SOL_SOCKET, SO_ERROR, &number, &size);
    return number;
  }

  ProbeResult failed(int number) {
    if (auto icmp = take_icmp_error(sock_.get())) {
      const std::string what = fmt::format(
          "{} from {}", icmp_name(icmp->v6, icmp->type, icmp->code), icmp->sender.to_string());
      if (icmp->sender == own_address() && icmp->sender != request_.address)
        return error("the next hop does not answer address resolution");
      if (request_.protocol == Protocol::kSctp && icmp->sender == request_.address &&
          icmp->code == 2)
        return error("the packet arrived, but nothing there speaks SCTP (" + what + ")");
      return decided(Outcome::kRejected, what);
    }
    switch (number) {
      case ECONNREFUSED:
        return decided(Outcome::kRejected, "RST");
      case ECONNRESET:
        return decided(Outcome::kRejected, "RST after the connection was made");
      case ENETUNREACH:
        return error("no route to " + request_.address.to_string());
      case EHOSTUNREACH:
        return error("the next hop does not answer address resolution");
      case EPERM:
        return error("a packet filter on the sending side refused it");
      default:
        return error(std::strerror(number));
    }
  }

  IpAddress own_address() const {
    sockaddr_storage own{};
    socklen_t size = sizeof own;
    if (getsockname(sock_.get(), reinterpret_cast<sockaddr*>(&own), &size) != 0) return {};
    return from_sockaddr(reinterpret_cast<const sockaddr&>(own)).value_or(IpAddress{});
  }

  ProbeResult error(std::string reason) { return decided(Outcome::kError, std::move(reason)); }

  ProbeResult decided(Outcome outcome, std::string reason) {
    return {.outcome = outcome,
            .reason = std::move(reason),
            .answer = std::move(answer_),
            .attempts = count_,
            .elapsed = std::chrono::duration_cast<microseconds>(SteadyTime::now() - started_)};
  }

  const ProbeRequest& request_;
  std::size_t index_;
  Fd sock_;
  bool connected_ = false;
  std::string answer_;
  unsigned count_ = 0;
  std::uint32_t tag_ = 0;
  std::uint16_t source_port_ = 0;
  SteadyTime::time_point started_;
  SteadyTime::time_point deadline_;
};

}  // namespace

std::string_view to_string(Protocol protocol) {
  switch (protocol) {
    case Protocol::kTcp:
      return "TCP";
    case Protocol::kUdp:
      return "UDP";
    case Protocol::kSctp:
      return "SCTP";
  }
  return "?";
}

Result<Protocol> parse_protocol(std::string_view text) {
  std::string upper(text);
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  for (Protocol protocol : {Protocol::kTcp, Protocol::kUdp, Protocol::kSctp}) {
    if (upper == to_string(protocol)) return protocol;
  }
  return make_error(Errc::kInvalidArgument, "no such protocol, expected TCP, UDP or SCTP",
                    std::string(text));
}

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::kAllowed:
      return "allowed";
    case Outcome::kDropped:
      return "dropped";
    case Outcome::kRejected:
      return "rejected";
    case Outcome::kError:
      return "error";
  }
  return "?";
}

std::vector<ProbeResult> probe(std::span<const ProbeRequest> requests,
                               const ProberOptions& options) {
  std::vector<ProbeResult> results(requests.size());
  std::vector<Attempt> active;
  std::size_t next = 0;

  // Starts attempts of this probe until one is under way (true) or it is decided (false).
  auto begin = [&](Attempt& attempt) {
    if (auto result = attempt.start(options.timeout)) {
      results[attempt.index()] = std::move(*result);
      return false;
    }
    return true;
  };

  while (next < requests.size() || !active.empty()) {
    while (next < requests.size() && active.size() < std::max(1U, options.concurrency)) {
      Attempt attempt(requests[next], next);
      ++next;
      if (begin(attempt)) active.push_back(std::move(attempt));
    }
    if (active.empty()) continue;

    std::vector<pollfd> fds;
    auto soonest = active.front().deadline();
    for (const Attempt& a : active) {
      fds.push_back({a.fd(), a.wanted_events(), 0});
      soonest = std::min(soonest, a.deadline());
    }
    const auto left = std::chrono::ceil<milliseconds>(soonest - SteadyTime::now());
    poll(fds.data(), fds.size(), static_cast<int>(std::max<long long>(0, left.count())));

    std::vector<Attempt> still;
    const auto now = SteadyTime::now();
    for (std::size_t i = 0; i < fds.size(); ++i) {
      Attempt& attempt = active[i];
      std::optional<ProbeResult> result;
      if (fds[i].revents != 0) result = attempt.proceed();
      if (!result && now >= attempt.deadline()) {
        result = attempt.silence();
        if (!result && attempt.count() >= options.attempts) result = attempt.dropped();
        if (!result && !begin(attempt)) continue;
      }
      if (result) {
        results[attempt.index()] = std::move(*result);
      } else {
        still.push_back(std::move(attempt));
      }
    }
    active = std::move(still);
  }
  return results;
}

}  // namespace antrea::lab
