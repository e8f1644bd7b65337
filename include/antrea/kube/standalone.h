#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "antrea/base/clock.h"
#include "antrea/base/export.h"
#include "antrea/base/ip.h"
#include "antrea/base/log.h"
#include "antrea/base/result.h"
#include "antrea/kube/resource_type.h"

/// What a cluster's controllers do for Services and Nodes, for an API server that has no cluster
/// around it: engines that decide, and StandaloneControllers, which connects them with an
/// ApiServer.
namespace antrea::kube {

class ApiServer;

/// A write that an engine asks for. `object` is complete, without resourceVersion; empty at a
/// deletion.
struct ObjectWrite {
  enum class Type : std::uint8_t { kCreate, kUpdate, kDelete };
  Type type = Type::kCreate;
  std::string kind;  ///< "EndpointSlice", "Endpoints"
  std::string namespace_, name;
  boost::json::object object;
};

/// Keeps the EndpointSlices and the Endpoints of Services that have a selector: one set of slices
/// for each address family and each set of ports (named target ports differ between Pods), at most
/// 100 endpoints in each.
///
/// Told of every Service, Pod and Node, and of what is stored of EndpointSlices and Endpoints. It
/// only touches those slices that say they are its own, and Endpoints of the name of a Service with
/// selector. Deterministic: the order in which it is told changes nothing in the end, names follow
/// from what a slice stands for.
class ANTREA_API EndpointSliceEngine {
 public:
  EndpointSliceEngine();
  ~EndpointSliceEngine();

  /// One object came or changed, or went if `deleted`. Kinds: Service, Pod, Node, EndpointSlice,
  /// Endpoints; others are ignored.
  void observe(std::string_view kind, const boost::json::object& object, bool deleted);
  /// The writes that make what is stored right, and nothing if it is. Until they are observed, or
  /// reported by failed(), they are not asked for again.
  std::vector<ObjectWrite> take_writes();
  /// The write was refused: it will be asked for again.
  void failed(const ObjectWrite& write);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Gives Services their cluster IPs and node ports.
///
/// The choice follows from the Service's name, so that one that is made again gets the same
/// address, unless it is taken. What admit() gave is held for a minute; observe() tells that it was
/// stored, or is free again.
class ANTREA_API ServiceAllocator {
 public:
  struct Options {
    std::vector<IpPrefix> ranges = {
        IpPrefix(IpAddress::v4(0x0a600000), 16)};  ///< one of each family at most
    std::uint16_t first_node_port = 30000, last_node_port = 32767;
  };
  ServiceAllocator() : ServiceAllocator(Options{}) {}
  explicit ServiceAllocator(Options options);

  /// Completes a Service that has gone through its defaults; errors in the words of the API server.
  /// `old` is null at a creation.
  std::vector<FieldError> admit(boost::json::object& service, const boost::json::object* old,
                                TimePoint now);
  /// What is stored of a Service, or that it went.
  void observe(const boost::json::object& service, bool deleted);

 private:
  struct Holding {
    std::set<IpAddress> addresses;
    std::set<std::uint16_t> node_ports;
    std::optional<TimePoint> until;  // none once stored
  };
  class Transaction;

  Options options_;
  std::map<std::string, Holding, std::less<>> holdings_;  // by "namespace/name"
  std::map<IpAddress, std::string> addresses_;            // to the holder
  std::map<std::uint16_t, std::string> node_ports_;

  void release(std::string_view key);
  void hold(const std::string& key, Holding holding);
};

/// Gives Nodes their Pod CIDRs: the lowest free subnet of each cluster CIDR.
class ANTREA_API NodeCidrAllocator {
 public:
  struct Range {
    IpPrefix whole;
    unsigned node_length = 24;  ///< prefix length of a Node's part
  };
  NodeCidrAllocator() : NodeCidrAllocator({{IpPrefix(IpAddress::v4(0x0a0a0000), 16), 24}}) {}
  explicit NodeCidrAllocator(std::vector<Range> ranges) : ranges_(std::move(ranges)) {}

  /// Completes a Node that has no podCIDR; one that has keeps it. What was given is held for a
  /// minute. An error names the exhausted range.
  std::vector<FieldError> admit(boost::json::object& node, TimePoint now);
  void observe(const boost::json::object& node, bool deleted);

 private:
  struct Holding {
    std::vector<IpPrefix> subnets;
    std::optional<TimePoint> until;  // none once stored
  };
  bool is_free(const IpPrefix& subnet) const;

  std::vector<Range> ranges_;
  std::map<std::string, Holding, std::less<>> holdings_;  // by Node
};

struct StandaloneOptions {
  ServiceAllocator::Options services;
  std::vector<NodeCidrAllocator::Range> pod_cidrs = {{IpPrefix(IpAddress::v4(0x0a0a0000), 16), 24}};
  Logger logger;
};

/// The shell: admits Services and Nodes, keeps EndpointSlices and Endpoints, and gives every
/// Namespace the ServiceAccount `default`.
class ANTREA_API StandaloneControllers {
 public:
  /// `executor` is that of the server, which must outlive the controllers. What is stored is known
  /// before this returns. Errors: as of ApiServer::list and watch.
  static Result<std::unique_ptr<StandaloneControllers>> start(boost::asio::any_io_executor executor,
                                                              ApiServer& server,
                                                              StandaloneOptions options = {});
  ~StandaloneControllers();
  StandaloneControllers(const StandaloneControllers&) = delete;
  StandaloneControllers& operator=(const StandaloneControllers&) = delete;

 private:
  struct State;
  explicit StandaloneControllers(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace antrea::kube
