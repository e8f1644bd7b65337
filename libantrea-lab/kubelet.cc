#include "kubelet.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <filesystem>
#include <fstream>
#include <future>
#include <set>

#include "antrea/api/json.h"
#include "antrea/base/hash.h"
#include "antrea/lab/netlink.h"
#include "cluster.h"
#include "daemons.h"

namespace antrea::lab {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;
using SteadyTime = std::chrono::steady_clock;

constexpr milliseconds kCniLimit{45'000};  // an agent may wait 30 s for its first policies
constexpr milliseconds kFirstRetry{100};
constexpr milliseconds kLastRetry{5'000};

std::string now_text() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
}

json::object condition(const char* type, bool value, const char* reason) {
  return {{"type", type},
          {"status", value ? "True" : "False"},
          {"reason", reason},
          {"lastTransitionTime", now_text()}};
}

/// The addresses of a CNI result.
std::vector<IpAddress> result_addresses(const std::string& result) {
  std::vector<IpAddress> out;
  boost::system::error_code ec;
  const auto parsed = json::parse(result, ec);
  const auto* object = ec ? nullptr : parsed.if_object();
  const auto* ips = object != nullptr ? object->if_contains("ips") : nullptr;
  if (ips == nullptr || !ips->is_array()) return out;
  for (const auto& ip : ips->as_array()) {
    const auto* address = ip.is_object() ? ip.as_object().if_contains("address") : nullptr;
    if (address == nullptr || !address->is_string()) continue;
    std::string text(address->as_string());
    if (auto parsed_ip = IpAddress::parse(text.substr(0, text.find('/'))))
      out.push_back(*parsed_ip);
  }
  return out;
}

/// What a failed plugin said: the "msg" of its error object (CNI specification, "Error").
std::string plugin_message(const std::string& output) {
  boost::system::error_code ec;
  const auto parsed = json::parse(output, ec);
  const auto* object = ec ? nullptr : parsed.if_object();
  const auto* msg = object != nullptr ? object->if_contains("msg") : nullptr;
  return msg != nullptr && msg->is_string() ? std::string(msg->as_string()) : output;
}

}  // namespace

Result<PodSpec> decode_pod_spec(const json::value& value) {
  ANTREA_TRY(const api::Pod pod, api::decode_pod(value));
  PodSpec out{.pod_namespace = pod.metadata.namespace_,
              .name = pod.metadata.name,
              .uid = pod.metadata.uid,
              .node = pod.node_name,
              .ports = {},
              .containers = {},
              .images = {},
              .host_network = pod.host_network};
  const auto* metadata = value.as_object().if_contains("metadata");
  out.deleting = metadata != nullptr && metadata->is_object() &&
                 metadata->as_object().contains("deletionTimestamp");
  for (const auto& container : pod.containers) {
    out.containers.push_back(container.name);
    out.images.push_back(container.image);
    for (const auto& port : container.ports) {
      auto protocol = parse_protocol(api::to_string(port.protocol));
      if (protocol)
        out.ports.push_back({static_cast<std::uint16_t>(port.container_port), *protocol});
    }
  }
  if (out.ports.empty()) out.ports.push_back({80, Protocol::kTcp});
  return out;
}

std::string choose_node(const std::map<std::string, std::size_t>& pods_by_node) {
  const auto least =
      std::min_element(pods_by_node.begin(), pods_by_node.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  return least == pods_by_node.end() ? std::string() : least->first;
}

Kubelet::Kubelet(boost::asio::io_context& io, Node& node, Places places, Logger log)
    : io_(io), node_(node), places_(std::move(places)), log_(std::move(log)) {
  thread_ = std::thread([this] { run(); });
}

Kubelet::~Kubelet() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Kubelet::update(PodSpec pod) {
  {
    std::lock_guard lock(mutex_);
    const auto running = pods_.find(pod.key());
    // Mostly our own status coming back.
    if (running != pods_.end() && running->second.net && !pod.deleting &&
        running->second.spec.uid == pod.uid)
      return;
    std::string key = pod.key();
    work_.insert_or_assign(std::move(key), Work{.spec = std::move(pod)});
  }
  wake_.notify_all();
}

void Kubelet::remove(const std::string& key, const std::string& uid) {
  {
    std::lock_guard lock(mutex_);
    const auto running = pods_.find(key);
    const auto waiting = work_.find(key);
    if (waiting != work_.end() && waiting->second.spec.uid != uid) return;  // a newer one
    if (waiting != work_.end()) {
      waiting->second.gone = true;
    } else if (running != pods_.end() && running->second.spec.uid == uid) {
      work_[key] = Work{.spec = running->second.spec, .gone = true};
    }
  }
  wake_.notify_all();
}

std::optional<RunningPod> Kubelet::find(const std::string& key) const {
  std::lock_guard lock(mutex_);
  const auto found = pods_.find(key);
  if (found == pods_.end() || !found->second.net) return std::nullopt;
  return found->second;
}

std::vector<RunningPod> Kubelet::pods() const {
  std::lock_guard lock(mutex_);
  std::vector<RunningPod> out;
  for (const auto& [key, pod] : pods_) out.push_back(pod);
  return out;
}

bool Kubelet::ready() const {
  std::lock_guard lock(mutex_);
  return ready_;
}

void Kubelet::run() {
  bool registered = false;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (!ready_) {
      lock.unlock();
      auto joined = register_node();
      if (joined.has_error() && !registered)
        log_->debug("{}: {}", name(), joined.error().to_string());
      registered = joined.has_value();
      lock.lock();
      ready_ = registered && std::filesystem::exists(cni_socket(node_));
      if (!ready_) {
        wake_.wait_for(lock, milliseconds(50), [&] { return stopping_; });
        continue;
      }
      log_->info("{} is Ready", name());
    }
    const auto next =
        std::min_element(work_.begin(), work_.end(),
                         [](const auto& a, const auto& b) { return a.second.due < b.second.due; });
    if (next == work_.end()) {
      wake_.wait(lock, [&] { return stopping_ || !work_.empty(); });
      continue;
    }
    if (next->second.due > SteadyTime::now()) {
      wake_.wait_until(lock, next->second.due);
      continue;
    }
    Work work = std::move(next->second);
    const std::string key = next->first;
    work_.erase(next);
    lock.unlock();
    auto done = work_on(work);
    lock.lock();
    if (!done) {
      log_->warn("{}: Pod {}: {}", name(), key, done.error().to_string());
      const auto wait = std::min(kLastRetry, kFirstRetry * (1 << std::min(work.failures, 6U)));
      ++work.failures;
      work.due = SteadyTime::now() + wait;
      if (!work.gone && !pods_[key].net)
        pods_[key] = {.spec = work.spec, .failure = done.error().to_string()};
      work_.emplace(key, std::move(work));  // unless something newer has come in
    }
  }
}

Result<> Kubelet::register_node() {
  if (!api_) {
    ANTREA_TRY(api_, ApiClient::open(places_.kubeconfig));
  }
  const std::string path = "/api/v1/nodes/" + name();
  const json::object labels{{"kubernetes.io/hostname", name()},
                            {"kubernetes.io/os", "linux"},
                            {"kubernetes.io/arch", "amd64"}};
  auto there = api_->get(path);
  if (there.has_error()) {
    if (there.error().code != Errc::kNotFound) return std::move(there).error();
    ANTREA_CHECK(api_->create("/api/v1/nodes",
                              json::object{{"apiVersion", "v1"},
                                           {"kind", "Node"},
                                           {"metadata", {{"name", name()}, {"labels", labels}}}}));
  }
  const bool network = std::filesystem::exists(cni_socket(node_));
  const std::string address = node_.host.address.to_string();
  const json::object capacity{{"cpu", "2"}, {"memory", "4Gi"}, {"pods", "250"}};
  const json::object status{
      {"addresses", json::array{json::object{{"type", "InternalIP"}, {"address", address}},
                                json::object{{"type", "Hostname"}, {"address", name()}}}},
      {"capacity", capacity},
      {"allocatable", capacity},
      {"conditions", json::array{condition("Ready", network,
                                           network ? "KubeletReady" : "NetworkPluginNotReady")}},
      {"nodeInfo",
       {{"machineID", sha1_hex(name()).substr(0, 32)},
        {"systemUUID", sha1_hex(name()).substr(0, 32)},
        {"bootID", ""},
        {"kernelVersion", ""},
        {"osImage", "antrea-lab"},
        {"containerRuntimeVersion", "antrea-lab://0.1.0"},
        {"kubeletVersion", "v1.26.0-antrea-lab"},
        {"kubeProxyVersion", ""},
        {"operatingSystem", "linux"},
        {"architecture", "amd64"}}}};
  ANTREA_CHECK(api_->merge_patch(path + "/status", json::object{{"status", status}}));
  return {};
}

Result<> Kubelet::work_on(Work& work) {
  const std::string key = work.spec.key();
  if (auto running = find(key);
      running && (work.gone || work.spec.deleting || running->spec.uid != work.spec.uid))
    ANTREA_CHECK(stop_pod(key));
  if (work.gone || work.spec.deleting) {
    std::lock_guard lock(mutex_);
    if (const auto left = pods_.find(key); left != pods_.end() && !left->second.net)
      pods_.erase(left);
  }
  if (work.gone) return {};
  if (work.spec.deleting) {
    auto removed = api_->remove(work.spec.path(), 0);
    if (removed.has_error() && removed.error().code != Errc::kNotFound)
      return std::move(removed).error();
    return {};
  }
  if (auto running = find(key)) return report(*running);  // only that was missing
  return start_pod(work.spec);
}

Result<> Kubelet::start_pod(const PodSpec& spec) {
  RunningPod pod{.spec = spec,
                 .container_id = sha1_hex(spec.uid + "/" + now_text()),
                 .net = {},
                 .pin = places_.pins + "/" + spec.pod_namespace + "_" + spec.name,
                 .resolv_conf = places_.files + "/" + spec.pod_namespace + "_" + spec.name};
  std::ofstream(pod.resolv_conf) << fmt::format(
      "nameserver {}\nsearch {}.svc.{} svc.{} {}\noptions ndots:5\n",
      LabNetwork::outside().to_string(), spec.pod_namespace, Cluster::kDomain, Cluster::kDomain,
      Cluster::kDomain);
  if (spec.host_network) {
    pod.net = {std::shared_ptr<void>(), &node_.host.net};
    pod.addresses = {node_.host.address};
  } else {
    ANTREA_TRY(NetNamespace net, NetNamespace::create());
    pod.net = std::make_shared<const NetNamespace>(std::move(net));
    ANTREA_CHECK(pod.net->pin(pod.pin));
    auto undo = [&] {
      (void)call_cni("DEL", pod, nullptr).has_error();  // it may have gone half the way
      NetNamespace::unpin(pod.pin);
    };
    std::string result;
    if (auto added = call_cni("ADD", pod, &result); added.has_error()) {
      undo();
      return added;
    }
    pod.addresses = result_addresses(result);
    if (pod.addresses.empty()) {
      undo();
      return make_error(Errc::kMalformed, "the CNI plugin's result has no address: " + result);
    }
    if (auto off = disable_tx_offload(*pod.net, "eth0"); off.has_error()) {
      undo();
      return off;
    }
    if (auto answering = start_responder(pod); answering.has_error()) {
      undo();
      return answering;
    }
  }
  {
    std::lock_guard lock(mutex_);
    pods_[spec.key()] = pod;
  }
  log_->info("{}: Pod {} runs at {}", name(), spec.key(), pod.addresses[0].to_string());
  return report(pod);
}

Result<> Kubelet::stop_pod(const std::string& key) {
  const auto pod = find(key);
  if (!pod) return {};
  if (!pod->spec.host_network) {
    boost::asio::post(io_, [this, key] { responders_.erase(key); });
    ANTREA_CHECK(call_cni("DEL", *pod, nullptr));
    NetNamespace::unpin(pod->pin);
  }
  std::error_code ignored;
  std::filesystem::remove(pod->resolv_conf, ignored);
  std::lock_guard lock(mutex_);
  pods_.erase(key);
  log_->info("{}: Pod {} has ended", name(), key);
  return {};
}

Result<> Kubelet::call_cni(const std::string& command, const RunningPod& pod, std::string* out) {
  ANTREA_TRY(ProcessOptions options, cni_command(node_, {.command = command,
                                                         .container_id = pod.container_id,
                                                         .netns = pod.pin,
                                                         .pod_namespace = pod.spec.pod_namespace,
                                                         .pod_name = pod.spec.name}));
  const std::string config = cni_config(node_);
  Fd in(memfd_create("cni-config", MFD_CLOEXEC));
  if (!in || write(in.get(), config.data(), config.size()) < 0 || lseek(in.get(), 0, SEEK_SET) != 0)
    return errno_error("write the CNI configuration");
  options.in = in.get();
  // A failing plugin says why on standard output.
  Fd said(memfd_create("cni-result", MFD_CLOEXEC));
  options.out = said.get();
  options.log_path = places_.files + "/../log/" + name() + "-cni.log";
  ANTREA_TRY(Process plugin, Process::spawn(options));
  const auto ended = plugin.wait(kCniLimit);
  std::string output(1 << 16, '\0');
  const ssize_t size = pread(said.get(), output.data(), output.size(), 0);
  output.resize(static_cast<std::size_t>(std::max<ssize_t>(0, size)));
  if (!ended) return make_error(Errc::kTimeout, "the CNI plugin does not end", "CNI " + command);
  if (ended->code != 0)
    return make_error(Errc::kRejected, ended->to_string() + ": " + plugin_message(output),
                      "CNI " + command);
  if (out != nullptr) *out = std::move(output);
  return {};
}

Result<> Kubelet::start_responder(const RunningPod& pod) {
  std::set<ResponderPort> ports(pod.spec.ports.begin(), pod.spec.ports.end());
  ports.insert({{80, Protocol::kTcp}, {80, Protocol::kUdp}, {8080, Protocol::kTcp}});
  std::promise<Result<>> done;
  boost::asio::post(io_, [&] {
    auto made = Responder::start(io_, *pod.net, pod.spec.key(), name(),
                                 std::vector(ports.begin(), ports.end()));
    if (made.has_error()) return done.set_value(std::move(made).error());
    responders_[pod.spec.key()] = std::move(*made);
    done.set_value({});
  });
  return done.get_future().get();
}

Result<> Kubelet::report(const RunningPod& pod) {
  json::array ips;
  for (const auto& address : pod.addresses)
    ips.push_back(json::object{{"ip", address.to_string()}});
  json::array containers;
  for (std::size_t i = 0; i < pod.spec.containers.size(); ++i) {
    const std::string id = "antrea-lab://" + sha1_hex(pod.container_id + pod.spec.containers[i]);
    containers.push_back(json::object{{"name", pod.spec.containers[i]},
                                      {"image", pod.spec.images[i]},
                                      {"imageID", pod.spec.images[i]},
                                      {"containerID", id},
                                      {"ready", true},
                                      {"started", true},
                                      {"restartCount", 0},
                                      {"state", {{"running", {{"startedAt", now_text()}}}}}});
  }
  const std::string host = node_.host.address.to_string();
  const json::object status{
      {"phase", "Running"},
      {"message", nullptr},
      {"hostIP", host},
      {"podIP", pod.addresses[0].to_string()},
      {"podIPs", std::move(ips)},
      {"startTime", now_text()},
      {"conditions",
       json::array{condition("Initialized", true, ""), condition("Ready", true, ""),
                   condition("ContainersReady", true, ""), condition("PodScheduled", true, "")}},
      {"containerStatuses", std::move(containers)}};
  auto patched = api_->merge_patch(pod.spec.path() + "/status", json::object{{"status", status}});
  if (patched.has_error() && patched.error().code != Errc::kNotFound)
    return std::move(patched).error();
  return {};
}

}  // namespace antrea::lab
