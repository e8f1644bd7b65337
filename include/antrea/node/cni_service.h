#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "antrea/base/asio.h"
#include "antrea/base/log.h"
#include "antrea/ipam/host_local_store.h"
#include "antrea/node/cni_types.h"
#include "antrea/node/interface_store.h"
#include "antrea/node/pod_link.h"

namespace antrea::node {

/// Where a Pod's interface is plugged in: the switch and its flows.
class ANTREA_API PodNetwork {
 public:
  virtual ~PodNetwork() = default;
  /// Adds the port and, in one atomic step, all forwarding and policy flows of the Pod; completes
  /// once the switch has acknowledged them, with the port's number. After an error nothing of it is
  /// left.
  virtual boost::asio::awaitable<Result<std::uint32_t>> attach(Interface interface) = 0;
  /// Flows first, then the port. What is not there counts as removed.
  virtual boost::asio::awaitable<Result<>> detach(Interface interface) = 0;
};

struct CniServiceOptions {
  std::uint32_t mtu = 0;     ///< of Pod interfaces; 0: the kernel's default
  bool tx_checksum = true;   ///< see PodLinkSpec
  std::string netns_prefix;  ///< put before CNI_NETNS, e.g. "/host" in a container
  Duration ready_timeout = std::chrono::seconds(30);
};

/// What the agent does for ADD, CHECK and DEL. All calls on one executor; those of one container
/// run one after the other, those of different ones interleave. Blocking system calls run on a
/// small pool of threads.
class ANTREA_API CniService {
 public:
  /// The references must outlive the service.
  CniService(boost::asio::any_io_executor executor, CniServiceOptions options,
             InterfaceStore& interfaces, ipam::HostLocalStore& addresses, PodNetwork& network,
             Logger logger);
  ~CniService();

  /// Lets ADD go on: the Pod network works, and these are the Node's ranges, one set per family.
  void set_ready(std::vector<ipam::RangeSet> ranges);

  /// The result as JSON in the configuration's version. A repeated ADD gives the first one's
  /// result.
  boost::asio::awaitable<cni::Outcome<std::string>> add(cni::Arguments arguments,
                                                        std::string configuration);
  boost::asio::awaitable<cni::Outcome<>> check(cni::Arguments arguments, std::string configuration);
  boost::asio::awaitable<cni::Outcome<>> del(cni::Arguments arguments, std::string configuration);

  /// Removes an interface whose Pod is gone, as DEL would.
  boost::asio::awaitable<Result<>> remove(Interface interface);

 private:
  class ContainerLock;
  boost::asio::awaitable<cni::Outcome<cni::CniResult>> add_locked(cni::Arguments arguments,
                                                                  cni::NetworkConfig config,
                                                                  api::ObjectKey pod);
  boost::asio::awaitable<Result<>> remove_locked(Interface interface);
  PodLinkSpec link_of(const Interface& interface) const;
  std::string netns_path(const std::string& netns) const { return options_.netns_prefix + netns; }

  boost::asio::any_io_executor executor_;
  CniServiceOptions options_;
  InterfaceStore& interfaces_;
  ipam::HostLocalStore& addresses_;
  PodNetwork& network_;
  Logger logger_;
  std::vector<ipam::RangeSet> ranges_;  // empty until ready
  Signal changed_;                      // became ready, or a container was unlocked
  std::set<std::string> busy_;          // containers under work
  boost::asio::thread_pool pool_{4};
  boost::asio::thread_pool announcer_{1};
};

/// The gRPC face of a service, on a Unix socket (mode 0600 in a folder made with mode 0750).
class ANTREA_API CniServer {
 public:
  /// Errors: kAlreadyExists when another agent listens there, kIo, kPermissionDenied.
  static Result<std::unique_ptr<CniServer>> start(boost::asio::any_io_executor executor,
                                                  CniService& service, const std::string& socket);
  virtual ~CniServer() = default;
  /// Refuses new calls and hangs up on those under way. To be called on the executor's thread, or
  /// after it has ended.
  virtual void stop() = 0;
};

}  // namespace antrea::node
