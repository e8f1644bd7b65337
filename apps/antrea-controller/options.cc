#include "options.h"

#include <charconv>

#include "apps/common/command_line.h"

namespace antrea::controller {
namespace {

constexpr std::string_view kAbout =
    "Computes network policies and serves them to the agents. With --standalone it also is the "
    "Kubernetes API server\n"
    "that kubectl and the agents talk to, kept in one SQLite file: no cluster is needed.";

int refuse(const std::string& text) {
  fmt::print(stderr, "antrea-controller: {} (see antrea-controller --help)\n", text);
  return 2;
}

/// HOST:PORT, where port 0 is any free one.
Result<Remote> parse_listen(const std::string& text) {
  const auto colon = text.rfind(':');
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const char* const digits = colon == std::string::npos ? end : text.data() + colon + 1;
  const auto [next, code] = std::from_chars(digits, end, port);
  if (code != std::errc() || next != end)
    return make_error(Errc::kInvalidArgument, "expected HOST:PORT", "\"" + text + "\"");
  ANTREA_TRY(Remote remote, parse_remote("tcp:" + text.substr(0, colon), 1));
  remote.port = port;
  return remote;
}

}  // namespace

ParsedOptions parse_options(int argc, const char* const* argv) {
  namespace po = boost::program_options;
  ParsedOptions parsed;
  Options& options = parsed.options;
  std::string listen, cluster_cidr, service_cidr;
  po::options_description description;
  const auto text = [](std::string& to, const char* initial, const char* name) {
    return po::value(&to)->default_value(initial)->value_name(name);
  };
  description.add_options()("standalone", "be the API server too")(
      "state-dir", text(options.state_dir, "", "DIR"),
      "keep objects, token and certificates there; without it everything is in memory")(
      "listen", text(listen, "127.0.0.1:6443", "HOST:PORT"),
      "where the API listens with TLS; port 0 is any free one")(
      "kubeconfig-out", text(options.kubeconfig_out, "", "FILE"),
      "write a kubeconfig for it there once it serves")("cluster-cidr",
                                                        text(cluster_cidr, "10.10.0.0/16", "CIDR"),
                                                        "Pod CIDRs of Nodes are cut from it")(
      "node-cidr-mask-size", po::value(&options.node_mask_size)->default_value(24)->value_name("N"),
      "size of a Node's Pod CIDR")("service-cidr", text(service_cidr, "10.96.0.0/16", "CIDR"),
                                   "cluster IPs are taken from it")(
      "log-level", text(options.log_level, "info", "LEVEL"),
      "trace, debug, info, warn, error or off");
  const auto line = apps::read_command_line("antrea-controller", kAbout, description, argc, argv);
  parsed.exit_code = line.exit_code;
  if (parsed.exit_code) return parsed;
  if (line.values.count("standalone") == 0) {
    parsed.exit_code = refuse("this version only runs with --standalone");
    return parsed;
  }
  const auto remote = parse_listen(listen);
  const auto pods = IpPrefix::parse(cluster_cidr);
  const auto services = IpPrefix::parse(service_cidr);
  if (!remote) {
    parsed.exit_code = refuse("--listen: " + remote.error().to_string());
  } else if (!pods) {
    parsed.exit_code = refuse("--cluster-cidr: " + pods.error().to_string());
  } else if (!services) {
    parsed.exit_code = refuse("--service-cidr: " + services.error().to_string());
  } else if (pods->overlaps(*services)) {
    parsed.exit_code = refuse(fmt::format("--cluster-cidr {} and --service-cidr {} overlap",
                                          pods->to_string(), services->to_string()));
  } else if (options.node_mask_size < pods->length() ||
             options.node_mask_size > pods->address().width() - 2) {
    parsed.exit_code =
        refuse(fmt::format("--node-cidr-mask-size {}: expected {} to {}", options.node_mask_size,
                           pods->length(), pods->address().width() - 2));
  } else {
    options.listen = *remote;
    options.cluster_cidr = *pods;
    options.service_cidr = *services;
  }
  return parsed;
}

}  // namespace antrea::controller
