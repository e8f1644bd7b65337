#include "daemons.h"

#include <fmt/format.h>

namespace antrea::lab {

Result<ProcessOptions> controller_command(const LabDir& dir) {
  ANTREA_TRY(std::string program, find_program("antrea-controller"));
  return ProcessOptions{
      .argv = {program, "--standalone", "--state-dir", dir.path() + "/controller", "--listen",
               "127.0.0.1:0", "--kubeconfig-out", dir.kubeconfig(), "--cluster-cidr",
               ClusterNetwork::kPodCidr, "--service-cidr", ClusterNetwork::kServiceCidr},
      .log_path = dir.log() + "/antrea-controller.log"};
}

Result<ProcessOptions> agent_command(const LabDir& dir, const Node& node) {
  ANTREA_TRY(std::string program, find_program("antrea-agent"));
  ProcessOptions options{.argv = {program,
                                  "--node",
                                  node.host.name,
                                  "--kubeconfig",
                                  dir.kubeconfig(),
                                  "--run-dir",
                                  "/run/antrea",
                                  "--ovs-run-dir",
                                  "/run/openvswitch",
                                  "--datapath-type",
                                  std::string(to_string(node.vswitch.datapath())),
                                  "--proxy-all",  // there is no kube-proxy
                                  "--node-port-local",
                                  "--transport-interface",
                                  Topology::kUplink,
                                  "--cni-socket",
                                  "/run/antrea/cni.sock",
                                  "--api-socket",
                                  "/run/antrea/api.sock",
                                  "--ipam-dir",
                                  "/run/antrea/networks",
                                  "--log-dir",
                                  "/run/antrea/log",
                                  "--statistics-interval",  // who tries a policy waits for it
                                  "2"},
                         .view = node.host.view(),
                         .log_path = dir.log() + "/" + node.host.name + "-antrea-agent.log"};
  // Without tap devices, the gateway's other end is a veth that the topology made.
  if (node.vswitch.datapath() == Datapath::kDummy) {
    options.argv.emplace_back("--gateway-port");
    options.argv.emplace_back(Topology::kGatewayPeer);
  }
  return options;
}

std::string cni_socket(const Node& node) { return node.host.dir + "/run/antrea/cni.sock"; }

Result<ProcessOptions> cni_command(const Node& node, const CniCall& call) {
  ANTREA_TRY(std::string program, find_program("antrea-cni"));
  const auto folder = program.substr(0, program.rfind('/'));
  return ProcessOptions{
      .argv = {program},
      .env = {"CNI_COMMAND=" + call.command, "CNI_CONTAINERID=" + call.container_id,
              "CNI_NETNS=" + call.netns, "CNI_IFNAME=eth0", "CNI_PATH=" + folder,
              fmt::format("CNI_ARGS=IgnoreUnknown=1;K8S_POD_NAMESPACE={};K8S_POD_NAME={};"
                          "K8S_POD_INFRA_CONTAINER_ID={}",
                          call.pod_namespace, call.pod_name, call.container_id)},
      .view = node.host.view()};
}

std::string cni_config(const Node&) {
  return R"({"cniVersion":"1.0.0","name":"antrea","type":"antrea","ipam":{"type":"host-local"}})";
}

}  // namespace antrea::lab
