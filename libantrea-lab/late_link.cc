#include "antrea/lab/late_link.h"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <map>
#include <random>
#include <vector>

#include "antrea/base/asio.h"
#include "antrea/base/hash.h"
#include "antrea/lab/netlink.h"

namespace antrea::lab {
namespace {

namespace asio = boost::asio;
using asio::posix::stream_descriptor;

std::string far_end(const std::string& node) { return "late~" + node; }

/// All frames that come in at a device, and a way to send some out there.
Result<Fd> packet_socket(const NetNamespace& ns, const std::string& device) {
  return ns.run([&]() -> Result<Fd> {
    Fd made(socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = static_cast<int>(if_nametoindex(device.c_str()));
    if (!made || bind(made.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      return errno_error("open a packet socket", device);
    return made;
  });
}

}  // namespace

std::string late_link_name(const std::string& node) { return "late-" + node; }

/// Both ways of a link, of which each takes frames in at one device and lets them out at the other.
class LateLink::Line : public std::enable_shared_from_this<Line> {
 public:
  Line(asio::io_context& io, Fd node, Fd fabric, std::uint64_t seed)
      : from_node_(io, node.release(), fabric.get()),
        from_fabric_(io, fabric.release(), from_node_.in.native_handle()),
        random_(static_cast<std::minstd_rand::result_type>(seed)) {}

  void start(asio::io_context& io) {
    for (Way* const way : {&from_node_, &from_fabric_}) {
      asio::co_spawn(io, take(shared_from_this(), *way), asio::detached);
      asio::co_spawn(io, pass_on(shared_from_this(), *way), asio::detached);
    }
  }
  void stop() {
    for (Way* const way : {&from_node_, &from_fabric_}) {
      boost::system::error_code ignored;
      way->in.close(ignored);
      way->changed.notify();
    }
  }

 private:
  struct Way {
    Way(asio::io_context& io, int from, int to)
        : in(io, from), out(to), changed(io.get_executor()) {}
    stream_descriptor in;
    int out;  // the other way's
    Signal changed;
    std::multimap<TimePoint, std::vector<char>> late;
  };

  // The first argument keeps what the coroutine works on.
  asio::awaitable<void> take(std::shared_ptr<Line> /*self*/, Way& way) {
    std::array<char, 65536> buffer;
    std::uniform_int_distribution<Duration::rep> delay(0, Duration(kMost).count());
    while (way.in.is_open()) {
      sockaddr_ll from{};
      socklen_t size = sizeof from;
      const auto got = recvfrom(way.in.native_handle(), buffer.data(), buffer.size(), 0,
                                reinterpret_cast<sockaddr*>(&from), &size);
      if (got < 0) {
        const auto [code] = co_await way.in.async_wait(stream_descriptor::wait_read, kTuple);
        if (code) co_return;
        continue;
      }
      // What it sends itself it sees, too.
      if (from.sll_pkttype == PACKET_OUTGOING || way.late.size() >= kMostFrames) continue;
      way.late.emplace(std::chrono::steady_clock::now() + Duration(delay(random_)),
                       std::vector<char>(buffer.data(), buffer.data() + got));
      way.changed.notify();
    }
  }

  asio::awaitable<void> pass_on(std::shared_ptr<Line> /*self*/, Way& way) {
    while (way.in.is_open()) {
      if (way.late.empty()) {
        co_await way.changed.wait();
      } else if (const TimePoint due = way.late.begin()->first;
                 due > std::chrono::steady_clock::now()) {
        co_await way.changed.wait_until(due);
      } else {
        const auto& frame = way.late.begin()->second;
        (void)send(way.out, frame.data(), frame.size(), 0);  // a link that is down loses it
        way.late.erase(way.late.begin());
      }
    }
  }

  Way from_node_, from_fabric_;
  std::minstd_rand random_;
};

LateLink::LateLink(const NetNamespace& fabric, std::string node, std::shared_ptr<Line> line)
    : fabric_(fabric), node_(std::move(node)), line_(std::move(line)) {}

Result<std::unique_ptr<LateLink>> LateLink::start(asio::io_context& io, const NetNamespace& fabric,
                                                  const std::string& node) {
  ANTREA_TRY(Netlink net, Netlink::open(fabric));
  ANTREA_CHECK(net.add_veth(late_link_name(node), far_end(node), fabric));
  std::unique_ptr<LateLink> out(new LateLink(fabric, node, nullptr));  // mends what follows
  // The kernel sees the frames where they are passed on as well, and is not to answer any.
  for (const std::string& device : {node, far_end(node)}) {
    ANTREA_CHECK(set_sysctl(fabric, "net/ipv6/conf/" + device + "/disable_ipv6", "1"));
    ANTREA_CHECK(net.set_no_arp(device));
  }
  ANTREA_CHECK(net.set_up(far_end(node)));
  ANTREA_TRY(Fd at_node, packet_socket(fabric, node));
  ANTREA_TRY(Fd at_fabric, packet_socket(fabric, far_end(node)));
  ANTREA_CHECK(net.set_master(late_link_name(node), Topology::kFabric));
  ANTREA_CHECK(net.set_up(late_link_name(node)));
  ANTREA_CHECK(net.release(node));
  out->line_ =
      std::make_shared<Line>(io, std::move(at_node), std::move(at_fabric), stable_hash(node));
  out->line_->start(io);
  return out;
}

LateLink::~LateLink() {
  if (line_) line_->stop();
  auto net = Netlink::open(fabric_);
  if (!net) return;
  (void)net->delete_link(late_link_name(node_));
  (void)net->set_master(node_, Topology::kFabric);
}

}  // namespace antrea::lab
