// Direct server return with real packets: the endpoint's Node answers the client itself.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/node/service_packets.h"

namespace antrea::node {
namespace {

using enum Kind;

// The endpoint on the other Node sees the client's own address, and answers without this Node.
TEST_F(ServicePackets, DirectServerReturnKeepsTheClientsAddress) {
  api::Service direct = service();
  direct.metadata.annotations["service.antrea.io/load-balancer-mode"] = "dsr";
  serve(direct, {&world->b, &world->c});
  for (const Kind kind : {kLoadBalancer, kExternalIp})
    for (const auto protocol : {LabProtocol::kTcp, LabProtocol::kUdp}) {
      const auto got = probe(world->outside, address(kind, Family::kIPv4), kPort, protocol);
      EXPECT_THAT(std::set(got.begin(), got.end()),
                  testing::ElementsAre("pod-b/8080 here 172.18.0.9", "pod-c/8080 here 172.18.0.9"))
          << name(kind) << ", " << to_string(protocol);
    }
}

// What answers a datagram from this port; asked again where it is lost.
std::string ask_by_datagram(const Namespace& from, const IpAddress& to, std::uint16_t port,
                            std::uint16_t source_port) {
  std::string answer;
  from.enter([&] {
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const timeval patience{1, 500'000};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(source_port);
    EXPECT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(to.v4_bits());
    EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    for (int attempt = 0; attempt < 7 && answer.empty(); ++attempt) {
      char text[256];
      ssize_t size = ::send(fd, "?", 1, 0);
      if (size > 0) size = ::recv(fd, text, sizeof text, 0);
      if (size > 0) answer.assign(text, static_cast<std::size_t>(size));
    }
    ::close(fd);
  });
  return answer;
}

// A client of UDP that keeps its port is one connection. It stays at its endpoint while that
// serves, though others come to it no more. Where it goes, the packets go to another one, on either
// Node, once what is tracked of them is forgotten, as it is told to be.
TEST_F(ServicePackets, DirectServerReturnStaysAtAnEndpointUntilItHasGone) {
  const IpAddress to = address(kLoadBalancer, Family::kIPv4);
  for (const bool affinity : {false, true}) {
    SCOPED_TRACE(affinity ? "with affinity" : "without affinity");
    const std::uint16_t source = affinity ? 40405 : 40404;
    const auto answers = [&] { return ask_by_datagram(world->outside, to, kPort, source); };
    api::Service direct = service();
    direct.metadata.annotations["service.antrea.io/load-balancer-mode"] = "dsr";
    direct.session_affinity_client_ip = affinity;
    serve(direct, {&world->c});
    EXPECT_THAT(answers(), testing::StartsWith("pod-c/"));
    Place leaving = place_of(world->c);
    leaving.leaving = true;
    serve_at(direct, {place_of(world->b), leaving});
    world->one.ovs.appctl({"revalidator/wait"});
    EXPECT_THAT(answers(), testing::StartsWith("pod-c/")) << "it serves still";
    EXPECT_THAT(ask_by_datagram(world->outside, to, kPort, static_cast<std::uint16_t>(source + 10)),
                testing::StartsWith("pod-b/"))
        << "another connection";
    for (const Pod* pod : {&world->d, &world->b, &world->c}) {
      serve(direct, {pod});
      forget_connections();
      EXPECT_THAT(answers(), testing::StartsWith(pod->server_name + "/"));
    }
  }
}

}  // namespace
}  // namespace antrea::node
