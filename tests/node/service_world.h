#pragma once

// Two Nodes of both families that serve Services without kube-proxy, their Pods, and a machine
// outside; each Pod answers over TCP and UDP.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <memory>
#include <thread>

#include "antrea/lab/prober.h"
#include "antrea/lab/responder.h"
#include "antrea/node/policy_packets.h"
#include "tests/node/packet_nodes.h"

namespace antrea::node {

/// For who is to be answered: as long as a busy machine may take. What an attempt loses is not sent
/// again before the next one.
inline constexpr antrea::lab::ProberOptions kPatient{.timeout = std::chrono::milliseconds(1500),
                                                     .attempts = 7};
/// For who is to meet silence.
inline constexpr antrea::lab::ProberOptions kBrief{.timeout = std::chrono::milliseconds(600),
                                                   .attempts = 2};

/// Answers at ports of a Pod, or another namespace, with "NAME/PORT NODE CLIENT".
class Answering {
 public:
  Answering() : thread_([this] { io_.run(); }) {}
  ~Answering() {
    boost::asio::post(io_, [this] { responders_.clear(); });
    work_.reset();
    thread_.join();
  }
  void serve(const Pod& pod, const std::vector<antrea::lab::ResponderPort>& ports) {
    serve(pod.where, pod.server_name, ports);
  }
  void serve(const lab::Namespace& where, const std::string& name,
             const std::vector<antrea::lab::ResponderPort>& ports) {
    auto ns = antrea::lab::NetNamespace::open("/proc/" + std::to_string(where.pid()) + "/ns/net");
    ASSERT_TRUE(ns) << ns.error().to_string();
    for (const auto& port : ports) {
      auto responder = antrea::lab::Responder::start(
          io_, *ns, name + "/" + std::to_string(port.port), "here", {port});
      ASSERT_TRUE(responder) << responder.error().to_string();
      responders_.push_back(*std::move(responder));
    }
  }

 private:
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_ =
      boost::asio::make_work_guard(io_);
  std::vector<std::unique_ptr<antrea::lab::Responder>> responders_;
  std::thread thread_;
};

/// What an agent does beside the switch: answers packets that Services send to the controller.
class Refusing {
 public:
  /// `interfaces`: of the Node's Pods, where rules reject.
  explicit Refusing(const Node& node, InterfaceStore interfaces = {})
      : switch_(io_.get_executor(), options(node)),
        interfaces_(std::move(interfaces)),
        packets_(std::in_place, switch_, interfaces_, node.config, metrics_,
                 PolicyPackets::Options{}) {
    boost::asio::co_spawn(io_, switch_.run(), boost::asio::detached);
    boost::asio::co_spawn(io_, packets_->run(), boost::asio::detached);
    auto ready =
        boost::asio::co_spawn(io_,
                              switch_.connection().wait_ready(std::chrono::steady_clock::now() +
                                                              std::chrono::seconds(10)),
                              boost::asio::use_future);
    thread_ = std::thread([this] { io_.run(); });
    EXPECT_TRUE(ready.get());
  }
  ~Refusing() {
    boost::asio::post(io_, [this] {
      packets_.reset();
      switch_.stop();
    });
    thread_.join();
  }

 private:
  static openflow::SwitchOptions options(const Node& node) {
    openflow::SwitchOptions options;
    options.connection.remote = "unix:" + node.ovs.directory() + "/br-int.mgmt";
    return options;
  }

  boost::asio::io_context io_{1};
  openflow::Switch switch_;
  InterfaceStore interfaces_;
  MetricRegistry metrics_;
  std::optional<PolicyPackets> packets_;
  std::thread thread_;
};

struct ServiceWorld {
  ServiceWorld() {
    one.connect(two);
    outside.run({"ip", "link", "add", "eth0", "type", "veth", "peer", "name", "outside", "netns",
                 std::to_string(one.where.pid())});
    outside.run({"ip", "addr", "add", "172.18.0.9/24", "dev", "eth0"});
    outside.run({"ip", "addr", "add", "fd18::9/64", "dev", "eth0", "nodad"});
    outside.run({"ip", "link", "set", "eth0", "up"});
    outside.run({"ip", "route", "add", "default", "via", "172.18.0.1"});
    outside.run({"ip", "route", "add", "default", "via", "fd18::1"});
    one.where.run({"ip", "link", "set", "outside", "up"});
    one.ovs.vsctl({"add-port", "br-phy", "outside"});
    outside.enter([] { EXPECT_TRUE(set_tx_checksum("eth0", false)); });
    for (Node* node : {&one, &two}) {
      node->where.enter([] { EXPECT_TRUE(set_tx_checksum("br-phy", false)); });
      proxy::NodeFacts facts;
      facts.node_port_addresses = {node->address(), node->address_v6()};
      facts.node_ips = {one.address(), one.address_v6(), two.address(), two.address_v6()};
      node->commit(node->balancer->set_node(facts).pipeline);
    }
  }

  void apply(const proxy::ServiceChanges& changes) {
    for (Node* node : {&one, &two}) {
      node->commit(node->balancer->apply(changes).pipeline);
      node->set_up_host();
    }
  }

  Node one{1, true}, two{2, true};
  Pod a{one, "pod-a", 2}, b{one, "pod-b", 3}, c{two, "pod-c", 2}, d{two, "pod-d", 3};
  Namespace outside;
};

}  // namespace antrea::node
