#include "antrea/node/cni_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <utility>

#include "antrea/base/hash.h"
#include "antrea/node/interface_name.h"

namespace antrea::node {
namespace {

namespace asio = boost::asio;
using asio::awaitable;

/// What blocks in the kernel: one function of pod_link.h on one argument.
template <typename Argument>
awaitable<Result<>> call(Result<> (*function)(const Argument&), Argument argument) {
  co_return function(argument);
}

/// Runs it on the pool and comes back to the caller's executor.
template <typename Argument>
awaitable<Result<>> run_on(asio::thread_pool& pool, Result<> (*function)(const Argument&),
                           Argument argument) {
  co_return co_await asio::co_spawn(pool.get_executor(), call(function, std::move(argument)),
                                    asio::use_awaitable);
}

/// A locally administered unicast address that belongs to a container and one end of its link for
/// good.
MacAddress mac_from(const std::string& identity) {
  const auto digest = sha1(identity);
  MacAddress mac;
  std::copy_n(digest.begin(), mac.bytes.size(), mac.bytes.begin());
  mac.bytes[0] = static_cast<std::uint8_t>((mac.bytes[0] & 0xfc) | 0x02);
  return mac;
}

MacAddress host_mac_of(const Interface& interface) {
  return mac_from("host/" + interface.container_id + "/" + interface.if_dev);
}

cni::Failure failed(cni::Code code, Error error) { return {code, std::move(error)}; }

}  // namespace

/// Holds a container for one command; the others wait.
class CniService::ContainerLock {
 public:
  static awaitable<std::unique_ptr<ContainerLock>> acquire(CniService& service, std::string id) {
    while (!service.busy_.insert(id).second) co_await service.changed_.wait();
    co_return std::unique_ptr<ContainerLock>(new ContainerLock(service, std::move(id)));
  }
  ~ContainerLock() {
    service_.busy_.erase(id_);
    service_.changed_.notify();
  }
  ContainerLock(const ContainerLock&) = delete;
  ContainerLock& operator=(const ContainerLock&) = delete;

 private:
  ContainerLock(CniService& service, std::string id) : service_(service), id_(std::move(id)) {}
  CniService& service_;
  std::string id_;
};

CniService::CniService(asio::any_io_executor executor, CniServiceOptions options,
                       InterfaceStore& interfaces, ipam::HostLocalStore& addresses,
                       PodNetwork& network, Logger logger)
    : executor_(executor),
      options_(std::move(options)),
      interfaces_(interfaces),
      addresses_(addresses),
      network_(network),
      logger_(std::move(logger)),
      changed_(std::move(executor)) {}

CniService::~CniService() { pool_.join(); }

void CniService::set_ready(std::vector<ipam::RangeSet> ranges) {
  ranges_ = std::move(ranges);
  changed_.notify();
}

PodLinkSpec CniService::link_of(const Interface& interface) const {
  PodLinkSpec spec;
  spec.netns = netns_path(interface.net_ns);
  spec.name = interface.if_dev;
  spec.host_name = interface.name;
  spec.mac = interface.mac;
  spec.host_mac = host_mac_of(interface);
  spec.mtu = options_.mtu;
  spec.tx_checksum = options_.tx_checksum;
  for (const IpAddress& ip : interface.ips)
    for (const ipam::RangeSet& set : ranges_)
      for (const ipam::Range& range : set.ranges())
        if (range.subnet.contains(ip))
          spec.addresses.push_back({ip, range.subnet.length(), range.gateway});
  return spec;
}

awaitable<cni::Outcome<std::string>> CniService::add(cni::Arguments arguments,
                                                     std::string configuration) {
  ANTREA_CO_TRY(auto config, cni::decode_network_config(configuration));
  ANTREA_CO_CHECK(cni::check_arguments(arguments));
  ANTREA_CO_TRY(auto pod, cni::pod_of(arguments.args));
  if (arguments.netns.empty())
    co_return failed(cni::Code::kInvalidEnvironment,
                     make_error(Errc::kInvalidArgument, "CNI_NETNS is empty", pod.to_string()));

  const TimePoint deadline = std::chrono::steady_clock::now() + options_.ready_timeout;
  while (ranges_.empty())
    if (!co_await changed_.wait_until(deadline))
      co_return failed(cni::Code::kTryAgainLater,
                       make_error(Errc::kUnavailable, "ADD: the Pod network is not ready yet",
                                  pod.to_string(), "see the agent's log"));

  const auto lock = co_await ContainerLock::acquire(*this, arguments.container_id);
  const std::string version = config.cni_version;
  const std::string name =
      fmt::format("Pod {} (container {})", pod.to_string(), arguments.container_id);
  auto result = co_await add_locked(std::move(arguments), std::move(config), std::move(pod));
  if (!result) {
    cni::Failure failure = std::move(result).error();
    if (failure.error.object.empty()) failure.error.object = name;
    logger_->error("ADD {}: {}", name, failure.error.to_string());
    co_return failure;
  }
  co_return cni::encode_result(*result, version);
}

awaitable<cni::Outcome<cni::CniResult>> CniService::add_locked(cni::Arguments arguments,
                                                               cni::NetworkConfig config,
                                                               api::ObjectKey pod) {
  const auto result_of = [this](const Interface& interface) {
    const PodLinkSpec spec = link_of(interface);
    cni::CniResult result;
    result.interfaces.push_back({spec.host_name, spec.host_mac.to_string(), ""});
    result.interfaces.push_back({spec.name, spec.mac.to_string(), interface.net_ns});
    for (const PodAddress& each : spec.addresses) {
      result.ips.push_back({each.address, each.prefix_length, each.gateway, 1});
      result.routes.push_back(
          {IpPrefix(each.address.is_v4() ? IpAddress() : IpAddress::v6({}), 0), each.gateway});
    }
    return result;
  };

  if (const auto* const known =
          interfaces_.find_container(arguments.container_id, arguments.ifname)) {
    const Interface existing = *known;
    const PodLinkSpec spec = link_of(existing);
    if (existing.net_ns == arguments.netns && existing.ofport != 0) {
      const auto intact = co_await run_on(pool_, check_pod_link, spec);
      if (intact) co_return result_of(existing);
    }
    auto removed = co_await remove_locked(existing);
    if (!removed) co_return failed(cni::Code::kConfigInterfaceFailure, std::move(removed).error());
  }

  Interface interface;
  interface.name = host_interface_name(pod.name, arguments.container_id, arguments.ifname);
  interface.container_id = arguments.container_id;
  interface.if_dev = arguments.ifname;
  interface.net_ns = arguments.netns;
  interface.mac = mac_from("pod/" + arguments.container_id + "/" + arguments.ifname);
  interface.pod = std::move(pod);

  const ipam::Owner owner{arguments.container_id, arguments.ifname};
  auto leases = addresses_.allocate(owner, ranges_);
  if (!leases) co_return failed(cni::Code::kIpamFailure, std::move(leases).error());
  for (const ipam::Lease& lease : *leases) interface.ips.push_back(lease.address);

  PodLinkSpec spec = link_of(interface);
  if (config.mtu != 0) spec.mtu = config.mtu;
  auto created = co_await run_on(pool_, create_pod_link, spec);
  if (!created) {
    (void)addresses_.release(owner);
    co_return failed(cni::Code::kConfigInterfaceFailure, std::move(created).error());
  }
  auto ofport = co_await network_.attach(interface);
  if (!ofport) {
    const auto deleted = co_await run_on(pool_, delete_pod_link, interface.name);
    if (deleted) (void)addresses_.release(owner);
    co_return failed(cni::Code::kConfigInterfaceFailure, std::move(ofport).error());
  }
  interface.ofport = *ofport;
  interfaces_.add(interface);
  // Nobody waits for it: closing its socket costs the kernel more than all the rest of an ADD.
  asio::post(announcer_, [spec, logger = logger_] {
    const auto announced = announce_pod_addresses(spec);
    if (!announced) logger->debug("{}: {}", spec.host_name, announced.error().to_string());
  });
  logger_->info("ADD Pod {}: {} port {}", interface.pod.to_string(), interface.name,
                interface.ofport);
  co_return result_of(interface);
}

awaitable<cni::Outcome<>> CniService::check(cni::Arguments arguments, std::string configuration) {
  ANTREA_CO_TRY(const auto config, cni::decode_network_config(configuration));
  ANTREA_CO_CHECK(cni::check_arguments(arguments));
  const auto lock = co_await ContainerLock::acquire(*this, arguments.container_id);
  const auto* const known = interfaces_.find_container(arguments.container_id, arguments.ifname);
  if (known == nullptr)
    co_return failed(cni::Code::kUnknownContainer,
                     make_error(Errc::kNotFound, "CHECK: no such interface",
                                arguments.container_id + "/" + arguments.ifname));
  const Interface interface = *known;
  if (config.prev_result) {
    for (const cni::IpConfig& ip : config.prev_result->ips) {
      if (std::ranges::find(interface.ips, ip.address) != interface.ips.end()) continue;
      co_return failed(
          cni::Code::kCheckInterfaceFailure,
          make_error(Errc::kConflict,
                     fmt::format("CHECK: prevResult has {}, which the interface has not",
                                 ip.address.to_string()),
                     interface.name));
    }
  }
  const PodLinkSpec spec = link_of(interface);
  auto intact = co_await run_on(pool_, check_pod_link, spec);
  if (!intact) co_return failed(cni::Code::kCheckInterfaceFailure, std::move(intact).error());
  co_return cni::Outcome<>();
}

awaitable<cni::Outcome<>> CniService::del(cni::Arguments arguments, std::string configuration) {
  ANTREA_CO_TRY(const auto config, cni::decode_network_config(configuration));
  ANTREA_CO_CHECK(cni::check_arguments(arguments));
  const auto lock = co_await ContainerLock::acquire(*this, arguments.container_id);
  const auto* const known = interfaces_.find_container(arguments.container_id, arguments.ifname);
  if (known == nullptr) {
    auto released = addresses_.release({arguments.container_id, arguments.ifname});
    if (!released) co_return failed(cni::Code::kIpamFailure, std::move(released).error());
    co_return cni::Outcome<>();
  }
  const Interface interface = *known;
  auto removed = co_await remove_locked(interface);
  if (!removed) {
    logger_->error("DEL Pod {}: {}", interface.pod.to_string(), removed.error().to_string());
    co_return failed(cni::Code::kConfigInterfaceFailure, std::move(removed).error());
  }
  logger_->info("DEL Pod {}: {}", interface.pod.to_string(), interface.name);
  co_return cni::Outcome<>();
}

awaitable<Result<>> CniService::remove(Interface interface) {
  const auto lock = co_await ContainerLock::acquire(*this, interface.container_id);
  co_return co_await remove_locked(std::move(interface));
}

// Flows before the port, the port before the address: nobody else may get the address while flows
// still let this Pod use it, nor while its interface holds it.
awaitable<Result<>> CniService::remove_locked(Interface interface) {
  ANTREA_CO_CHECK(co_await network_.detach(interface));
  ANTREA_CO_CHECK(co_await run_on(pool_, delete_pod_link, interface.name));
  interfaces_.remove(interface.name);
  ANTREA_CO_CHECK(addresses_.release({interface.container_id, interface.if_dev}));
  co_return Result<>();
}

}  // namespace antrea::node
