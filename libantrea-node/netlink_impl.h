#pragma once

#include <fmt/format.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <utility>

#include "antrea/node/netlink.h"

// Messages of rtnetlink, to and from the kernel.
namespace antrea::node {

struct NetlinkMessageDeleter {
  void operator()(nl_msg* message) const { nlmsg_free(message); }
};
struct NetlinkSocketDeleter {
  void operator()(nl_sock* socket) const { nl_socket_free(socket); }
};

/// One request under construction.
class NetlinkRequest {
 public:
  template <typename Header>
  NetlinkRequest(int type, int flags, const Header& header)
      : message_(nlmsg_alloc_simple(type, NLM_F_REQUEST | flags)) {
    nlmsg_append(message_.get(), const_cast<Header*>(&header), sizeof header, NLMSG_ALIGNTO);
  }
  NetlinkRequest& put(int attribute, std::string_view text) {
    std::string terminated(text);
    nla_put_string(message_.get(), attribute, terminated.c_str());
    return *this;
  }
  NetlinkRequest& put_byte(int attribute, std::uint8_t number) {
    nla_put_u8(message_.get(), attribute, number);
    return *this;
  }
  NetlinkRequest& put(int attribute, std::uint32_t number) {
    nla_put_u32(message_.get(), attribute, number);
    return *this;
  }
  NetlinkRequest& put(int attribute, const IpAddress& address) {
    nla_put(message_.get(), attribute, static_cast<int>(address.bytes().size()),
            address.bytes().data());
    return *this;
  }
  NetlinkRequest& put(int attribute, const MacAddress& mac) {
    nla_put(message_.get(), attribute, static_cast<int>(mac.bytes.size()), mac.bytes.data());
    return *this;
  }
  template <typename Fill>
  NetlinkRequest& nest(int attribute, Fill fill) {
    nlattr* const start = nla_nest_start(message_.get(), attribute);
    fill(*this);
    nla_nest_end(message_.get(), start);
    return *this;
  }
  /// Raw bytes inside the message, e.g. the ifinfomsg that precedes a veth peer's attributes.
  template <typename Struct>
  NetlinkRequest& raw(const Struct& bytes) {
    nlmsg_append(message_.get(), const_cast<Struct*>(&bytes), sizeof bytes, 0);
    return *this;
  }
  nl_msg* get() const { return message_.get(); }

 private:
  std::unique_ptr<nl_msg, NetlinkMessageDeleter> message_;
};

template <std::size_t kCount>
struct NetlinkAttributes {
  nlattr* at[kCount] = {};
  std::uint32_t u32(int index) const { return at[index] != nullptr ? nla_get_u32(at[index]) : 0; }
  std::string text(int index) const {
    return at[index] != nullptr ? std::string(nla_get_string(at[index])) : std::string();
  }
  std::optional<IpAddress> address(int index) const {
    if (at[index] == nullptr) return std::nullopt;
    const auto parsed = IpAddress::from_bytes({static_cast<const std::byte*>(nla_data(at[index])),
                                               static_cast<std::size_t>(nla_len(at[index]))});
    return parsed ? std::optional(*parsed) : std::nullopt;
  }
  MacAddress mac(int index) const {
    MacAddress mac;
    if (at[index] != nullptr && nla_len(at[index]) == 6)
      std::memcpy(mac.bytes.data(), nla_data(at[index]), 6);
    return mac;
  }
};

inline unsigned char netlink_family(Family family) {
  return family == Family::kIPv4 ? AF_INET : AF_INET6;
}

inline IpAddress any_address(unsigned char family) {
  return family == AF_INET ? IpAddress() : IpAddress::v6({});
}

struct Netlink::Impl {
  std::unique_ptr<nl_sock, NetlinkSocketDeleter> socket{nl_socket_alloc()};

  using Visit = std::function<void(nlmsghdr*)>;
  struct Exchange {
    const Visit* visit;
    int error = 0;
    bool done = false;
  };

  static int on_valid(nl_msg* message, void* argument) {
    const auto* const exchange = static_cast<Exchange*>(argument);
    if (exchange->visit != nullptr && *exchange->visit) (*exchange->visit)(nlmsg_hdr(message));
    return NL_OK;
  }
  static int on_end(nl_msg*, void* argument) {
    static_cast<Exchange*>(argument)->done = true;
    return NL_STOP;
  }
  static int on_error(sockaddr_nl*, nlmsgerr* error, void* argument) {
    auto* const exchange = static_cast<Exchange*>(argument);
    exchange->error = -error->error;
    exchange->done = true;
    return NL_STOP;
  }

  /// Sends and takes in the answer: 0, or the errno that the kernel answered.
  int talk(const NetlinkRequest& request, const Visit& visit = {}) {
    Exchange exchange{&visit};
    nl_cb* const callbacks = nl_cb_alloc(NL_CB_DEFAULT);
    nl_cb_set(callbacks, NL_CB_VALID, NL_CB_CUSTOM, on_valid, &exchange);
    nl_cb_set(callbacks, NL_CB_FINISH, NL_CB_CUSTOM, on_end, &exchange);
    nl_cb_set(callbacks, NL_CB_ACK, NL_CB_CUSTOM, on_end, &exchange);
    nl_cb_err(callbacks, NL_CB_CUSTOM, on_error, &exchange);
    if (nl_send_auto(socket.get(), request.get()) < 0) exchange = {nullptr, EIO, true};
    while (!exchange.done)
      if (nl_recvmsgs(socket.get(), callbacks) < 0 && !exchange.done)
        exchange = {nullptr, EIO, true};
    nl_cb_put(callbacks);
    return exchange.error;
  }

  Result<> order(const NetlinkRequest& request, std::string_view doing, std::string_view object,
                 int harmless = 0) {
    const int error = talk(request);
    if (error == 0 || error == harmless) return {};
    return errno_error(error, doing, object);
  }
};

}  // namespace antrea::node
